/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sequence.c - sequences as text, by chance, and made shorter.
 */
#include "test/model/sequence.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char offers[] = "GPBOLW", all[] = "GPABOLWRHCFK12345";

static uint32_t below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)(sim_random(random) % limit);
}

/* A cut that leaves bits which read by chance may show itself any time later: a second one
 * before a whole boot is the power-cut runner's matter, not the model's. In a download it may
 * leave an image that verifies by chance. */
bool sequence_by_chance(enum sim_outcome outcome)
{
    return outcome == SIM_WEAK || outcome == SIM_UNSTABLE || outcome == SIM_ALTERNATE || outcome == SIM_BY_BOOT;
}

static void draw_cut(struct step *step, uint64_t *random, bool *chance_left)
{
    step->cut = 1 + below(random, below(random, 2) == 0 ? 6 : 240);
    do {
        step->outcome = (enum sim_outcome)below(random, SIM_OUTCOMES_USUAL);
    } while (sequence_by_chance(step->outcome) && (!*chance_left || strchr("GPABOLW", step->what) != NULL));
    *chance_left = *chance_left && !sequence_by_chance(step->outcome);
}

void sequence_draw(struct sequence *sequence, uint64_t seed)
{
    static const char weights[] = "GGGGGGGPPAAABOLW" "RRRRRRRRRRHHCCCCCFFK" "112234455";
    uint64_t random = seed;
    bool chance_left = true;
    sequence->count = 3 + below(&random, 30);
    for (unsigned i = 0; i < sequence->count; i++) {
        struct step *step = &sequence->steps[i];
        *step = (struct step){.what = weights[below(&random, sizeof weights - 1)]};
        step->percent = (uint8_t)(5 + below(&random, 96));
        if (below(&random, 3) == 0 && !isdigit((unsigned char)step->what)) {
            draw_cut(step, &random, &chance_left);
        } else if (step->what == RESET || step->what == HANG) {
            chance_left = true;
        }
    }
}

void sequence_print(const struct sequence *sequence, char text[TEXT_SIZE])
{
    size_t at = 0;
    text[0] = 0;
    for (unsigned i = 0; i < sequence->count && at < TEXT_SIZE - 64; i++) {
        const struct step *step = &sequence->steps[i];
        at += (size_t)snprintf(text + at, TEXT_SIZE - at, "%s%c", i == 0 ? "" : ".", step->what);
        if (strchr(offers, step->what) != NULL) {
            at += (size_t)snprintf(text + at, TEXT_SIZE - at, "%u", step->percent);
        }
        if (step->cut != 0) {
            at += (size_t)snprintf(text + at, TEXT_SIZE - at, "@%u/%s", step->cut, sim_outcome_str(step->outcome));
        }
    }
}

static bool parse_step(struct step *step, char *text)
{
    char *cut = strchr(text, '@');
    *step = (struct step){.what = text[0]};
    if (cut != NULL) {
        char *outcome = strchr(cut, '/');
        *cut++ = 0;
        step->cut = (uint32_t)strtoul(cut, NULL, 10);
        if (outcome == NULL || step->cut == 0 || !sim_outcome_parse(outcome + 1, &step->outcome)) {
            return false;
        }
    }
    step->percent = (uint8_t)strtoul(text + 1, NULL, 10);
    return text[0] != 0 && strchr(all, text[0]) != NULL && step->percent <= 100;
}

bool sequence_parse(struct sequence *sequence, const char *text)
{
    char copy[TEXT_SIZE];
    char *rest = NULL;
    snprintf(copy, sizeof copy, "%s", text);
    sequence->count = 0;
    for (char *word = strtok_r(copy, ".", &rest); word != NULL; word = strtok_r(NULL, ".", &rest)) {
        if (sequence->count == STEPS_MAX || !parse_step(&sequence->steps[sequence->count++], word)) {
            return false;
        }
    }
    return sequence->count != 0;
}

static bool fails(const struct sequence *sequence, const char *map, uint64_t seed)
{
    struct sequence_result result;
    sequence_live(sequence, map, seed, false, &result);
    return !result.passed;
}

/* Take the change if it still fails. */
static bool keep_if_failing(struct sequence *sequence, const struct sequence *changed, const char *map,
                            uint64_t seed)
{
    bool failing = changed->count != 0 && fails(changed, map, seed);
    if (failing) {
        *sequence = *changed;
    }
    return failing;
}

static bool leave_out(struct sequence *sequence, unsigned first, unsigned count, const char *map, uint64_t seed)
{
    struct sequence changed = *sequence;
    memmove(changed.steps + first, changed.steps + first + count,
            (changed.count - first - count) * sizeof changed.steps[0]);
    changed.count -= count;
    return keep_if_failing(sequence, &changed, map, seed);
}

/* No cut, an earlier one, the plainest outcome, a small image. */
static bool simplify(struct sequence *sequence, unsigned at, const char *map, uint64_t seed)
{
    const struct step *step = &sequence->steps[at];
    struct step simpler[] = {*step, *step, *step, *step};
    bool change[] = {step->cut != 0, step->cut > 1, step->cut != 0 && step->outcome > SIM_DONE,
                     step->percent != 20 && strchr(offers, step->what) != NULL};
    simpler[0].cut = 0;
    simpler[1].cut = step->cut / 2;
    simpler[2].outcome = SIM_DONE;
    simpler[3].percent = 20;
    for (unsigned i = 0; i < 4; i++) {
        struct sequence changed = *sequence;
        changed.steps[at] = simpler[i];
        if (change[i] && keep_if_failing(sequence, &changed, map, seed)) {
            return true;
        }
    }
    return false;
}

void sequence_shrink(struct sequence *sequence, const char *map, uint64_t seed)
{
    bool again = true;
    while (again) {
        again = false;
        for (unsigned len = sequence->count / 2; len > 0; len--) {
            for (unsigned first = 0; first + len <= sequence->count; first++) {
                again = leave_out(sequence, first, len, map, seed) || again;
            }
        }
        for (unsigned at = 0; at < sequence->count; at++) {
            again = simplify(sequence, at, map, seed) || again;
        }
    }
}
