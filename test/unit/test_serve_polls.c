/* SPDX-License-Identifier: Apache-2.0 */
/* test_serve_polls.c - who asked for something lately: what is left of several polls of one device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tool/serve_store.h"

static struct serve_polls *polls;

static int setup(void **state)
{
    (void)state;
    polls = serve_polls_new();
    return polls ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    serve_polls_free(polls);
    return 0;
}

enum kind { FIRST, AGAIN, FETCH };

static void note(const char *version, int64_t at, enum kind kind)
{
    struct serve_poll poll = {.key = "d", .at = at, .fetches = kind == FETCH, .again = kind == AGAIN};
    snprintf(poll.version, sizeof poll.version, "%s", version);
    serve_polls_note(polls, &poll);
}

static void assert_left(const char *version, int64_t at, bool fetches, bool again)
{
    size_t count = 0;
    struct serve_poll *list = serve_polls_take(polls, &count);
    assert_int_equal(count, 1);
    assert_string_equal(list->version, version);
    assert_int_equal(list->at, at);
    assert_int_equal(list->fetches, fetches);
    assert_int_equal(list->again, again);
    free(list);
    assert_null(serve_polls_take(polls, &count));
}

static void test_the_newest_counts(void **state)
{
    (void)state;
    note("1.0.0", 5, FIRST);
    note("1.0.0", 6, AGAIN);
    note("", 7, FIRST);
    assert_left("1.0.0", 7, false, true);
    note("1.0.0", 5, AGAIN);
    note("1.1.0", 6, FIRST); /* on trial: what the version before asked says nothing of this one */
    assert_left("1.1.0", 6, false, false);
}

/* Else the report that came in between would look older than the fetch. */
static void test_a_fetch_keeps_its_own_time_and_ends_with_the_version(void **state)
{
    (void)state;
    note("1.0.0", 5, AGAIN);
    note("1.0.0", 6, FETCH);
    note("1.0.0", 7, FIRST);
    assert_left("1.0.0", 6, true, true);
    note("1.0.0", 6, FETCH);
    note("1.0.0", 7, FETCH);
    note("1.1.0", 8, FIRST);
    note("1.1.0", 9, AGAIN);
    assert_left("1.1.0", 9, false, true);
}

static void test_many_devices_have_one_entry_each(void **state)
{
    size_t count = 0;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct serve_poll poll = {.at = i};
        snprintf(poll.key, sizeof poll.key, "d%d", i % 1000);
        serve_polls_note(polls, &poll);
    }
    struct serve_poll *list = serve_polls_take(polls, &count);
    assert_int_equal(count, 1000);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(list[i].at, 2000 + (int64_t)i);
    }
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_newest_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_fetch_keeps_its_own_time_and_ends_with_the_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_devices_have_one_entry_each, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
