/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_overview.c - the fleet at a glance: numbers, the rollout, versions over time, failures.
 */
#include <stdlib.h>
#include <string.h>

#include "tool/page_parts.h"

enum { POINTS_MAX = 4000, REPORTS = 10 };

static const struct span {
    const char *name, *title;
    int64_t seconds;
} spans[] = {{"1h", "hour", 3600}, {"1d", "day", 86400}, {"1w", "week", 7 * 86400}, {"1y", "year", 365 * 86400}};

struct overview {
    struct fleet_summary summary;
    struct fleet_point points[POINTS_MAX];
    struct fleet_report reports[REPORTS];
    size_t points_count, reports_count;
    const struct span *span;
};

static void show_empty(struct page_visit *visit)
{
    fputs("<section class=\"panel\" id=\"first\" data-live>\n<h2>No device yet</h2>\n<p>What to do first, on the server:</p>\n<ol>\n"
          "<li>Tell it of a device: <pre>otter device enrol DEVICE --database DB</pre> It prints a token. Put that into the device, "
          "or give the device a certificate with its name: <pre>otter certs --client DEVICE</pre></li>\n"
          "<li>Publish a signed image: <pre>otter publish --image IMAGE --folder FOLDER --job-key JOB.pem --rollout 1%</pre></li>\n"
          "<li>Let the device ask this server. It appears here at its first question or report.</li>\n</ol>\n"
          "<p>No hardware at hand? <code>make demo-fleet</code> plays it with 200 simulated devices.</p>\n</section>\n",
          visit->out);
}

static void show_number(FILE *out, const char *href, const char *name, int64_t number, const char *style)
{
    char text[PAGE_COUNT_SIZE];
    fprintf(out, "<li class=\"%s\"><a href=\"%s\"><span class=\"number\">%s</span> %s</a></li>\n", style, href,
            page_count(number, text), name);
}

static void show_numbers(FILE *out, const struct fleet_summary *summary)
{
    fputs("<section id=\"numbers\" data-live aria-label=\"Numbers\">\n<ul class=\"numbers\">\n", out);
    show_number(out, "/devices", summary->devices == 1 ? "device" : "devices", summary->devices, "");
    show_number(out, "/devices?state=ok", "fine", summary->ok, "ok");
    show_number(out, "/devices?state=updating", "updating", summary->updating, "updating");
    show_number(out, "/devices?state=reverted", "went back", summary->reverted, summary->reverted > 0 ? "reverted" : "");
    show_number(out, "/devices?state=failed", "failed", summary->failed, summary->failed > 0 ? "failed" : "");
    show_number(out, "/devices?state=enrolled", "never seen", summary->enrolled, "");
    char hour[PAGE_COUNT_SIZE];
    char day[PAGE_COUNT_SIZE];
    char reports[PAGE_COUNT_SIZE];
    fprintf(out, "</ul>\n<p class=\"small\">%s asked within the last hour, %s within the last day; %s reports are kept.</p>\n</section>\n",
            page_count(summary->seen_hour, hour), page_count(summary->seen_day, day), page_count(summary->reports, reports));
}

static void show_plot(FILE *out, const struct overview *overview, int64_t now)
{
    fputs("<section id=\"versions\" data-live>\n<h2>Versions over time</h2>\n<p class=\"spans\">", out);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        fprintf(out, "<a href=\"/?span=%s\"%s>%s</a> ", spans[i].name, overview->span == &spans[i] ? " aria-current=\"true\"" : "",
                spans[i].title);
    }
    fputs("</p>\n", out);
    page_plot(out, overview->points, overview->points_count, now - overview->span->seconds, now);
    fputs("</section>\n", out);
}

static void show_reasons(FILE *out, const struct fleet_summary *summary)
{
    int64_t most = summary->reasons_count > 0 ? summary->reasons[0].devices : 1;
    char text[PAGE_COUNT_SIZE];
    fputs("<section id=\"reasons\" data-live>\n<h2>Failures by reason</h2>\n", out);
    if (summary->reasons_count == 0) {
        fputs("<p>None.</p>\n</section>\n", out);
        return;
    }
    fputs("<table>\n<thead><tr><th>Reason</th><th>Devices</th><th aria-hidden=\"true\"></th></tr></thead>\n<tbody>\n", out);
    for (size_t i = 0; i < summary->reasons_count; i++) {
        const struct fleet_count *reason = &summary->reasons[i];
        fputs("<tr>", out);
        page_cell(out, "Reason", reason->name);
        fprintf(out, "<td data-label=\"Devices\">%s</td><td aria-hidden=\"true\"><svg class=\"bar\" viewBox=\"0 0 100 10\" "
                     "preserveAspectRatio=\"none\"><rect width=\"%.1f\" height=\"10\"/></svg></td></tr>\n",
                page_count(reason->devices, text), 100.0 * (double)reason->devices / (double)most);
    }
    fputs("</tbody>\n</table>\n</section>\n", out);
}

static void show_reports(FILE *out, const struct overview *overview, int64_t now)
{
    fputs("<section id=\"reports\" data-live>\n<h2>Newest reports</h2>\n", out);
    if (overview->reports_count == 0) {
        fputs("<p>None yet.</p>\n", out);
    } else {
        page_reports_table(out, overview->reports, overview->reports_count, true, now);
    }
    fputs("</section>\n", out);
}

static const struct span *span_of(const char *query)
{
    char name[8];
    page_field(query, "span", name, sizeof name);
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        if (strcmp(name, spans[i].name) == 0) {
            return &spans[i];
        }
    }
    return &spans[1];
}

static enum db_result read_all(struct db *db, int64_t now, struct overview *overview)
{
    enum db_result result = fleet_summary(db, now, &overview->summary);
    if (result == DB_OK) {
        result = fleet_versions(db, now - overview->span->seconds, now, overview->points, POINTS_MAX, &overview->points_count);
    }
    for (size_t i = 0; i < overview->summary.versions_count && overview->points_count < POINTS_MAX; i++) {
        struct fleet_point *point = &overview->points[overview->points_count++]; /* and as it is now */
        point->at = now;
        snprintf(point->version, sizeof point->version, "%.40s", overview->summary.versions[i].name);
        point->devices = overview->summary.versions[i].devices;
    }
    if (result == DB_OK) {
        result = fleet_reports(db, NULL, 0, overview->reports, REPORTS, &overview->reports_count);
    }
    return result;
}

void page_overview(struct db *db, struct page_visit *visit)
{
    struct overview *overview = calloc(1, sizeof *overview);
    if (!overview) {
        visit->status = 503;
        return;
    }
    overview->span = span_of(visit->query);
    if (read_all(db, visit->now, overview) != DB_OK) {
        free(overview);
        page_database_away(visit);
        return;
    }
    page_head(visit, "Fleet");
    if (overview->summary.devices == 0) {
        show_empty(visit);
    } else {
        show_numbers(visit->out, &overview->summary);
    }
    if (visit->job.exists) {
        page_rollout_panel(visit, &overview->summary);
    }
    if (overview->summary.devices > 0) {
        show_plot(visit->out, overview, visit->now);
        show_reasons(visit->out, &overview->summary);
        show_reports(visit->out, overview, visit->now);
    }
    page_foot(visit);
    free(overview);
}
