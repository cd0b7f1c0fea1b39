/* SPDX-License-Identifier: Apache-2.0 */
/* rollout.h - the parts of `otter rollout`: options, and what it shows. */
#ifndef OTTER_TOOL_ROLLOUT_H
#define OTTER_TOOL_ROLLOUT_H

#include "tool/rollout_book.h"
#include "tool/store.h"

struct rollout_options {
    struct store_options place;
    char *job_key, *job, *message, *expires, *ramp;
    const char **rings;
    int no_rings, force, as_json;
};

/* Show the document of this name. 0, or an exit code after saying why not. */
int rollout_show(struct store *store, const char *job_name, const struct tool_key *key, bool as_json);
int rollout_show_history(struct store *store, bool as_json);
void rollout_show_done(struct store *store, const char *job_name, const struct rollout_order *order,
                       const struct rollout_done *done, bool as_json);

#endif
