/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_tally.c - counting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tool/fleet_tally.h"

enum { BINS_OF_POLL = 60, SETTLE_POLLS = 2, BINS_MAX = 1 << 20, SAMPLE_MS = 50 };

const char *fleet_state_str(enum fleet_state state)
{
    static const char *const names[FLEET_STATES] = {
        [FLEET_SILENT] = "silent",     [FLEET_CURRENT] = "current", [FLEET_WAITING] = "waiting",
        [FLEET_UPDATING] = "updating", [FLEET_UPDATED] = "updated", [FLEET_FAILED] = "failed",
        [FLEET_OTHERS] = "not-for-us",
    };
    return names[state];
}

void fleet_tally_begin(struct fleet_tally *tally, uint32_t poll_ms)
{
    memset(tally, 0, sizeof *tally);
    tally->bin_ms = (double)poll_ms / BINS_OF_POLL;
    tally->sample_ms = SAMPLE_MS;
}

void fleet_tally_free(struct fleet_tally *tally)
{
    free(tally->took_s);
    free(tally->bins);
    tally->took_s = NULL;
    tally->bins = NULL;
}

void fleet_tally_poll(struct fleet_tally *tally, uint64_t at_ms)
{
    tally->polls++;
    double bin = (double)at_ms / tally->bin_ms;
    size_t index = (size_t)bin;
    if (bin >= BINS_MAX) {
        return; /* days with a fast poll: the first of them are enough */
    }
    if (index >= tally->bins_count) {
        size_t room = (index + 1) * 2;
        uint32_t *bins = realloc(tally->bins, room * sizeof *bins);
        if (!bins) {
            return;
        }
        memset(bins + tally->bins_count, 0, (room - tally->bins_count) * sizeof *bins);
        tally->bins = bins;
        tally->bins_count = room;
    }
    tally->bins[index]++;
}

void fleet_tally_took(struct fleet_tally *tally, double seconds)
{
    if (tally->took_count == tally->took_room) {
        size_t room = tally->took_room ? 2 * tally->took_room : 1024;
        float *took = realloc(tally->took_s, room * sizeof *took);
        if (!took) {
            return;
        }
        tally->took_s = took;
        tally->took_room = room;
    }
    tally->took_s[tally->took_count++] = (float)seconds;
}

uint32_t fleet_tally_version(struct fleet_tally *tally, const struct otter_version *version)
{
    for (uint32_t i = 0; i < tally->versions_count; i++) {
        if (otter_version_compare(version, &tally->versions[i]) == 0) {
            return i;
        }
    }
    if (tally->versions_count == FLEET_VERSIONS_MAX) {
        return FLEET_VERSIONS_MAX - 1;
    }
    tally->versions[tally->versions_count] = *version;
    return tally->versions_count++;
}

static void keep(struct fleet_tally *tally, uint64_t at_ms)
{
    if (tally->samples_count == FLEET_SAMPLES_MAX) {
        for (uint32_t i = 0; i < FLEET_SAMPLES_MAX / 2; i++) {
            tally->samples[i] = tally->samples[2 * i + 1];
        }
        tally->samples_count /= 2;
        tally->sample_ms *= 2;
    }
    struct fleet_sample *sample = &tally->samples[tally->samples_count++];
    sample->at_ms = at_ms;
    sample->polls = tally->polls;
    memcpy(sample->states, tally->states, sizeof sample->states);
    memcpy(sample->versions, tally->version_devices, sizeof sample->versions);
}

void fleet_tally_sample(struct fleet_tally *tally, uint64_t at_ms)
{
    if (at_ms >= tally->next_sample_ms) {
        keep(tally, at_ms);
        tally->next_sample_ms = at_ms + tally->sample_ms;
    }
}

static int by_size(const void *a, const void *b)
{
    float left = *(const float *)a;
    float right = *(const float *)b;
    return (left > right) - (left < right);
}

void fleet_tally_end(struct fleet_tally *tally, uint64_t at_ms)
{
    tally->elapsed_s = (double)at_ms / 1000;
    keep(tally, at_ms);
    if (tally->took_count > 0) {
        qsort(tally->took_s, tally->took_count, sizeof *tally->took_s, by_size);
    }
}

double fleet_tally_quantile(const struct fleet_tally *tally, double part)
{
    if (tally->took_count == 0) {
        return 0;
    }
    size_t index = (size_t)ceil(part * (double)tally->took_count);
    return (double)tally->took_s[index > 0 ? index - 1 : 0];
}

bool fleet_tally_steady(const struct fleet_tally *tally, double *ret_mean, uint32_t *ret_peak)
{
    size_t first = (size_t)SETTLE_POLLS * BINS_OF_POLL;
    size_t end = (size_t)(tally->elapsed_s * 1000 / tally->bin_ms);
    end = end < tally->bins_count ? end : tally->bins_count;
    if (end < first + BINS_OF_POLL) {
        return false;
    }
    uint64_t sum = 0;
    uint32_t peak = 0;
    for (size_t i = first; i < end; i++) {
        sum += tally->bins[i];
        peak = tally->bins[i] > peak ? tally->bins[i] : peak;
    }
    *ret_mean = (double)sum / (double)(end - first);
    *ret_peak = peak;
    return sum > 0;
}
