/* SPDX-License-Identifier: Apache-2.0 */
/* test_rollout_edit.c - the next job document from the present one: raise, halt, resume, renew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tool/job_file.h"
#include "tool/rollout_edit.h"
#include "tool/rollout_history.h"

#define NOW 1800000000
#define DAY 86400

static json_t *job_of(const char *rollout)
{
    json_t *job = json_loads("{\"Version\":\"1.1.0\",\"File\":\"/a.bin\",\"Sequence\":4,\"Issued\":1799000000,"
                             "\"Expires\":1799864000,\"Audience\":{\"Board\":\"B\"}}", 0, NULL);
    assert_non_null(job);
    if (rollout) {
        json_t *value = json_loads(rollout, 0, NULL);
        assert_non_null(value);
        job_put(job, "Rollout", value);
    }
    return job;
}

/* The Rollout that comes of it, as compact JSON in `ret`; "" none; false: refused. */
static bool edited(const char *rollout, const struct rollout_order *order, const struct rollout_stopped *before,
                   char ret[200])
{
    json_t *job = job_of(rollout);
    json_t *next = NULL;
    bool good = rollout_edit(job, order, 5, NOW, before, &next) == 0;
    ret[0] = 0;
    if (good) {
        json_int_t sequence = 0;
        assert_true(job_number(next, "Sequence", &sequence) && sequence == 5);
        const json_t *made = job_get(next, "Rollout");
        if (made) {
            ret[json_dumpb(made, ret, 199, JSON_COMPACT)] = 0;
        }
        assert_int_equal(json_integer_value(json_object_get(next, "Issued")), NOW);
        assert_string_equal(job_text(next, "Version"), "1.1.0");
    }
    json_decref(next);
    json_decref(job);
    return good;
}

static void expect(const char *rollout, struct rollout_order order, const char *wanted)
{
    char got[200];
    bool good = edited(rollout, &order, NULL, got);
    if (!good != !wanted || (wanted && strcmp(got, wanted) != 0)) {
        fail_msg("%s of %s: %s, wanted %s", rollout_action_name(order.action), rollout ? rollout : "none",
                 good ? got : "refused", wanted ? wanted : "refused");
    }
}

static void test_raise(void **state)
{
    (void)state;
    struct rollout_order to_50 = {.action = ROLLOUT_RAISE, .permille = 500};
    struct rollout_order force = {.action = ROLLOUT_RAISE, .permille = 50, .force = true};
    struct rollout_order rings = {.action = ROLLOUT_RAISE, .permille = -1, .rings = "a,b"};
    struct rollout_order no_rings = {.action = ROLLOUT_RAISE, .permille = 500, .rings = ""};
    expect("{\"Permille\":100,\"Salt\":\"s\"}", to_50, "{\"Permille\":500,\"Salt\":\"s\"}");
    expect("{\"Permille\":500,\"Salt\":\"s\"}", to_50, "{\"Permille\":500,\"Salt\":\"s\"}");
    expect("{\"Permille\":501,\"Salt\":\"s\"}", to_50, NULL);
    expect("{\"Permille\":501,\"Salt\":\"s\"}", force, "{\"Permille\":50,\"Salt\":\"s\"}");
    expect(NULL, to_50, NULL);
    expect("{\"Permille\":0,\"Salt\":\"s\"}", to_50, NULL);
    expect("{\"Permille\":0,\"Salt\":\"s\"}", force, "{\"Permille\":50,\"Salt\":\"s\"}");
    expect("{\"Permille\":0,\"Rings\":\"a\"}", to_50, "{\"Permille\":500,\"Rings\":\"a\"}");
    expect("{\"Permille\":100,\"Rings\":\"a\",\"Start\":5,\"RampSeconds\":6}", rings,
           "{\"Permille\":100,\"Rings\":\"a,b\",\"Start\":5,\"RampSeconds\":6}");
    expect("{\"Permille\":100,\"Rings\":\"a\",\"Start\":5,\"RampSeconds\":6}", no_rings, "{\"Permille\":500}");
    expect("{\"Permille\":1001}", to_50, NULL);
    expect("{\"Permille\":\"many\"}", to_50, NULL);
    expect("{}", to_50, NULL);
    expect("[]", to_50, NULL);
}

static void test_a_ramp_puts_nobody_out(void **state)
{
    (void)state;
    for (int from = 0; from < 1000; from += 7) {
        for (int to = from + 1; to <= 1000; to += 13) {
            json_t *job = job_of(NULL);
            json_t *next = NULL;
            struct rollout_view view;
            struct rollout_order order = {.action = ROLLOUT_RAISE, .permille = to, .ramp_seconds = 7 * DAY, .force = true};
            job_put(job, "Rollout", json_pack("{s:i, s:s}", "Permille", from, "Salt", "s"));
            assert_int_equal(rollout_edit(job, &order, 5, NOW, NULL, &next), 0);
            assert_true(rollout_view_of(next, NOW, &view));
            assert_true(view.permille_now >= from && view.permille_now <= from + 1);
            assert_true(rollout_view_of(next, NOW + 7 * DAY - 1, &view) && view.permille_now < to);
            assert_true(rollout_view_of(next, NOW + 7 * DAY, &view) && view.permille_now == to);
            json_decref(next);
            json_decref(job);
        }
    }
    struct rollout_order up = {.action = ROLLOUT_RAISE, .permille = 100, .ramp_seconds = DAY};
    expect("{\"Permille\":100,\"Salt\":\"s\"}", up, NULL); /* nowhere to go */
    expect("{\"Permille\":0,\"Rings\":\"a\"}", up, "{\"Permille\":100,\"Rings\":\"a\",\"Start\":1800000000,\"RampSeconds\":86400}");
}

static void test_what_a_device_works_out(void **state)
{
    (void)state;
    static const struct {
        const char *rollout;
        int64_t now;
        int permille;
    } cases[] = {{"{\"Permille\":500}", 0, 500}, {"{\"Permille\":500,\"Start\":1000}", 999, 0},
                 {"{\"Permille\":500,\"Start\":1000}", 1000, 500}, {"{\"Permille\":500,\"Start\":1000,\"RampSeconds\":1000}", 1000, 0},
                 {"{\"Permille\":500,\"Start\":1000,\"RampSeconds\":1000}", 1999, 499},
                 {"{\"Permille\":500,\"Start\":1000,\"RampSeconds\":1000}", 1003, 1},
                 {"{\"Permille\":500,\"Start\":1000,\"RampSeconds\":1000}", 2000, 500},
                 {"{\"Permille\":\"500\"}", 0, 500}, {"{\"permille\":500}", 0, 500}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rollout_view view;
        json_t *job = job_of(cases[i].rollout);
        assert_true(rollout_view_of(job, cases[i].now, &view));
        assert_int_equal(view.permille_now, cases[i].permille);
        assert_false(view.halted);
        json_decref(job);
    }
}

static void test_halt(void **state)
{
    (void)state;
    struct rollout_order order = {.action = ROLLOUT_HALT};
    expect("{\"Permille\":100,\"Salt\":\"s\",\"Rings\":\"a\",\"Start\":5,\"RampSeconds\":6}", order, "{\"Permille\":0,\"Salt\":\"s\"}");
    expect(NULL, order, "{\"Permille\":0}");
    expect("{\"Permille\":0,\"Salt\":\"s\"}", order, NULL); /* already */
}

static void test_resume_as_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *was;
        int64_t halted_at;
        const char *becomes;
    } cases[] = {
        {"{\"Permille\":100,\"Salt\":\"s\",\"Rings\":\"a\"}", NOW - DAY, "{\"Permille\":100,\"Salt\":\"s\",\"Rings\":\"a\"}"},
        /* a ramp that had gone on for 1000 s when it was halted has gone on for 1000 s now */
        {"{\"Permille\":100,\"Start\":1799990000,\"RampSeconds\":5000}", 1799991000,
         "{\"Permille\":100,\"Start\":1799999000,\"RampSeconds\":5000}"},
        /* halted before it began: begins when it was to begin, or now */
        {"{\"Permille\":100,\"Start\":1800005000}", 1799991000, "{\"Permille\":100,\"Start\":1800005000}"},
        {"{\"Permille\":100,\"Start\":1799995000}", 1799991000, "{\"Permille\":100,\"Start\":1800000000}"},
        {NULL, NOW - DAY, ""},
    };
    struct rollout_order order = {.action = ROLLOUT_RESUME};
    char got[200];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *was = cases[i].was ? json_loads(cases[i].was, 0, NULL) : NULL;
        struct rollout_stopped before = {was, cases[i].halted_at};
        assert_true(edited("{\"Permille\":0,\"Salt\":\"s\"}", &order, &before, got));
        assert_string_equal(got, cases[i].becomes);
        json_decref(was);
    }
    expect("{\"Permille\":0}", order, NULL);   /* nobody knows what was */
    expect("{\"Permille\":100}", order, NULL); /* not halted */
}

static void test_renew_keeps_the_lifetime(void **state)
{
    (void)state;
    struct rollout_order order = {.action = ROLLOUT_RENEW};
    json_t *job = job_of("{\"Permille\":100}");
    json_t *next = NULL;
    assert_int_equal(rollout_edit(job, &order, 5, NOW, NULL, &next), 0);
    assert_int_equal(json_integer_value(job_get(next, "Expires")), NOW + 10 * DAY);
    json_decref(next);
    order.expires_seconds = 30 * DAY;
    assert_int_equal(rollout_edit(job, &order, 5, NOW, NULL, &next), 0);
    assert_int_equal(json_integer_value(job_get(next, "Expires")), NOW + 30 * DAY);
    json_decref(next);
    job_put(job, "Issued", NULL); /* a plain one does not end */
    job_put(job, "Expires", NULL);
    order.expires_seconds = 0;
    assert_int_equal(rollout_edit(job, &order, 5, NOW, NULL, &next), 0);
    assert_null(job_get(next, "Expires"));
    json_decref(next);
    json_decref(job);
}

/* ---- history ---- */
static void line(struct rollout_history *history, const char *action, const char *rollout, int64_t sequence, int64_t at)
{
    json_t *job = job_of(rollout);
    job_put(job, "Sequence", json_integer(sequence));
    rollout_history_add(history, &(struct rollout_note){"j", action, "anna", "why", at}, job);
    json_decref(job);
}

static void test_what_a_halt_stopped(void **state)
{
    (void)state;
    struct rollout_history history = {json_array()};
    struct rollout_stopped stopped;
    json_t *job = job_of("{\"Permille\":0}");
    assert_false(rollout_history_stopped(&history, "j", job, &stopped));
    line(&history, "publish", "{\"Permille\":100}", 1, 1000);
    assert_false(rollout_history_stopped(&history, "j", job, &stopped)); /* no halt is told of */
    line(&history, "raise", "{\"Permille\":200}", 2, 2000);
    line(&history, "raise", "{\"Permille\":300}", 3, 2500);
    rollout_history_add_failed(&history, &(struct rollout_note){"j", "raise", "anna", "full", 2501}, 3);
    line(&history, "halt", "{\"Permille\":0}", 4, 3000);
    line(&history, "renew", "{\"Permille\":0}", 5, 4000);
    assert_true(rollout_history_stopped(&history, "j", job, &stopped));
    assert_int_equal(json_integer_value(json_object_get(stopped.rollout, "Permille")), 200);
    assert_int_equal(stopped.at, 3000);
    assert_int_equal(rollout_history_highest(&history), 5);
    assert_int_equal(rollout_history_standing(&history, "j"), 5);
    assert_int_equal(rollout_history_standing(&history, "other"), 0);
    assert_false(rollout_history_stopped(&history, "other", job, &stopped));
    job_put(job, "File", json_string("/another.bin"));
    assert_false(rollout_history_stopped(&history, "j", job, &stopped));
    json_decref(job);
    rollout_history_free(&history);
}

static void test_a_halt_of_what_was_for_everybody(void **state)
{
    (void)state;
    struct rollout_history history = {json_array()};
    struct rollout_stopped stopped = {NULL, 0};
    json_t *job = job_of("{\"Permille\":0}");
    line(&history, "publish", NULL, 1, 1000);
    line(&history, "halt", "{\"Permille\":0}", 2, 2000);
    assert_true(rollout_history_stopped(&history, "j", job, &stopped));
    assert_null(stopped.rollout);
    json_decref(job);
    rollout_history_free(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raise), cmocka_unit_test(test_a_ramp_puts_nobody_out), cmocka_unit_test(test_what_a_device_works_out),
        cmocka_unit_test(test_halt), cmocka_unit_test(test_resume_as_it_was), cmocka_unit_test(test_renew_keeps_the_lifetime),
        cmocka_unit_test(test_what_a_halt_stopped), cmocka_unit_test(test_a_halt_of_what_was_for_everybody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
