/* SPDX-License-Identifier: Apache-2.0 */
/* delta_show.c - a patch on a terminal: its head, and a bar for each kind of bytes in it. */
#include <string.h>

#include "tool/delta_show.h"
#include "tool/print.h"
#include "tool/terminal.h"

enum { NAME_WIDTH = 12, NUMBERS_WIDTH = 21, BAR_MIN = 8, BAR_MAX = 72 };

/* ---- what is shown ---- */
static const char *const whats[DELTA_KINDS] = {
    [DELTA_MAP] = "which parts are copies of which",
    [DELTA_JUMPS] = "copies that the decoder's map has no room for",
    [DELTA_COPIES] = "\"as expected\", and where it is not",
    [DELTA_REFERENCES] = "calls and addresses that were not as expected",
    [DELTA_LITERALS] = "bytes that are nowhere in the base",
    [DELTA_HEADER] = "hashes of base and result, sizes, address",
};

/* Bits are shared out to the kinds; whole bytes shown: each boundary is rounded, not each share. */
static void fill_parts(const struct delta_stats *stats, uint32_t size, struct delta_part parts[DELTA_KINDS])
{
    double sum = 0;
    uint32_t before = 0;
    uint32_t rest = size - OTTER_DELTA_HEADER_SIZE;
    for (int i = 0; i < DELTA_HEADER; i++) {
        sum += stats->bytes[i];
        uint32_t end = i == DELTA_HEADER - 1 ? rest : (uint32_t)(sum + 0.5);
        end = end > rest ? rest : end < before ? before : end;
        parts[i] = (struct delta_part){delta_kind_name((enum delta_kind)i), whats[i], end - before};
        before = end;
    }
    parts[DELTA_HEADER] = (struct delta_part){delta_kind_name(DELTA_HEADER), whats[DELTA_HEADER], OTTER_DELTA_HEADER_SIZE};
}

void delta_view_of(const char *path, const struct tool_bytes *patch, const struct delta_stats *stats, struct delta_view *ret_view)
{
    memset(ret_view, 0, sizeof *ret_view);
    ret_view->path = path;
    ret_view->size = (uint32_t)patch->len;
    (void)otter_delta_read_header(patch->data, patch->len, &ret_view->header);
    if (stats) {
        ret_view->has_stats = true;
        ret_view->stats = *stats;
        fill_parts(stats, ret_view->size, ret_view->parts);
    }
}

const char *delta_filter_name(unsigned filter)
{
    static const char *const names[] = {"none", "thumb"};
    return filter < sizeof names / sizeof *names ? names[filter] : "unknown";
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0;
}

static uint32_t most_of(const struct delta_view *view)
{
    uint32_t most = 1;
    for (size_t i = 0; i < DELTA_KINDS; i++) {
        most = view->parts[i].bytes > most ? view->parts[i].bytes : most;
    }
    return most;
}

/* In eighths of a column where the terminal has such characters. */
static void draw_bar(FILE *out, uint64_t part, uint64_t most, int width)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    bool wide = terminal_has_utf8();
    uint64_t units = part * (uint64_t)width * 8 / most;
    units = part > 0 && units == 0 ? 1 : units;
    for (uint64_t i = 0; i < units / 8; i++) {
        fputs(wide ? "█" : "#", out);
    }
    if (units % 8 > 0) {
        fputs(wide ? eighths[units % 8] : units % 8 >= 4 || units < 8 ? "#" : "", out);
    }
}

static void draw_parts(FILE *out, const struct delta_view *view)
{
    int width = terminal_width() - NAME_WIDTH - NUMBERS_WIDTH - 4;
    bool colour = terminal_has_colour();
    width = width < BAR_MIN ? BAR_MIN : width > BAR_MAX ? BAR_MAX : width;
    fputc('\n', out);
    for (size_t i = 0; i < DELTA_KINDS; i++) {
        const struct delta_part *part = &view->parts[i];
        if (part->bytes == 0) {
            continue;
        }
        fprintf(out, "  %-*s%9u %6.1f %%  %s", NAME_WIDTH, part->name, (unsigned)part->bytes, percent(part->bytes, view->size),
                colour ? "\033[36m" : "");
        draw_bar(out, part->bytes, most_of(view), width);
        fputs(colour ? "\033[0m\n" : "\n", out);
    }
}

void delta_show(FILE *out, const struct delta_view *view)
{
    const struct otter_delta_header *header = &view->header;
    char base[2 * OTTER_DELTA_HASH_SIZE + 1];
    char result[2 * OTTER_DELTA_HASH_SIZE + 1];
    fprintf(out, "%s: %u bytes make %u, %.2f %%\n", view->path, (unsigned)view->size, (unsigned)header->size,
            percent(view->size, header->size));
    fprintf(out, "  base      %s, %u bytes\n", tool_hex(header->base, sizeof header->base, base), (unsigned)header->base_size);
    fprintf(out, "  result    %s, %u bytes\n", tool_hex(header->result, sizeof header->result, result), (unsigned)header->size);
    fprintf(out, "  filter    %s", delta_filter_name(header->filter));
    if (header->filter != 0) {
        fprintf(out, ", linked for 0x%08x%s%s", (unsigned)header->address, view->address_from ? ", " : "",
                view->address_from ? view->address_from : "");
    }
    fputc('\n', out);
    if (view->has_stats) {
        const struct delta_stats *stats = &view->stats;
        fprintf(out, "  copies    %u, and %u more in passing\n", (unsigned)stats->copies, (unsigned)stats->jumps);
        if (stats->references > 0) {
            fprintf(out, "  expected  %u of %u calls and addresses come out right, %u of them had moved\n",
                    (unsigned)(stats->references - stats->missed), (unsigned)stats->references, (unsigned)stats->moved);
        }
        draw_parts(out, view);
    }
}

json_t *delta_show_json(const struct delta_view *view)
{
    const struct otter_delta_header *header = &view->header;
    char base[2 * OTTER_DELTA_HASH_SIZE + 1];
    char result[2 * OTTER_DELTA_HASH_SIZE + 1];
    json_t *parts = json_object();
    json_t *said = json_pack("{s:s, s:I, s:i, s:s, s:I, s:s, s:I, s:I, s:s}", "patch", view->path, "size", (json_int_t)view->size,
                             "version", (int)header->version, "base", tool_hex(header->base, sizeof header->base, base), "base_size",
                             (json_int_t)header->base_size, "result", tool_hex(header->result, sizeof header->result, result),
                             "result_size", (json_int_t)header->size, "address", (json_int_t)header->address, "filter",
                             delta_filter_name(header->filter));
    for (size_t i = 0; i < DELTA_KINDS; i++) {
        (void)json_object_set_new(parts, view->parts[i].name, json_integer(view->parts[i].bytes));
    }
    if (view->address_from) {
        (void)json_object_set_new(said, "address_source", json_string(view->address_from));
    }
    if (view->has_stats) {
        const struct delta_stats *stats = &view->stats;
        (void)json_object_update_new(said, json_pack("{s:O, s:I, s:I, s:I, s:I, s:I, s:I}", "bytes", parts, "copies", (json_int_t)stats->copies,
                                                     "jumps", (json_int_t)stats->jumps, "references", (json_int_t)stats->references,
                                                     "references_moved", (json_int_t)stats->moved, "references_missed",
                                                     (json_int_t)stats->missed, "literals", (json_int_t)stats->literals));
    }
    json_decref(parts);
    return said;
}

void delta_say(const struct delta_view *view, bool as_json)
{
    if (!as_json) {
        delta_show(stdout, view);
        return;
    }
    json_t *said = delta_show_json(view);
    (void)json_dumpf(said, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(said);
}
