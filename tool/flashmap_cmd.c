/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_cmd.c - `otter flashmap check | show | header`.
 */
#include <errno.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/board.h"
#include "tool/flashmap_kits.h"
#include "tool/flashmap_view.h"
#include "tool/subcommand.h"
#include "tool/terminal.h"
#include "tool/tool.h"

/* What was asked for; strings belong to the popt table and are freed by request_free. */
struct request {
    char *kit, *platform, *mode, *svg, *out, *header_size_text, *board;
    int json, linker, kits;
    uint32_t header_size;
    const char *const *sources; /* NULL-terminated */
};

static void request_free(struct request *request)
{
    free(request->kit);
    free(request->platform);
    free(request->mode);
    free(request->svg);
    free(request->out);
    free(request->header_size_text);
    free(request->board);
}

static struct flashmap_options options_of(const struct request *request)
{
    return (struct flashmap_options){request->kit, request->platform, request->mode};
}

static int print_json(json_t *object)
{
    int rc = json_dumpf(object, stdout, JSON_INDENT(2));
    json_decref(object);
    putchar('\n');
    return rc == 0 ? TOOL_OK : tool_refuse("cannot write JSON: %s", strerror(errno));
}

static void print_notes(const struct flashmap_report *report)
{
    for (uint32_t i = 0; i < report->notes.count; i++) {
        printf("  note: %s\n", report->notes.line[i]);
    }
}

static void print_errors(const char *source, const struct flashmap_report *report)
{
    for (uint32_t i = 0; i < report->errors.count; i++) {
        (void)tool_refuse("%s: %s", source, report->errors.line[i]);
    }
}

static int check_one(const char *source, const struct request *request)
{
    struct flashmap map;
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    struct flashmap_options options = options_of(request);
    int rc = flashmap_load(source, &options, &map, &report);
    bool readable = rc == 0 || report.errors.count > 0;
    if (request->json && readable) {
        (void)print_json(flashmap_to_json(&map, &report));
    } else if (rc == 0) {
        printf("%s: good: %s, %s, images up to %s bytes (0x%X), hash %s\n", source, map.platform,
               map.mode == OTTER_MODE_SWAP ? "swap" : "overwrite",
               flashmap_count_text(map.geometry[0].image_size_max).text,
               map.geometry[0].image_size_max, flashmap_hash_text(&map, 16).text);
        print_notes(&report);
    } else {
        print_errors(source, &report);
    }
    flashmap_report_free(&report);
    return rc;
}

static int run_check(const struct request *request)
{
    int worst = TOOL_OK;
    for (const char *const *source = request->sources; *source; source++) {
        int rc = check_one(*source, request);
        worst = rc > worst ? rc : worst;
    }
    return worst;
}

/* Text made by `write` goes to the file, whole or not at all. */
static int write_made(const char *path, void (*write)(FILE *, const struct flashmap *, uint32_t),
                      const struct flashmap *map, uint32_t value)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        return tool_refuse("out of memory");
    }
    write(out, map, value);
    int rc = fclose(out) == 0 ? TOOL_OK : tool_refuse("out of memory");
    if (rc == TOOL_OK && path) {
        rc = tool_write_file(path, text, len, 0644);
    } else if (rc == TOOL_OK && (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)) {
        rc = tool_refuse("cannot write to standard output: %s", strerror(errno));
    }
    free(text);
    return rc;
}

static void make_svg(FILE *out, const struct flashmap *map, uint32_t unused)
{
    (void)unused;
    flashmap_draw_svg(out, map);
}

static void make_header(FILE *out, const struct flashmap *map, uint32_t unused)
{
    (void)unused;
    flashmap_write_header(out, map);
}

static int run_show(const struct request *request)
{
    struct flashmap map;
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    struct flashmap_options options = options_of(request);
    int rc = flashmap_load(request->sources[0], &options, &map, &report);
    if (rc != 0) {
        print_errors(request->sources[0], &report);
    } else if (request->json) {
        rc = print_json(flashmap_to_json(&map, &report));
    } else if (!request->svg) {
        flashmap_draw(stdout, &map, terminal_has_utf8(), terminal_has_colour());
        print_notes(&report);
    }
    if (rc == 0 && request->svg) {
        rc = write_made(request->svg, make_svg, &map, 0);
    }
    flashmap_report_free(&report);
    return rc;
}

static int run_header(const struct request *request)
{
    struct flashmap map;
    struct flashmap_options options = options_of(request);
    int rc = flashmap_open(request->sources[0], &options, &map);
    if (rc == 0 && request->board) {
        rc = board_place(board_by_name(request->board), &map);
    }
    if (rc != 0) {
        return rc;
    }
    if (request->linker && request->header_size >= map.geometry[0].image_size_max) {
        return tool_refuse("--header-size 0x%X leaves no room in an image of 0x%X bytes",
                           request->header_size, map.geometry[0].image_size_max);
    }
    return write_made(request->out, request->linker ? flashmap_write_linker : make_header, &map,
                      request->header_size);
}

static json_t *kit_json(const struct flashmap_kit *kit, const char *board)
{
    json_t *maps = json_array();
    (void)json_array_append_new(maps, json_string(kit->map));
    if (kit->other_map) {
        (void)json_array_append_new(maps, json_string(kit->other_map));
    }
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s}", "target", kit->target, "board", board,
                     "platform", kit->platform, "map", kit->map, "maps", maps, "mcu", kit->mcu,
                     "wifi", kit->wifi);
}

static int show_kits(const struct request *request)
{
    json_t *list = json_array();
    const char *platform = "";
    for (const struct flashmap_kit *kit = flashmap_kits; kit->target; kit++) {
        char board[64];
        flashmap_kit_board(kit, board, sizeof board);
        (void)json_array_append_new(list, kit_json(kit, board));
        if (request->json) {
            continue;
        }
        if (strcmp(platform, kit->platform) != 0) {
            platform = kit->platform;
            printf("%s%s, %s: %s%s%s\n", kit == flashmap_kits ? "" : "\n", platform, kit->mcu,
                   kit->map, kit->other_map ? " or " : "", kit->other_map ? kit->other_map : "");
        }
        printf("  %-34s Board %s\n", kit->target, board);
    }
    if (request->json) {
        return print_json(list);
    }
    json_decref(list);
    return TOOL_OK;
}

/* A size in C notation. */
static bool parse_size(const char *text, uint32_t *ret_size)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-' || value == 0 || value > UINT32_MAX) {
        return false;
    }
    *ret_size = (uint32_t)value;
    return true;
}

static int check_request(struct request *request)
{
    if (request->mode && strcmp(request->mode, "swap") != 0 &&
        strcmp(request->mode, "overwrite") != 0) {
        return tool_usage("--mode is swap or overwrite, not '%s'", request->mode);
    }
    if (request->kit && !flashmap_kit_find(request->kit)) {
        return tool_usage("no kit '%s'; `otter flashmap show --kits` lists them", request->kit);
    }
    if (request->board && !board_by_name(request->board)) {
        return tool_usage("no board '%s'; known: qemu-psoc62, qemu-xmc7200", request->board);
    }
    if (request->header_size_text &&
        !parse_size(request->header_size_text, &request->header_size)) {
        return tool_usage("--header-size '%s' is not a size such as 0x400",
                          request->header_size_text);
    }
    return TOOL_OK;
}

/* The maps named on the command line, else the kit's; then the action itself. */
static int run_on_maps(struct request *request, const char *const *args, bool several,
                       int (*run)(const struct request *))
{
    const char *of_kit[2] = {NULL, NULL};
    int rc = check_request(request);
    if (rc != TOOL_OK) {
        return rc;
    }
    request->sources = args;
    if (!args[0] && request->kit) {
        of_kit[0] = flashmap_kit_find(request->kit)->map;
        request->sources = of_kit;
    }
    if (!request->sources[0]) {
        return tool_usage("which map? A file, one of the built-in names, or --kit NAME; "
                          "`otter flashmap show --kits` lists kits and maps");
    }
    if (request->sources[1] && !several) {
        return tool_usage("one map at a time: '%s' is too many", request->sources[1]);
    }
    return run(request);
}

#define MAP_OPTIONS(request)                                                                       \
    {"kit", 0, POPT_ARG_STRING, &(request)->kit, 0, "the kit: gives platform and default map",     \
     "NAME"},                                                                                      \
        {"platform",           0, POPT_ARG_STRING,                                                 \
         &(request)->platform, 0, "platform by name, or a platform file",                          \
         "NAME|FILE"},                                                                             \
        {"mode",                                                                                   \
         0,                                                                                        \
         POPT_ARG_STRING,                                                                          \
         &(request)->mode,                                                                         \
         0,                                                                                        \
         "swap or overwrite, whatever the map says",                                               \
         "MODE"}

static int flashmap_check(int argc, const char **argv)
{
    struct request request = {.header_size = 0};
    const struct poptOption table[] = {
        MAP_OPTIONS(&request),
        {"json", 0, POPT_ARG_NONE, &request.json, 0, "as JSON, one object per map", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("flashmap check", argc, argv, table, "[option...] MAP.json|NAME...", &context,
                     &args, &rc) == 0) {
        rc = run_on_maps(&request, (const char *const *)args, true, run_check);
        poptFreeContext(context);
    }
    request_free(&request);
    return rc;
}

static int flashmap_show(int argc, const char **argv)
{
    struct request request = {.header_size = 0};
    const struct poptOption table[] = {
        MAP_OPTIONS(&request),
        {"svg", 0, POPT_ARG_STRING, &request.svg, 0, "draw into this file", "FILE"},
        {"json", 0, POPT_ARG_NONE, &request.json, 0, "as JSON", NULL},
        {"kits", 0, POPT_ARG_NONE, &request.kits, 0, "list kits, their maps and Board strings",
         NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("flashmap show", argc, argv, table, "[option...] MAP.json|NAME", &context,
                     &args, &rc) == 0) {
        rc = request.kits && !args[0]
                 ? show_kits(&request)
                 : run_on_maps(&request, (const char *const *)args, false, run_show);
        poptFreeContext(context);
    }
    request_free(&request);
    return rc;
}

static int flashmap_header(int argc, const char **argv)
{
    struct request request = {.header_size = 0x400};
    const struct poptOption table[] = {
        MAP_OPTIONS(&request),
        {"output", 'o', POPT_ARG_STRING, &request.out, 0, "into this file", "FILE"},
        {"linker", 0, POPT_ARG_NONE, &request.linker, 0, "a GNU linker fragment", NULL},
        {"header-size", 0, POPT_ARG_STRING, &request.header_size_text, 0,
         "with --linker: image header in front of the code [0x400]", "SIZE"},
        {"board", 0, POPT_ARG_STRING, &request.board, 0, "with the addresses of an emulated board", "NAME"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("flashmap header", argc, argv, table, "[option...] MAP.json|NAME", &context,
                     &args, &rc) == 0) {
        rc = run_on_maps(&request, (const char *const *)args, false, run_header);
        poptFreeContext(context);
    }
    request_free(&request);
    return rc;
}

int tool_flashmap(int argc, const char **argv)
{
    static const struct subcommand list[] = {
        {"check", "flashmap check", flashmap_check, "say whether flash maps are good, or all that is wrong"},
        {"show", "flashmap show", flashmap_show, "draw a flash map; list the kits"},
        {"header", "flashmap header", flashmap_header, "make the C header or the linker fragment of a map"},
        {NULL, NULL, NULL, NULL},
    };
    static const struct subcommands commands = {"flashmap", "Flash maps: what lies where.", list};
    return subcommand_run(&commands, argc, argv);
}
