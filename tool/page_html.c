/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_html.c - what every page is made of. Whatever comes from a device goes through
 * page_text or page_url: nothing of it is ever markup.
 */
#include <stdlib.h>
#include <string.h>

#include "tool/page_parts.h"

void page_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default: putc(*text, out);
        }
    }
}

void page_url(FILE *out, const char *text)
{
    char *encoded = evhttp_uriencode(text, -1, 0);
    if (encoded) {
        page_text(out, encoded);
        free(encoded);
    }
}

void page_cell(FILE *out, const char *label, const char *text)
{
    fprintf(out, "<td data-label=\"%s\">", label);
    page_text(out, text[0] ? text : "\xe2\x80\x93");
    fputs("</td>", out);
}

void page_ago(FILE *out, int64_t at, int64_t now)
{
    char iso[32];
    struct tm tm;
    time_t time = (time_t)at;
    int64_t age = now > at ? now - at : 0;
    if (at <= 0 || !gmtime_r(&time, &tm) || strftime(iso, sizeof iso, "%Y-%m-%d %H:%M:%S", &tm) == 0) {
        fputs("never", out);
        return;
    }
    fprintf(out, "<time datetime=\"%.10sT%sZ\" title=\"%s UTC\">", iso, iso + 11, iso);
    if (age < 60) {
        fputs("just now", out);
    } else if (age < 3600) {
        fprintf(out, "%d min ago", (int)(age / 60));
    } else if (age < 2 * 86400) {
        fprintf(out, "%d h ago", (int)(age / 3600));
    } else {
        fprintf(out, "%d days ago", (int)(age / 86400));
    }
    fputs("</time>", out);
}

void page_permille(FILE *out, int64_t permille)
{
    if (permille % 10 == 0) {
        fprintf(out, "%d %%", (int)(permille / 10));
    } else {
        fprintf(out, "%d.%d %%", (int)(permille / 10), (int)(permille % 10));
    }
}

void page_device_link(FILE *out, const char *device)
{
    fputs("<td data-label=\"Device\"><a href=\"/devices/", out);
    page_url(out, device);
    fputs("\">", out);
    page_text(out, device);
    fputs("</a></td>", out);
}

/* The word says it; the colour only helps. */
void page_state(FILE *out, const char *state)
{
    static const char *const known[] = {"ok", "updating", "reverted", "failed", "enrolled"};
    const char *style = "other";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        style = strcmp(state, known[i]) == 0 ? known[i] : style;
    }
    fprintf(out, "<td data-label=\"State\"><span class=\"state %s\">", style);
    page_text(out, state);
    fputs("</span></td>", out);
}

void page_csrf(FILE *out, const struct page_visit *visit)
{
    fputs("<input type=\"hidden\" name=\"csrf\" value=\"", out);
    page_text(out, visit->csrf);
    fputs("\">", out);
}

static void nav_link(const struct page_visit *visit, const char *href, const char *name)
{
    const char *path = visit->route->path;
    bool here = strcmp(path, href) == 0 || (strcmp(href, "/devices") == 0 && strcmp(path, "/devices/") == 0);
    fprintf(visit->out, "<a href=\"%s\"%s>%s</a>\n", href, here ? " aria-current=\"page\"" : "", name);
}

static void sign_in_or_out(const struct page_visit *visit)
{
    FILE *out = visit->out;
    if (visit->operator_name[0]) {
        fputs("<form class=\"who\" method=\"post\" action=\"/sign-out\">", out);
        page_csrf(out, visit);
        fputs("<span>", out);
        page_text(out, visit->operator_name);
        fputs("</span> <button class=\"plain\">Sign out</button></form>\n", out);
    } else if (visit->operators > 0) {
        fputs("<a class=\"who\" href=\"/sign-in\">Sign in</a>\n", out);
    }
}

void page_head(struct page_visit *visit, const char *title)
{
    if (visit->out) { /* what was begun is not to be shown */
        (void)fclose(visit->out);
        free(visit->text);
        visit->text = NULL;
    }
    visit->out = open_memstream(&visit->text, &visit->len);
    if (!visit->out) {
        abort(); /* no memory for a few bytes */
    }
    FILE *out = visit->out;
    fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>",
          out);
    page_text(out, title);
    fputs(" - Otter</title>\n<link rel=\"icon\" href=\"data:,\">\n<link rel=\"stylesheet\" href=\"/page/style.css\">\n", out);
    if (visit->operator_name[0]) {
        fputs("<meta name=\"otter-csrf\" content=\"", out);
        page_text(out, visit->csrf);
        fputs("\">\n", out);
    }
    fputs("<script src=\"/page/live.js\" defer></script>\n</head>\n<body>\n"
          "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n<strong>Otter</strong>\n<nav aria-label=\"Pages\">\n",
          out);
    nav_link(visit, "/", "Fleet");
    nav_link(visit, "/devices", "Devices");
    nav_link(visit, "/rollouts", "Rollouts");
    fputs("</nav>\n<span id=\"live\" class=\"live\" role=\"status\"></span>\n", out);
    sign_in_or_out(visit);
    fputs("</header>\n<main id=\"main\" tabindex=\"-1\">\n<h1>", out);
    page_text(out, title);
    fputs("</h1>\n", out);
}

void page_foot(struct page_visit *visit)
{
    char now[24];
    serve_time_text(now);
    fprintf(visit->out, "</main>\n<footer>otter " OTTER_VERSION ", as of <time datetime=\"%s\">%s</time></footer>\n</body>\n</html>\n",
            now, now);
}

const char *page_count(int64_t number, char ret_text[PAGE_COUNT_SIZE])
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)(number > 0 ? number : 0));
    char *to = ret_text;
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            *to++ = ',';
        }
        *to++ = digits[i];
    }
    *to = 0;
    return ret_text;
}

void page_reports_table(FILE *out, const struct fleet_report *list, size_t count, bool with_device, int64_t now)
{
    char text[64];
    fprintf(out, "<table>\n<thead><tr><th>When</th>%s<th>From</th><th>To</th><th>Result</th><th>Reason</th>"
                 "<th>Trial boots</th><th>Bytes</th><th>Via</th><th>Time</th></tr></thead>\n<tbody>\n",
            with_device ? "<th>Device</th>" : "");
    for (size_t i = 0; i < count; i++) {
        const struct fleet_report *report = &list[i];
        fputs("<tr><td data-label=\"When\">", out);
        page_ago(out, report->at, now);
        fputs("</td>", out);
        if (with_device) {
            page_device_link(out, report->device);
        }
        page_cell(out, "From", report->from);
        page_cell(out, "To", report->to);
        bool told = strcmp(report->source, "poll") != 0;
        snprintf(text, sizeof text, "%s%s", report->result, told ? "" : ", not told");
        page_cell(out, "Result", text);
        page_cell(out, "Reason", strcmp(report->reason, "none") == 0 ? "" : report->reason);
        snprintf(text, sizeof text, "%lld", (long long)report->attempts);
        page_cell(out, "Trial boots", text);
        page_cell(out, "Bytes", report->bytes > 0 ? page_count(report->bytes, text) : "");
        page_cell(out, "Via", report->via);
        snprintf(text, sizeof text, "%lld s", (long long)report->seconds);
        page_cell(out, "Time", report->bytes > 0 ? text : "");
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n</table>\n", out);
}
