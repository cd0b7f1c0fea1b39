/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_layout.c - what a map means: its canonical text, its hash, a layout.
 *
 * Two maps have the same hash exactly when bootloader and application would agree about
 * every byte: descriptions, key order and dialect do not count.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/flashmap_parts.h"

static void write_devices(FILE *out, const struct flashmap *map)
{
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        fprintf(out, "device %s 0x%08x 0x%x sector 0x%x program 0x%x erased 0x%02x\n", device->name,
                device->addr, device->size, device->sector_size, device->prog_size, device->erased);
    }
}

/* By role, then application: the order in the file does not count. */
static void write_areas(FILE *out, const struct flashmap *map)
{
    for (int role = FLASHMAP_BOOTLOADER; role <= FLASHMAP_STATE; role++) {
        for (uint8_t app = 0; app <= map->apps_count; app++) {
            const struct flashmap_area *area = flashmap_find(map, (enum flashmap_role)role, app);
            if (area) {
                fprintf(out, "area %s 0x%08x 0x%x\n", area->label, area->addr, area->size);
            }
        }
    }
}

char *flashmap_canonical(const struct flashmap *map)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        return NULL;
    }
    fprintf(out, "otter flash map 1\nmode %s\nstate %s\nunit 0x%x\n",
            map->mode == OTTER_MODE_SWAP ? "swap" : "overwrite",
            map->trailers ? "trailer" : "journal", map->unit_max);
    write_devices(out, map);
    write_areas(out, map);
    for (uint32_t app = 0; app < map->apps_count; app++) {
        fprintf(out, "image %u 0x%x\n", app + 1, map->geometry[app].image_size_max);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

void flashmap_hash(struct flashmap *map)
{
    char *text = flashmap_canonical(map);
    if (!text || EVP_Digest(text, strlen(text), map->hash, NULL, EVP_sha256(), NULL) != 1) {
        abort(); /* no memory */
    }
    free(text);
}

static struct otter_area area_over(const struct flashmap *map, int index,
                                   const struct otter_flash *const *flash)
{
    struct otter_area area = {NULL, 0, 0};
    if (index >= 0) {
        const struct flashmap_area *from = &map->areas[index];
        area.flash = flash[from->device];
        area.base = from->base;
        area.size = from->size;
    }
    return area;
}

void flashmap_layout(const struct flashmap *map, const struct otter_flash *const *flash,
                     struct otter_layout *ret_layout)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    struct otter_layout layout = {.mode = map->mode,
                                  .primary = area_over(map, (int)geometry->primary, flash),
                                  .secondary = area_over(map, (int)geometry->secondary, flash),
                                  .scratch = area_over(map, map->scratch, flash),
                                  .journal = area_over(map, map->journal, flash),
                                  .trailers = map->journal < 0 ? &otter_trailers : NULL,
                                  .image_size_max = geometry->image_size_max,
                                  .unit_max = map->unit_max,
                                  .primary_addr = map->areas[geometry->primary].addr};
    memcpy(layout.map_hash, map->hash, sizeof layout.map_hash);
    *ret_layout = layout;
}
