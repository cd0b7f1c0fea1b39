/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta.c - a patch and its base, both hostile, through the device's decoder.
 *
 * Input: flags, cuts (u16), length of the base (u16), the base, then the patch. Flag 1: the header is
 * made right first (sizes, version, filter), so that what is behind it is reached; 2: a read fails; 4: the
 * filter is Thumb, when the header is made right.
 *
 * What must hold in each call is in test/delta/push.c. Besides: however the patch is cut, the same bytes
 * and the same verdict; and a patch that ends early is never complete.
 */
#include "fuzz.h"

#include "test/delta/push.h"

enum { REPAIR = 1, BROKEN = 2, THUMB = 4, RESULT_MAX = 0x8000, CUTS = 3, FAILS_BELOW = 256 };
/* Where the header has what is made right. */
enum { AT_MAGIC, AT_FILTER, AT_BASE_SIZE, AT_SIZE = 5, AT_PATCH_SIZE = 8, MAGIC = 0xd7, VERSION = 1 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void store24(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
}

static void repair(uint8_t *patch, size_t len, size_t base_len, unsigned flags)
{
    if (len < OTTER_DELTA_HEADER_SIZE) {
        return;
    }
    patch[AT_MAGIC] = MAGIC;
    patch[AT_FILTER] = (uint8_t)(VERSION << 4 | ((flags & THUMB) != 0 ? 1 : 0));
    store24(&patch[AT_BASE_SIZE], base_len);
    patch[AT_SIZE + 1] &= RESULT_MAX / 256 - 1;
    patch[AT_SIZE + 2] = 0;
    store24(&patch[AT_PATCH_SIZE], len);
}

/* All that a caller can tell apart. What a failing read interrupts, depends on the pieces. */
static void require_same(const struct pushed *one, const struct pushed *other)
{
    REQUIRE(one->err == other->err && one->made == other->made);
    REQUIRE(one->made == 0 || memcmp(one->bytes, other->bytes, one->made) == 0);
}

static void check_ends_early(struct push push, const struct pushed *whole)
{
    struct pushed pushed;
    if (whole->err != 1) {
        return;
    }
    push.patch_len--;
    pushed = push_patch(&push);
    REQUIRE(pushed.broken == NULL && pushed.err != 1);
    free(pushed.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    unsigned flags = fuzz_u8(&bytes);
    uint32_t cuts = fuzz_u16(&bytes);
    uint32_t wanted = fuzz_u16(&bytes);
    size_t base_len;
    size_t len;
    const uint8_t *base = fuzz_take(&bytes, wanted, &base_len);
    const uint8_t *rest = fuzz_take(&bytes, bytes.left, &len);
    uint8_t *patch = (uint8_t *)fuzz_text(rest, len);
    if ((flags & REPAIR) != 0) {
        repair(patch, len, base_len, flags);
    }
    struct push push = {.base = base, .base_len = base_len, .patch = patch, .patch_len = len, .result_max = RESULT_MAX};
    push.fail_read = (flags & BROKEN) != 0 ? 1 + cuts % FAILS_BELOW : 0;
    struct pushed whole = push_patch(&push);
    if (whole.broken != NULL) {
        fuzz_fail(whole.broken, __FILE__, __LINE__);
    }
    REQUIRE(whole.err == 1 || whole.err == 0 || whole.err == OTTER_ERR_CORRUPT || whole.err == OTTER_ERR_REFUSED ||
            whole.err == OTTER_ERR_NOSPACE || whole.err == OTTER_ERR_IO);
    for (uint32_t i = 1; i < CUTS; i++) {
        push.cuts = (uint64_t)cuts << 8 | i;
        struct pushed cut = push_patch(&push);
        if (cut.broken != NULL) {
            fuzz_fail(cut.broken, __FILE__, __LINE__);
        }
        if (push.fail_read == 0) {
            require_same(&whole, &cut);
        }
        free(cut.bytes);
    }
    check_ends_early(push, &whole);
    free(whole.bytes);
    free(patch);
    return 0;
}
