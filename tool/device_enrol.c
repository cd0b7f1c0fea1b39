/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_enrol.c - `otter device enrol`: a token for each device, or none any more.
 *
 * A token is shown once, here; the database keeps its hash only.
 */
#include <openssl/crypto.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool/device.h"
#include "tool/fleet_record.h"
#include "tool/tool.h"

enum { LINES_MAX = 64 << 20 };

struct options {
    char *database, *out, *ring, *list;
    int revoke;
};

/* ---- the text that is printed or written ---- */
struct text {
    char *bytes;
    size_t len, room;
};

static bool add_line(struct text *text, const char *device, const char *token)
{
    size_t need = strlen(device) + strlen(token) + 3;
    if (text->len + need > text->room) {
        size_t room = 2 * (text->room + need);
        char *bytes = realloc(text->bytes, room);
        if (!bytes) {
            return false;
        }
        text->bytes = bytes;
        text->room = room;
    }
    text->len += (size_t)snprintf(text->bytes + text->len, need, "%s %s\n", device, token);
    return true;
}

static int judge(struct db *db, enum db_result result)
{
    return result == DB_OK ? 0 : tool_refuse("the database %s: %s; nothing was changed", db_name(db), db_why(db));
}

static int enrol(struct db *db, const struct options *options, const char *device, struct text *text)
{
    char token[FLEET_TOKEN_SIZE];
    bool known = false;
    if (!fleet_is_name(device) || strchr(device, ' ')) {
        return tool_refuse("'%s' is no device name: 1 to 64 bytes, no spaces or control characters; nothing was changed",
                           device);
    }
    if (options->revoke) {
        int rc = judge(db, fleet_revoke(db, device, time(NULL), &known));
        return rc == 0 && !known ? tool_refuse("no device '%s' in the database; nothing was changed", device) : rc;
    }
    if (!fleet_token_make(token)) {
        return tool_refuse("no random numbers to be had");
    }
    int rc = judge(db, fleet_enrol(db, device, options->ring, token, time(NULL)));
    if (rc == 0 && !add_line(text, device, token)) {
        rc = tool_refuse("out of memory");
    }
    OPENSSL_cleanse(token, sizeof token);
    return rc;
}

/* A name per line; empty lines do not count. */
static int enrol_list(struct db *db, const struct options *options, struct text *text)
{
    struct tool_bytes bytes = {NULL, 0};
    char *rest = NULL;
    int rc = tool_read_file(options->list, LINES_MAX, &bytes);
    if (rc != 0) {
        return rc;
    }
    for (char *line = strtok_r((char *)bytes.data, "\r\n", &rest); line && rc == 0; line = strtok_r(NULL, "\r\n", &rest)) {
        rc = enrol(db, options, line, text);
    }
    tool_bytes_free(&bytes);
    return rc;
}

static int by_line(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Of two tokens of one device only the later one would be good, and nobody could tell which that is. */
static int refuse_twice(struct text *text)
{
    size_t count = 0, at = 0;
    for (size_t i = 0; i < text->len; i++) {
        count += text->bytes[i] == '\n';
    }
    const char **names = malloc((count + 1) * sizeof *names);
    if (!names) {
        return tool_refuse("out of memory");
    }
    for (char *line = text->bytes; at < count; line = strchr(line, 0) + 1 + FLEET_TOKEN_SIZE) {
        names[at++] = line;
        *strchr(line, ' ') = 0; /* until the names are compared */
    }
    qsort(names, count, sizeof *names, by_line);
    int rc = 0;
    for (size_t i = 1; i < count && rc == 0; i++) {
        rc = strcmp(names[i - 1], names[i]) == 0 ? tool_refuse("'%s' is named twice; nothing was changed", names[i]) : 0;
    }
    for (size_t i = 0; i < count; i++) {
        *strchr((char *)(uintptr_t)names[i], 0) = ' ';
    }
    free(names);
    return rc;
}

/* The tokens are in safety before the database knows them: after a full disk none is lost. */
static int hand_out(const struct options *options, const struct text *text)
{
    if (options->revoke) {
        return 0;
    }
    if (options->out) {
        return tool_write_file(options->out, text->len > 0 ? text->bytes : "", text->len, 0600);
    }
    bool written = fwrite(text->bytes, 1, text->len, stdout) == text->len && fflush(stdout) == 0;
    return written ? 0 : tool_refuse("cannot write to stdout; nothing was changed");
}

static int run(const struct options *options, const char **devices)
{
    struct db *db = NULL;
    struct text text = {NULL, 0, 0};
    int rc = db_open(options->database, &db);
    if (rc != 0) {
        return rc;
    }
    rc = judge(db, db_begin(db));
    for (; *devices && rc == 0; devices++) {
        rc = enrol(db, options, *devices, &text);
    }
    if (rc == 0 && options->list) {
        rc = enrol_list(db, options, &text);
    }
    rc = rc ? rc : refuse_twice(&text);
    rc = rc ? rc : hand_out(options, &text);
    if (rc == 0) {
        rc = judge(db, db_commit(db));
    } else {
        db_rollback(db);
    }
    if (text.bytes) {
        OPENSSL_cleanse(text.bytes, text.len);
    }
    free(text.bytes);
    db_close(db);
    return rc;
}

static int check(const struct options *options, const char **devices)
{
    if (!devices[0] && !options->list) {
        return tool_usage("which devices? name them, or --list FILE with a name per line");
    }
    if (!options->database) {
        return tool_usage("--database is needed: the one that `otter serve` has");
    }
    return options->revoke && (options->out || options->ring) ? tool_usage("--revoke makes no tokens: no --out, no --ring")
                                                              : 0;
}

int device_enrol(int argc, const char **argv)
{
    struct options o = {.database = NULL};
    const struct poptOption table[] = {
        {"database", 'd', POPT_ARG_STRING, &o.database, 0, "that of `otter serve`: a file, or a postgresql:// URL", "DB"},
        {"list", 'l', POPT_ARG_STRING, &o.list, 0, "names of devices, one per line", "FILE"},
        {"out", 'o', POPT_ARG_STRING, &o.out, 0, "where the lines 'NAME TOKEN' go, for the owner only [stdout]", "FILE"},
        {"ring", 'r', POPT_ARG_STRING, &o.ring, 0, "note that they belong to this ring", "NAME"},
        {"revoke", 0, POPT_ARG_NONE, &o.revoke, 0, "their tokens count no more, their reports are refused", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("device enrol", argc, argv, table, "NAME... --database DB [option...]", &context, &args, &rc) == 0) {
        rc = check(&o, args);
        rc = rc == 0 ? run(&o, args) : rc;
        poptFreeContext(context);
    }
    free(o.database);
    free(o.out);
    free(o.ring);
    free(o.list);
    return rc;
}
