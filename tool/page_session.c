/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_session.c - signing in and out. The cookie is 32 random bytes; the database knows only
 * their SHA-256. A session ends after twelve hours, when the operator signs out, or when his
 * password changes.
 */
#include <string.h>

#include "tool/operator.h"
#include "tool/page_parts.h"

enum { SESSION_SECONDS = 12 * 3600 };

static void take_session(void *ctx, const struct db_row *row)
{
    struct page_visit *visit = ctx;
    db_row_copy(row, 0, visit->operator_name, sizeof visit->operator_name);
    db_row_copy(row, 1, visit->csrf, sizeof visit->csrf);
}

enum db_result page_session_find(struct db *db, struct page_visit *visit)
{
    enum db_result result = operator_count(db, &visit->operators);
    if (result == DB_OK && visit->session[0]) {
        result = db_query(db, "SELECT operator, csrf FROM sessions WHERE hash = $1 AND ends > $2",
                          DB_VALUES(db_text(visit->session), db_int(visit->now)), take_session, visit);
    }
    return result;
}

static void show_form(struct page_visit *visit, const char *why)
{
    page_head(visit, "Sign in");
    FILE *out = visit->out;
    if (visit->operators == 0) {
        fputs("<p>Nobody can sign in yet. On the server:</p>\n<pre>otter serve operator add NAME --database DB</pre>\n", out);
        page_foot(visit);
        return;
    }
    if (why) {
        fprintf(out, "<p class=\"message bad\" role=\"alert\">%s</p>\n", why);
    }
    fputs("<form class=\"panel stack\" method=\"post\" action=\"/sign-in\">\n"
          "<label>Name <input name=\"name\" autocomplete=\"username\" required autofocus maxlength=\"64\"></label>\n"
          "<label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\n"
          "<button>Sign in</button>\n</form>\n",
          out);
    page_foot(visit);
}

void page_sign_in_form(struct db *db, struct page_visit *visit)
{
    (void)db;
    show_form(visit, NULL);
}

static enum db_result begin_session(struct db *db, struct page_visit *visit, const char *name)
{
    char token[FLEET_TOKEN_SIZE];
    char csrf[FLEET_TOKEN_SIZE];
    char hash[FLEET_HASH_SIZE];
    if (!fleet_token_make(token) || !fleet_token_make(csrf)) {
        return DB_AWAY;
    }
    fleet_token_hash(token, hash);
    enum db_result result = db_begin(db);
    if (result != DB_OK) {
        return result;
    }
    result = db_run(db, "DELETE FROM sessions WHERE ends <= $1", DB_VALUES(db_int(visit->now)), NULL);
    if (result == DB_OK) {
        result = db_run(db, "INSERT INTO sessions(hash, operator, csrf, ends) VALUES($1, $2, $3, $4)",
                        DB_VALUES(db_text(hash), db_text(name), db_text(csrf), db_int(visit->now + SESSION_SECONDS)), NULL);
    }
    result = result == DB_OK ? db_commit(db) : result;
    if (result != DB_OK) {
        db_rollback(db);
        return result;
    }
    snprintf(visit->cookie, sizeof visit->cookie, "otter-session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s", token,
             SESSION_SECONDS, visit->is_tls ? "; Secure" : "");
    return DB_OK;
}

void page_sign_in(struct db *db, struct page_visit *visit)
{
    char name[FLEET_NAME_SIZE];
    char password[OPERATOR_PASSWORD_MAX + 1];
    bool right = false;
    page_field(visit->body, "name", name, sizeof name);
    page_field(visit->body, "password", password, sizeof password);
    if (operator_check(db, name, password, &right) != DB_OK) {
        page_database_away(visit);
    } else if (!right) {
        visit->status = 403;
        show_form(visit, "Name or password is wrong.");
    } else if (begin_session(db, visit, name) != DB_OK) {
        page_database_away(visit);
    } else {
        page_see_other(visit, "/");
    }
}

void page_sign_out(struct db *db, struct page_visit *visit)
{
    if (db_run(db, "DELETE FROM sessions WHERE hash = $1", DB_VALUES(db_text(visit->session)), NULL) != DB_OK) {
        page_database_away(visit);
        return;
    }
    snprintf(visit->cookie, sizeof visit->cookie, "otter-session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s",
             visit->is_tls ? "; Secure" : "");
    page_see_other(visit, "/sign-in");
}
