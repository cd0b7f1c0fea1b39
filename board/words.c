/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - lines to the UART, without printf. */
#include "board/words.h"

#include <string.h>

#include "board/board.h"

static void put(const char *text)
{
    board_write(text, strlen(text));
}

void words_say(const char *prefix, const char *text, const char *const *values)
{
    put(prefix);
    const char *from = text;
    for (; *text != '\0'; text++) {
        if (*text == '%') { /* words.def has nothing but %s */
            board_write(from, (size_t)(text - from));
            put(*values++);
            text++;
            from = text + 1;
        }
    }
    put(from);
    put("\r\n");
}

const char *words_decimal(struct words_number *number, uint32_t value)
{
    char *at = number->text + sizeof number->text;
    *--at = '\0';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return at;
}

const char *words_hex(struct words_number *number, uint32_t value)
{
    char *at = number->text + sizeof number->text;
    *--at = '\0';
    for (unsigned i = 0; i < 8; i++, value >>= 4) {
        unsigned digit = value & 15u;
        *--at = (char)(digit < 10 ? '0' + digit : 'A' + digit - 10);
    }
    number->text[0] = '0';
    number->text[1] = 'x';
    return number->text;
}

const char *words_version(struct words_version *version, const struct otter_version *value)
{
    const uint32_t parts[4] = {value->major, value->minor, value->revision, value->build};
    struct words_number number;
    version->text[0] = '\0';
    for (unsigned i = 0; i < 4 && (i < 3 || parts[i] != 0); i++) {
        if (i > 0) {
            (void)strcat(version->text, i < 3 ? "." : "+");
        }
        (void)strcat(version->text, words_decimal(&number, parts[i]));
    }
    return version->text;
}

const char *words_addr(struct words_number *number, uint32_t addr)
{
    return addr == 0 ? "an unknown address" : words_hex(number, addr);
}
