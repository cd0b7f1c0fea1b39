/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve_operator.c - `otter serve operator add|remove|list`: who may sign in on the page.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <popt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tool/fleet_record.h"
#include "tool/operator.h"
#include "tool/serve_operator.h"
#include "tool/tool.h"

enum { LINE_SIZE = OPERATOR_PASSWORD_MAX + 2 };

static void cut_line(char *line)
{
    line[strcspn(line, "\r\n")] = 0;
}

/* From the terminal, unseen, or from a pipe. */
static bool ask(const char *prompt, char ret_line[LINE_SIZE])
{
    struct termios before;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        struct termios quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fputs(prompt, stderr);
    }
    bool ok = fgets(ret_line, LINE_SIZE, stdin) != NULL;
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    if (ok) {
        cut_line(ret_line);
    }
    return ok;
}

static int get_password(const char *file, char ret_password[LINE_SIZE])
{
    char again[LINE_SIZE] = "";
    struct tool_bytes bytes;
    ret_password[0] = 0;
    if (file) {
        int rc = tool_read_file(file, OPERATOR_PASSWORD_MAX + 1, &bytes);
        if (rc != 0) {
            return rc;
        }
        snprintf(ret_password, LINE_SIZE, "%s", (const char *)bytes.data);
        OPENSSL_cleanse(bytes.data, bytes.len);
        tool_bytes_free(&bytes);
        cut_line(ret_password);
    } else if (!ask("password: ", ret_password) || (isatty(STDIN_FILENO) && !ask("once more: ", again))) {
        return tool_refuse("no password given");
    } else if (isatty(STDIN_FILENO) && strcmp(ret_password, again) != 0) {
        return tool_refuse("the two passwords differ");
    }
    OPENSSL_cleanse(again, sizeof again);
    if (strlen(ret_password) < OPERATOR_PASSWORD_MIN) {
        return tool_refuse("a password has at least %d characters", OPERATOR_PASSWORD_MIN);
    }
    return 0;
}

static int judge(struct db *db, enum db_result result)
{
    return result == DB_OK ? 0 : tool_refuse("the database %s: %s", db_name(db), db_why(db));
}

static int add(struct db *db, const char *name, const char *password_file)
{
    char password[LINE_SIZE];
    if (!fleet_is_name(name)) {
        return tool_refuse("'%s' is no name: 1 to 64 bytes without control characters", name);
    }
    int rc = get_password(password_file, password);
    if (rc == 0) {
        rc = judge(db, operator_add(db, name, password, time(NULL)));
    }
    OPENSSL_cleanse(password, sizeof password);
    return rc;
}

static int take_away(struct db *db, const char *name)
{
    bool known = false;
    int rc = judge(db, operator_remove(db, name, &known));
    return rc == 0 && !known ? tool_refuse("no operator '%s'; `otter serve operator list` names them", name) : rc;
}

static void print_name(void *ctx, const struct db_row *row)
{
    (void)ctx;
    puts(db_row_text(row, 0));
}

static int list(struct db *db)
{
    return judge(db, db_query(db, "SELECT name FROM operators ORDER BY name", DB_NONE, print_name, NULL));
}

static int run(const char *database, const char **args, const char *password_file)
{
    struct db *db = NULL;
    const char *what = args[0] ? args[0] : "";
    const char *name = args[0] ? args[1] : NULL;
    bool lists = strcmp(what, "list") == 0;
    bool adds = strcmp(what, "add") == 0;
    if (!lists && !adds && strcmp(what, "remove") != 0) {
        return tool_usage("add NAME, remove NAME or list");
    }
    if (lists ? name != NULL : !name || args[2]) {
        return tool_usage(lists ? "'list' takes no name" : "'%s' takes one name", what);
    }
    if (!database) {
        return tool_usage("--database is needed: the one that `otter serve` has");
    }
    if (!adds && strstr(database, "://") == NULL && access(database, F_OK) != 0) {
        return tool_refuse("there is no database '%s': %s", database, strerror(errno));
    }
    int rc = db_open(database, &db);
    if (rc == 0) {
        rc = lists ? list(db) : adds ? add(db, name, password_file) : take_away(db, name);
        db_close(db);
    }
    return rc;
}

int serve_operator(int argc, const char **argv)
{
    char *database = NULL;
    char *password_file = NULL;
    const struct poptOption table[] = {
        {"database", 'd', POPT_ARG_STRING, &database, 0, "a file, or a postgresql:// URL", "DB"},
        {"password-file", 0, POPT_ARG_STRING, &password_file, 0, "its first line [asked for]", "FILE"},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context;
    const char **args;
    int rc;
    tool_set_command("serve operator");
    if (tool_options("serve operator", argc, argv, table, "add|remove|list [NAME] --database DB", &context, &args,
                     &rc) == 0) {
        rc = run(database, args, password_file);
        poptFreeContext(context);
    }
    free(database);
    free(password_file);
    return rc;
}
