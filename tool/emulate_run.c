/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_run.c - power on, watch, cut the power, power on again, until something ends it.
 *
 * One loop waits for four things: the board's UART, QEMU's stderr (complaints, and each change
 * of an LED), QEMU's monitor, and signals. Stop signals are blocked and read from a file, so
 * they are seen between two events, never inside one.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "board/host/board.h"
#include "tool/emulate_line.h"
#include "tool/emulate_qemu.h"
#include "tool/emulate_said.h"
#include "tool/emulate_uart.h"
#include "tool/emulate_view.h"
#include "tool/lines.h"

#define SIGNAL_WAIT_MS 100 /* QEMU gets Ctrl-C as well, and may be gone before we know of it */
#define TICK_MS 200        /* of the time on a terminal */
#define ABORTED_EXIT 134   /* of a shell around QEMU: 128 + SIGABRT */

enum end { RUNS, CUT, MET, TIME_OVER, STOPPED, HALTED, MISUSED, LOCKED_UP, ENDED, NOT_STARTED };

static const char *const end_words[] = {
    [MET] = "done",         [TIME_OVER] = "time is over", [STOPPED] = "signal", [HALTED] = "nothing to run",
    [MISUSED] = "flash misused", [LOCKED_UP] = "locked up", [ENDED] = "QEMU ended", [NOT_STARTED] = "QEMU did not start",
};

struct run {
    struct emulate *emulate;
    struct emulate_qemu qemu;
    struct emulate_uart uart;
    struct emulate_said said;
    struct emulate_view view;
    struct lines uart_lines, error_lines, monitor_lines;
    FILE *log; /* of raw UART bytes; NULL: none */
    int signals;
    uint64_t end_ms; /* 0: never */
    enum end end;
    char misuse[80];
};

/* ---- events ---- */

static void draw(const struct run *run)
{
    emulate_view_draw(&run->view, host_clock_ms() - run->emulate->watch.started_ms);
}

static void tell(struct run *run, json_t *event)
{
    if (!event) {
        return;
    }
    emulate_view_event(&run->view, event);
    if (watch_tell(&run->emulate->watch, event) && run->end == RUNS) {
        run->end = MET;
    }
    draw(run);
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));
    return value ? value : "";
}

/* What the board said. Some of it is the end. */
static void on_event(void *ctx, json_t *event)
{
    struct run *run = ctx;
    emulate_cuts_watch(&run->emulate->cuts, event, host_clock_ms());
    const char *name = text_of(event, "event");
    enum end end = RUNS;
    if (strcmp(name, "flash-misuse") == 0) {
        (void)snprintf(run->misuse, sizeof run->misuse, "%s at %s", text_of(event, "what"), text_of(event, "addr"));
        end = MISUSED;
    } else if (strcmp(name, "nothing") == 0 || strcmp(name, "no-boot") == 0 || strcmp(name, "other-map") == 0) {
        end = HALTED;
    }
    tell(run, event);
    run->end = run->end == RUNS ? end : run->end;
}

static void on_uart_line(void *ctx, const char *line)
{
    struct run *run = ctx;
    if (run->log) {
        fprintf(run->log, "%s\n", line);
        (void)fflush(run->log);
    }
    if (!run->uart.on) {
        run->said.toggles = 0; /* QEMU itself blinks once at its start */
    }
    emulate_uart_line(&run->uart, line);
}

static void on_error_line(void *ctx, const char *line)
{
    struct run *run = ctx;
    bool was_on = run->said.led_on;
    emulate_said_line(&run->said, line);
    if (run->said.led_on != was_on && run->uart.on) {
        emulate_view_led(&run->view, run->said.led_on, host_clock_ms());
        draw(run);
    }
}

static void on_monitor_line(void *ctx, const char *line)
{
    struct run *run = ctx;
    json_t *said = json_loads(line, 0, NULL);
    run->uart.bitten = run->uart.bitten || strcmp(text_of(said, "event"), "WATCHDOG") == 0;
    json_decref(said);
}

/* ---- one time with power ---- */

/* All that is there now: the watchdog's bite before the lines after the reset, the LED after
 * the line of the program that switches it. False: the UART's other end is gone. */
static bool read_all(struct run *run, short uart, short errors, short monitor)
{
    if (monitor && !lines_read(&run->monitor_lines, run->qemu.monitor, on_monitor_line, run)) {
        (void)close(run->qemu.monitor);
        run->qemu.monitor = -1;
    }
    bool there = !uart || lines_read(&run->uart_lines, run->qemu.uart, on_uart_line, run);
    if (errors && !lines_read(&run->error_lines, run->qemu.errors, on_error_line, run)) {
        (void)close(run->qemu.errors);
        run->qemu.errors = -1;
    }
    return there;
}

/* What QEMU wrote before it was gone. Pipes of a dead process end; should somebody else hold
 * one open, then what is in it now is all. */
static void read_rest(struct run *run)
{
    for (bool more = true; more && run->qemu.uart >= 0;) {
        struct pollfd fds[] = {{.fd = run->qemu.uart, .events = POLLIN}, {.fd = run->qemu.errors, .events = POLLIN}};
        more = poll(fds, 2, 0) > 0 && read_all(run, fds[0].revents, fds[1].revents, 0);
    }
    while (run->qemu.errors >= 0) {
        struct pollfd fd = {.fd = run->qemu.errors, .events = POLLIN};
        if (poll(&fd, 1, 0) <= 0) {
            break;
        }
        (void)read_all(run, 0, fd.revents, 0);
    }
    emulate_uart_flush(&run->uart);
}

static bool signalled(const struct run *run, int wait_ms)
{
    struct pollfd fd = {.fd = run->signals, .events = POLLIN};
    return poll(&fd, 1, wait_ms) > 0;
}

static int wait_ms(const struct run *run, uint64_t now)
{
    uint64_t cut = emulate_cuts_due(&run->emulate->cuts);
    uint64_t until = run->end_ms && (cut == 0 || run->end_ms < cut) ? run->end_ms : cut;
    uint64_t tick = emulate_view_draws(&run->view) ? now + TICK_MS : 0;
    until = tick && (until == 0 || tick < until) ? tick : until;
    if (until == 0) {
        return -1;
    }
    return until > now ? (int)(until - now) : 0;
}

static enum end moment_of(const struct run *run, uint64_t now)
{
    uint64_t cut = emulate_cuts_due(&run->emulate->cuts);
    if (run->end != RUNS) {
        return run->end;
    }
    if (run->end_ms && now >= run->end_ms) {
        return TIME_OVER;
    }
    return cut && now >= cut ? CUT : RUNS;
}

static enum end end_of_qemu(struct run *run)
{
    if (signalled(run, SIGNAL_WAIT_MS)) {
        return STOPPED;
    }
    emulate_qemu_off(&run->qemu);
    int status = run->qemu.status;
    bool aborted = (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) ||
                   (WIFEXITED(status) && WEXITSTATUS(status) == ABORTED_EXIT);
    return aborted ? LOCKED_UP : ENDED;
}

static enum end take(struct run *run, const struct pollfd fds[4])
{
    if (fds[3].revents) {
        return STOPPED;
    }
    if (!read_all(run, fds[0].revents, fds[1].revents, fds[2].revents)) {
        return run->end != RUNS ? run->end : end_of_qemu(run);
    }
    return moment_of(run, host_clock_ms());
}

static enum end watch_board(struct run *run)
{
    enum end end = RUNS;
    while (end == RUNS) {
        struct pollfd fds[4] = {{.fd = run->qemu.uart, .events = POLLIN},
                                {.fd = run->qemu.errors, .events = POLLIN},
                                {.fd = run->qemu.monitor, .events = POLLIN},
                                {.fd = run->signals, .events = POLLIN}};
        int ready = poll(fds, 4, wait_ms(run, host_clock_ms()));
        if (ready < 0 && errno != EINTR) {
            return ENDED;
        }
        if (ready == 0) {
            draw(run);
        }
        if (ready >= 0) {
            end = take(run, fds);
        }
    }
    return end;
}

static enum end one_cycle(struct run *run)
{
    struct emulate *emulate = run->emulate;
    run->uart_lines.len = run->error_lines.len = run->monitor_lines.len = 0;
    emulate_uart_power_on(&run->uart);
    emulate_said_power_on(&run->said);
    tell(run, json_pack("{s:s, s:s, s:s, s:s, s:s}", "from", "board", "event", "power-on", "board", emulate->board->name,
                        "cpu", emulate->board->cpu, "map", emulate->map.name));
    if (emulate_qemu_on(&run->qemu, emulate) != 0) {
        return NOT_STARTED;
    }
    emulate_cuts_on(&emulate->cuts, host_clock_ms());
    enum end end = watch_board(run);
    emulate_qemu_off(&run->qemu);
    read_rest(run);
    emulate_qemu_close(&run->qemu);
    if (run->said.toggles > 0) {
        tell(run, json_pack("{s:s, s:s, s:I}", "from", "board", "event", "led", "toggles", (json_int_t)run->said.toggles));
    }
    return end == CUT && run->end != RUNS ? run->end : end;
}

/* ---- the whole run ---- */

static void tell_cut(struct run *run)
{
    struct emulate_cuts *cuts = &run->emulate->cuts;
    uint64_t on_ms = host_clock_ms() - cuts->on_ms;
    struct emulate_cut cut = emulate_cuts_made(cuts);
    tell(run, json_pack("{s:s, s:s, s:s, s:i, s:I, s:i, s:i}", "from", "board", "event", "power-cut", "after",
                        cut.event[0] ? cut.event : "power-on", "ms", (int)cut.ms, "on_ms", (json_int_t)on_ms, "cut",
                        (int)cuts->done, "cuts", (int)cuts->total));
}

static void tell_plan(struct run *run)
{
    const struct emulate *emulate = run->emulate;
    const char *origin = tool_key_known_origin(&emulate->key);
    if (origin) {
        tell(run, json_pack("{s:s, s:s, s:s}", "from", "board", "event", "test-key", "origin", origin));
    }
    if (emulate->cuts.random) {
        tell(run, json_pack("{s:s, s:s, s:i, s:I}", "from", "board", "event", "cuts", "count", (int)emulate->cuts.total,
                            "seed", (json_int_t)emulate->options.cuts_seed));
    }
    if (emulate->options.gdb_port > 0) {
        tell(run, json_pack("{s:s, s:s, s:i}", "from", "board", "event", "gdb", "port", emulate->options.gdb_port));
    }
}

static int exit_of(const struct run *run, enum end end)
{
    switch (end) {
    case MET:
        return TOOL_OK;
    case TIME_OVER:
        return watch_timed_out(&run->emulate->watch);
    case STOPPED:
        return watch_stopped(&run->emulate->watch);
    case HALTED:
        return tool_refuse("the device stopped: there is nothing that it can run");
    case MISUSED:
        return tool_refuse("the firmware misused the flash: %s", run->misuse);
    case LOCKED_UP:
        return tool_refuse("bricked: the processor locked up%s%s", run->said.pc[0] ? " at 0x" : "", run->said.pc);
    case ENDED:
        return tool_refuse(EMULATE_QEMU " ended by itself%s%s", run->said.complaint[0] ? ": " : "", run->said.complaint);
    case RUNS:
    case CUT:
    case NOT_STARTED:
        break;
    }
    return TOOL_REFUSED;
}

static int open_log(struct run *run)
{
    const char *path = run->emulate->options.uart;
    run->log = path ? fopen(path, "ae") : NULL;
    return !path || run->log ? 0 : tool_refuse("cannot write '%s': %s", path, strerror(errno));
}

static int power(struct run *run)
{
    struct emulate *emulate = run->emulate;
    enum end end;
    emulate_view_begin(&run->view, &emulate->watch.story,
                       !emulate->watch.json && emulate->watch.story.level[STORY_BOARD] >= STORY_NORMAL);
    tell_plan(run);
    while ((end = one_cycle(run)) == CUT) {
        tell_cut(run);
    }
    tell(run, json_pack("{s:s, s:s, s:s}", "from", "board", "event", "off", "why", end_words[end]));
    story_end(&emulate->watch.story);
    return exit_of(run, end);
}

int emulate_run(struct emulate *emulate)
{
    static struct run run;
    sigset_t stops;
    run = (struct run){.emulate = emulate, .qemu = {.uart = -1, .errors = -1, .monitor = -1}};
    run.uart.ctx = &run;
    run.uart.on_event = on_event;
    int rc = watch_begin(&emulate->watch, emulate->map.mode == OTTER_MODE_OVERWRITE);
    rc = rc ? rc : open_log(&run);
    if (rc != 0) {
        return rc;
    }
    (void)sigemptyset(&stops);
    (void)sigaddset(&stops, SIGINT);
    (void)sigaddset(&stops, SIGTERM);
    (void)sigaddset(&stops, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &stops, NULL);
    run.signals = signalfd(-1, &stops, SFD_CLOEXEC);
    run.end_ms = emulate->watch.timeout_s > 0 ? emulate->watch.started_ms + (uint64_t)(emulate->watch.timeout_s * 1000.0) : 0;
    rc = run.signals < 0 ? tool_refuse("cannot wait for signals: %s", strerror(errno)) : power(&run);
    (void)close(run.signals);
    if (run.log) {
        (void)fclose(run.log);
    }
    return rc;
}
