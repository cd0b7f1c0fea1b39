/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.c - one line on the UART, with values that may come from outside.
 */
#include <string.h>

#include "app/ota-https/story.h"

static const char *clean(const char *value, char text[STORY_VALUE_SIZE + 1])
{
    const char *from = value != NULL ? value : "-";
    size_t len = 0;
    for (; from[len] != 0 && len < STORY_VALUE_SIZE; len++) {
        text[len] = from[len] < ' ' || from[len] > '~' ? '?' : from[len];
    }
    if (from[len] != 0) {
        memcpy(text + STORY_VALUE_SIZE - 3, "...", 3);
    }
    text[len] = 0;
    return text;
}

void story_say(const char *word, const char *const *values)
{
    char texts[STORY_VALUES_MAX][STORY_VALUE_SIZE + 1];
    const char *cleaned[STORY_VALUES_MAX];
    size_t count = 0;
    for (const char *at = strchr(word, '%'); at != NULL; at = strchr(at + 1, '%')) {
        cleaned[count] = clean(values[count], texts[count]);
        count++;
    }
    words_say(WORDS_APP, word, cleaned);
}
