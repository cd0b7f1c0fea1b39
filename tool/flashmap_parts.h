/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_parts.h - what the files behind flashmap.h share, and nobody else needs.
 */
#ifndef OTTER_TOOL_FLASHMAP_PARTS_H
#define OTTER_TOOL_FLASHMAP_PARTS_H

#include <jansson.h>

#include "tool/flashmap.h"

/* Messages: whole sentences without the file's name, which the printer puts in front. */
void flashmap_error(struct flashmap_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void flashmap_note(struct flashmap_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Text from a file made short and printable, for a message. */
struct flashmap_quoted {
    char text[48];
};
struct flashmap_quoted flashmap_quote(const char *text);

/* JSON text to a tree; NULL after an error was reported. */
json_t *flashmap_json(const char *text, size_t len, struct flashmap_report *report);

/* Report every key of `object` that is not in the NULL-terminated list. */
void flashmap_known_keys(const json_t *object, const char *path, const char *const *known,
                         struct flashmap_report *report);

/* object[key] must be an object; NULL after an error (missing, if required, or another type). */
json_t *flashmap_object(json_t *object, const char *path, const char *key, bool required,
                        struct flashmap_report *report);

/* A leaf as a string: plain, or (leaves = true) {"description", "value"}. NULL: absent or bad. */
const char *flashmap_string(json_t *object, const char *path, const char *key, bool leaves,
                            struct flashmap_report *report);

/* A leaf as a 32-bit number written in hex. false: absent or bad; an error is reported
 * when it is bad, or absent though required. */
bool flashmap_number(json_t *object, const char *path, const char *key, bool leaves, bool required,
                     uint32_t *ret_value, struct flashmap_report *report);

/* "a.b" from "a" and "b"; cut at size. */
void flashmap_path(char *path, size_t size, const char *parent, const char *key);

/* Add an area; silently drops what does not fit FLASHMAP_AREAS_MAX (the dialects cannot). */
struct flashmap_area *flashmap_add_area(struct flashmap *map, enum flashmap_role role, uint8_t app,
                                        uint32_t addr, uint32_t size);

/* What the replaced tools know by name. */
struct flashmap_platform {
    const char *name;
    enum flashmap_dialect dialect;
    const char *core;
    uint32_t internal_size;          /* PSoC only; XMC has a platform file */
    uint32_t state_addr, state_size; /* where a journal goes when the map has no place for one */
};
const struct flashmap_platform *flashmap_platform_find(const char *name);
const struct flashmap_platform *flashmap_platform_next(const struct flashmap_platform *platform);

/* The PSoC dialect's devices, and the XMC dialect's from a platform file's JSON. */
void flashmap_psoc_devices(json_t *root, const struct flashmap_platform *platform,
                           struct flashmap *map, struct flashmap_report *report);
void flashmap_xmc_devices(json_t *root, struct flashmap *map, struct flashmap_report *report);

/* The dialects' areas. */
void flashmap_psoc_areas(json_t *root, struct flashmap *map, struct flashmap_report *report);
void flashmap_xmc_areas(json_t *root, struct flashmap *map, struct flashmap_report *report);

/* Read one {address, size} object into an area. */
void flashmap_read_area(json_t *object, const char *path, bool leaves, enum flashmap_role role,
                        struct flashmap *map, struct flashmap_report *report);

/* Put every area on its device; then every rule that concerns areas alone. */
void flashmap_place(struct flashmap *map, struct flashmap_report *report);
void flashmap_check_areas(const struct flashmap *map, struct flashmap_report *report);

/* A place for the journal, its cells and halves. */
void flashmap_check_journal(struct flashmap *map, const struct flashmap_platform *platform,
                            struct flashmap_report *report);

/* The lowest free place of `size` bytes at or above `from` (device offsets, whole sectors). */
bool flashmap_find_gap(const struct flashmap *map, uint32_t index, uint32_t from, uint32_t size,
                       uint32_t *ret_base);

/* Boundaries, largest image, swap unit. */
void flashmap_check_geometry(struct flashmap *map, struct flashmap_report *report);

/* A note where a scratch area in another place would make swaps cheaper or images larger. */
void flashmap_advise(const struct flashmap *map, struct flashmap_report *report);

/* The range [*ret_first, *ret_end) of whole erase sectors that an area touches. */
void flashmap_sectors(const struct flashmap *map, const struct flashmap_area *area,
                      uint32_t *ret_first, uint32_t *ret_end);

/* The built-in maps and platform files, made from flashmap/ by the build. */
struct flashmap_builtin {
    const char *name; /* without ".json" */
    const char *text;
    size_t len;
};
extern const struct flashmap_builtin flashmap_builtins[]; /* name NULL ends it */
const struct flashmap_builtin *flashmap_builtin_find(const char *name);

/* SHA-256 of flashmap_canonical into map->hash. */
void flashmap_hash(struct flashmap *map);

#endif
