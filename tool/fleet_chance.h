/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_chance.h - what happens to which device: decided by seed, device and question alone.
 *
 * No answer depends on when it is asked, so a fleet's decisions are the same in every run.
 */
#ifndef OTTER_TOOL_FLEET_CHANCE_H
#define OTTER_TOOL_FLEET_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fleet_question {
    FLEET_ASK_START, /* how far into the start spread */
    FLEET_ASK_BOARD,
    FLEET_ASK_RING,
    FLEET_ASK_VERSION,
    FLEET_ASK_FAIL,  /* of an image: `detail` is made of its hash */
    FLEET_ASK_HOW,   /* it fails: sick or hung */
    FLEET_ASK_CUT,   /* does its power fail at all */
    FLEET_ASK_JITTER,
    FLEET_ASK_DROP,  /* of a connection: `detail` counts them */
    FLEET_ASK_BYTE   /* where that one breaks */
};

/* 64 random bits. */
uint64_t fleet_ask(uint64_t seed, uint32_t device, enum fleet_question question, uint64_t detail);

/* The same in [0, 1). */
double fleet_part(uint64_t seed, uint32_t device, enum fleet_question question, uint64_t detail);

/* "5%", "0.5%", "5": a part of 1. */
bool fleet_percent(const char *text, double *ret_part);

/* A list "name[:P%],...", each with its share of the devices. */
#define FLEET_CHOICES_MAX 16u
struct fleet_choices {
    char *text; /* the names' memory */
    const char *names[FLEET_CHOICES_MAX];
    double shares[FLEET_CHOICES_MAX];
    size_t count;
};

/* `rest`: names without a share divide what the others leave (boards, versions); else they
 * must all have one, and what they leave is nobody's (rings). False: not such a list. */
bool fleet_choices_parse(const char *text, bool rest, struct fleet_choices *ret_choices);
void fleet_choices_free(struct fleet_choices *choices);

/* The name for a device at `part` of 1; NULL: none. */
const char *fleet_choose(const struct fleet_choices *choices, double part);

#endif
