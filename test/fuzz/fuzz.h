/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what the harnesses share: input taken apart, flash in memory, images, a way to fail.
 *
 * A harness is one file with LLVMFuzzerTestOneInput. With clang it is linked to libFuzzer, with
 * any other compiler to replay.c, which plays files and blind mutations of them. A harness keeps
 * nothing from one input to the next: the same input does the same thing, alone or in a crowd.
 */
#ifndef OTTER_TEST_FUZZ_H
#define OTTER_TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otter/image.h"
#include "otter/result.h"
#include "otter/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What must hold whatever the input is. */
#define REQUIRE(claim) ((claim) ? (void)0 : fuzz_fail(#claim, __FILE__, __LINE__))
_Noreturn void fuzz_fail(const char *claim, const char *file, int line);

/* The tool's messages go nowhere: stdout and stderr of stdio, not the descriptors. */
void fuzz_quiet(void);

/* Input from the front; what is not there any more is zero. */
struct fuzz_bytes {
    const uint8_t *at;
    size_t left;
};
uint8_t fuzz_u8(struct fuzz_bytes *bytes);
uint32_t fuzz_u16(struct fuzz_bytes *bytes);
uint32_t fuzz_u32(struct fuzz_bytes *bytes);
/* At most len bytes; *ret_len: how many there were. */
const uint8_t *fuzz_take(struct fuzz_bytes *bytes, size_t len, size_t *ret_len);
/* A copy on the heap, of exactly len bytes and a NUL, so that a byte too far is seen; free() it. */
char *fuzz_text(const uint8_t *data, size_t len);

/*
 * Flash as strict as the parts: a unit is programmed once between erases, everything is aligned,
 * nothing beyond the device is touched. A broken rule is a failure. Bytes that a test put there
 * count as programmed, also erased ones: nobody can tell a torn cell from an erased one.
 */
#define FUZZ_FLASH_MAX 0x20000u
struct fuzz_flash {
    struct otter_flash flash;
    uint8_t data[FUZZ_FLASH_MAX], used[FUZZ_FLASH_MAX];
    uint32_t reads, changes;       /* operations so far */
    uint32_t fail_read, fail_change; /* this one fails (1: the next); 0: none */
    uint32_t protect_from, protect_to; /* nothing may change here */
    uint32_t dead_from, dead_to; /* every read here fails */
    uint32_t worn_from, worn_to; /* every change here fails */
    bool refuses_twice; /* programming a unit twice is an error of the flash, not of the code */
};
/* geometry 0..FUZZ_GEOMETRIES - 1: sectors, program units, row writes, both erased values. */
#define FUZZ_GEOMETRIES 7u
void fuzz_flash_init(struct fuzz_flash *flash, unsigned geometry, uint32_t size);
void fuzz_flash_put(struct fuzz_flash *flash, uint32_t off, const void *data, size_t len);

/* Primary, secondary, scratch and journal on one small device. */
enum { FUZZ_SLOT_SIZE = 0x6000, FUZZ_IMAGE_MAX = 0x4000 };
struct otter_layout fuzz_layout(struct fuzz_flash *flash);

/* A key whose signature anybody can make: the hash backwards. */
extern const struct otter_key fuzz_keys[1];
/* A whole signed image of `size` bytes (at least FUZZ_IMAGE_MIN) into `image`. */
enum { FUZZ_IMAGE_MIN = 32 + 12 + 4 + 3 * 36 + 16 };
void fuzz_make_image(struct otter_version version, uint32_t counter, uint8_t *image, size_t size);
/* Such an image whose payload was changed: genuine again. */
void fuzz_sign_image(uint8_t *image, size_t size);
/* Is a genuine image at the start of the area, by slot/image.c and by the bytes' own hash? */
bool fuzz_is_genuine(const struct otter_area *area, struct otter_image *ret_image);

#endif
