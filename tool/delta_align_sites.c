/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_align_sites.c - references in Thumb-2 firmware, found by pattern.
 *
 * Code and data are told apart only by what they look like: first aligned words that point into the
 * image, then instructions at even offsets. What is taken wrongly costs little: a mask is the same
 * in both files.
 */
#include <stdlib.h>
#include <string.h>

#include "tool/delta_align_parts.h"

static uint32_t load16(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t load32(const uint8_t *bytes)
{
    return load16(bytes) | load16(bytes + 2) << 16;
}

static void store16(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

/* Which instruction of two halfwords refers to something, and what of it stays when masked. */
struct pattern {
    uint16_t mask[2];
    uint16_t value[2];
    uint16_t keep[2];
    uint8_t kind;
};
static const struct pattern wide[] = {
    {{0xf800, 0xd000}, {0xf000, 0xd000}, {0xf800, 0xd000}, DELTA_SITE_CALL},
    {{0xf800, 0xd000}, {0xf000, 0x9000}, {0xf800, 0xd000}, DELTA_SITE_CALL},
    {{0xff7f, 0x0000}, {0xf85f, 0x0000}, {0xff7f, 0xf000}, DELTA_SITE_LITERAL_W},
};
static const struct pattern narrow[] = {
    {{0xf800, 0}, {0x4800, 0}, {0xff00, 0}, DELTA_SITE_LITERAL},
    {{0xf500, 0}, {0xb100, 0}, {0xfd07, 0}, DELTA_SITE_ZERO},
    {{0xf800, 0}, {0xe000, 0}, {0xf800, 0}, DELTA_SITE_BRANCH},
    {{0xf000, 0}, {0xd000, 0}, {0xff00, 0}, DELTA_SITE_BRANCH},
};

static bool is_branch_w(uint32_t first, uint32_t second)
{
    return (first & 0xf800) == 0xf000 && (second & 0xd000) == 0x8000 && (first & 0x0380) != 0x0380;
}

uint32_t delta_site_len(uint8_t kind)
{
    return kind == DELTA_SITE_LITERAL || kind == DELTA_SITE_BRANCH || kind == DELTA_SITE_ZERO ? 2 : 4;
}

static void mark(struct delta_sites *sites, uint32_t off, uint8_t kind)
{
    sites->kind[off] = kind;
    memset(sites->kind + off + 1, DELTA_SITE_REST, delta_site_len(kind) - 1);
}

static bool find_word(struct delta_sites *sites, uint32_t off)
{
    if (off % 4 != 0 || sites->size - off < 4 ||
        load32(sites->bytes + off) - sites->address >= sites->size) {
        return false;
    }
    mark(sites, off, DELTA_SITE_WORD);
    memset(sites->masked + off, 0, 3);
    return true;
}

static bool find_wide(struct delta_sites *sites, uint32_t off)
{
    if (sites->size - off < 4) {
        return false;
    }
    uint32_t first = load16(sites->bytes + off);
    uint32_t second = load16(sites->bytes + off + 2);
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if ((first & wide[i].mask[0]) == wide[i].value[0] &&
            (second & wide[i].mask[1]) == wide[i].value[1]) {
            mark(sites, off, wide[i].kind);
            store16(sites->masked + off, first & wide[i].keep[0]);
            store16(sites->masked + off + 2, second & wide[i].keep[1]);
            return true;
        }
    }
    if (is_branch_w(first, second)) {
        mark(sites, off, DELTA_SITE_BRANCH_W);
        store16(sites->masked + off, first & 0xfbc0);
        store16(sites->masked + off + 2, second & 0xd000);
        return true;
    }
    return false;
}

static void find_narrow(struct delta_sites *sites, uint32_t off)
{
    uint32_t code = load16(sites->bytes + off);
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++) {
        if ((code & narrow[i].mask[0]) == narrow[i].value[0]) {
            if (narrow[i].kind == DELTA_SITE_BRANCH && code >= 0xde00 && code < 0xe000) {
                return; /* UDF, SVC */
            }
            mark(sites, off, narrow[i].kind);
            store16(sites->masked + off, code & narrow[i].keep[0]);
            return;
        }
    }
}

/* The halfword is the first of an instruction of four bytes. */
static bool is_wide(uint32_t code)
{
    return (code & 0xe000) == 0xe000 && (code & 0x1800) != 0;
}

static void find_all(struct delta_sites *sites)
{
    uint32_t off = 0;
    bool inside = false; /* of an instruction of four bytes, unless a pointer lies here */
    while (sites->size - off >= 2) {
        if (find_word(sites, off) || (!inside && find_wide(sites, off))) {
            inside = false;
            off += 4;
            continue;
        }
        bool wide_one = !inside && is_wide(load16(sites->bytes + off));
        if (!inside && !wide_one) {
            find_narrow(sites, off);
        }
        inside = wide_one;
        off += 2;
    }
}

int delta_sites_find(struct delta_sites *sites, bool thumb)
{
    sites->masked = malloc((size_t)sites->size + 1);
    sites->kind = calloc((size_t)sites->size + 1, 1);
    if (sites->masked == NULL || sites->kind == NULL) {
        return -1;
    }
    if (sites->size > 0) {
        memcpy(sites->masked, sites->bytes, sites->size);
    }
    if (thumb) {
        find_all(sites);
    }
    return 0;
}

void delta_sites_free(struct delta_sites *sites)
{
    free(sites->masked);
    free(sites->kind);
    sites->masked = NULL;
    sites->kind = NULL;
}

/* The low `bits` bits as a signed number. */
static int32_t signed_of(uint32_t value, unsigned bits)
{
    uint32_t top = 1u << (bits - 1);
    value &= (top << 1) - 1;
    return (int32_t)(value ^ top) - (int32_t)top;
}

static int32_t call_distance(uint32_t first, uint32_t second)
{
    uint32_t sign = first >> 10 & 1;
    uint32_t i1 = ~(second >> 13 ^ sign) & 1;
    uint32_t i2 = ~(second >> 11 ^ sign) & 1;
    return signed_of(sign << 24 | i1 << 23 | i2 << 22 | (first & 0x3ff) << 12 | (second & 0x7ff) << 1,
                     25);
}

static int32_t branch_w_distance(uint32_t first, uint32_t second)
{
    return signed_of((first >> 10 & 1) << 20 | (second >> 11 & 1) << 19 | (second >> 13 & 1) << 18 |
                         (first & 0x3f) << 12 | (second & 0x7ff) << 1,
                     21);
}

static int32_t branch_distance(uint32_t code)
{
    return code >= 0xe000 ? signed_of(code << 1, 12) : signed_of(code << 1, 9);
}

int64_t delta_site_target(const struct delta_sites *sites, uint32_t off)
{
    const uint8_t *bytes = sites->bytes + off;
    int64_t here = (int64_t)off + 4;
    uint32_t first = load16(bytes);
    switch (sites->kind[off]) {
    case DELTA_SITE_WORD:
        return (int64_t)(load32(bytes) - sites->address);
    case DELTA_SITE_CALL:
        return here + call_distance(first, load16(bytes + 2));
    case DELTA_SITE_BRANCH_W:
        return here + branch_w_distance(first, load16(bytes + 2));
    case DELTA_SITE_LITERAL:
        return here / 4 * 4 + (int64_t)(first & 0xff) * 4;
    case DELTA_SITE_LITERAL_W: {
        int64_t distance = load16(bytes + 2) & 0xfff;
        return here / 4 * 4 + (first & 0x80 ? distance : -distance);
    }
    case DELTA_SITE_BRANCH:
        return here + branch_distance(first);
    case DELTA_SITE_ZERO:
        return here + (int64_t)((first >> 9 & 1) << 6 | (first >> 3 & 0x1f) << 1);
    default:
        return -1;
    }
}
