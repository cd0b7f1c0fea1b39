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
    for (; *text != '\0'; text++) {
        if (*text == '%') { /* words.def has nothing but %s */
            put(*values++);
            text++;
        } else {
            board_write(text, 1);
        }
    }
    put("\r\n");
}

char *words_digits(char *end, uint32_t value, uint32_t base)
{
    do {
        uint32_t digit = value % base;
        *--end = (char)(digit < 10 ? '0' + digit : 'A' - 10 + digit);
        value /= base;
    } while (value != 0);
    return end;
}

static char *end_of(struct words_number *number)
{
    char *end = number->text + sizeof number->text - 1;
    *end = '\0';
    return end;
}

const char *words_decimal(struct words_number *number, uint32_t value)
{
    return words_digits(end_of(number), value, 10);
}

const char *words_hex(struct words_number *number, uint32_t value)
{
    char *at = words_digits(end_of(number), value, 16);
    *--at = 'x';
    *--at = '0';
    return at;
}

const char *words_version(struct words_version *version, const struct otter_version *value)
{
    const uint32_t parts[4] = {value->major, value->minor, value->revision, value->build};
    char *at = version->text + sizeof version->text - 1;
    *at = '\0';
    for (unsigned i = value->build != 0 ? 4 : 3; i-- > 0;) {
        at = words_digits(at, parts[i], 10);
        if (i > 0) {
            *--at = i == 3 ? '+' : '.';
        }
    }
    return at;
}

const char *words_addr(struct words_number *number, uint32_t addr)
{
    return addr == 0 ? "an unknown address" : words_hex(number, addr);
}

uint32_t words_value(const char *text)
{
    uint32_t value = 0;
    for (; text != NULL && *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (uint32_t)(*text - '0');
    }
    return value;
}
