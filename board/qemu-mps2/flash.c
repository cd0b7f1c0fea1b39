/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash.c - the flash devices of the map, in memory that a file backs, with the rules of the parts.
 *
 * A unit is programmed once between erases: one bit for every four bytes of flash, kept in the
 * flash file behind the devices, remembers that it was. Cut here, at any store: a unit that is
 * being programmed is noted first; a sector that is being erased loses its notes last. Breaking a
 * rule is a defect of the program: a line says so, and the operation fails, nothing changed.
 *
 * Operations take no time here, or, with the factory setting "pace", so many thousandths of the
 * real part's. The watchdog is not fed meanwhile: on the real part nobody could.
 */
#include <stdlib.h>
#include <string.h>

#include "board/board.h"
#include "board/qemu-mps2/machine.h"
#include "otter/result.h"
#include "part.h"

enum { NOTE_SPAN = 32 }; /* bytes of flash to a byte of notes */

struct device {
    struct otter_flash flash; /* ctx: the index in devices[] */
    uint32_t off;             /* in the flash file */
    uint32_t erase_us, block_us, write_us, page_us, page_size;
};

static int flash_read(void *ctx, uint32_t off, void *buf, size_t len);
static int flash_prog(void *ctx, uint32_t off, const void *buf, size_t len);
static int flash_erase(void *ctx, uint32_t off, uint32_t size);
static int flash_write(void *ctx, uint32_t off, const void *buf, size_t len);

#define DEVICE(NAME, ERASE_US, BLOCK_US, WRITE_US, PAGE_US, PAGE_SIZE)          \
    [OTTER_MAP_##NAME##_INDEX] = {                                           \
        .flash = {.ctx = (void *)OTTER_MAP_##NAME##_INDEX,                   \
                  .read = flash_read,                                        \
                  .prog = flash_prog,                                        \
                  .erase = flash_erase,                                      \
                  .write = OTTER_MAP_##NAME##_ROW_WRITE ? flash_write : NULL, \
                  .size = OTTER_MAP_##NAME##_SIZE,                           \
                  .sector_size = OTTER_MAP_##NAME##_SECTOR_SIZE,             \
                  .block_size = OTTER_MAP_##NAME##_BLOCK_SIZE,               \
                  .prog_size = OTTER_MAP_##NAME##_PROG_SIZE,                 \
                  .erased = OTTER_MAP_##NAME##_ERASED},                      \
        .off = OTTER_MAP_##NAME##_ADDR - PART_FLASH_FILE,                    \
        .erase_us = ERASE_US,                                                \
        .block_us = BLOCK_US,                                                \
        .write_us = WRITE_US,                                                \
        .page_us = PAGE_US,                                                  \
        .page_size = PAGE_SIZE},

static const struct device devices[] = {PART_FLASH_DEVICES(DEVICE)};

#define FLASH_OF(NAME) (&devices[OTTER_MAP_##NAME##_INDEX].flash)
static const struct otter_layout layout = PART_LAYOUT(FLASH_OF);

const struct otter_layout *board_layout(void)
{
    return &layout;
}

static const struct device *device_of(void *ctx)
{
    return &devices[(uintptr_t)ctx];
}

static uint8_t *bytes_at(const struct device *device, uint32_t off)
{
    return (uint8_t *)(uintptr_t)(PART_FLASH_FILE + device->off + off);
}

static uint8_t *notes_at(const struct device *device, uint32_t off)
{
    return (uint8_t *)(uintptr_t)(PART_FLASH_FILE + FLASH_USED_OFF + (device->off + off) / NOTE_SPAN);
}

static uint8_t note_bit(uint32_t off)
{
    return (uint8_t)(1u << off / 4 % 8);
}

static int misuse(const struct device *device, uint32_t off, const char *what)
{
    struct words_number number;
    const char *values[2] = {what, words_hex(&number, PART_FLASH_FILE + device->off + off)};
    uart_break_line();
    words_say(machine_prefix(), BOOT_FLASH_MISUSE, values);
    return OTTER_ERR_IO;
}

static bool inside(const struct device *device, uint32_t off, size_t len, uint32_t unit)
{
    uint32_t size = device->flash.size;
    return off <= size && len <= size - off && off % unit == 0 && len % unit == 0;
}

/* An operation of `us` microseconds on the real part ends now. */
static void take_time(uint32_t us)
{
    static uint32_t owed_us; /* less than a millisecond, from operation to operation */
    const char *pace = board_setting("pace", 0, NULL);
    if (pace == NULL) {
        return;
    }
    uint32_t start_ms = board_millis();
    owed_us += (uint32_t)((uint64_t)us * (uint32_t)atoi(pace) / 1000u);
    while (board_millis() - start_ms < owed_us / 1000u) {
    }
    owed_us %= 1000u;
}

/* Stores reach the file in this order. */
static void barrier(void)
{
    __asm volatile("dmb" : : : "memory");
}

static void change_begin(void)
{
    mpu_flash_writable(true);
}

static void change_end(uint32_t us)
{
    mpu_flash_writable(false);
    take_time(us);
}

static void note_programmed(const struct device *device, uint32_t off, size_t len)
{
    for (uint32_t at = off; at < off + len; at += 4) {
        *notes_at(device, at) |= note_bit(at);
    }
    barrier();
}

static bool all_erased(const struct device *device, uint32_t off, size_t len)
{
    const uint8_t *bytes = bytes_at(device, 0);
    uint32_t at = off;
    while (at < off + len && bytes[at] == device->flash.erased && (*notes_at(device, at) & note_bit(at)) == 0) {
        at++;
    }
    return at == off + len;
}

static int flash_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct device *device = device_of(ctx);
    if (!inside(device, off, len, 1)) {
        return misuse(device, off, "read outside the device");
    }
    memcpy(buf, bytes_at(device, off), len);
    return OTTER_OK;
}

static int flash_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    const struct device *device = device_of(ctx);
    if (!inside(device, off, len, device->flash.prog_size)) {
        return misuse(device, off, "programs what is not whole units");
    }
    if (!all_erased(device, off, len)) {
        return misuse(device, off, "programs what is not erased");
    }
    change_begin();
    note_programmed(device, off, len);
    memcpy(bytes_at(device, off), buf, len);
    change_end((uint32_t)(len + device->page_size - 1) / device->page_size * device->page_us);
    return OTTER_OK;
}

static int flash_erase(void *ctx, uint32_t off, uint32_t size)
{
    const struct device *device = device_of(ctx);
    bool sector = size == device->flash.sector_size;
    if (!inside(device, off, size, size) || (!sector && size != device->flash.block_size)) {
        return misuse(device, off, "erases what is not a sector");
    }
    change_begin();
    memset(bytes_at(device, off), device->flash.erased, size);
    barrier();
    memset(notes_at(device, off), 0, size / NOTE_SPAN);
    change_end(sector ? device->erase_us : device->block_us);
    return OTTER_OK;
}

static int flash_write(void *ctx, uint32_t off, const void *buf, size_t len)
{
    const struct device *device = device_of(ctx);
    uint32_t row = device->flash.sector_size;
    if (!inside(device, off, len, row)) {
        return misuse(device, off, "writes what is not whole rows");
    }
    change_begin();
    note_programmed(device, off, len);
    memcpy(bytes_at(device, off), buf, len);
    change_end((uint32_t)len / row * device->write_us);
    return OTTER_OK;
}
