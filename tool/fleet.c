/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.c - `otter fleet`: make thousands of devices, run them against a server, count.
 *
 * Decisions (who starts when, fails, loses power or its connection) follow from --seed. What
 * happens when is up to the real network and the real server.
 */
#include <errno.h>
#include <fcntl.h>
#include <popt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/host/board.h"
#include "board/host/script.h"
#include "tool/fleet_build.h"
#include "tool/fleet_loop.h"
#include "tool/fleet_show.h"
#include "tool/fleet_until.h"

enum { FILES_BESIDE = 64, LAST_REPORTS_MS = 5000, JSON_MS = 1000, LIVE_MS = 200 };
enum { SLOT_KIB_MAX = 16 * 1024, SLOT_KIB_STEP = 4, KIB = 1024, OVERHEAD = 2048 };

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

struct watch {
    struct fleet *fleet;
    struct fleet_until until;
    bool live, met;
    uint64_t next_ms, ending_ms; /* ending_ms: since when it waits for the last reports; 0: it does not */
};

/* ---- the run ---- */

static bool is_all_reported(const struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->devices_count; i++) {
        if (fleet->devices[i].owes_report && !fleet->options->device.no_report) {
            return false;
        }
    }
    return true;
}

static void tell(struct watch *watch, uint64_t at_ms)
{
    bool as_json = watch->fleet->options->as_json != 0;
    if (at_ms < watch->next_ms || !(as_json || watch->live)) {
        return;
    }
    watch->next_ms = at_ms + (as_json ? JSON_MS : LIVE_MS);
    if (as_json) {
        fleet_show_json(watch->fleet, at_ms, false);
    } else {
        fleet_show_live(watch->fleet, at_ms);
    }
}

static bool tick(void *ctx, uint64_t at_ms)
{
    struct watch *watch = ctx;
    const struct fleet *fleet = watch->fleet;
    double duration_s = fleet->options->duration_s;
    fleet_tally_sample(&watch->fleet->tally, at_ms);
    tell(watch, at_ms);
    if (!watch->met && fleet_until_met(&watch->until, fleet, at_ms)) {
        watch->met = true;
        watch->ending_ms = at_ms;
    }
    if (watch->met && (is_all_reported(fleet) || at_ms >= watch->ending_ms + LAST_REPORTS_MS)) {
        return true;
    }
    return stopped || (duration_s > 0 && (double)at_ms >= duration_s * 1000);
}

/* A socket per device: take what the system lets us have. */
static int raise_limits(const struct fleet *fleet)
{
    struct rlimit files;
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) {
        return 0;
    }
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_max < fleet->devices_count + FILES_BESIDE) {
        return tool_refuse("%u devices need a socket each, but this process may open %llu files: raise `ulimit -n`",
                           fleet->devices_count, (unsigned long long)files.rlim_max);
    }
    return 0;
}

typedef void draw_fn(FILE *out, const struct fleet *fleet);

static bool add_file(const struct fleet *fleet, const char *path, draw_fn *draw, struct tool_file *ret_file)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = path ? open_memstream(&text, &len) : NULL;
    if (!out) {
        return false;
    }
    draw(out, fleet);
    (void)fclose(out);
    *ret_file = (struct tool_file){path, text, len, 0644};
    return text != NULL;
}

/* Both or none. */
static int write_files(const struct fleet *fleet)
{
    struct tool_file files[2];
    size_t count = 0;
    count += add_file(fleet, fleet->options->plot, fleet_plot, &files[count]) ? 1 : 0;
    count += add_file(fleet, fleet->options->list, fleet_show_list, &files[count]) ? 1 : 0;
    int rc = count > 0 ? tool_write_files(files, count) : 0;
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)files[i].data);
    }
    return rc;
}

static int finish(struct watch *watch)
{
    struct fleet *fleet = watch->fleet;
    const struct fleet_options *options = fleet->options;
    uint64_t at_ms = host_clock_ms() - fleet->started_ms;
    for (uint32_t i = 0; i < fleet->devices_count; i++) {
        fleet_device_off(&fleet->devices[i]);
    }
    fleet_tally_end(&fleet->tally, at_ms);
    if (watch->live) {
        fleet_show_live_end();
    }
    if (options->as_json) {
        fleet_show_json(fleet, at_ms, true);
    } else {
        fleet_show_table(fleet);
    }
    int rc = write_files(fleet);
    if (rc == 0 && fleet->tally.dead + fleet->tally.violations > 0) {
        rc = tool_refuse("%llu devices do not start any more, the rules of flash were broken %llu times",
                         (unsigned long long)fleet->tally.dead, (unsigned long long)fleet->tally.violations);
    }
    if (rc == 0 && watch->until.kind != FLEET_UNTIL_STOPPED && !watch->met) {
        rc = stopped ? TOOL_REFUSED : tool_refuse("--until %s was not met within %.1f s", options->until, options->duration_s);
    }
    return rc;
}

/* Better now than at the end of a long run. */
static int can_write(const char *path)
{
    struct stat st;
    char *aside = NULL;
    if (!path) {
        return 0;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        return tool_refuse("cannot write '%s': it is not a file", path);
    }
    if (path[0] == 0 || asprintf(&aside, "%s.XXXXXX", path) < 0) {
        return tool_refuse("cannot write '%s': no name", path);
    }
    int fd = mkostemp(aside, O_CLOEXEC);
    int rc = fd < 0 ? tool_refuse("cannot write '%s': %s", path, strerror(errno)) : 0;
    if (fd >= 0) {
        (void)close(fd);
        (void)unlink(aside);
    }
    free(aside);
    return rc;
}

static int run(struct fleet *fleet)
{
    const struct fleet_options *options = fleet->options;
    struct watch watch = {.fleet = fleet, .live = !options->as_json && isatty(STDOUT_FILENO)};
    struct fleet_watcher watcher = {&watch, tick};
    struct sigaction action = {.sa_handler = on_signal};
    (void)fleet_until_parse(options->until, &watch.until); /* checked */
    int rc = can_write(options->plot);
    rc = rc ? rc : can_write(options->list);
    rc = rc ? rc : fleet_build(fleet);
    rc = rc ? rc : raise_limits(fleet);
    if (rc != 0) {
        return rc;
    }
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    fleet->started_ms = host_clock_ms();
    rc = fleet_loop(fleet, &watcher);
    return rc ? rc : finish(&watch);
}

/* ---- options ---- */

static int percent(const char *option, const char *text, double *ret_part)
{
    *ret_part = 0;
    return !text || fleet_percent(text, ret_part) ? 0 : tool_usage("--%s '%s' is not a percentage", option, text);
}

static int check_sizes(const struct fleet_options *options)
{
    if (options->slot_kib < SLOT_KIB_STEP || options->slot_kib > SLOT_KIB_MAX || options->slot_kib % SLOT_KIB_STEP != 0) {
        return tool_usage("--slot %d is not %d to %d KiB in steps of %d", options->slot_kib, SLOT_KIB_STEP, SLOT_KIB_MAX,
                          SLOT_KIB_STEP);
    }
    if (options->size < (int)HOST_SCRIPT_SIZE || options->size > options->slot_kib * KIB - OVERHEAD) {
        return tool_usage("--size %d is not %u bytes to what fits the slot, %d", options->size, HOST_SCRIPT_SIZE,
                          options->slot_kib * KIB - OVERHEAD);
    }
    return 0;
}

/* Where nothing was said: as often as the polls make sensible. */
static void choose_times(struct provision *device)
{
    if (device->poll_s > 0 && device->poll_s < 2000000) {
        device->poll_ms = (int)(device->poll_s * 1000);
    }
    if (device->retry_ms == 0) {
        device->retry_ms = device->poll_ms / 4 < 100 ? 100 : device->poll_ms / 4 > 5000 ? 5000 : device->poll_ms / 4;
    }
    if (device->retry_max_ms == 0) {
        device->retry_max_ms = device->poll_ms * 4LL < 3600000 ? device->poll_ms * 4 : 3600000;
        device->retry_max_ms = device->retry_max_ms < device->retry_ms ? device->retry_ms : device->retry_max_ms;
    }
}

static int check(struct fleet_options *options, struct fleet *fleet, const char **args)
{
    struct fleet_until until;
    if (args[0]) {
        return tool_usage("'%s' is not an option; `otter fleet --help` lists them", args[0]);
    }
    if (!options->device.server) {
        return tool_usage("--server is needed: https://HOST:PORT or http://HOST:PORT");
    }
    if ((options->devices < 1 && !options->tokens) || options->devices > FLEET_DEVICES_MAX) {
        return tool_usage("--devices %d is not 1 to %d", options->devices, FLEET_DEVICES_MAX);
    }
    if (options->image && options->versions) {
        return tool_usage("--image and --version: one of them");
    }
    if (options->duration_s < 0 || options->spread_s < 0) {
        return tool_usage("--duration and --start-spread are not negative");
    }
    fleet->seed = (uint64_t)options->seed;
    int rc = percent("fail", options->fail, &fleet->fail);
    rc = rc ? rc : percent("drop", options->drop, &fleet->drop);
    rc = rc ? rc : percent("power-cut", options->power_cut, &fleet->power_cut);
    rc = rc ? rc : check_sizes(options);
    rc = rc ? rc : fleet_until_parse(options->until, &until);
    if (rc == 0) {
        choose_times(&options->device);
        rc = provision_check(&options->device);
    }
    return rc;
}

static void free_options(struct fleet_options *options)
{
    char *const strings[] = {options->boards, options->versions, options->image, options->rings, options->tokens,    options->until,
                             options->plot,   options->list,     options->fail,  options->drop,      options->power_cut};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        free(strings[i]);
    }
    tool_list_free(options->keys);
    tool_list_free(options->job_keys);
    provision_free(&options->device);
}

#define WHO_OPTIONS 13u
#define DOES_OPTIONS 14u
#define RUN_OPTIONS 13u

static void who_table(struct fleet_options *o, struct poptOption table[WHO_OPTIONS])
{
    const struct poptOption options[] = {
        {"devices", 0, POPT_ARG_INT, &o->devices, 0, "how many", "N"},
        {"seed", 0, POPT_ARG_LONGLONG, &o->seed, 0, "of everything that is left to chance [1]", "S"},
        {"version", 0, POPT_ARG_STRING, &o->versions, 0, "what they run at first [1.0.0]", "V[:P%],..."},
        {"image", 0, POPT_ARG_STRING, &o->image, 0, "instead: this signed image, the base of patches", "FILE"},
        {"boards", 0, POPT_ARG_STRING, &o->boards, 0, "what jobs' Board must be [that of the first kit]", "B[:P%],..."},
        {"rings", 0, POPT_ARG_STRING, &o->rings, 0, "who belongs to a ring", "NAME:P%,..."},
        {"tokens", 0, POPT_ARG_STRING, &o->tokens, 0, "names and tokens, as `otter device enrol` writes them", "FILE"},
        {"key", 0, POPT_ARG_ARGV, &o->keys, 0, "who may sign images; may be repeated [the tests' key]", "PEM"},
        {"job-key", 0, POPT_ARG_ARGV, &o->job_keys, 0, "who must have signed the job; may be repeated [nobody]", "PEM"},
        {"product", 0, POPT_ARG_STRING, &o->device.product, 0, "what a job's Product must be [anything]", "P"},
        {"size", 0, POPT_ARG_INT, &o->size, 0, "bytes of the first image [6144]", "BYTES"},
        {"slot", 0, POPT_ARG_INT, &o->slot_kib, 0, "KiB of each slot [128]", "KIB"},
        POPT_TABLEEND,
    };
    _Static_assert(sizeof options == WHO_OPTIONS * sizeof options[0], "the number above");
    memcpy(table, options, sizeof options);
}

static void does_table(struct provision *d, struct poptOption table[DOES_OPTIONS])
{
    const struct poptOption options[] = {
        {"server", 0, POPT_ARG_STRING, &d->server, 0, "where to ask for updates", "https://HOST:PORT"},
        {"ca", 0, POPT_ARG_STRING, &d->ca, 0, "who must have signed the server's certificate", "FILE"},
        {"cert", 0, POPT_ARG_STRING, &d->cert, 0, "one certificate for all, for servers that ask for one", "FILE"},
        {"key-file", 0, POPT_ARG_STRING, &d->key_file, 0, "and its private key", "FILE"},
        {"job-path", 0, POPT_ARG_STRING, &d->job_path, 0, "where the job document is", "/FILE"},
        {"range", 0, POPT_ARG_INT, &d->range_size, 0, "bytes per request; 0: one streamed download [0]", "BYTES"},
        {"poll-seconds", 0, POPT_ARG_DOUBLE, &d->poll_s, 0, "between two checks [10]", "S"},
        {"retry-ms", 0, POPT_ARG_INT, &d->retry_ms, 0, "before the first retry; it doubles [a quarter of that]", "MS"},
        {"stall-ms", 0, POPT_ARG_INT, &d->stall_ms, 0, "a silent connection is given up after this [30000]", "MS"},
        {"health-ms", 0, POPT_ARG_INT, &d->health_ms, 0, "how long the application's health check takes [0]", "MS"},
        {"trial-ms", 0, POPT_ARG_INT, &d->trial_ms, 0, "not confirmed by then: it restarts itself [60000]", "MS"},
        {"no-report", 0, POPT_ARG_NONE, &d->no_report, 0, "send no reports", NULL},
        {"no-clock", 0, POPT_ARG_NONE, &d->no_clock, 0, "no trusted time", NULL},
        POPT_TABLEEND,
    };
    _Static_assert(sizeof options == DOES_OPTIONS * sizeof options[0], "the number above");
    memcpy(table, options, sizeof options);
}

static void run_table(struct fleet_options *o, struct poptOption *who, struct poptOption *does,
                      struct poptOption table[RUN_OPTIONS])
{
    const struct poptOption options[] = {
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, who, 0, "Who they are:", NULL},
        {NULL, 0, POPT_ARG_INCLUDE_TABLE, does, 0, "What they do:", NULL},
        {"fail", 0, POPT_ARG_STRING, &o->fail, 0, "so many fail the trial of an image, others that of the next [0]", "P%"},
        {"drop", 0, POPT_ARG_STRING, &o->drop, 0, "so many connections break, anywhere [0]", "P%"},
        {"power-cut", 0, POPT_ARG_STRING, &o->power_cut, 0, "so many lose power once in their first update [0]", "P%"},
        {"start-spread", 0, POPT_ARG_DOUBLE, &o->spread_s, 0, "they are switched on within this time [0]", "S"},
        {"duration", 0, POPT_ARG_DOUBLE, &o->duration_s, 0, "end then [never]", "S"},
        {"until", 0, POPT_ARG_STRING, &o->until, 0, "end when: idle, updated=P%, failed=N, waiting=N, done=P%", "WHAT"},
        {"json", 0, POPT_ARG_NONE, &o->as_json, 0, "a line of JSON each second, and one at the end", NULL},
        {"plot", 0, POPT_ARG_STRING, &o->plot, 0, "draw states and versions over time", "FILE.svg"},
        {"list", 0, POPT_ARG_STRING, &o->list, 0, "write what became of each device, a JSON line each", "FILE"},
        {"help", 0, POPT_ARG_NONE, NULL, 0, "show this", NULL},
        POPT_TABLEEND,
    };
    _Static_assert(sizeof options == RUN_OPTIONS * sizeof options[0], "the number above");
    memcpy(table, options, sizeof options);
}

static int read_and_run(int argc, const char **argv, struct fleet_options *options)
{
    static struct fleet fleet;
    struct poptOption who[WHO_OPTIONS];
    struct poptOption does[DOES_OPTIONS];
    struct poptOption table[RUN_OPTIONS];
    poptContext context;
    const char **args;
    int rc;
    who_table(options, who);
    does_table(&options->device, does);
    run_table(options, who, does, table);
    if (tool_options("fleet", argc, argv, table, "--server URL --devices N [option...]", &context, &args, &rc) != 0) {
        return rc;
    }
    fleet.options = options;
    fleet.epoll = -1;
    rc = check(options, &fleet, args);
    if (rc == 0) {
        fleet_tally_begin(&fleet.tally, (uint32_t)options->device.poll_ms);
        rc = run(&fleet);
        fleet_free(&fleet);
    }
    poptFreeContext(context);
    return rc;
}

int tool_fleet(int argc, const char **argv)
{
    struct fleet_options options = {.seed = 1, .size = 6144, .slot_kib = 128};
    provision_begin(&options.device);
    options.device.poll_s = 10;
    options.device.initial_ms = 1;
    options.device.retry_ms = 0;
    options.device.retry_max_ms = 0;
    int rc = read_and_run(argc, argv, &options);
    free_options(&options);
    return rc;
}
