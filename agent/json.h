/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - one JSON object, read strictly, member by member.
 *
 * jsmn finds the tokens; json.c checks everything that jsmn lets pass (punctuation, depth,
 * numbers, control characters, UTF-8, keys given twice in either case, bytes behind the
 * end) before the first member is handed out. The text is unescaped where it lies.
 */
#ifndef OTTER_AGENT_JSON_H
#define OTTER_AGENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTTER_JSON_DEPTH_MAX 6

enum otter_json_kind {
    OTTER_JSON_STRING = 1,
    OTTER_JSON_NUMBER = 2,
    OTTER_JSON_OTHER = 4 /* true, false, null, or something nested */
};

struct otter_json_member {
    const char *key;   /* both end with NUL and live in the text */
    const char *value; /* string: unescaped; number: as written; else "" */
    enum otter_json_kind kind;
};

/* Calls `take` for each member of the root object; its first negative result ends the
 * reading and is returned. OTTER_ERR_CORRUPT: not valid JSON; OTTER_ERR_NOSPACE: more
 * tokens than fit `work` (aligned for int; 16 bytes each). */
int otter_json_read(char *text, size_t len, void *work, size_t work_size,
                    int (*take)(void *ctx, const struct otter_json_member *member), void *ctx);

#endif
