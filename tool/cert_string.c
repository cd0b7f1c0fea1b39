/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_string.c - `otter cert-string`: PEM files as C string literals, for a header.
 *
 * The output is that of the script it replaces, byte for byte: a title per file, each line
 * as "line\n" with a backslash behind it on all but the last, an empty line. All files are
 * read before the first is printed: no half output.
 */
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/tool.h"

enum { FILE_MAX = 1 << 20 };

static bool ends_with(const char *text, const char *ending)
{
    size_t len = strlen(text);
    size_t ending_len = strlen(ending);
    return len >= ending_len && strcmp(text + len - ending_len, ending) == 0;
}

static int read_pem(const char *path, struct tool_bytes *ret_bytes)
{
    if (!ends_with(path, ".crt") && !ends_with(path, ".pem") && !ends_with(path, ".key")) {
        return tool_usage("'%s': a file that ends in .crt, .pem or .key is needed", path);
    }
    int rc = tool_read_file(path, FILE_MAX, ret_bytes);
    if (rc != 0) {
        return rc;
    }
    if (strlen((const char *)ret_bytes->data) != ret_bytes->len ||
        !strstr((const char *)ret_bytes->data, "-----BEGIN ")) {
        tool_bytes_free(ret_bytes);
        return tool_refuse("'%s' is not PEM: it has no \"-----BEGIN\" line", path);
    }
    return 0;
}

static void print_line(const char *line, size_t len, bool is_last)
{
    putchar('"');
    for (size_t i = 0; i < len; i++) {
        if (line[i] == '"' || line[i] == '\\') {
            putchar('\\');
        }
        putchar(line[i]);
    }
    fputs(is_last ? "\\n\"\n" : "\\n\"\\\n", stdout);
}

static void print_file(const char *path, const char *text)
{
    printf("String format of %s file:\n", path);
    while (*text) {
        size_t line = strcspn(text, "\r\n");
        const char *next = text + line;
        next += next[0] == '\r' && next[1] == '\n' ? 2 : next[0] ? 1 : 0;
        print_line(text, line, *next == 0);
        text = next;
    }
    putchar('\n');
}

static int print_all(const char **paths, size_t count)
{
    struct tool_bytes *files = calloc(count, sizeof *files);
    int rc = files ? 0 : tool_refuse("out of memory");
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = read_pem(paths[i], &files[i]);
    }
    for (size_t i = 0; i < count && rc == 0; i++) {
        print_file(paths[i], (const char *)files[i].data);
    }
    if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout))) {
        rc = tool_refuse("cannot write the output");
    }
    for (size_t i = 0; files && i < count; i++) {
        tool_bytes_free(&files[i]);
    }
    free(files);
    return rc;
}

int tool_cert_string(int argc, const char **argv)
{
    const struct poptOption table[] = {POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    size_t count = 0;
    if (tool_options("cert-string", argc, argv, table, "FILE...", &context, &args, &rc) != 0) {
        return rc;
    }
    while (args[count]) {
        count++;
    }
    rc = count ? print_all(args, count) : tool_usage("a .crt, .pem or .key file is needed");
    poptFreeContext(context);
    return rc;
}
