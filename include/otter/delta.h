/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.h - patches: the new image out of the old one and a few bytes. Format: SPEC.md, "Delta".
 *
 * The decoder is a pure function of (old bytes, patch bytes). The patch is pushed in pieces
 * of any size, the result is pulled in pieces of any size, and the same bytes come out
 * however they were cut. The copy map, the model and a small window of the patch all lie in
 * struct otter_delta: no heap, no flash, no global state. Nothing the patch or the base says is
 * trusted: a wrong one ends in an error or in wrong bytes (which the image's hash refuses),
 * never outside `out`, never without an end.
 */
#ifndef OTTER_DELTA_H
#define OTTER_DELTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTTER_DELTA_HEADER_SIZE 47u
#define OTTER_DELTA_HASH_SIZE 16u      /* the first bytes of a SHA-256 */
#define OTTER_DELTA_SIZE_MAX 0xffffffu /* of base, result and patch: 24 bits */
#define OTTER_DELTA_MAP_MAX 216u       /* entries of the copy map */
#define OTTER_DELTA_LEARNT_MAX 16u     /* corrections remembered */

struct otter_delta_header {
    uint8_t version;
    uint8_t filter;
    uint32_t base_size;
    uint32_t size;       /* of the result */
    uint32_t patch_size; /* header included */
    uint32_t address;    /* where byte 0 of base and result runs */
    uint8_t base[OTTER_DELTA_HASH_SIZE];
    uint8_t result[OTTER_DELTA_HASH_SIZE];
};

/* OTTER_ERR_CORRUPT: not the head of a patch; OTTER_ERR_REFUSED: version or filter unknown. */
int otter_delta_read_header(const void *bytes, size_t len, struct otter_delta_header *ret_header);

/* Where the decoder reads. 0, or <0 which otter_delta_run returns as OTTER_ERR_IO. */
struct otter_delta_io {
    void *ctx;
    int (*read_old)(void *ctx, uint32_t off, void *buf, size_t len); /* inside base_size */
    int (*read_new)(void *ctx, uint32_t off, void *buf, size_t len); /* made by earlier calls; one byte */
};

/* ---- what follows is the decoder's own; its fields mean nothing to callers ---- */

struct otter_delta_coder { /* the range decoder and the patch bytes that wait for it */
    uint32_t range;
    uint32_t code;
    uint8_t window[112];
    uint8_t window_len;
    uint8_t window_off;
    uint8_t zeros; /* taken beyond the end of the patch */
};

struct otter_delta_entry { /* old bytes from old_off on lie at new_off in the result */
    uint16_t old_low;
    uint16_t new_low;
    uint8_t old_high;
    uint8_t new_high;
};

struct otter_delta_learnt { /* a reference that the map got wrong */
    uint32_t was;
    uint32_t is;
};

/* The model: probabilities that a bit is 1, in this order; then how far to trust each of three. */
enum otter_delta_model {
    OTTER_DELTA_MISS = 0,                                   /* [10][8] */
    OTTER_DELTA_OPCODE = OTTER_DELTA_MISS + 80,             /* [56] */
    OTTER_DELTA_PAST = OTTER_DELTA_OPCODE + 56,             /* [32][3] */
    OTTER_DELTA_FORM = OTTER_DELTA_PAST + 96,               /* [10][2]; from here with a count below */
    OTTER_DELTA_JUMP = OTTER_DELTA_FORM + 20,              /* [8] */
    OTTER_DELTA_ORIGIN = OTTER_DELTA_JUMP + 8,             /* [2] */
    OTTER_DELTA_NUMBER = OTTER_DELTA_ORIGIN + 2,           /* [5][36] */
    OTTER_DELTA_SECOND = OTTER_DELTA_NUMBER + 180,         /* [32] */
    OTTER_DELTA_BYTE = OTTER_DELTA_SECOND + 32,            /* [2][256] */
    OTTER_DELTA_EXPECTED = OTTER_DELTA_BYTE + 512,         /* [9][2] */
    OTTER_DELTA_GUESS = OTTER_DELTA_EXPECTED + 18,         /* [9][2] */
    OTTER_DELTA_MISS_WEIGHT = OTTER_DELTA_GUESS + 18,      /* [10][3], signed */
    OTTER_DELTA_BYTE_WEIGHT = OTTER_DELTA_MISS_WEIGHT + 30, /* [2][4][3], signed */
    OTTER_DELTA_MODEL_SIZE = OTTER_DELTA_BYTE_WEIGHT + 24
};

struct otter_delta {
    const struct otter_delta_io *io;
    const struct otter_delta_filter *filter;
    const uint8_t *out; /* of this call: the bytes from out_off on */
    struct otter_delta_header header;
    uint32_t result_max;
    uint32_t pos;        /* bytes made */
    uint32_t source;     /* the next byte is expected to be the one here */
    uint32_t from_off;   /* of the result: the entry of the map in use begins here */
    uint32_t next_off;   /* and here the next takes over */
    uint32_t taken;      /* bytes of the patch taken */
    uint32_t out_off;
    uint32_t old_off;    /* what `old` holds */
    int error;
    uint16_t entries;    /* of the map, so far */
    uint8_t entries_left; /* still to come */
    uint8_t entry;       /* in use */
    uint8_t step;
    bool from_new;       /* source is an offset of the result */
    bool second;         /* the next halfword of the base ends an instruction */
    uint8_t units;       /* since the last miss */
    uint8_t recent;      /* the same in steps that grow */
    uint8_t past;        /* which of the last units missed, a bit each */
    uint8_t hits;        /* which of the last bytes told were as expected */
    uint8_t guesses;     /* which of the others were as guessed */
    uint8_t difference[2]; /* what was last added to a low or high byte */
    uint8_t learnt_next;
    uint8_t pending_len;
    uint8_t pending_off;
    uint8_t pending[4];
    uint8_t old[32];
    struct otter_delta_coder coder;
    uint16_t model[OTTER_DELTA_MODEL_SIZE];
    uint16_t mix[4];     /* for the next bit: three of the model, and the weights of the first */
    int16_t opinion[3];  /* of each, as a logarithm */
    struct otter_delta_learnt learnt[OTTER_DELTA_LEARNT_MAX];
    struct otter_delta_entry map[OTTER_DELTA_MAP_MAX]; /* by new_off */
    uint8_t order[OTTER_DELTA_MAP_MAX]; /* the same by old_off */
};

/* io is borrowed until the last call. result_max: room for the result. */
void otter_delta_begin(struct otter_delta *delta, const struct otter_delta_io *io, uint32_t result_max);

/*
 * Take patch bytes (from the first byte of the header on), make result bytes.
 * 0: took or made what it could, wants more input or more room; 1: the result is complete;
 * OTTER_ERR_CORRUPT: this cannot be a patch, or bytes follow it; OTTER_ERR_REFUSED: version or
 * filter unknown; OTTER_ERR_NOSPACE: the result is larger than result_max; OTTER_ERR_IO: a read
 * failed; OTTER_ERR_ARG. An error stays. *ret_used and *ret_made are always written.
 */
int otter_delta_run(struct otter_delta *delta, const uint8_t *in, size_t in_len, size_t *ret_used,
                    uint8_t *out, size_t out_size, size_t *ret_made);

#endif
