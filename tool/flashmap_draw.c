/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_draw.c - a flash map drawn with characters, for a terminal or a log.
 *
 * One box per area, from low addresses to high. A box grows with its area, but slowly, so
 * that a 2 MiB slot and a 10 KiB journal both fit on a screen.
 */
#include <math.h>
#include <string.h>

#include "tool/flashmap_kits.h"
#include "tool/flashmap_view.h"

enum { BOX_WIDTH = 26, LINES_MAX = 6 };

/* The characters of a box, and what a colour costs. */
struct pen {
    FILE *out;
    const struct flashmap *map;
    const char *bar, *top_left, *top_right, *left, *right, *bottom_left, *bottom_right;
    const char *side, *open_side;
    bool colour;
};

static struct pen pen_of(FILE *out, const struct flashmap *map, bool wide, bool colour)
{
    if (wide) {
        return (struct pen){out, map, "─", "┌", "┐", "├", "┤", "└", "┘", "│", "┊", colour};
    }
    return (struct pen){out, map, "-", "+", "+", "+", "+", "+", "+", "|", ":", colour};
}

static const char *colour_of(const struct flashmap_area *area)
{
    if (!area) {
        return "\033[2m";
    }
    switch (area->role) {
    case FLASHMAP_BOOTLOADER:
        return "\033[1m";
    case FLASHMAP_PRIMARY:
        return "\033[1;32m";
    case FLASHMAP_SECONDARY:
        return "\033[1;34m";
    case FLASHMAP_SCRATCH:
        return "\033[1;33m";
    case FLASHMAP_STATUS:
    case FLASHMAP_STATE:
        return "\033[1;35m";
    }
    return "";
}

static void draw_edge(const struct pen *pen, uint32_t addr, const char *left, const char *right)
{
    fprintf(pen->out, "  0x%08X %s", addr, left);
    for (int i = 0; i < BOX_WIDTH; i++) {
        fputs(pen->bar, pen->out);
    }
    fprintf(pen->out, "%s\n", right);
}

static void name_of(const struct flashmap *map, const struct flashmap_segment *segment,
                    char *ret_name, size_t size)
{
    const struct flashmap_area *area = segment->area;
    const char *use = "";
    if (segment->with) {
        (void)snprintf(ret_name, size, "erased with %s", segment->with->label);
        return;
    }
    if (area && area == flashmap_journal(map)) {
        use = area->assigned ? " (journal, assigned)" : " (journal)";
    }
    (void)snprintf(ret_name, size, "%s%s", area ? area->label : "free", use);
}

static void draw_segment(const struct pen *pen, const struct flashmap_segment *segment, int lines)
{
    char name[48];
    const char *side = segment->area ? pen->side : pen->open_side;
    name_of(pen->map, segment, name, sizeof name);
    fprintf(pen->out, "             %s %s%-*s%s%s  %-9s 0x%X\n", side,
            pen->colour ? colour_of(segment->area) : "", BOX_WIDTH - 1, name,
            pen->colour ? "\033[0m" : "", side, flashmap_size_text(segment->size).text,
            segment->size);
    for (int i = 1; i < lines; i++) {
        fprintf(pen->out, "             %s%*s%s\n", side, BOX_WIDTH, "", side);
    }
}

static int lines_of(const struct flashmap_segment *segment)
{
    double share = sqrt((double)segment->size / (2u << 20));
    int lines = 1 + (int)(share * (LINES_MAX - 1));
    int most = segment->area ? LINES_MAX : 2;
    return lines < most ? lines : most;
}

static void draw_device(const struct pen *pen, uint32_t index)
{
    const struct flashmap_device *device = &pen->map->devices[index];
    struct flashmap_segment segments[FLASHMAP_SEGMENTS_MAX];
    uint32_t count = flashmap_segments(pen->map, index, segments);
    fprintf(pen->out, "\n%s flash%s%s, %s at 0x%08X; erases %s", device->name,
            device->model[0] ? " " : "", device->model, flashmap_size_text(device->size).text,
            device->addr, flashmap_size_text(device->sector_size).text);
    fprintf(pen->out, " to 0x%02X, programs %s%s\n", device->erased,
            flashmap_size_text(device->prog_size).text, device->xip ? "; code runs in place" : "");
    for (uint32_t i = 0; i < count; i++) {
        draw_edge(pen, segments[i].addr, i ? pen->left : pen->top_left,
                  i ? pen->right : pen->top_right);
        draw_segment(pen, &segments[i], lines_of(&segments[i]));
    }
    draw_edge(pen, device->addr + device->size, pen->bottom_left, pen->bottom_right);
}

static void draw_time(const struct pen *pen, const char *what, struct flashmap_time time)
{
    if (time.slow_s < 0) {
        return;
    }
    fprintf(pen->out, "%-14s %.1f s", what, time.slow_s);
    if (time.fast_s < 0.99 * time.slow_s) {
        fprintf(pen->out, "; %.1f s if the driver erases subsectors and programs rows", time.fast_s);
    }
    fputs(" (largest image, modelled)\n", pen->out);
}

static void draw_kits(const struct pen *pen)
{
    const char *first = NULL;
    int count = 0;
    for (const struct flashmap_kit *kit = flashmap_kits; kit->target; kit++) {
        bool other = kit->other_map && strcmp(kit->other_map, pen->map->name) == 0;
        if (strcmp(kit->map, pen->map->name) == 0 || other) {
            first = first ? first : kit->target;
            count++;
        }
    }
    if (count > 0) {
        fprintf(pen->out, "%-14s %s%s (`otter flashmap show --kits`)\n", "kits", first,
                count > 1 ? " and others" : "");
    }
}

static void draw_numbers(const struct pen *pen)
{
    const struct flashmap *map = pen->map;
    const struct flashmap_geometry *geometry = &map->geometry[0];
    fprintf(pen->out, "\n%-14s %s bytes (0x%X), with header and TLVs\n", "largest image",
            flashmap_count_text(geometry->image_size_max).text, geometry->image_size_max);
    if (map->mode == OTTER_MODE_SWAP) {
        fprintf(pen->out, "%-14s units of %s, at most %u; %u journal records at most\n", "swap",
                flashmap_size_text(geometry->unit_size).text, geometry->units, geometry->records);
        draw_time(pen, "swap time", flashmap_install_time(map));
        draw_time(pen, "revert time", flashmap_revert_time(map));
    } else {
        draw_time(pen, "install time", flashmap_install_time(map));
    }
    if (flashmap_journal(map)) {
        fprintf(pen->out, "%-14s two halves of %u records of %u bytes\n", "journal",
                map->half_size / map->cell_size, map->cell_size);
    } else {
        fprintf(pen->out, "%-14s none: MCUboot's trailers\n", "journal");
    }
    draw_kits(pen);
    fprintf(pen->out, "%-14s %s\n", "map hash", flashmap_hash_text(map, 16).text);
}

void flashmap_draw(FILE *out, const struct flashmap *map, bool wide, bool colour)
{
    struct pen pen = pen_of(out, map, wide, colour);
    fprintf(out, "%s: %s, %s, %s%s\n", map->name, map->platform, map->core,
            map->mode == OTTER_MODE_SWAP ? "swap with revert" : "overwrite, no way back",
            map->xip ? ", runs in place" : "");
    for (uint32_t i = 0; i < map->devices_count; i++) {
        if (flashmap_device_used(map, i)) {
            draw_device(&pen, i);
        }
    }
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        if (!flashmap_device_used(map, i)) {
            fprintf(out, "\n%s flash, %s at 0x%08X: not used\n", device->name,
                    flashmap_size_text(device->size).text, device->addr);
        }
    }
    draw_numbers(&pen);
}
