/* SPDX-License-Identifier: Apache-2.0 */
/* until.h - conditions that end a run of a device. */
#ifndef OTTER_TOOL_UNTIL_H
#define OTTER_TOOL_UNTIL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define UNTIL_MAX 8u

enum until_kind { UNTIL_CONFIRMED, UNTIL_RUNNING, UNTIL_OUTCOME, UNTIL_REPORTED, UNTIL_POLLS };

struct until {
    enum until_kind kind;
    char value[32];
    uint32_t count; /* wanted */
    uint32_t seen;
};

/* Met one after the other, in this order; none at all is never met. */
struct until_list {
    struct until until[UNTIL_MAX];
    uint32_t count, met;
    char running[32]; /* version of the application that runs */
    bool polling;
};

/* Add a condition; 0, or TOOL_USAGE after saying why. */
int until_add(struct until_list *list, const char *text);

/* Look at one event; true once the last condition is met. */
bool until_watch(struct until_list *list, const json_t *event);

#endif
