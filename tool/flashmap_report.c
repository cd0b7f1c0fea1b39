/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashmap_report.c - the messages about a flash map, collected so that all can be shown.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool/flashmap_parts.h"

static void add(struct flashmap_lines *lines, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void add(struct flashmap_lines *lines, const char *format, va_list args)
{
    char *text = NULL;
    char **grown = realloc(lines->line, (lines->count + 1) * sizeof *grown);
    if (!grown || vasprintf(&text, format, args) < 0) {
        abort(); /* no memory for one line of text: nothing can be said any more */
    }
    lines->line = grown;
    lines->line[lines->count++] = text;
}

void flashmap_error(struct flashmap_report *report, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(&report->errors, format, args);
    va_end(args);
}

void flashmap_note(struct flashmap_report *report, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(&report->notes, format, args);
    va_end(args);
}

static void lines_free(struct flashmap_lines *lines)
{
    for (uint32_t i = 0; i < lines->count; i++) {
        free(lines->line[i]);
    }
    free(lines->line);
    lines->line = NULL;
    lines->count = 0;
}

void flashmap_report_free(struct flashmap_report *report)
{
    lines_free(&report->errors);
    lines_free(&report->notes);
}
