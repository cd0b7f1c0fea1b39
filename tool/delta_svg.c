/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delta_svg.c - a patch drawn as SVG: its share of the image, and below it the patch itself,
 * a box for each kind of bytes, to scale.
 */
#include <stdlib.h>

#include "tool/delta_show.h"

enum { MARGIN = 36, STRIP = 788, ROW = 34, TOP = 118, WIDTH = STRIP + 2 * MARGIN };

static const char SANS[] = "font-family='Inter, DejaVu Sans, Helvetica, Arial, sans-serif'";

static const struct {
    const char *fill, *stroke;
} colours[] = {{"#e2e8f0", "#475569"}, {"#dbeafe", "#2563eb"}, {"#dcfce7", "#16a34a"}, {"#fef3c7", "#d97706"},
               {"#f3e8ff", "#9333ea"}, {"#ffe4e6", "#e11d48"}, {"#ccfbf1", "#0d9488"}, {"#f1f5f9", "#64748b"}};
enum { COLOURS = sizeof colours / sizeof colours[0] };

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

/* Names of files may hold anything. */
static void text(FILE *out, const char *from)
{
    for (; *from; from++) {
        switch (*from) {
        case '<': fputs("&lt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: fputc((unsigned char)*from < ' ' ? '?' : *from, out);
        }
    }
}

static void draw_head(FILE *out, const struct delta_view *view, int height)
{
    const struct otter_delta_header *header = &view->header;
    fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d'>\n<rect width='%d' height='%d' fill='#ffffff'/>\n",
            WIDTH, height, WIDTH, height, WIDTH, height);
    fprintf(out, "<text x='%d' y='50' %s font-size='24' font-weight='700' fill='#0f172a'>", MARGIN, SANS);
    text(out, view->path);
    fprintf(out, "</text>\n<text x='%d' y='76' %s font-size='14' fill='#475569'>%u bytes make %u: %.2f %% of the image; %s", MARGIN, SANS,
            (unsigned)view->size, (unsigned)header->size, 100 * share(view->size, header->size),
            header->filter == 0 ? "plain bytes" : "Thumb-2 code");
    if (header->filter != 0) {
        fprintf(out, " linked for 0x%08x", (unsigned)header->address);
    }
    fputs("</text>\n", out);
}

/* The image, its patch as the dark beginning, and the band that spreads it out below. */
static void draw_share(FILE *out, const struct delta_view *view)
{
    double wide = STRIP * share(view->size, view->header.size);
    wide = wide > STRIP ? STRIP : wide < 1 ? 1 : wide;
    fprintf(out, "<rect x='%d' y='%d' width='%d' height='12' fill='#e2e8f0'/>\n<rect x='%d' y='%d' width='%.2f' height='12' fill='#2563eb'/>\n",
            MARGIN, TOP, STRIP, MARGIN, TOP, wide);
    fprintf(out, "<polygon points='%d,%d %.2f,%d %d,%d %d,%d' fill='#dbeafe' fill-opacity='0.6'/>\n", MARGIN, TOP + 12, MARGIN + wide,
            TOP + 12, MARGIN + STRIP, TOP + 52, MARGIN, TOP + 52);
    fprintf(out, "<text x='%d' y='%d' %s font-size='12' text-anchor='end' fill='#64748b'>the whole image</text>\n", MARGIN + STRIP, TOP - 8, SANS);
}

static void draw_parts(FILE *out, const struct delta_view *view)
{
    double x = MARGIN;
    for (size_t i = 0; i < DELTA_KINDS; i++) {
        double wide = STRIP * share(view->parts[i].bytes, view->size);
        fprintf(out, "<rect x='%.2f' y='%d' width='%.2f' height='44' fill='%s' stroke='%s'/>\n", x, TOP + 52, wide, colours[i % COLOURS].fill,
                colours[i % COLOURS].stroke);
        x += wide;
    }
}

static void draw_row(FILE *out, const struct delta_view *view, size_t i)
{
    const struct delta_part *part = &view->parts[i];
    int y = TOP + 134 + (int)i * ROW;
    fprintf(out, "<rect x='%d' y='%d' width='16' height='16' rx='3' fill='%s' stroke='%s'/>\n", MARGIN, y - 13, colours[i % COLOURS].fill,
            colours[i % COLOURS].stroke);
    fprintf(out, "<text x='%d' y='%d' %s font-size='14' font-weight='700' fill='#0f172a'>%s</text>\n", MARGIN + 28, y, SANS, part->name);
    fprintf(out, "<text x='%d' y='%d' %s font-size='13' text-anchor='end' fill='#0f172a'>%u</text>\n", MARGIN + 230, y, SANS,
            (unsigned)part->bytes);
    fprintf(out, "<text x='%d' y='%d' %s font-size='13' text-anchor='end' fill='#475569'>%.1f %%</text>\n", MARGIN + 300, y, SANS,
            100 * share(part->bytes, view->size));
    fprintf(out, "<text x='%d' y='%d' %s font-size='13' fill='#475569'>%s</text>\n", MARGIN + 326, y, SANS, part->what);
}

void delta_show_svg(FILE *out, const struct delta_view *view)
{
    int height = TOP + 134 + DELTA_KINDS * ROW + 12;
    draw_head(out, view, height);
    draw_share(out, view);
    draw_parts(out, view);
    for (size_t i = 0; i < DELTA_KINDS; i++) {
        draw_row(out, view, i);
    }
    fputs("</svg>\n", out);
}
