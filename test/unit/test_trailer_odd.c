/* SPDX-License-Identifier: Apache-2.0 */
/* test_trailer_odd.c - trailers that are half there, on flash that fails, in slots too small. */
#include "slot/trailer.h"
#include "slot/journal.h"
#include "test/unit/device.h"
#include "test/unit/faulty.h"

static struct file v1, v2;

/* Both slots on one device, as an agent over upstream MCUboot finds them; no journal. */
static int setup(void **state)
{
    (void)state;
    struct sim_map map = small_map(OTTER_MODE_SWAP);
    map.parts[0].prog_size = 8;
    device_create(&map);
    device.layout.journal.size = 0;
    device.layout.trailers = &otter_trailers;
    v1 = file_make(0x3000, 1, 1);
    v2 = file_make(0x4000, 2, 2);
    device_factory(&v1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(v1.bytes);
    free(v2.bytes);
    device_close();
    return 0;
}

/* Fields as MCUboot leaves them in the primary; 0xff: not written. */
static void poke_primary(uint8_t image_ok, uint8_t copy_done, uint8_t swap_info)
{
    const uint8_t magic[16] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f,
                               0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
    const struct otter_area *slot = &device.layout.primary;
    uint32_t end = slot->base + slot->size;
    sim_flash_poke(sim_flash_of(slot), end - 16, magic, 16);
    sim_flash_poke(sim_flash_of(slot), end - 24, &image_ok, 1);
    sim_flash_poke(sim_flash_of(slot), end - 32, &copy_done, 1);
    sim_flash_poke(sim_flash_of(slot), end - 40, &swap_info, 1);
}

static void test_a_slot_that_is_all_trailer_has_none(void **test)
{
    (void)test;
    struct otter_area slot = device.layout.secondary;
    struct otter_trailer trailer;
    slot.size = OTTER_TRAILER_SIZE_MAX;
    assert_int_equal(otter_trailer_off(&slot), 0);
    assert_int_equal(otter_trailer_read(&slot, &trailer), OTTER_ERR_ARG);
    slot.size++;
    assert_true(otter_trailer_off(&slot) > 0);
}

static void test_both_slots_must_be_able_to_hold_a_trailer(void **test)
{
    (void)test;
    struct otter_state state;
    struct otter_layout layout = device.layout;
    assert_int_equal(otter_state_open(&state, &layout), 0);
    layout.primary.size = 64;
    assert_int_equal(otter_state_open(&state, &layout), OTTER_ERR_ARG);
    layout = device.layout;
    layout.secondary.size = 64;
    assert_int_equal(otter_state_open(&state, &layout), OTTER_ERR_ARG);
}

static void test_strange_swap_types_are_none(void **test)
{
    (void)test;
    for (unsigned value = 0; value < 256; value++) {
        struct otter_trailer trailer;
        unsigned type = value & 0x0f;
        poke_primary(1, 1, (uint8_t)value);
        assert_int_equal(otter_trailer_read(&device.layout.primary, &trailer), 0);
        assert_int_equal(trailer.swap_type, value != 0xff && type >= 2 && type <= 4 ? type : OTTER_SWAP_NONE);
    }
}

static void test_a_confirmation_is_written_once_and_only_over_a_request(void **test)
{
    (void)test;
    uint64_t ops = device.board.power.ops;
    assert_int_equal(otter_trailer_confirm(&device.layout.primary), 0); /* no magic */
    assert_int_equal(device.board.power.ops, ops);
    poke_primary(0xff, 1, 2);
    assert_int_equal(otter_trailer_confirm(&device.layout.primary), 0);
    assert_int_equal(device.board.power.ops, ops + 1);
    assert_int_equal(otter_trailer_confirm(&device.layout.primary), 0);
    assert_int_equal(device.board.power.ops, ops + 1);
}

static void test_an_image_may_reach_up_to_the_trailers_sectors_and_no_further(void **test)
{
    (void)test;
    const struct otter_area *slot = &device.layout.secondary;
    uint32_t limit = otter_trailer_limit(slot, OTTER_MODE_SWAP);
    assert_true(limit < otter_trailer_off(slot));
    assert_int_equal((slot->base + limit) % slot->flash->sector_size, 0);
    assert_int_equal(otter_trailer_request(&device.layout, false, limit + 1), OTTER_ERR_NOSPACE); /* blank, but too long */
    assert_int_equal(otter_trailer_request(&device.layout, false, limit), 0);
}

static void test_flash_that_fails_leaves_no_request(void **test)
{
    (void)test;
    struct otter_area *slot = &device.layout.secondary;
    struct otter_trailer trailer;
    faulty_wrap(slot);
    faulty_changes(0, 1);
    assert_int_equal(otter_trailer_clear(slot), OTTER_ERR_IO);
    for (uint32_t good = 0; good < 4; good++) { /* erase, image_ok, swap_info, magic */
        faulty_changes(good, 1);
        assert_int_equal(otter_trailer_request(&device.layout, true, v2.size), OTTER_ERR_IO);
        assert_int_equal(otter_trailer_read(slot, &trailer), 0);
        assert_int_equal(trailer.magic, OTTER_FLAG_UNSET);
    }
    assert_int_equal(otter_trailer_request(&device.layout, true, v2.size), 0);
    assert_int_equal(otter_trailer_read(slot, &trailer), 0);
    assert_int_equal(trailer.magic, OTTER_FLAG_SET);
    faulty_reads(0, 1); /* written, and read back */
    assert_int_equal(otter_trailer_request(&device.layout, true, v2.size), OTTER_ERR_IO);
    faulty_reads(0, 0);
    sim_flash_break(sim_flash_of(slot), slot->base + slot->size - 1, true);
    assert_int_equal(otter_trailer_request(&device.layout, true, v2.size), OTTER_ERR_IO);
}

static void test_without_copy_done_nothing_is_on_trial(void **test)
{
    (void)test;
    poke_primary(0xff, 0xff, 2);
    assert_int_equal(read_state().phase, OTTER_PHASE_IDLE);
    poke_primary(0xff, 1, 2);
    assert_int_equal(read_state().phase, OTTER_PHASE_TRIAL);
}

/* MCUboot has reverted: the image that failed lies in the secondary, while it is one. */
static void test_what_mcuboot_reverted_is_rejected_while_it_is_there(void **test)
{
    (void)test;
    poke_primary(1, 1, 4);
    struct otter_state state = read_state();
    assert_int_equal(state.phase, OTTER_PHASE_IDLE);
    assert_int_equal(state.reason, OTTER_REASON_NONE);
    assert_int_equal(state.rejects_count, 0);
    device_download(&v2);
    state = read_state();
    assert_int_equal(state.reason, OTTER_REASON_NOT_CONFIRMED);
    assert_true(otter_state_rejects_hash(&state, v2.hash));
    assert_true(otter_state_rejects_version(&state, &v2.version));
    assert_memory_equal(state.requested.hash, v2.hash, OTTER_REJECT_HASH_SIZE); /* what a report is about */
    assert_int_equal(otter_version_compare(&state.requested.version, &v2.version), 0);
    uint64_t ops = device.board.power.ops;
    assert_int_equal(otter_state_acknowledge(&state), 0); /* for this session: nothing to write it to */
    assert_int_equal(state.reason, OTTER_REASON_NONE);
    assert_int_equal(device.board.power.ops, ops);
    poke_primary(1, 1, 2); /* a swap that was kept */
    state = read_state();
    assert_int_equal(state.reason, OTTER_REASON_NONE);
    assert_int_equal(state.rejects_count, 0);
}

#define ODD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ODD(test_a_slot_that_is_all_trailer_has_none),
        ODD(test_both_slots_must_be_able_to_hold_a_trailer),
        ODD(test_strange_swap_types_are_none),
        ODD(test_a_confirmation_is_written_once_and_only_over_a_request),
        ODD(test_an_image_may_reach_up_to_the_trailers_sectors_and_no_further),
        ODD(test_flash_that_fails_leaves_no_request),
        ODD(test_without_copy_done_nothing_is_on_trial),
        ODD(test_what_mcuboot_reverted_is_rejected_while_it_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
