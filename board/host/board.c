/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.c - the host board: one process per power cycle, watched by this one.
 *
 * Two things connect the two: a pipe for the chip's lines (its end also tells that the
 * chip is gone), and a shared page that holds the time of the last feed. The chip asks
 * the kernel to be killed with its parent, and checks that the parent was still there
 * when it asked.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "board/host/board.h"

#define LINE_SIZE 4096u
#define LOOK_MS 200u  /* at most, between two looks: a wait begins anew when this process was stopped in it */
#define STALL_MS 500u /* this process itself was stopped for longer than that: that time is not the chip's */

enum chip_exit { EXIT_RESET = 0, EXIT_POWER_CUT = 10, EXIT_HALT = 11 };

struct host_shared {
    _Atomic uint64_t fed_ms;
};

struct session {
    const struct host_board *board;
    struct host_shared *shared;
    uint64_t end_ms; /* 0: never */
    sigset_t mask;   /* outside of ppoll: stop signals are blocked */
    pid_t pid;
    int events;
    char line[LINE_SIZE];
    size_t line_len;
};

static volatile sig_atomic_t stop_requested;

static void on_stop_signal(int number)
{
    (void)number;
    stop_requested = 1;
}

const char *host_reset_str(enum host_reset reset)
{
    switch (reset) {
    case HOST_RESET_POWER_ON:
        return "power-on";
    case HOST_RESET_SOFTWARE:
        return "software";
    case HOST_RESET_WATCHDOG:
        return "watchdog";
    case HOST_RESET_POWER_CUT:
        return "power-cut";
    case HOST_RESET_FAULT:
        return "fault";
    }
    return "unknown";
}

uint64_t host_clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* ---- the chip's side ---- */

void host_chip_feed(struct host_chip *chip)
{
    atomic_store(&chip->shared->fed_ms, host_clock_ms());
}

void host_chip_say(struct host_chip *chip, const char *line)
{
    char whole[LINE_SIZE];
    size_t len = strnlen(line, sizeof whole - 1);
    memcpy(whole, line, len);
    whole[len] = '\n';
    for (size_t done = 0; done < len + 1;) {
        ssize_t n = write(chip->events, whole + done, len + 1 - done);
        if (n < 0 && errno != EINTR) {
            _exit(EXIT_POWER_CUT); /* the board is gone */
        }
        done += n > 0 ? (size_t)n : 0;
    }
}

_Noreturn void host_chip_reset(struct host_chip *chip)
{
    (void)chip;
    _exit(EXIT_RESET);
}

_Noreturn void host_chip_power_cut(struct host_chip *chip)
{
    (void)chip;
    _exit(EXIT_POWER_CUT);
}

_Noreturn void host_chip_halt(struct host_chip *chip)
{
    (void)chip;
    _exit(EXIT_HALT);
}

_Noreturn void host_chip_hang(struct host_chip *chip)
{
    (void)chip;
    for (volatile unsigned turns = 0;; turns++) {
    }
}

static _Noreturn void chip_main(const struct session *session, int events, pid_t board_pid,
                                enum host_reset cause, uint32_t cycle)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != board_pid) {
        _exit(EXIT_POWER_CUT);
    }
    (void)signal(SIGINT, SIG_IGN); /* the board decides when power goes */
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, &session->mask, NULL);
    struct host_chip chip = {
        .cause = cause, .cycle = cycle, .shared = session->shared, .events = events};
    host_chip_feed(&chip);
    session->board->program(session->board->ctx, &chip);
    _exit(EXIT_RESET);
}

/* ---- the board's side ---- */

static int start_chip(struct session *session, enum host_reset cause, uint32_t cycle)
{
    int ends[2];
    if (pipe(ends) != 0) {
        return -1;
    }
    (void)fflush(NULL); /* or the child would write what is buffered again */
    atomic_store(&session->shared->fed_ms, host_clock_ms());
    pid_t board_pid = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        chip_main(session, ends[1], board_pid, cause, cycle);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return -1;
    }
    session->pid = pid;
    session->events = ends[0];
    session->line_len = 0;
    return 0;
}

static int reap_chip(struct session *session)
{
    int status = 0;
    while (waitpid(session->pid, &status, 0) < 0 && errno == EINTR) {
    }
    (void)close(session->events);
    session->pid = 0;
    return status;
}

/* Hand whole lines over; true: one of them asked to switch off. */
static bool take_lines(struct session *session)
{
    char *newline;
    while ((newline = memchr(session->line, '\n', session->line_len)) != NULL) {
        *newline = 0;
        if (session->board->on_line(session->board->ctx, session->line)) {
            return true;
        }
        size_t used = (size_t)(newline - session->line) + 1;
        session->line_len -= used;
        memmove(session->line, newline + 1, session->line_len);
    }
    return false;
}

enum watched { WATCH_GONE, WATCH_BITE, WATCH_DONE, WATCH_TIMEOUT, WATCH_SIGNAL };

/* How long to wait: until the watchdog bites or the run is over, but not long. */
static uint32_t wait_ms(const struct session *session, uint64_t now)
{
    uint64_t bite = atomic_load(&session->shared->fed_ms) + session->board->watchdog_ms;
    uint64_t until = session->end_ms && session->end_ms < bite ? session->end_ms : bite;
    uint64_t left = until > now ? until - now : 0;
    return left < LOOK_MS ? (uint32_t)left : LOOK_MS;
}

static bool read_some(struct session *session, bool *ret_gone)
{
    ssize_t n = read(session->events, session->line + session->line_len,
                     LINE_SIZE - session->line_len);
    *ret_gone = n == 0 || session->line_len == LINE_SIZE;
    session->line_len += n > 0 ? (size_t)n : 0;
    return take_lines(session);
}

static enum watched watch_chip(struct session *session)
{
    for (;;) {
        uint64_t before = host_clock_ms();
        uint32_t wait = wait_ms(session, before);
        struct timespec time = {.tv_nsec = (long)wait * 1000000};
        struct pollfd fds = {.fd = session->events, .events = POLLIN};
        int ready = ppoll(&fds, 1, &time, &session->mask);
        uint64_t now = host_clock_ms();
        if (stop_requested) {
            return WATCH_SIGNAL;
        }
        if (ready > 0) {
            bool gone;
            if (read_some(session, &gone)) {
                return WATCH_DONE;
            }
            if (gone) {
                return WATCH_GONE;
            }
        }
        if (session->end_ms && now >= session->end_ms) {
            return WATCH_TIMEOUT;
        }
        if (now > before + wait + STALL_MS) {
            (void)atomic_fetch_add(&session->shared->fed_ms, now - before - wait); /* we slept, not the chip */
        }
        if (now >= atomic_load(&session->shared->fed_ms) + session->board->watchdog_ms) {
            return WATCH_BITE;
        }
    }
}

static enum host_reset cause_of(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RESET) {
        return HOST_RESET_SOFTWARE;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_POWER_CUT) {
        return HOST_RESET_POWER_CUT;
    }
    return HOST_RESET_FAULT;
}

/* One power cycle. True: the run is over, *ret_end says why; else *cause is the next reset's. */
static bool run_cycle(struct session *session, uint32_t cycle, enum host_reset *cause,
                      enum host_end *ret_end)
{
    if (start_chip(session, *cause, cycle) != 0) {
        *ret_end = HOST_END_ERROR;
        return true;
    }
    enum watched seen = watch_chip(session);
    if (seen != WATCH_GONE) {
        (void)kill(session->pid, SIGKILL);
    }
    int status = reap_chip(session);
    if (seen == WATCH_DONE || seen == WATCH_TIMEOUT || seen == WATCH_SIGNAL) {
        *ret_end = seen == WATCH_DONE      ? HOST_END_DONE
                   : seen == WATCH_TIMEOUT ? HOST_END_TIMEOUT
                                           : HOST_END_SIGNAL;
        return true;
    }
    if (seen == WATCH_GONE && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_HALT) {
        *ret_end = HOST_END_HALTED;
        return true;
    }
    *cause = seen == WATCH_BITE ? HOST_RESET_WATCHDOG : cause_of(status);
    *ret_end = HOST_END_DONE;
    return session->board->on_reset(session->board->ctx, *cause);
}

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof stop_signals[0] };

static void catch_signals(struct session *session, struct sigaction old[STOP_SIGNALS])
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_stop_signal;
    sigset_t blocked;
    (void)sigemptyset(&blocked);
    for (int i = 0; i < STOP_SIGNALS; i++) {
        (void)sigaddset(&blocked, stop_signals[i]);
        (void)sigaction(stop_signals[i], &action, &old[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &blocked, &session->mask);
}

enum host_end host_board_run(const struct host_board *board)
{
    static const struct session blank;
    struct session session = blank;
    session.board = board;
    session.end_ms = board->run_ms ? host_clock_ms() + board->run_ms : 0;
    session.shared = mmap(NULL, sizeof *session.shared, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (session.shared == MAP_FAILED) {
        return HOST_END_ERROR;
    }
    struct sigaction old[STOP_SIGNALS];
    stop_requested = 0;
    catch_signals(&session, old);
    enum host_reset cause = HOST_RESET_POWER_ON;
    enum host_end end = HOST_END_ERROR;
    for (uint32_t cycle = 1; !run_cycle(&session, cycle, &cause, &end); cycle++) {
    }
    (void)sigprocmask(SIG_SETMASK, &session.mask, NULL);
    for (int i = 0; i < STOP_SIGNALS; i++) {
        (void)sigaction(stop_signals[i], &old[i], NULL);
    }
    (void)munmap(session.shared, sizeof *session.shared);
    return end;
}
