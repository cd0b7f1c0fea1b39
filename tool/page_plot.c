/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_plot.c - which versions the fleet runs, over time: a stacked area in SVG, and its legend
 * as a table. Between two points the numbers stay as they were, so the areas go in steps.
 */
#include <string.h>

#include "tool/page_parts.h"

enum { WIDTH = 720, HEIGHT = 240, LEFT = 62, RIGHT = 8, TOP = 20, BOTTOM = 26, BANDS = 8, STEPS_MAX = 600 };

struct bands {
    char names[BANDS][FLEET_WORD_SIZE]; /* the last one: all others, when there are more */
    size_t count;
    bool has_others;
    int64_t values[STEPS_MAX][BANDS];
    int64_t at[STEPS_MAX];
    size_t steps;
    int64_t most; /* devices at any time */
    int64_t from, to;
};

static size_t band_of(struct bands *bands, const char *version)
{
    for (size_t i = 0; i < bands->count; i++) {
        if (strcmp(bands->names[i], version) == 0) {
            return i;
        }
    }
    if (bands->count < BANDS - 1) {
        snprintf(bands->names[bands->count], FLEET_WORD_SIZE, "%s", version);
        return bands->count++;
    }
    if (!bands->has_others) {
        bands->has_others = true;
        bands->count = BANDS;
        strcpy(bands->names[BANDS - 1], "others");
    }
    return BANDS - 1;
}

static void gather(struct bands *bands, const struct fleet_point *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_new = bands->steps == 0 || bands->at[bands->steps - 1] != points[i].at;
        if (is_new && bands->steps == STEPS_MAX) {
            break;
        }
        if (is_new) {
            bands->at[bands->steps++] = points[i].at;
        }
        bands->values[bands->steps - 1][band_of(bands, points[i].version)] += points[i].devices;
    }
    for (size_t s = 0; s < bands->steps; s++) {
        int64_t sum = 0;
        for (size_t b = 0; b < bands->count; b++) {
            sum += bands->values[s][b];
        }
        bands->most = sum > bands->most ? sum : bands->most;
    }
}

static double x_of(const struct bands *bands, int64_t at)
{
    double span = bands->to > bands->from ? (double)(bands->to - bands->from) : 1;
    double part = at <= bands->from ? 0 : (double)(at - bands->from) / span;
    return LEFT + (WIDTH - LEFT - RIGHT) * (part < 1 ? part : 1);
}

static double y_of(const struct bands *bands, int64_t devices)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (double)devices / (double)(bands->most > 0 ? bands->most : 1));
}

static int64_t sum_below(const struct bands *bands, size_t step, size_t band)
{
    int64_t sum = 0;
    for (size_t b = 0; b < band; b++) {
        sum += bands->values[step][b];
    }
    return sum;
}

static double end_of(const struct bands *bands, size_t step)
{
    return x_of(bands, step + 1 < bands->steps ? bands->at[step + 1] : bands->to);
}

/* Along the top to the right, back along the bottom. */
static void draw_band(FILE *out, const struct bands *bands, size_t band)
{
    fprintf(out, "<path class=\"v%d\" d=\"", (int)band);
    for (size_t s = 0; s < bands->steps; s++) {
        double y = y_of(bands, sum_below(bands, s, band + 1));
        fprintf(out, "%c%.1f %.1fH%.1f", s == 0 ? 'M' : 'L', x_of(bands, bands->at[s]), y, end_of(bands, s));
    }
    for (size_t s = bands->steps; s-- > 0;) {
        double y = y_of(bands, sum_below(bands, s, band));
        fprintf(out, "L%.1f %.1fH%.1f", end_of(bands, s), y, x_of(bands, bands->at[s]));
    }
    fputs("Z\"><title>", out);
    page_text(out, bands->names[band][0] ? bands->names[band] : "unknown");
    fputs("</title></path>\n", out);
}

/* 1, 2, 5, 10, 20, ... such that at most five lines are drawn. */
static int64_t line_step(int64_t most)
{
    int64_t step = 1;
    for (int i = 0; step * 5 < most; i++) {
        step = i % 3 == 1 ? step / 2 * 5 : step * 2;
    }
    return step;
}

static void draw_axes(FILE *out, const struct bands *bands)
{
    char text[24];
    int64_t step = line_step(bands->most);
    bool thousands = step % 1000 == 0;
    for (int64_t n = 0; n <= bands->most; n += step) {
        double y = y_of(bands, n);
        fprintf(out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%lld%s</text>\n",
                LEFT, y, WIDTH - RIGHT, y, LEFT - 6, y + 4, (long long)(thousands ? n / 1000 : n), thousands && n > 0 ? "k" : "");
    }
    for (int i = 0; i <= 4; i++) {
        static const char *const anchors[] = {"start", "middle", "middle", "middle", "end"};
        struct tm tm;
        time_t at = (time_t)(bands->from + (bands->to - bands->from) * i / 4);
        int64_t span = bands->to - bands->from;
        (void)gmtime_r(&at, &tm);
        size_t len = span <= 600         ? strftime(text, sizeof text, "%H:%M:%S", &tm)
                     : span <= 2 * 86400 ? strftime(text, sizeof text, "%H:%M", &tm)
                                         : strftime(text, sizeof text, "%b %d", &tm);
        if (len > 0) {
            fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x_of(bands, at), HEIGHT - 8, anchors[i], text);
        }
    }
}

static void show_legend(FILE *out, const struct bands *bands)
{
    size_t last = bands->steps - 1;
    char text[PAGE_COUNT_SIZE];
    fputs("<table class=\"legend\">\n<thead><tr><th>Version</th><th>Devices</th></tr></thead>\n<tbody>\n", out);
    for (size_t b = bands->count; b-- > 0;) {
        fprintf(out, "<tr><td data-label=\"Version\"><svg class=\"swatch\" viewBox=\"0 0 10 10\" aria-hidden=\"true\">"
                     "<rect class=\"v%d\" width=\"10\" height=\"10\"/></svg> ",
                (int)b);
        if (strcmp(bands->names[b], "others") == 0) {
            fputs("others", out);
        } else {
            fputs("<a href=\"/devices?version=", out);
            page_url(out, bands->names[b]);
            fputs("\">", out);
            page_text(out, bands->names[b][0] ? bands->names[b] : "unknown");
            fputs("</a>", out);
        }
        fprintf(out, "</td><td data-label=\"Devices\">%s</td></tr>\n", page_count(bands->values[last][b], text));
    }
    fputs("</tbody>\n</table>\n", out);
}

void page_plot(FILE *out, const struct fleet_point *points, size_t count, int64_t from, int64_t to)
{
    static _Thread_local struct bands bands;
    memset(&bands, 0, sizeof bands);
    gather(&bands, points, count);
    if (bands.steps == 0) {
        fputs("<p>No device was seen in this time.</p>\n", out);
        return;
    }
    bands.from = from > bands.at[0] ? from : bands.at[0];
    bands.to = to > bands.from ? to : bands.from + 1;
    fprintf(out, "<div class=\"plot\">\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"plot-title\">"
                 "<title id=\"plot-title\">Devices by version over time; the table gives the numbers of now</title>\n<g class=\"bands\">\n",
            WIDTH, HEIGHT);
    for (size_t b = 0; b < bands.count; b++) {
        draw_band(out, &bands, b);
    }
    fputs("</g>\n<g class=\"axes\">\n", out);
    draw_axes(out, &bands);
    fputs("</g>\n</svg>\n", out);
    show_legend(out, &bands);
    fputs("</div>\n<p class=\"small\">Times are UTC.</p>\n", out);
}
