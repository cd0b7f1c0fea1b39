/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_flash.h - the flash of many devices: one factory state each, shared until written.
 *
 * A factory state is a flash file (sim/) with an image in the primary slot. Every device maps
 * it privately: what it never writes costs no memory, what it writes is its own.
 */
#ifndef OTTER_TOOL_FLEET_FLASH_H
#define OTTER_TOOL_FLEET_FLASH_H

#include "sim/maps.h"
#include "tool/tool.h"

/* A small part in NOR with 4 KiB sectors, both slots of `slot_size` bytes (whole sectors). */
struct sim_map fleet_flash_map(uint32_t slot_size);

/* Make the file. 0, or TOOL_REFUSED after saying why. */
int fleet_flash_factory(const struct sim_map *map, const struct tool_bytes *image, const char *path);

/* A device of its own, as it left the factory; the file may go afterwards. False: no memory. */
bool fleet_flash_clone(const struct sim_map *map, const char *path, uint64_t seed, struct sim_board *board,
                       struct otter_layout *ret_layout);

#endif
