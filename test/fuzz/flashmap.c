/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap.c - a flash map from any bytes. One that is taken is safe to build on: every area lies
 * on its device, none of an application shares a sector with another, and all views of it work.
 *
 * Input: options, then JSON.
 */
#include "fuzz.h"

#include "tool/flashmap_view.h"

static FILE *nowhere;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fuzz_quiet();
    nowhere = stdout;
    return 0;
}

static void check_area(const struct flashmap *map, uint32_t index)
{
    const struct flashmap_area *area = &map->areas[index];
    REQUIRE(area->device < map->devices_count);
    const struct flashmap_device *device = &map->devices[area->device];
    REQUIRE(area->size > 0 && area->base <= device->size && area->size <= device->size - area->base);
    REQUIRE(area->addr - device->addr == area->base);
    for (uint32_t i = 0; i < index; i++) {
        const struct flashmap_area *other = &map->areas[i];
        bool apart = area->base >= other->base + other->size || other->base >= area->base + area->size;
        REQUIRE(area->device != other->device || apart);
    }
}

static void check_layout(const struct flashmap *map)
{
    struct otter_flash flash[FLASHMAP_DEVICES_MAX];
    const struct otter_flash *list[FLASHMAP_DEVICES_MAX];
    struct otter_layout layout;
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        flash[i] = (struct otter_flash){.size = device->size, .sector_size = device->sector_size,
                                        .block_size = device->block_size, .prog_size = device->prog_size,
                                        .erased = device->erased};
        REQUIRE(device->sector_size > 0 && device->prog_size > 0 && device->prog_size <= OTTER_PROG_SIZE_MAX);
        list[i] = &flash[i];
    }
    flashmap_layout(map, list, &layout);
    const struct otter_area areas[] = {layout.primary, layout.secondary, layout.scratch, layout.journal};
    for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
        if (areas[i].size > 0) {
            REQUIRE(areas[i].base <= areas[i].flash->size && areas[i].size <= areas[i].flash->size - areas[i].base);
        }
    }
    REQUIRE(layout.image_size_max > 0 && layout.image_size_max <= layout.primary.size);
    REQUIRE(layout.image_size_max <= layout.secondary.size);
}

static void look(const struct flashmap *map, const struct flashmap_report *report)
{
    char *canonical = flashmap_canonical(map);
    json_t *json = flashmap_to_json(map, report);
    REQUIRE(canonical != NULL && json != NULL);
    free(canonical);
    json_decref(json);
    flashmap_draw(nowhere, map, true, false);
    flashmap_draw(nowhere, map, false, true);
    flashmap_draw_svg(nowhere, map);
    flashmap_write_header(nowhere, map);
    flashmap_write_linker(nowhere, map, 0x400);
    (void)flashmap_install_time(map);
    (void)flashmap_revert_time(map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const modes[] = {NULL, "swap", "overwrite", "other"};
    static const char *const kits[] = {NULL, NULL, "CY8CPROTO-062S2-43439", "none"};
    static const char *const platforms[] = {NULL, NULL, "PSOC_062_512K", "XMC7200"};
    struct fuzz_bytes bytes = {data, size};
    unsigned flags = fuzz_u8(&bytes);
    struct flashmap_options options = {.mode = modes[flags % 4], .kit = kits[flags / 4 % 4],
                                       .platform = platforms[flags / 16 % 4]};
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    static struct flashmap map;
    char *text = fuzz_text(bytes.at, bytes.left);
    int rc = flashmap_parse("map.json", text, bytes.left, &options, &map, &report);
    REQUIRE((rc != 0) == (report.errors.count > 0));
    for (uint32_t i = 0; i < report.errors.count; i++) {
        REQUIRE(strpbrk(report.errors.line[i], "\n\r\033") == NULL && report.errors.line[i][0] != '\0');
    }
    REQUIRE(map.areas_count <= FLASHMAP_AREAS_MAX && map.devices_count <= FLASHMAP_DEVICES_MAX);
    if (rc == 0) {
        for (uint32_t i = 0; i < map.areas_count; i++) {
            check_area(&map, i);
        }
        check_layout(&map);
        look(&map, &report);
    }
    flashmap_report_free(&report);
    free(text);
    return 0;
}
