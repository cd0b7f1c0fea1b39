/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_rollouts.c - the rollout under way, what an operator may do about it, and its history.
 *
 * Without the signing key the server cannot change a job: the page then shows the command for
 * whoever has it.
 */
#include <string.h>

#include "tool/page_parts.h"

enum { HISTORY = 100 };

/* ---- the panel ---- */
static void show_buttons(struct page_visit *visit)
{
    FILE *out = visit->out;
    const struct serve_job *job = &visit->job;
    fputs("<div class=\"actions\">\n<form method=\"post\" action=\"/rollouts\" data-confirm=\"", out);
    fputs(job->halted ? "Let the rollout go on?" : "Halt the rollout? Devices stop at their next poll.", out);
    fprintf(out, "\"><input type=\"hidden\" name=\"action\" value=\"%s\">", job->halted ? "resume" : "halt");
    page_csrf(out, visit);
    fprintf(out, "<button class=\"%s\">%s</button></form>\n", job->halted ? "" : "danger", job->halted ? "Resume" : "Halt");
    if (!job->halted && job->permille < 1000) {
        fputs("<form method=\"post\" action=\"/rollouts\"><input type=\"hidden\" name=\"action\" value=\"raise\">", out);
        page_csrf(out, visit);
        fprintf(out, "<label>Raise to <input name=\"percent\" type=\"number\" min=\"%d.%d\" max=\"100\" step=\"0.1\" required> %%</label> "
                     "<button>Raise</button></form>\n",
                (job->permille + 1) / 10, (job->permille + 1) % 10);
    }
    fputs("</div>\n", out);
}

static void show_commands(struct page_visit *visit)
{
    const struct serve_job *job = &visit->job;
    const char *words = job->is_signed ? " --folder FOLDER --job-key JOB.pem" : " --folder FOLDER";
    fputs("<details><summary>To change it</summary>\n<p>This server has no key for jobs. Whoever has it runs:</p>\n<pre>", visit->out);
    fprintf(visit->out, "otter rollout %s%s\n", job->halted ? "resume" : "halt", words);
    if (!job->halted && job->permille < 1000) {
        fprintf(visit->out, "otter rollout raise %d%%%s\n", job->permille < 500 ? 50 : 100, words);
    }
    fputs("</pre>\n</details>\n", visit->out);
}

/* What the patches saved is measured against what this release's whole images took. */
static void show_traffic(FILE *out, const struct fleet_summary *summary)
{
    if (summary->deltas == 0) {
        return;
    }
    double each = (double)summary->delta_bytes / (double)summary->deltas;
    char count[PAGE_COUNT_SIZE];
    char size[PAGE_COUNT_SIZE];
    fprintf(out, "<p class=\"small\">In the newest reports %s downloads by patch, %s bytes each", page_count(summary->deltas, count),
            page_count((int64_t)each, size));
    if (summary->images > 0) {
        double image = (double)summary->image_bytes / (double)summary->images;
        fprintf(out, "; %s by whole image, %s bytes each: %.1f MB saved", page_count(summary->images, count),
                page_count((int64_t)image, size), (image - each) * (double)summary->deltas / 1e6);
    }
    fputs(".</p>\n", out);
}

static void show_progress(struct page_visit *visit, const struct fleet_summary *summary)
{
    FILE *out = visit->out;
    int64_t known = summary->devices - summary->enrolled;
    double part = known > 0 ? 100.0 * (double)summary->on_target / (double)known : 0;
    double wanted = (double)visit->job.permille_now / 10.0;
    fprintf(out, "<svg class=\"progress\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
                 "<rect class=\"all\" width=\"100\" height=\"6\"/><rect class=\"wanted\" width=\"%.2f\" height=\"6\"/>"
                 "<rect class=\"done\" width=\"%.2f\" height=\"6\"/></svg>\n",
            wanted, part);
    char there[PAGE_COUNT_SIZE];
    char all[PAGE_COUNT_SIZE];
    fprintf(out, "<p>%s of %s devices run it (%.1f %%)", page_count(summary->on_target, there), page_count(known, all), part);
    if (summary->failed_target > 0) {
        fprintf(out, "; <strong class=\"bad\">%s came back from it or refused it</strong>",
                page_count(summary->failed_target, there));
    }
    fputs(".</p>\n", out);
    show_traffic(out, summary);
}

void page_rollout_panel(struct page_visit *visit, const struct fleet_summary *summary)
{
    FILE *out = visit->out;
    const struct serve_job *job = &visit->job;
    bool is_target = summary->has_rollout && strcmp(summary->rollout.version, job->version) == 0;
    fprintf(out, "<section class=\"panel%s\" id=\"rollout\" data-live>\n<h2>Rollout of ", job->halted ? " halted" : "");
    page_text(out, job->version);
    fputs("</h2>\n<p>", out);
    if (job->halted) {
        fputs("<strong class=\"bad\">Halted.</strong> No device begins it any more.", out);
    } else {
        fputs("Open to <strong>", out);
        page_permille(out, job->permille_now);
        fputs("</strong> of the devices", out);
        if (job->permille_now != job->permille) {
            fputs(", rising to ", out);
            page_permille(out, job->permille);
        }
        if (job->rings[0]) {
            fputs(", and to the rings ", out);
            page_text(out, job->rings);
        }
        putc('.', out);
    }
    if (summary->has_rollout && job->halted && summary->rollout.message[0]) {
        putc(' ', out);
        page_text(out, summary->rollout.message);
    }
    fprintf(out, " <span class=\"small\">Sequence %lld%s.</span></p>\n", (long long)job->sequence,
            job->is_signed ? "" : ", not signed");
    if (is_target && summary->devices > 0) {
        show_progress(visit, summary);
    }
    if (job->can_change && visit->operator_name[0]) {
        show_buttons(visit);
    } else if (job->can_change && visit->operators == 0) {
        fputs("<p class=\"small\">To halt or raise it from here: <code>otter serve operator add NAME --database DB</code>, then sign in.</p>\n", out);
    } else if (!job->can_change) {
        show_commands(visit);
    }
    fputs("</section>\n", out);
}

/* ---- history ---- */
static void show_row(FILE *out, const struct fleet_rollout *rollout, int64_t now)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)rollout->sequence);
    fputs("<tr>", out);
    page_cell(out, "Sequence", text);
    fputs("<td data-label=\"When\">", out);
    page_ago(out, rollout->at, now);
    fputs("</td>", out);
    page_cell(out, "What", rollout->action);
    page_cell(out, "Version", rollout->version);
    fputs("<td data-label=\"Devices\">", out);
    page_permille(out, rollout->permille);
    fputs("</td>", out);
    page_cell(out, "Rings", rollout->rings);
    page_cell(out, "Who", rollout->who);
    page_cell(out, "Why", rollout->message);
    fputs("</tr>\n", out);
}

void page_rollouts(struct db *db, struct page_visit *visit)
{
    static _Thread_local struct fleet_rollout list[HISTORY];
    struct fleet_summary summary;
    size_t count = 0;
    if (fleet_rollouts(db, list, HISTORY, &count) != DB_OK || fleet_summary(db, visit->now, &summary) != DB_OK) {
        page_database_away(visit);
        return;
    }
    page_head(visit, "Rollouts");
    FILE *out = visit->out;
    if (visit->job.exists) {
        page_rollout_panel(visit, &summary);
    }
    fputs("<section id=\"history\" data-live>\n<h2>History</h2>\n", out);
    if (count == 0) {
        fputs("<p>Nothing was published into this server's folder yet: <code>otter publish --help</code>.</p>\n", out);
    } else {
        fputs("<table>\n<thead><tr><th>Sequence</th><th>When</th><th>What</th><th>Version</th><th>Devices</th><th>Rings</th>"
              "<th>Who</th><th>Why</th></tr></thead>\n<tbody>\n",
              out);
        for (size_t i = 0; i < count; i++) {
            show_row(out, &list[i], visit->now);
        }
        fputs("</tbody>\n</table>\n", out);
    }
    fputs("</section>\n", out);
    page_foot(visit);
}

/* ---- changes ---- */
/* "12.5" is 125 thousandths. -1: not a percentage. */
static int permille_of(const char *percent)
{
    int whole = 0;
    int tenth = 0;
    char rest = 0;
    int n = sscanf(percent, "%3d.%1d%c", &whole, &tenth, &rest);
    bool plain = strspn(percent, "0123456789.") == strlen(percent) && percent[0] != '.';
    bool whole_only = strchr(percent, '.') == NULL;
    if (!plain || n != (whole_only ? 1 : 2) || whole > 100 || (whole == 100 && tenth > 0)) {
        return -1;
    }
    return whole * 10 + tenth;
}

/* False: no such order; the visit says so. */
static bool take_order(struct page_visit *visit, const char *action, int permille)
{
    struct rollout_order *order = &visit->order;
    *order = (struct rollout_order){.permille = -1, .who = visit->operator_name};
    if (strcmp(action, "halt") == 0) {
        order->action = ROLLOUT_HALT;
    } else if (strcmp(action, "resume") == 0) {
        order->action = ROLLOUT_RESUME;
    } else if (strcmp(action, "raise") == 0 && permille >= 0) {
        order->action = ROLLOUT_RAISE;
        order->permille = permille;
    } else {
        return false;
    }
    visit->changes = true;
    return true;
}

void page_change_form(struct db *db, struct page_visit *visit)
{
    char action[16];
    char percent[16];
    (void)db;
    page_field(visit->body, "action", action, sizeof action);
    page_field(visit->body, "percent", percent, sizeof percent);
    if (!take_order(visit, action, permille_of(percent))) {
        page_message(visit, 400, "Not changed", "A rollout is raised to a percentage from 0 to 100 with one decimal at most, e.g. 2.5.");
    }
}

void page_api_change(struct db *db, struct page_visit *visit)
{
    (void)db;
    json_t *root = json_loads(visit->body, JSON_REJECT_DUPLICATES, NULL);
    const char *action = json_string_value(json_object_get(root, "action"));
    const json_t *permille = json_object_get(root, "permille");
    json_int_t number = json_is_integer(permille) ? json_integer_value(permille) : -1;
    if (!action || !take_order(visit, action, number >= 0 && number <= 1000 ? (int)number : -1)) {
        visit->status = 400;
    }
    json_decref(root);
}
