/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - one JSON object, read strictly in one pass, member by member.
 *
 * Members of the root are handed out, those of an object that is itself a member of the root,
 * and the items of an array that is one, each before its own members where it is an object;
 * anything deeper is only checked. The text is unescaped where it lies. Members are
 * handed out before the rest is read: an error that comes later voids them.
 */
#ifndef OTTER_AGENT_JSON_H
#define OTTER_AGENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OTTER_JSON_DEPTH_MAX 6

enum otter_json_kind {
    OTTER_JSON_STRING,
    OTTER_JSON_NUMBER,
    OTTER_JSON_OBJECT, /* its members follow */
    OTTER_JSON_ARRAY,  /* its items follow */
    OTTER_JSON_OTHER   /* true, false, null */
};

struct otter_json_member {
    const char *parent; /* key of the root's member it is in; NULL: it is one itself */
    const char *key;    /* strings end with NUL and stay in the text, also after the reading */
    const char *value;  /* string: unescaped; number: as written, for this call only; else "" */
    enum otter_json_kind kind;
    bool item; /* of an array: it has no key ("") */
};

/* Calls `take` for each member; its first negative result ends the reading and is returned.
 * OTTER_ERR_CORRUPT: not valid JSON; OTTER_ERR_NOSPACE: `work` (aligned for uint32_t) has no
 * room for four bytes for each key of the objects that are open at once. */
int otter_json_read(char *text, size_t len, void *work, size_t work_size,
                    int (*take)(void *ctx, const struct otter_json_member *member), void *ctx);

#endif
