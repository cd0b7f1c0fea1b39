/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene.c - prepares a flash file: a device that was in use, and then an attacker.
 *
 * The bootloader itself begins the journal, in a first boot with the right image. Requests
 * and rejects are written by slot/, through a driver that leaves the same notes as the board's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "otter/result.h"
#include "otter/state.h"
#include "otter_map.h"
#include "slot/journal.h"
#include "test/glitch/program.h"
#include "test/glitch/scene.h"

/* Version 1.1.0 is "good"; "next" is 1.2.0, "old" 1.0.0; all three are genuine. */
const struct scene scenes[] = {
    {"good", "good", NULL, NULL, NULL, "good", "nothing wrong: what a glitch does to a healthy device"},
    {"flipped", "flipped", NULL, NULL, NULL, NULL, "one bit of the payload flipped"},
    {"zero-byte", "zero-byte", NULL, NULL, NULL, NULL, "one byte of the payload set that was 0"},
    {"forged", "forged", NULL, NULL, NULL, NULL, "another payload, hash right, signature of the right image"},
    {"other-key", "other-key", NULL, NULL, NULL, NULL, "signed, and named, by another key"},
    {"our-name", "our-name", NULL, NULL, NULL, NULL, "signed by another key in the name of ours"},
    {"unsigned", "unsigned", NULL, NULL, NULL, NULL, "a hash, but no signature"},
    {"zeros", "zeros", NULL, NULL, NULL, NULL, "hash right, signature r = 0, s = 0"},
    {"elsewhere", "elsewhere", NULL, NULL, NULL, NULL, "genuine, but built for another address"},
    {"asked-forged", "good", "forged", "forged", NULL, "good", "a forged image asked for in the secondary"},
    {"asked-rejected", "good", "next", "next", "next", "good", "genuine and asked for, but failed a trial before"},
    {"asked-older", "good", "old", "old", NULL, "good", "genuine and asked for, but below the floor"},
    {"not-asked", "good", "next", "good", NULL, "good", "genuine and newer, but not the one asked for"},
    {"dead-rejected", "flipped", "next", NULL, "next", NULL, "primary dead; secondary genuine, but rejected"},
    {"dead-older", "flipped", "old", NULL, NULL, NULL, "primary dead; secondary genuine, but below the floor"},
    {"dead-forged", "flipped", "forged", NULL, NULL, NULL, "primary dead, secondary forged"},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL},
};

enum { NOTES = 0xE00000, UNIT = 4 };

static struct board *target;
static uint8_t *right_bytes; /* of the image that may be started */
static size_t right_size;

static void put(uint32_t off, uint8_t byte)
{
    uint32_t word, at = off & ~3u;
    memcpy(&word, target->flash + at, sizeof word);
    ((uint8_t *)&word)[off & 3] = byte;
    board_flash_store(target, at, word);
}

static void note(uint32_t off, size_t len, bool programmed)
{
    for (uint32_t at = off; at < off + len; at += UNIT) {
        uint8_t bit = (uint8_t)(1u << at / UNIT % 8);
        uint32_t place = NOTES + at / UNIT / 8;
        put(place, (uint8_t)(programmed ? target->flash[place] | bit : target->flash[place] & ~bit));
    }
}

/* ctx: where the device lies in the flash file. */
static uint32_t place(const void *ctx, uint32_t off)
{
    return *(const uint32_t *)ctx - FLASH_ADDR + off;
}

static int flash_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    memcpy(buf, target->flash + place(ctx, off), len);
    return OTTER_OK;
}

static int flash_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        put(place(ctx, off) + (uint32_t)i, ((const uint8_t *)buf)[i]);
    }
    note(place(ctx, off), len, true);
    return OTTER_OK;
}

static int erase(void *ctx, uint32_t off, uint32_t size, uint8_t erased)
{
    for (uint32_t i = 0; i < size; i++) {
        put(place(ctx, off) + i, erased);
    }
    note(place(ctx, off), size, false);
    return OTTER_OK;
}

static uint32_t internal_addr = OTTER_MAP_INTERNAL_ADDR, external_addr = OTTER_MAP_EXTERNAL_ADDR;

static int erase_internal(void *ctx, uint32_t off, uint32_t size)
{
    return erase(ctx, off, size, OTTER_MAP_INTERNAL_ERASED);
}

static int erase_external(void *ctx, uint32_t off, uint32_t size)
{
    return erase(ctx, off, size, OTTER_MAP_EXTERNAL_ERASED);
}

#define DEVICE(NAME, name)                                                                          \
    static const struct otter_flash name = {                                                        \
        .ctx = &name##_addr, .read = flash_read, .prog = flash_prog, .erase = erase_##name,         \
        .write = OTTER_MAP_##NAME##_ROW_WRITE ? flash_prog : NULL, .size = OTTER_MAP_##NAME##_SIZE, \
        .sector_size = OTTER_MAP_##NAME##_SECTOR_SIZE, .block_size = OTTER_MAP_##NAME##_BLOCK_SIZE, \
        .prog_size = OTTER_MAP_##NAME##_PROG_SIZE, .erased = OTTER_MAP_##NAME##_ERASED}
DEVICE(INTERNAL, internal);
DEVICE(EXTERNAL, external);
static const struct otter_layout layout = OTTER_MAP_LAYOUT(&internal, &external);

static uint8_t *image(const char *folder, const char *name, size_t *ret_size)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.bin", folder, name);
    return file_read(path, ret_size);
}

static uint32_t slot_off(const struct otter_area *area)
{
    return (area == &layout.primary ? OTTER_MAP_PRIMARY_ADDR : OTTER_MAP_SECONDARY_ADDR) - FLASH_ADDR;
}

/* What a programmer at the pins does: no rules, no notes. */
static void program_slot(const struct otter_area *area, const char *folder, const char *name)
{
    size_t size = 0, old = 0;
    uint8_t *bytes = name == NULL ? NULL : image(folder, name, &size);
    uint8_t *good = image(folder, "good", &old); /* at least that is replaced */
    for (uint32_t i = 0; i < size || i < old; i++) {
        put(slot_off(area) + i, i < size ? bytes[i] : area->flash->erased);
    }
    free(bytes);
    free(good);
}

static bool parse(const char *folder, const char *name, struct otter_image *ret_image)
{
    size_t count = target->undos_count;
    program_slot(&layout.secondary, folder, name);
    struct otter_view view = otter_view_of(&layout.secondary);
    bool good = otter_image_parse(&view, ret_image) == OTTER_OK;
    board_flash_back(target, count);
    return good;
}

static bool set_state(const struct scene *scene, const char *folder)
{
    struct otter_state state;
    struct otter_image requested;
    if (otter_state_open(&state, &layout) != OTTER_OK) {
        return false;
    }
    if (scene->requested != NULL) {
        if (!parse(folder, scene->requested, &requested) || otter_state_request_swap(&state, &requested, false) != OTTER_OK) {
            return false;
        }
    }
    if (scene->rejected != NULL) {
        struct otter_reject before = state.requested;
        if (!parse(folder, scene->rejected, &requested)) {
            return false;
        }
        memcpy(state.requested.hash, requested.hash, sizeof state.requested.hash);
        state.requested.version = requested.version;
        if (otter_state_write_reject(&state) != OTTER_OK) {
            return false;
        }
        state.requested = before;
    }
    return true;
}

/* One boot of the emulated bootloader; it must start the right image. */
static bool first_boot(void)
{
    static struct machine machine;
    machine_power_on(&machine, target);
    machine_run(&machine, HZ);
    if (machine.cpu.end != CPU_IN_FLASH) {
        fprintf(stderr, "glitch: the first boot ends otherwise (%d):\n%s", (int)machine.cpu.end, machine.uart);
    }
    return machine.cpu.end == CPU_IN_FLASH;
}

bool scene_set(const struct scene *scene, const char *folder, struct board *board)
{
    target = board;
    memo_forget(&board->memos);
    board->undos_count = 0;
    memset(board->flash, 0, FLASH_SIZE);
    memset(board->flash + (OTTER_MAP_INTERNAL_ADDR - FLASH_ADDR), OTTER_MAP_INTERNAL_ERASED, OTTER_MAP_INTERNAL_SIZE);
    memset(board->flash + (OTTER_MAP_EXTERNAL_ADDR - FLASH_ADDR), OTTER_MAP_EXTERNAL_ERASED, OTTER_MAP_EXTERNAL_SIZE);
    program_slot(&layout.primary, folder, "good");
    if (!first_boot() || !set_state(scene, folder)) {
        fprintf(stderr, "glitch: %s cannot be prepared\n", scene->name);
        return false;
    }
    program_slot(&layout.primary, folder, scene->primary);
    if (scene->secondary != NULL) {
        program_slot(&layout.secondary, folder, scene->secondary);
    }
    board->undos_count = 0;
    board->flash_hash = 0;
    memo_forget(&board->memos);
    free(right_bytes);
    right_bytes = scene->right == NULL ? NULL : image(folder, scene->right, &right_size);
    return true;
}

bool scene_is_right(const struct board *board)
{
    return right_bytes != NULL && memcmp(board->flash + slot_off(&layout.primary), right_bytes, right_size) == 0;
}

uint32_t scene_entry(const struct board *board)
{
    uint32_t entry;
    memcpy(&entry, board->flash + slot_off(&layout.primary) + SCENE_HEADER_SIZE + 4, sizeof entry);
    return entry & ~1u;
}
