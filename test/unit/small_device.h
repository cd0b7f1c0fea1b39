/* SPDX-License-Identifier: Apache-2.0 */
/*
 * small_device.h - for tests of the bootloader on one small device, made anew for each: it has
 * booted v1 from the factory, v2 is what may be installed.
 */
#ifndef OTTER_TEST_SMALL_DEVICE_H
#define OTTER_TEST_SMALL_DEVICE_H

#include "slot/trailer.h"
#include "test/unit/device.h"

static struct file v1, v2;
static void (*arrange)(void); /* before v1 is put in; NULL: nothing */

static void create(enum otter_mode mode)
{
    struct sim_map map = small_map(mode);
    device_create(&map);
    if (arrange != NULL) {
        arrange();
    }
    device_factory(&v1);
}

static inline int setup(void **state)
{
    (void)state;
    create(OTTER_MODE_SWAP);
    return device_boot();
}

static inline int setup_overwrite(void **state)
{
    (void)state;
    create(OTTER_MODE_OVERWRITE);
    return device_boot();
}

static inline int setup_trailer(void **state)
{
    (void)state;
    create(OTTER_MODE_OVERWRITE);
    device.layout.journal.size = 0;
    device.layout.trailers = &otter_trailers;
    return device_boot();
}

static int teardown(void **state)
{
    (void)state;
    device_close();
    return 0;
}

/* Of the whole group. */
static int make_files(void **state)
{
    (void)state;
    v1 = file_make(0xc123, 1, 1);
    v2 = file_make(0xe000, 2, 2);
    return 0;
}

static int free_files(void **state)
{
    (void)state;
    free(v1.bytes);
    free(v2.bytes);
    return 0;
}

#define SWAP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define OVERWRITE(test) cmocka_unit_test_setup_teardown(test, setup_overwrite, teardown)
#define TRAILER(test) cmocka_unit_test_setup_teardown(test, setup_trailer, teardown)

#endif
