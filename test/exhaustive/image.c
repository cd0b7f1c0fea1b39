/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.c - every small image: whatever its lengths, types and offsets say, wherever it is cut off or
 * lies in two pieces, the reader's verdict is that of a second reader, which was written from
 * docs/spec/10-image.md, computes in 64 bits and looks at the bytes one by one. Nothing outside the
 * view is read. What is taken is searched for every TLV, too.
 */
#include <stdlib.h>
#include <string.h>

#include "exhaustive.h"
#include "otter/image.h"
#include "otter/result.h"

enum { WINDOWS = 3, SMALL = 256, ENTRIES = 64, PROTECTED = 0x6908, UNPROTECTED = 0x6907 };

/* The image under test: a few bytes at their places, 0xff elsewhere; `size` bytes in all. */
static struct slot {
    struct window {
        uint64_t from;
        size_t len;
        uint8_t bytes[SMALL];
    } windows[WINDOWS];
    uint64_t size, split; /* split == size: in one piece */
} slot;
static uint64_t cases;

static uint8_t byte_at(uint64_t off)
{
    for (size_t i = 0; i < WINDOWS; i++) {
        if (off >= slot.windows[i].from && off - slot.windows[i].from < slot.windows[i].len) {
            return slot.windows[i].bytes[off - slot.windows[i].from];
        }
    }
    return 0xff;
}

static uint64_t number_at(uint64_t off, unsigned bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0) {
        value = value * 256 + byte_at(off + bytes);
    }
    return value;
}

/* ---- the second reader ---- */

static struct verdict {
    int fault;
    uint64_t header, payload, tlvs, end, hash_at;
    uint32_t counter;
    unsigned counters, hashes, count;
    struct entry {
        unsigned type, len;
        uint64_t at;
    } entries[ENTRIES];
} expected;

static bool is_between(unsigned type, unsigned first, unsigned last)
{
    return type >= first && type <= last;
}

/* Rules I8 to I11 for one entry. */
static int judge_entry(const struct entry *entry, bool is_protected)
{
    unsigned type = entry->type;
    if (is_protected) {
        if (type < 0x40) {
            return OTTER_IMAGE_TLV_PLACE;
        }
        if (type == 0x50 && entry->len != 4) {
            return OTTER_IMAGE_TLV_LENGTH;
        }
        return type == 0x50 && expected.counters++ > 0 ? OTTER_IMAGE_TLV_TWICE : 0;
    }
    if (type == 0x11 || type == 0x12 || type == 0x25) {
        return OTTER_IMAGE_OTHER_HASH;
    }
    if (!is_between(type, 1, 2) && type != 0x10 && !is_between(type, 0x20, 0x24) && !is_between(type, 0x30, 0x34)) {
        return OTTER_IMAGE_TLV_PLACE;
    }
    if ((type == 0x01 || type == 0x10) && entry->len != 32) {
        return OTTER_IMAGE_TLV_LENGTH;
    }
    return type == 0x10 && expected.hashes++ > 0 ? OTTER_IMAGE_TLV_TWICE : 0;
}

static int read_entries(uint64_t off, uint64_t end, bool is_protected)
{
    while (off < end) {
        struct entry entry = {0, 0, off + 4};
        if (end - off < 4) {
            return OTTER_IMAGE_TLV_OVERRUN;
        }
        entry.type = (unsigned)number_at(off, 2);
        entry.len = (unsigned)number_at(off + 2, 2);
        off += 4 + entry.len;
        if (off > end) {
            return OTTER_IMAGE_TLV_OVERRUN;
        }
        int fault = judge_entry(&entry, is_protected);
        if (fault != 0) {
            return fault;
        }
        if (is_protected && entry.type == 0x50) {
            expected.counter = (uint32_t)number_at(entry.at, 4);
        }
        if (!is_protected && entry.type == 0x10) {
            expected.hash_at = entry.at;
        }
        REQUIRE(expected.count < ENTRIES);
        expected.entries[expected.count++] = entry;
    }
    return 0;
}

/* One area, whose 4-byte head is inside the view. */
static int read_area(uint64_t off, unsigned magic, uint64_t size_told, uint64_t *ret_end)
{
    uint64_t size = number_at(off + 2, 2);
    if (number_at(off, 2) != magic || size < 4) {
        return OTTER_IMAGE_NO_TLVS;
    }
    if (off + size > slot.size) {
        return OTTER_IMAGE_TOO_LARGE;
    }
    if (size_told != 0 && size != size_told) {
        return OTTER_IMAGE_NO_TLVS;
    }
    *ret_end = off + size;
    return read_entries(off + 4, off + size, magic == PROTECTED);
}

static int read_image(void)
{
    if (slot.size < 32 || number_at(0, 4) != OTTER_IMAGE_MAGIC) {
        return OTTER_IMAGE_NO_MAGIC;
    }
    uint64_t told = number_at(10, 2);
    expected.header = number_at(8, 2);
    expected.payload = number_at(12, 4);
    expected.tlvs = expected.header + expected.payload + told;
    if (expected.header < 32) {
        return OTTER_IMAGE_HEADER_SIZE;
    }
    if (expected.payload == 0) {
        return OTTER_IMAGE_NO_PAYLOAD;
    }
    if (expected.tlvs + 4 > slot.size) {
        return OTTER_IMAGE_TOO_LARGE;
    }
    uint64_t flags = number_at(16, 4);
    if (flags != 0 && flags != 0x20 && flags != 0x100 && flags != 0x120) {
        return OTTER_IMAGE_FLAGS;
    }
    uint64_t end = 0;
    int fault = told == 0 ? 0 : read_area(expected.header + expected.payload, PROTECTED, told, &end);
    if (fault == 0) {
        fault = read_area(expected.tlvs, UNPROTECTED, 0, &expected.end);
    }
    return fault == 0 && expected.hashes == 0 ? OTTER_IMAGE_NO_HASH : fault;
}

/* ---- the reader under test ---- */

struct piece {
    uint64_t from, size;
};

static int piece_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct piece *piece = ctx;
    REQUIRE(len > 0 && off <= piece->size && len <= piece->size - off);
    for (size_t i = 0; i < len; i++) {
        ((uint8_t *)buf)[i] = byte_at(piece->from + off + i);
    }
    return OTTER_OK;
}

/* Every entry is found under its type and number, and no other. */
static void search(const struct otter_view *view, const struct otter_image *image)
{
    uint32_t off;
    uint16_t len;
    for (unsigned i = 0; i < expected.count; i++) {
        const struct entry *entry = &expected.entries[i];
        uint32_t before = 0;
        uint32_t in_all = 0;
        for (unsigned j = 0; j < expected.count; j++) {
            before += j < i && expected.entries[j].type == entry->type;
            in_all += expected.entries[j].type == entry->type;
        }
        REQUIRE(otter_image_tlv(view, image, (uint16_t)entry->type, before, &off, &len) == OTTER_OK);
        REQUIRE(off == entry->at && len == entry->len);
        REQUIRE(otter_image_tlv(view, image, (uint16_t)entry->type, in_all, &off, &len) == OTTER_ERR_CORRUPT);
    }
    static const uint16_t others[] = {0x03, 0x24, 0x41, 0x50};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        unsigned j = 0;
        while (j < expected.count && expected.entries[j].type != others[i]) {
            j++;
        }
        REQUIRE(otter_image_tlv(view, image, others[i], 0, &off, &len) == (j < expected.count ? OTTER_OK : OTTER_ERR_CORRUPT));
    }
}

static void require_same(const struct otter_image *image)
{
    REQUIRE(image->size == expected.end && image->header_size == expected.header);
    REQUIRE(image->payload_size == expected.payload && image->tlv_off == expected.tlvs);
    REQUIRE(image->hashed_size == expected.tlvs && image->flags == number_at(16, 4));
    REQUIRE(image->load_addr == number_at(4, 4));
    REQUIRE(image->version.major == byte_at(20) && image->version.minor == byte_at(21));
    REQUIRE(image->version.revision == number_at(22, 2) && image->version.build == number_at(24, 4));
    REQUIRE(image->has_security_counter == (expected.counters > 0) && image->security_counter == expected.counter);
    for (unsigned i = 0; i < OTTER_HASH_SIZE; i++) {
        REQUIRE(image->hash[i] == byte_at(expected.hash_at + i));
    }
}

static void check(void)
{
    struct piece pieces[2] = {{0, slot.split}, {slot.split, slot.size - slot.split}};
    const struct otter_flash flash[2] = {
        {.ctx = &pieces[0], .read = piece_read, .size = (uint32_t)pieces[0].size},
        {.ctx = &pieces[1], .read = piece_read, .size = (uint32_t)pieces[1].size}};
    const struct otter_area low = {&flash[0], 0, flash[0].size};
    struct otter_view view = otter_view_of(&low);
    struct otter_image image;
    struct otter_image before;
    view.high = (struct otter_area){&flash[1], 0, flash[1].size};
    memset(&image, 0xa5, sizeof image);
    memcpy(&before, &image, sizeof before);
    memset(&expected, 0, offsetof(struct verdict, entries));
    expected.fault = read_image();
    cases++;
    int fault = otter_image_examine(&view, &image);
    REQUIRE(fault == expected.fault);
    if (fault != 0) {
        REQUIRE(memcmp(&image, &before, sizeof image) == 0); /* on success only */
        return;
    }
    require_same(&image);
    search(&view, &image);
}

/* ---- images ---- */

static void put(struct window *window, size_t at, uint64_t value, size_t bytes)
{
    for (; bytes > 0; bytes--, at++, value /= 256) {
        window->bytes[at] = (uint8_t)value;
    }
}

static void add(struct window *window, uint64_t value, size_t bytes)
{
    put(window, window->len, value, bytes);
    window->len += bytes;
}

static void add_entry(struct window *window, unsigned type, unsigned len)
{
    add(window, type, 2);
    add(window, len, 2);
    for (unsigned i = 0; i < len; i++) {
        add(window, 0xc0 + i, 1);
    }
}

static void begin(unsigned header, unsigned protected_size, uint32_t payload)
{
    struct window *window = &slot.windows[0];
    memset(&slot, 0, sizeof slot);
    add(window, OTTER_IMAGE_MAGIC, 4);
    add(window, 0x10000000, 4);
    add(window, header, 2);
    add(window, protected_size, 2);
    add(window, payload, 4);
    add(window, 0x20, 4);
    add(window, 0x0405060003020100, 8);
    add(window, 0, 4);
}

static void close_slot(uint64_t slack)
{
    slot.size = slot.windows[0].len + slack;
    slot.split = slot.size;
}

/* Two small images; the places of their 16-bit numbers: how many. */
static size_t plain_image(size_t *fields)
{
    struct window *window = &slot.windows[0];
    const size_t at[] = {8, 10, 33, 35, 37, 39};
    begin(32, 0, 1);
    add(window, 0x5a, 1);
    add(window, UNPROTECTED, 2);
    add(window, 40, 2);
    add_entry(window, 0x10, 32);
    close_slot(0);
    memcpy(fields, at, sizeof at);
    return sizeof at / sizeof at[0];
}

static size_t full_image(size_t *fields)
{
    struct window *window = &slot.windows[0];
    const size_t at[] = {8, 10, 35, 37, 39, 41, 47, 49, 52, 54, 56, 58, 92, 94, 128, 130, 134, 136};
    begin(33, 17, 2);
    add(window, 0x5a5a5a, 3);
    add(window, PROTECTED, 2);
    add(window, 17, 2);
    add_entry(window, 0x50, 4);
    add_entry(window, 0x40, 1);
    add(window, UNPROTECTED, 2);
    add(window, 4 + 36 + 36 + 6 + 4, 2);
    add_entry(window, 0x01, 32);
    add_entry(window, 0x10, 32);
    add_entry(window, 0x24, 2);
    add_entry(window, 0x30, 0);
    close_slot(0);
    memcpy(fields, at, sizeof at);
    return sizeof at / sizeof at[0];
}

typedef size_t maker(size_t *fields);
static maker *const makers[] = {plain_image, full_image};
enum { MAKERS = 2, FIELDS_MAX = 24 };

static uint8_t *bytes_of(void)
{
    return slot.windows[0].bytes;
}

/* Every value of every byte, cut off everywhere. */
static void every_byte_every_cut(bool deep)
{
    size_t fields[FIELDS_MAX];
    for (size_t which = 0; which < MAKERS; which++) {
        makers[which](fields);
        size_t len = slot.windows[0].len;
        for (size_t at = 0; at < len; at++) {
            uint8_t was = bytes_of()[at];
            for (unsigned value = 0; value < 256; value++) {
                bytes_of()[at] = (uint8_t)value;
                for (slot.size = len + 2; slot.size > 0; slot.size--) {
                    slot.split = slot.size;
                    check();
                    if (!deep && slot.size <= at) { /* the byte is not in it any more */
                        break;
                    }
                }
            }
            bytes_of()[at] = was;
        }
    }
}

/* Every value of every byte of the lengths, types and magics, in two pieces divided everywhere. */
static void every_byte_every_split(bool deep)
{
    size_t fields[FIELDS_MAX];
    for (size_t which = 0; which < MAKERS; which++) {
        size_t count = makers[which](fields);
        for (size_t i = 0; i < 2 * count; i++) {
            uint8_t *byte = bytes_of() + fields[i / 2] + i % 2;
            uint8_t was = *byte;
            for (unsigned value = 0; value < 256; value += deep ? 1 : 3) {
                *byte = (uint8_t)(was + value);
                for (slot.split = 0; slot.split < slot.size; slot.split++) {
                    check();
                }
            }
            *byte = was;
        }
    }
}

/* Every value of every 16-bit number; and every pair of them at the borders. */
static const unsigned borders[] = {0,    1,    2,    3,      4,      5,      8,      16,     17,     31,     32,     33,
                                   34,   35,   36,   37,     40,     41,     0x40,   0x50,   86,     87,     0xff,   0x100,
                                   0x10, 0x24, 0x30, PROTECTED, UNPROTECTED, 0x7fff, 0x8000, 0xfffe, 0xffff};
enum { BORDERS = sizeof borders / sizeof borders[0] };

static void every_number(void)
{
    size_t fields[FIELDS_MAX];
    for (size_t which = 0; which < MAKERS; which++) {
        size_t count = makers[which](fields);
        for (size_t i = 0; i < count; i++) {
            uint64_t was = number_at(fields[i], 2);
            for (unsigned value = 0; value <= UINT16_MAX; value++) {
                put(&slot.windows[0], fields[i], value, 2);
                check();
            }
            put(&slot.windows[0], fields[i], was, 2);
        }
    }
}

static void two_numbers(bool deep)
{
    size_t fields[FIELDS_MAX];
    for (size_t which = 0; which < MAKERS; which++) {
        size_t count = makers[which](fields);
        for (size_t pair = 0; pair < count * count; pair++) {
            size_t one = fields[pair / count];
            size_t other = fields[pair % count];
            uint64_t was[] = {number_at(one, 2), number_at(other, 2)};
            bool all = deep && pair % count == pair / count + 1; /* neighbours: every value of the second */
            for (unsigned values = 0; one < other && values < BORDERS * (all ? UINT16_MAX + 1 : BORDERS); values++) {
                put(&slot.windows[0], one, borders[values % BORDERS], 2);
                put(&slot.windows[0], other, all ? values / BORDERS : borders[values / BORDERS], 2);
                check();
            }
            put(&slot.windows[0], one, was[0], 2);
            put(&slot.windows[0], other, was[1], 2);
        }
    }
}

/* Slots of up to 4 GiB and payloads that reach to their end, or wrap: TLVs at every border. */
static void far_images(void)
{
    static const uint64_t sizes[] = {0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};
    static const unsigned protected_sizes[] = {0, 4, 12, 13, 0xffff};
    for (unsigned n = 0; n < 5 * 5 * 3 * 160 * 2; n++) {
        unsigned told = protected_sizes[n / 5 % 5];
        unsigned header = (unsigned[]){32, 0x400, 0xffff}[n / 25 % 3];
        uint64_t size = sizes[n % 5];
        uint64_t payload = size - header - told - 4 - 36 - 60 + n / 75 % 160;
        bool wraps = n / 75 / 160 == 1;
        payload = wraps ? UINT32_MAX - 130 + n / 75 % 160 : payload;
        begin(header, told, (uint32_t)payload);
        slot.windows[1].from = header + (payload & UINT32_MAX);
        if (told != 0) {
            add(&slot.windows[1], PROTECTED, 2);
            add(&slot.windows[1], told, 2);
            add_entry(&slot.windows[1], 0x50, 4);
        }
        slot.windows[2].from = header + (payload & UINT32_MAX) + told;
        slot.windows[1].len = told < slot.windows[1].len ? told : slot.windows[1].len;
        add(&slot.windows[2], UNPROTECTED, 2);
        add(&slot.windows[2], 40, 2);
        add_entry(&slot.windows[2], 0x10, 32);
        slot.size = size;
        const uint64_t splits[] = {size, 1, 31, 32, size / 2, slot.windows[2].from + 2, size - 1};
        for (unsigned i = 0; i < 7; i++) {
            slot.split = splits[i] < size ? splits[i] : size;
            check();
        }
    }
}

/* Every string over the bytes that mean something, as the inside of an area of every size. */
static void every_inside(bool is_protected, unsigned len)
{
    static const uint8_t letters[] = {0x00, 0x01, 0x02, 0x04, 0x10, 0x20, 0x40, 0x50};
    unsigned strings = 1u << 3 * len;
    for (unsigned string = 0; string < strings; string++) {
        for (unsigned size = 3; size <= 4 + len + 1; size++) {
            struct window *window = &slot.windows[0];
            begin(32, is_protected ? size : 0, 1);
            add(window, 0x5a, 1);
            add(window, is_protected ? PROTECTED : UNPROTECTED, 2);
            add(window, size, 2);
            for (unsigned i = 0; i < len; i++) {
                add(window, letters[string >> 3 * i & 7], 1);
            }
            close_slot(8);
            check();
        }
    }
}

/* Every sequence of `count` entries of every kind and many lengths, in either area. */
static void every_sequence(bool is_protected, unsigned count)
{
    static const uint16_t types[] = {0x00, 0x01, 0x02, 0x03, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x1f, 0x20, 0x22, 0x24, 0x25, 0x26,
                                     0x2f, 0x30, 0x34, 0x35, 0x3f, 0x40, 0x41, 0x4f, 0x50, 0x51, 0x60, 0xa0, 0xff, 0x101, 0x110,
                                     0x120, 0x150, 0x1001, 0xffff};
    static const unsigned lens[] = {0, 4, 32, 31, 33, 1, 3, 5};
    const unsigned kinds = (count < 3 ? 8 : 3) * 34;
    unsigned sequences = 1;
    for (unsigned i = 0; i < count; i++) {
        sequences *= kinds;
    }
    for (unsigned sequence = 0; sequence < sequences; sequence++) {
        struct window inside = {0, 0, {0}};
        for (unsigned i = 0, rest = sequence; i < count; i++, rest /= kinds) {
            add_entry(&inside, types[rest % kinds % 34], lens[rest % kinds / 34]);
        }
        struct window *window = &slot.windows[0];
        unsigned size = (unsigned)inside.len + 4;
        begin(32, is_protected ? size : 0, 1);
        add(window, 0x5a, 1);
        add(window, is_protected ? PROTECTED : UNPROTECTED, 2);
        add(window, size, 2);
        memcpy(window->bytes + window->len, inside.bytes, inside.len);
        window->len += inside.len;
        if (is_protected) {
            add(window, UNPROTECTED, 2);
            add(window, 40, 2);
            add_entry(window, 0x10, 32);
        }
        close_slot(0);
        check();
    }
}

static void part(const char *name, uint64_t least)
{
    exhaustive_part(name, cases, least);
    cases = 0;
}

void exhaustive_run(bool deep)
{
    every_byte_every_cut(deep);
    part("every byte, cut off everywhere", 1000000);
    every_byte_every_split(deep);
    part("every byte, divided everywhere", 100000);
    every_number();
    part("every 16-bit number", 24 * 65536);
    two_numbers(deep);
    part("two 16-bit numbers", 100000);
    far_images();
    part("up to 4 GiB", 100000);
    for (unsigned len = 0; len <= (deep ? 7u : 5u); len++) {
        every_inside(false, len);
        every_inside(true, len);
    }
    part("every inside of an area", 300000);
    for (unsigned count = 0; count <= (deep ? 3u : 2u); count++) {
        every_sequence(false, count);
        every_sequence(true, count);
    }
    part("every sequence of entries", 100000);
}

/* ---- one case ---- */

void exhaustive_describe(FILE *to)
{
    (void)fprintf(to, " %llu %llu", (unsigned long long)slot.size, (unsigned long long)slot.split);
    for (size_t i = 0; i < WINDOWS; i++) {
        (void)fprintf(to, " %llu ", (unsigned long long)slot.windows[i].from);
        exhaustive_hex(to, slot.windows[i].bytes, slot.windows[i].len);
        (void)fprintf(to, "%s", slot.windows[i].len == 0 ? "-" : "");
    }
}

void exhaustive_replay(int count, char **words)
{
    memset(&slot, 0, sizeof slot);
    slot.size = count > 0 ? strtoull(words[0], NULL, 10) : 0;
    slot.split = count > 1 ? strtoull(words[1], NULL, 10) : slot.size;
    for (int i = 0; i < WINDOWS && 3 + 2 * i < count; i++) {
        slot.windows[i].from = strtoull(words[2 + 2 * i], NULL, 10);
        slot.windows[i].len = exhaustive_bytes(words[3 + 2 * i], slot.windows[i].bytes, SMALL);
    }
    check();
}
