/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - events of a running device: told, appended to a file, held against conditions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "board/host/board.h"
#include "tool/tool.h"
#include "tool/watch.h"

void watch_table(struct watch *watch, struct poptOption table[WATCH_OPTIONS])
{
    const struct poptOption options[] = {
        {"until", 0, POPT_ARG_ARGV, &watch->until_texts, 0,
         "end when this is so, exit 0: confirmed=V, running=V, outcome=NAME[,count=N], polls=N, reported, rejected; "
         "given several times: one after the other",
         "WHAT"},
        {"timeout", 0, POPT_ARG_DOUBLE, &watch->timeout_s, 0, "end after so many seconds [never]", "S"},
        {"log", 0, POPT_ARG_STRING, &watch->log_text, 0,
         "how much is told: quiet, errors, normal, all; or for each of board, boot, app [normal]", "LEVEL | WHO=LEVEL,..."},
        {"json", 0, POPT_ARG_NONE, &watch->json, 0, "one JSON object per event", NULL},
        {"events", 0, POPT_ARG_STRING, &watch->events_path, 0, "append the JSON events to this file as well", "FILE"},
        POPT_TABLEEND,
    };
    _Static_assert(sizeof options == WATCH_OPTIONS * sizeof options[0], "watch.h says how many");
    memcpy(table, options, sizeof options);
}

int watch_check(struct watch *watch)
{
    if (watch->timeout_s < 0 || watch->timeout_s > 4000000) {
        return tool_usage("--timeout %g is not a number of seconds", watch->timeout_s);
    }
    story_begin(&watch->story);
    if (watch->log_text && !story_set_levels(&watch->story, watch->log_text)) {
        return tool_usage("--log '%s' is not LEVEL or board=LEVEL,boot=LEVEL,app=LEVEL with "
                          "quiet, errors, normal or all", watch->log_text);
    }
    int rc = 0;
    for (const char **text = watch->until_texts; rc == 0 && text && *text; text++) {
        rc = until_add(&watch->until, *text);
    }
    return rc;
}

int watch_begin(struct watch *watch, bool overwrite)
{
    watch->story.overwrite = overwrite;
    watch->started_ms = host_clock_ms();
    if (!watch->events_path) {
        return 0;
    }
    watch->events = fopen(watch->events_path, "ae");
    return watch->events ? 0 : tool_refuse("cannot write '%s': %s", watch->events_path, strerror(errno));
}

void watch_end(struct watch *watch)
{
    tool_list_free(watch->until_texts);
    free(watch->log_text);
    free(watch->events_path);
    if (watch->events) {
        (void)fclose(watch->events);
    }
}

static void write_json(FILE *out, const json_t *event)
{
    char *line = json_dumps(event, JSON_COMPACT);
    fprintf(out, "%s\n", line ? line : "{}");
    (void)fflush(out);
    free(line);
}

bool watch_tell(struct watch *watch, json_t *event)
{
    (void)json_object_set_new(event, "t", json_integer((json_int_t)(host_clock_ms() - watch->started_ms)));
    if (watch->events) {
        write_json(watch->events, event);
    }
    if (watch->json) {
        write_json(stdout, event);
    } else {
        story_tell(&watch->story, event);
    }
    bool met = until_watch(&watch->until, event);
    json_decref(event);
    return met;
}

int watch_timed_out(const struct watch *watch)
{
    return watch->until.count > 0 ? tool_refuse("--until was not met within %.1f s", watch->timeout_s) : TOOL_OK;
}

int watch_stopped(const struct watch *watch)
{
    return watch->until.count > 0 ? TOOL_REFUSED : TOOL_OK;
}
