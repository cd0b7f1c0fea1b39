/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_run.c - `otter device run`: power on a host board, tell what happens, until an end.
 *
 * This process is the board. It may be killed at any time: the flash file is then as a
 * power cut leaves flash, and the next run goes on from there.
 */
#include <errno.h>
#include <fcntl.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tool/device.h"
#include "tool/device_folder.h"
#include "tool/watch.h"

#define CUTS_DEFAULT 20
#define CUT_BITS_MAX 13u  /* a random cut comes within the next 2^13 operations */
#define CRASHES_MAX 10u   /* in a row */
#define LOCK_WAIT_MS 1000u /* the chip of a killed run may take a moment to end */

struct run_options {
    char *cut_after;
    long long cuts_seed;
    double pace;
    int cuts;
};

struct run {
    struct device_folder folder;
    struct watch watch;
    struct run_options options;
    uint64_t random;
    uint32_t cuts_left, crashes;
    uint64_t ops, time_us; /* of the cycles that are over */
    bool halted;
};

/* ---- events ---- */

static bool on_line(void *ctx, const char *line)
{
    struct run *run = ctx;
    json_t *event = json_loads(line, 0, NULL);
    const char *name = json_string_value(json_object_get(event, "event"));
    if (name && strcmp(name, "toggle") == 0) {
        story_led(&run->watch.story, json_is_true(json_object_get(event, "on")));
        json_decref(event);
        return false;
    }
    return event && watch_tell(&run->watch, event);
}

/* ---- power ---- */

/* Plan the next cycle's cut, if any. */
static void plan_cut(struct run *run)
{
    struct host_cut *cut = &run->folder.device.cut;
    if (run->options.cuts_seed < 0 || run->cuts_left == 0) {
        return;
    }
    uint64_t bits = sim_random(&run->random) % (CUT_BITS_MAX + 1);
    cut->after = 1 + sim_random(&run->random) % (1ull << bits);
    cut->outcome = (enum sim_outcome)(sim_random(&run->random) % SIM_OUTCOMES_USUAL);
}

/* What is left of it after a cycle that ended by itself. */
static void carry_cut(struct run *run, enum host_reset cause, uint64_t ops)
{
    struct host_cut *cut = &run->folder.device.cut;
    if (cause == HOST_RESET_POWER_CUT) {
        cut->after = 0;
        run->cuts_left -= run->cuts_left > 0 ? 1 : 0;
        plan_cut(run);
    } else if (cut->after != 0) {
        cut->after = cut->after > ops ? cut->after - ops : 1;
    }
}

static bool on_reset(void *ctx, enum host_reset cause)
{
    struct run *run = ctx;
    struct host_device *device = &run->folder.device;
    uint64_t ops = device->tally->ops;
    run->ops += ops;
    run->time_us += device->tally->time_us;
    *device->tally = (struct host_tally){0};
    json_t *event = json_pack("{s:s, s:s, s:s, s:I, s:I}", "from", "board", "event", "reset", "cause",
                              host_reset_str(cause), "ops", (json_int_t)ops, "watchdog_ms",
                              (json_int_t)run->folder.watchdog_ms);
    if (cause == HOST_RESET_POWER_CUT) {
        (void)json_object_set_new(event, "operation", json_integer((json_int_t)run->ops));
        (void)json_object_set_new(event, "outcome", json_string(sim_outcome_str(device->cut.outcome)));
    }
    carry_cut(run, cause, ops);
    run->crashes = cause == HOST_RESET_FAULT ? run->crashes + 1 : 0;
    return watch_tell(&run->watch, event) || run->crashes == CRASHES_MAX;
}

static int lock_folder(const struct run *run)
{
    int fd = open(run->folder.flash_path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        (void)tool_refuse("cannot open '%s': %s", run->folder.flash_path, strerror(errno));
        return -1;
    }
    uint64_t end_ms = host_clock_ms() + LOCK_WAIT_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (host_clock_ms() >= end_ms) {
            (void)close(fd);
            (void)tool_refuse("'%s' is running already: end that run first", run->folder.path);
            return -1;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return fd;
}

static int exit_of(struct run *run, enum host_end end)
{
    if (run->crashes == CRASHES_MAX) {
        return tool_refuse("the program on the chip crashed %u times in a row", CRASHES_MAX);
    }
    switch (end) {
    case HOST_END_DONE:
        return TOOL_OK;
    case HOST_END_TIMEOUT:
        return watch_timed_out(&run->watch);
    case HOST_END_SIGNAL:
        return watch_stopped(&run->watch);
    case HOST_END_HALTED:
        return tool_refuse("the device stopped: there is nothing that it can run");
    case HOST_END_ERROR:
        return tool_refuse("cannot start a process: %s", strerror(errno));
    }
    return TOOL_REFUSED;
}

static void program(void *ctx, struct host_chip *chip)
{
    struct run *run = ctx;
    host_device_program(&run->folder.device, chip);
}

static void tell_end(struct run *run, enum host_end end)
{
    static const char *const whys[] = {
        [HOST_END_DONE] = "done",     [HOST_END_TIMEOUT] = "time is over", [HOST_END_HALTED] = "nothing to run",
        [HOST_END_SIGNAL] = "signal", [HOST_END_ERROR] = "error",
    };
    const struct host_tally *tally = run->folder.device.tally;
    (void)watch_tell(&run->watch, json_pack("{s:s, s:s, s:s, s:I, s:I}", "from", "board", "event", "off", "why", whys[end], "ops",
                              (json_int_t)(run->ops + tally->ops), "flash_ms",
                              (json_int_t)((run->time_us + tally->time_us) / 1000)));
    story_end(&run->watch.story);
}

static int power(struct run *run)
{
    struct host_device *device = &run->folder.device;
    device->tally = mmap(NULL, sizeof *device->tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (device->tally == MAP_FAILED) {
        return tool_refuse("out of memory");
    }
    struct host_board board = {
        .ctx = run,
        .program = program,
        .on_line = on_line,
        .on_reset = on_reset,
        .watchdog_ms = run->folder.watchdog_ms,
        .run_ms = (uint32_t)(run->watch.timeout_s * 1000.0),
    };
    (void)watch_tell(&run->watch, json_pack("{s:s, s:s}", "from", "board", "event", "power-on"));
    enum host_end end = host_board_run(&board);
    int error = errno;
    tell_end(run, end);
    errno = error;
    return exit_of(run, end);
}

/* ---- options ---- */

/* "N" or "N,OUTCOME"; OUTCOME is torn, done, none, or one of the simulator's. */
static int parse_cut(const char *text, struct host_cut *ret_cut)
{
    char *end;
    struct host_cut cut = {.outcome = SIM_RANDOM};
    errno = 0;
    cut.after = strtoull(text, &end, 10);
    bool good = *text >= '0' && *text <= '9' && errno == 0 && cut.after > 0 && (*end == 0 || *end == ',');
    if (good && *end == ',' && strcmp(end + 1, "none") == 0) {
        cut.outcome = SIM_NOT_DONE;
    } else if (good && *end == ',' && strcmp(end + 1, "torn") != 0) {
        good = sim_outcome_parse(end + 1, &cut.outcome);
    }
    if (!good) {
        return tool_usage("--cut-after '%s' is not N[,torn|done|none], N from 1", text);
    }
    *ret_cut = cut;
    return 0;
}

static int apply_options(struct run *run, const char **args)
{
    struct run_options *options = &run->options;
    if (!args[0] || args[1]) {
        return tool_usage("one device folder is needed; `otter device run --help` lists the options");
    }
    if (options->pace < 0 || options->pace > 10) {
        return tool_usage("--pace %g is not a number from 0 to 10", options->pace);
    }
    if (options->cut_after && options->cuts_seed >= 0) {
        return tool_usage("--cut-after and --cuts-seed exclude each other");
    }
    return watch_check(&run->watch);
}

static int run_device(struct run *run, const char **args)
{
    int rc = apply_options(run, args);
    rc = rc ? rc : device_folder_open(&run->folder, args[0]);
    if (rc == 0 && run->options.cut_after) {
        rc = parse_cut(run->options.cut_after, &run->folder.device.cut);
    }
    rc = rc ? rc : watch_begin(&run->watch, run->folder.map.mode == OTTER_MODE_OVERWRITE);
    if (rc != 0) {
        return rc;
    }
    int lock = lock_folder(run);
    if (lock < 0) {
        return TOOL_REFUSED;
    }
    rc = device_flash_view(&run->folder);
    if (rc != 0) {
        (void)close(lock);
        return rc;
    }
    sim_board_close(&run->folder.device.flash);
    run->random = run->options.cuts_seed >= 0 ? (uint64_t)run->options.cuts_seed : 1;
    run->folder.device.seed = run->random;
    run->cuts_left = run->options.cuts_seed >= 0 ? (uint32_t)run->options.cuts : 0;
    plan_cut(run);
    run->folder.device.pace = run->options.pace;
    run->folder.device.tell_led =
        run->watch.story.terminal && !run->watch.json && run->watch.story.level[STORY_APP] >= STORY_NORMAL;
    rc = power(run);
    (void)close(lock);
    return rc;
}

static void free_run(struct run *run)
{
    free(run->options.cut_after);
    watch_end(&run->watch);
    device_folder_close(&run->folder);
}

int device_run(int argc, const char **argv)
{
    static struct run run;
    run.options = (struct run_options){.cuts_seed = -1, .cuts = CUTS_DEFAULT};
    struct poptOption watch[WATCH_OPTIONS];
    watch_table(&run.watch, watch);
    struct poptOption table[] = {
        {"cut-after", 0, POPT_ARG_STRING, &run.options.cut_after, 0,
         "lose power at the N-th flash operation, leaving it torn, done or none of it [torn]", "N[,HOW]"},
        {"cuts-seed", 0, POPT_ARG_LONGLONG, &run.options.cuts_seed, 0, "lose power at random moments", "S"},
        {"cuts", 0, POPT_ARG_INT, &run.options.cuts, 0, "how often, with --cuts-seed [20]", "N"},
        {"pace", 0, POPT_ARG_DOUBLE, &run.options.pace, 0,
         "let flash take time: 1 as long as on a real part, 0.1 a tenth of that [0]", "F"},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, watch, 0, "What is told, and when to end:", NULL},
        {"help", 0, POPT_ARG_NONE, NULL, 0, "show this", NULL},
        POPT_TABLEEND,
    };
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("device run", argc, argv, table, "[option...] DIR", &context, &args, &rc) == 0) {
        rc = run_device(&run, args);
        poptFreeContext(context);
    }
    free_run(&run);
    return rc;
}
