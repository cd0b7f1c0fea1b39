/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.c - every record with up to three bits changed (--deep: four) is no record; and a journal of two
 * generations of which every record is there, blank, torn or unreadable: what is in force and what
 * it says is what docs/spec/30-journal.md, "Halves", says.
 */
#include <stdlib.h>
#include <string.h>

#include "exhaustive.h"
#include "otter/result.h"
#include "slot/journal.h"

/* A half of 6 sectors of 2 cells: live record, HEAD in the second sector, then one record a sector
 * behind it and one in the same. */
enum { CELL = 32, CELLS = 2, SECTOR = CELL * CELLS, SECTORS = 6, HALF = SECTOR * SECTORS, AREA = 2 * HALF };
enum state { THERE, BLANK, TORN, UNREADABLE, STATES };
enum { IN_HALF = 5, RECORDS = 2 * IN_HALF };

static const struct place {
    uint32_t off;
    uint32_t seq;
    bool head;
} places[RECORDS] = {
    {0, 1, false}, {SECTOR, 2, true}, {2 * SECTOR, 3, false}, {2 * SECTOR + CELL, 4, false}, {3 * SECTOR, 5, false},
    {HALF, 6, false}, {HALF + SECTOR, 7, true}, {HALF + 2 * SECTOR, 8, false}, {HALF + 2 * SECTOR + CELL, 9, false},
    {HALF + 3 * SECTOR, 10, false}};

static enum state states[RECORDS];
static bool strange[2]; /* this half is another map's */
static uint8_t memory[AREA], raw[RECORDS][2][OTTER_RECORD_SIZE]; /* records; with this map and another one */
static uint32_t seen[RECORDS + 1], seen_count;
static uint8_t record_bytes[OTTER_RECORD_SIZE];
static uint64_t cases;
static const uint8_t map_hash[OTTER_MAP_HASH_SIZE] = "this map 12";

static int flash_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    (void)ctx;
    REQUIRE(off <= AREA && len <= AREA - off);
    for (size_t i = 0; i < RECORDS; i++) {
        if (states[i] == UNREADABLE && off < places[i].off + CELL && places[i].off < off + len) {
            return OTTER_ERR_IO;
        }
    }
    memcpy(buf, memory + off, len);
    return OTTER_OK;
}

static const struct otter_flash flash = {.read = flash_read, .size = AREA, .sector_size = SECTOR, .prog_size = CELL, .erased = 0xff};
static const struct otter_area area = {&flash, 0, AREA};

static void take(void *ctx, const struct otter_record *record)
{
    (void)ctx;
    if (record == NULL) {
        seen_count = 0;
        return;
    }
    REQUIRE(seen_count < RECORDS);
    seen[seen_count++] = record->seq;
}

static bool is_there(size_t i)
{
    return states[i] == THERE;
}

/* Live record, HEAD, and any record behind it; of this map. */
static bool in_force(size_t half)
{
    size_t at = half * IN_HALF;
    return !strange[half] && is_there(at) && is_there(at + 1) && (is_there(at + 2) || is_there(at + 3) || is_there(at + 4));
}

static void check_journal(void)
{
    static const struct otter_journal_reader reader = {.take = take};
    struct otter_journal journal;
    size_t half = in_force(1) ? 1 : 0;
    memset(memory, flash.erased, sizeof memory);
    for (size_t i = 0; i < RECORDS; i++) {
        if (states[i] != BLANK) {
            memcpy(memory + places[i].off, raw[i][strange[i / IN_HALF]], OTTER_RECORD_SIZE);
            memory[places[i].off + 9] ^= states[i] == TORN ? 0x10 : 0;
        }
    }
    cases++;
    int err = otter_journal_open(&journal, &area, map_hash, &reader);
    if (!in_force(half)) {
        bool other = (strange[0] && is_there(1)) || (strange[1] && is_there(IN_HALF + 1)); /* its HEAD */
        REQUIRE(err == (other ? OTTER_ERR_REFUSED : 1) && seen_count == 0);
        return;
    }
    uint32_t count = 0;
    uint32_t last = 0;
    REQUIRE(err == OTTER_OK);
    for (size_t i = half * IN_HALF; i < (half + 1) * IN_HALF; i++) {
        if (is_there(i)) {
            REQUIRE(count < seen_count && seen[count] == places[i].seq);
            last = places[i].seq;
            count++;
        }
    }
    REQUIRE(count == seen_count && journal.seq == last);
}

static void encode_all(void)
{
    for (size_t i = 0; i < RECORDS; i++) {
        for (int other = 0; other < 2; other++) {
            struct otter_record record = {.seq = places[i].seq, .type = places[i].head ? OTTER_RECORD_HEAD : OTTER_RECORD_STATE};
            record.body[0] = places[i].head ? (uint8_t)(places[i].seq - 1) : 0;
            record.body[4] = 1;
            if (places[i].head) {
                memcpy(record.body + 8, map_hash, sizeof map_hash);
                record.body[8] ^= (uint8_t)other;
            }
            otter_record_encode(&record, raw[i][other]);
        }
    }
}

static void every_journal(unsigned kinds)
{
    uint64_t all = 1;
    for (size_t i = 0; i < RECORDS; i++) {
        all *= kinds;
    }
    encode_all();
    for (uint64_t which = 0; which < 4 * all; which++) {
        uint64_t rest = which / 4;
        for (size_t i = 0; i < RECORDS; i++, rest /= kinds) {
            states[i] = (enum state)(rest % kinds);
        }
        strange[0] = (which & 1) != 0;
        strange[1] = (which & 2) != 0;
        check_journal();
    }
}

/* `left` more bits from `from` on. */
static void change_bits(unsigned from, unsigned left)
{
    struct otter_record record;
    for (unsigned bit = from; bit < 8 * OTTER_RECORD_SIZE; bit++) {
        record_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cases++;
        REQUIRE(!otter_record_decode(record_bytes, &record));
        if (left > 1) {
            change_bits(bit + 1, left - 1);
        }
        record_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Every type with a good CRC: six of them are records, and keep what they say. */
static void every_type(void)
{
    struct otter_record back;
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        struct otter_record record = {.seq = 0x01020304, .type = (uint8_t)type, .flags = 0x85, .phase = 7, .verdict = 0xa9};
        memset(record.body, 0x3c, sizeof record.body);
        otter_record_encode(&record, record_bytes);
        bool good = otter_record_decode(record_bytes, &back);
        cases++;
        REQUIRE(good == (type >= 1 && type <= 6));
        REQUIRE(!good || memcmp(&back, &record, sizeof back) == 0);
    }
}

void exhaustive_run(bool deep)
{
    every_type();
    exhaustive_part("types of records", cases, 256);
    cases = 0;
    encode_all();
    memcpy(record_bytes, raw[1][0], sizeof record_bytes);
    change_bits(0, deep ? 4 : 3);
    exhaustive_part("changed bits of a record", cases, 2700000);
    cases = 0;
    memset(record_bytes, 0, sizeof record_bytes);
    every_journal(deep ? STATES : UNREADABLE);
    exhaustive_part("journals of two generations", cases, 200000);
}

/* ---- one case: the record; state of each record of the journal, 0 to 3; 0..3: whose map the halves are ---- */

void exhaustive_describe(FILE *to)
{
    (void)fprintf(to, " ");
    exhaustive_hex(to, record_bytes, sizeof record_bytes);
    (void)fprintf(to, " ");
    for (size_t i = 0; i < RECORDS; i++) {
        (void)fprintf(to, "%u", (unsigned)states[i]);
    }
    (void)fprintf(to, " %d", strange[0] + 2 * strange[1]);
}

void exhaustive_replay(int count, char **words)
{
    struct otter_record record;
    encode_all();
    size_t len = exhaustive_bytes(words[0], record_bytes, sizeof record_bytes);
    (void)printf("%s\n", len == sizeof record_bytes && otter_record_decode(record_bytes, &record) ? "a record" : "no record");
    for (size_t i = 0; i < RECORDS && count > 1 && words[1][i] != '\0'; i++) {
        states[i] = (enum state)(words[1][i] - '0');
    }
    int whose = count > 2 ? atoi(words[2]) : 0;
    strange[0] = (whose & 1) != 0;
    strange[1] = (whose & 2) != 0;
    check_journal();
}
