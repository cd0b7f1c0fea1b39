/* SPDX-License-Identifier: Apache-2.0 */
/* test_trailer.c - MCUboot's trailer, and the state that is kept in it. */
#include "otter/result.h"
#include "sim/sim.h"
#include "slot/journal.h"
#include "slot/trailer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct sim_board board;
static jmp_buf out;
static struct otter_area primary, secondary;

static void on_lost(void *ctx)
{
    (void)ctx;
    longjmp(out, 1);
}

static void create(uint32_t prog_size, uint8_t erased)
{
    const struct sim_geometry part = {
        .name = "nor", .size = 0x8000, .sector_size = 0x1000, .prog_size = prog_size,
        .page_size = 512, .erased = erased,
    };
    assert_int_equal(sim_board_create(&board, &part, 1, 1, NULL), 0);
    board.power.lost = on_lost;
    primary = (struct otter_area){&board.devices[0].flash, 0, 0x4000};
    secondary = (struct otter_area){&board.devices[0].flash, 0x4000, 0x4000};
}

static struct otter_layout trailer_layout(void)
{
    return (struct otter_layout){.primary = primary, .secondary = secondary,
                                 .trailers = &otter_trailers,
                                 .mode = OTTER_MODE_SWAP, .image_size_max = 0x3000};
}

static int request(bool permanent, uint32_t image_size)
{
    const struct otter_layout layout = trailer_layout();
    return otter_trailer_request(&layout, permanent, image_size);
}

/* The worked example of docs/spec/20-trailer.md: bytes from the table "A permanent request". */
static uint32_t spec_bytes(const char *title, uint8_t *bytes, uint32_t size)
{
    FILE *file = fopen(OTTER_SOURCE_DIR "/docs/spec/20-trailer.md", "r");
    char line[256];
    bool inside = false;
    uint32_t count = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        inside = line[0] == '#' ? strstr(line, title) != NULL : inside;
        if (!inside || strncmp(line, "    -", 5) != 0) {
            continue;
        }
        char *at = strchr(line + 5, ' ');
        for (char *end; at != NULL && count < size; at = end) {
            unsigned long value = strtoul(at, &end, 16);
            if (end == at) {
                break;
            }
            bytes[count++] = (uint8_t)value;
        }
    }
    fclose(file);
    return count;
}

static void test_a_permanent_request_is_the_specified_bytes(void **state)
{
    (void)state;
    uint8_t spec[128];
    uint8_t raw[128];
    create(8, 0xff);
    assert_int_equal(request(true, 0x2000), 0);
    assert_int_equal(otter_trailer_off(&secondary), 0x4000 - 40);
    assert_int_equal(spec_bytes("A permanent request", spec, sizeof spec), 40);
    assert_int_equal(otter_area_read(&secondary, 0x4000 - 40, raw, 40), 0);
    assert_memory_equal(raw, spec, 40);
    sim_board_close(&board);
}

static void test_fields_lie_where_mcuboot_has_them_for_every_program_unit(void **state)
{
    (void)state;
    static const struct {
        uint32_t prog_size, image_ok, swap_info; /* distances from the slot's end */
        uint8_t magic;
    } cases[] = {{1, 24, 40, 0x77}, {2, 24, 40, 0x77}, {4, 24, 40, 0x77},
                 {8, 24, 40, 0x77}, {16, 32, 64, 0x10}, {32, 64, 128, 0x20}};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (unsigned erased = 0; erased <= 0xff; erased += 0xff) {
            uint8_t raw[0x4000];
            struct otter_trailer trailer;
            create(cases[i].prog_size, (uint8_t)erased);
            assert_int_equal(otter_trailer_read(&secondary, &trailer), 0);
            assert_true(trailer.blank);
            assert_int_equal(trailer.magic, OTTER_FLAG_UNSET);
            assert_int_equal(request(true, 0), 0);
            assert_int_equal(otter_area_read(&secondary, 0, raw, sizeof raw), 0);
            assert_int_equal(raw[0x4000 - cases[i].image_ok], 1);
            assert_int_equal(raw[0x4000 - cases[i].swap_info], 3);
            assert_int_equal(raw[0x4000 - 16], cases[i].magic);
            assert_int_equal(otter_trailer_read(&secondary, &trailer), 0);
            assert_int_equal(trailer.magic, OTTER_FLAG_SET);
            assert_int_equal(trailer.image_ok, OTTER_FLAG_SET);
            assert_int_equal(trailer.copy_done, OTTER_FLAG_UNSET);
            assert_int_equal(trailer.swap_type, OTTER_SWAP_PERM);
            sim_board_close(&board);
        }
    }
}

static void test_rows_of_512_bytes_cannot_hold_a_trailer(void **state)
{
    (void)state;
    struct otter_trailer trailer;
    create(512, 0);
    assert_int_equal(otter_trailer_off(&primary), 0);
    assert_int_equal(otter_trailer_read(&primary, &trailer), OTTER_ERR_ARG);
    assert_int_equal(request(false, 0), OTTER_ERR_ARG);
    assert_int_equal(otter_trailer_clear(&primary), OTTER_ERR_ARG);
    assert_int_equal(otter_trailer_confirm(&primary), OTTER_ERR_ARG);
    sim_board_close(&board);
}

static void test_an_old_trailer_is_erased_and_an_image_ends_below_it(void **state)
{
    (void)state;
    create(8, 0xff);
    assert_int_equal(request(false, 0x3000), 0);
    assert_int_equal(request(true, 0x3001), OTTER_ERR_NOSPACE);
    assert_int_equal(request(true, 0x3000), 0);
    assert_int_equal(otter_trailer_clear(&secondary), 0);
    assert_int_equal(request(true, 0x3001), OTTER_ERR_NOSPACE); /* blank or not */
    sim_board_close(&board);
}

/* cut: no request or the whole one, never a permanent request that reads as a trial. */
static void test_a_cut_request_is_none_or_whole(void **state)
{
    (void)state;
    create(8, 0xff);
    assert_int_equal(request(false, 0x3000), 0); /* leftover */
    assert_int_equal(otter_area_erase(&secondary, 0x3000, 0x1000), 0);
    struct sim_snapshot *fresh = sim_snapshot_save(&board);
    for (volatile unsigned cut = 1; cut <= 4; cut++) {
        for (volatile unsigned outcome = 0; outcome < SIM_OUTCOMES_USUAL; outcome++) {
            struct otter_trailer trailer;
            sim_snapshot_restore(&board, fresh);
            sim_power_cut_after(&board.power, cut, (enum sim_outcome)outcome);
            if (setjmp(out) == 0) {
                (void)request(true, 0x3000);
                fail();
            }
            board.power.cut_at = 0;
            if (otter_trailer_read(&secondary, &trailer) < 0) {
                continue; /* unreadable: asks for nothing */
            }
            if (trailer.magic == OTTER_FLAG_SET) {
                assert_int_equal(trailer.image_ok, OTTER_FLAG_SET);
                assert_int_equal(trailer.swap_type, OTTER_SWAP_PERM);
            }
        }
    }
    sim_snapshot_free(fresh);
    sim_board_close(&board);
}

static void poke_primary(uint8_t image_ok, uint8_t copy_done, uint8_t swap_info)
{
    const uint8_t magic[16] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f,
                               0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
    sim_flash_poke(&board.devices[0], 0x4000 - 16, magic, 16);
    sim_flash_poke(&board.devices[0], 0x4000 - 24, &image_ok, 1);
    sim_flash_poke(&board.devices[0], 0x4000 - 32, &copy_done, 1);
    sim_flash_poke(&board.devices[0], 0x4000 - 40, &swap_info, 1);
}

static void test_state_over_upstream_mcuboot(void **test)
{
    (void)test;
    struct otter_state state;
    struct otter_image image = {.version = {1, 2, 3, 4}, .size = 0x1000};
    struct otter_download download = {.off = 0x800};
    create(8, 0xff);
    struct otter_layout layout = trailer_layout();
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_int_equal(state.phase, OTTER_PHASE_IDLE);
    assert_int_equal(otter_state_save_download(&state, &download), 0);
    assert_int_equal(otter_state_confirm(&state, &image), 0);
    assert_int_equal(otter_state_request_swap(&state, &image, false), 0);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_int_equal(state.phase, OTTER_PHASE_REQUESTED);
    assert_false(state.permanent);
    /* MCUboot swaps: the trial runs. */
    assert_int_equal(otter_trailer_clear(&secondary), 0);
    poke_primary(0xff, 1, 2);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_true(otter_state_on_trial(&state));
    assert_int_equal(otter_state_request_swap(&state, &image, false), OTTER_ERR_REFUSED);
    assert_int_equal(otter_state_give_up(&state), 0);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_true(otter_state_on_trial(&state));
    assert_int_equal(otter_state_confirm(&state, &image), 0);
    assert_false(otter_state_on_trial(&state));
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_false(otter_state_on_trial(&state));
    assert_int_equal(state.reason, OTTER_REASON_NONE);
    sim_board_close(&board);
}

static void test_a_torn_confirmation_is_reported(void **test)
{
    (void)test;
    struct otter_state state;
    struct otter_image image = {.size = 0x1000};
    create(8, 0xff);
    struct otter_layout layout = trailer_layout();
    poke_primary(0x0f, 1, 2);
    assert_int_equal(otter_state_open(&state, &layout), 0);
    assert_false(otter_state_on_trial(&state)); /* as MCUboot reads it: no revert */
    assert_int_equal(otter_trailer_confirm(&primary), OTTER_ERR_IO);
    assert_int_equal(otter_state_confirm(&state, &image), 0);
    sim_board_close(&board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_permanent_request_is_the_specified_bytes),
        cmocka_unit_test(test_fields_lie_where_mcuboot_has_them_for_every_program_unit),
        cmocka_unit_test(test_rows_of_512_bytes_cannot_hold_a_trailer),
        cmocka_unit_test(test_an_old_trailer_is_erased_and_an_image_ends_below_it),
        cmocka_unit_test(test_a_cut_request_is_none_or_whole),
        cmocka_unit_test(test_state_over_upstream_mcuboot),
        cmocka_unit_test(test_a_torn_confirmation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
