/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_until.c - conditions that end a run of a fleet. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tool/fleet_until.h"

enum { IDLE_MS_MIN = 1000, IDLE_POLLS = 2 };

static bool parse_amount(const char *text, struct fleet_until *until)
{
    char *end;
    if (text[0] != 0 && text[strlen(text) - 1] == '%') {
        return fleet_percent(text, &until->part);
    }
    unsigned long count = strtoul(text, &end, 10);
    until->part = -1;
    until->count = (uint32_t)count;
    return *text >= '0' && *text <= '9' && *end == 0 && count <= FLEET_DEVICES_MAX;
}

static bool parse(const char *text, struct fleet_until *until)
{
    static const struct {
        const char *before;
        enum fleet_until_kind kind;
        enum fleet_state state;
    } forms[] = {
        {"updated=", FLEET_UNTIL_STATE, FLEET_UPDATED}, {"failed=", FLEET_UNTIL_STATE, FLEET_FAILED},
        {"waiting=", FLEET_UNTIL_STATE, FLEET_WAITING}, {"done=", FLEET_UNTIL_DONE, FLEET_UPDATED},
    };
    if (strcmp(text, "idle") == 0) {
        until->kind = FLEET_UNTIL_IDLE;
        return true;
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t len = strlen(forms[i].before);
        if (strncmp(text, forms[i].before, len) == 0) {
            until->kind = forms[i].kind;
            until->state = forms[i].state;
            return parse_amount(text + len, until);
        }
    }
    return false;
}

int fleet_until_parse(const char *text, struct fleet_until *ret_until)
{
    struct fleet_until until = {.kind = FLEET_UNTIL_STOPPED};
    if (text && !parse(text, &until)) {
        return tool_usage("--until '%s' is not one of idle, updated=, failed=, waiting=, done= (updated or failed) "
                          "with a number of devices or a percentage", text);
    }
    *ret_until = until;
    return 0;
}

static bool is_idle(const struct fleet *fleet, uint64_t at_ms)
{
    const struct fleet_tally *tally = &fleet->tally;
    uint64_t rest_ms = (uint64_t)fleet->options->device.poll_ms * IDLE_POLLS;
    rest_ms = rest_ms > IDLE_MS_MIN ? rest_ms : IDLE_MS_MIN;
    return tally->states[FLEET_SILENT] == 0 && tally->states[FLEET_UPDATING] == 0 && at_ms >= tally->changed_ms + rest_ms;
}

bool fleet_until_met(const struct fleet_until *until, const struct fleet *fleet, uint64_t at_ms)
{
    const uint32_t *states = fleet->tally.states;
    uint32_t want = until->part < 0 ? until->count : (uint32_t)ceil(until->part * fleet->devices_count - 1e-6);
    switch (until->kind) {
    case FLEET_UNTIL_STOPPED:
        return false;
    case FLEET_UNTIL_IDLE:
        return is_idle(fleet, at_ms);
    case FLEET_UNTIL_STATE:
        return states[until->state] >= want;
    case FLEET_UNTIL_DONE:
        return states[FLEET_UPDATED] + states[FLEET_FAILED] >= want;
    }
    return false;
}
