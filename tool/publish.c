/* SPDX-License-Identifier: Apache-2.0 */
/*
 * publish.c - `otter publish`: an image and its job document, into a folder to be served.
 *
 * The image goes first, under a name that no other content has; then the job document is
 * replaced in one step. A device sees the job before or the job after, and the image that it
 * names is there in both cases. Images of earlier jobs stay: a device may be in the middle
 * of one.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/image_file.h"
#include "tool/print.h"
#include "tool/served_folder.h"

enum { IMAGE_MAX = 256 << 20, JOB_MAX = 1 << 20, NAME_SIZE = 96, HASH_SHOWN = 8 };

struct options {
    char *image, *folder, *key, *job;
    char *message, *manufacturer, *manufacturer_id, *product, *serial, *board;
    char *connection, *server, *prefix, *report;
    int port, poll_seconds, force, as_json;
};

struct release {
    struct tool_bytes bytes;
    struct otter_version version;
    char version_text[TOOL_VERSION_SIZE];
    char sha256[2 * SHA256_DIGEST_LENGTH + 1];
    char name[NAME_SIZE + TOOL_VERSION_SIZE + 32];
    json_int_t sequence;
};

/* "dir/app-1.2.3.bin" with version 1.2.3 becomes "app"; odd characters become '-'. */
static void plain_name(const char *path, const char *version, char ret_name[NAME_SIZE])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    size_t len = dot && dot != base ? (size_t)(dot - base) : strlen(base);
    size_t tail = strlen(version);
    if (len > tail + 1 && strncmp(base + len - tail, version, tail) == 0) {
        len -= tail + 1;
    }
    len = len < NAME_SIZE - 1 ? len : NAME_SIZE - 1;
    for (size_t i = 0; i < len; i++) {
        bool plain = isalnum((unsigned char)base[i]) || base[i] == '_' || base[i] == '-' || base[i] == '.';
        ret_name[i] = plain ? base[i] : '-';
    }
    ret_name[len] = 0;
    if (ret_name[0] == '.' || ret_name[0] == 0) {
        strcpy(ret_name, "image"); /* a dot file would not be served */
    }
}

static int read_image(const struct options *options, struct release *release)
{
    struct tool_key key;
    struct otter_flash flash;
    struct otter_area area;
    struct otter_image image;
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char name[NAME_SIZE];
    int rc = tool_read_file(options->image, IMAGE_MAX, &release->bytes);
    if (rc == 0 && options->key) {
        rc = tool_key_read(options->key, false, &key);
        if (rc == 0) {
            rc = tool_image_accepts(&release->bytes, &key);
            tool_key_free(&key);
        }
    } else if (rc == 0) {
        rc = tool_image_accepts(&release->bytes, NULL);
    }
    if (rc != 0) {
        return rc;
    }
    tool_memory_flash(&release->bytes, &flash, &area);
    struct otter_view view = otter_view_of(&area);
    if (otter_image_parse(&view, &image) != 0) {
        return tool_refuse("'%s' is not a signed image: `otter sign` makes one", options->image);
    }
    release->version = image.version;
    (void)tool_version_text(&image.version, release->version_text);
    SHA256(release->bytes.data, release->bytes.len, hash);
    (void)tool_hex(hash, sizeof hash, release->sha256);
    plain_name(options->image, release->version_text, name);
    snprintf(release->name, sizeof release->name, "%s-%s-%.*s.bin", name, release->version_text,
             HASH_SHOWN, release->sha256);
    for (char *c = release->name; *c; c++) {
        *c = *c == '+' ? '_' : *c; /* some servers read + as a space */
    }
    return 0;
}

/* What the job document in the folder says; a folder without one is fine. */
static int judge_previous(const struct options *options, const char *path, struct release *release)
{
    struct stat st;
    struct tool_bytes bytes = {NULL, 0};
    struct otter_version version;
    release->sequence = 1;
    if (stat(path, &st) != 0 && errno == ENOENT) {
        return 0;
    }
    int rc = tool_read_file(path, JOB_MAX, &bytes);
    if (rc != 0) {
        return rc;
    }
    json_t *job = json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    const char *text = json_string_value(json_object_get(job, "Version"));
    json_int_t sequence = json_integer_value(json_object_get(job, "Sequence"));
    bool parsed = text && tool_version_parse(text, &version);
    bool out_of_room = sequence < 0 || sequence >= (json_int_t)UINT32_MAX;
    release->sequence = out_of_room ? (json_int_t)UINT32_MAX : sequence + 1;
    if (!parsed && !options->force) {
        rc = tool_refuse("'%s' is there but is no job document with a Version: --force replaces it", path);
    } else if (out_of_room) {
        rc = tool_refuse("'%s' has a Sequence that leaves no next one: correct it by hand", path);
    } else if (parsed && !options->force && otter_version_compare(&release->version, &version) <= 0) {
        rc = tool_refuse("'%s' offers version %s already, and devices take only a newer one than %s: raise "
                         "the version (`otter sign --version`), or give --force",
                         path, text, release->version_text);
    }
    json_decref(job);
    tool_bytes_free(&bytes);
    return rc;
}

static void put_text(json_t *job, const char *key, const char *value)
{
    if (value) {
        (void)json_object_set_new(job, key, json_string(value));
    }
}

/* The keys and their order are those of the replaced system's document, then the new ones. */
static char *job_text(const struct options *options, const struct release *release)
{
    char file[512];
    char port[8];
    const char *connection = options->connection ? options->connection : options->server ? "HTTPS" : NULL;
    json_t *job = json_object();
    snprintf(file, sizeof file, "%s/%s", options->prefix ? options->prefix : "", release->name);
    snprintf(port, sizeof port, "%d", options->port);
    put_text(job, "Message", options->message ? options->message : "Update Available");
    put_text(job, "Manufacturer", options->manufacturer);
    put_text(job, "ManufacturerId", options->manufacturer_id);
    put_text(job, "Product", options->product);
    put_text(job, "SerialNumber", options->serial);
    put_text(job, "Board", options->board);
    put_text(job, "Version", release->version_text);
    put_text(job, "Connection", connection);
    put_text(job, "Server", options->server);
    put_text(job, "Port", options->port ? port : NULL);
    put_text(job, "File", file);
    (void)json_object_set_new(job, "Size", json_integer((json_int_t)release->bytes.len));
    put_text(job, "SHA256", release->sha256);
    (void)json_object_set_new(job, "Sequence", json_integer(release->sequence));
    put_text(job, "Report", options->report);
    if (options->poll_seconds > 0) {
        (void)json_object_set_new(job, "PollSeconds", json_integer(options->poll_seconds));
    }
    char *text = json_dumps(job, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(job);
    return text;
}

/* The image first: a job is never there before its image. */
static int write_both(const char *image_path, const char *job_path, const struct release *release,
                      const char *job)
{
    char *lines = NULL;
    int len = job ? asprintf(&lines, "%s\n", job) : -1;
    struct tool_file files[] = {{image_path, release->bytes.data, release->bytes.len, 0644},
                                {job_path, lines, (size_t)len, 0644}};
    int rc = len < 0 ? tool_refuse("out of memory (are all options UTF-8?)") : tool_write_files(files, 2);
    free(lines);
    return rc;
}

static void say(const struct options *options, const struct release *release, const char *path)
{
    if (!options->as_json) {
        printf("%s/%s: version %s, %zu bytes\n%s: job %lld\n", options->folder, release->name,
               release->version_text, release->bytes.len, path, (long long)release->sequence);
        return;
    }
    json_t *said = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I}", "job", path, "image", release->name,
                             "version", release->version_text, "size", (json_int_t)release->bytes.len,
                             "sha256", release->sha256, "sequence", release->sequence);
    (void)json_dumpf(said, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(said);
}

/* A folder that is not there is made; one that is must not hold keys. */
static int ready_folder(const char *folder, bool *ret_made)
{
    int rc = tool_make_folder(folder, ret_made);
    return rc != 0 || *ret_made ? rc : tool_folder_without_keys(folder);
}

static int publish(const struct options *options)
{
    struct release release = {.sequence = 0};
    char *job_path = NULL;
    char *image_path = NULL;
    char *text = NULL;
    bool made = false;
    int rc = read_image(options, &release);
    if (rc == 0) {
        rc = ready_folder(options->folder, &made);
    }
    if (rc == 0 && (asprintf(&job_path, "%s/%s", options->folder,
                             options->job ? options->job : "ota_update.json") < 0 ||
                    asprintf(&image_path, "%s/%s", options->folder, release.name) < 0)) {
        rc = tool_refuse("out of memory");
    }
    if (rc == 0) {
        rc = judge_previous(options, job_path, &release);
    }
    if (rc == 0) {
        text = job_text(options, &release);
        rc = write_both(image_path, job_path, &release, text);
    }
    if (rc == 0) {
        say(options, &release, job_path);
    } else if (made) {
        (void)rmdir(options->folder);
    }
    free(text);
    free(image_path);
    free(job_path);
    tool_bytes_free(&release.bytes);
    return rc;
}

static int check(const struct options *options, const char **args)
{
    if (args[0]) {
        return tool_usage("'%s' is not an option; `otter publish --help` lists them", args[0]);
    }
    if (!options->image || !options->folder) {
        return tool_usage("--image and --folder are needed");
    }
    if (options->job && (strchr(options->job, '/') || options->job[0] == '.' || !options->job[0])) {
        return tool_usage("--job is a file name in the folder, such as ota_update.json");
    }
    if (options->port < 0 || options->port > UINT16_MAX) {
        return tool_usage("--port takes 1 to 65535");
    }
    if (options->poll_seconds < 0) {
        return tool_usage("--poll-seconds takes a number of seconds");
    }
    if (options->prefix && (options->prefix[0] != '/' || options->prefix[strlen(options->prefix) - 1] == '/')) {
        return tool_usage("--prefix starts with '/' and does not end with it, such as /updates");
    }
    if (options->report && options->report[0] && options->report[0] != '/') {
        return tool_usage("--report is a path on the server, such as /report");
    }
    if (options->connection && strcmp(options->connection, "HTTPS") != 0 &&
        strcmp(options->connection, "HTTP") != 0) {
        return tool_usage("--connection is HTTPS or HTTP");
    }
    return 0;
}

static void free_options(struct options *options)
{
    char *const all[] = {options->image, options->folder, options->key, options->job, options->message,
                         options->manufacturer, options->manufacturer_id, options->product,
                         options->serial, options->board, options->connection, options->server,
                         options->prefix, options->report};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

int tool_publish(int argc, const char **argv)
{
    struct options o = {.port = 0};
    const struct poptOption table[] = {
        {"image", 'i', POPT_ARG_STRING, &o.image, 0, "the signed image", "FILE"},
        {"folder", 'f', POPT_ARG_STRING, &o.folder, 0, "the folder to be served", "DIR"},
        {"key", 'k', POPT_ARG_STRING, &o.key, 0, "check the image's signature with this key", "KEY.pem"},
        {"board", 'b', POPT_ARG_STRING, &o.board, 0, "for this board only", "NAME"},
        {"product", 0, POPT_ARG_STRING, &o.product, 0, "for this product only", "NAME"},
        {"manufacturer", 0, POPT_ARG_STRING, &o.manufacturer, 0, "of this manufacturer only", "NAME"},
        {"manufacturer-id", 0, POPT_ARG_STRING, &o.manufacturer_id, 0, "of this manufacturer only", "ID"},
        {"serial", 0, POPT_ARG_STRING, &o.serial, 0, "for this one device only", "NUMBER"},
        {"message", 0, POPT_ARG_STRING, &o.message, 0, "for people who read the job", "TEXT"},
        {"server", 0, POPT_ARG_STRING, &o.server, 0, "the image is fetched from here [where the job is]", "HOST"},
        {"port", 0, POPT_ARG_INT, &o.port, 0, "and from this port", "N"},
        {"connection", 0, POPT_ARG_STRING, &o.connection, 0, "HTTPS or HTTP [as the job; HTTPS with --server]", NULL},
        {"prefix", 0, POPT_ARG_STRING, &o.prefix, 0, "path under which the folder is served [none]", "PATH"},
        {"report", 0, POPT_ARG_STRING, &o.report, 0, "where devices report to; empty: nowhere [/report]", "PATH"},
        {"poll-seconds", 0, POPT_ARG_INT, &o.poll_seconds, 0, "how often devices ask [theirs]", "N"},
        {"job", 0, POPT_ARG_STRING, &o.job, 0, "name of the job document [ota_update.json]", "NAME"},
        {"force", 0, POPT_ARG_NONE, &o.force, 0, "publish a version that is not newer", NULL},
        {"json", 0, POPT_ARG_NONE, &o.as_json, 0, "say what was published as JSON", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("publish", argc, argv, table, "--image IMAGE --folder DIR [option...]", &context, &args,
                     &rc) == 0) {
        rc = check(&o, args);
        rc = rc == 0 ? publish(&o) : rc;
        poptFreeContext(context);
    }
    free_options(&o);
    return rc;
}
