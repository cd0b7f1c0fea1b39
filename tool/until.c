/* SPDX-License-Identifier: Apache-2.0 */
/* until.c - conditions that end a run of a device: parsed, then met by events. */
#include <stdlib.h>
#include <string.h>

#include "board/host/script.h"
#include "otter/agent.h"
#include "tool/until.h"
#include "tool/tool.h"

static bool is_outcome(const char *name)
{
    for (int i = OTTER_OUTCOME_NONE; i < OTTER_OUTCOME_COUNT; i++) {
        if (strcmp(name, otter_outcome_str((enum otter_outcome)i)) == 0) {
            return true;
        }
    }
    return false;
}

static bool parse_count(const char *text, uint32_t *ret_count)
{
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != 0 || count == 0 || count > 1000000) {
        return false;
    }
    *ret_count = (uint32_t)count;
    return true;
}

static bool parse_outcome(struct until *until)
{
    char *comma = strchr(until->value, ',');
    if (comma) {
        *comma = 0;
        if (strncmp(comma + 1, "count=", 6) != 0 || !parse_count(comma + 7, &until->count)) {
            return false;
        }
    }
    return is_outcome(until->value);
}

static bool parse_value(struct until *until)
{
    struct otter_version version;
    switch (until->kind) {
    case UNTIL_CONFIRMED:
    case UNTIL_RUNNING:
        return host_version_parse(until->value, &version) == 0;
    case UNTIL_OUTCOME:
        return parse_outcome(until);
    case UNTIL_POLLS:
        return parse_count(until->value, &until->count);
    case UNTIL_REPORTED:
        return true;
    }
    return false;
}

int until_add(struct until_list *list, const char *text)
{
    static const struct {
        const char *before;
        enum until_kind kind;
        const char *value; /* NULL: what follows */
    } forms[] = {
        {"confirmed=", UNTIL_CONFIRMED, NULL}, {"running=", UNTIL_RUNNING, NULL}, {"outcome=", UNTIL_OUTCOME, NULL},
        {"polls=", UNTIL_POLLS, NULL},         {"reported", UNTIL_REPORTED, ""},  {"rejected", UNTIL_OUTCOME, "rejected"},
    };
    if (list->count == UNTIL_MAX) {
        return tool_usage("--until: at most %u conditions", UNTIL_MAX);
    }
    struct until until = {.count = 1};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        size_t len = strlen(forms[i].before);
        bool fits = forms[i].value ? strcmp(text, forms[i].before) == 0 : strncmp(text, forms[i].before, len) == 0;
        const char *value = forms[i].value ? forms[i].value : text + (fits ? len : 0);
        if (!fits || strlen(value) >= sizeof until.value) {
            continue;
        }
        until.kind = forms[i].kind;
        strcpy(until.value, value);
        if (parse_value(&until)) {
            list->until[list->count++] = until;
            return 0;
        }
    }
    return tool_usage("--until '%s' is not one of confirmed=V, running=V, outcome=NAME[,count=N], polls=N, "
                      "reported, rejected (NAME as in docs/spec/50-job.md)",
                      text);
}

static const char *text_of(const json_t *event, const char *key)
{
    const char *value = json_string_value(json_object_get(event, key));
    return value ? value : "";
}

struct sight {
    const char *outcome; /* "" when this event is none */
    bool started, on_trial, reported, poll_ended;
};

/* An emulated board has no line for the start of a check, but one for every end of one. */
static bool ends_poll(const json_t *event)
{
    const char *outcome = text_of(event, "outcome");
    return *text_of(event, "line") && strcmp(outcome, "confirmed") != 0 && strcmp(outcome, "reverted") != 0;
}

static struct sight look(struct until_list *list, const json_t *event)
{
    struct sight sight = {.outcome = ""};
    if (strcmp(text_of(event, "from"), "app") != 0) {
        return sight;
    }
    const char *name = text_of(event, "event");
    if (strcmp(name, "started") == 0) {
        sight.started = true;
        sight.on_trial = json_is_true(json_object_get(event, "on_trial"));
        strncpy(list->running, text_of(event, "version"), sizeof list->running - 1);
        list->polling = false;
    } else if (strcmp(name, "outcome") == 0) {
        sight.outcome = text_of(event, "outcome");
        sight.poll_ended = list->polling || ends_poll(event);
        list->polling = false;
    } else if (strcmp(name, "phase") == 0) {
        list->polling = list->polling || strcmp(text_of(event, "phase"), "job") == 0;
    } else {
        sight.reported = strcmp(name, "reported") == 0;
    }
    return sight;
}

static bool counts(const struct until *until, const struct until_list *list, const struct sight *sight)
{
    switch (until->kind) {
    case UNTIL_CONFIRMED:
        return strcmp(list->running, until->value) == 0 &&
               ((sight->started && !sight->on_trial) || strcmp(sight->outcome, "confirmed") == 0);
    case UNTIL_RUNNING:
        return sight->started && strcmp(list->running, until->value) == 0;
    case UNTIL_OUTCOME:
        return strcmp(sight->outcome, until->value) == 0;
    case UNTIL_REPORTED:
        return sight->reported;
    case UNTIL_POLLS:
        return sight->poll_ended;
    }
    return false;
}

bool until_watch(struct until_list *list, const json_t *event)
{
    struct sight sight = look(list, event);
    if (list->met < list->count) {
        struct until *until = &list->until[list->met];
        until->seen += counts(until, list, &sight) ? 1 : 0;
        list->met += until->seen >= until->count ? 1 : 0;
    }
    return list->count > 0 && list->met == list->count;
}
