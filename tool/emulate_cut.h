/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_cut.h - when an emulated board loses its power.
 *
 * A plan is a list of moments, used one after the other: "SECONDS" after power-on, "EVENT+SECONDS"
 * after that event; or a number of random ones, the same for the same seed. Times are
 * milliseconds of the board's clock (any that rises).
 */
#ifndef OTTER_TOOL_EMULATE_CUT_H
#define OTTER_TOOL_EMULATE_CUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CUTS_MAX 32u
#define CUT_NAME_SIZE 24u

struct emulate_cut {
    char event[CUT_NAME_SIZE]; /* "": power-on */
    uint32_t ms;               /* after it */
    uint32_t limit_ms;         /* at the latest, after power-on; 0: no such limit */
};

/* Zero-initialise. */
struct emulate_cuts {
    struct emulate_cut list[CUTS_MAX];
    uint32_t count;
    bool random;
    uint64_t state;         /* of the random numbers */
    uint32_t done, total;   /* cuts made, cuts planned */
    struct emulate_cut now; /* the one that is waited for */
    uint64_t on_ms;         /* of the last power-on */
    uint64_t event_ms;      /* the event was seen; 0: not yet */
};

/* Add --power-cut-at=TEXT, for "random" with the given number and seed: 0 or TOOL_USAGE. */
int emulate_cuts_add(struct emulate_cuts *cuts, const char *text, uint32_t random_count, uint64_t seed);

/* Power came on: the next cut is waited for. */
void emulate_cuts_on(struct emulate_cuts *cuts, uint64_t now_ms);
void emulate_cuts_watch(struct emulate_cuts *cuts, const json_t *event, uint64_t now_ms);

/* When the power goes, as far as is known now; 0: not known, or never. */
uint64_t emulate_cuts_due(const struct emulate_cuts *cuts);

/* It went: the moment as --power-cut-at would name it. */
struct emulate_cut emulate_cuts_made(struct emulate_cuts *cuts);

#endif
