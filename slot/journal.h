/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - the append-only log: fixed records in two halves. SPEC: docs/spec/30-journal.md.
 *
 * The journal knows records, their order and their proof; what they mean is the reader's
 * (state.c): it takes records while the journal is opened, and gives the live ones when a
 * half is full and the journal moves to the other.
 */
#ifndef OTTER_SLOT_JOURNAL_H
#define OTTER_SLOT_JOURNAL_H

#include "otter/state.h"

#define OTTER_RECORD_SIZE 32u
#define OTTER_RECORD_BODY_SIZE 20u
#define OTTER_MAP_HASH_SIZE 12u   /* of the flash map's hash, in HEAD */
#define OTTER_JOURNAL_SECTORS_MIN 6u /* per half */
#define OTTER_JOURNAL_CELLS_MIN 12u  /* per half */
#define OTTER_JOURNAL_LIVE_MAX (OTTER_REJECTS_MAX + 4u)

enum otter_record_type {
    OTTER_RECORD_HEAD = 1, /* vouches for the live records before it */
    OTTER_RECORD_STATE,    /* a full snapshot: the last one decides */
    OTTER_RECORD_IMAGE,    /* the image that was asked for */
    OTTER_RECORD_REJECT,
    OTTER_RECORD_FLOOR,    /* newest version and highest counter ever confirmed */
    OTTER_RECORD_DOWNLOAD
};

enum {
    OTTER_RECORD_FOLLOWS = 1, /* flag: the record before was completed in the same run */
    OTTER_RECORD_PERM = 2     /* flag of STATE: no trial */
};

struct otter_record {
    uint32_t seq;    /* all that follows is bytes, in the order in which they are stored */
    uint8_t type;
    uint8_t flags;
    uint8_t phase;   /* STATE: enum otter_phase */
    uint8_t verdict; /* STATE: attempts | reason << 4 */
    uint8_t body[OTTER_RECORD_BODY_SIZE];
};

uint32_t otter_crc32(const uint8_t *raw, uint32_t len);
void otter_record_encode(const struct otter_record *record, uint8_t raw[OTTER_RECORD_SIZE]);
bool otter_record_decode(const uint8_t raw[OTTER_RECORD_SIZE], struct otter_record *ret_record);

/* Who gives the records their meaning. */
struct otter_journal_reader {
    void *ctx;
    /* From the oldest live record on, HEADs too. NULL: forget all, from the start. */
    void (*take)(void *ctx, const struct otter_record *record);
    /* The index-th live record (type and what follows it; seq is the journal's). False:
     * there is none at this index; indices up to OTTER_JOURNAL_LIVE_MAX are asked. */
    bool (*give)(void *ctx, uint32_t index, struct otter_record *ret_record);
};

/* Read the journal in `area`. OTTER_OK; 1: no half is valid, the first append erases all and
 * begins anew; OTTER_ERR_IO: it does not read, leave it alone; OTTER_ERR_ARG: too small or not
 * on sectors; OTTER_ERR_REFUSED: another flash map's. map_hash: 12 bytes, borrowed as long as it is used. */
int otter_journal_open(struct otter_journal *journal, const struct otter_area *area,
                       const uint8_t *map_hash, const struct otter_journal_reader *reader);

/* Append one record, compacting first when the half is full. The record is on flash and
 * read back when this returns OTTER_OK. */
int otter_journal_append(struct otter_journal *journal, const struct otter_record *record,
                         const struct otter_journal_reader *reader);

/* Have the next append move to the other half unless this one is nearly empty: a swap
 * then runs without a compaction in between. */
void otter_journal_make_room(struct otter_journal *journal);

/* The newest is the last; one that is there already moves to the end, else the oldest goes. */
void otter_state_add_reject(struct otter_state *state, const struct otter_reject *reject);

/* State records, for the bootloader. Trailer mode writes what trailers can say of them. */
int otter_state_write(struct otter_state *state);            /* the snapshot as it stands */
int otter_state_write_reject(struct otter_state *state); /* the requested image; with a journal only */
/* Come to rest: IDLE with state->reason, proven by FLOOR behind it; `confirmed` (NULL: no
 * change) raises the floor. Trailer mode: clears the request. */
int otter_state_settle(struct otter_state *state, const struct otter_image *confirmed);
/* Is the floor below this image? */
bool otter_state_floor_rises(const struct otter_state *state, const struct otter_image *image);

#endif
