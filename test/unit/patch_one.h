/* SPDX-License-Identifier: Apache-2.0 */
/* patch_one.h - for tests of patches that need one rig at a time: made anew for each, a patch in its offer. */
#ifndef OTTER_TEST_PATCH_ONE_H
#define OTTER_TEST_PATCH_ONE_H

#include "patch_rig.h"

static struct rig *rig;
enum { OLD = 24000, NEW = 24612 };

static int setup(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    rig = patch_rig_create(&map);
    patch_offer(rig, OLD, 1, NEW);
    return 0;
}

static int teardown(void **test)
{
    (void)test;
    patch_rig_destroy(rig);
    return 0;
}

static void again(void)
{
    teardown(NULL);
    setup(NULL);
}

/* Of the patch's file, nothing but rig->answer_state. */
static size_t status_answer(struct rig *the_rig, const char *request, char *reply)
{
    if (strncmp(request, "GET /image.otd ", 15) != 0) {
        return 0;
    }
    patch.requests++;
    return rig_text(reply, "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", the_rig->answer_state);
}

static void running_hash(uint8_t ret_hash[32])
{
    struct otter_image running;
    struct otter_view view = otter_view_of(&rig->layout.primary);
    assert_int_equal(otter_image_parse(&view, &running), 0);
    memcpy(ret_hash, running.hash, sizeof running.hash);
}

/* The test has changed rig->image: the patch and the job that go with it. */
static void offer_changed(size_t old_size)
{
    uint8_t from[32];
    struct tool_bytes old_file = {.data = patch_image((struct otter_version){1, 0, 0, 0}, old_size), .len = old_size};
    struct tool_bytes new_file = {.data = rig->image, .len = rig->image_len};
    running_hash(from);
    patch_make(&old_file, &new_file, from);
    free(old_file.data);
    patch_offer_job(rig, from);
}

#endif
