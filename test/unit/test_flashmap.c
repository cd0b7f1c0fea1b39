/* SPDX-License-Identifier: Apache-2.0 */
/* test_flashmap.c - flash maps: the five good ones, many bad ones, every message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "sim/maps.h"
#include "tool/flashmap_parts.h"

/* The JSON files and the simulator's table hold the same numbers. */
static void same_place(const struct flashmap *map, const struct otter_area *area, int index,
                       const struct sim_map *sim, const struct sim_place *place)
{
    assert_int_equal(area->size, place->size);
    if (place->size == 0) {
        assert_int_equal(index, -1);
        return;
    }
    const struct flashmap_device *device = &map->devices[map->areas[index].device];
    const struct sim_geometry *part = &sim->parts[place->device];
    assert_int_equal(area->base, place->base);
    assert_string_equal(device->timing, part->name);
    assert_int_equal(device->size, part->size);
    assert_int_equal(device->sector_size, part->sector_size);
    assert_int_equal(device->prog_size, part->prog_size);
    assert_int_equal(device->erased, part->erased);
    assert_int_equal(device->row_write, part->row_write);
}

static void test_maps_agree_with_the_simulator(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIM_MAPS_COUNT; i++) {
        struct sim_map sim;
        struct flashmap map;
        struct otter_layout layout;
        static const struct otter_flash flash[FLASHMAP_DEVICES_MAX];
        const struct otter_flash *devices[FLASHMAP_DEVICES_MAX];
        for (uint32_t d = 0; d < FLASHMAP_DEVICES_MAX; d++) {
            devices[d] = &flash[d];
        }
        assert_true(sim_map_find(sim_map_name(i), &sim));
        assert_int_equal(flashmap_open(sim.name, NULL, &map), 0);
        flashmap_layout(&map, devices, &layout);
        assert_int_equal(layout.mode, sim.mode);
        assert_int_equal(layout.image_size_max, sim.image_size_max);
        assert_int_equal(layout.primary_addr, sim.primary_addr);
        same_place(&map, &layout.primary, (int)map.geometry[0].primary, &sim, &sim.primary);
        same_place(&map, &layout.secondary, (int)map.geometry[0].secondary, &sim, &sim.secondary);
        same_place(&map, &layout.scratch, map.scratch, &sim, &sim.scratch);
        same_place(&map, &layout.journal, map.journal, &sim, &sim.journal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps_agree_with_the_simulator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
