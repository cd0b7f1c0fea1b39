/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.c - the append-only log: fixed records in two halves.
 *
 * Cells that a cut left half-written may read differently every time. So: a sector is
 * written only in the session that erased it; no blank check decides anything; a half is
 * in force only by a HEAD that was written after its live records and that a later record
 * follows; a half that is filled anew is erased from the top down, so that its HEAD dies
 * before the records it vouches for. docs/spec/30-journal.md has the rules and reasons.
 */
#include "slot/journal.h"

#include <stddef.h>
#include <string.h>

#include "otter/result.h"
#include "slot/bytes.h"

enum { BYTES_OFF = 4, CRC_OFF = 28, FULL = 1 };
_Static_assert(offsetof(struct otter_record, type) == BYTES_OFF && sizeof(struct otter_record) == CRC_OFF,
               "seq, bytes, CRC");

void otter_record_encode(const struct otter_record *record, uint8_t raw[OTTER_RECORD_SIZE])
{
    store_le32(raw, record->seq);
    memcpy(raw + BYTES_OFF, (const uint8_t *)record + BYTES_OFF, CRC_OFF - BYTES_OFF);
    store_le32(raw + CRC_OFF, otter_crc32(raw, CRC_OFF));
}

bool otter_record_decode(const uint8_t raw[OTTER_RECORD_SIZE], struct otter_record *ret_record)
{
    if (raw[4] < OTTER_RECORD_HEAD || raw[4] > OTTER_RECORD_DOWNLOAD ||
        load_le32(raw + CRC_OFF) != otter_crc32(raw, CRC_OFF)) {
        return false; /* most cells are erased, and need no CRC to be told */
    }
    ret_record->seq = load_le32(raw);
    memcpy((uint8_t *)ret_record + BYTES_OFF, raw + BYTES_OFF, CRC_OFF - BYTES_OFF);
    return true;
}

static uint32_t sector_of(const struct otter_journal *journal)
{
    return journal->area.flash->sector_size;
}

static uint32_t half_end(const struct otter_journal *journal)
{
    return journal->half_off + journal->half_size;
}

/* Offsets of sectors: the area begins on one. */
static uint32_t sector_end(const struct otter_journal *journal, uint32_t off)
{
    return off - off % sector_of(journal) + sector_of(journal);
}

enum { UNREADABLE, NO_RECORD, RECORD };

/* What is no record is read once more: one read that goes wrong must not hide one. */
static int read_cell(const struct otter_journal *journal, uint32_t off,
                     struct otter_record *ret_record)
{
    uint8_t raw[OTTER_RECORD_SIZE];
    int found = UNREADABLE;
    for (uint32_t tries = 0; found != RECORD && tries < 2; tries++) {
        if (otter_area_read(&journal->area, off, raw, sizeof raw) == OTTER_OK) {
            found = otter_record_decode(raw, ret_record) ? RECORD : NO_RECORD;
        }
    }
    return found;
}

static bool read_record(const struct otter_journal *journal, uint32_t off,
                        struct otter_record *ret_record)
{
    return read_cell(journal, off, ret_record) == RECORD;
}

/* Of this flash map? Where one of ours is in force, another one is what a fault wrote. */
static bool is_ours(const struct otter_journal *journal, const struct otter_record *head)
{
    return memcmp(head->body + 8, journal->map_hash, OTTER_MAP_HASH_SIZE) == 0;
}

/* The newest HEAD of ours in a half; seq 0: none. False: not one cell of it can be read. A cut leaves
 * such cells, but never a half of them: the device does not answer. */
static bool find_head(struct otter_journal *journal, uint32_t half_off,
                      struct otter_record *ret_head)
{
    struct otter_record record;
    int most = UNREADABLE;
    ret_head->seq = 0;
    for (uint32_t off = 0; off < journal->half_size; off += OTTER_RECORD_SIZE) {
        int found = read_cell(journal, half_off + off, &record);
        most = found > most ? found : most;
        if (found != RECORD) {
            continue;
        }
        journal->highest = record.seq > journal->highest ? record.seq : journal->highest;
        if (record.type == OTTER_RECORD_HEAD && !is_ours(journal, &record)) {
            journal->other_map = true;
        } else if (record.type == OTTER_RECORD_HEAD && record.seq > ret_head->seq) {
            *ret_head = record;
        }
    }
    return most != UNREADABLE;
}

/* Sectors that the first append of a session erases behind its own. It begins no further than that behind
 * the last record that FOLLOWS, which nobody but the session of the last complete one can have written: so
 * whatever cuts left behind the tail, seen or not, is gone when the append is complete. */
enum { AHEAD = 2 };

/* Between the numbers of two halves: the newer one's are above all that cuts may have left in the other. */
enum { GAP = 256 };

/* Behind HEAD: is it the first record, or another HEAD? Any other one shows that the first was
 * complete when it was written, or had been proven to its writer. */
static bool in_doubt(const struct otter_journal *journal, const struct otter_record *record)
{
    return record->seq - journal->first == journal->count + 1 || record->type == OTTER_RECORD_HEAD;
}

/*
 * Take the records of the half that this HEAD is in. True: the half is in force, that is,
 * all live records are there and at least one record follows. Each record is read once,
 * so an unstable one cannot be taken by half.
 */
static bool take_half(struct otter_journal *journal, uint32_t half_off,
                      const struct otter_record *head, const struct otter_journal_reader *reader)
{
    uint32_t live = 0; /* a bit for each live record seen */
    bool followed = false;
    uint32_t tail_off = half_off;
    struct otter_record record;
    reader->take(reader->ctx, NULL);
    journal->first = load_le32(head->body);
    journal->count = load_le32(head->body + 4);
    journal->repeat_head = true;
    journal->proof_off = half_off;
    for (uint32_t off = half_off; off < half_off + journal->half_size; off += OTTER_RECORD_SIZE) {
        if (!read_record(journal, off, &record) || record.seq < journal->first) {
            continue; /* nothing, or a leftover of an older generation */
        }
        uint32_t age = record.seq - journal->first;
        if (age < journal->count) {
            live |= 1u << age % 32;
        } else if (age > journal->count) {
            followed = true;
            journal->repeat_head = journal->repeat_head && in_doubt(journal, &record);
        }
        journal->seq = record.seq; /* of two, the one at the later place was written later */
        tail_off = off;
        if ((record.flags & OTTER_RECORD_FOLLOWS) != 0) {
            journal->proof_off = off;
        }
        reader->take(reader->ctx, &record);
    }
    journal->half_off = half_off;
    journal->next_off = sector_end(journal, tail_off);
    journal->fresh_end = journal->next_off;
    return followed && journal->count <= OTTER_JOURNAL_LIVE_MAX &&
           live == (1u << journal->count % 32) - 1u;
}

static bool is_blank(const struct otter_journal *journal, uint32_t off)
{
    uint8_t raw[OTTER_RECORD_SIZE];
    uint8_t erased = journal->area.flash->erased;
    if (otter_area_read(&journal->area, off, raw, sizeof raw) < 0) {
        return false;
    }
    for (uint32_t i = 0; i < sizeof raw; i++) {
        if (raw[i] != erased) {
            return false;
        }
    }
    return true;
}

/* Could a torn record behind the tail surface later? Then the tail is not proven. */
static bool torn_behind_tail(const struct otter_journal *journal)
{
    struct otter_record record;
    uint32_t end = journal->next_off + sector_of(journal); /* the tail's sector and the next */
    bool newer = false;
    for (uint32_t off = journal->next_off - sector_of(journal); off < end && off < half_end(journal);
         off += OTTER_RECORD_SIZE) {
        if (read_record(journal, off, &record)) {
            newer = newer || record.seq > journal->seq;
        } else if (!is_blank(journal, off)) {
            return true;
        }
    }
    return newer;
}

static bool fits(const struct otter_journal *journal)
{
    uint32_t sector = sector_of(journal);
    return journal->area.base % sector == 0 && sector % journal->cell_size == 0 &&
           journal->half_size / sector >= OTTER_JOURNAL_SECTORS_MIN &&
           journal->half_size / journal->cell_size >= OTTER_JOURNAL_CELLS_MIN;
}

static void begin(struct otter_journal *journal, const struct otter_area *area,
                  const uint8_t *map_hash)
{
    const struct otter_flash *flash = area->flash;
    memset(journal, 0, sizeof *journal);
    journal->map_hash = map_hash;
    journal->area = *area;
    journal->cell_size =
        flash->prog_size > OTTER_RECORD_SIZE ? flash->prog_size : OTTER_RECORD_SIZE;
    journal->half_size = area->size / flash->sector_size / 2 * flash->sector_size;
}

/* `cut`: the other half has a newer HEAD, that nothing follows: what follows it may surface yet.
 * The next append moves there once more, which erases that HEAD first. (This half was beyond
 * doubt when that was begun.) So it does where too many sessions in a row have left one record each. */
static void judge_tail(struct otter_journal *journal, bool cut)
{
    journal->unproven = cut || journal->repeat_head || torn_behind_tail(journal);
    if (cut) {
        journal->repeat_head = false;
    }
    if (cut || (!journal->repeat_head &&
                journal->next_off - journal->proof_off > AHEAD * sector_of(journal))) {
        journal->next_off = half_end(journal);
    }
}

/* Take the half in force. 1: there is none. */
static int look(struct otter_journal *journal, const struct otter_journal_reader *reader)
{
    struct otter_record heads[2], again;
    if (!find_head(journal, 0, &heads[0]) || !find_head(journal, journal->half_size, &heads[1])) {
        return OTTER_ERR_IO;
    }
    if (journal->highest > INT32_MAX) { /* no flash lives that long; numbers must not wrap */
        journal->highest = 0;
        return 1;
    }
    uint32_t newest = heads[1].seq > heads[0].seq;
    for (uint32_t tries = 0; tries < 2; tries++, newest ^= 1u) {
        const struct otter_record *head = &heads[newest];
        if (head->seq == 0 || !take_half(journal, newest * journal->half_size, head, reader)) {
            continue;
        }
        judge_tail(journal, heads[newest ^ 1u].seq > journal->seq);
        /* Gone meanwhile? Then the reads before went wrong as well, and the end may be missing. */
        (void)find_head(journal, journal->half_off, &again);
        return again.seq == 0 ? OTTER_ERR_IO : OTTER_OK;
    }
    return journal->other_map ? OTTER_ERR_REFUSED : 1;
}

int otter_journal_open(struct otter_journal *journal, const struct otter_area *area,
                       const uint8_t *map_hash, const struct otter_journal_reader *reader)
{
    begin(journal, area, map_hash);
    if (!fits(journal)) {
        return OTTER_ERR_ARG;
    }
    int err = look(journal, reader);
    if (err > 0) {
        err = look(journal, reader); /* twice: what is called invalid is begun anew */
    }
    if (err != OTTER_OK) {
        reader->take(reader->ctx, NULL);
        journal->unproven = false; /* nothing of it is to be written again */
    }
    journal->empty = err > 0;
    return err;
}

/* Erase everything; the first record fills the first half. A worn sector is passed over then. */
static void create(struct otter_journal *journal)
{
    uint32_t sector = sector_of(journal);
    journal->seq = journal->highest; /* a sector that cannot be erased keeps what it holds */
    journal->half_off = journal->half_size;
    journal->next_off = half_end(journal); /* so the append fills half 0 */
    journal->fresh_end = journal->next_off;
    journal->repeat_head = false;
    journal->empty = false;
    for (uint32_t off = 2 * journal->half_size; off > 0; off -= sector) {
        (void)otter_area_erase(&journal->area, off - sector, sector);
    }
}

/* Erase the sector at `off` and fill its first cell. The first time in a session those behind
 * go first: a record that an earlier session put there, behind one that is not seen now, must
 * not surface behind what is written here. */
static int write_sector(struct otter_journal *journal, uint32_t off, const uint8_t *cell)
{
    const struct otter_area *area = &journal->area;
    uint32_t sector = sector_of(journal);
    uint32_t end = off + sector + AHEAD * sector;
    journal->fresh_end = off + sector;
    while (!journal->follows && journal->fresh_end < end && journal->fresh_end < half_end(journal) &&
           otter_area_erase(area, journal->fresh_end, sector) == OTTER_OK) {
        journal->fresh_end += sector;
    }
    if (journal->cell_size == sector) {
        return otter_area_write(area, off, cell, sector);
    }
    int err = otter_area_erase(area, off, sector);
    if (err < 0) {
        journal->next_off = off + sector; /* a worn sector: leave it out */
        return err;
    }
    return otter_area_prog(area, off, cell, journal->cell_size);
}

/* Program one cell at next_off, and read it back. FULL: the half has no cell left. */
static int write_cell(struct otter_journal *journal, const uint8_t *cell)
{
    const struct otter_area *area = &journal->area;
    uint32_t off = journal->next_off;
    if (off >= half_end(journal)) {
        return FULL;
    }
    journal->next_off = off + journal->cell_size;
    int err = off < journal->fresh_end ? otter_area_prog(area, off, cell, journal->cell_size)
                                       : write_sector(journal, off, cell);
    for (uint32_t i = 0; err == OTTER_OK && i < journal->cell_size; i += OTTER_RECORD_SIZE) {
        uint8_t back[OTTER_RECORD_SIZE];
        err = otter_area_read(area, off + i, back, sizeof back);
        if (err == OTTER_OK && memcmp(back, cell + i, sizeof back) != 0) {
            err = OTTER_ERR_IO;
        }
    }
    return err;
}

/* Write a cell somewhere in this half: a cell that fails is passed over. */
static int write_somewhere(struct otter_journal *journal, const uint8_t *cell)
{
    int err;
    do {
        err = write_cell(journal, cell);
    } while (err < 0);
    return err;
}

static void encode_next(struct otter_journal *journal, struct otter_record *record, uint8_t *raw)
{
    record->seq = ++journal->seq;
    record->flags = (uint8_t)((record->flags & ~(unsigned)OTTER_RECORD_FOLLOWS) |
                              (journal->follows ? OTTER_RECORD_FOLLOWS : 0u));
    otter_record_encode(record, raw);
}

static int write_record(struct otter_journal *journal, const struct otter_record *record)
{
    uint8_t cell[OTTER_PROG_SIZE_MAX];
    struct otter_record next = *record;
    memset(cell, journal->area.flash->erased, sizeof cell);
    encode_next(journal, &next, cell);
    int err = write_somewhere(journal, cell);
    if (err == OTTER_OK) {
        journal->follows = true;
    } else {
        journal->seq--;
    }
    return err;
}

/* Bytes of the sectors that live records, HEAD and its successor may take. */
static uint32_t head_room(const struct otter_journal *journal)
{
    uint32_t sector = sector_of(journal);
    uint32_t live = OTTER_JOURNAL_LIVE_MAX * OTTER_RECORD_SIZE;
    return (live + sector - 1) / sector * sector + 2 * sector;
}

/* The same and HEAD's repetition, and one. */
static uint32_t low_size(const struct otter_journal *journal)
{
    uint32_t low = head_room(journal) + 2 * sector_of(journal);
    return low < journal->half_size ? low : journal->half_size;
}

static int write_head(struct otter_journal *journal)
{
    uint32_t last = half_end(journal) - sector_of(journal);
    if (journal->repeat_head && journal->next_off > last && last >= journal->half_off + head_room(journal)) {
        /* In doubt, and full: not a half to erase the other one for. The last sector holds at
         * most another such HEAD: what somebody acted upon would have ended the doubt. */
        journal->next_off = last;
        journal->fresh_end = last;
    }
    struct otter_record head = {.type = OTTER_RECORD_HEAD};
    store_le32(head.body, journal->first);
    store_le32(head.body + 4, journal->count);
    memcpy(head.body + 8, journal->map_hash, OTTER_MAP_HASH_SIZE);
    return write_record(journal, &head);
}

/* The live records, as many to a cell as it takes. */
static int write_live(struct otter_journal *journal, const struct otter_journal_reader *reader)
{
    uint8_t cell[OTTER_PROG_SIZE_MAX];
    struct otter_record record;
    uint32_t used = 0;
    int err = OTTER_OK;
    memset(cell, journal->area.flash->erased, sizeof cell);
    for (uint32_t i = 0; err == OTTER_OK && i <= OTTER_JOURNAL_LIVE_MAX; i++) {
        if (i < OTTER_JOURNAL_LIVE_MAX && reader->give(reader->ctx, i, &record)) {
            encode_next(journal, &record, cell + used);
            used += OTTER_RECORD_SIZE;
            journal->follows = true;
            journal->count++;
        }
        if (used == journal->cell_size || (used != 0 && i == OTTER_JOURNAL_LIVE_MAX)) {
            err = write_somewhere(journal, cell);
            memset(cell, journal->area.flash->erased, sizeof cell);
            used = 0;
        }
    }
    return err;
}

/* Move to the other half. cut here, anywhere: the old half is whole and still in force,
 * until the caller has appended the first record behind HEAD. */
static int compact(struct otter_journal *journal, const struct otter_journal_reader *reader)
{
    uint32_t sector = sector_of(journal);
    uint32_t target = journal->half_off == 0 ? journal->half_size : 0;
    uint32_t off = target + (journal->follows ? low_size(journal) : journal->half_size);
    journal->fresh_end = off;
    while (off > target) {
        off -= sector;
        if (otter_area_erase(&journal->area, off, sector) < 0) {
            journal->fresh_end = off; /* a worn sector: write_cell will leave it out */
        }
    }
    journal->half_off = target;
    journal->next_off = target;
    journal->seq = (journal->highest > journal->seq ? journal->highest : journal->seq) + GAP;
    journal->first = journal->seq + 1;
    journal->count = 0;
    journal->repeat_head = false;
    int err = write_live(journal, reader);
    if (err == OTTER_OK) {
        journal->next_off = sector_end(journal, journal->next_off - 1);
        err = write_head(journal);
        journal->next_off = sector_end(journal, journal->next_off - 1);
    }
    return err;
}

int otter_journal_append(struct otter_journal *journal, const struct otter_record *record,
                         const struct otter_journal_reader *reader)
{
    if (journal->empty) {
        create(journal);
    }
    uint32_t old = journal->half_off;
    int err = journal->repeat_head ? write_head(journal) : OTTER_OK;
    if (err == OTTER_OK) {
        journal->repeat_head = false;
        err = write_record(journal, record);
    }
    if (err != FULL) {
        return err;
    }
    err = compact(journal, reader);
    if (err == OTTER_OK) {
        err = write_record(journal, record);
    }
    if (err != OTTER_OK) { /* the old half stays in force; the next append tries again */
        journal->half_off = old;
        journal->next_off = half_end(journal);
        return OTTER_ERR_IO;
    }
    return OTTER_OK;
}

void otter_journal_make_room(struct otter_journal *journal)
{
    if (journal->next_off - journal->half_off > low_size(journal)) {
        journal->next_off = half_end(journal);
    }
}
