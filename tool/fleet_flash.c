/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_flash.c - a flash map for fleets, its factory state, and private copies of it. */
#include <errno.h>
#include <string.h>

#include "tool/fleet_flash.h"

enum { SECTOR = 4096, SCRATCH = 2 * SECTOR, JOURNAL = 20 * 128 };

static struct sim_geometry code_flash(uint32_t size)
{
    struct sim_geometry part = {
        .size = size, .sector_size = SECTOR, .prog_size = 16, .page_size = 1024, .erased = 0xff,
    };
    strcpy(part.name, "fleet-code");
    return part;
}

static struct sim_geometry record_flash(void)
{
    struct sim_geometry part = {
        .size = 4096, .sector_size = 128, .prog_size = 4, .page_size = 128, .erased = 0xff,
    };
    strcpy(part.name, "fleet-records");
    return part;
}

struct sim_map fleet_flash_map(uint32_t slot_size)
{
    return (struct sim_map){
        .name = "fleet",
        .parts = {code_flash(2 * slot_size + SCRATCH), record_flash()},
        .parts_count = 2,
        .primary = {0, 0, slot_size},
        .secondary = {0, slot_size, slot_size},
        .scratch = {0, 2 * slot_size, SCRATCH},
        .journal = {1, 0, JOURNAL},
        .mode = OTTER_MODE_SWAP,
        .image_size_max = slot_size,
        .unit_max = SCRATCH,
        .primary_addr = 0x10000000,
    };
}

int fleet_flash_factory(const struct sim_map *map, const struct tool_bytes *image, const char *path)
{
    struct sim_board board;
    struct otter_layout layout;
    if (sim_map_build(map, &board, 1, path, &layout) < 0) {
        return tool_refuse("cannot write '%s': %s", path, strerror(errno));
    }
    sim_flash_poke(sim_flash_of(&layout.primary), layout.primary.base, image->data, image->len);
    sim_board_close(&board);
    return 0;
}

bool fleet_flash_clone(const struct sim_map *map, const char *path, uint64_t seed, struct sim_board *board,
                       struct otter_layout *ret_layout)
{
    if (sim_board_view(board, path, seed) < 0) {
        return false;
    }
    for (unsigned i = 0; i < board->devices_count; i++) {
        board->devices[i].any_marginal = false; /* a factory tears nothing */
    }
    *ret_layout = sim_map_layout(map, board);
    return true;
}
