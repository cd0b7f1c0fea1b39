/* SPDX-License-Identifier: Apache-2.0 */
/* test_push.c - images that the application brings itself. */
#include "agent_rig.h"

static struct rig *rig;
static const struct otter_version next_version = {1, 1, 0, 0};

static int setup(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    rig = rig_create(&map);
    rig_step(rig); /* idle */
    return 0;
}

static int teardown(void **test)
{
    (void)test;
    rig_destroy(rig);
    return 0;
}

static int push(size_t piece)
{
    for (size_t off = 0; off < rig->image_len; off += piece) {
        size_t len = rig->image_len - off < piece ? rig->image_len - off : piece;
        int err = otter_agent_push_write(&rig->agent, rig->image + off, len);
        if (err < 0) {
            return err;
        }
    }
    return otter_agent_push_finish(&rig->agent);
}

static void test_pushed_bytes_are_installed(void **test)
{
    (void)test;
    static const size_t sizes[] = {RIG_OVERHEAD + 1, 4095, 4096, 4097, 32769, 0x78000};
    static const size_t pieces[] = {1, 31, 20, 512, 5000, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int known = 0; known < 2; known++) {
            teardown(NULL);
            setup(NULL);
            rig_offer(rig, next_version, sizes[i]);
            assert_int_equal(otter_agent_push_begin(&rig->agent, known ? (uint32_t)sizes[i] : 0), 0);
            assert_int_equal(rig_step(rig), UINT32_MAX); /* the network is left alone meanwhile */
            assert_int_equal(push(pieces[i]), 0);
            rig_assert_installed(rig);
            assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_INSTALLING);
            assert_true(rig_run(rig, OTTER_EVENT_PHASE, OTTER_OUTCOME_INSTALLING, 1000));
        }
    }
}

static void test_pushed_images_obey_the_rules(void **test)
{
    (void)test;
    static const struct {
        struct otter_version version;
        enum otter_outcome outcome;
    } cases[] = {{{1, 0, 0, 0}, OTTER_OUTCOME_CURRENT}, {{0, 9, 0, 0}, OTTER_OUTCOME_OLDER},
                 {{1, 3, 0, 0}, OTTER_OUTCOME_REJECTED}};
    rig->state.rejects[0].version = (struct otter_version){1, 3, 0, 0};
    rig->state.rejects_count = 1;
    uint64_t ops = rig->board.power.ops;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_offer(rig, cases[i].version, 60000);
        assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), 0);
        assert_int_equal(push(1000), OTTER_ERR_REFUSED);
        assert_int_equal(otter_agent_outcome(&rig->agent), cases[i].outcome);
        assert_int_equal(otter_agent_push_write(&rig->agent, "x", 1), OTTER_ERR_REFUSED);
        assert_int_equal(otter_agent_push_finish(&rig->agent), OTTER_ERR_REFUSED);
    }
    assert_int_equal(rig->board.power.ops, ops);
    rig->not_now = true;
    rig_offer(rig, next_version, 60000);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), 0);
    assert_int_equal(push(1000), OTTER_ERR_REFUSED);
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_DEFERRED);
}

static void test_pushed_junk_is_refused(void **test)
{
    (void)test;
    static const size_t flips[] = {0, 12, 5000, 59999};
    for (size_t i = 0; i < sizeof flips / sizeof flips[0]; i++) {
        rig_offer(rig, next_version, 60000);
        rig->image[flips[i]] ^= 1;
        assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), 0);
        assert_true(push(777) < 0);
        assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_BAD_IMAGE);
        assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
    }
}

static void test_sizes_must_hold(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 60000);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 0x78001), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60001), 0);
    assert_int_equal(push(1000), OTTER_ERR_CORRUPT);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 59999), 0);
    assert_int_equal(push(1000), OTTER_ERR_NOSPACE);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), 0);
    assert_int_equal(otter_agent_push_finish(&rig->agent), OTTER_ERR_CORRUPT);
    rig_offer(rig, next_version, 0x78001);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 0), 0);
    assert_int_equal(push(1000), OTTER_ERR_NOSPACE);
}

static void test_push_waits_for_its_turn(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 60000);
    while (otter_agent_phase(&rig->agent) != OTTER_AGENT_DOWNLOAD) {
        rig->now_ms += rig_step(rig);
    }
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), OTTER_ERR_REFUSED);
    otter_agent_stop(&rig->agent);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), 0);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), OTTER_ERR_REFUSED);
    assert_int_equal(push(1000), 0);
    rig_assert_installed(rig);
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_REBOOT); /* stopped: no report */
    teardown(NULL);
    setup(NULL);
    otter_agent_stop(&rig->agent);
    rig_offer(rig, (struct otter_version){0, 5, 0, 0}, 60000);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), 0);
    assert_int_equal(push(1000), OTTER_ERR_REFUSED);
    assert_int_equal(otter_agent_phase(&rig->agent), OTTER_AGENT_STOPPED);
    rig->state.phase = OTTER_PHASE_TRIAL;
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), OTTER_ERR_REFUSED);
}

static void test_a_failing_flash_ends_the_push(void **test)
{
    (void)test;
    const struct otter_area *slot = &rig->layout.secondary;
    sim_flash_break(sim_flash_of(slot), slot->base + 0x8000, false);
    rig_offer(rig, next_version, 60000);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 60000), 0);
    assert_int_equal(push(1000), OTTER_ERR_IO);
    assert_int_equal(otter_agent_outcome(&rig->agent), OTTER_OUTCOME_FLASH);
}

static void test_a_download_after_a_push_does_not_trust_its_bytes(void **test)
{
    (void)test;
    rig_offer(rig, next_version, 200000);
    while (rig->tls.delivered < 150000) {
        rig->now_ms += rig_step(rig);
    }
    otter_agent_stop(&rig->agent);
    uint8_t *other = rig_make_image((struct otter_version){1, 2, 0, 0}, 100000);
    assert_int_equal(otter_agent_push_begin(&rig->agent, 100000), 0);
    assert_int_equal(otter_agent_push_write(&rig->agent, other, 90000), 0);
    assert_int_equal(otter_agent_push_finish(&rig->agent), OTTER_ERR_CORRUPT);
    free(other);
    otter_agent_start(&rig->agent);
    rig->events_count = 0;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_int_equal(rig_count(rig, OTTER_EVENT_RESUMED), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pushed_bytes_are_installed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pushed_images_obey_the_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pushed_junk_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes_must_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_push_waits_for_its_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failing_flash_ends_the_push, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_download_after_a_push_does_not_trust_its_bytes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
