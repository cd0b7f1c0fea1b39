/* SPDX-License-Identifier: Apache-2.0 */
/* test_emulate_line.c - every word of board/words.def, printed and read back; lines in their context. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tool/emulate_line.h"
#include "tool/emulate_uart.h"

static const struct {
    const char *front, *from, *id, *event, *keys, *text;
} words[] = {
#define BOOT_WORD(id, event, keys, text) {"boot  ", "boot", #id, event, keys, text},
#define APP_WORD(id, event, keys, text) {"app   ", "app", #id, event, keys, text},
#include "board/words.def"
#undef BOOT_WORD
#undef APP_WORD
};
enum { WORDS = sizeof words / sizeof words[0] };

/* A value as firmware has them, for the n-th %s of a text. */
static const char *sample(unsigned set, unsigned n)
{
    static const char *const samples[][5] = {
        {"1.0.0", "20480", "742607", "3", "4"},
        {"1.2.3+4", "connection refused", "0x21010345", "not-confirmed", "1.0.0"},
        {"0", "a (b) of c", "5", "6", "7"},
    };
    return samples[set][n];
}

static void print(char *line, size_t size, const char *front, const char *text, unsigned set)
{
    size_t len = (size_t)snprintf(line, size, "%s", front);
    for (unsigned n = 0; *text;) {
        bool hole = strncmp(text, "%s", 2) == 0;
        len += (size_t)(hole ? snprintf(line + len, size - len, "%s", sample(set, n++))
                             : snprintf(line + len, size - len, "%c", *text));
        text += hole ? 2 : 1;
    }
}

static void assert_member(const json_t *event, const char *key, const char *wanted)
{
    const json_t *value = json_object_get(event, key);
    char text[64];
    assert_non_null(value);
    if (json_is_integer(value)) {
        (void)snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        assert_string_equal(text, wanted);
    } else {
        assert_string_equal(json_string_value(value), wanted);
    }
}

static void check_keys(const json_t *event, const char *keys, unsigned set)
{
    char copy[160];
    char *save = NULL;
    unsigned n = 0;
    (void)snprintf(copy, sizeof copy, "%s", keys);
    for (char *key = strtok_r(copy, " ", &save); key; key = strtok_r(NULL, " ", &save)) {
        char *equals = strchr(key, '=');
        if (equals) {
            *equals = 0;
        }
        assert_member(event, key, equals ? equals + 1 : sample(set, n++));
    }
}

static void test_every_word_is_read_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORDS; i++) {
        for (unsigned set = 0; set < 2; set++) {
            char line[512];
            print(line, sizeof line, words[i].front, words[i].text, set);
            json_t *event = emulate_line_event(line);
            assert_non_null(event);
            if (strcmp(json_string_value(json_object_get(event, "event")), words[i].event) != 0) {
                print_error("%s: '%s' is read as something else\n", words[i].id, line);
            }
            assert_member(event, "from", words[i].from);
            assert_member(event, "event", words[i].event);
            assert_member(event, "line", line + strlen(words[i].front));
            check_keys(event, words[i].keys, set);
            json_decref(event);
        }
    }
}

/* Two words that differ only in their values cannot be told apart by a reader. */
static void test_values_with_brackets_and_blanks_stay_whole(void **state)
{
    (void)state;
    json_t *event = emulate_line_event("app   cannot reach the server: TCP: no answer (timed out: 30 s)");
    assert_member(event, "outcome", "unreachable");
    assert_member(event, "cause", "TCP: no answer (timed out: 30 s)");
    json_decref(event);
}

static void test_other_lines_are_kept(void **state)
{
    const struct {
        const char *line, *from, *text;
    } others[] = {
        {"app   hello", "app", "hello"},
        {"boot  moved 5 of 6 byte", "boot", "moved 5 of 6 byte"},
        {"boot  1.0.0 runs; the LED toggles every 1000 ms", "boot", "1.0.0 runs; the LED toggles every 1000 ms"},
        {"noise \xff\x01 here", "board", "noise ?? here"},
        {"power on", "board", "power on"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        json_t *event = emulate_line_event(others[i].line);
        assert_member(event, "event", "uart");
        assert_member(event, "from", others[i].from);
        assert_member(event, "line", others[i].text);
        json_decref(event);
    }
}

static void test_names_are_those_of_events_phases_and_outcomes(void **state)
{
    (void)state;
    assert_true(emulate_line_knows("swap", 4));
    assert_true(emulate_line_knows("download", 8));
    assert_true(emulate_line_knows("confirmed+0.5", 9));
    assert_false(emulate_line_knows("swa", 3));
    assert_false(emulate_line_knows("requested", 9)); /* of the bootloader's "found": no moment of its own */
    json_t *event = emulate_line_event("app   1.0.0 is healthy and reached the server: confirmed");
    assert_true(emulate_line_is(event, "confirmed"));
    assert_true(emulate_line_is(event, "outcome"));
    assert_false(emulate_line_is(event, "swap"));
    json_decref(event);
}

/* ---- in their context ---- */

struct heard {
    char text[1024]; /* "event:detail " of each */
};

static void hear(void *ctx, json_t *event)
{
    struct heard *heard = ctx;
    size_t len = strlen(heard->text);
    const char *name = json_string_value(json_object_get(event, "event"));
    const char *cause = json_string_value(json_object_get(event, "cause"));
    const char *version = json_string_value(json_object_get(event, "version"));
    const char *trial = json_is_true(json_object_get(event, "on_trial")) ? "*" : "";
    (void)snprintf(heard->text + len, sizeof heard->text - len, "%s:%s%s%s ", name, cause ? cause : "",
                   version ? version : "", trial);
    json_decref(event);
}

static void test_a_reset_is_told_with_its_cause(void **state)
{
    struct heard heard = {""};
    struct emulate_uart uart = {.ctx = &heard, .on_event = hear};
    (void)state;
    emulate_uart_power_on(&uart);
    emulate_uart_line(&uart, "boot  otter bootloader, flash map m");
    emulate_uart_line(&uart, "boot  power on");
    emulate_uart_line(&uart, "boot  otter bootloader, flash map m");
    emulate_uart_line(&uart, "boot  reset by the watchdog: the program hung at 0x1");
    emulate_uart_line(&uart, "boot  otter bootloader, flash map m");
    emulate_uart_line(&uart, "");
    emulate_uart_flush(&uart);
    emulate_uart_flush(&uart);
    assert_string_equal(heard.text, "hello: cause:power-on reset:watchdog hello: cause:watchdog reset:unknown hello: ");
    emulate_uart_power_on(&uart);
}

static void test_an_application_is_on_trial_when_the_bootloader_says_so(void **state)
{
    struct heard heard = {""};
    struct emulate_uart uart = {.ctx = &heard, .on_event = hear};
    (void)state;
    emulate_uart_power_on(&uart);
    emulate_uart_line(&uart, "boot  1.1.0+7 is on trial: boot 1 of 3");
    emulate_uart_line(&uart, "boot  1.1.0+7 verifies: signature and digest are right; starts it");
    emulate_uart_line(&uart, "app   1.1.0 runs; the LED toggles every 100 ms");
    emulate_uart_power_on(&uart);
    emulate_uart_line(&uart, "app   1.0.0 runs; the LED toggles every 100 ms");
    assert_string_equal(heard.text, "trial:1.1.0+7 start:1.1.0+7 started:1.1.0+7* started:1.0.0 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_word_is_read_back),
        cmocka_unit_test(test_values_with_brackets_and_blanks_stay_whole),
        cmocka_unit_test(test_other_lines_are_kept),
        cmocka_unit_test(test_names_are_those_of_events_phases_and_outcomes),
        cmocka_unit_test(test_a_reset_is_told_with_its_cause),
        cmocka_unit_test(test_an_application_is_on_trial_when_the_bootloader_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
