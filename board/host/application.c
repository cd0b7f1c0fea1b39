/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application.c - the application on the chip: an LED, an agent, and a health check.
 *
 * One loop does it all, as on a part without an operating system. How it behaves is read
 * from the image that the bootloader chose, from flash. On trial it restarts itself when
 * it is not confirmed in time: a network that never comes up must not keep an image.
 */
#include <string.h>
#include <time.h>

#include "board/host/chip.h"
#include "board/host/script.h"
#include "otter/agent_object.h"
#include "port/mbedtls/tls.h"
#include "port/posix/tcp.h"

#define IO_SIZE (32u * 1024u)
#define NAP_MAX_MS 250u

struct led {
    uint32_t period_ms;
    uint64_t due_ms;
    uint32_t toggles, late_max_ms;
};

struct application {
    struct host_cycle *cycle;
    const struct host_config *config;
    struct host_script script;
    uint64_t started_ms;
    struct led led;
    struct otter_state state;
    struct otter_agent_config agent_config;
    struct otter_agent agent;
    struct otter_delta delta;
    struct otter_tcp tls_tcp, plain_tcp;
    struct otter_transport tls_lower, tls_transport, plain_transport;
    struct otter_tls_config tls_config;
    struct otter_tls tls;
};

static uint64_t age_ms(const struct application *app)
{
    return host_clock_ms() - app->started_ms;
}

static void led_tick(struct application *app)
{
    struct led *led = &app->led;
    uint64_t now = host_clock_ms();
    if (now < led->due_ms) {
        return;
    }
    uint32_t late = (uint32_t)(now - led->due_ms);
    led->late_max_ms = late > led->late_max_ms ? late : led->late_max_ms;
    led->toggles++;
    led->due_ms = now - late + led->period_ms;
    if (app->cycle->device->tell_led) {
        host_event_app(&app->cycle->reporter, "toggle", "{s:b}", "on", (int)(led->toggles % 2));
    }
}

static _Noreturn void restart(struct application *app, const char *why)
{
    host_event_app(&app->cycle->reporter, "led", "{s:i, s:i, s:i}", "period_ms", (int)app->led.period_ms,
                   "toggles", (int)app->led.toggles, "late_max_ms", (int)app->led.late_max_ms);
    host_event_app(&app->cycle->reporter, "restart", "{s:s}", "why", why);
    host_cycle_feed(app->cycle);
    host_chip_reset(app->cycle->chip);
}

/* ---- what the agent asks of the application ---- */

static bool is_healthy(void *ctx)
{
    const struct application *app = ctx;
    return app->script.behave == HOST_BEHAVE_HEALTHY && age_ms(app) >= app->config->health_ms;
}

static void on_reset(void *ctx)
{
    restart(ctx, "update");
}

static uint32_t random_word(void *ctx)
{
    uint32_t word = 0;
    (void)otter_posix_random(ctx, &word, sizeof word);
    return word;
}

static bool wall_clock(void *ctx, int64_t *ret_unix)
{
    const struct application *app = ctx;
    if (app->config->no_clock) {
        return false;
    }
    *ret_unix = (int64_t)time(NULL);
    return true;
}

/* TCP knows best why there is no connection, TLS why there is no trust. */
static const char *network_cause(const struct application *app, enum otter_outcome outcome)
{
    const struct otter_tcp *tcp = app->config->plain ? &app->plain_tcp : &app->tls_tcp;
    bool by_tls = !app->config->plain && (outcome == OTTER_OUTCOME_UNTRUSTED || tcp->error == 0);
    return by_tls ? otter_tls_cause(&app->tls) : otter_tcp_cause(tcp);
}

static void on_agent_event(void *ctx, const struct otter_event *event)
{
    struct application *app = ctx;
    host_event_agent(&app->cycle->reporter, event, network_cause(app, event->outcome));
}

/* ---- start ---- */

static void configure_agent(struct application *app)
{
    static uint8_t io[IO_SIZE] __attribute__((aligned(8)));
    struct otter_agent_config *config = &app->agent_config;
    host_agent_config(app->cycle->device, config);
    config->state = &app->state;
    config->tls = app->config->ca ? &app->tls_transport : NULL;
    config->plain = &app->plain_transport; /* always: not to leave TLS is the agent's rule */
    config->hooks = (struct otter_agent_hooks){.ctx = app,
                                               .healthy = is_healthy,
                                               .reset = on_reset,
                                               .random = random_word,
                                               .now = wall_clock,
                                               .on_event = on_agent_event};
    config->delta = &app->delta;
    config->io = io;
    config->io_size = sizeof io;
}

static int open_network(struct application *app)
{
    static uint8_t arena[OTTER_TLS_ARENA_SIZE] __attribute__((aligned(16)));
    const struct host_config *config = app->config;
    otter_tcp_init(&app->plain_tcp, &app->plain_transport);
    otter_tcp_init(&app->tls_tcp, &app->tls_lower);
    if (!config->ca) {
        return 0;
    }
    app->tls_config = (struct otter_tls_config){
        .lower = &app->tls_lower,
        .ca = config->ca,
        .ca_len = config->ca_len,
        .cert = config->cert,
        .cert_len = config->cert_len,
        .key = config->key,
        .key_len = config->key_len,
        .arena = arena,
        .arena_size = sizeof arena,
        .ctx = app,
        .random = otter_posix_random,
        .now = wall_clock,
    };
    return otter_tls_init(&app->tls, &app->tls_config, &app->tls_transport);
}

static void read_script(struct application *app, const struct otter_boot_choice *choice)
{
    uint8_t text[HOST_SCRIPT_SIZE] = {0};
    uint32_t len = choice->image.payload_size < sizeof text ? choice->image.payload_size : sizeof text;
    const struct otter_layout *layout = &app->cycle->device->layout;
    int err = otter_area_read(&layout->primary, choice->entry_addr - layout->primary_addr, text, len);
    if (err < 0 || host_script_read(text, len, &app->script) < 0) {
        app->script = (struct host_script){.version = choice->image.version, .led_ms = 1000};
        host_event_app(&app->cycle->reporter, "no-script", NULL);
    }
}

static void say_started(struct application *app, const struct otter_boot_choice *choice)
{
    char version[HOST_VERSION_SIZE];
    char own[HOST_VERSION_SIZE];
    host_version_print(&choice->image.version, version);
    host_version_print(&app->script.version, own);
    host_event_app(&app->cycle->reporter, "started", "{s:s, s:s, s:i, s:s, s:b, s:i, s:s}", "version", version,
                   "calls_itself", own, "led_ms", (int)app->script.led_ms, "behave",
                   host_behave_str(app->script.behave), "on_trial", (int)choice->on_trial, "attempt",
                   (int)choice->attempt, "reason", otter_reason_str(choice->reason));
}

static void start(struct application *app)
{
    int err = otter_state_open(&app->state, &app->cycle->device->layout);
    const char *what = "the journal";
    if (err == 0) {
        what = "the certificates";
        err = open_network(app);
    }
    if (err == 0) {
        what = "the agent's configuration";
        configure_agent(app);
        err = otter_agent_init(&app->agent, &app->agent_config);
    }
    if (err < 0) {
        host_event_app(&app->cycle->reporter, "no-start", "{s:s, s:s}", "what", what, "err", otter_err_str(err));
        host_chip_halt(app->cycle->chip);
    }
}

/* ---- the loop ---- */

/* A trial ends well (the agent confirms), or here. */
static void check_trial(struct application *app)
{
    if (!otter_state_on_trial(&app->state)) {
        return;
    }
    if (app->script.behave == HOST_BEHAVE_SICK && age_ms(app) >= app->config->health_ms) {
        host_event_app(&app->cycle->reporter, "give-up", NULL);
        otter_agent_stop(&app->agent);
        (void)otter_state_give_up(&app->state);
        restart(app, "health");
    }
    if (age_ms(app) >= app->config->trial_ms) {
        restart(app, "trial-time");
    }
}

static void nap(struct application *app, uint32_t wait_ms)
{
    uint64_t now = host_clock_ms();
    uint64_t led = app->led.due_ms > now ? app->led.due_ms - now : 0;
    uint64_t ms = wait_ms < NAP_MAX_MS ? wait_ms : NAP_MAX_MS;
    ms = led < ms ? led : ms;
    if (ms > 0) {
        otter_tcp_wait(app->plain_tcp.fd >= 0 || !app->config->ca ? &app->plain_tcp : &app->tls_tcp, (uint32_t)ms);
    }
}

_Noreturn void host_application_run(struct host_cycle *cycle, const struct otter_boot_choice *choice)
{
    static struct application app; /* large: TLS and agent objects; RAM of this cycle only */
    app.cycle = cycle;
    app.config = &cycle->device->config;
    app.started_ms = host_clock_ms();
    read_script(&app, choice);
    app.led.period_ms = app.script.led_ms;
    app.led.due_ms = app.started_ms + app.led.period_ms;
    say_started(&app, choice);
    if (app.script.behave == HOST_BEHAVE_HANG) {
        host_event_app(&cycle->reporter, "hang", NULL);
        host_cycle_feed(cycle);
        host_chip_hang(cycle->chip);
    }
    start(&app);
    for (;;) {
        host_cycle_feed(cycle);
        led_tick(&app);
        uint32_t wait_ms = otter_agent_step(&app.agent, (uint32_t)host_clock_ms());
        check_trial(&app);
        nap(&app, wait_ms);
    }
}
