/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.c - a power supply and its flash devices, in memory or in one file; snapshots.
 *
 * The arena is one mapping: a head page, then for each device the planes data, other,
 * unit, wear, each on whole pages. A file is mapped shared, so what an operation did is
 * in the file when the operation returns, and stays when the process is killed. The file
 * is for the machine that made it (native byte order).
 */
#include "sim/sim.h"

#include "otter/result.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u
#define MAGIC "otter-sim flash 1"

struct head {
    char magic[32];
    uint32_t count;
    uint32_t geometry_size; /* sizeof(struct sim_geometry): a check on the build */
    struct sim_geometry parts[SIM_DEVICES_MAX];
};
_Static_assert(sizeof(struct head) <= PAGE, "the head is one page");

struct sim_snapshot {
    uint64_t id;
    uint8_t *arena; /* as the board's, same offsets; only touched sectors are filled */
    size_t size;
    uint8_t *mark[SIM_DEVICES_MAX];
    uint64_t *digest[SIM_DEVICES_MAX];
    bool any_marginal[SIM_DEVICES_MAX];
};

static size_t pages(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

static uint32_t sectors(const struct sim_geometry *part)
{
    return part->size / part->sector_size;
}

static size_t planes_size(const struct sim_geometry *part)
{
    return 2 * pages(part->size) + pages(part->size / part->prog_size) +
           pages(sectors(part) * sizeof(uint32_t));
}

static bool sane(const struct sim_geometry *part)
{
    return memchr(part->name, 0, sizeof part->name) != NULL && part->prog_size != 0 && part->sector_size % part->prog_size == 0 &&
           part->sector_size != 0 && part->size != 0 && part->size % part->sector_size == 0 &&
           part->page_size >= part->prog_size && part->page_size % part->prog_size == 0 &&
           part->prog_size <= OTTER_PROG_SIZE_MAX && part->block_size % part->sector_size == 0;
}

static int bind_devices(struct sim_board *board, uint64_t seed)
{
    const struct head *head = (const struct head *)(const void *)board->arena;
    size_t at = PAGE;
    board->power.random = seed;
    board->devices_count = head->count;
    for (unsigned i = 0; i < head->count; i++) {
        struct sim_flash *flash = &board->devices[i];
        flash->geometry = head->parts[i];
        flash->data = board->arena + at;
        at += pages(flash->geometry.size);
        flash->other = board->arena + at;
        at += pages(flash->geometry.size);
        flash->unit = board->arena + at;
        at += pages(flash->geometry.size / flash->geometry.prog_size);
        flash->wear = (uint32_t *)(void *)(board->arena + at);
        at += pages(sectors(&flash->geometry) * sizeof(uint32_t));
        flash->mark = calloc(sectors(&flash->geometry), 1);
        flash->digest = calloc(sectors(&flash->geometry), sizeof *flash->digest);
        if (flash->mark == NULL || flash->digest == NULL) {
            return OTTER_ERR_NOSPACE;
        }
        sim_flash_bind(flash, &board->power);
    }
    return OTTER_OK;
}

static int map_arena(struct sim_board *board, size_t size, int fd, bool shared)
{
    int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : shared ? MAP_SHARED : MAP_PRIVATE;
    void *arena = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (arena == MAP_FAILED) {
        return OTTER_ERR_IO;
    }
    board->arena = arena;
    board->arena_size = size;
    return OTTER_OK;
}

int sim_board_create(struct sim_board *board, const struct sim_geometry *parts, unsigned count,
                     uint64_t seed, const char *path)
{
    size_t size = PAGE;
    memset(board, 0, sizeof *board);
    if (count == 0 || count > SIM_DEVICES_MAX) {
        return OTTER_ERR_ARG;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!sane(&parts[i])) {
            return OTTER_ERR_ARG;
        }
        size += planes_size(&parts[i]);
    }
    int fd = -1;
    if (path != NULL) {
        fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0) {
            return OTTER_ERR_IO;
        }
    }
    int err = fd >= 0 && ftruncate(fd, (off_t)size) != 0 ? OTTER_ERR_IO : OTTER_OK;
    if (err == OTTER_OK) {
        err = map_arena(board, size, fd, true);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (err < 0) {
        return err;
    }
    struct head *head = (struct head *)(void *)board->arena;
    memcpy(head->magic, MAGIC, sizeof MAGIC);
    head->geometry_size = sizeof(struct sim_geometry);
    head->count = count;
    memcpy(head->parts, parts, count * sizeof *parts);
    return bind_devices(board, seed);
}

/* The head of a file that claims to be ours: is the rest as large as it says? */
static bool head_fits(const struct head *head, size_t size)
{
    size_t want = PAGE;
    if (memcmp(head->magic, MAGIC, sizeof MAGIC) != 0 || head->count == 0 ||
        head->count > SIM_DEVICES_MAX || head->geometry_size != sizeof(struct sim_geometry)) {
        return false;
    }
    for (unsigned i = 0; i < head->count; i++) {
        if (!sane(&head->parts[i])) {
            return false;
        }
        want += planes_size(&head->parts[i]);
    }
    return want == size;
}

static int open_file(struct sim_board *board, const char *path, uint64_t seed, bool shared)
{
    struct stat st;
    memset(board, 0, sizeof *board);
    int fd = open(path, (shared ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0) {
        return OTTER_ERR_IO;
    }
    int err = OTTER_ERR_IO;
    if (fstat(fd, &st) == 0) {
        err = st.st_size < (off_t)PAGE ? OTTER_ERR_CORRUPT : map_arena(board, (size_t)st.st_size, fd, shared);
    }
    close(fd);
    if (err < 0) {
        return err;
    }
    if (!head_fits((const struct head *)(const void *)board->arena, board->arena_size)) {
        sim_board_close(board);
        return OTTER_ERR_CORRUPT;
    }
    err = bind_devices(board, seed);
    for (unsigned i = 0; err == OTTER_OK && i < board->devices_count; i++) {
        struct sim_flash *flash = &board->devices[i];
        flash->any_marginal = true; /* not known: reads look */
        memset(flash->mark, SIM_MARK_TOUCHED | SIM_MARK_DIRTY | SIM_MARK_STALE, sectors(&flash->geometry));
    }
    return err;
}

int sim_board_open(struct sim_board *board, const char *path, uint64_t seed)
{
    int err = open_file(board, path, seed, true);
    if (err == OTTER_OK) {
        sim_board_power_on(board);
    }
    return err;
}

int sim_board_view(struct sim_board *board, const char *path, uint64_t seed)
{
    return open_file(board, path, seed, false);
}

void sim_board_close(struct sim_board *board)
{
    for (unsigned i = 0; i < board->devices_count; i++) {
        free(board->devices[i].mark);
        free(board->devices[i].digest);
    }
    if (board->arena != NULL) {
        munmap(board->arena, board->arena_size);
    }
    memset(board, 0, sizeof *board);
}

/* Does the plane of other readings count? */
static bool reads_by_chance(const uint8_t *unit, size_t units)
{
    for (size_t i = 0; i < units; i++) {
        if (unit[i] >= SIM_UNIT_UNSTABLE && unit[i] != SIM_UNIT_ECC) {
            return true;
        }
    }
    return false;
}

/* One sector of all planes, from one arena to another of the same shape. */
static void copy_sector(uint8_t *to, const uint8_t *from, const struct sim_board *board,
                        const struct sim_flash *flash, uint32_t sector)
{
    size_t size = flash->geometry.sector_size;
    size_t data = (size_t)(flash->data - board->arena) + sector * size;
    size_t other = (size_t)(flash->other - board->arena) + sector * size;
    size_t units = size / flash->geometry.prog_size;
    size_t unit = (size_t)(flash->unit - board->arena) + sector * units;
    memcpy(to + data, from + data, size);
    memcpy(to + unit, from + unit, units);
    if (reads_by_chance(to + unit, units)) {
        memcpy(to + other, from + other, size);
    }
}

struct sim_snapshot *sim_snapshot_save(struct sim_board *board)
{
    static uint64_t ids;
    struct sim_snapshot *snapshot = calloc(1, sizeof *snapshot);
    void *arena = mmap(NULL, board->arena_size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (snapshot == NULL || arena == MAP_FAILED) {
        abort();
    }
    snapshot->id = ++ids;
    snapshot->arena = arena;
    snapshot->size = board->arena_size;
    for (unsigned i = 0; i < board->devices_count; i++) {
        struct sim_flash *flash = &board->devices[i];
        uint32_t count = sectors(&flash->geometry);
        snapshot->mark[i] = malloc(count);
        snapshot->digest[i] = malloc(count * sizeof *flash->digest);
        if (snapshot->mark[i] == NULL || snapshot->digest[i] == NULL) {
            abort();
        }
        snapshot->any_marginal[i] = flash->any_marginal;
        for (uint32_t s = 0; s < count; s++) {
            flash->mark[s] &= (uint8_t)~SIM_MARK_DIRTY;
            if ((flash->mark[s] & SIM_MARK_TOUCHED) != 0) {
                copy_sector(snapshot->arena, board->arena, board, flash, s);
            }
        }
        memcpy(snapshot->mark[i], flash->mark, count);
        memcpy(snapshot->digest[i], flash->digest, count * sizeof *flash->digest);
    }
    board->synced = snapshot->id;
    return snapshot;
}

void sim_snapshot_restore(struct sim_board *board, const struct sim_snapshot *snapshot)
{
    bool synced = board->synced == snapshot->id;
    for (unsigned i = 0; i < board->devices_count; i++) {
        struct sim_flash *flash = &board->devices[i];
        uint32_t count = sectors(&flash->geometry);
        for (uint32_t s = 0; s < count; s++) {
            uint8_t either = flash->mark[s] | snapshot->mark[i][s];
            if ((either & (synced ? SIM_MARK_DIRTY : SIM_MARK_TOUCHED)) != 0) {
                copy_sector(board->arena, snapshot->arena, board, flash, s);
            }
        }
        memcpy(flash->mark, snapshot->mark[i], count);
        memcpy(flash->digest, snapshot->digest[i], count * sizeof *flash->digest);
        flash->any_marginal = snapshot->any_marginal[i];
    }
    board->synced = snapshot->id;
}

void sim_snapshot_free(struct sim_snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    for (unsigned i = 0; i < SIM_DEVICES_MAX; i++) {
        free(snapshot->mark[i]);
        free(snapshot->digest[i]);
    }
    munmap(snapshot->arena, snapshot->size);
    free(snapshot);
}

/* Zero stays zero: an erased sector counts as one that was never touched. */
static uint64_t mix_bytes(uint64_t digest, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, len - i < 8 ? len - i : 8);
        digest = (digest ^ word) * 0x9e3779b97f4a7c15u;
        digest ^= digest >> 29;
    }
    return digest;
}

static void digest_sector(struct sim_flash *flash, uint32_t sector)
{
    size_t size = flash->geometry.sector_size;
    size_t units = size / flash->geometry.prog_size;
    const uint8_t *unit = flash->unit + sector * units;
    flash->digest[sector] = mix_bytes(mix_bytes(0, flash->data + sector * size, size), unit, units);
    flash->mark[sector] &= (uint8_t)~(SIM_MARK_STALE | SIM_MARK_CHANCE);
    if (reads_by_chance(unit, units)) {
        flash->mark[sector] |= SIM_MARK_CHANCE;
    }
}

bool sim_board_digest(struct sim_board *board, uint64_t *ret_digest)
{
    uint64_t sum = 0;
    bool chance = false;
    for (unsigned i = 0; i < board->devices_count; i++) {
        struct sim_flash *flash = &board->devices[i];
        uint32_t count = sectors(&flash->geometry);
        for (uint32_t s = 0; s < count; s++) {
            if ((flash->mark[s] & SIM_MARK_STALE) != 0) {
                digest_sector(flash, s);
            }
            uint64_t place = flash->digest[s] + (uint64_t)(s + 1) * (2 * i + 1);
            sum += flash->digest[s] == 0 ? 0 : sim_random(&place);
            chance = chance || (flash->mark[s] & SIM_MARK_CHANCE) != 0;
        }
    }
    *ret_digest = sum;
    return !chance;
}
