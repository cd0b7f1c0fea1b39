/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_cut.c - moments of power loss: parsed, drawn, waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"
#include "tool/emulate_cut.h"
#include "tool/emulate_line.h"
#include "tool/tool.h"

#define SECONDS_MAX 86400.0
#define START_MS 20u /* QEMU runs no instruction before */

static bool parse_seconds(const char *text, uint32_t *ret_ms)
{
    char *end;
    double seconds = strtod(text, &end);
    if (*text < '0' || *text > '9' || *end != 0 || !(seconds <= SECONDS_MAX)) {
        return false;
    }
    *ret_ms = (uint32_t)(seconds * 1000.0 + 0.5);
    return true;
}

static bool parse_cut(const char *text, struct emulate_cut *cut)
{
    size_t len = strcspn(text, "+");
    if (text[len] == 0) {
        return parse_seconds(text, &cut->ms);
    }
    if (len == 0 || len >= sizeof cut->event || !emulate_line_knows(text, len)) {
        return false;
    }
    memcpy(cut->event, text, len);
    return parse_seconds(text + len + 1, &cut->ms);
}

int emulate_cuts_add(struct emulate_cuts *cuts, const char *text, uint32_t random_count, uint64_t seed)
{
    struct emulate_cut cut = {.ms = 0};
    bool random = strcmp(text, "random") == 0;
    if (cuts->count == CUTS_MAX || (cuts->total > 0 && random != cuts->random) || (random && cuts->random)) {
        return tool_usage("--power-cut-at: at most %u moments, or `random` once", CUTS_MAX);
    }
    if (random) {
        cuts->random = true;
        cuts->state = seed;
        cuts->total = random_count;
        return 0;
    }
    if (!parse_cut(text, &cut)) {
        return tool_usage("--power-cut-at '%s' is not SECONDS, EVENT+SECONDS (docs/host-board.md has the events) "
                          "or random", text);
    }
    cuts->list[cuts->count++] = cut;
    cuts->total = cuts->count;
    return 0;
}

/* Half a second after something that matters, or any moment of the first seconds; short times
 * are as likely as long ones. */
static struct emulate_cut draw(uint64_t *state)
{
    static const char *const events[] = {"",     "",     "hello",     "start",   "started", "download", "progress",
                                         "swap", "swap", "installing", "trial",  "trial",   "revert",   "confirmed"};
    struct emulate_cut cut = {.ms = 0};
    const char *event = events[sim_random(state) % (sizeof events / sizeof events[0])];
    unsigned bits = (unsigned)(sim_random(state) % (*event ? 10 : 13));
    cut.ms = (uint32_t)(sim_random(state) % (1u << bits)) + (*event ? 0 : START_MS);
    cut.limit_ms = 1000 + (uint32_t)(sim_random(state) % 5000);
    (void)snprintf(cut.event, sizeof cut.event, "%s", event);
    return cut;
}

void emulate_cuts_on(struct emulate_cuts *cuts, uint64_t now_ms)
{
    cuts->on_ms = now_ms;
    cuts->event_ms = 0;
    if (cuts->done < cuts->total) {
        cuts->now = cuts->random ? draw(&cuts->state) : cuts->list[cuts->done];
    }
}

void emulate_cuts_watch(struct emulate_cuts *cuts, const json_t *event, uint64_t now_ms)
{
    bool waits = cuts->done < cuts->total && cuts->now.event[0] && cuts->event_ms == 0;
    if (waits && emulate_line_is(event, cuts->now.event)) {
        cuts->event_ms = now_ms;
    }
}

uint64_t emulate_cuts_due(const struct emulate_cuts *cuts)
{
    const struct emulate_cut *now = &cuts->now;
    if (cuts->done >= cuts->total) {
        return 0;
    }
    uint64_t from = now->event[0] ? cuts->event_ms : cuts->on_ms;
    uint64_t due = from ? from + now->ms : 0;
    uint64_t limit = now->limit_ms ? cuts->on_ms + now->limit_ms : 0;
    return limit && (due == 0 || limit < due) ? limit : due;
}

struct emulate_cut emulate_cuts_made(struct emulate_cuts *cuts)
{
    struct emulate_cut made = cuts->now;
    bool by_limit = made.limit_ms && emulate_cuts_due(cuts) == cuts->on_ms + made.limit_ms;
    if (by_limit) {
        made.event[0] = 0;
        made.ms = made.limit_ms;
    }
    cuts->done++;
    return made;
}
