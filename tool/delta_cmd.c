/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_cmd.c - `otter delta make | apply | info`.
 *
 * A patch belongs to one base: it names the hash of it, and that of the result. Both are checked
 * here before anything is written; devices check more (docs/spec/90-delta.md).
 */
#include <openssl/evp.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "otter/result.h"
#include "tool/delta.h"
#include "tool/delta_place.h"
#include "tool/delta_show.h"
#include "tool/firmware.h"
#include "tool/print.h"
#include "tool/progress.h"
#include "tool/served_folder.h"
#include "tool/subcommand.h"

struct request {
    struct delta_place place;
    char *output, *filter, *svg;
    int as_json;
};

static void request_free(struct request *request)
{
    char *const all[] = {request->place.address, request->place.map, request->place.board, request->place.elf,
                         request->output, request->filter, request->svg};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        free(all[i]);
    }
}

static void on_progress(void *ctx, uint32_t done, uint32_t total)
{
    progress_show(ctx, done, total);
}

static int read_filter(const char *name, enum delta_filter *ret_filter)
{
    static const char *const names[] = {[DELTA_FILTER_AUTO] = "auto", [DELTA_FILTER_NONE] = "none", [DELTA_FILTER_THUMB] = "thumb"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!name || strcmp(name, names[i]) == 0) {
            *ret_filter = name ? (enum delta_filter)i : DELTA_FILTER_AUTO;
            return 0;
        }
    }
    return tool_usage("--filter '%s': use auto, none or thumb", name);
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat left;
    struct stat right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/* Never over a key, whatever the name says, nor over what it is made from. */
static int check_output(const char *path, const char *const *inputs)
{
    struct tool_bytes before = {NULL, 0};
    struct tool_key_search search = {.found = false};
    for (size_t i = 0; i < 2; i++) {
        if (is_same_file(path, inputs[i])) {
            return tool_usage("--output '%s' is one of the inputs", path);
        }
    }
    struct tool_catch caught = tool_catch_begin(NULL, 0);
    bool there = tool_read_file(path, DELTA_FILE_MAX, &before) == 0;
    tool_catch_end(caught);
    if (there) {
        tool_key_search(&search, before.data, before.len);
    }
    tool_bytes_free(&before);
    return search.found ? tool_refuse("'%s' holds a private key: it is not written over", path) : 0;
}

/* ---- make ---- */
static int make_patch(const struct request *request, const struct delta_file *old, const struct delta_file *new,
                      struct delta_address address)
{
    struct progress progress;
    struct tool_bytes patch = {NULL, 0};
    struct delta_stats stats;
    struct delta_view view;
    struct delta_options options = {.has_address = address.source != DELTA_UNKNOWN, .address = address.value,
                                    .base = old->base, .progress = on_progress, .ctx = &progress};
    int rc = read_filter(request->filter, &options.filter);
    if (rc == 0 && options.filter == DELTA_FILTER_THUMB && !options.has_address) {
        rc = tool_usage("--filter thumb needs to know where the image runs: give --address, --map or --elf");
    }
    if (rc != 0) {
        return rc;
    }
    progress_begin(&progress, new->path);
    rc = delta_make(&old->bytes, &new->bytes, &options, &patch, &stats);
    progress_end(&progress);
    rc = rc == 0 ? tool_write_file(request->output, patch.data, patch.len, 0644) : rc;
    if (rc == 0) {
        delta_view_of(request->output, &patch, &stats, &view);
        view.address_from = delta_source_text(address.source);
        delta_say(&view, request->as_json != 0);
    }
    if (rc == 0 && !request->as_json && patch.len >= new->bytes.len) {
        printf("the patch is no smaller than '%s' itself: send that\n", new->path);
    }
    tool_bytes_free(&patch);
    return rc;
}

static int make(const struct request *request, const char *const *args)
{
    struct delta_file old = {.path = args[0]};
    struct delta_file new = {.path = args[1]};
    struct delta_address told;
    int rc = check_output(request->output, args);
    rc = rc == 0 ? delta_file_read(args[0], DELTA_FILE_BASE, &old) : rc;
    rc = rc == 0 ? delta_file_read(args[1], DELTA_FILE_RESULT, &new) : rc;
    rc = rc == 0 ? delta_place_read(&request->place, &new, &told) : rc;
    if (rc == 0) {
        rc = make_patch(request, &old, &new, delta_address_choose(told, &old, &new));
    }
    delta_file_free(&old);
    delta_file_free(&new);
    return rc;
}

/* ---- apply ---- */
static int read_patch(const char *path, struct tool_bytes *ret_patch, struct otter_delta_header *ret_header)
{
    int rc = tool_read_file(path, DELTA_FILE_MAX, ret_patch);
    if (rc != 0) {
        return rc;
    }
    int err = otter_delta_read_header(ret_patch->data, ret_patch->len, ret_header);
    if (err == OTTER_ERR_REFUSED) {
        return tool_refuse("'%s' is a patch of another kind than this otter knows: take a newer one", path);
    }
    if (err < 0) {
        return tool_refuse("'%s' is no patch: `otter delta make` makes one", path);
    }
    return ret_header->patch_size == ret_patch->len ? 0
               : tool_refuse("'%s' should have %u bytes and has %zu: it was cut short or damaged, fetch it again", path,
                             (unsigned)ret_header->patch_size, ret_patch->len);
}

/* Two facts and what to do. */
static int check_base(const struct otter_delta_header *header, const struct delta_file *old)
{
    char wants[2 * OTTER_DELTA_HASH_SIZE + 1];
    char has[2 * OTTER_DELTA_HASH_SIZE + 1];
    if (memcmp(old->base, header->base, OTTER_DELTA_HASH_SIZE) == 0) {
        return 0;
    }
    return tool_refuse("this patch is for another base: it wants %s (%u bytes), '%s' is %s (%zu bytes); give the file that it was made from",
                       tool_hex(header->base, sizeof header->base, wants), (unsigned)header->base_size, old->path,
                       tool_hex(old->base, OTTER_DELTA_HASH_SIZE, has), old->bytes.len);
}

/* The patch applied, and what came of it compared with what it promised. */
static int apply_checked(const struct delta_file *old, const struct tool_bytes *patch, const struct otter_delta_header *header,
                         struct tool_bytes *ret_result)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    int rc = delta_apply(&old->bytes, patch, ret_result, NULL);
    if (rc == 0 && EVP_Digest(ret_result->data, ret_result->len, hash, NULL, EVP_sha256(), NULL) != 1) {
        rc = tool_refuse("OpenSSL could not hash");
    } else if (rc == 0 && memcmp(hash, header->result, sizeof header->result) != 0) {
        rc = tool_refuse("the patch is damaged: what comes out of it is not what it promises; fetch it again");
    }
    return rc;
}

static int write_result(const char *path, const struct otter_delta_header *header, const struct tool_bytes *result)
{
    const struct tool_part part = {header->address, result->data, result->len};
    return tool_firmware_kind(path) == TOOL_HEX ? tool_hex_write(path, &part, 1)
                                                : tool_write_file(path, result->data, result->len, 0644);
}

static int apply(const struct request *request, const char *const *args)
{
    struct delta_file old = {.path = args[0]};
    struct tool_bytes patch = {NULL, 0};
    struct tool_bytes result = {NULL, 0};
    struct otter_delta_header header;
    int rc = tool_firmware_kind(request->output) == TOOL_ELF
                 ? tool_usage("--output '%s': an ELF file cannot be made; .bin or .hex", request->output) : 0;
    rc = rc == 0 ? check_output(request->output, args) : rc;
    rc = rc == 0 ? read_patch(args[1], &patch, &header) : rc;
    rc = rc == 0 ? delta_file_read(args[0], DELTA_FILE_BASE, &old) : rc;
    rc = rc == 0 ? check_base(&header, &old) : rc;
    rc = rc == 0 ? apply_checked(&old, &patch, &header, &result) : rc;
    rc = rc == 0 ? write_result(request->output, &header, &result) : rc;
    if (rc == 0 && request->as_json) {
        char hash[2 * OTTER_DELTA_HASH_SIZE + 1];
        printf("{\"size\":%zu,\"sha256_begins\":\"%s\"}\n", result.len, tool_hex(header.result, sizeof header.result, hash));
    } else if (rc == 0) {
        printf("%s: %zu bytes, as the patch promised\n", request->output, result.len);
    }
    delta_file_free(&old);
    tool_bytes_free(&patch);
    tool_bytes_free(&result);
    return rc;
}

/* ---- info ---- */
static int write_svg(const char *path, const struct delta_view *view)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        return tool_refuse("out of memory");
    }
    delta_show_svg(out, view);
    int rc = fclose(out) == 0 ? tool_write_file(path, text, len, 0644) : tool_refuse("out of memory");
    free(text);
    return rc;
}

/* Which byte was spent on what only the encoder knows: the patch is made again, and is the same. */
static int look_inside(const char *path, const struct tool_bytes *patch, const struct otter_delta_header *header,
                       const char *old_path, struct delta_view *view)
{
    struct delta_file old = {.path = old_path};
    struct tool_bytes result = {NULL, 0};
    struct tool_bytes again = {NULL, 0};
    struct delta_stats stats;
    struct progress progress;
    int rc = delta_file_read(old_path, DELTA_FILE_BASE, &old);
    rc = rc == 0 ? check_base(header, &old) : rc;
    rc = rc == 0 ? apply_checked(&old, patch, header, &result) : rc;
    if (rc == 0) {
        const struct delta_options options = {.has_address = true, .address = header->address, .base = old.base,
                                              .filter = header->filter == 0 ? DELTA_FILTER_NONE : DELTA_FILTER_THUMB,
                                              .progress = on_progress, .ctx = &progress};
        progress_begin(&progress, path);
        rc = delta_make(&old.bytes, &result, &options, &again, &stats);
        progress_end(&progress);
    }
    bool same = rc == 0 && again.len == patch->len && memcmp(again.data, patch->data, again.len) == 0;
    if (rc == 0) {
        delta_view_of(path, patch, same ? &stats : NULL, view);
    }
    delta_file_free(&old);
    tool_bytes_free(&result);
    tool_bytes_free(&again);
    return rc;
}

static int show_info(const struct request *request, const char *const *args, const struct delta_view *view)
{
    if (request->svg && !view->has_stats) {
        return tool_refuse("'%s' was made by another version of otter: it gives the image, but its bytes cannot be told apart", args[0]);
    }
    int rc = request->svg ? write_svg(request->svg, view) : 0;
    if (rc == 0 && (!request->svg || request->as_json)) {
        delta_say(view, request->as_json != 0);
        if (!view->has_stats && !request->as_json) {
            puts(args[1] ? "  it gives the image, but was made by another version of otter: its bytes cannot be told apart"
                         : "  give the base as well (otter delta info PATCH OLD) to see where the bytes went");
        }
    }
    return rc;
}

static int info(const struct request *request, const char *const *args)
{
    struct tool_bytes patch = {NULL, 0};
    struct otter_delta_header header;
    struct delta_view view;
    int rc = read_patch(args[0], &patch, &header);
    if (rc == 0 && args[1]) {
        rc = look_inside(args[0], &patch, &header, args[1], &view);
    } else if (rc == 0) {
        delta_view_of(args[0], &patch, NULL, &view);
    }
    rc = rc == 0 ? show_info(request, args, &view) : rc;
    tool_bytes_free(&patch);
    return rc;
}

/* ---- options ---- */
static size_t count_of(const char *const *args)
{
    size_t count = 0;
    while (args[count]) {
        count++;
    }
    return count;
}

static int delta_make_options(int argc, const char **argv)
{
    struct request r = {.as_json = 0};
    const struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &r.output, 0, "the patch", "PATCH"},
        {"address", 0, POPT_ARG_STRING, &r.place.address, 0, "where the first byte of the image runs [its header, else guessed]", "A"},
        {"map", 0, POPT_ARG_STRING, &r.place.map, 0, "instead: the primary slot of this flash map", "MAP"},
        {"board", 0, POPT_ARG_STRING, &r.place.board, 0, "with --map: as this emulated board has it", "B"},
        {"elf", 0, POPT_ARG_STRING, &r.place.elf, 0, "instead: as NEW's program was linked", "FILE"},
        {"filter", 0, POPT_ARG_STRING, &r.filter, 0, "auto, none or thumb [auto]", "F"},
        {"json", 0, POPT_ARG_NONE, &r.as_json, 0, "as JSON", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("delta make", argc, argv, table, "OLD NEW --output PATCH [option...]", &context, &args, &rc) == 0) {
        const char *const *words = (const char *const *)args;
        rc = count_of(words) != 2 ? tool_usage("two files are needed: OLD, which devices run, and NEW")
             : !r.output         ? tool_usage("--output PATCH is needed")
                                 : make(&r, words);
        poptFreeContext(context);
    }
    request_free(&r);
    return rc;
}

static int delta_apply_options(int argc, const char **argv)
{
    struct request r = {.as_json = 0};
    const struct poptOption table[] = {
        {"output", 'o', POPT_ARG_STRING, &r.output, 0, "the result, .bin or .hex", "NEW"},
        {"json", 0, POPT_ARG_NONE, &r.as_json, 0, "as JSON", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("delta apply", argc, argv, table, "OLD PATCH --output NEW", &context, &args, &rc) == 0) {
        const char *const *words = (const char *const *)args;
        rc = count_of(words) != 2 ? tool_usage("two files are needed: OLD and PATCH")
             : !r.output         ? tool_usage("--output NEW is needed")
                                 : apply(&r, words);
        poptFreeContext(context);
    }
    request_free(&r);
    return rc;
}

static int delta_info_options(int argc, const char **argv)
{
    struct request r = {.as_json = 0};
    const struct poptOption table[] = {
        {"svg", 0, POPT_ARG_STRING, &r.svg, 0, "draw into this file", "FILE"},
        {"json", 0, POPT_ARG_NONE, &r.as_json, 0, "as JSON", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("delta info", argc, argv, table, "[option...] PATCH [OLD]", &context, &args, &rc) == 0) {
        const char *const *words = (const char *const *)args;
        size_t count = count_of(words);
        rc = count < 1 || count > 2 ? tool_usage("which patch? `otter delta info PATCH [OLD]`")
             : r.svg && count < 2   ? tool_usage("--svg needs the base as well: `otter delta info PATCH OLD --svg=FILE`")
                                    : info(&r, words);
        poptFreeContext(context);
    }
    request_free(&r);
    return rc;
}

int tool_delta(int argc, const char **argv)
{
    static const struct subcommand list[] = {
        {"make", "delta make", delta_make_options, "make a patch: what turns OLD into NEW"},
        {"apply", "delta apply", delta_apply_options, "apply one, with the decoder that devices have"},
        {"info", "delta info", delta_info_options, "show what a patch is for, and where its bytes went"},
        {NULL, NULL, NULL, NULL},
    };
    static const struct subcommands commands = {"delta", "Patches: a new image out of the old one and a few bytes.", list};
    return subcommand_run(&commands, argc, argv);
}
