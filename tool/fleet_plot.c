/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_plot.c - a run as SVG: devices by state, devices by version, polls, over time.
 *
 * Two stacked areas and a line over one axis of seconds. Every band is named beside its end,
 * where it has the room, and in a legend with what it came to.
 */
#include <math.h>

#include "tool/fleet_show.h"
#include "tool/print.h"

enum {
    WIDTH = 960,
    LEFT = 76,
    RIGHT = 200, /* for the legends */
    HEAD = 84,
    PANEL = 210,
    LINE_PANEL = 90,
    GAP = 62,
    FOOT = 46,
    RATES_MAX = 100,
    BANDS_MAX = FLEET_VERSIONS_MAX > FLEET_STATES ? FLEET_VERSIONS_MAX : FLEET_STATES
};

static const char SANS[] = "font-family='Inter, DejaVu Sans, Helvetica, Arial, sans-serif'";

struct band {
    const char *fill;
    char name[48];
    const uint32_t *(*values)(const struct fleet_sample *sample);
    uint32_t index;
};

struct panel {
    double top, height;
    struct band bands[BANDS_MAX]; /* the lowest first */
    uint32_t count;
};

static const uint32_t *states_of(const struct fleet_sample *sample)
{
    return sample->states;
}

static const uint32_t *versions_of(const struct fleet_sample *sample)
{
    return sample->versions;
}

static double x_of(const struct fleet *fleet, uint64_t at_ms)
{
    double span = fleet->tally.elapsed_s > 0 ? fleet->tally.elapsed_s * 1000 : 1;
    return LEFT + (WIDTH - LEFT - RIGHT) * fmin((double)at_ms / span, 1);
}

static double y_of(const struct panel *panel, double part)
{
    return panel->top + panel->height * (1 - part);
}

/* 1, 2 or 5 times a power of ten, such that four to ten steps make `span`. */
static double nice_step(double span)
{
    double step = pow(10, floor(log10(span / 4)));
    if (span / step > 20) {
        return step * 5;
    }
    return span / step > 10 ? step * 2 : step;
}

static void text(FILE *out, double x, double y, const char *style, const char *words)
{
    fprintf(out, "<text x='%.1f' y='%.1f' %s %s>%s</text>\n", x, y, SANS, style, words);
}

/* ---- axes ---- */

static void draw_axes(FILE *out, const struct fleet *fleet, const struct panel *panel, double most, const char *title)
{
    double step = nice_step(most);
    text(out, LEFT, panel->top - 12, "font-size='14' font-weight='700' fill='#0f172a'", title);
    for (double value = 0; value <= most * 1.0001; value += step) {
        double y = y_of(panel, value / most);
        char number[48];
        (void)snprintf(number, sizeof number, step < 1 ? "%.1f" : "%.0f", value);
        fprintf(out, "<line x1='%d' y1='%.1f' x2='%d' y2='%.1f' stroke='#e2e8f0'/>\n", LEFT, y, WIDTH - RIGHT, y);
        text(out, LEFT - 8, y + 4, "font-size='12' text-anchor='end' fill='#475569'",
             step < 1 ? number : fleet_number((uint64_t)(value + 0.5)).text);
    }
    double seconds = fleet->tally.elapsed_s > 0 ? fleet->tally.elapsed_s : 1;
    step = nice_step(seconds);
    for (double value = 0; value <= seconds * 1.0001; value += step) {
        char number[48];
        double x = x_of(fleet, (uint64_t)(value * 1000));
        (void)snprintf(number, sizeof number, "%g s", value);
        fprintf(out, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='#94a3b8'/>\n", x, panel->top + panel->height, x,
                panel->top + panel->height + 5);
        text(out, x, panel->top + panel->height + 19, "font-size='12' text-anchor='middle' fill='#475569'", number);
    }
}

/* ---- stacked areas ---- */

static double stacked(const struct panel *panel, const struct fleet_sample *sample, uint32_t bands, uint32_t devices)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < bands; i++) {
        sum += panel->bands[i].values(sample)[panel->bands[i].index];
    }
    return (double)sum / devices;
}

/* What was counted holds until it is counted again: steps, not slopes. */
static void draw_band(FILE *out, const struct fleet *fleet, const struct panel *panel, uint32_t index)
{
    const struct fleet_tally *tally = &fleet->tally;
    fprintf(out, "<path fill='%s' d='", panel->bands[index].fill);
    double y = panel->top + panel->height;
    for (uint32_t i = 0; i < tally->samples_count; i++) {
        double x = x_of(fleet, tally->samples[i].at_ms);
        fprintf(out, "%c%.1f %.1f", i == 0 ? 'M' : 'L', x, i == 0 ? y_of(panel, stacked(panel, &tally->samples[i], index + 1, fleet->devices_count)) : y);
        y = y_of(panel, stacked(panel, &tally->samples[i], index + 1, fleet->devices_count));
        fprintf(out, "L%.1f %.1f", x, y);
    }
    for (uint32_t i = tally->samples_count; i > 0; i--) {
        double x = x_of(fleet, tally->samples[i - 1].at_ms);
        double low = y_of(panel, stacked(panel, &tally->samples[i - 1], index, fleet->devices_count));
        fprintf(out, "L%.1f %.1f", x, low);
        if (i > 1) {
            fprintf(out, "L%.1f %.1f", x, y_of(panel, stacked(panel, &tally->samples[i - 2], index, fleet->devices_count)));
        }
    }
    fputs("Z'/>\n", out);
}

static void draw_legend(FILE *out, const struct fleet *fleet, const struct panel *panel)
{
    const struct fleet_sample *last = &fleet->tally.samples[fleet->tally.samples_count - 1];
    double y = panel->top + 6;
    for (uint32_t i = panel->count; i > 0; i--) {
        const struct band *band = &panel->bands[i - 1];
        char words[96];
        (void)snprintf(words, sizeof words, "%s: %s", band->name, fleet_number(band->values(last)[band->index]).text);
        fprintf(out, "<rect x='%d' y='%.1f' width='12' height='12' fill='%s' stroke='#475569' stroke-width='0.5'/>\n",
                WIDTH - RIGHT + 18, y, band->fill);
        text(out, WIDTH - RIGHT + 38, y + 11, "font-size='13' fill='#0f172a'", words);
        y += 21;
    }
}

static void draw_stack(FILE *out, const struct fleet *fleet, const struct panel *panel, const char *title)
{
    draw_axes(out, fleet, panel, fleet->devices_count, title);
    for (uint32_t i = 0; i < panel->count; i++) {
        draw_band(out, fleet, panel, i);
    }
    draw_legend(out, fleet, panel);
}

static bool is_seen(const struct fleet *fleet, const struct band *band)
{
    for (uint32_t i = 0; i < fleet->tally.samples_count; i++) {
        if (band->values(&fleet->tally.samples[i])[band->index] > 0) {
            return true;
        }
    }
    return false;
}

static void add_band(const struct fleet *fleet, struct panel *panel, const struct band *band)
{
    if (is_seen(fleet, band)) {
        panel->bands[panel->count++] = *band;
    }
}

static void add_states(const struct fleet *fleet, struct panel *panel)
{
    static const struct {
        enum fleet_state state;
        const char *fill, *name;
    } bands[] = {
        {FLEET_UPDATED, "#16a34a", "updated"},   {FLEET_UPDATING, "#60a5fa", "updating"},
        {FLEET_FAILED, "#dc2626", "failed"},     {FLEET_WAITING, "#fbbf24", "waiting"},
        {FLEET_CURRENT, "#cbd5e1", "up to date"}, {FLEET_OTHERS, "#e2e8f0", "job for others"}, {FLEET_SILENT, "#f1f5f9", "not in touch"},
    };
    for (size_t i = 0; i < sizeof bands / sizeof bands[0]; i++) {
        struct band band = {.fill = bands[i].fill, .values = states_of, .index = (uint32_t)bands[i].state};
        (void)snprintf(band.name, sizeof band.name, "%s", bands[i].name);
        add_band(fleet, panel, &band);
    }
}

static void add_versions(const struct fleet *fleet, struct panel *panel)
{
    static const char *const fills[FLEET_VERSIONS_MAX] = {"#cbd5e1", "#2563eb", "#7c3aed", "#0d9488", "#d97706", "#db2777",
                                                          "#65a30d", "#0891b2", "#9333ea", "#b45309", "#4b5563", "#1e3a8a"};
    for (uint32_t i = 0; i < fleet->tally.versions_count; i++) {
        struct band band = {.fill = fills[i], .values = versions_of, .index = i};
        (void)tool_version_text(&fleet->tally.versions[i], band.name);
        add_band(fleet, panel, &band);
    }
}

/* ---- polls ---- */

struct rate {
    uint64_t at_ms; /* the end of the time that it is for */
    double polls;   /* a second */
};

/* Taken together until there is enough to see more than chance. */
static uint32_t rates_of(const struct fleet_tally *tally, struct rate rates[RATES_MAX + 1])
{
    double least_ms = tally->elapsed_s * 1000 / RATES_MAX;
    const struct fleet_sample *from = &tally->samples[0];
    uint32_t count = 0;
    for (uint32_t i = 1; i < tally->samples_count && count <= RATES_MAX; i++) {
        const struct fleet_sample *to = &tally->samples[i];
        double ms = (double)(to->at_ms - from->at_ms);
        if (ms > 0 && ms >= least_ms) {
            rates[count++] = (struct rate){to->at_ms, (double)(to->polls - from->polls) / ms * 1000};
            from = to;
        }
    }
    return count;
}

static void draw_polls(FILE *out, const struct fleet *fleet, double top)
{
    struct panel panel = {.top = top, .height = LINE_PANEL};
    struct rate rates[RATES_MAX + 1];
    uint32_t count = rates_of(&fleet->tally, rates);
    double most = 1;
    for (uint32_t i = 0; i < count; i++) {
        most = fmax(most, rates[i].polls);
    }
    draw_axes(out, fleet, &panel, most, "Polls a second");
    fputs("<path fill='none' stroke='#334155' stroke-width='1.5' d='", out);
    for (uint32_t i = 0; i < count; i++) {
        fprintf(out, "%c%.1f %.1f", i == 0 ? 'M' : 'L', x_of(fleet, rates[i].at_ms), y_of(&panel, rates[i].polls / most));
    }
    fputs("'/>\n", out);
}

void fleet_plot(FILE *out, const struct fleet *fleet)
{
    struct panel states = {.top = HEAD + 24, .height = PANEL};
    struct panel versions = {.top = states.top + PANEL + GAP, .height = PANEL};
    double polls = versions.top + PANEL + GAP;
    double height = polls + LINE_PANEL + FOOT;
    char title[160];
    fprintf(out, "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %.0f' width='%d' height='%.0f'>\n", WIDTH, height,
            WIDTH, height);
    fprintf(out, "<rect width='%d' height='%.0f' fill='#ffffff'/>\n", WIDTH, height);
    text(out, LEFT, 44, "font-size='22' font-weight='700' fill='#0f172a'", "A fleet, updated");
    (void)snprintf(title, sizeof title, "%s devices, %.1f s, seed %llu", fleet_number(fleet->devices_count).text,
                   fleet->tally.elapsed_s, (unsigned long long)fleet->seed);
    text(out, LEFT, 68, "font-size='14' fill='#475569'", title);
    add_states(fleet, &states);
    add_versions(fleet, &versions);
    draw_stack(out, fleet, &states, "Devices by state");
    draw_stack(out, fleet, &versions, "Devices by version");
    draw_polls(out, fleet, polls);
    fputs("</svg>\n", out);
}
