/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_device.c - a power cycle: the bootloader, then the application with its agent.
 *
 * A power cut comes from inside a flash operation and leads back to fleet_device_step with a
 * longjmp; nothing of the program's own is under way then but the agent, whose memory is gone
 * with it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "board/host/board.h"
#include "board/host/script.h"
#include "otter/agent_object.h"
#include "otter/boot.h"
#include "otter/delta.h"
#include "port/mbedtls/tls.h"
#include "tool/fleet_device.h"
#include "tool/fleet_link.h"

enum {
    IO_SIZE = 8192,
    BOOT_BUFFER_SIZE = 4096,
    RESET_MS = 20,       /* from a reset to the bootloader */
    WATCHDOG_MS = 500,
    OFF_MS_MIN = 50,     /* of a power cut */
    OFF_MS_BITS = 10,
    NETWORK_MS = 250,    /* looked at again, if the network is silent */
    TRIAL_LOOK_MS = 20,  /* an application on trial looks at itself */
    PROGRAM_SIZE = 1024, /* of each, an update makes three programs: download, two copies */
    OPERATIONS_EACH = 3,
    OPERATIONS_BESIDE = 16, /* erases and records */
    BREAK_BITS = 17      /* a connection breaks within its first 2^17 bytes */
};

struct fleet_ram {
    uint64_t on_ms;
    enum host_behave behave;
    bool reset_asked;
    struct otter_state state;
    struct fleet_link link;
    struct otter_transport link_transport, tls_transport;
    struct otter_tls_config tls_config;
    struct otter_tls tls;
    struct otter_agent_config config;
    struct otter_agent agent;
    struct otter_delta delta;
    uint64_t io[IO_SIZE / sizeof(uint64_t)];
};

/* ---- off ---- */

static uint8_t *arena_of(const struct fleet_device *device)
{
    return device->fleet->arenas + (size_t)device->index * OTTER_TLS_ARENA_SIZE;
}

void fleet_device_off(struct fleet_device *device)
{
    struct fleet_ram *ram = device->ram;
    if (!ram) {
        return;
    }
    struct fleet_tally *tally = &device->fleet->tally;
    fleet_link_drop(&ram->link);
    if (ram->tls.config) {
        tally->full_handshakes += ram->tls.full_count;
        tally->resumed_handshakes += ram->tls.resumed_count;
        otter_tls_free(&ram->tls);
        (void)madvise(arena_of(device), OTTER_TLS_ARENA_SIZE, MADV_DONTNEED);
    }
    free(ram);
    device->ram = NULL;
}

static uint32_t reset(struct fleet_device *device, bool by_watchdog)
{
    device->fleet->tally.resets++;
    device->by_watchdog = by_watchdog;
    fleet_device_off(device);
    return by_watchdog ? WATCHDOG_MS : RESET_MS;
}

static uint32_t lose_power(struct fleet_device *device)
{
    device->fleet->tally.power_cuts++;
    device->flash.power.cut_at = 0;
    device->by_watchdog = false;
    device->owes_report = false;
    fleet_device_off(device);
    return OFF_MS_MIN + (uint32_t)(sim_random(&device->random) >> (64 - OFF_MS_BITS));
}

static void on_power_lost(void *ctx)
{
    longjmp(((struct fleet_device *)ctx)->fleet->lost, 1);
}

static void on_violation(void *ctx, const char *what)
{
    struct fleet_device *device = ctx;
    device->fleet->tally.violations++;
    (void)tool_refuse("%s: %s", device->id, what);
}

/* Never comes on again: a bricked device, which must not be. */
static uint32_t die(struct fleet_device *device, const char *what, int err)
{
    device->fleet->tally.dead++;
    device->dead = true;
    (void)tool_refuse("%s: %s: %s", device->id, what, otter_err_str(err));
    fleet_device_off(device);
    return UINT32_MAX;
}

/* ---- what the agent asks for ---- */

static bool is_healthy(void *ctx)
{
    const struct fleet_device *device = ctx;
    uint64_t health_ms = (uint64_t)device->fleet->options->device.health_ms;
    return device->ram->behave == HOST_BEHAVE_HEALTHY && host_clock_ms() - device->ram->on_ms >= health_ms;
}

static void on_reset(void *ctx)
{
    ((struct fleet_device *)ctx)->ram->reset_asked = true;
}

static uint32_t random_word(void *ctx)
{
    return (uint32_t)(sim_random(&((struct fleet_device *)ctx)->random) >> 32);
}

static bool wall_clock(void *ctx, int64_t *ret_unix)
{
    const struct fleet_device *device = ctx;
    *ret_unix = (int64_t)time(NULL);
    return !device->fleet->options->device.no_clock;
}

/* Power fails once, at some operation of an update of `total` bytes: in its download, in its swap,
 * on trial. */
static void plan_cut(struct fleet_device *device, uint32_t total)
{
    const struct fleet *fleet = device->fleet;
    uint64_t operations = (uint64_t)total / PROGRAM_SIZE * OPERATIONS_EACH + OPERATIONS_BESIDE;
    device->cut_planned = true;
    if (fleet_part(fleet->seed, device->index, FLEET_ASK_CUT, 0) < fleet->power_cut) {
        uint64_t random = fleet_ask(fleet->seed, device->index, FLEET_ASK_CUT, 1);
        uint64_t after = 1 + sim_random(&random) % operations;
        sim_power_cut_after(&device->flash.power, after, (enum sim_outcome)(sim_random(&random) % SIM_OUTCOMES_USUAL));
    }
}

static void count_way(struct fleet_device *device, const struct otter_event *event)
{
    struct fleet_tally *tally = &device->fleet->tally;
    uint32_t bytes = device->ram->agent.fetch.bytes;
    if (event->delta) {
        tally->deltas++;
        tally->delta_bytes += bytes;
    } else {
        tally->images++;
        tally->image_bytes += bytes;
    }
}

static void on_agent_event(void *ctx, const struct otter_event *event)
{
    struct fleet_device *device = ctx;
    if (event->kind == OTTER_EVENT_OUTCOME && event->outcome == OTTER_OUTCOME_INSTALLING) {
        count_way(device, event);
    }
    if (event->kind == OTTER_EVENT_PROGRESS && event->total > 0 && !device->cut_planned) {
        plan_cut(device, event->total);
    }
    fleet_seen(device, event);
}

/* Small ones as likely as large ones: in the handshake, in a head, deep in an image. */
static uint64_t break_after(void *ctx)
{
    struct fleet_device *device = ctx;
    const struct fleet *fleet = device->fleet;
    uint32_t link = device->links++;
    if (fleet_part(fleet->seed, device->index, FLEET_ASK_DROP, link) >= fleet->drop) {
        return UINT64_MAX;
    }
    uint64_t random = fleet_ask(fleet->seed, device->index, FLEET_ASK_BYTE, link);
    uint64_t bits = 4 + sim_random(&random) % (BREAK_BITS - 4);
    return 1 + sim_random(&random) % (1ull << bits);
}

/* ---- on ---- */

static bool switch_on(struct fleet_device *device)
{
    struct fleet *fleet = device->fleet;
    struct fleet_ram *ram = calloc(1, sizeof *ram);
    if (!ram) {
        return false;
    }
    ram->on_ms = host_clock_ms();
    ram->link.tally = &fleet->tally;
    ram->link.epoll = fleet->epoll;
    ram->link.device = device->index;
    ram->link.break_after = fleet->drop > 0 ? break_after : NULL;
    ram->link.ctx = device;
    fleet_link_init(&ram->link, &ram->link_transport);
    device->ram = ram;
    return true;
}

static int open_network(struct fleet_device *device)
{
    const struct fleet *fleet = device->fleet;
    struct fleet_ram *ram = device->ram;
    if (fleet->options->device.plain) {
        return OTTER_OK;
    }
    ram->tls_config = (struct otter_tls_config){
        .lower = &ram->link_transport,
        .ca = fleet->ca.data,
        .ca_len = fleet->ca.len,
        .cert = fleet->cert.data,
        .cert_len = fleet->cert.len,
        .key = fleet->cert_key.data,
        .key_len = fleet->cert_key.len,
        .arena = arena_of(device),
        .arena_size = OTTER_TLS_ARENA_SIZE,
        .ctx = device,
        .random = otter_posix_random,
        .now = wall_clock,
    };
    return otter_tls_init(&ram->tls, &ram->tls_config, &ram->tls_transport);
}

static void configure(struct fleet_device *device)
{
    const struct fleet *fleet = device->fleet;
    const struct provision *common = &fleet->options->device;
    struct fleet_ram *ram = device->ram;
    ram->config = (struct otter_agent_config){
        .state = &ram->state,
        .keys = fleet->keys.keys,
        .keys_count = fleet->keys.count,
        .job_keys = fleet->job_keys.keys,
        .job_keys_count = fleet->job_keys.count,
        .tls = common->plain ? NULL : &ram->tls_transport,
        .plain = common->plain ? &ram->link_transport : NULL,
        .host = common->host,
        .port = common->port,
        .use_plain = common->plain,
        .job_path = common->job_path,
        .no_report = common->no_report,
        .board = device->board,
        .product = common->product,
        .device_id = device->id,
        .ring = device->ring,
        .device_token = device->token,
        .initial_ms = common->initial_ms ? (uint32_t)common->initial_ms : 1,
        .poll_ms = (uint32_t)common->poll_ms,
        .poll_min_ms = 1,
        .retry_ms = (uint32_t)common->retry_ms,
        .retry_max_ms = (uint32_t)common->retry_max_ms,
        .stall_ms = (uint32_t)common->stall_ms,
        .range_size = (uint32_t)common->range_size,
        .hooks = {.ctx = device,
                  .healthy = is_healthy,
                  .reset = on_reset,
                  .random = random_word,
                  .now = wall_clock,
                  .on_event = on_agent_event},
        .patcher = &otter_patcher,
        .delta = &ram->delta,
        .io = ram->io,
        .io_size = sizeof ram->io,
    };
}

/* What the image says that its application does; --fail says otherwise for some devices. */
static enum host_behave behaviour(const struct fleet_device *device, const struct otter_boot_choice *choice)
{
    const struct fleet *fleet = device->fleet;
    uint8_t text[HOST_SCRIPT_SIZE];
    struct host_script script = {.behave = HOST_BEHAVE_HEALTHY};
    uint32_t len = choice->image.payload_size < sizeof text ? choice->image.payload_size : sizeof text;
    if (otter_area_read(&device->layout.primary, choice->image.header_size, text, len) == 0) {
        (void)host_script_read(text, len, &script); /* no script: any firmware, healthy */
    }
    uint64_t image;
    memcpy(&image, choice->image.hash, sizeof image);
    if (choice->on_trial && fleet_part(fleet->seed, device->index, FLEET_ASK_FAIL, image) < fleet->fail) {
        return fleet_part(fleet->seed, device->index, FLEET_ASK_HOW, image) < 0.7 ? HOST_BEHAVE_SICK : HOST_BEHAVE_HANG;
    }
    return script.behave;
}

static uint32_t start(struct fleet_device *device, const struct otter_boot_choice *choice)
{
    struct fleet_ram *ram = device->ram;
    fleet_seen_running(device, &choice->image.version);
    ram->behave = behaviour(device, choice);
    if (ram->behave == HOST_BEHAVE_HANG) {
        return reset(device, true);
    }
    int err = otter_state_open(&ram->state, &device->layout);
    if (err < 0) {
        return die(device, "the journal", err);
    }
    err = open_network(device);
    if (err < 0) {
        return die(device, "TLS", err);
    }
    configure(device);
    err = otter_agent_init(&ram->agent, &ram->config);
    return err < 0 ? die(device, "the agent's configuration", err) : 0;
}

static uint32_t power_on(struct fleet_device *device)
{
    static uint64_t buffer[BOOT_BUFFER_SIZE / sizeof(uint64_t)];
    const struct fleet *fleet = device->fleet;
    struct otter_boot_config boot = {
        .layout = &device->layout,
        .keys = fleet->keys.keys,
        .keys_count = fleet->keys.count,
        .trial_boots = (uint8_t)fleet->options->device.trial_boots,
        .reset_by_watchdog = device->by_watchdog,
        .buf = buffer,
        .buf_size = sizeof buffer,
    };
    struct otter_boot_choice choice;
    device->flash.power.ctx = device;
    device->flash.power.lost = on_power_lost;
    device->flash.power.violated = on_violation;
    if (!switch_on(device)) {
        return die(device, "out of memory", OTTER_ERR_NOSPACE);
    }
    int err = otter_boot(&boot, &choice);
    if (err < 0) {
        return die(device, "the bootloader found nothing to start", err);
    }
    return start(device, &choice);
}

/* ---- running ---- */

/* A trial ends well (the agent confirms), or here. */
static bool trial_is_over(struct fleet_device *device)
{
    struct fleet_ram *ram = device->ram;
    const struct provision *common = &device->fleet->options->device;
    uint64_t age_ms = host_clock_ms() - ram->on_ms;
    if (ram->behave == HOST_BEHAVE_SICK && age_ms >= (uint64_t)common->health_ms) {
        otter_agent_stop(&ram->agent);
        (void)otter_state_give_up(&ram->state);
        return true;
    }
    return age_ms >= (uint64_t)common->trial_ms;
}

static uint32_t run(struct fleet_device *device)
{
    struct fleet_ram *ram = device->ram;
    ram->link.blocked = false;
    uint32_t wait_ms = otter_agent_step(&ram->agent, (uint32_t)host_clock_ms());
    if (ram->reset_asked) {
        return reset(device, false);
    }
    bool on_trial = otter_state_on_trial(&ram->state);
    if (on_trial && trial_is_over(device)) {
        return reset(device, false);
    }
    if (wait_ms == 1 && otter_agent_phase(&ram->agent) != OTTER_AGENT_IDLE) {
        /* the agent would look again; here the loop tells when something comes */
        wait_ms = ram->link.blocked ? NETWORK_MS : 0;
    }
    return on_trial && wait_ms > TRIAL_LOOK_MS ? TRIAL_LOOK_MS : wait_ms;
}

uint32_t fleet_device_step(struct fleet_device *device)
{
    if (setjmp(device->fleet->lost) != 0) {
        return lose_power(device);
    }
    if (device->dead) {
        return UINT32_MAX;
    }
    return device->ram ? run(device) : power_on(device);
}
