/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_header.c - a flash map as a C header and as a linker fragment.
 *
 * Bootloader, application and simulator take every number from these two files, so that
 * they cannot disagree. All macros are plain unsigned numbers, fit for #if.
 */
#include <ctype.h>
#include <string.h>

#include "tool/flashmap_view.h"

struct upper {
    char text[32];
};

static struct upper upper(const char *name)
{
    struct upper result = {{0}};
    for (size_t i = 0; name[i] && i + 1 < sizeof result.text; i++) {
        result.text[i] = (char)toupper((unsigned char)name[i]);
    }
    return result;
}

static void write_devices(FILE *out, const struct flashmap *map)
{
    fprintf(out,
            "/* Flash devices: CPU address, bytes, erase and program unit, erased value. */\n"
            "#define OTTER_MAP_DEVICES %uu\n",
            map->devices_count);
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        struct upper name = upper(device->name);
        fprintf(out, "#define OTTER_MAP_%s_INDEX %uu\n", name.text, i);
        fprintf(out, "#define OTTER_MAP_%s_ADDR 0x%08Xu\n", name.text, device->addr);
        fprintf(out, "#define OTTER_MAP_%s_SIZE 0x%Xu\n", name.text, device->size);
        fprintf(out, "#define OTTER_MAP_%s_SECTOR_SIZE 0x%Xu\n", name.text, device->sector_size);
        fprintf(out, "#define OTTER_MAP_%s_BLOCK_SIZE 0x%Xu\n", name.text, device->block_size);
        fprintf(out, "#define OTTER_MAP_%s_ROW_WRITE %d\n", name.text, device->row_write);
        fprintf(out, "#define OTTER_MAP_%s_PROG_SIZE 0x%Xu\n", name.text, device->prog_size);
        fprintf(out, "#define OTTER_MAP_%s_ERASED 0x%02Xu\n", name.text, device->erased);
    }
}

static void write_area(FILE *out, const char *name, const struct flashmap_area *area)
{
    struct upper label = upper(name);
    fprintf(out, "#define OTTER_MAP_%s_DEVICE %uu\n", label.text, area->device);
    fprintf(out, "#define OTTER_MAP_%s_ADDR 0x%08Xu\n", label.text, area->addr);
    fprintf(out, "#define OTTER_MAP_%s_BASE 0x%Xu\n", label.text, area->base);
    fprintf(out, "#define OTTER_MAP_%s_SIZE 0x%Xu\n", label.text, area->size);
}

static void write_areas(FILE *out, const struct flashmap *map)
{
    fputs("\n/* Areas: device index, CPU address, offset in the device, bytes. */\n", out);
    for (uint32_t i = 0; i < map->areas_count; i++) {
        write_area(out, map->areas[i].label, &map->areas[i]);
    }
    fprintf(out, "#define OTTER_MAP_HAS_SCRATCH %d\n", map->scratch >= 0);
    fprintf(out, "#define OTTER_MAP_HAS_JOURNAL %d\n", map->journal >= 0);
    if (flashmap_journal(map)) {
        write_area(out, "journal", flashmap_journal(map));
    }
}

static void write_numbers(FILE *out, const struct flashmap *map)
{
    fprintf(out, "\n#define OTTER_MAP_NAME \"%s\"\n#define OTTER_MAP_PLATFORM \"%s\"\n", map->name,
            map->platform);
    fprintf(out, "#define OTTER_MAP_SWAP %d /* 0: overwrite */\n", map->mode == OTTER_MODE_SWAP);
    fprintf(out, "#define OTTER_MAP_XIP %d /* 1: the application runs in external flash */\n",
            map->xip);
    fprintf(out, "#define OTTER_MAP_APPLICATIONS %uu\n", map->apps_count);
    fprintf(out, "#define OTTER_MAP_IMAGE_SIZE_MAX 0x%Xu\n", map->geometry[0].image_size_max);
    fprintf(out, "#define OTTER_MAP_UNIT_MAX 0x%Xu\n", map->unit_max);
    fputs("\n/* SHA-256 of the map: the same in every binary that was built for it. */\n"
          "#define OTTER_MAP_HASH \\\n    {",
          out);
    for (uint32_t i = 0; i < OTTER_HASH_SIZE; i++) {
        fprintf(out, "0x%02x%s", map->hash[i],
                i + 1 == OTTER_HASH_SIZE ? "}\n"
                : i % 12 == 11           ? ", \\\n     "
                                         : ", ");
    }
}

/* Devices that hold a slot, scratch or the journal, in index order: the macro's arguments. */
static bool in_layout(const struct flashmap *map, uint32_t device)
{
    for (uint32_t i = 0; i < map->areas_count; i++) {
        const struct flashmap_area *area = &map->areas[i];
        bool slot = area->app == 1;
        if (area->device == device && (slot || (int)i == map->scratch || (int)i == map->journal)) {
            return true;
        }
    }
    return false;
}

static void write_member(FILE *out, const struct flashmap *map, const char *name, int index)
{
    if (index >= 0) {
        struct upper label = upper(name);
        fprintf(out, "        .%s = {(%s), OTTER_MAP_%s_BASE, OTTER_MAP_%s_SIZE}, \\\n", name,
                map->devices[map->areas[index].device].name, label.text, label.text);
    } else {
        fprintf(out, "        .%s = {0, 0, 0}, \\\n", name);
    }
}

static void write_layout(FILE *out, const struct flashmap *map)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    const char *between = "";
    fputs("\n/* Initialiser of a struct otter_layout (otter/state.h). Each argument is the\n"
          " * const struct otter_flash * of that device:\n"
          " *     static const struct otter_layout layout = OTTER_MAP_LAYOUT(&a, ...); */\n"
          "#define OTTER_MAP_LAYOUT(",
          out);
    for (uint32_t i = 0; i < map->devices_count; i++) {
        if (in_layout(map, i)) {
            fprintf(out, "%s%s", between, map->devices[i].name);
            between = ", ";
        }
    }
    fputs(") \\\n    { \\\n", out);
    write_member(out, map, "primary", (int)geometry->primary);
    write_member(out, map, "secondary", (int)geometry->secondary);
    write_member(out, map, "scratch", map->scratch);
    write_member(out, map, "journal", map->journal);
    if (map->journal < 0) {
        fputs("        .trailers = &otter_trailers, \\\n", out);
    }
    fprintf(out,
            "        .mode = %s, \\\n"
            "        .image_size_max = OTTER_MAP_IMAGE_SIZE_MAX, \\\n"
            "        .unit_max = OTTER_MAP_UNIT_MAX, \\\n"
            "        .primary_addr = OTTER_MAP_PRIMARY_ADDR, \\\n"
            "        .map_hash = OTTER_MAP_HASH, \\\n    }\n",
            map->mode == OTTER_MODE_SWAP ? "OTTER_MODE_SWAP" : "OTTER_MODE_OVERWRITE");
}

void flashmap_write_header(FILE *out, const struct flashmap *map)
{
    fprintf(out,
            "/* Made by `otter flashmap header` from %s: change the map, not this file. */\n"
            "#ifndef OTTER_MAP_H\n#define OTTER_MAP_H\n\n",
            map->name);
    write_devices(out, map);
    write_areas(out, map);
    write_numbers(out, map);
    write_layout(out, map);
    fputs("\n#endif\n", out);
}

void flashmap_write_linker(FILE *out, const struct flashmap *map, uint32_t header_size)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    const struct flashmap_area *boot = flashmap_find(map, FLASHMAP_BOOTLOADER, 0);
    const struct flashmap_area *primary = &map->areas[geometry->primary];
    const struct flashmap_device *device = &map->devices[primary->device];
    fprintf(out,
            "/* Made by `otter flashmap header --linker` from %s: change the map, not this file.\n"
            " * INCLUDE it in a GNU linker script; the script adds RAM and sections. */\n",
            map->name);
    fprintf(out,
            "MEMORY\n{\n"
            "    OTTER_BOOTLOADER (rx) : ORIGIN = 0x%08X, LENGTH = 0x%X\n"
            "    OTTER_APPLICATION (rx) : ORIGIN = 0x%08X, LENGTH = 0x%X /* behind the header */\n"
            "}\n",
            boot->addr, boot->size, primary->addr + header_size,
            geometry->image_size_max - header_size);
    fprintf(out,
            "otter_primary_addr = 0x%08X;\notter_primary_size = 0x%X;\n"
            "otter_image_header_size = 0x%X;\notter_image_size_max = 0x%X;\n",
            primary->addr, primary->size, header_size, geometry->image_size_max);
    fprintf(out,
            "/* The names that linker scripts of the replaced system expect. */\n"
            "MCUBOOT_HEADER_SIZE = 0x%X;\nFLASH_AREA_IMG_1_PRIMARY_START = 0x%X;\n"
            "FLASH_AREA_IMG_1_PRIMARY_SIZE = 0x%X;\n",
            header_size, primary->addr - (device->external ? device->addr : map->devices[0].addr),
            primary->size);
}
