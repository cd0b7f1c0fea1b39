/* SPDX-License-Identifier: Apache-2.0 */
/* rollout_history.c - what was done to a rollout: one JSON line per change. */
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/job_file.h"
#include "tool/rollout_history.h"

enum { HISTORY_MAX = 64 << 20 };

char *rollout_history_path(const char *folder)
{
    char *path = NULL;
    char *real = realpath(folder, NULL);
    if (!real) {
        (void)tool_refuse("cannot read the folder '%s': %s", folder, strerror(errno));
    } else if (strcmp(real, "/") == 0) {
        (void)tool_refuse("a history beside '/' has no place: --history FILE gives it one");
    } else if (asprintf(&path, "%s.history.jsonl", real) < 0) {
        path = NULL;
        (void)tool_refuse("out of memory");
    }
    free(real);
    return path;
}

static int read_lines(const char *path, char *text, json_t *lines)
{
    size_t number = 0;
    for (char *line = text; *line;) {
        char *end = strchrnul(line, '\n');
        json_t *entry = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
        json_int_t sequence;
        number++;
        if (!json_is_object(entry) || !job_number(entry, "sequence", &sequence)) {
            json_decref(entry);
            return tool_refuse("'%s', line %zu: no JSON object with a sequence; correct or remove the line", path, number);
        }
        (void)json_array_append_new(lines, entry);
        line = *end ? end + 1 : end;
    }
    return 0;
}

int rollout_history_read(const char *path, struct rollout_history *ret_history)
{
    struct stat st;
    struct tool_bytes bytes = {NULL, 0};
    ret_history->lines = json_array();
    if (stat(path, &st) != 0 && errno == ENOENT) {
        return 0;
    }
    int rc = tool_read_file(path, HISTORY_MAX, &bytes);
    if (rc == 0) {
        rc = strlen((char *)bytes.data) == bytes.len
                 ? read_lines(path, (char *)bytes.data, ret_history->lines)
                 : tool_refuse("'%s' is no history: it holds a zero byte", path);
    }
    tool_bytes_free(&bytes);
    if (rc != 0) {
        rollout_history_free(ret_history);
    }
    return rc;
}

void rollout_history_free(struct rollout_history *history)
{
    json_decref(history->lines);
    history->lines = NULL;
}

json_int_t rollout_history_highest(const struct rollout_history *history)
{
    json_int_t highest = 0;
    size_t i;
    json_t *line;
    json_array_foreach(history->lines, i, line) {
        json_int_t sequence = 0;
        highest = job_number(line, "sequence", &sequence) && sequence > highest ? sequence : highest;
    }
    return highest;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : NULL;
}

static json_t *user(const char *who)
{
    const struct passwd *entry = who ? NULL : getpwuid(geteuid());
    json_t *name = json_string(who ? who : entry ? entry->pw_name : NULL);
    return name ? name : json_string("?");
}

static json_t *new_line(const struct rollout_note *note, const char *action, json_int_t sequence)
{
    json_t *line = json_object();
    job_put(line, "time", json_integer(note->now));
    job_put(line, "who", user(note->who));
    job_put(line, "action", json_string(action));
    job_put(line, "sequence", json_integer(sequence));
    return line;
}

static void end_line(struct rollout_history *history, const struct rollout_note *note, json_t *line)
{
    job_put(line, "message", json_string(note->message ? note->message : ""));
    job_put(line, "job", json_string(note->job_name));
    (void)json_array_append_new(history->lines, line);
}

void rollout_history_add(struct rollout_history *history, const struct rollout_note *note, const json_t *job)
{
    struct rollout_view view;
    json_int_t sequence = 0;
    json_t *rollout = job_get(job, "Rollout");
    (void)rollout_view_of(job, note->now, &view);
    (void)job_number(job, "Sequence", &sequence);
    json_t *line = new_line(note, note->action, sequence);
    job_put(line, "version", text_or_null(job_text(job, "Version")));
    job_put(line, "permille", json_integer(view.permille));
    job_put(line, "rings", json_string(view.rings));
    job_put(line, "file", text_or_null(job_text(job, "File")));
    if (rollout) { /* all of it: a halt is undone from here */
        job_put(line, "rollout", json_deep_copy(rollout));
    }
    end_line(history, note, line);
}

void rollout_history_add_failed(struct rollout_history *history, const struct rollout_note *note, json_int_t sequence)
{
    end_line(history, note, new_line(note, "failed", sequence));
}

static bool is_failed(const json_t *line)
{
    const char *action = job_text(line, "action");
    return action && strcmp(action, "failed") == 0;
}

/* The line of this Sequence was taken back by a later one. */
static bool came_to_nothing(const json_t *lines, size_t from, json_int_t sequence)
{
    for (size_t i = from; i < json_array_size(lines); i++) {
        json_int_t its = 0;
        const json_t *line = json_array_get(lines, i);
        if (is_failed(line) && job_number(line, "sequence", &its) && its == sequence) {
            return true;
        }
    }
    return false;
}

static bool is_same(const json_t *line, const char *key, const char *text)
{
    const char *its = job_text(line, key);
    return its && text && strcmp(its, text) == 0;
}

json_int_t rollout_history_standing(const struct rollout_history *history, const char *job_name)
{
    json_int_t highest = 0;
    size_t i;
    json_t *line;
    json_array_foreach(history->lines, i, line) {
        json_int_t sequence = 0;
        if (is_same(line, "job", job_name) && !is_failed(line) && job_number(line, "sequence", &sequence) &&
            sequence > highest && !came_to_nothing(history->lines, i, sequence)) {
            highest = sequence;
        }
    }
    return highest;
}

/* A line of this document and image that came about. */
static bool counts(const json_t *lines, size_t i, const char *job_name, const char *file)
{
    const json_t *line = json_array_get(lines, i);
    json_int_t sequence = 0;
    (void)job_number(line, "sequence", &sequence);
    return is_same(line, "job", job_name) && is_same(line, "file", file) && !is_failed(line) &&
           !came_to_nothing(lines, i, sequence);
}

bool rollout_history_stopped(const struct rollout_history *history, const char *job_name, const json_t *job,
                             struct rollout_stopped *ret_stopped)
{
    int64_t at = 0;
    for (size_t i = json_array_size(history->lines); i-- > 0;) {
        const json_t *line = json_array_get(history->lines, i);
        const char *rings = job_text(line, "rings");
        json_int_t permille = 0;
        json_int_t time = 0;
        if (!counts(history->lines, i, job_name, job_text(job, "File"))) {
            continue;
        }
        if (!job_number(line, "permille", &permille) || permille > 0 || (rings && rings[0])) {
            *ret_stopped = (struct rollout_stopped){job_get(line, "rollout"), at};
            return at > 0;
        }
        at = job_number(line, "time", &time) ? time : at; /* the first of the halts in a row */
    }
    return false;
}

int rollout_history_text(const struct rollout_history *history, char **ret_text)
{
    size_t size = 0;
    size_t i;
    json_t *line;
    FILE *out = open_memstream(ret_text, &size);
    bool good = out != NULL;
    json_array_foreach(history->lines, i, line) {
        good = good && json_dumpf(line, out, JSON_COMPACT | JSON_ENSURE_ASCII) == 0 && fputc('\n', out) != EOF;
    }
    if (out && fclose(out) != 0) {
        good = false;
    }
    return good ? 0 : tool_refuse("out of memory");
}
