/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.h - one device's life: factory, boots, an application that updates, power cuts.
 *
 * The real bootloader and the real state run on simulated flash. What the world outside
 * the flash knows (which image may run now, which was confirmed, which was rejected) is
 * kept in struct world and checked against the device after every boot. A cut longjmps
 * out of whatever was running; the next boot starts from the flash as it was left.
 */
#ifndef OTTER_TEST_LIFE_H
#define OTTER_TEST_LIFE_H

#include "otter/boot.h"
#include "sim/maps.h"
#include "test/powerloss/images.h"

#include <setjmp.h>

#define LIFE_IMAGES 3u
#define LIFE_BOOTS_MAX 40u
#define LIFE_TRIAL_BOOTS 3u
#define LIFE_CUTS_MAX 3u

/* What the server offers, in order, and how the image behaves on trial. */
enum behaviour {
    CONFIRMS,
    HANGS,
    RESETS,
    GIVES_UP,
    PERMANENT,
    ROTS,         /* a bit of it changes in the secondary before it is requested */
    FALLBACK_ROTS /* hangs, and a bit of the fallback changes */
};

struct offer {
    unsigned image;
    enum behaviour behaviour;
};

enum start { FACTORY_FRESH, FACTORY_NOISE, PRIMARY_EMPTY, PRIMARY_GARBAGE };

struct scenario {
    const char *name;
    enum start start; /* image 0 in the primary; NOISE: random bytes in the journal */
    struct offer offers[2];
    unsigned offers_count;
    uint8_t sizes[LIFE_IMAGES]; /* percent of the largest image, per image */
    uint8_t versions[LIFE_IMAGES];
    unsigned final;             /* image that must run in the end, swap maps */
    unsigned final_overwrite;
    bool progress;              /* save and use download progress */
    bool primary_dies;          /* once all offers are settled */
    bool swap_only;
};

struct world {
    unsigned boots;
    unsigned offer;               /* index of the offer that is open */
    uint8_t may_run, rejected;    /* bit per image */
    uint8_t refused;              /* bit per image: the bootloader did not install it */
    unsigned trials[LIFE_IMAGES]; /* starts on trial */
    bool hung;                    /* the watchdog ends this boot */
    bool reason_due;              /* a reason must be read before anything else */
    bool died, fallback_gone;
    unsigned rests;               /* boots with nothing left to do */
};

struct cut {
    uint64_t after; /* operations, counted from power on */
    enum sim_outcome outcome;
};

struct session {
    struct sim_snapshot *snapshot;
    struct world world;
    uint64_t ops; /* before it, in the clean run */
};

struct life {
    const struct scenario *scenario;
    struct sim_map map;
    struct sim_board board;
    struct otter_layout layout;
    struct test_image images[LIFE_IMAGES];
    struct world world;
    struct session sessions[LIFE_BOOTS_MAX]; /* of the clean run, one per boot */
    unsigned sessions_count;
    uint64_t ops; /* of the clean run */
    uint64_t ops_at_boot;
    bool recording;
    struct cut cuts[LIFE_CUTS_MAX];
    unsigned cuts_count, cuts_done;
    bool verbose;
    jmp_buf out;
    char failure[256];
    uint8_t buf[2048];
};

/* Build board and images, live once without a cut. False: life->failure says why. */
bool life_begin(struct life *life, const struct scenario *scenario, const struct sim_map *map,
                uint64_t seed);
void life_end(struct life *life);

/* Live again from the boot that contains operation cuts[0].after (counted over the whole
 * clean run), with those cuts; later cuts count from the power on before them. */
bool life_cut(struct life *life, const struct cut *cuts, unsigned cuts_count, uint64_t seed);

/* For the scenario's application: fail with a message (does not return). */
void life_fail(struct life *life, const char *format, ...) __attribute__((format(printf, 2, 3), noreturn));

/* What the application does after a boot; false: the device is at rest. */
bool app_run(struct life *life, const struct otter_boot_choice *choice, unsigned running);

/* After every boot; fail unless everything holds. Returns the running image. */
unsigned check_boot(struct life *life, const struct otter_boot_choice *choice);

void check_state(struct life *life, const struct otter_boot_choice *choice,
                 const struct otter_state *state, unsigned running);

extern const struct scenario scenarios[];
extern const unsigned scenarios_count;

#endif
