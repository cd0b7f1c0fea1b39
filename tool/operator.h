/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operator.h - who may halt and raise from the page: names and passwords in the database.
 */
#ifndef OTTER_TOOL_OPERATOR_H
#define OTTER_TOOL_OPERATOR_H

#include "tool/db.h"

enum { OPERATOR_NAME_SIZE = 65, OPERATOR_PASSWORD_MIN = 8, OPERATOR_PASSWORD_MAX = 1024 };

/* A new one, or a new password; sessions of before end. Takes about a tenth of a second, as
 * operator_check does (scrypt): on a database thread. */
enum db_result operator_add(struct db *db, const char *name, const char *password, int64_t now);
enum db_result operator_remove(struct db *db, const char *name, bool *ret_known);
enum db_result operator_count(struct db *db, int64_t *ret_count);
/* A name that nobody has takes as long as a wrong password. */
enum db_result operator_check(struct db *db, const char *name, const char *password, bool *ret_right);

#endif
