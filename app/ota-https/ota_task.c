/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ota_task.c - start, hooks of the agent, steps, and the ends of a trial.
 */
#include <string.h>

#include "app/ota-https/measure.h"
#include "app/ota-https/ota_task.h"
#include "app/ota-https/story.h"
#include "app/ota-https/transports.h"
#include "app/ota-https/version.h"
#include "board/board.h"
#include "otter/result.h"

#define IO_SIZE (32u * 1024u) /* half receives (a whole TLS record), half stages rows of flash */
#define TRIAL_LOOK_MS 1000u   /* how often the rules of a trial are looked at, at least */
#define START_AGAIN_MS 60000u /* what could not start is tried again after that */

static _Noreturn void restart(const char *why)
{
    measure_say();
    story_say(why, NULL);
    board_reset();
}

/* ---- what the agent asks of the application ---- */

static bool is_healthy(void *ctx)
{
    const struct ota_task *ota = ctx;
    return ota->verdict == HEALTH_GOOD;
}

static void on_reset(void *ctx)
{
    (void)ctx;
    restart(APP_RESTART_UPDATE);
}

static uint32_t random_word(void *ctx)
{
    uint32_t word = 0;
    (void)board_random(ctx, &word, sizeof word); /* jitter only: none is no harm */
    return word;
}

static bool wall_clock(void *ctx, int64_t *ret_unix)
{
    struct ota_task *ota = ctx;
    return transports_time(&ota->config, ret_unix);
}

static void on_agent_event(void *ctx, const struct otter_event *event)
{
    struct ota_task *ota = ctx;
    story_agent(event, transports_cause(ota->config.agent.use_plain, event->outcome));
    bool goes_on = event->outcome != OTTER_OUTCOME_REVERTED && event->outcome != OTTER_OUTCOME_INSTALLING;
    if (event->kind == OTTER_EVENT_OUTCOME && goes_on) { /* a restart reports its own */
        ota->checked = true;
    }
}

/* ---- start ---- */

static void complain(const char *name, const char *value, const char *wanted)
{
    const char *const values[] = {name, value, wanted};
    story_say(value == NULL ? APP_NO_SETTING : APP_BAD_SETTING, values);
}

static bool cannot_start(const char *what, const char *err)
{
    const char *const values[] = {what, err};
    story_say(APP_NO_START, values);
    return false;
}

/* What was provisioned wrong stays so: it is not tried again. */
static bool can_never_start(struct ota_task *ota, const char *what, const char *err)
{
    ota->is_hopeless = true;
    return cannot_start(what, err);
}

static bool open_state(struct ota_task *ota)
{
    int err = otter_state_open(&ota->state, board_layout());
    ota->has_state = err == OTTER_OK;
    if (err == OTTER_ERR_REFUSED) {
        return can_never_start(ota, "updates", "the journal was written under another flash map");
    }
    return err == OTTER_OK || cannot_start("the journal", otter_err_str(err));
}

/* Without random numbers that nobody can guess there is no TLS, and nothing else is tried. */
static bool has_entropy(struct ota_task *ota)
{
    uint32_t word;
    (void)ota;
    return board_random(NULL, &word, sizeof word) == OTTER_OK ||
           cannot_start("updates", "this board has no source of random numbers");
}

static bool open_transports(struct ota_task *ota)
{
    int err = transports_open(&ota->config);
    if (err == OTTER_ERR_CORRUPT) {
        return can_never_start(ota, "TLS", "ca, cert or cert-key is not a certificate or its key");
    }
    return err == OTTER_OK || cannot_start("TLS", otter_err_str(err));
}

static bool start_network(struct ota_task *ota)
{
    int err = board_network_start();
    (void)ota;
    return err == OTTER_OK || cannot_start("the network", otter_err_str(err));
}

static bool start_agent(struct ota_task *ota)
{
    static uint8_t io[IO_SIZE] __attribute__((aligned(8)));
    static struct otter_delta delta; /* what makes images out of patches: 4 KB */
    struct otter_agent_config *config = &ota->config.agent;
    config->state = &ota->state;
    config->keys = ota->keys;
    config->keys_count = board_keys(ota->keys, OTA_KEYS_MAX);
    config->startable = board_startable;
    config->hooks = (struct otter_agent_hooks){.ctx = ota,
                                               .healthy = is_healthy,
                                               .reset = on_reset,
                                               .random = random_word,
                                               .now = wall_clock,
                                               .on_event = on_agent_event};
    config->patcher = &otter_patcher;
    config->delta = &delta;
    config->io = io;
    config->io_size = sizeof io;
    if (config->keys_count == 0) {
        return can_never_start(ota, "updates", "no key was provisioned");
    }
    int err = otter_agent_init(&ota->agent, config);
    return err == OTTER_OK || cannot_start("the agent", otter_err_str(err));
}

/* Each part is started once, in this order. Of a device whose settings are wrong the state alone: a trial has to end. */
static void start_parts(struct ota_task *ota)
{
    static bool (*const parts[])(struct ota_task *) = {open_state, has_entropy, open_transports, start_network, start_agent};
    enum { PARTS = sizeof parts / sizeof parts[0] };
    ota->tried_ms = board_millis();
    while (ota->parts < PARTS && (ota->parts == 0 || !ota->is_hopeless) && parts[ota->parts](ota)) {
        ota->parts++;
    }
    ota->has_agent = ota->parts == PARTS;
}

void ota_task_start(struct ota_task *ota)
{
    memset(ota, 0, sizeof *ota);
    ota->start_ms = board_millis();
    ota->is_hopeless = !config_read(&ota->config, complain);
    bool sick = ota->config.sick != NULL && strcmp(ota->config.sick, app_version) == 0;
    health_begin(&ota->health, ota->start_ms, app_led_ms, ota->config.health_ms, sick);
    start_parts(ota);
}

/* ---- steps ---- */

static void end_trial(struct ota_task *ota, uint32_t now_ms)
{
    if (!ota->has_state || !otter_state_on_trial(&ota->state)) {
        return;
    }
    if (ota->verdict == HEALTH_BAD) {
        story_say(APP_GIVE_UP, NULL);
        if (ota->has_agent) {
            otter_agent_stop(&ota->agent);
        }
        (void)otter_state_give_up(&ota->state); /* if that fails: trial boots are counted */
        restart(APP_RESTART_HEALTH);
    }
    if (now_ms - ota->start_ms >= ota->config.trial_ms) {
        restart(APP_RESTART_TIME);
    }
}

/* Is it time to let the agent work? It copes with a network that is down; only the first
 * check should not fail for want of an address that is about to come. */
static bool may_check(struct ota_task *ota, uint32_t now_ms)
{
    const char *const address = board_network_address();
    struct words_number wait;
    if (address != NULL && !ota->has_network) {
        ota->has_network = true;
        story_say(APP_NETWORK, &address);
    } else if (!ota->has_network && !ota->waited && now_ms - ota->start_ms >= OTA_NETWORK_WAIT_MS) {
        const char *const waited = words_decimal(&wait, OTA_NETWORK_WAIT_MS);
        ota->waited = true;
        story_say(APP_NO_NETWORK, &waited);
    }
    return ota->has_network || ota->waited;
}

uint32_t ota_task_step(struct ota_task *ota)
{
    uint32_t wait_ms = TRIAL_LOOK_MS;
    uint32_t now_ms = board_millis();
    struct led_times led = led_task_times();
    ota->verdict = health_check(&ota->health, now_ms, &led);
    end_trial(ota, now_ms);
    if (!ota->has_agent && !ota->is_hopeless && now_ms - ota->tried_ms >= START_AGAIN_MS) {
        start_parts(ota);
    }
    if (!ota->has_agent) {
        return wait_ms;
    }
    board_network_poll();
    if (!may_check(ota, now_ms)) {
        return 1;
    }
    uint32_t agent_ms = otter_agent_step(&ota->agent, board_millis());
    if (ota->checked && !ota->measured) {
        ota->measured = true;
        measure_say();
    }
    return agent_ms < wait_ms ? agent_ms : wait_ms;
}
