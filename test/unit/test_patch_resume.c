/* SPDX-License-Identifier: Apache-2.0 */
/* test_patch_resume.c - images that come as a patch: breaks and resets. */
#include "faulty.h"
#include "patch_one.h"

/* ---- breaks ---- */

/* Bytes that were received before the server is asked for the patch. */
static size_t first_byte(void)
{
    while (patch.requests == 0) {
        rig->now_ms += rig_step(rig);
    }
    size_t first = rig->tls.delivered;
    again();
    return first;
}

/* The connection breaks when this much of the patch's answer was received. */
static void break_at(size_t bytes)
{
    rig->tls.cut_at = first_byte() + bytes;
    assert_true(rig_run(rig, OTTER_EVENT_RETRY, OTTER_OUTCOME_UNREACHABLE, 10000));
}

static void test_a_break_anywhere_loses_nothing_of_the_patch(void **test)
{
    (void)test;
    size_t first = first_byte();
    for (size_t cut = first; cut < first + patch.bytes.len; cut += cut % 5 + 3) {
        again();
        rig->tls.cut_at = cut;
        rig->tls.recv_max = cut % 3 == 0 ? 50 : 0;
        patch_expect(rig, "delta");
        assert_int_equal(rig->agent.fetch.bytes, patch.bytes.len);
        assert_int_equal(rig->image_requests, 0);
    }
}

static void test_a_push_is_never_a_patch(void **test)
{
    (void)test;
    break_at(patch.bytes.len / 2);
    otter_agent_stop(&rig->agent);
    assert_int_equal(otter_agent_push_begin(&rig->agent, NEW), 0);
    assert_int_equal(otter_agent_push_write(&rig->agent, rig->image, NEW), 0);
    assert_int_equal(otter_agent_push_finish(&rig->agent), 0);
    rig_assert_installed(rig);
}

static void test_every_second_byte_a_break(void **test)
{
    (void)test;
    for (size_t step = 190; step < 400; step += 51) {
        again();
        rig->tls.recv_max = 7;
        rig->tls.cut_at = 1000;
        unsigned breaks = 0;
        while (rig->agent.outcome != OTTER_OUTCOME_INSTALLING) {
            if (rig->tls.cut_at == 0) {
                rig->tls.cut_at = rig->tls.delivered + step;
                breaks++;
            }
            rig->now_ms += rig_step(rig);
        }
        rig_assert_installed(rig);
        assert_true(breaks > 1);
        assert_int_equal(rig->image_requests, 0);
    }
}

static size_t whole_answer(struct rig *the_rig, const char *request, char *reply)
{
    the_rig->no_ranges = true;
    return patch_answer(the_rig, request, reply);
}

static void test_a_server_without_ranges_sends_the_patch_again(void **test)
{
    (void)test;
    size_t first = first_byte();
    for (size_t cut = first; cut < first + patch.bytes.len; cut += 90) {
        again();
        rig->answer = whole_answer;
        rig->tls.cut_at = cut;
        patch_expect(rig, "delta");
        assert_int_equal(rig->image_requests, 0);
    }
}

static void test_another_patch_after_a_break_begins_again(void **test)
{
    (void)test;
    break_at(patch.bytes.len / 2);
    snprintf(patch.etag, sizeof patch.etag, "\"another\"");
    patch_expect(rig, "delta");
    assert_int_equal(patch.requests, 2); /* a range of the one, answered with the whole other */
    assert_true(rig->agent.fetch.bytes > patch.bytes.len);
}

static void test_after_many_breaks_the_next_check_goes_on_with_the_patch(void **test)
{
    (void)test;
    break_at(patch.bytes.len);
    uint32_t programmed = rig->agent.install.off;
    rig->tls.open_err = OTTER_ERR_IO;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    rig->tls.open_err = 0;
    uint64_t before = sim_flash_of(&rig->layout.secondary)->count.prog_bytes;
    patch_expect(rig, "delta");
    uint64_t now = sim_flash_of(&rig->layout.secondary)->count.prog_bytes;
    assert_true(now - before <= NEW - programmed + 4096); /* and journal */
    assert_int_equal(rig->image_requests, 0);
}

/* Each check gets as far as the header, and then nothing is there any more: eight of them would be enough. */
static void test_a_patch_that_comes_on_is_not_given_up(void **test)
{
    (void)test;
    rig->tls.recv_max = 20;
    for (int check = 0; check < 10; check++) {
        patch.requests = 0;
        while (patch.requests == 0 || rig->agent.patching.fed <= OTTER_DELTA_HEADER_SIZE) {
            rig->now_ms += rig_step(rig);
        }
        rig->tls.cut_at = rig->tls.delivered;
        rig->tls.open_err = OTTER_ERR_IO;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
        assert_int_equal(patch_given_up(rig), 0);
        rig->tls.open_err = 0;
    }
    patch_expect(rig, "delta");
}

/* ---- resets ---- */

static uint64_t programmed(void)
{
    return sim_flash_of(&rig->layout.secondary)->count.prog_bytes;
}

/* What lies in the slot below the checkpoint is compared, and programmed once only. */
static void test_a_reset_anywhere_costs_at_most_a_sector(void **test)
{
    (void)test;
    for (int part = 0; part < RIG_GEOMETRIES; part++) {
        struct sim_map map = rig_geometry(part);
        uint32_t sector = map.parts[0].sector_size > 0x8000 ? map.parts[0].sector_size : 0x8000;
        for (uint32_t stop = 3000; stop < 190000; stop += part == 0 ? 19000 : 61000) {
            patch_rig_destroy(rig);
            rig = patch_rig_create(&map);
            patch_offer(rig, 180000, 1, 190000);
            while (rig->agent.install.off < stop) {
                rig->now_ms += rig_step(rig);
            }
            uint32_t checkpoint = rig->state.download.off;
            assert_true(rig->agent.install.off - checkpoint <= sector + 8192);
            rig_start(rig);
            rig->events_count = 0;
            uint64_t before = programmed();
            patch_expect(rig, "delta");
            assert_true(programmed() - before <= 190000 - checkpoint + 8192);
            assert_int_equal(rig_count(rig, OTTER_EVENT_RESUMED), checkpoint > 0);
            assert_int_equal(rig->image_requests, 0);
            assert_int_equal(patch_given_up(rig), 0);
        }
    }
}

static void offer_large(void)
{
    again();
    patch_offer(rig, 180000, 1, 190000);
}

static void run_to(uint32_t off)
{
    while (rig->agent.install.off < off) {
        rig->now_ms += rig_step(rig);
    }
}

static void test_spoilt_bytes_from_before_a_reset_cost_one_more_patch(void **test)
{
    (void)test;
    for (uint32_t at = 0; at < 98304; at += 9001) {
        offer_large();
        run_to(120000);
        assert_true(rig->state.download.off >= 98304);
        const struct otter_area *slot = &rig->layout.secondary;
        sim_flash_poke(sim_flash_of(slot), slot->base + at, "spoilt", 6);
        rig_start(rig);
        patch.requests = 0;
        patch_expect(rig, "delta");
        assert_int_equal(patch.requests, 2);
        assert_int_equal(rig->image_requests, 0);
    }
}

static void test_bytes_that_cannot_be_compared_cost_one_more_patch(void **test)
{
    (void)test;
    offer_large();
    run_to(120000);
    rig_start(rig);
    faulty_wrap(&rig->layout.secondary);
    faulty_reads(1, 1);
    patch.requests = 0;
    patch_expect(rig, "delta");
    assert_int_equal(faulty.reads.bad, 0);
    assert_int_equal(patch.requests, 2);
}

/* A whole image would be fetched once more: what lay there before the reset may be to blame. This was compared. */
static void test_a_bad_image_is_made_once(void **test)
{
    (void)test;
    offer_large();
    rig->image[rig->image_len - 1] ^= 1; /* the signature */
    offer_changed(180000);
    run_to(120000);
    assert_true(rig->state.download.off >= 98304);
    rig_start(rig);
    patch.requests = 0;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(patch.requests, 1);
    assert_int_equal(rig->image_requests, 0);
}

/* The content decides, not which download left it there. */
static void test_a_patch_goes_on_where_a_whole_image_stopped(void **test)
{
    (void)test;
    offer_large();
    rig->config.patcher = NULL;
    rig_start(rig);
    run_to(120000);
    uint32_t checkpoint = rig->state.download.off;
    assert_true(checkpoint >= 98304);
    rig->config.patcher = &otter_patcher;
    rig_start(rig);
    uint64_t before = programmed();
    patch_expect(rig, "delta");
    assert_true(programmed() - before <= 190000 - checkpoint + 8192);
    assert_int_equal(patch.requests, 1);
}

static void test_a_whole_image_never_goes_on_where_a_patch_stopped(void **test)
{
    (void)test;
    offer_large();
    run_to(120000);
    assert_true(rig->state.download.off >= 98304);
    rig->config.patcher = NULL;
    rig_start(rig);
    patch_expect(rig, "image");
    assert_null(strstr(rig->last_image_request, "Range:"));
}

static void test_nor_where_one_stopped_that_ended_too_early(void **test)
{
    (void)test;
    uint8_t from[32];
    offer_large();
    running_hash(from);
    patch.bytes.len -= 8;
    patch.bytes.data[8] = (uint8_t)patch.bytes.len; /* of the header: its length */
    patch.bytes.data[9] = (uint8_t)(patch.bytes.len >> 8);
    patch_offer_job(rig, from);
    patch_expect(rig, "image");
    assert_int_equal(patch_given_up(rig), 1);
    assert_int_equal(rig->image_requests, 1);
    assert_null(strstr(rig->last_image_request, "Range:"));
}

static void test_an_earlier_whole_download_survives_a_patch_that_is_not_there(void **test)
{
    (void)test;
    offer_large();
    rig->config.patcher = NULL;
    rig_start(rig);
    run_to(120000);
    rig->config.patcher = &otter_patcher;
    rig->answer = status_answer;
    rig->answer_state = 404;
    rig_start(rig);
    patch_expect(rig, "image");
    assert_int_equal(patch.requests, 1);
    assert_non_null(strstr(rig->last_image_request, "Range: bytes="));
}

static void test_what_another_image_left_is_not_taken(void **test)
{
    (void)test;
    offer_large();
    run_to(120000);
    rig_start(rig);
    patch_offer(rig, 180000, 2, 100000); /* smaller than what is remembered */
    patch_expect(rig, "delta");
    offer_large();
    run_to(60000);
    rig_start(rig);
    patch_offer(rig, 180000, 2, 185000);
    patch_expect(rig, "delta");
    assert_int_equal(rig->image_requests, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_break_anywhere_loses_nothing_of_the_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_push_is_never_a_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_second_byte_a_break, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_server_without_ranges_sends_the_patch_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_patch_after_a_break_begins_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_after_many_breaks_the_next_check_goes_on_with_the_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patch_that_comes_on_is_not_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_reset_anywhere_costs_at_most_a_sector, setup, teardown),
        cmocka_unit_test_setup_teardown(test_spoilt_bytes_from_before_a_reset_cost_one_more_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_that_cannot_be_compared_cost_one_more_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_bad_image_is_made_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patch_goes_on_where_a_whole_image_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_whole_image_never_goes_on_where_a_patch_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nor_where_one_stopped_that_ended_too_early, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_earlier_whole_download_survives_a_patch_that_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_another_image_left_is_not_taken, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
