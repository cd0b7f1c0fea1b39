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
#include "test/powerloss/ends.h"
#include "test/powerloss/images.h"

#include <setjmp.h>

#define LIFE_IMAGES 6u
#define LIFE_OFFERS 6u
#define LIFE_BOOTS_MAX 40u /* of a life without cuts; each cut may cost LIFE_BOOTS_CUT more */
#define LIFE_BOOTS_CUT 4u
#define LIFE_TRIAL_BOOTS 3u
#define LIFE_CUTS_MAX 10u
#define LIFE_LEVELS 2u     /* recorded: the life without cuts, and one recovery */

/* What a failed check says about the device. */
enum harm {
    HARM_BRICK,        /* nothing starts, or it never comes to rest */
    HARM_WRONG_IMAGE,  /* a mixture, a rejected one, one that was not kept, a floor that fell */
    HARM_LOST_CONFIRM,
    HARM_LOST_REJECT,  /* or the reason of it */
    HARM_OTHER,        /* a rule of the flash broken, wear, the two programs disagree */
    HARMS
};

/* What the server offers, in order, and how the image behaves on trial. */
enum behaviour {
    CONFIRMS,
    HANGS,
    RESETS,
    GIVES_UP,
    PERMANENT,
    COUNTS_DOWN,  /* its security counter is below that of the image that runs */
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
    struct offer offers[LIFE_OFFERS];
    unsigned offers_count;
    uint8_t sizes[LIFE_IMAGES]; /* percent of the largest image, per image */
    uint8_t versions[LIFE_IMAGES];
    uint8_t counters[LIFE_IMAGES]; /* security counters; 0: none */
    unsigned final;             /* image that must run in the end, swap maps */
    unsigned final_overwrite;
    bool progress;              /* save and use download progress */
    bool jobs;                  /* each download is a signed job, with a Sequence of its own */
    bool primary_dies;          /* once all offers are settled */
    bool swap_only;
    bool delta;                 /* image 1 comes as a patch of image 0, by the real agent */
};

struct world {
    unsigned offer;               /* index of the offer that is open */
    uint8_t may_run, rejected;    /* bit per image */
    uint8_t refused;              /* bit per image: the bootloader did not install it */
    uint8_t requested;            /* bit per image: the record may surface late */
    uint8_t used_up;              /* bit per image: power cuts took all its attempts */
    uint16_t reasons;             /* bit per reason that was acknowledged */
    uint8_t confirmed;            /* bit per image: was confirmed, or ran at rest */
    uint8_t floor, floor_counter; /* the highest that the application ever read */
    unsigned job;                 /* the highest Sequence that was accepted; Issued is ten times that */
    unsigned trials[LIFE_IMAGES]; /* starts on trial */
    uint8_t odd;                  /* 1 + area that was out of order, 5: the journal lied; less is asked */
    bool hung;                    /* the watchdog ends this boot */
    bool reason_due;              /* a reason must be read before anything else */
    bool died, fallback_gone;
    unsigned rests;               /* boots with nothing left to do */
};

struct cut {
    uint64_t after; /* operations, counted from power on */
    enum sim_outcome outcome;
};

/* A power on, to come back to. */
struct session {
    struct sim_snapshot *snapshot;
    struct world world;
    uint64_t ops;    /* operations of the track before it */
    uint64_t random;
    unsigned boots;
};

/* The sessions of a life from a power on to its rest: without cuts, or behind one. */
struct track {
    struct session sessions[LIFE_BOOTS_MAX + LIFE_BOOTS_CUT];
    unsigned count;
    uint64_t ops; /* in all */
};

struct life {
    const struct scenario *scenario;
    struct sim_map map;
    struct sim_board board;
    struct otter_layout layout;
    struct test_image images[LIFE_IMAGES];
    struct world world;
    struct track tracks[LIFE_LEVELS];
    struct track *recording; /* NULL: none */
    uint64_t track_begin;    /* power.ops where the recorded track begins */
    uint64_t ops_at_boot;
    unsigned boots, boots_at_cut;
    bool record_next; /* what follows the last cut becomes a track */
    struct {
        uint64_t key;
        unsigned boots; /* before it */
    } keys[LIFE_BOOTS_MAX + LIFE_BOOTS_CUT * (LIFE_CUTS_MAX + 1)]; /* power ons of this life */
    unsigned keys_count;
    struct cut cuts[LIFE_CUTS_MAX];
    unsigned cuts_count, cuts_done;
    struct ends *ends;       /* of device states lived through before; NULL: live everything */
    uint64_t longest;        /* operations of the longest boot behind a cut */
    unsigned most_boots;     /* from the last cut to rest */
    struct sim_flash *faulty; /* its reads go wrong in this boot, or in what the application does then */
    struct sim_read_fault pending; /* for the application: after != 0 */
    struct sim_flash *pending_of;
    uint64_t fault_left;
    bool faulted;             /* reads went wrong in this life */
    bool lenient;             /* something is out of order: the life may end otherwise */
    bool worn;                /* a sector is: what does not work is no failure */
    bool not_started;         /* a boot found nothing to start, and may */
    bool verbose;
    jmp_buf out;
    enum harm harm;
    char failure[256];
    uint32_t *wear[SIM_DEVICES_MAX]; /* as it was at power on */
    uint8_t buf[2048];
};

/* Build board and images, live once without a cut, recorded as track 0. False:
 * life->failure says why. */
bool life_begin(struct life *life, const struct scenario *scenario, const struct sim_map *map,
                uint64_t seed);
void life_end(struct life *life);

/*
 * Live again with these cuts, each counted in operations from the power on before it (the
 * first one: over the whole life). Tracks[level] is the recording of a life with
 * cuts[0..level): it goes on from there. record: what follows cuts[level] becomes
 * tracks[level + 1].
 */
bool life_cut(struct life *life, unsigned level, const struct cut *cuts, unsigned cuts_count,
              bool record, uint64_t seed);

/* A read that goes wrong, from the n-th of its area on. */
struct read_fault {
    unsigned session;        /* of track 0 */
    bool in_app;             /* not in the boot, but in what the application does after it */
    unsigned area;           /* life_area */
    uint64_t at;             /* UINT64_MAX: never, to count */
    bool lasting, silent;    /* to the end of that boot; lies */
};

/*
 * Live from that session with the fault. A lasting one may end that boot with nothing to start
 * (not_started), and the life otherwise than planned. fault_left: what was left of `at`. What an
 * application cannot do for it is done in the next session: as behind a cut.
 */
bool life_fault(struct life *life, const struct read_fault *fault);

/* 0 primary, 1 secondary, 2 scratch, 3 journal. */
const struct otter_area *life_area(const struct life *life, unsigned index);

/* life_begin with a worn sector in an area. */
bool life_worn(struct life *life, const struct scenario *scenario, const struct sim_map *map,
               unsigned area, uint32_t off, bool silent);

/* The image that the primary holds; LIFE_IMAGES: none. */
unsigned life_primary(const struct life *life);

/* A digest of device and world where the track begins. False: chance has its part in it. */
bool life_key(struct life *life, const struct track *track, uint64_t *ret_key);

/* For the scenario's application: fail with a message (does not return). */
void life_fail(struct life *life, enum harm harm, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));

/* Something that failed for worn or faulty flash: the life ends, or the application resets
 * (does not return). */
void life_give_up(struct life *life) __attribute__((noreturn));

/* What the application does after a boot; false: the device is at rest. */
bool app_run(struct life *life, const struct otter_boot_choice *choice, unsigned running);

/* Image `to` is offered as a patch of `from`. */
void patch_offer(const struct test_image *from, const struct test_image *to);

/* The agent takes it. 0: it is requested; <0: it is not. */
int patch_install(struct life *life, struct otter_state *state, const struct offer *offer);

/* After every boot; fail unless everything holds. Returns the running image. */
unsigned check_boot(struct life *life, const struct otter_boot_choice *choice);

void check_state(struct life *life, const struct otter_boot_choice *choice,
                 const struct otter_state *state, unsigned running);

/* No sector is erased more often in one power cycle than the protocol needs. */
void check_wear_begin(struct life *life);
void check_wear(struct life *life);
void check_wear_of_life(struct life *life); /* of one that was not cut */

extern const struct scenario scenarios[];
extern const unsigned scenarios_count;
const struct scenario *scenario_find(const char *name); /* NULL: none is called that */
bool scenario_fits(const struct scenario *scenario, const struct sim_map *map);

#endif
