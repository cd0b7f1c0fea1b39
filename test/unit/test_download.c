/* SPDX-License-Identifier: Apache-2.0 */
/* test_download.c - images of every size over servers of every mood. */
#include "one_rig.h"

static const struct otter_version next_version = {1, 1, 0, 0};

static void expect_installed(void)
{
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
}

static void recreate(const struct sim_map *map, size_t io_size)
{
    rig_destroy(rig);
    rig = rig_create(map);
    rig->config.io_size = io_size;
    rig_start(rig);
}

static void test_sizes_around_every_edge_arrive_whole(void **test)
{
    (void)test;
    static const size_t sizes[] = {RIG_OVERHEAD + 1, 511,  512,   513,   4095,  4096,  4097, 8193,
                                   40961,            32767, 32768, 32769, 65537, 0x78000};
    for (int i = 0; i < RIG_GEOMETRIES; i++) {
        struct sim_map map = rig_geometry(i);
        for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++) {
            recreate(&map, size % 2 == 0 ? sizeof rig->io : 2048 + map.parts[0].prog_size);
            rig->tls.recv_max = size % 3 == 0 ? 97 : 0;
            rig_offer(rig, next_version, sizes[size]);
            expect_installed();
            assert_int_equal(rig->image_requests, 1);
        }
    }
}

static void test_ranges_of_a_fixed_size_arrive_whole(void **test)
{
    (void)test;
    static const size_t sizes[] = {4095, 4096, 4097, 8192, 8193, 40961};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        rig_destroy(rig);
        setup(NULL);
        rig->config.range_size = 4096;
        rig_offer(rig, next_version, sizes[i]);
        expect_installed();
        assert_int_equal(rig->image_requests, (sizes[i] + 4095) / 4096);
        assert_int_equal(rig->tls.opens, 1);
        assert_int_equal(rig_count(rig, OTTER_EVENT_RESUMED), 0);
    }
    rig_destroy(rig);
    setup(NULL);
    rig->config.range_size = 4096;
    rig->no_ranges = true;
    rig_offer(rig, next_version, 20000);
    expect_installed();
    assert_int_equal(rig->image_requests, 1);
}

static void test_a_range_never_asks_beyond_the_known_end(void **test)
{
    (void)test;
    rig->config.range_size = 4096;
    rig_offer(rig, next_version, 5000);
    expect_installed();
    assert_non_null(strstr(rig->last_image_request, "Range: bytes=4096-4999\r\n"));
    assert_non_null(strstr(rig->last_image_request, "If-Range: \"image-1.1\"\r\n"));
}

static void test_the_slot_limit_is_exact(void **test)
{
    (void)test;
    for (int over = 0; over < 2; over++) {
        for (int mood = 0; mood < 3; mood++) {
            rig_destroy(rig);
            setup(NULL);
            rig_offer(rig, next_version, 0x78000 + (size_t)over);
            rig->no_length = mood == 1;
            rig->chunked = mood == 2;
            assert_int_equal(rig_outcome(rig), over ? OTTER_OUTCOME_TOO_LARGE : OTTER_OUTCOME_INSTALLING);
        }
    }
}

static void test_a_job_too_large_for_the_slot_is_not_fetched(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 5000);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"Size\":%u}", 0x78001);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_TOO_LARGE);
    assert_int_equal(rig->image_requests, 0);
}

static void test_chunked_and_unmeasured_bodies_are_taken(void **test)
{
    (void)test;
    rig->chunked = true;
    rig_offer(rig, next_version, 70001);
    expect_installed();
    rig_destroy(rig);
    setup(NULL);
    rig->no_length = true;
    rig_offer(rig, next_version, 70001);
    expect_installed();
}

static void test_an_unmeasured_body_that_is_cut_is_not_a_bad_image(void **test)
{
    (void)test;
    rig->no_length = true;
    rig_offer(rig, next_version, 70001);
    rig->image_len = 60000;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    rig->image_len = 70001;
    expect_installed();
}

static size_t status_answer(struct rig *the_rig, const char *request, char *reply)
{
    if (strncmp(request, "GET /image.bin", 14) != 0) {
        return 0;
    }
    int status = the_rig->answer_state;
    bool resumption = status == 416;
    if (resumption && strstr(request, "\r\nRange:") == NULL) {
        return 0;
    }
    the_rig->answer = NULL;
    return rig_text(reply, "HTTP/1.1 %d X\r\nContent-Length: 0\r\nRetry-After: 7\r\n\r\n", status);
}

static void test_statuses_end_the_check_and_pass(void **test)
{
    (void)test;
    static const int statuses[] = {204, 206, 301, 304, 400, 401, 403, 404, 410, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        rig_destroy(rig);
        setup(NULL);
        rig_offer(rig, next_version, 5000);
        rig->answer = status_answer;
        rig->answer_state = statuses[i];
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
        uint32_t then = rig->now_ms;
        expect_installed();
        if (statuses[i] != 206 && statuses[i] != 204) {
            assert_true(rig->now_ms - then >= 7000); /* Retry-After */
        }
    }
}

static void test_a_broken_trailer_does_not_cost_the_image(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"Size\":50000}");
    rig->chunked = true;
    expect_installed();
    size_t whole = rig->tls.delivered;
    rig_destroy(rig);
    setup(NULL);
    rig_offer(rig, next_version, 50000);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"Size\":50000}");
    rig->chunked = true;
    rig->tls.cut_at = whole - 5;
    expect_installed();
    assert_int_equal(rig->image_requests, 1);
}

static void test_a_size_that_differs_from_the_job_is_refused(void **test)
{
    (void)test;
    for (int mood = 0; mood < 2; mood++) {
        for (int more = -1; more <= 1; more += 2) {
            rig_destroy(rig);
            setup(NULL);
            rig_offer(rig, next_version, 50000);
            snprintf(rig->job, sizeof rig->job,
                     "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"Size\":%d}", 50000 - more);
            rig->chunked = mood == 1;
            enum otter_outcome outcome = rig_outcome(rig);
            bool cut = mood == 1 && more == -1; /* the body ends before the job's size */
            assert_int_equal(outcome, cut ? OTTER_OUTCOME_SERVER : OTTER_OUTCOME_BAD_IMAGE);
        }
    }
}

static void test_what_cannot_boot_is_refused(void **test)
{
    (void)test;
    static const struct {
        size_t at;
        uint8_t flip;
        enum otter_outcome outcome;
    } cases[] = {{0, 1, OTTER_OUTCOME_BAD_IMAGE},     {20, 3, OTTER_OUTCOME_BAD_IMAGE},
                 {15, 0x80, OTTER_OUTCOME_TOO_LARGE}, {13, 0x80, OTTER_OUTCOME_BAD_IMAGE},
                 {16, 4, OTTER_OUTCOME_BAD_IMAGE},    {3000, 1, OTTER_OUTCOME_BAD_IMAGE},
                 {49999, 1, OTTER_OUTCOME_BAD_IMAGE}, {12, 1, OTTER_OUTCOME_BAD_IMAGE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_destroy(rig);
        setup(NULL);
        rig_offer(rig, next_version, 50000);
        rig->image[cases[i].at] ^= cases[i].flip;
        assert_int_equal(rig_outcome(rig), cases[i].outcome);
        assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
        /* not fetched again while the server has the same, and not reported again */
        unsigned delivered = (unsigned)rig->tls.delivered;
        assert_int_equal(rig_outcome(rig), cases[i].outcome);
        assert_true(rig->tls.delivered - delivered < 20000);
        assert_int_equal(rig->reports, 1);
        assert_non_null(strstr(rig->report, otter_outcome_str(cases[i].outcome)));
        rig_offer(rig, (struct otter_version){1, 2, 0, 0}, 50000);
        expect_installed();
    }
}

static void test_a_hopeless_download_stops_at_its_header(void **test)
{
    (void)test;
    rig_offer(rig, (struct otter_version){0, 9, 0, 0}, 400000);
    snprintf(rig->job, sizeof rig->job, "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\"}");
    uint64_t ops = rig->board.power.ops;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_true(rig->tls.delivered < 20000);
    assert_int_equal(rig->board.power.ops, ops); /* flash was not touched */
}

static void test_a_file_that_is_no_image_does_not_touch_the_flash(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 100000);
    rig->image[1] ^= 1;
    uint64_t ops = rig->board.power.ops;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(rig->board.power.ops, ops);
}

static void test_the_last_unit_is_filled_with_the_erased_value(void **test)
{
    (void)test;
    for (int i = 0; i < RIG_GEOMETRIES; i++) {
        struct sim_map map = rig_geometry(i);
        uint32_t unit = map.parts[0].prog_size;
        uint8_t tail[OTTER_PROG_SIZE_MAX];
        recreate(&map, sizeof rig->io);
        rig_offer(rig, next_version, 40000 + 1);
        expect_installed();
        uint32_t rest = (unit - 40001 % unit) % unit;
        assert_int_equal(otter_area_read(&rig->layout.secondary, 40001, tail, rest), 0);
        for (uint32_t at = 0; at < rest; at++) {
            assert_int_equal(tail[at], map.parts[0].erased);
        }
    }
}

static void test_what_the_bootloader_would_refuse_is_refused_here(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 5000);
    rig->state.floor_counter = 1; /* the image has no security counter: it counts as 0 */
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_OLDER);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
    rig->state.floor_counter = 0;
    rig_offer(rig, (struct otter_version){1, 2, 0, 0}, 5000);
    memcpy(rig->state.rejects[0].hash, rig->image + 5000 - 108 + 4, sizeof rig->state.rejects[0].hash);
    rig->state.rejects_count = 1; /* the same image under another version than it had */
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_REJECTED);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
}

static void offer_fixed(uint32_t address)
{
    rig_offer(rig, next_version, 5000);
    put_le(rig->image + 4, address, 4);
    put_le(rig->image + 16, OTTER_IMAGE_ROM_FIXED, 4);
    rig_sign_image(rig->image, 5000);
}

static void test_an_image_for_another_address_is_not_asked_for(void **test)
{
    (void)test;
    rig->layout.primary_addr = 0x10018000;
    offer_fixed(0x10028000);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(rig->agent.err, OTTER_ERR_REFUSED);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_NOT_FOR_US, 5000));
    assert_non_null(strstr(rig->report, "\"result\":\"not-for-us\""));
    unsigned fetched = rig_count(rig, OTTER_EVENT_PROGRESS);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(rig_count(rig, OTTER_EVENT_PROGRESS), fetched); /* not fetched again at once */
    offer_fixed(0x10018000);
    snprintf(rig->image_etag, sizeof rig->image_etag, "\"another\"");
    expect_installed();
}

static unsigned asked;
static struct otter_image asked_about;

static bool never_startable(const struct otter_layout *layout, const struct otter_view *view,
                            const struct otter_image *image)
{
    uint8_t first;
    assert_ptr_equal(layout, &rig->layout);
    assert_int_equal(otter_view_read(view, image->header_size, &first, 1), 0);
    assert_int_equal(first, rig->image[image->header_size]);
    asked_about = *image;
    asked++;
    return false;
}

static void test_an_image_that_the_board_cannot_start_is_not_asked_for(void **test)
{
    (void)test;
    rig->config.startable = never_startable;
    rig_offer(rig, next_version, 5000);
    rig->image[3000] ^= 1; /* not genuine: nobody is asked */
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(asked, 0);
    rig_offer(rig, (struct otter_version){1, 2, 0, 0}, 5000);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(asked, 1);
    assert_int_equal(asked_about.version.minor, 2);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
}

static void test_a_job_for_others_is_not_reported(void **test)
{
    (void)test;
    snprintf(rig->job, sizeof rig->job, "{\"Board\":\"C\",\"Version\":\"1.1.0\",\"File\":\"/f\"}");
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_NOT_FOR_US);
    assert_false(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_NOT_FOR_US, 500));
    assert_int_equal(rig->reports, 0);
}

static void leave_alone(bool chunked)
{
    teardown(NULL);
    setup(NULL);
    rig_offer(rig, next_version, 50000);
    rig->image[30000] ^= 1;
    rig->chunked = chunked;
    unsigned fetched = 0;
    uint32_t last = 0;
    for (unsigned poll = 0; poll < 20; poll++) {
        size_t delivered = rig->tls.delivered;
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
        if (rig->tls.delivered - delivered > 50000) {
            assert_true(poll == 0 || poll - last == (1u << (fetched - 1)) + 1);
            last = poll;
            fetched++;
        }
    }
    assert_int_equal(fetched, 5); /* polls 0, 2, 5, 10, 19 */
    otter_agent_check_now(&rig->agent);
    size_t delivered = rig->tls.delivered;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_true(rig->tls.delivered - delivered > 50000);
}

static void test_a_bad_file_is_left_alone_for_ever_longer(void **test)
{
    (void)test;
    leave_alone(false);
}

/* Nobody says how long it is; it is the same file all the same. */
static void test_a_bad_file_of_unknown_size_is_left_alone_as_well(void **test)
{
    (void)test;
    leave_alone(true);
}

static void test_bytes_behind_the_image_are_refused(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    rig->image = realloc(rig->image, 50016);
    memset(rig->image + 50000, 0, 16);
    rig->image_len = 50016;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
}

static void test_tiny_files_are_no_images(void **test)
{
    (void)test;
    static const size_t sizes[] = {1, 2, 31, 32, 33, 100};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        rig_destroy(rig);
        setup(NULL);
        rig_offer(rig, next_version, 5000);
        rig->image_len = sizes[i];
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    }
}

static void test_a_failing_flash_is_named(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 200000);
    const struct otter_area *slot = &rig->layout.secondary;
    sim_flash_break(sim_flash_of(slot), slot->base + 0x10000, false);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_FLASH);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
}

static void test_a_silently_failing_flash_is_a_bad_image(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 200000);
    const struct otter_area *slot = &rig->layout.secondary;
    sim_flash_break(sim_flash_of(slot), slot->base + 0x10000, true);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
}

static void test_a_server_that_never_delivers_is_given_up_with_growing_waits(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 50000);
    rig->no_ranges = true;
    rig->image_etag[0] = '\0';
    unsigned waits[8] = {0};
    unsigned count = 0;
    unsigned seen = 0;
    for (int steps = 0; steps < 1000000 && rig->agent.outcome != OTTER_OUTCOME_UNREACHABLE; steps++) {
        rig->tls.cut_at = rig->tls.cut_at == 0 ? rig->tls.delivered + 20000 : rig->tls.cut_at;
        rig->now_ms += rig_step(rig);
        for (; seen < rig->events_count; seen++) {
            if (rig->events[seen].kind == OTTER_EVENT_RETRY && rig->events[seen].phase == OTTER_AGENT_DOWNLOAD) {
                waits[count++ % 8] = rig->events[seen].wait_ms;
            }
        }
    }
    assert_int_equal(rig->agent.outcome, OTTER_OUTCOME_UNREACHABLE);
    assert_int_equal(count, 7); /* the last is the wait for the next poll */
    for (unsigned i = 1; i < count; i++) {
        assert_int_equal(waits[i], i < 6 ? waits[i - 1] * 2 : 60000);
    }
}

static void test_progress_is_told_in_order(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 200000);
    expect_installed();
    uint32_t last = 0;
    for (unsigned i = 0; i < rig->events_count; i++) {
        const struct otter_event *event = &rig->events[i];
        if (event->kind == OTTER_EVENT_PROGRESS) {
            assert_true(event->done > last);
            assert_int_equal(event->total, 200000);
            last = event->done;
        }
    }
    assert_int_equal(last, 200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sizes_around_every_edge_arrive_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ranges_of_a_fixed_size_arrive_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_range_never_asks_beyond_the_known_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_slot_limit_is_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_job_too_large_for_the_slot_is_not_fetched, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chunked_and_unmeasured_bodies_are_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_unmeasured_body_that_is_cut_is_not_a_bad_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_statuses_end_the_check_and_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_broken_trailer_does_not_cost_the_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_size_that_differs_from_the_job_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_boot_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_hopeless_download_stops_at_its_header, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_no_image_does_not_touch_the_flash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_last_unit_is_filled_with_the_erased_value, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_bootloader_would_refuse_is_refused_here, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_image_for_another_address_is_not_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_image_that_the_board_cannot_start_is_not_asked_for, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_job_for_others_is_not_reported, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_bad_file_is_left_alone_for_ever_longer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_bad_file_of_unknown_size_is_left_alone_as_well, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_behind_the_image_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tiny_files_are_no_images, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failing_flash_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_silently_failing_flash_is_a_bad_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_server_that_never_delivers_is_given_up_with_growing_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_progress_is_told_in_order, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
