/* SPDX-License-Identifier: Apache-2.0 */
/* test_device_board.c - power, reset line and watchdog of the host board. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "board/host/board.h"

#define WATCHDOG_MS 300u

struct log {
    char text[512];
    uint32_t resets, resets_max;
    void (*program)(struct host_chip *chip);
};

static void add(struct log *log, const char *text)
{
    strncat(log->text, text, sizeof log->text - strlen(log->text) - 1);
    strncat(log->text, " ", sizeof log->text - strlen(log->text) - 1);
}

static void program(void *ctx, struct host_chip *chip)
{
    const struct log *log = ctx;
    host_chip_say(chip, host_reset_str(chip->cause));
    log->program(chip);
}

static bool on_line(void *ctx, const char *line)
{
    add(ctx, line);
    return strcmp(line, "off") == 0;
}

static bool on_reset(void *ctx, enum host_reset cause)
{
    struct log *log = ctx;
    add(log, cause == HOST_RESET_FAULT ? "(fault)" : "(reset)");
    return ++log->resets == log->resets_max;
}

static enum host_end run(struct log *log, void (*code)(struct host_chip *chip), uint32_t run_ms)
{
    struct host_board board = {.ctx = log,
                               .program = program,
                               .on_line = on_line,
                               .on_reset = on_reset,
                               .watchdog_ms = WATCHDOG_MS,
                               .run_ms = run_ms};
    log->program = code;
    return host_board_run(&board);
}

static void nap(long ms)
{
    (void)nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void resets_twice(struct host_chip *chip)
{
    if (chip->cycle == 3) {
        host_chip_say(chip, "off");
        nap(10000);
    }
    host_chip_reset(chip);
}

static void test_a_reset_starts_a_new_cycle_that_knows_its_cause(void **state)
{
    struct log log = {.resets_max = 9};
    (void)state;
    assert_int_equal(run(&log, resets_twice, 5000), HOST_END_DONE);
    assert_string_equal(log.text, "power-on (reset) software (reset) software off ");
}

static void hangs(struct host_chip *chip)
{
    if (chip->cause == HOST_RESET_WATCHDOG) {
        host_chip_halt(chip);
    }
    host_chip_hang(chip);
}

static void test_a_hang_is_ended_by_the_watchdog(void **state)
{
    struct log log = {.resets_max = 9};
    (void)state;
    uint64_t begin = host_clock_ms();
    assert_int_equal(run(&log, hangs, 10000), HOST_END_HALTED);
    uint64_t took = host_clock_ms() - begin;
    assert_string_equal(log.text, "power-on (reset) watchdog ");
    assert_true(took >= WATCHDOG_MS && took < 5000);
}

static void feeds(struct host_chip *chip)
{
    for (int i = 0; i < 20; i++) {
        nap(WATCHDOG_MS / 6);
        host_chip_feed(chip);
    }
    host_chip_halt(chip);
}

static void test_a_fed_watchdog_does_not_bite(void **state)
{
    struct log log = {.resets_max = 9};
    (void)state;
    assert_int_equal(run(&log, feeds, 10000), HOST_END_HALTED);
    assert_string_equal(log.text, "power-on ");
}

static void crashes(struct host_chip *chip)
{
    (void)chip;
    _exit(42);
}

static void cuts(struct host_chip *chip)
{
    host_chip_power_cut(chip);
}

static void test_crashes_and_power_cuts_are_told_apart(void **state)
{
    struct log log = {.resets_max = 2};
    (void)state;
    assert_int_equal(run(&log, crashes, 5000), HOST_END_DONE);
    assert_string_equal(log.text, "power-on (fault) fault (fault) ");
    log = (struct log){.resets_max = 2};
    assert_int_equal(run(&log, cuts, 5000), HOST_END_DONE);
    assert_string_equal(log.text, "power-on (reset) power-cut (reset) ");
}

static void waits(struct host_chip *chip)
{
    for (;;) {
        nap(20);
        host_chip_feed(chip);
    }
}

static void test_the_run_ends_when_its_time_is_over(void **state)
{
    struct log log = {.resets_max = 9};
    (void)state;
    assert_int_equal(run(&log, waits, 200), HOST_END_TIMEOUT);
}

static void says_its_pid(struct host_chip *chip)
{
    char pid[16];
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    host_chip_say(chip, pid);
    waits(chip);
}

static bool pass_on(void *ctx, const char *line)
{
    dprintf(*(int *)ctx, "%s\n", line);
    return false;
}

static void only_says_its_pid(void *ctx, struct host_chip *chip)
{
    (void)ctx;
    says_its_pid(chip);
}

static bool gone(pid_t pid)
{
    for (int i = 0; i < 200; i++) {
        char path[64];
        char status = 'Z';
        (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
        FILE *file = fopen(path, "r");
        if (file) {
            (void)!fscanf(file, "%*d (%*[^)]) %c", &status);
            (void)fclose(file);
        }
        if (status == 'Z') {
            return true;
        }
        nap(10);
    }
    return false;
}

static void test_the_chip_dies_with_a_board_that_is_killed(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t board_pid = fork();
    assert_true(board_pid >= 0);
    if (board_pid == 0) {
        struct host_board board = {.ctx = &ends[1],
                                   .program = only_says_its_pid,
                                   .on_line = pass_on,
                                   .on_reset = on_reset,
                                   .watchdog_ms = 60000};
        (void)host_board_run(&board);
        _exit(1);
    }
    char text[16] = "";
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    pid_t chip_pid = (pid_t)strtol(text, NULL, 10);
    assert_true(chip_pid > 1 && chip_pid != board_pid);
    assert_int_equal(kill(board_pid, SIGKILL), 0);
    assert_int_equal(waitpid(board_pid, NULL, 0), board_pid);
    bool ended = gone(chip_pid);
    (void)kill(chip_pid, SIGKILL); /* were it an orphan, it would stay */
    assert_true(ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reset_starts_a_new_cycle_that_knows_its_cause),
        cmocka_unit_test(test_a_hang_is_ended_by_the_watchdog),
        cmocka_unit_test(test_a_fed_watchdog_does_not_bite),
        cmocka_unit_test(test_crashes_and_power_cuts_are_told_apart),
        cmocka_unit_test(test_the_run_ends_when_its_time_is_over),
        cmocka_unit_test(test_the_chip_dies_with_a_board_that_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
