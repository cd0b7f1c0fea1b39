/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.c - one line on the UART: "app   ", the text with its values, an end of line.
 */
#include <string.h>

#include "app/ota-https/story.h"
#include "board/board.h"

static const char *const texts[] = {
#define BOOT_WORD(name, event, keys, text)
#define APP_WORD(name, event, keys, text) [STORY_##name] = text,
#include "board/words.def"
#undef BOOT_WORD
#undef APP_WORD
};

static void write_text(const char *text, size_t len)
{
    if (len > 0) {
        board_write(text, len);
    }
}

static void write_value(const char *value)
{
    char clean[STORY_VALUE_SIZE];
    const char *from = value != NULL ? value : "-";
    size_t len = 0;
    for (; from[len] != 0 && len < sizeof clean; len++) {
        clean[len] = from[len];
        if (clean[len] < ' ' || clean[len] > '~') {
            clean[len] = '?';
        }
    }
    if (from[len] != 0) {
        memcpy(clean + sizeof clean - 3, "...", 3);
    }
    write_text(clean, len);
}

void story_say(enum story_word word, const char *const *values)
{
    const char *text = texts[word];
    write_text("app   ", 6);
    for (;;) {
        const char *mark = strstr(text, "%s");
        if (mark == NULL) {
            break;
        }
        write_text(text, (size_t)(mark - text));
        write_value(*values++);
        text = mark + 2;
    }
    write_text(text, strlen(text));
    write_text("\r\n", 2);
}

const char *story_number(uint32_t number, char text[STORY_NUMBER_SIZE])
{
    char digits[STORY_NUMBER_SIZE - 1];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    for (size_t i = 0; i < count; i++) {
        text[i] = digits[count - 1 - i];
    }
    text[count] = 0;
    return text;
}

/* "1.2.3", or "1.2.3+4" where there is a build number. */
const char *story_version(const struct otter_version *version, char text[STORY_VERSION_SIZE])
{
    const uint32_t parts[] = {version->major, version->minor, version->revision, version->build};
    static const char marks[] = "..+";
    char *at = text;
    for (size_t i = 0; i < 4; i++) {
        if (i == 3 && version->build == 0) {
            break;
        }
        if (i > 0) {
            *at++ = marks[i - 1];
        }
        (void)story_number(parts[i], at);
        at += strlen(at);
    }
    return text;
}
