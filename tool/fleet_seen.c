/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_seen.c - from the events of one agent to states and counts of the fleet. */
#include "board/host/board.h"
#include "tool/fleet_device.h"

static uint64_t since_start(const struct fleet_device *device)
{
    return host_clock_ms() - device->fleet->started_ms;
}

static void change(struct fleet_device *device, enum fleet_state state)
{
    struct fleet_tally *tally = &device->fleet->tally;
    if (state != device->state) {
        tally->states[device->state]--;
        tally->states[state]++;
        tally->changed_ms = since_start(device);
        device->state = state;
    }
}

static void settle(struct fleet_device *device, enum fleet_state state, const char *reason)
{
    device->settled = state;
    device->reason = reason;
    device->update_ms = 0;
    change(device, state);
}

void fleet_seen_running(struct fleet_device *device, const struct otter_version *version)
{
    struct fleet_tally *tally = &device->fleet->tally;
    uint32_t index = fleet_tally_version(tally, version);
    if (device->started) {
        tally->version_devices[device->version]--;
    }
    tally->version_devices[index]++;
    device->version = index;
    device->started = true;
}

static void confirmed(struct fleet_device *device)
{
    device->refused = false;
    if (device->update_ms != 0) {
        fleet_tally_took(&device->fleet->tally, (double)(host_clock_ms() - device->update_ms) / 1000);
    }
    settle(device, FLEET_UPDATED, NULL);
}

/* Nothing to do for it now. What became of an image before stays said. */
static void at_rest(struct fleet_device *device, enum fleet_state state)
{
    if (device->update_ms != 0 && device->version != device->before) {
        confirmed(device); /* power failed between its record and its event */
        return;
    }
    if (device->refused) { /* the job that it could not take is gone */
        device->refused = false;
        device->settled = device->kept;
    }
    bool told = device->settled == FLEET_UPDATED || device->settled == FLEET_FAILED;
    settle(device, told ? device->settled : state, device->reason);
}

/* A job that it does not take: as long as that one is there. */
static void refuse(struct fleet_device *device, const char *reason)
{
    if (!device->refused) {
        device->kept = device->settled;
        device->refused = true;
    }
    settle(device, FLEET_FAILED, reason);
}

/* The job says so, which is well; or the image does, which the job did not know. */
static void not_for_us(struct fleet_device *device, enum otter_agent_phase phase, const char *name)
{
    if (phase == OTTER_AGENT_JOB) {
        at_rest(device, FLEET_OTHERS);
    } else {
        settle(device, FLEET_FAILED, name);
    }
}

static void ended(struct fleet_device *device, const struct otter_event *event)
{
    const char *name = otter_outcome_str(event->outcome);
    device->trouble = NULL;
    switch (event->outcome) {
    case OTTER_OUTCOME_CONFIRMED:
        device->owes_report = true;
        confirmed(device);
        break;
    case OTTER_OUTCOME_REVERTED:
        device->refused = false;
        device->fleet->tally.reverts++;
        device->owes_report = true;
        settle(device, FLEET_FAILED, otter_reason_str(event->reason));
        break;
    case OTTER_OUTCOME_INSTALLING:
        device->owes_report = true;
        break;
    case OTTER_OUTCOME_CURRENT:
    case OTTER_OUTCOME_OLDER:
        at_rest(device, FLEET_CURRENT);
        break;
    case OTTER_OUTCOME_WAITING: /* for its turn in a rollout */
        at_rest(device, FLEET_WAITING);
        break;
    case OTTER_OUTCOME_REJECTED:
        settle(device, FLEET_FAILED, device->settled == FLEET_FAILED ? device->reason : name);
        break;
    case OTTER_OUTCOME_NOT_FOR_US:
        not_for_us(device, event->phase, name);
        break;
    case OTTER_OUTCOME_BAD_IMAGE:
        settle(device, FLEET_FAILED, name);
        break;
    case OTTER_OUTCOME_BAD_JOB:
    case OTTER_OUTCOME_FORBIDDEN:
    case OTTER_OUTCOME_TOO_LARGE:
    case OTTER_OUTCOME_EXPIRED:
    case OTTER_OUTCOME_TOO_OLD:
    case OTTER_OUTCOME_UNSIGNED:
    case OTTER_OUTCOME_REPLAYED:
        refuse(device, name);
        break;
    case OTTER_OUTCOME_SERVER:
    case OTTER_OUTCOME_UNREACHABLE:
    case OTTER_OUTCOME_UNTRUSTED:
    case OTTER_OUTCOME_FLASH:
        device->trouble = name; /* it tries again */
        break;
    case OTTER_OUTCOME_NONE:
    case OTTER_OUTCOME_DEFERRED:
        break;
    }
}

static void begin_update(struct fleet_device *device)
{
    if (device->update_ms == 0) {
        device->update_ms = host_clock_ms();
        device->before = device->version;
    }
}

static void entered(struct fleet_device *device, enum otter_agent_phase phase)
{
    struct fleet *fleet = device->fleet;
    if (phase == OTTER_AGENT_JOB) {
        fleet_tally_poll(&fleet->tally, since_start(device));
    } else if (phase == OTTER_AGENT_DOWNLOAD || phase == OTTER_AGENT_TRIAL) {
        begin_update(device);
        change(device, FLEET_UPDATING);
    }
}

void fleet_seen(struct fleet_device *device, const struct otter_event *event)
{
    struct fleet_tally *tally = &device->fleet->tally;
    switch (event->kind) {
    case OTTER_EVENT_PHASE:
        entered(device, event->phase);
        break;
    case OTTER_EVENT_OUTCOME:
        ended(device, event);
        break;
    case OTTER_EVENT_RESUMED:
        tally->resumed_downloads++;
        break;
    case OTTER_EVENT_REPORTED:
        device->owes_report = false;
        if (event->http_status / 100 == 2) {
            tally->reports[(unsigned)event->outcome < FLEET_OUTCOMES ? event->outcome : 0]++;
        }
        break;
    case OTTER_EVENT_PROGRESS:
    case OTTER_EVENT_RETRY:
        break;
    }
}
