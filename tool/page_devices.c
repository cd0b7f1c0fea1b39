/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_devices.c - all devices, a page at a time, and one device with its history.
 */
#include <string.h>

#include "tool/page_parts.h"

static const char *const states[] = {"", "ok", "updating", "reverted", "failed", "enrolled"};

struct wish {
    char after[FLEET_NAME_SIZE], text[FLEET_NAME_SIZE], state[FLEET_WORD_SIZE], version[FLEET_WORD_SIZE];
};

static void show_filter(FILE *out, const struct wish *wish)
{
    fputs("<form class=\"filter\" method=\"get\" action=\"/devices\">\n<label>Name has <input type=\"search\" name=\"q\" value=\"", out);
    page_text(out, wish->text);
    fputs("\" maxlength=\"64\"></label>\n<label>State <select name=\"state\">", out);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        fprintf(out, "<option value=\"%s\"%s>%s</option>", states[i], strcmp(states[i], wish->state) == 0 ? " selected" : "",
                states[i][0] ? states[i] : "any");
    }
    fputs("</select></label>\n<label>Version <input name=\"version\" size=\"8\" maxlength=\"40\" value=\"", out);
    page_text(out, wish->version);
    fputs("\"></label>\n<button>Show</button>\n</form>\n", out);
}

static void show_row(FILE *out, const struct fleet_device *device, int64_t now)
{
    fputs("<tr>", out);
    page_device_link(out, device->device);
    page_cell(out, "Board", device->board);
    page_cell(out, "Version", device->version);
    page_state(out, device->state);
    page_cell(out, "Towards", device->target);
    page_cell(out, "Reason", device->reason);
    page_cell(out, "Ring", device->ring);
    fputs("<td data-label=\"Last seen\">", out);
    page_ago(out, device->last_seen, now);
    fputs("</td></tr>\n", out);
}

static void show_next(FILE *out, const struct wish *wish, const char *last)
{
    fputs("<p class=\"next\"><a href=\"/devices?q=", out);
    page_url(out, wish->text);
    fputs("&amp;state=", out);
    page_url(out, wish->state);
    fputs("&amp;version=", out);
    page_url(out, wish->version);
    fputs("&amp;after=", out);
    page_url(out, last);
    fputs("\" rel=\"next\">The next " /* PAGE_ROWS */ "50</a></p>\n", out);
}

void page_devices(struct db *db, struct page_visit *visit)
{
    struct fleet_device list[PAGE_ROWS + 1];
    struct wish wish;
    size_t count = 0;
    page_field(visit->query, "after", wish.after, sizeof wish.after);
    page_field(visit->query, "q", wish.text, sizeof wish.text);
    page_field(visit->query, "state", wish.state, sizeof wish.state);
    page_field(visit->query, "version", wish.version, sizeof wish.version);
    const struct fleet_filter filter = {wish.after, wish.text, wish.state, wish.version};
    if (fleet_devices(db, &filter, list, PAGE_ROWS + 1, &count) != DB_OK) {
        page_database_away(visit);
        return;
    }
    size_t shown = count < PAGE_ROWS ? count : PAGE_ROWS;
    page_head(visit, "Devices");
    FILE *out = visit->out;
    show_filter(out, &wish);
    fputs("<section id=\"devices\" data-live>\n", out);
    if (shown == 0) {
        fputs("<p>No device is like that.</p>\n", out);
    } else {
        fputs("<table>\n<thead><tr><th>Device</th><th>Board</th><th>Version</th><th>State</th><th>Towards</th><th>Reason</th>"
              "<th>Ring</th><th>Last seen</th></tr></thead>\n<tbody>\n",
              out);
        for (size_t i = 0; i < shown; i++) {
            show_row(out, &list[i], visit->now);
        }
        fputs("</tbody>\n</table>\n", out);
    }
    if (count > shown) {
        show_next(out, &wish, list[shown - 1].device);
    }
    fputs("</section>\n", out);
    page_foot(visit);
}

static void fact(FILE *out, const char *name, const char *value)
{
    fprintf(out, "<dt>%s</dt><dd>", name);
    page_text(out, value[0] ? value : "\xe2\x80\x93");
    fputs("</dd>\n", out);
}

static void fact_time(FILE *out, const char *name, int64_t at, int64_t now)
{
    fprintf(out, "<dt>%s</dt><dd>", name);
    page_ago(out, at, now);
    fputs("</dd>\n", out);
}

static void show_device(struct page_visit *visit, const struct fleet_device *device, const struct fleet_report *reports,
                        size_t count)
{
    page_head(visit, device->device);
    FILE *out = visit->out;
    fputs("<section id=\"facts\" data-live>\n<dl class=\"facts\">\n", out);
    fact(out, "State", device->state);
    fact(out, "Version", device->version);
    fact(out, "Board", device->board);
    if (device->target[0]) {
        fact(out, "Towards", device->target);
    }
    if (device->reason[0]) {
        fact(out, "Reason", device->reason);
    }
    fact(out, "Ring", device->ring);
    fact_time(out, "Last seen", device->last_seen, visit->now);
    fact_time(out, "First seen", device->first_seen, visit->now);
    fact_time(out, "Enrolled", device->enrolled, visit->now);
    if (device->revoked > 0) {
        fact_time(out, "Revoked", device->revoked, visit->now);
    }
    fputs("</dl>\n<h2>What it reported</h2>\n", out);
    if (count == 0) {
        fputs("<p>Nothing yet. A device reports when an update is installed, confirmed, given up or refused.</p>\n", out);
    } else {
        page_reports_table(out, reports, count, false, visit->now);
    }
    fputs("</section>\n", out);
    if (strcmp(device->state, "reverted") == 0 || strcmp(device->state, "failed") == 0) {
        fputs("<p>Why, and what to do: <code>otter doctor</code> explains each reason.</p>\n", out);
    }
    page_foot(visit);
}

void page_device(struct db *db, struct page_visit *visit)
{
    struct fleet_device device;
    struct fleet_report reports[PAGE_ROWS];
    size_t count = 0;
    bool found = false;
    if (fleet_device(db, visit->rest, &device, &found) != DB_OK ||
        (found && fleet_reports(db, visit->rest, 0, reports, PAGE_ROWS, &count) != DB_OK)) {
        page_database_away(visit);
    } else if (!found) {
        page_message(visit, 404, "No such device", "No device of this name was enrolled, and none has reported.");
    } else {
        show_device(visit, &device, reports, count);
    }
}
