/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_chance.c - decisions from seed, device and question; lists of names with shares. */
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"
#include "tool/fleet_chance.h"

#define ALMOST_ONE 1.000001 /* shares are decimal fractions */

uint64_t fleet_ask(uint64_t seed, uint32_t device, enum fleet_question question, uint64_t detail)
{
    uint64_t state = seed;
    state ^= sim_random(&state) + device;
    state ^= sim_random(&state) + (uint64_t)question;
    state ^= sim_random(&state) + detail;
    return sim_random(&state);
}

double fleet_part(uint64_t seed, uint32_t device, enum fleet_question question, uint64_t detail)
{
    return (double)(fleet_ask(seed, device, question, detail) >> 11) / 9007199254740992.0; /* 2^53 */
}

bool fleet_percent(const char *text, double *ret_part)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || (*end != 0 && strcmp(end, "%") != 0) || !(number >= 0 && number <= 100)) {
        return false;
    }
    *ret_part = number / 100;
    return true;
}

/* One "name[:P%]"; a share of -1 is still to be had. */
static bool take_choice(struct fleet_choices *choices, char *entry, bool rest)
{
    double share = -1;
    char *colon = strchr(entry, ':');
    if (colon) {
        *colon = 0;
        if (!fleet_percent(colon + 1, &share)) {
            return false;
        }
    }
    if (*entry == 0 || (share < 0 && !rest) || choices->count == FLEET_CHOICES_MAX) {
        return false;
    }
    choices->names[choices->count] = entry;
    choices->shares[choices->count++] = share;
    return true;
}

/* Names without a share divide the rest; false: the shares come to more than all, or to less. */
static bool divide(struct fleet_choices *choices, bool rest)
{
    double sum = 0;
    size_t open = 0;
    for (size_t i = 0; i < choices->count; i++) {
        sum += choices->shares[i] < 0 ? 0 : choices->shares[i];
        open += choices->shares[i] < 0 ? 1 : 0;
    }
    if (sum > ALMOST_ONE || (rest && open == 0 && sum < 2 - ALMOST_ONE)) {
        return false;
    }
    for (size_t i = 0; i < choices->count; i++) {
        if (choices->shares[i] < 0) {
            choices->shares[i] = (1 - sum) / (double)open;
        }
    }
    return true;
}

bool fleet_choices_parse(const char *text, bool rest, struct fleet_choices *ret_choices)
{
    struct fleet_choices choices = {.text = strdup(text)};
    char *save = NULL;
    bool good = choices.text != NULL;
    for (char *entry = good ? strtok_r(choices.text, ",", &save) : NULL; good && entry; entry = strtok_r(NULL, ",", &save)) {
        good = take_choice(&choices, entry, rest);
    }
    if (!good || choices.count == 0 || !divide(&choices, rest)) {
        free(choices.text);
        return false;
    }
    *ret_choices = choices;
    return true;
}

void fleet_choices_free(struct fleet_choices *choices)
{
    free(choices->text);
    choices->text = NULL;
    choices->count = 0;
}

const char *fleet_choose(const struct fleet_choices *choices, double part)
{
    double sum = 0;
    for (size_t i = 0; i < choices->count; i++) {
        sum += choices->shares[i];
        if (part < sum) {
            return choices->names[i];
        }
    }
    return NULL;
}
