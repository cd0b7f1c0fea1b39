/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - what the application says on the UART: the APP lines of board/words.def.
 */
#ifndef OTTER_APP_STORY_H
#define OTTER_APP_STORY_H

#include "board/words.h"
#include "otter/agent.h"

#define STORY_VALUES_MAX 4u
#define STORY_VALUE_SIZE 96u /* a longer value ends with "..." */

/* Say one line, APP_...: each %s of it is the next of the values (NULL: "-"). Whatever is not
 * printable ASCII in a value comes out as '?': a line stays one line. */
void story_say(const char *word, const char *const *values);

/* Say what the agent reports, as far as it is worth a line; `cause` is why the network failed
 * last, in words (NULL: not known). Progress is told at most every twentieth of the whole. */
void story_agent(const struct otter_event *event, const char *cause);

#endif
