/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sequence.h - what happens to a device, step by step, on the real one and in the model.
 *
 * As text: "G60.R.C.A30.R@12/weak.R". A letter, for new images the size in percent of the largest,
 * and where power is lost in this step: at which flash operation, and what that leaves.
 */
#ifndef OTTER_TEST_MODEL_SEQUENCE_H
#define OTTER_TEST_MODEL_SEQUENCE_H

#include "test/model/device.h"

enum { STEPS_MAX = 40, TEXT_SIZE = 1024 };

enum what {
    OFFER_GOOD = 'G',
    OFFER_PERMANENT = 'P',
    OFFER_AGAIN = 'A',     /* the image that was offered last */
    OFFER_BAD = 'B',       /* a bit changes between its verification and the request */
    OFFER_OLDER = 'O',
    OFFER_LOWER = 'L',     /* newer version, lower security counter */
    OFFER_ELSEWHERE = 'W', /* built for another board */
    RESET = 'R',           /* power off and on */
    HANG = 'H',            /* the watchdog resets */
    CONFIRM = 'C',
    GIVE_UP = 'F',
    ACKNOWLEDGE = 'K',
    DAMAGE_PRIMARY = '1',
    DAMAGE_LOW = '2',
    DAMAGE_REST = '3',
    DAMAGE_OTHER_HALF = '4', /* of the journal */
    DAMAGE_HALF = '5'        /* the one in force: what was remembered may be lost */
};

struct step {
    char what;
    uint8_t percent;
    uint32_t cut; /* at which operation; 0: none */
    enum sim_outcome outcome;
};

struct sequence {
    struct step steps[STEPS_MAX];
    unsigned count;
};

void sequence_draw(struct sequence *sequence, uint64_t seed);
bool sequence_by_chance(enum sim_outcome outcome); /* does it leave bits that read by chance? */
void sequence_print(const struct sequence *sequence, char text[TEXT_SIZE]);
bool sequence_parse(struct sequence *sequence, const char *text);

struct sequence_result {
    bool passed;
    unsigned boots, cuts; /* cuts: that hit */
    char failure[256];
};

/* Live it on a fresh device of this map, and compare after every boot. */
void sequence_live(const struct sequence *sequence, const char *map, uint64_t seed, bool verbose,
                   struct sequence_result *ret_result);

/* Leave out what the failure does not need. */
void sequence_shrink(struct sequence *sequence, const char *map, uint64_t seed);

#endif
