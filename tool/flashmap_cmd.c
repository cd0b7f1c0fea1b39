/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_cmd.c - `otter flashmap check | show | header | kits`.
 */
#include <errno.h>
#include <locale.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/flashmap_kits.h"
#include "tool/flashmap_view.h"
#include "tool/tool.h"

/* What was asked for; strings belong to the popt table and are freed by request_free. */
struct request {
    char *kit, *platform, *mode, *svg, *out, *header_size_text;
    int json, linker;
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

static bool says_utf8(void)
{
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
        }
    }
    return false;
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
        bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
        flashmap_draw(stdout, &map, says_utf8(), colour);
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

static int run_kits(const struct request *request)
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

/* One of check, show, header, kits. */
struct action {
    const char *name;
    int (*run)(const struct request *request);
    int sources_min, sources_max;
};
static const struct action actions[] = {
    {"check", run_check, 1, 1000},
    {"show", run_show, 1, 1},
    {"header", run_header, 1, 1},
    {"kits", run_kits, 0, 0},
};

static const struct action *action_find(const char *name)
{
    for (size_t i = 0; name && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(name, actions[i].name) == 0) {
            return &actions[i];
        }
    }
    return NULL;
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
        return tool_usage("no kit '%s'; `otter flashmap kits` lists them", request->kit);
    }
    if (request->header_size_text &&
        !parse_size(request->header_size_text, &request->header_size)) {
        return tool_usage("--header-size '%s' is not a size such as 0x400",
                          request->header_size_text);
    }
    return TOOL_OK;
}

static int run_action(struct request *request, const char *const *args)
{
    const char *of_kit[2] = {NULL, NULL};
    const struct action *action = action_find(args[0]);
    if (!action) {
        return tool_usage("%s%s%s; one of check, show, header, kits is needed",
                          args[0] ? "no action '" : "no action", args[0] ? args[0] : "",
                          args[0] ? "'" : "");
    }
    int rc = check_request(request);
    if (rc != TOOL_OK) {
        return rc;
    }
    int count = 0;
    while (args[1 + count]) {
        count++;
    }
    request->sources = args + 1;
    if (count == 0 && request->kit && action->sources_max > 0) {
        of_kit[0] = flashmap_kit_find(request->kit)->map;
        request->sources = of_kit;
        count = 1;
    }
    if (count < action->sources_min) {
        return tool_usage("%s: which map? A file, one of the built-in names, or --kit NAME",
                          action->name);
    }
    if (count > action->sources_max) {
        return tool_usage("%s: '%s' is one argument too many", action->name,
                          args[1 + action->sources_max]);
    }
    return action->run(request);
}

int tool_flashmap(int argc, const char **argv)
{
    struct request request = {.header_size = 0x400};
    const struct poptOption table[] = {
        {"kit", 0, POPT_ARG_STRING, &request.kit, 0, "the kit: gives platform and default map",
         "NAME"},
        {"platform", 0, POPT_ARG_STRING, &request.platform, 0,
         "platform by name, or a platform file", "NAME|FILE"},
        {"mode", 0, POPT_ARG_STRING, &request.mode, 0, "swap or overwrite, whatever the map says",
         "MODE"},
        {"svg", 0, POPT_ARG_STRING, &request.svg, 0, "show: draw into this file", "FILE"},
        {"json", 0, POPT_ARG_NONE, &request.json, 0, "check, show, kits: as JSON", NULL},
        {"output", 'o', POPT_ARG_STRING, &request.out, 0, "header: into this file", "FILE"},
        {"linker", 0, POPT_ARG_NONE, &request.linker, 0, "header: a linker fragment", NULL},
        {"header-size", 0, POPT_ARG_STRING, &request.header_size_text, 0,
         "header --linker: image header in front of the code [0x400]", "SIZE"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    if (tool_options("flashmap", argc, argv, table,
                     "check|show|header|kits [option...] MAP.json|NAME...", &context, &args,
                     &rc) == 0) {
        rc = run_action(&request, (const char *const *)args);
        poptFreeContext(context);
    }
    request_free(&request);
    return rc;
}
