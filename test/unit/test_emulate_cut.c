/* SPDX-License-Identifier: Apache-2.0 */
/* test_emulate_cut.c - moments of power loss: parsed, waited for, drawn from a seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tool/emulate_cut.h"
#include "tool/tool.h"

static void see(struct emulate_cuts *cuts, const char *event, uint64_t now_ms)
{
    json_t *json = json_pack("{s:s, s:s}", "from", "boot", "event", event);
    emulate_cuts_watch(cuts, json, now_ms);
    json_decref(json);
}

static void test_moments_come_one_after_the_other(void **state)
{
    struct emulate_cuts cuts = {.count = 0};
    (void)state;
    assert_int_equal(emulate_cuts_add(&cuts, "2", 0, 0), 0);
    assert_int_equal(emulate_cuts_add(&cuts, "swap+0.25", 0, 0), 0);
    emulate_cuts_on(&cuts, 1000);
    assert_int_equal(emulate_cuts_due(&cuts), 3000);
    see(&cuts, "swap", 1500); /* not its turn */
    assert_int_equal(emulate_cuts_due(&cuts), 3000);
    struct emulate_cut made = emulate_cuts_made(&cuts);
    assert_string_equal(made.event, "");
    assert_int_equal(made.ms, 2000);
    emulate_cuts_on(&cuts, 3100);
    assert_int_equal(emulate_cuts_due(&cuts), 0);
    see(&cuts, "trial", 3200);
    assert_int_equal(emulate_cuts_due(&cuts), 0);
    see(&cuts, "swap", 3300);
    see(&cuts, "swap", 3400); /* the first counts */
    assert_int_equal(emulate_cuts_due(&cuts), 3550);
    assert_string_equal(emulate_cuts_made(&cuts).event, "swap");
    emulate_cuts_on(&cuts, 4000);
    see(&cuts, "swap", 4100);
    assert_int_equal(emulate_cuts_due(&cuts), 0); /* none is left */
    assert_int_equal(cuts.done, 2);
}

static void test_what_is_no_moment_is_refused(void **state)
{
    static const char *const bad[] = {"", "soon", "-1", "1s", "+1", "swap", "swap+", "swap+x", "noon+1", "requested+1",
                                      "86401", "nan", "inf", "swap+-1"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct emulate_cuts cuts = {.count = 0};
        assert_int_equal(emulate_cuts_add(&cuts, bad[i], 0, 0), TOOL_USAGE);
        assert_int_equal(emulate_cuts_due(&cuts), 0);
    }
    struct emulate_cuts cuts = {.count = 0};
    assert_int_equal(emulate_cuts_add(&cuts, "random", 3, 1), 0);
    assert_int_equal(emulate_cuts_add(&cuts, "1", 0, 0), TOOL_USAGE);
    assert_int_equal(emulate_cuts_add(&cuts, "random", 3, 1), TOOL_USAGE);
}

/* Every draw of a seed, each after the event that it waits for or at its limit. */
static void draw_all(uint64_t seed, struct emulate_cut made[], uint32_t count)
{
    struct emulate_cuts cuts = {.count = 0};
    assert_int_equal(emulate_cuts_add(&cuts, "random", count, seed), 0);
    for (uint32_t i = 0; i < count; i++) {
        emulate_cuts_on(&cuts, 1000000);
        if (i % 2 == 0 && cuts.now.event[0]) {
            see(&cuts, cuts.now.event, 1000010);
        }
        uint64_t due = emulate_cuts_due(&cuts);
        assert_true(due >= 1000000 && due <= 1000000 + 6000); /* it always comes */
        made[i] = emulate_cuts_made(&cuts);
    }
    emulate_cuts_on(&cuts, 2000000);
    assert_int_equal(emulate_cuts_due(&cuts), 0);
}

static void test_a_seed_draws_the_same_moments(void **state)
{
    struct emulate_cut first[50], again[50], other[50];
    unsigned after_events = 0;
    unsigned differ = 0;
    (void)state;
    draw_all(7, first, 50);
    draw_all(7, again, 50);
    draw_all(8, other, 50);
    for (int i = 0; i < 50; i++) {
        assert_string_equal(first[i].event, again[i].event);
        assert_int_equal(first[i].ms, again[i].ms);
        after_events += first[i].event[0] != 0;
        differ += first[i].ms != other[i].ms;
    }
    assert_true(after_events > 5 && after_events < 45);
    assert_true(differ > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_come_one_after_the_other),
        cmocka_unit_test(test_what_is_no_moment_is_refused),
        cmocka_unit_test(test_a_seed_draws_the_same_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
