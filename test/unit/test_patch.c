/* SPDX-License-Identifier: Apache-2.0 */
/* test_patch.c - images that come as a patch: which is taken, and when the whole image is. */
#include "faulty.h"
#include "patch_one.h"

#include "agent/install.h"

/* ---- which ---- */

static void test_the_patch_for_the_running_image_is_taken(void **test)
{
    (void)test;
    assert_true(patch.bytes.len < NEW / 10);
    patch_expect(rig, "delta");
    assert_int_equal(patch.requests, 1);
    assert_int_equal(rig->image_requests, 0);
    assert_int_equal(rig->agent.fetch.bytes, patch.bytes.len);
    assert_null(strstr(patch.last_request, "Range:"));
    unsigned progress = 0;
    for (unsigned i = 0; i < rig->events_count; i++) {
        const struct otter_event *event = &rig->events[i];
        if (event->kind == OTTER_EVENT_PROGRESS) {
            progress++;
            assert_true(event->delta && event->total == NEW && event->done <= NEW);
        }
    }
    assert_int_equal(progress, NEW / 16384 + 1);
}

static void test_every_geometry_takes_patches(void **test)
{
    (void)test;
    for (int part = 0; part < RIG_GEOMETRIES; part++) {
        for (int trailers = 0; trailers < (part % 3 == 0 ? 2 : 1); trailers++) { /* they want small units */
            struct sim_map map = rig_geometry(part);
            if (trailers != 0) {
                map.journal.size = 0;
                map.mode = OTTER_MODE_OVERWRITE;
            }
            patch_rig_destroy(rig);
            rig = patch_rig_create(&map);
            patch_offer(rig, OLD, 1, NEW + 1 + (size_t)part);
            rig->config.io_size = part % 2 == 0 ? 2048 + 512 : sizeof rig->io;
            rig->config.range_size = part % 3 == 0 ? 100 : 0;
            rig_start(rig);
            patch_expect(rig, "delta");
        }
    }
}

static void test_smaller_and_larger_images(void **test)
{
    (void)test;
    static const size_t sizes[] = {RIG_OVERHEAD + 40, 700, 8000, 30000};
    for (size_t from = 0; from < 4; from++) {
        for (size_t to = 0; to < 4; to++) {
            again();
            patch_offer(rig, sizes[from], 1, sizes[to] + 3);
            patch_expect(rig, "delta");
        }
    }
}

static void test_an_agent_without_a_patcher_takes_the_whole_image(void **test)
{
    (void)test;
    rig->config.patcher = NULL;
    rig_start(rig);
    patch_expect(rig, "image");
    assert_int_equal(patch.requests, 0);
}

static void test_a_patcher_needs_its_room(void **test)
{
    (void)test;
    rig->config.delta = NULL;
    assert_int_equal(otter_agent_init(&rig->agent, &rig->config), OTTER_ERR_ARG);
}

static void test_a_patch_for_another_image_is_left_alone(void **test)
{
    (void)test;
    uint8_t from[32];
    memset(from, 0xab, sizeof from);
    patch_offer_job(rig, from);
    patch_expect(rig, "image");
    assert_int_equal(patch.requests, 0);
    again();
    running_hash(from);
    from[31] ^= 1; /* every byte counts */
    patch_offer_job(rig, from);
    patch_expect(rig, "image");
    assert_int_equal(patch.requests, 0);
}

static void test_an_image_that_is_none_any_more_is_no_base(void **test)
{
    (void)test;
    const struct otter_area *primary = &rig->layout.primary;
    sim_flash_poke(sim_flash_of(primary), primary->base, "gone", 4);
    patch_expect(rig, "image");
    assert_int_equal(patch.requests, 0);
}

static void change_job(const char *from, const char *to)
{
    char job[sizeof rig->job];
    char *at = strstr(rig->job, from);
    assert_non_null(at);
    snprintf(job, sizeof job, "%.*s%s%s", (int)(at - rig->job), rig->job, to, at + strlen(from));
    memcpy(rig->job, job, sizeof job);
}

static void test_without_size_or_digest_of_the_image_there_is_no_patch(void **test)
{
    (void)test;
    change_job("\"Size\":24612,", "");
    patch_expect(rig, "image");
    assert_int_equal(patch.requests, 0);
    again();
    change_job("\"SHA256\":", "\"Other\":");
    rig->agent.patching.refused = 1; /* of some other image */
    patch_expect(rig, "image");
    assert_int_equal(patch.requests, 0);
}

static void test_an_entry_that_lacks_something_is_none(void **test)
{
    (void)test;
    static const char *const keys[] = {"\"File\":\"/image.otd\"", "\"From\":\"", "\"Size\":"};
    for (size_t key = 0; key < 3; key++) {
        again();
        char *list = strstr(rig->job, "},{");
        char *at = strstr(list, keys[key]);
        at[1] = 'X';
        patch_expect(rig, "image");
    }
}

/* Two entries, each of which has what the other one lacks. */
static void test_entries_do_not_make_up_for_each_other(void **test)
{
    (void)test;
    for (int first = 0; first < 3; first++) {
        uint8_t hash[32];
        char hex[65], parts[3][100], list[400];
        again();
        running_hash(hash);
        patch_hex(hash, hex);
        snprintf(parts[0], sizeof parts[0], "\"From\":\"%s\"", hex);
        snprintf(parts[1], sizeof parts[1], "\"File\":\"/image.otd\"");
        snprintf(parts[2], sizeof parts[2], "\"Size\":%zu", patch.bytes.len);
        snprintf(list, sizeof list, "\"Deltas\":[{%s},{%s,%s}],\"Before\":", parts[first], parts[(first + 1) % 3],
                 parts[(first + 2) % 3]);
        change_job("\"Deltas\":", list);
        patch_expect(rig, "image");
        assert_int_equal(patch.requests, 0);
    }
}

static void test_a_malformed_list_makes_the_job_bad(void **test)
{
    (void)test;
    static const struct {
        const char *from, *to;
    } changes[] = {{"\"Deltas\":[", "\"Deltas\":[1,"},      {"\"Deltas\":[", "\"Deltas\":[[],"},
                   {"\"Size\":77", "\"Size\":true"},        {"\"Size\":77", "\"Size\":-1"},
                   {"/other.otd", "other.otd"},             {"\"/other.otd\"", "7"},
                   {"\"From\":\"00", "\"From\":\"0"},       {"\"From\":\"00", "\"From\":\"0g"},
                   {"},{\"From", "},{\"SHA256\":7,\"From"}, {"},{\"From", "},{\"Sha256\":\"12\",\"From"},
                   {"\"Deltas\":[{", "\"Deltas\":null,\"X\":[{"}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        again();
        change_job(changes[i].from, changes[i].to);
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_JOB);
        assert_int_equal(patch.requests, 0);
    }
    again();
    change_job("\"Deltas\":[{", "\"Deltas\":[{\"\":{},\"other\":[1,{\"File\":3}],");
    patch_expect(rig, "delta");
}

static void test_a_path_that_is_too_long_is_no_patch(void **test)
{
    (void)test;
    static const size_t lens[] = {300, sizeof rig->agent.job.path, sizeof rig->agent.job.path - 1};
    for (size_t i = 0; i < 3; i++) {
        char path[400] = "/";
        again();
        memset(path + 1, 'p', lens[i] - 1);
        change_job("/image.otd", path);
        patch_expect(rig, "image");
        assert_int_equal(patch_given_up(rig), i == 2); /* asked for, but nothing is there */
    }
}

/* What comes again was made before: by then it lies in the slot, or waits in the stage. */
static void test_an_image_that_repeats_itself(void **test)
{
    (void)test;
    for (size_t i = 632; i < NEW - RIG_OVERHEAD; i++) {
        rig->image[i] = (uint8_t)(i < 1232 ? rig->image[i] ^ 0xa5 : rig->image[i - 600]);
    }
    rig_sign_image(rig->image, NEW);
    offer_changed(OLD);
    assert_true(patch.bytes.len < 3000);
    patch_expect(rig, "delta");
}

/* However much a few bytes of a patch are good for: the application has its turn in between. */
static void test_a_step_makes_512_bytes_at_most(void **test)
{
    (void)test;
    uint32_t most = 0;
    while (rig->agent.phase != OTTER_AGENT_VERIFY) {
        uint32_t before = otter_install_position(&rig->agent.install);
        rig->now_ms += rig_step(rig);
        uint32_t now = otter_install_position(&rig->agent.install);
        most = now > before && now - before > most ? now - before : most;
    }
    assert_int_equal(most, 512);
}

/* ---- the whole image in its place ---- */

static void expect_fallback(void)
{
    rig->events_count = 0;
    patch_expect(rig, "image");
    assert_int_equal(patch_given_up(rig), 1);
    assert_int_equal(rig->image_requests, 1);
    assert_null(strstr(rig->last_image_request, "Range:"));
}

static void test_a_corrupt_patch_is_given_up(void **test)
{
    (void)test;
    size_t len = patch.bytes.len;
    for (size_t at = 0; at < len; at += at < 50 ? 1 : 61) {
        if (at >= 11 && at < 15) {
            continue; /* the address, which this filter does not ask for */
        }
        again();
        patch.bytes.data[at] ^= 0x10;
        expect_fallback();
    }
}

static void test_a_patch_of_another_length_is_given_up(void **test)
{
    (void)test;
    uint8_t from[32];
    patch.bytes.len--; /* the server has less than the job says */
    expect_fallback();
    again();
    patch.bytes.data = realloc(patch.bytes.data, patch.bytes.len + 10);
    patch.bytes.len += 10;
    expect_fallback();
    for (int more = 0; more < 2; more++) { /* job, server and header agree, the patch itself does not */
        again();
        running_hash(from);
        patch.bytes.data = realloc(patch.bytes.data, patch.bytes.len + 8);
        patch.bytes.len += more != 0 ? 8 : (size_t)-8; /* more than a coder may leave open */
        patch.bytes.data[8] = (uint8_t)patch.bytes.len; /* of the header: its length */
        patch.bytes.data[9] = (uint8_t)(patch.bytes.len >> 8);
        patch_offer_job(rig, from);
        expect_fallback();
    }
}

static void test_a_patch_of_other_images_is_given_up_before_anything_is_erased(void **test)
{
    (void)test;
    static const struct {
        size_t at;
        uint8_t bit;
    } fields[] = {{0, 1}, {1, 1}, {2, 1}, {4, 1}, {5, 1}, {5, 4}, {8, 1}, {15, 1}, {30, 1}, {31, 1}, {46, 1}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) { /* docs/spec: header */
        again();
        patch.bytes.data[fields[i].at] ^= fields[i].bit; /* 2, 4: more bytes than the base has; 5: a larger, a smaller image */
        uint64_t before = sim_flash_of(&rig->layout.secondary)->count.erased_bytes;
        while (patch_given_up(rig) == 0) {
            rig->now_ms += rig_step(rig);
        }
        assert_int_equal(sim_flash_of(&rig->layout.secondary)->count.erased_bytes, before);
        patch_expect(rig, "image");
    }
}

static void test_a_patch_that_is_not_there_is_given_up(void **test)
{
    (void)test;
    static const int statuses[] = {404, 403, 410, 400, 204, 304, 416};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        again();
        rig->answer = status_answer;
        rig->answer_state = statuses[i];
        expect_fallback();
        assert_int_equal(patch.requests, 1);
        assert_int_equal(rig->tls.opens, 1); /* nor is the connection at fault */
    }
}

static void test_a_busy_server_is_asked_for_the_patch_again(void **test)
{
    (void)test;
    static const int statuses[] = {503, 429, 500};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        again();
        rig->answer = status_answer;
        rig->answer_state = statuses[i];
        for (int check = 0; check < 3; check++) {
            assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
        }
        assert_int_equal(patch.requests, 3);
        assert_int_equal(rig->image_requests, 0);
        rig->answer = patch_answer;
        patch_expect(rig, "delta");
    }
}

/* Flash that fails, a server that is not the right one: neither is the patch's fault. */
static void test_what_is_not_the_patchs_fault_does_not_end_it(void **test)
{
    (void)test;
    faulty_wrap(&rig->layout.secondary);
    faulty_changes(0, 1);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_FLASH);
    patch_expect(rig, "delta");
    again();
    rig->tls.refuse_reuse = true;
    while (rig->agent.phase != OTTER_AGENT_DOWNLOAD) {
        rig->now_ms += rig_step(rig);
    }
    rig->tls.open_err = OTTER_ERR_AUTH;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNTRUSTED);
    assert_int_equal(patch_given_up(rig), 0);
    rig->tls.open_err = 0;
    patch_expect(rig, "delta");
}

/* A patch waits for its server when the application brings an image, which is no good: there is no patch to give up. */
static void test_a_pushed_image_has_nothing_to_do_with_the_patch_before_it(void **test)
{
    (void)test;
    rig->answer = status_answer;
    rig->answer_state = 503;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
    while (otter_agent_phase(&rig->agent) != OTTER_AGENT_IDLE) {
        rig->now_ms += rig_step(rig);
    }
    assert_int_equal(otter_agent_push_begin(&rig->agent, NEW), 0);
    assert_int_equal(otter_agent_push_write(&rig->agent, rig->image, NEW - 1), 0);
    assert_int_equal(otter_agent_push_finish(&rig->agent), OTTER_ERR_CORRUPT);
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(patch_given_up(rig), 0);
    rig->answer = patch_answer;
    patch_expect(rig, "delta");
}

static void test_a_patch_that_never_comes_is_given_up_in_the_end(void **test)
{
    (void)test;
    rig->answer = status_answer;
    rig->answer_state = 500;
    for (int i = 0; i < 7; i++) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
    }
    expect_fallback();
}

/* What the patch gives is what the job names; the whole image would be no better. */
static void test_a_bad_image_that_came_whole_is_not_fetched_again(void **test)
{
    (void)test;
    rig->image[NEW - 1] ^= 1; /* the signature */
    offer_changed(OLD);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(patch_given_up(rig), 0);
    assert_int_equal(rig->image_requests, 0);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_BAD_IMAGE, 10000));
    assert_non_null(strstr(rig->report, "\"via\":\"delta\""));
}

static void test_a_job_whose_digest_is_wrong_ends_with_a_bad_image(void **test)
{
    (void)test;
    char *at = strstr(rig->job, "\"SHA256\":\"") + 60; /* not what the patch's header has of it */
    *at = *at == '0' ? '1' : '0';
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(patch_given_up(rig), 1);
    assert_int_equal(rig->image_requests, 1);
}

static void test_what_failed_once_is_not_tried_again_but_the_next_is(void **test)
{
    (void)test;
    patch.bytes.data[100] ^= 1;
    rig->image_etag[0] = '\0';
    expect_fallback();
    rig_start(rig); /* a reset before the swap: the state has it */
    rig->state.phase = OTTER_PHASE_IDLE;
    again();
    patch.bytes.data[100] ^= 1;
    rig->answer = patch_answer;
    while (patch_given_up(rig) == 0) {
        rig->now_ms += rig_step(rig);
    }
    patch.requests = 0;
    rig->tls.silent = true; /* the whole image does not come */
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    assert_false(rig->events[rig->events_count - 1].delta);
    rig->tls.silent = false;
    patch_offer(rig, OLD, 1, NEW); /* the same image, with a patch that would do */
    patch_expect(rig, "image");
    assert_int_equal(patch.requests, 0);
}

static void test_a_patch_for_the_next_image_is_taken_again(void **test)
{
    (void)test;
    patch.bytes.data[100] ^= 1;
    while (patch_given_up(rig) == 0) {
        rig->now_ms += rig_step(rig);
    }
    patch_offer(rig, OLD, 2, NEW - 500);
    patch_expect(rig, "delta");
}

static void test_breaks_of_one_patch_do_not_count_for_the_next(void **test)
{
    (void)test;
    rig->answer = status_answer;
    rig->answer_state = 500;
    while (patch_given_up(rig) == 0) {
        rig->now_ms += rig_step(rig);
    }
    patch_offer(rig, OLD, 2, NEW - 500);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_SERVER);
    assert_int_equal(patch_given_up(rig), 1);
    rig->answer = patch_answer;
    patch_expect(rig, "delta");
}

static void test_the_hook_hears_what_is_fetched(void **test)
{
    (void)test;
    rig->not_now = true;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_DEFERRED);
    assert_int_equal(rig->agent.job.file_size, patch.bytes.len);
    rig->not_now = false;
    patch_expect(rig, "delta");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_patch_for_the_running_image_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_geometry_takes_patches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smaller_and_larger_images, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_agent_without_a_patcher_takes_the_whole_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patcher_needs_its_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patch_for_another_image_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_image_that_is_none_any_more_is_no_base, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_size_or_digest_of_the_image_there_is_no_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_entry_that_lacks_something_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_entries_do_not_make_up_for_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_malformed_list_makes_the_job_bad, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_path_that_is_too_long_is_no_patch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_image_that_repeats_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_step_makes_512_bytes_at_most, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_corrupt_patch_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patch_of_another_length_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patch_of_other_images_is_given_up_before_anything_is_erased, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patch_that_is_not_there_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_busy_server_is_asked_for_the_patch_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_the_patchs_fault_does_not_end_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_pushed_image_has_nothing_to_do_with_the_patch_before_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patch_that_never_comes_is_given_up_in_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_bad_image_that_came_whole_is_not_fetched_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_job_whose_digest_is_wrong_ends_with_a_bad_image, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_failed_once_is_not_tried_again_but_the_next_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_patch_for_the_next_image_is_taken_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_breaks_of_one_patch_do_not_count_for_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_hook_hears_what_is_fetched, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
