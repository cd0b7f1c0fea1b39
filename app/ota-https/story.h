/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - what the application says on the UART: the APP lines of board/words.def.
 */
#ifndef OTTER_APP_STORY_H
#define OTTER_APP_STORY_H

#include "otter/agent.h"

enum story_word {
#define BOOT_WORD(name, event, keys, text)
#define APP_WORD(name, event, keys, text) STORY_##name,
#include "board/words.def"
#undef BOOT_WORD
#undef APP_WORD
    STORY_WORDS
};

#define STORY_VALUES_MAX 4u
#define STORY_VALUE_SIZE 96u /* a longer value ends with "..." */
#define STORY_NUMBER_SIZE 11u
#define STORY_VERSION_SIZE 27u

/* Say one line: each %s of its text is the next of the values (NULL: "-"). Whatever is not
 * printable ASCII in a value comes out as '?': a line stays one line. */
void story_say(enum story_word word, const char *const *values);

/* Both return `text`. */
const char *story_number(uint32_t number, char text[STORY_NUMBER_SIZE]);
const char *story_version(const struct otter_version *version, char text[STORY_VERSION_SIZE]);

/* Say what the agent reports, as far as it is worth a line; `cause` is why the network failed
 * last, in words. Progress is told at most every twentieth of the whole. */
void story_agent(const struct otter_event *event, const char *cause);

#endif
