/* SPDX-License-Identifier: Apache-2.0 */
/* board.c - the table of emulated boards, and flash maps placed on them. */
#include "tool/board.h"

#include <string.h>

#include "tool/tool.h"

const struct board_kind board_kinds[] = {
    {.name = "qemu-psoc62",
     .machine = "mps2-an386",
     .cpu = "Cortex-M4",
     .platforms = {"PSOC_062_2M", "PSOC_062_512K"},
     .flash_addr = 0x21000000u,
     .used_off = 0xE00000u,
     .otp_addr = 0x00300000u,
     .otp_size = 0x10000u,
     .windows = {{"internal", 0, 0x200000u}, {"external", 0x400000u, 0x800000u}}},
    {.name = "qemu-xmc7200",
     .machine = "mps2-an500",
     .cpu = "Cortex-M7",
     .platforms = {"XMC7200"},
     .flash_addr = 0x60000000u,
     .used_off = 0xE00000u,
     .otp_addr = 0x00300000u,
     .otp_size = 0x10000u,
     .windows = {{"code_large", 0, 0x7F0000u},
                 {"code_small", 0x7F0000u, 0x40000u},
                 {"work_large", 0xC00000u, 0x30000u},
                 {"work_small", 0xC30000u, 0x10000u}}},
    {.name = NULL},
};

const struct board_kind *board_by_name(const char *name)
{
    for (const struct board_kind *board = board_kinds; board->name; board++) {
        if (strcmp(board->name, name) == 0) {
            return board;
        }
    }
    return NULL;
}

const struct board_kind *board_of_map(const struct flashmap *map)
{
    for (const struct board_kind *board = board_kinds; board->name; board++) {
        for (int i = 0; i < 3 && board->platforms[i]; i++) {
            if (strcmp(board->platforms[i], map->platform) == 0) {
                return board;
            }
        }
    }
    return NULL;
}

static const struct board_window *window_of(const struct board_kind *board, const char *device)
{
    for (unsigned i = 0; i < BOARD_DEVICES_MAX && board->windows[i].device; i++) {
        if (strcmp(board->windows[i].device, device) == 0) {
            return &board->windows[i];
        }
    }
    return NULL;
}

static int place_devices(const struct board_kind *board, struct flashmap *map)
{
    for (uint32_t i = 0; i < map->devices_count; i++) {
        struct flashmap_device *device = &map->devices[i];
        const struct board_window *window = window_of(board, device->name);
        if (!window) {
            return tool_refuse("%s: the board %s has no %s flash", map->name, board->name, device->name);
        }
        device->addr = board->flash_addr + window->off;
        device->size = device->size < window->size ? device->size : window->size;
    }
    return TOOL_OK;
}

int board_place(const struct board_kind *board, struct flashmap *map)
{
    int rc = place_devices(board, map);
    if (rc) {
        return rc;
    }
    for (uint32_t i = 0; i < map->areas_count; i++) {
        struct flashmap_area *area = &map->areas[i];
        const struct flashmap_device *device = &map->devices[area->device];
        if (area->base + area->size > device->size) {
            return tool_refuse("%s: %s ends at 0x%X of %s flash, of which the board %s has 0x%X bytes", map->name,
                               area->label, area->base + area->size, device->name, board->name, device->size);
        }
        area->addr = area->role == FLASHMAP_BOOTLOADER ? 0 : device->addr + area->base;
    }
    return TOOL_OK;
}

uint32_t board_file_off(const struct board_kind *board, const struct flashmap_area *area, uint32_t off)
{
    return area->addr - board->flash_addr + off;
}
