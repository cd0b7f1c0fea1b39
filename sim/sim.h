/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim.h - simulated flash, stricter than silicon, that can lose power at any operation.
 *
 * A board has one power supply and some flash devices, in memory or in one file. Each
 * device implements struct otter_flash. An operation is what a part does in one go: one
 * erase (sector or block), one programmed page, one row write. Power can be cut at the
 * n-th operation with a chosen outcome; after "power on" the flash is as torn as that.
 *
 * Broken rules (program of a unit that is not freshly erased, wrong alignment, out of
 * bounds) are violations: reported through a hook, or by abort() with a plain message.
 *
 * Planes hold the difference from the erased value, so an untouched device is a hole in
 * the file. Operations go to the file at once and in an order that survives kill -9: a
 * unit whose operation did not end is known to be torn. Host code; needs a heap.
 */
#ifndef OTTER_SIM_SIM_H
#define OTTER_SIM_SIM_H

#include "otter/flash.h"

#define SIM_DEVICES_MAX 4u
#define SIM_NAME_SIZE 32u

/* What a cut leaves of the operation it hits. */
enum sim_outcome {
    SIM_NOT_DONE,
    SIM_DONE,        /* complete, and power lost right behind it */
    SIM_FIRST_HALF,  /* first half of the bytes is new, the rest as before */
    SIM_SECOND_HALF,
    SIM_RANDOM,      /* each bit before or after, by chance */
    SIM_BARELY,      /* a few bits changed */
    SIM_NEARLY,      /* program: a few bits missing; erase: first quarter programmed full */
    SIM_WEAK,        /* reads as done, but the cells are not: some bits flicker in a program */
    SIM_UNSTABLE,    /* every read gives old, new, or a mixture */
    SIM_ALTERNATE,   /* reads give new, old, new, old ...: the next two always differ */
    SIM_BY_BOOT,     /* reads as new after one power on, as old after the next, and so on */
    SIM_ECC,         /* every read of it is OTTER_ERR_IO */
    SIM_NEIGHBOURS,  /* random, and a few bits of the units on each side (docs/power-cuts.md) */
    SIM_OUTCOMES
};
#define SIM_OUTCOMES_USUAL ((unsigned)SIM_NEIGHBOURS) /* the ones a protocol must survive */

const char *sim_outcome_str(enum sim_outcome outcome); /* "not-done", ...; never NULL */
bool sim_outcome_parse(const char *name, enum sim_outcome *ret_outcome);

/* A part, and its time model in microseconds. */
struct sim_geometry {
    char name[SIM_NAME_SIZE];
    uint32_t size, sector_size, prog_size;
    uint32_t block_size; /* 0: no larger erase */
    uint32_t page_size;  /* most bytes of one program operation; a multiple of prog_size */
    uint8_t erased;
    bool row_write;      /* has otter_flash.write: one operation per sector */
    uint32_t erase_us, block_us; /* sector, block */
    uint32_t page_us, unit_us;   /* a program operation: page_us + units * unit_us */
    uint32_t write_us;           /* row write */
};

/* Parts by name; parts.c has the list and where the times come from. NULL: unknown. */
const struct sim_geometry *sim_part(const char *name);

struct sim_power {
    uint64_t ops;             /* operations so far, all devices */
    uint64_t cut_at;          /* power is lost at this one (ops == cut_at); 0: never */
    enum sim_outcome outcome;
    uint64_t random;          /* generator state: torn bits, unstable reads */
    uint64_t time_us;         /* sum over all operations, one after another */
    uint64_t violations;
    char violation[192];      /* the last one, in words */
    void (*lost)(void *ctx);  /* power is gone: must not return (longjmp, _exit) */
    void (*violated)(void *ctx, const char *what); /* NULL: print and abort */
    void *ctx;
};

/* Cut at the n-th operation from now (1: the next one). */
void sim_power_cut_after(struct sim_power *power, uint64_t n, enum sim_outcome outcome);
uint64_t sim_random(uint64_t *state); /* splitmix64 */

/* Reads that go wrong: the n-th read of [off, off + size) from now on, `count` of them. */
struct sim_read_fault {
    uint64_t after; /* 1: the next one; 0: none goes wrong */
    uint64_t count; /* UINT64_MAX: for ever */
    uint32_t off, size;
    bool silent;    /* false: OTTER_ERR_IO; true: one bit is wrong, another one than in the read before */
    uint64_t lies;  /* so far */
};

struct sim_count {
    uint64_t erases, blocks, pages, writes; /* operations by kind */
    uint64_t erased_bytes, prog_bytes;      /* a row write is in both */
    uint64_t reads, read_bytes;
    uint64_t busy_us;                       /* this device's own clock */
};

struct sim_flash {
    struct otter_flash flash; /* what the code under test sees; ctx is this object */
    struct sim_geometry geometry;
    struct sim_power *power;
    struct sim_count count;
    uint8_t *data, *other; /* stored bits; for unstable units the other reading; XOR erased */
    uint8_t *unit;         /* enum sim_unit per program unit */
    uint32_t *wear;        /* erases per sector */
    uint8_t *mark;         /* per sector, enum sim_mark; not in the file */
    struct sim_read_fault fault;
    uint64_t *digest;      /* per sector, of data and unit; true unless SIM_MARK_STALE */
    bool any_marginal;     /* some unit may be marginal: reads must look */
};

enum sim_unit {
    SIM_UNIT_ERASED,
    SIM_UNIT_PROGRAMMED,
    SIM_UNIT_TORN,    /* this and below: marginal; must be erased before use */
    SIM_UNIT_WEAK,
    SIM_UNIT_UNSTABLE,
    SIM_UNIT_ECC,
    SIM_UNIT_NEW_NEXT, /* alternate: what the next read gives */
    SIM_UNIT_OLD_NEXT,
    SIM_UNIT_NEW_NOW,  /* by-boot: what every read gives until the next power on */
    SIM_UNIT_OLD_NOW
};

/* The bytes as stored, and the factory's programmer: no rules, nothing counted. */
void sim_flash_peek(const struct sim_flash *flash, uint32_t off, void *buf, size_t len);
void sim_flash_poke(struct sim_flash *flash, uint32_t off, const void *buf, size_t len);

/* Does the range touch a marginal unit? *ret_off (may be NULL): the first one. */
bool sim_flash_marginal(const struct sim_flash *flash, uint32_t off, size_t len, uint32_t *ret_off);

/* From now on the sector at `off` is worn out: erase, program and write fail (loud), or
 * seem to work and leave a wrong bit (silent). */
void sim_flash_break(struct sim_flash *flash, uint32_t off, bool silent);

/* Devices point into the board and the board into itself: it must not move. */
struct sim_board {
    struct sim_power power;
    struct sim_flash devices[SIM_DEVICES_MAX];
    unsigned devices_count;
    uint8_t *arena; /* the file, or memory: head page, then the planes of each device */
    size_t arena_size;
    uint64_t synced; /* snapshot the dirty marks refer to; 0: none */
};

/* Fresh devices, erased. path NULL: in memory; else a new file (OTTER_ERR_IO: errno). */
int sim_board_create(struct sim_board *board, const struct sim_geometry *parts, unsigned count,
                     uint64_t seed, const char *path);
int sim_board_open(struct sim_board *board, const char *path, uint64_t seed);
/* The same, to look at: what is done to it stays in memory, the file is as it was. */
int sim_board_view(struct sim_board *board, const char *path, uint64_t seed);
void sim_board_close(struct sim_board *board);

/* All devices' contents in memory. Restore copies only what changed. Counts go on. */
struct sim_snapshot *sim_snapshot_save(struct sim_board *board);
void sim_snapshot_restore(struct sim_board *board, const struct sim_snapshot *snapshot);
void sim_snapshot_free(struct sim_snapshot *snapshot);

/* A digest of all that a program could ever read: equal boards have equal ones. False: some
 * unit reads by chance, so the board has no future that is told by its contents. */
bool sim_board_digest(struct sim_board *board, uint64_t *ret_digest);

/* Power on: what reads by turns (SIM_BY_BOOT) takes its next turn. */
void sim_board_power_on(struct sim_board *board);

/* The sim device behind an area. */
struct sim_flash *sim_flash_of(const struct otter_area *area);

/* Private to sim/: the torn result of an operation; data NULL: erase. */
void sim_torn(struct sim_flash *flash, uint32_t off, uint32_t len, const uint8_t *data,
              bool row_write);
void sim_flash_bind(struct sim_flash *flash, struct sim_power *power);
enum sim_mark {
    SIM_MARK_TOUCHED = 1,
    SIM_MARK_DIRTY = 2,
    SIM_MARK_LOUD = 4,
    SIM_MARK_SILENT = 8,
    SIM_MARK_STALE = 16, /* the digest is not true */
    SIM_MARK_CHANCE = 32 /* with a true digest: some unit reads by chance */
};
void sim_flash_touch(struct sim_flash *flash, uint32_t off, uint32_t len);

#endif
