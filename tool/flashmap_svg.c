/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_svg.c - a flash map drawn as SVG.
 *
 * Each device is a column: a narrow strip to scale, and beside it a box for every area and
 * gap, tall enough for its label whatever its size; a band joins a box to its place on the
 * strip. Names in a checked map are made of letters that need no escaping.
 */
#include <math.h>

#include "tool/flashmap_view.h"

enum {
    MARGIN = 36,
    HEAD = 150,   /* above the columns */
    COLUMN = 388, /* from one column to the next */
    STRIP = 14,
    BAND = 40, /* between strip and boxes */
    BOX = 292,
    BOX_MIN = 46, /* two lines of text */
    SPREAD = 110, /* what 2 MiB add to that; a gap gets less */
    FOOT_LINE = 24
};

static const char SANS[] = "font-family='Inter, DejaVu Sans, Helvetica, Arial, sans-serif'";
static const char MONO[] = "font-family='DejaVu Sans Mono, Menlo, Consolas, monospace'";

struct style {
    const char *fill, *stroke, *text, *what;
};

static struct style style_of(const struct flashmap *map, const struct flashmap_area *area)
{
    if (!area) {
        return (struct style){"url(#free)", "#cbd5e1", "#64748b", ""};
    }
    if (area == flashmap_journal(map)) {
        return (struct style){"#f3e8ff", "#9333ea", "#6b21a8",
                              area->assigned ? "journal, place assigned" : "journal"};
    }
    switch (area->role) {
    case FLASHMAP_BOOTLOADER:
        return (struct style){"#e2e8f0", "#475569", "#1e293b", "never written again"};
    case FLASHMAP_PRIMARY:
        return (struct style){"#dcfce7", "#16a34a", "#14532d", "the image that runs"};
    case FLASHMAP_SECONDARY:
        return (struct style){"#dbeafe", "#2563eb", "#1e3a8a",
                              map->mode == OTTER_MODE_SWAP ? "downloads, then fallback"
                                                           : "downloads"};
    case FLASHMAP_SCRATCH:
        return (struct style){"#fef3c7", "#d97706", "#78350f",
                              map->scratch < 0 ? "not used" : "room for one swap unit"};
    case FLASHMAP_STATUS:
    case FLASHMAP_STATE:
        break;
    }
    return (struct style){"#f1f5f9", "#64748b", "#334155", "not used"};
}

/* One device's boxes and their heights. */
struct column {
    struct flashmap_segment segments[FLASHMAP_SEGMENTS_MAX];
    double height[FLASHMAP_SEGMENTS_MAX];
    double total;
    uint32_t count, device;
};

static void fill_column(struct column *column, const struct flashmap *map, uint32_t device)
{
    column->device = device;
    column->count = flashmap_segments(map, device, column->segments);
    column->total = 0;
    for (uint32_t i = 0; i < column->count; i++) {
        double grow = sqrt(column->segments[i].size / (2.0 * 1024 * 1024));
        grow = column->segments[i].area ? grow : fmin(0.25 * grow, 0.35);
        column->height[i] = BOX_MIN + SPREAD * grow;
        column->total += column->height[i];
    }
}

static void draw_defs(FILE *out, double width, double height)
{
    fprintf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %.0f %.0f' width='%.0f' "
            "height='%.0f'>\n",
            width, height, width, height);
    fputs(
        "<defs><pattern id='free' width='8' height='8' patternUnits='userSpaceOnUse' "
        "patternTransform='rotate(45)'><rect width='8' height='8' fill='#ffffff'/>"
        "<line x1='0' y1='0' x2='0' y2='8' stroke='#f1f5f9' stroke-width='3'/></pattern></defs>\n",
        out);
    fprintf(out, "<rect width='%.0f' height='%.0f' fill='#ffffff'/>\n", width, height);
}

static void draw_head(FILE *out, const struct flashmap *map)
{
    fprintf(out,
            "<text x='%d' y='50' %s font-size='24' font-weight='700' fill='#0f172a'>%s</text>\n",
            MARGIN, SANS, map->name);
    fprintf(out, "<text x='%d' y='76' %s font-size='14' fill='#475569'>%s, %s: %s%s</text>\n",
            MARGIN, SANS, map->platform, map->core,
            map->mode == OTTER_MODE_SWAP ? "swap with revert" : "overwrite, no way back",
            map->xip ? ", code runs in place" : "");
}

static void draw_column_head(FILE *out, const struct flashmap_device *device, double x)
{
    fprintf(out,
            "<text x='%.0f' y='116' %s font-size='15' font-weight='700' fill='#0f172a'>%s flash"
            "<tspan dx='8' font-weight='400' fill='#475569'>%s%s%s</tspan></text>\n",
            x, SANS, device->name, flashmap_size_text(device->size).text,
            device->model[0] ? ", " : "", device->model);
    fprintf(out, "<text x='%.0f' y='136' %s font-size='11.5' fill='#64748b'>erases %s to 0x%02X, ",
            x, SANS, flashmap_size_text(device->sector_size).text, device->erased);
    fprintf(out, "programs %s%s</text>\n", flashmap_size_text(device->prog_size).text,
            device->xip ? ", runs code" : "");
}

/* Two lines of text, so that the smallest box holds them: name and use, range and size. */
static void draw_label(FILE *out, const struct flashmap_segment *segment, const struct style *style,
                       double x, double line)
{
    const char *name = segment->area ? segment->area->label : segment->with ? "with" : "free";
    const char *what = segment->with ? segment->with->label : style->what;
    fprintf(out,
            "<text x='%.1f' y='%.1f' %s font-size='14' font-weight='%d' fill='%s'>%s%s"
            "<tspan dx='8' font-size='12' font-weight='400'>%s</tspan></text>\n",
            x + 12, line, SANS, segment->area ? 700 : 400, style->text,
            segment->with ? "erased " : "", name, what);
    fprintf(out,
            "<text x='%.1f' y='%.1f' %s font-size='11.5' fill='#475569'>0x%08X to 0x%08X"
            "</text>\n",
            x + 12, line + 18, MONO, segment->addr, segment->addr + segment->size - 1);
    fprintf(out,
            "<text x='%.1f' y='%.1f' %s font-size='12' text-anchor='end' fill='%s'>%s</text>\n",
            x + BOX - 12, line + 18, SANS, style->text, flashmap_size_text(segment->size).text);
}

static void draw_box(FILE *out, const struct flashmap *map, const struct flashmap_segment *segment,
                     double x, double y, double height)
{
    struct style style = style_of(map, segment->area);
    fprintf(out,
            "<rect x='%.1f' y='%.1f' width='%d' height='%.1f' rx='4' fill='%s' stroke='%s'%s/>\n",
            x, y + 1.5, BOX, height - 3, style.fill, style.stroke,
            segment->area ? "" : " stroke-dasharray='4 3'");
    draw_label(out, segment, &style, x, y + height / 2 - 4);
}

/* An area's place on the true-to-scale strip, and the band from there to its box. */
static void draw_band(FILE *out, const struct flashmap *map, const struct column *column,
                      uint32_t i, double x, double y)
{
    const struct flashmap_device *device = &map->devices[column->device];
    const struct flashmap_segment *segment = &column->segments[i];
    struct style style = style_of(map, segment->area);
    double from = HEAD + column->total * (segment->addr - device->addr) / device->size;
    double tall = fmax(column->total * segment->size / device->size, 1);
    fprintf(out, "<rect x='%.1f' y='%.2f' width='%d' height='%.2f' fill='%s'/>\n", x, from, STRIP,
            tall, style.stroke);
    fprintf(out,
            "<polygon points='%.1f,%.2f %.1f,%.2f %.1f,%.2f %.1f,%.2f' fill='%s' "
            "fill-opacity='0.7'/>\n",
            x + STRIP, from, x + STRIP + BAND, y + 1.5, x + STRIP + BAND,
            y + column->height[i] - 1.5, x + STRIP, from + tall, style.fill);
}

static void draw_column(FILE *out, const struct flashmap *map, const struct column *column,
                        double x)
{
    draw_column_head(out, &map->devices[column->device], x);
    fprintf(out, "<rect x='%.1f' y='%d' width='%d' height='%.2f' fill='#e2e8f0'/>\n", x, HEAD,
            STRIP, column->total);
    double y = HEAD;
    for (uint32_t i = 0; i < column->count; i++) {
        if (column->segments[i].area) {
            draw_band(out, map, column, i, x, y);
        }
        draw_box(out, map, &column->segments[i], x + STRIP + BAND, y, column->height[i]);
        y += column->height[i];
    }
}

static void foot_text(FILE *out, double *y, const char *key, const char *value)
{
    fprintf(out, "<text x='%d' y='%.0f' %s font-size='13' fill='#64748b'>%s</text>\n", MARGIN, *y,
            SANS, key);
    fprintf(out, "<text x='%d' y='%.0f' %s font-size='13' fill='#0f172a'>%s</text>\n", MARGIN + 130,
            *y, SANS, value);
    *y += FOOT_LINE;
}

static void foot_time(FILE *out, double *y, const char *key, struct flashmap_time time)
{
    char text[160];
    if (time.slow_s < 0) {
        return;
    }
    int len = snprintf(text, sizeof text, "%.1f s, largest image", time.slow_s);
    if (time.fast_s < 0.99 * time.slow_s) {
        (void)snprintf(text + len, sizeof text - (size_t)len,
                       "; %.1f s if the driver erases subsectors, programs rows", time.fast_s);
    }
    foot_text(out, y, key, text);
}

static void foot_unused(FILE *out, const struct flashmap *map, double *y)
{
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        char text[96];
        if (!flashmap_device_used(map, i)) {
            (void)snprintf(text, sizeof text, "%s flash, %s at 0x%08X", device->name,
                           flashmap_size_text(device->size).text, device->addr);
            foot_text(out, y, "not used", text);
        }
    }
}

static void draw_foot(FILE *out, const struct flashmap *map, double y)
{
    const struct flashmap_geometry *geometry = &map->geometry[0];
    char text[160];
    (void)snprintf(text, sizeof text, "%s bytes (0x%X)",
                   flashmap_count_text(geometry->image_size_max).text, geometry->image_size_max);
    foot_text(out, &y, "largest image", text);
    if (map->mode == OTTER_MODE_SWAP) {
        (void)snprintf(text, sizeof text, "%u of %s at most, %u journal records", geometry->units,
                       flashmap_size_text(geometry->unit_size).text, geometry->records);
        foot_text(out, &y, "swap units", text);
        foot_time(out, &y, "swap", flashmap_install_time(map));
        foot_time(out, &y, "revert", flashmap_revert_time(map));
    } else {
        foot_time(out, &y, "install", flashmap_install_time(map));
    }
    foot_unused(out, map, &y);
    foot_text(out, &y, "map hash", flashmap_hash_text(map, 16).text);
}

void flashmap_draw_svg(FILE *out, const struct flashmap *map)
{
    struct column columns[FLASHMAP_DEVICES_MAX];
    uint32_t count = 0;
    double tallest = 0;
    for (uint32_t i = 0; i < map->devices_count; i++) {
        if (flashmap_device_used(map, i)) {
            fill_column(&columns[count], map, i);
            tallest = fmax(tallest, columns[count].total);
            count++;
        }
    }
    double width = 2.0 * MARGIN + (double)COLUMN * count - (COLUMN - STRIP - BAND - BOX);
    double lines = (map->mode == OTTER_MODE_SWAP ? 5.0 : 3.0) + map->devices_count - count;
    double height = HEAD + tallest + 46 + lines * FOOT_LINE;
    draw_defs(out, fmax(width, 760), height);
    draw_head(out, map);
    for (uint32_t i = 0; i < count; i++) {
        draw_column(out, map, &columns[i], MARGIN + (double)COLUMN * i);
    }
    draw_foot(out, map, HEAD + tallest + 40);
    fputs("</svg>\n", out);
}
