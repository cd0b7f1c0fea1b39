/* SPDX-License-Identifier: Apache-2.0 */
/* test_app_story.c - the application's lines: one word each, readable by board/words.def. */
#include "app_board.h"

#include <stdio.h>

#include "app/ota-https/story.h"

struct word {
    const char *name, *event, *keys, *text;
};

static const struct word words[] = {
#define BOOT_WORD(name, event, keys, text)
#define APP_WORD(name, event, keys, text) {#name, event, keys, text},
#include "board/words.def"
#undef BOOT_WORD
#undef APP_WORD
};

static int setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    return 0;
}

static unsigned count_values(const char *text)
{
    unsigned count = 0;
    for (; (text = strstr(text, "%s")) != NULL; text++) {
        count++;
    }
    return count;
}

/* Keys that a value belongs to: those without "=". */
static unsigned count_keys(const char *keys)
{
    unsigned count = 0;
    while (*keys != 0) {
        size_t len = strcspn(keys, " ");
        count += memchr(keys, '=', len) == NULL ? 1 : 0;
        keys += len + (keys[len] == ' ' ? 1 : 0);
    }
    return count;
}

/* Does this line come from this text? As a reader with no other knowledge sees it. */
static bool matches(const char *text, const char *line)
{
    const char *mark = strstr(text, "%s");
    size_t len = mark ? (size_t)(mark - text) : strlen(text);
    if (strncmp(line, text, len) != 0) {
        return false;
    }
    line += len;
    if (mark == NULL) {
        return *line == 0;
    }
    for (;; line++) {
        if (matches(mark + 2, line)) {
            return true;
        }
        if (*line == 0) {
            return false;
        }
    }
}

static void test_every_word_has_a_key_for_each_value_and_is_read_back(void **state)
{
    (void)state;
    static const char *const values[] = {"1.1.0", "12", "a b: c, d", "77"};
    for (size_t i = 0; i < (sizeof words / sizeof words[0]); i++) {
        if (count_values(words[i].text) != count_keys(words[i].keys) ||
            count_values(words[i].text) > STORY_VALUES_MAX) {
            fail_msg("%s: %u values for the keys \"%s\"", words[i].name, count_values(words[i].text), words[i].keys);
        }
        fake_hush();
        story_say(words[i].text, values);
        assert_memory_equal(fake.uart, "app   ", 6);
        assert_string_equal(fake.uart + fake.uart_len - 2, "\r\n");
        fake.uart[fake.uart_len - 2] = 0;
        size_t found = 0;
        while (!matches(words[found].text, fake.uart + 6)) {
            found++;
            assert_true(found < (sizeof words / sizeof words[0]));
        }
        if (found != i) {
            fail_msg("\"%s\" is %s, but reads as %s", fake.uart, words[i].name, words[found].name);
        }
    }
}

static void test_a_line_stays_one_line(void **state)
{
    (void)state;
    char longest[STORY_VALUE_SIZE + 40];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    const char *values[] = {"ev\r\nboot  1.0.0\x1b[2J\xff", NULL};
    story_say(APP_NO_START, values);
    assert_string_equal(fake.uart, "app   cannot start ev??boot  1.0.0?[2J?: -\r\n");
    fake_hush();
    values[0] = longest;
    story_say(APP_NETWORK, values);
    assert_int_equal(fake.uart_len, strlen("app   network is up: \r\n") + STORY_VALUE_SIZE);
    assert_non_null(strstr(fake.uart, "xxx...\r\n"));
    fake_hush();
    longest[STORY_VALUE_SIZE] = 0;
    story_say(APP_NETWORK, values);
    assert_null(strstr(fake.uart, "..."));
}

static void test_numbers_and_versions(void **state)
{
    (void)state;
    struct words_number number;
    struct words_version version;
    assert_string_equal(words_decimal(&number, 0), "0");
    assert_string_equal(words_decimal(&number, 1020), "1020");
    assert_string_equal(words_decimal(&number, UINT32_MAX), "4294967295");
    assert_string_equal(words_hex(&number, 0xBEEF), "0xBEEF");
    assert_string_equal(words_version(&version, &(struct otter_version){1, 2, 3, 0}), "1.2.3");
    assert_string_equal(words_version(&version, &(struct otter_version){255, 255, 65535, UINT32_MAX}),
                        "255.255.65535+4294967295");
}

static const struct otter_version offered = {1, 1, 0, 0};

static void say_outcome(enum otter_outcome outcome, int err, uint16_t status, enum otter_reason reason)
{
    fake_hush();
    const struct otter_event event = {.kind = OTTER_EVENT_OUTCOME, .outcome = outcome, .err = err,
                                      .http_status = status, .reason = reason, .version = offered};
    story_agent(&event, outcome == OTTER_OUTCOME_UNREACHABLE ? "connection refused" : NULL);
}

static void test_every_outcome_is_a_line_of_its_own(void **state)
{
    (void)state;
    static const struct {
        enum otter_outcome outcome;
        int err;
        uint16_t status;
        enum otter_reason reason;
        const char *line;
    } cases[] = {
        {OTTER_OUTCOME_CURRENT, 0, 304, 0, "asked the server: 1.1.0 is up to date"},
        {OTTER_OUTCOME_INSTALLING, 0, 200, 0, "1.1.0 is genuine: asks the bootloader to install it"},
        {OTTER_OUTCOME_CONFIRMED, 0, 200, 0, "1.1.0 is healthy and reached the server: confirmed"},
        {OTTER_OUTCOME_REVERTED, 0, 0, OTTER_REASON_WATCHDOG, "1.1.0 was not kept: watchdog"},
        {OTTER_OUTCOME_OLDER, 0, 200, 0, "server offers 1.1.0, which is older: stays"},
        {OTTER_OUTCOME_REJECTED, 0, 200, 0, "server offers 1.1.0, which failed here: not tried again"},
        {OTTER_OUTCOME_NOT_FOR_US, 0, 200, 0, "server's job (1.1.0) is for another board or product: stays"},
        {OTTER_OUTCOME_BAD_JOB, 0, 200, 0, "server's job document makes no sense: stays"},
        {OTTER_OUTCOME_FORBIDDEN, 0, 200, 0, "server's job (1.1.0) leads to where it must not go: stays"},
        {OTTER_OUTCOME_BAD_IMAGE, 0, 200, 0, "1.1.0 is not genuine, or not what was promised: thrown away"},
        {OTTER_OUTCOME_TOO_LARGE, 0, 200, 0, "1.1.0 does not fit the slot"},
        {OTTER_OUTCOME_SERVER, 0, 503, 0, "the server's answer is of no use: HTTP 503"},
        {OTTER_OUTCOME_SERVER, OTTER_ERR_CORRUPT, 200, 0, "the server's answer is of no use: corrupt"},
        {OTTER_OUTCOME_UNREACHABLE, OTTER_ERR_IO, 0, 0, "cannot reach the server: connection refused"},
        {OTTER_OUTCOME_UNTRUSTED, OTTER_ERR_AUTH, 0, 0, "does not trust the server: not genuine"},
        {OTTER_OUTCOME_FLASH, OTTER_ERR_IO, 0, 0, "the flash failed: input/output"},
        {OTTER_OUTCOME_DEFERRED, 0, 200, 0, "1.1.0 may not be fetched now"},
        {OTTER_OUTCOME_EXPIRED, 0, 200, 0, "server's job (1.1.0) has expired: stays"},
        {OTTER_OUTCOME_TOO_OLD, 0, 200, 0, "server's job (1.1.0) needs a newer version to start from: stays"},
        {OTTER_OUTCOME_WAITING, 0, 200, 0, "server offers 1.1.0, to other devices first: waits for its turn"},
        {OTTER_OUTCOME_UNSIGNED, 0, 200, 0, "server's job is not signed by a key that is known here: stays"},
        {OTTER_OUTCOME_REPLAYED, 0, 200, 0, "server's job (1.1.0) is older than one that was taken before: stays"},
    };
    bool seen[OTTER_OUTCOME_COUNT] = {[OTTER_OUTCOME_NONE] = true};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char whole[200];
        say_outcome(cases[i].outcome, cases[i].err, cases[i].status, cases[i].reason);
        snprintf(whole, sizeof whole, "app   %s\r\n", cases[i].line);
        assert_string_equal(fake.uart, whole);
        seen[cases[i].outcome] = true;
    }
    for (int i = 0; i < OTTER_OUTCOME_COUNT; i++) {
        if (!seen[i]) {
            fail_msg("no case for %s", otter_outcome_str((enum otter_outcome)i));
        }
    }
}

static void test_a_retry_says_why_unless_the_outcome_did(void **state)
{
    (void)state;
    struct otter_event retry = {.kind = OTTER_EVENT_RETRY, .outcome = OTTER_OUTCOME_UNREACHABLE,
                                .err = OTTER_ERR_IO, .wait_ms = 4321};
    say_outcome(OTTER_OUTCOME_UNREACHABLE, OTTER_ERR_IO, 0, 0);
    fake_hush();
    story_agent(&retry, "connection refused");
    assert_string_equal(fake.uart, "app   tries again in 4321 ms\r\n");
    fake_hush();
    story_agent(&retry, "connection refused");
    assert_string_equal(fake.uart, "app   unreachable (connection refused): tries again in 4321 ms\r\n");
    fake_hush();
    retry.outcome = OTTER_OUTCOME_SERVER;
    retry.http_status = 404;
    story_agent(&retry, NULL);
    assert_string_equal(fake.uart, "app   server (HTTP 404): tries again in 4321 ms\r\n");
}

static void test_reports(void **state)
{
    (void)state;
    struct otter_event event = {.kind = OTTER_EVENT_REPORTED, .outcome = OTTER_OUTCOME_CONFIRMED,
                                .http_status = 204, .version = offered};
    story_agent(&event, NULL);
    assert_true(fake_said("told the server: 1.1.0 confirmed"));
    event.outcome = OTTER_OUTCOME_REVERTED;
    event.reason = OTTER_REASON_WATCHDOG;
    story_agent(&event, NULL);
    assert_true(fake_said("told the server: 1.1.0 reverted, reason watchdog"));
    fake_hush();
    event.http_status = 404;
    story_agent(&event, NULL);
    assert_string_equal(fake.uart, "app   the server takes no reports (HTTP 404)\r\n");
}

static void test_phases_worth_a_line(void **state)
{
    (void)state;
    struct otter_event event = {.kind = OTTER_EVENT_PHASE, .version = offered};
    for (int phase = OTTER_AGENT_STOPPED; phase <= OTTER_AGENT_REPORT; phase++) {
        event.phase = (enum otter_agent_phase)phase;
        story_agent(&event, NULL);
    }
    assert_string_equal(fake.uart, "app   server offers 1.1.0: fetches it\r\n"
                                   "app   on trial: checks its health, and that it reaches the server\r\n");
}

static void test_a_patch_is_told(void **state)
{
    (void)state;
    struct otter_event event = {.kind = OTTER_EVENT_PHASE, .version = offered, .delta = true, .phase = OTTER_AGENT_DOWNLOAD};
    story_agent(&event, NULL);
    event.kind = OTTER_EVENT_RETRY;
    event.outcome = OTTER_OUTCOME_BAD_IMAGE;
    event.err = OTTER_ERR_CORRUPT;
    story_agent(&event, NULL);
    event.outcome = OTTER_OUTCOME_SERVER;
    event.http_status = 404;
    story_agent(&event, NULL);
    event.wait_ms = 5000;
    story_agent(&event, NULL);
    assert_string_equal(fake.uart, "app   server offers 1.1.0: fetches a patch that makes it\r\n"
                                   "app   the patch is of no use (bad-image, corrupt): fetches the whole image\r\n"
                                   "app   the patch is of no use (server, HTTP 404): fetches the whole image\r\n"
                                   "app   server (HTTP 404): tries again in 5000 ms\r\n");
}

static void test_progress_is_told_in_twentieths(void **state)
{
    (void)state;
    struct otter_event event = {.kind = OTTER_EVENT_PROGRESS, .total = 100000};
    for (; event.done < event.total; event.done += 500) {
        story_agent(&event, NULL);
    }
    story_agent(&event, NULL);
    unsigned lines = fake_count("received ");
    assert_in_range(lines, 19, 22);
    assert_true(fake_said("received 100000 of 100000 bytes"));
    story_agent(&event, NULL);
    assert_int_equal(fake_count("received "), lines);
    event.done = 20; /* another download of the same size */
    story_agent(&event, NULL);
    assert_true(fake_said("received 20 of 100000 bytes"));
    event.kind = OTTER_EVENT_RESUMED;
    event.done = 777;
    story_agent(&event, NULL);
    assert_true(fake_said("the download goes on at byte 777"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_word_has_a_key_for_each_value_and_is_read_back, setup),
        cmocka_unit_test_setup(test_a_line_stays_one_line, setup),
        cmocka_unit_test_setup(test_numbers_and_versions, setup),
        cmocka_unit_test_setup(test_every_outcome_is_a_line_of_its_own, setup),
        cmocka_unit_test_setup(test_a_retry_says_why_unless_the_outcome_did, setup),
        cmocka_unit_test_setup(test_reports, setup),
        cmocka_unit_test_setup(test_phases_worth_a_line, setup),
        cmocka_unit_test_setup(test_a_patch_is_told, setup),
        cmocka_unit_test_setup(test_progress_is_told_in_twentieths, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
