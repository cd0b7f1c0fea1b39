/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout.c - a job for some devices first: when is it this one's turn?
 *
 * A device's place among a thousand follows from the rollout's salt and its own name, so a
 * static server needs to know neither, and who is in stays in as the rollout grows.
 */
#include <string.h>

#include "agent/rollout.h"
#include "agent/text.h"

/* 0 to 999; a device without a name has the last place. */
static uint32_t place_of(const char *device_id, const char *salt)
{
    struct otter_sha256 sha;
    uint8_t hash[OTTER_HASH_SIZE];
    if (device_id == NULL || *device_id == '\0') {
        return OTTER_ROLLOUT_WHOLE - 1;
    }
    otter_sha256_init(&sha);
    if (salt != NULL) {
        otter_sha256_update(&sha, salt, strlen(salt));
    }
    otter_sha256_update(&sha, device_id, strlen(device_id));
    otter_sha256_finish(&sha, hash);
    uint32_t number = (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
    return number % OTTER_ROLLOUT_WHOLE;
}

uint32_t otter_rollout_turn(const struct otter_agent_config *config,
                            const struct otter_rollout *rollout)
{
    if (config->ring != NULL && rollout->rings != NULL &&
        otter_text_lists(rollout->rings, config->ring)) {
        return 0;
    }
    uint32_t needed = place_of(config->device_id, rollout->salt) + 1; /* permille by then */
    if (rollout->permille < needed) {
        return OTTER_TURN_NEVER;
    }
    /* the first second t of the ramp in which floor(permille * t / ramp) is what is needed; in
     * two parts, so that 32 bits are enough */
    uint32_t whole = rollout->ramp_seconds / rollout->permille;
    uint32_t rest = rollout->ramp_seconds % rollout->permille;
    uint32_t wait = needed * whole + (needed * rest + rollout->permille - 1) / rollout->permille;
    return wait <= OTTER_TURN_NEVER - rollout->start ? rollout->start + wait : OTTER_TURN_NEVER;
}
