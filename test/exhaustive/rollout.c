/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout.c - the second from which a device takes a job: every place among a thousand, every permille,
 * ramps and starts at the borders of their numbers. It is the first second at which the rule of
 * docs/spec/50-job.md, in 64 bits, lets that place in.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/rollout.h"
#include "exhaustive.h"

enum { PLACES = 1000 };

static char names[PLACES][16]; /* a device for each place */
static uint32_t place;
static struct otter_rollout rollout;
static uint64_t cases;

/* Permille of all devices that are in `gone` seconds after the start. */
static uint64_t reached(uint64_t gone)
{
    uint64_t ramp = rollout.ramp_seconds;
    return gone >= ramp ? rollout.permille : rollout.permille * gone / ramp;
}

static void check(void)
{
    const struct otter_agent_config config = {.device_id = names[place]};
    uint32_t turn = otter_rollout_turn(&config, &rollout);
    cases++;
    if (place >= rollout.permille) {
        REQUIRE(turn == OTTER_TURN_NEVER);
    } else if (turn == OTTER_TURN_NEVER) { /* later than can be told */
        REQUIRE(rollout.start == UINT32_MAX || reached((uint64_t)UINT32_MAX - rollout.start - 1) <= place);
    } else {
        REQUIRE(turn >= rollout.start);
        uint64_t gone = turn - rollout.start;
        REQUIRE(reached(gone) > place);
        REQUIRE(gone == 0 || reached(gone - 1) <= place);
    }
}

/* First four bytes of the SHA-256 of the name, modulo a thousand: docs/spec/50-job.md. */
static void find_names(void)
{
    uint32_t left = PLACES;
    for (unsigned number = 0; left > 0; number++) {
        char name[16];
        uint8_t hash[OTTER_HASH_SIZE];
        struct otter_sha256 sha;
        (void)snprintf(name, sizeof name, "device-%u", number);
        otter_sha256_init(&sha);
        otter_sha256_update(&sha, name, strlen(name));
        otter_sha256_finish(&sha, hash);
        uint32_t at = ((uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3]) % PLACES;
        left -= names[at][0] == '\0';
        memcpy(names[at], name, sizeof name);
    }
}

void exhaustive_run(bool deep)
{
    static const uint32_t ramps[] = {0, 1, 2, 59, 999, 1000, 1001, 86400, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
    static const uint32_t starts[] = {0, 1, 1600000000, 0xfffffffe, 0xffffffff};
    static const uint32_t few[] = {0, 1, 2, 332, 499, 500, 997, 998, 999};
    find_names();
    for (uint32_t i = 0; i < (deep ? PLACES : sizeof few / sizeof few[0]); i++) {
        place = deep ? i : few[i];
        for (rollout.permille = 0; rollout.permille <= OTTER_ROLLOUT_WHOLE; rollout.permille++) {
            for (unsigned both = 0; both < 12 * 5; both++) {
                rollout.ramp_seconds = ramps[both / 5];
                rollout.start = starts[both % 5];
                check();
            }
        }
    }
    exhaustive_part("turns", cases, 500000);
}

/* ---- one case: place, permille, start, ramp ---- */

void exhaustive_describe(FILE *to)
{
    (void)fprintf(to, " %u %u %u %u", place, rollout.permille, rollout.start, rollout.ramp_seconds);
}

void exhaustive_replay(int count, char **words)
{
    uint32_t numbers[4] = {0};
    for (int i = 0; i < count && i < 4; i++) {
        numbers[i] = (uint32_t)strtoul(words[i], NULL, 10);
    }
    find_names();
    place = numbers[0] % PLACES;
    rollout = (struct otter_rollout){.permille = numbers[1], .start = numbers[2], .ramp_seconds = numbers[3]};
    check();
}
