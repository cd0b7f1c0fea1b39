/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal of two halves of 12 cells, over flash that gives other bytes at every read, or fails, and
 * whose programming and erasing may fail (the CRC is left out: any record may be valid): open
 * and one append end, stay inside the area, and program only cells of sectors that this session
 * erased. What is taken from flash cannot make it leave its halves.
 */
#include "proof.h"
#include "slot/journal.h"

enum { SECTOR = 64, SECTORS = 12, AREA = SECTOR * SECTORS, CELL = 32 };

static struct otter_flash flash;
static bool fresh[AREA / CELL]; /* erased in this session and not programmed since */

static int read_anything(void *ctx, uint32_t off, void *buf, size_t len)
{
    (void)ctx;
    PROVE(off <= AREA && len <= AREA - off && len == OTTER_RECORD_SIZE);
    __CPROVER_havoc_slice(buf, OTTER_RECORD_SIZE);
    return nondet_bool() ? OTTER_OK : OTTER_ERR_IO;
}

static int program(void *ctx, uint32_t off, const void *buf, size_t len)
{
    (void)ctx;
    (void)buf;
    PROVE(off % CELL == 0 && len == CELL && off < AREA);
    PROVE(fresh[off / CELL]);
    fresh[off / CELL] = false;
    return nondet_bool() ? OTTER_OK : OTTER_ERR_IO;
}

static int erase(void *ctx, uint32_t off, uint32_t size)
{
    (void)ctx;
    PROVE(size == SECTOR && off % SECTOR == 0 && off <= AREA - SECTOR);
    bool good = nondet_bool();
    for (uint32_t i = 0; i < SECTOR / CELL; i++) {
        fresh[off / CELL + i] = good;
    }
    return good ? OTTER_OK : OTTER_ERR_IO;
}

static uint32_t taken; /* since the reader was told to forget */

static void take(void *ctx, const struct otter_record *record)
{
    (void)ctx;
    taken = record == NULL ? 0 : taken + 1;
    PROVE(record == NULL || record->type <= OTTER_RECORD_DOWNLOAD);
}

static bool give(void *ctx, uint32_t index, struct otter_record *ret_record)
{
    (void)ctx;
    PROVE(index < OTTER_JOURNAL_LIVE_MAX);
    *ret_record = (struct otter_record){.type = OTTER_RECORD_STATE};
    return index == 0; /* as few as may be: the rest is the same again */
}

static void prove_place(const struct otter_journal *journal)
{
    PROVE(journal->half_off == 0 || journal->half_off == journal->half_size);
    PROVE(journal->next_off >= journal->half_off && journal->next_off <= journal->half_off + journal->half_size);
    PROVE(journal->next_off % CELL == 0);
}

int main(void)
{
    struct otter_journal journal;
    static const uint8_t map_hash[OTTER_MAP_HASH_SIZE];
    const struct otter_journal_reader reader = {.take = take, .give = give};
    struct otter_record record = {.type = OTTER_RECORD_STATE};
    flash = (struct otter_flash){.read = read_anything, .prog = program, .erase = erase, .size = AREA,
                                 .sector_size = SECTOR, .prog_size = CELL, .erased = 0xff};
    struct otter_area area = {&flash, 0, AREA};
    int err = otter_journal_open(&journal, &area, map_hash, &reader);
    PROVE(err == OTTER_OK || err == 1 || err == OTTER_ERR_REFUSED || err == OTTER_ERR_IO);
    PROVE(err == OTTER_OK || taken == 0);
    if (err == OTTER_OK) {
        prove_place(&journal);
#ifdef APPEND
        err = otter_journal_append(&journal, &record, &reader);
        PROVE(err == OTTER_OK || err == OTTER_ERR_IO);
        prove_place(&journal);
#else
        (void)record;
#endif
    }
    return 0;
}
