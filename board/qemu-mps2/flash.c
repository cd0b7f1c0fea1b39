/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flash.c - the flash devices of the map, in memory that a file backs, with the rules of the parts.
 *
 * A unit is programmed once between erases: one bit for every four bytes of flash, kept in the
 * flash file behind the devices, remembers that it was. Cut here, at any store: a unit that is
 * being programmed is noted first; a sector that is being erased loses its notes last, and the
 * bytes of an operation change a quarter at a time. Breaking a
 * rule is a defect of the program: a line says so, and the operation fails, nothing changed.
 *
 * Operations take no time here, or, with the factory setting "pace", so many thousandths of the
 * real part's (at most 7000); then they happen piece by piece, so that a cut leaves a part of them
 * done. The watchdog is not fed meanwhile: on the real part nobody could.
 */
#include <string.h>

#include "board/board.h"
#include "board/qemu-mps2/machine.h"
#include "otter/result.h"
#include "part.h"

enum { PIECES = 8 };

struct device {
    struct otter_flash flash; /* ctx: this structure */
    uint32_t addr;
    uint32_t erase_us, unit_us; /* of a sector or block, and to program a unit */
};

static int flash_read(void *ctx, uint32_t off, void *buf, size_t len);
static int flash_prog(void *ctx, uint32_t off, const void *buf, size_t len);
static int flash_erase(void *ctx, uint32_t off, uint32_t size);
static int flash_write(void *ctx, uint32_t off, const void *buf, size_t len);

enum {
#define DEVICE(NAME, ERASE_US, UNIT_US) NAME,
    PART_FLASH_DEVICES(DEVICE)
#undef DEVICE
    DEVICES
};
static const struct device devices[DEVICES];

#define DEVICE(NAME, ERASE_US, UNIT_US)                                       \
    [NAME] = {.flash = {.ctx = (void *)(uintptr_t)&devices[NAME],             \
                        .read = flash_read,                                   \
                        .prog = flash_prog,                                   \
                        .erase = flash_erase,                                 \
                        .write = OTTER_MAP_##NAME##_ROW_WRITE ? flash_write : NULL, \
                        .size = OTTER_MAP_##NAME##_SIZE,                      \
                        .sector_size = OTTER_MAP_##NAME##_SECTOR_SIZE,        \
                        .block_size = OTTER_MAP_##NAME##_BLOCK_SIZE,          \
                        .prog_size = OTTER_MAP_##NAME##_PROG_SIZE,            \
                        .erased = OTTER_MAP_##NAME##_ERASED},                 \
              .addr = OTTER_MAP_##NAME##_ADDR,                                \
              .erase_us = ERASE_US,                                           \
              .unit_us = UNIT_US},
static const struct device devices[DEVICES] = {PART_FLASH_DEVICES(DEVICE)};

#define FLASH_OF(NAME) (&devices[NAME].flash)
static const struct otter_layout layout = PART_LAYOUT(FLASH_OF);

const struct otter_layout *board_layout(void)
{
    return &layout;
}

static uint8_t *bytes_at(uint32_t addr)
{
    return (uint8_t *)(uintptr_t)addr;
}

/* A byte of notes is about 32 bytes of flash: those of [addr, end) that it is about, as its bits. */
static uint8_t *note_at(uint32_t addr, uint32_t end, uint8_t *ret_bits)
{
    uint32_t count = (end - addr) / 4;
    *ret_bits = (uint8_t)(((1u << (count < 8 ? count : 8)) - 1u) << addr / 4 % 8);
    return bytes_at(PART_FLASH_FILE + FLASH_USED_OFF + (addr - PART_FLASH_FILE) / 32);
}

static uint32_t next_note(uint32_t addr)
{
    return (addr | 31u) + 1u;
}

static void note(uint32_t addr, size_t len, bool programmed)
{
    uint8_t bits;
    for (uint32_t end = addr + len; addr < end; addr = next_note(addr)) {
        uint8_t *at = note_at(addr, end, &bits);
        *at = (uint8_t)(programmed ? *at | bits : *at & ~bits);
    }
    MACHINE_SYNC(); /* stores reach the file in the order of the program */
}

static bool is_erased(uint32_t addr, size_t len, uint8_t erased)
{
    uint8_t bits;
    uint32_t end = addr + len;
    for (uint32_t at = addr; at < end; at += 4) {
        if (MACHINE_REGISTER(at) != erased * 0x01010101u) {
            return false;
        }
    }
    while (addr < end && (*note_at(addr, end, &bits) & bits) == 0) {
        addr = next_note(addr);
    }
    return addr >= end;
}

static void wait(uint32_t us)
{
    static uint32_t owed_us; /* less than a millisecond, from one wait to the next */
    uint32_t start_ms = board_millis();
    owed_us += us;
    while (board_millis() - start_ms < owed_us / 1000u) {
    }
    owed_us %= 1000u;
}

/* [addr, addr + len) becomes `data`, or erased (data NULL), which takes the real part so long. */
static void change(uint32_t addr, const uint8_t *data, size_t len, uint8_t erased, uint32_t real_us)
{
    uint32_t us = real_us * words_value(board_setting("pace", 0, NULL)) / 1000u;
    size_t piece = us == 0 ? len : (len / PIECES | 3u) + 1u;
    us = us / (uint32_t)((len + piece - 1) / piece);
    for (size_t off = 0; off < len; off += piece) {
        size_t now = len - off < piece ? len - off : piece;
        if (data != NULL) {
            memcpy(bytes_at(addr + off), data + off, now);
        } else {
            memset(bytes_at(addr + off), erased, now);
        }
        MACHINE_SYNC();
        wait(us);
    }
}

static int misuse(uint32_t addr, const char *what)
{
    struct words_number number;
    const char *values[2] = {what, words_hex(&number, addr)};
    uart_break_line();
    words_say(machine_prefix(), BOOT_FLASH_MISUSE, values);
    return OTTER_ERR_IO;
}

/* One operation. data NULL: an erase, of one unit. erases: it needs no erase before it (a row). */
static int operate(void *ctx, uint32_t off, const void *data, size_t len, uint32_t unit, bool erases)
{
    const struct device *device = ctx;
    uint32_t size = device->flash.size;
    uint32_t addr = device->addr + off;
    if (off > size || len > size - off || off % unit != 0 || len % unit != 0) {
        return misuse(addr, "not whole units");
    }
    if (!erases && !is_erased(addr, len, device->flash.erased)) {
        return misuse(addr, "programmed without an erase");
    }
    uint8_t erased = device->flash.erased;
    mpu_flash_writable(true); /* once: each change of the MPU costs the emulator its address cache */
    if (data != NULL) {
        note(addr, len, true);
    }
    if (erases) {
        change(addr, NULL, len, erased, device->erase_us);
    }
    if (data != NULL) {
        change(addr, data, len, erased, (uint32_t)len / device->flash.prog_size * device->unit_us);
    } else {
        note(addr, len, false);
    }
    mpu_flash_writable(false);
    return OTTER_OK;
}

static int flash_read(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct device *device = ctx;
    uint32_t size = device->flash.size;
    if (off > size || len > size - off) {
        return OTTER_ERR_ARG;
    }
    memcpy(buf, bytes_at(device->addr + off), len);
    return OTTER_OK;
}

static int flash_prog(void *ctx, uint32_t off, const void *buf, size_t len)
{
    return operate(ctx, off, buf, len, ((const struct device *)ctx)->flash.prog_size, false);
}

static int flash_erase(void *ctx, uint32_t off, uint32_t size)
{
    const struct otter_flash *flash = &((const struct device *)ctx)->flash;
    return operate(ctx, off, NULL, size, size == flash->block_size ? size : flash->sector_size, true);
}

static int flash_write(void *ctx, uint32_t off, const void *buf, size_t len)
{
    uint32_t row = ((const struct device *)ctx)->flash.sector_size;
    int err = OTTER_OK;
    for (uint32_t done = 0; err == OTTER_OK && done < len; done += row) {
        size_t now = len - done < row ? len - done : row;
        err = operate(ctx, off + done, (const uint8_t *)buf + done, now, row, true);
    }
    return err;
}
