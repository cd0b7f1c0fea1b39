/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimal digits: the number, or "too large"; never one that wrapped. run.py defines PREFIX, the
 * digits that the text begins with, and DIGITS, how many characters of any kind follow; with the
 * prefix 42949672 this is the edge of 32 bits.
 */
#include "agent/text.h"
#include "proof.h"

enum { KNOWN = sizeof PREFIX - 1, LEN = KNOWN + DIGITS };

int main(void)
{
    char text[LEN + 1] = PREFIX;
    static const uint32_t limits[] = {255, 599, 65535, UINT32_MAX}; /* all that are in use */
    uint8_t which = nondet_u8();
    uint32_t number = 7;
    uint64_t exact = 0;
    size_t digits = 0;
    bool over = false;
    ASSUME(which < 4);
    uint32_t max = limits[which];
    for (size_t i = KNOWN; i < LEN; i++) {
        text[i] = (char)nondet_u8();
    }
    text[LEN] = '\0';
    while (digits < LEN && text[digits] >= '0' && text[digits] <= '9') {
        exact = exact * 10 + (uint64_t)(text[digits] - '0');
        over = over || exact > max;
        digits++;
    }
    const char *at = text;
    bool fits = otter_text_read_u32(&at, text + LEN, max, &number);
    PROVE(at == text + digits);
    PROVE(fits == (digits > 0 && !over));
    PROVE(digits == 0 ? number == 7 : number == (over ? max : (uint32_t)exact));
    return 0;
}
