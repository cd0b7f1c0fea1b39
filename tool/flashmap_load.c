/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_load.c - from a JSON file to a checked flash map, step by step.
 *
 * A later step runs only when the earlier ones found nothing wrong, except that all
 * mistakes of one kind are listed together.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/flashmap_kits.h"
#include "tool/flashmap_parts.h"
#include "tool/tool.h"

enum { MAP_FILE_MAX = 1 << 20, UNIT_MAX = 512 * 1024 };

/* One load. The trees stay until its end: messages and paths refer to them. */
struct loading {
    const struct flashmap_options *options;
    const struct flashmap_platform *platform;
    json_t *root;
    json_t *platform_file; /* XMC */
    struct flashmap *map;
    struct flashmap_report *report;
    bool unreadable; /* a file could not be read: said already */
};

struct flashmap_area *flashmap_add_area(struct flashmap *map, enum flashmap_role role, uint8_t app,
                                        uint32_t addr, uint32_t size)
{
    static const char *const names[] = {"bootloader", "primary", "secondary",
                                        "scratch",    "status",  "state"};
    if (map->areas_count == FLASHMAP_AREAS_MAX) {
        abort(); /* the dialects cannot name so many */
    }
    struct flashmap_area *area = &map->areas[map->areas_count++];
    *area = (struct flashmap_area){.role = role, .app = app, .addr = addr, .size = size};
    int len = snprintf(area->label, sizeof area->label, "%s", names[role]);
    if (app > 1) {
        (void)snprintf(area->label + len, sizeof area->label - (size_t)len, "_%u", app);
    }
    return area;
}

void flashmap_read_area(json_t *object, const char *path, bool leaves, enum flashmap_role role,
                        struct flashmap *map, struct flashmap_report *report)
{
    static const char *const known[] = {"address", "size", NULL};
    uint32_t addr = 0;
    uint32_t size = 0;
    flashmap_known_keys(object, path, known, report);
    bool has_addr = flashmap_number(object, path, "address", leaves, true, &addr, report);
    if (flashmap_number(object, path, "size", leaves, true, &size, report) && has_addr) {
        struct flashmap_area *area = flashmap_add_area(map, role, 0, addr, size);
        flashmap_path(area->key, sizeof area->key, path, "address");
        flashmap_path(area->size_key, sizeof area->size_key, path, "size");
    }
}

/* A file's name without folders and ".json", for titles and generated names. */
static void set_name(char *ret_name, size_t size, const char *source)
{
    const char *slash = strrchr(source, '/');
    const char *name = slash ? slash + 1 : source;
    size_t len = strlen(name);
    if (len > 5 && strcmp(name + len - 5, ".json") == 0) {
        len -= 5;
    }
    (void)snprintf(ret_name, size, "%.*s", (int)(len < 60 ? len : 60), name);
    for (char *at = ret_name; *at; at++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.", *at)) {
            *at = '_';
        }
    }
}

static bool failed(const struct loading *loading)
{
    return loading->unreadable || loading->report->errors.count > 0;
}

/* How many application_N there are, without gaps; application_5 is an error of its own. */
static uint32_t count_applications(json_t *object, struct flashmap_report *report)
{
    char key[32];
    uint32_t count = 0;
    for (uint32_t app = 1; app <= FLASHMAP_APPS_MAX; app++) {
        (void)snprintf(key, sizeof key, "application_%u", app);
        if (json_object_get(object, key)) {
            if (count + 1 != app) {
                flashmap_error(report, "%s is there, but application_%u is missing", key,
                               count + 1);
            }
            count = app;
        }
    }
    (void)snprintf(key, sizeof key, "application_%u", FLASHMAP_APPS_MAX + 1);
    if (json_object_get(object, key)) {
        flashmap_error(report, "%s: at most %u applications are supported", key, FLASHMAP_APPS_MAX);
    }
    return count > 0 ? count : 1; /* application_1 will be reported as missing */
}

/* Which of the two dialects this is; their other keys at the top. */
static void find_dialect(struct loading *loading)
{
    static const char *const psoc[] = {"external_flash", "boot_and_upgrade", "upgrade",
                                       "state",          "platform",         NULL};
    static const char *const xmc[] = {"bootloader",    "application_1", "application_2",
                                      "application_3", "application_4", "upgrade",
                                      "state",         "platform",      NULL};
    struct flashmap *map = loading->map;
    json_t *object = json_object_get(loading->root, "boot_and_upgrade");
    if (object) {
        map->dialect = FLASHMAP_PSOC;
        flashmap_known_keys(loading->root, "", psoc, loading->report);
        map->apps_count = count_applications(object, loading->report);
    } else if (json_object_get(loading->root, "bootloader")) {
        map->dialect = FLASHMAP_XMC;
        flashmap_known_keys(loading->root, "", xmc, loading->report);
        map->apps_count = count_applications(loading->root, loading->report);
    } else if (json_object_get(loading->root, "memory_regions")) {
        flashmap_error(loading->report, "this is a platform file: give it with --platform");
    } else {
        flashmap_error(
            loading->report,
            "not a flash map: neither boot_and_upgrade (PSoC) nor bootloader (XMC) is there");
    }
}

static bool is_platform_file(const char *text)
{
    size_t len = strlen(text);
    return strchr(text, '/') || (len > 5 && strcmp(text + len - 5, ".json") == 0);
}

/* The smallest PSoC of the replaced system on which the map's internal areas lie. */
static const struct flashmap_platform *guess_psoc(struct loading *loading)
{
    struct flashmap probe = {.apps_count = loading->map->apps_count};
    struct flashmap_report ignored = {{NULL, 0}, {NULL, 0}};
    const struct flashmap_platform *small = flashmap_platform_find("PSOC_062_512K");
    bool fits = true;
    flashmap_psoc_areas(loading->root, &probe, &ignored);
    for (uint32_t i = 0; i < probe.areas_count; i++) {
        uint64_t end = (uint64_t)probe.areas[i].addr + probe.areas[i].size;
        fits = fits &&
               (probe.areas[i].addr >= 0x18000000 || end <= 0x10000000u + small->internal_size);
    }
    flashmap_report_free(&ignored);
    return fits ? small : flashmap_platform_find("PSOC_062_2M");
}

static void platform_unknown(struct loading *loading, const char *name)
{
    char list[128] = "";
    size_t len = 0;
    const struct flashmap_platform *platform = NULL;
    while ((platform = flashmap_platform_next(platform)) != NULL && len < sizeof list) {
        len += (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "",
                                platform->name);
    }
    flashmap_error(loading->report,
                   "platform '%s' is not known; known: %s; or the path of a platform file",
                   flashmap_quote(name).text, list);
}

/* Everything but the devices is as on the XMC that is known by name. */
static void use_platform_file(struct loading *loading)
{
    loading->platform = flashmap_platform_find("XMC7200");
    set_name(loading->map->platform, sizeof loading->map->platform, loading->options->platform);
    if (loading->map->dialect != FLASHMAP_XMC) {
        flashmap_error(loading->report,
                       "the map is written for a PSoC, which has no platform file; "
                       "--platform takes a name here");
    }
}

/* --platform, then --kit, then the map's own key, then a conclusion from the map. */
static void find_platform(struct loading *loading)
{
    const struct flashmap_options *options = loading->options;
    const char *key = flashmap_string(loading->root, "", "platform", false, loading->report);
    const struct flashmap_kit *kit = options->kit ? flashmap_kit_find(options->kit) : NULL;
    const char *name = options->platform ? options->platform : kit ? kit->platform : key;
    if (options->kit && !kit) {
        flashmap_error(loading->report,
                       "kit '%s' is not known; `otter flashmap show --kits` lists them",
                       flashmap_quote(options->kit).text);
        return;
    }
    if (options->platform && is_platform_file(options->platform)) {
        use_platform_file(loading);
        return;
    }
    if (name) {
        loading->platform = flashmap_platform_find(name);
        if (!loading->platform) {
            platform_unknown(loading, name);
            return;
        }
    } else {
        loading->platform = loading->map->dialect == FLASHMAP_XMC
                                ? flashmap_platform_find("XMC7200")
                                : guess_psoc(loading);
    }
    (void)snprintf(loading->map->platform, sizeof loading->map->platform, "%s",
                   loading->platform->name);
    if (loading->platform->dialect != loading->map->dialect) {
        flashmap_error(loading->report, "the map is written for %s, but the platform is %s",
                       loading->map->dialect == FLASHMAP_XMC ? "an XMC" : "a PSoC",
                       loading->platform->name);
    }
}

static void load_platform_file(struct loading *loading)
{
    const char *path = loading->options->platform;
    struct tool_bytes bytes = {NULL, 0};
    if (path && is_platform_file(path)) {
        loading->unreadable = tool_read_file(path, MAP_FILE_MAX, &bytes) != 0;
        if (loading->unreadable) {
            return;
        }
        loading->platform_file =
            flashmap_json((const char *)bytes.data, bytes.len, loading->report);
        tool_bytes_free(&bytes);
    } else {
        const struct flashmap_builtin *builtin = flashmap_builtin_find("xmc7200_platform");
        loading->platform_file = flashmap_json(builtin->text, builtin->len, loading->report);
    }
    if (loading->platform_file) {
        flashmap_xmc_devices(loading->platform_file, loading->map, loading->report);
    }
}

static void read_devices(struct loading *loading)
{
    loading->map->core = loading->platform->core;
    if (loading->map->dialect == FLASHMAP_XMC) {
        load_platform_file(loading);
    } else {
        flashmap_psoc_devices(loading->root, loading->platform, loading->map, loading->report);
    }
}

static void read_state(struct loading *loading)
{
    json_t *state = json_object_get(loading->root, "state");
    if (json_is_object(state)) {
        flashmap_read_area(state, "state", false, FLASHMAP_STATE, loading->map, loading->report);
    } else if (json_is_string(state) && strcmp(json_string_value(state), "trailer") == 0) {
        loading->map->trailers = true;
    } else if (state) {
        flashmap_error(loading->report,
                       "state must be an object with address and size, or \"trailer\"");
    }
}

static void read_areas(struct loading *loading)
{
    if (loading->map->dialect == FLASHMAP_XMC) {
        flashmap_xmc_areas(loading->root, loading->map, loading->report);
    } else {
        flashmap_psoc_areas(loading->root, loading->map, loading->report);
    }
    read_state(loading);
}

/* --mode, then `upgrade`, then: swap if scratch and status are both there, overwrite if
 * neither is. One without the other is a slip in a map that does not say its mode. */
static void find_mode(struct loading *loading)
{
    struct flashmap *map = loading->map;
    const char *key = flashmap_string(loading->root, "", "upgrade", false, loading->report);
    const char *mode = loading->options->mode ? loading->options->mode : key;
    const struct flashmap_area *scratch = flashmap_find(map, FLASHMAP_SCRATCH, 0);
    const struct flashmap_area *status = flashmap_find(map, FLASHMAP_STATUS, 0);
    if (key && strcmp(key, "swap") != 0 && strcmp(key, "overwrite") != 0) {
        flashmap_error(loading->report, "upgrade '%s' is not known; known: swap, overwrite",
                       flashmap_quote(key).text);
        return;
    }
    map->mode_by_key = mode != NULL;
    map->mode = scratch ? OTTER_MODE_SWAP : OTTER_MODE_OVERWRITE;
    if (mode) {
        map->mode = strcmp(mode, "swap") == 0 ? OTTER_MODE_SWAP : OTTER_MODE_OVERWRITE;
    } else if (!failed(loading) && (scratch == NULL) != (status == NULL)) {
        const struct flashmap_area *there = scratch ? scratch : status;
        flashmap_error(loading->report,
                       "there is a %s area (%s), but no %s area: a swap needs both, an overwrite "
                       "neither; or say which with \"upgrade\": \"swap\" or \"overwrite\"",
                       there->label, there->key, scratch ? "status" : "scratch");
    }
    for (uint32_t i = 0; i < map->areas_count; i++) {
        if (map->areas[i].role == FLASHMAP_SCRATCH && map->mode == OTTER_MODE_SWAP) {
            map->scratch = (int)i;
        }
    }
}

static void load_steps(struct loading *loading)
{
    find_dialect(loading);
    if (!failed(loading)) {
        find_platform(loading);
    }
    if (!failed(loading)) {
        read_devices(loading);
        read_areas(loading);
        find_mode(loading);
    }
    if (!failed(loading)) {
        flashmap_place(loading->map, loading->report);
    }
    if (!failed(loading)) {
        flashmap_check_areas(loading->map, loading->report);
        flashmap_check_journal(loading->map, loading->platform, loading->report);
    }
    if (!failed(loading)) {
        flashmap_check_geometry(loading->map, loading->report);
    }
    if (!failed(loading)) {
        flashmap_advise(loading->map, loading->report);
    }
}

int flashmap_parse(const char *name, const char *text, size_t len,
                   const struct flashmap_options *options, struct flashmap *ret_map,
                   struct flashmap_report *report)
{
    static const struct flashmap_options none = {NULL, NULL, NULL};
    struct loading loading = {
        .options = options ? options : &none, .map = ret_map, .report = report};
    *ret_map = (struct flashmap){.journal = -1, .scratch = -1, .unit_max = UNIT_MAX};
    set_name(ret_map->name, sizeof ret_map->name, name);
    loading.root = flashmap_json(text, len, report);
    if (loading.root) {
        load_steps(&loading);
    }
    if (!failed(&loading)) {
        flashmap_hash(ret_map);
    }
    json_decref(loading.root);
    json_decref(loading.platform_file);
    return failed(&loading) ? TOOL_REFUSED : TOOL_OK;
}

/* A bare word that is no file was meant as a built-in map's name. */
static bool meant_as_name(const char *source)
{
    return *source && !is_platform_file(source) && access(source, F_OK) != 0;
}

static int refuse_name(const char *source)
{
    char list[256] = "";
    size_t len = 0;
    for (const struct flashmap_builtin *map = flashmap_builtins; map->name; map++) {
        if (!strstr(map->name, "_platform") && len < sizeof list) {
            len +=
                (size_t)snprintf(list + len, sizeof list - len, "%s%s", len ? ", " : "", map->name);
        }
    }
    return tool_refuse("'%.64s' is neither a file nor a built-in map; built-in: %s", source, list);
}

int flashmap_load(const char *source, const struct flashmap_options *options,
                  struct flashmap *ret_map, struct flashmap_report *report)
{
    const struct flashmap_builtin *builtin = flashmap_builtin_find(source);
    if (builtin) {
        return flashmap_parse(builtin->name, builtin->text, builtin->len, options, ret_map, report);
    }
    struct tool_bytes bytes = {NULL, 0};
    *ret_map = (struct flashmap){.journal = -1, .scratch = -1};
    int rc =
        meant_as_name(source) ? refuse_name(source) : tool_read_file(source, MAP_FILE_MAX, &bytes);
    if (rc == 0) {
        rc = flashmap_parse(source, (const char *)bytes.data, bytes.len, options, ret_map, report);
    }
    tool_bytes_free(&bytes);
    return rc;
}

int flashmap_open(const char *source, const struct flashmap_options *options,
                  struct flashmap *ret_map)
{
    struct flashmap_report report = {{NULL, 0}, {NULL, 0}};
    int rc = flashmap_load(source, options, ret_map, &report);
    for (uint32_t i = 0; i < report.errors.count; i++) {
        (void)tool_refuse("%s: %s", source, report.errors.line[i]);
    }
    flashmap_report_free(&report);
    return rc;
}
