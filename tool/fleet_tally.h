/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_tally.h - what is counted of a fleet: states, versions, polls, bytes, times, reports.
 */
#ifndef OTTER_TOOL_FLEET_TALLY_H
#define OTTER_TOOL_FLEET_TALLY_H

#include "otter/agent.h"

enum fleet_state {
    FLEET_SILENT,   /* has not heard of the server yet */
    FLEET_CURRENT,  /* the server has nothing newer for it */
    FLEET_WAITING,  /* the rollout has not reached it */
    FLEET_OTHERS,   /* the job is for others: another board or product */
    FLEET_UPDATING, /* from the download on, until it is confirmed or back */
    FLEET_UPDATED,  /* runs a confirmed version that it took in this run */
    FLEET_FAILED,   /* the last image was not kept, or not taken: see its reason */
    FLEET_STATES
};
const char *fleet_state_str(enum fleet_state state);

#define FLEET_VERSIONS_MAX 12u /* later ones are counted with the last */
#define FLEET_SAMPLES_MAX 400u /* then every second one goes */
#define FLEET_OUTCOMES 40u
#define FLEET_FAILURES_MAX 24u

struct fleet_sample {
    uint64_t at_ms; /* since the start */
    uint32_t states[FLEET_STATES], versions[FLEET_VERSIONS_MAX];
    uint64_t polls;
};

/* Named things and how many. */
struct fleet_count {
    const char *name;
    uint32_t count;
};

struct fleet_tally {
    uint64_t polls, received, sent, connections, drops, power_cuts, resets, reverts, resumed_downloads;
    uint64_t deltas, delta_bytes; /* images installed that came by a patch, and the bytes received for them */
    uint64_t images, image_bytes; /* those that came whole */
    uint64_t full_handshakes, resumed_handshakes, violations, dead;
    uint64_t reports[FLEET_OUTCOMES]; /* that the server took, by result */
    uint32_t states[FLEET_STATES];
    struct otter_version versions[FLEET_VERSIONS_MAX];
    uint32_t version_devices[FLEET_VERSIONS_MAX];
    uint32_t versions_count;
    float *took_s; /* each update, from the first byte asked for to the confirmation */
    size_t took_count, took_room;
    uint32_t *bins; /* polls by time */
    size_t bins_count;
    double bin_ms;
    struct fleet_sample samples[FLEET_SAMPLES_MAX];
    uint32_t samples_count;
    uint64_t sample_ms, next_sample_ms;
    uint64_t changed_ms; /* when a device last changed its state */
    double elapsed_s;
};

/* One bin is a sixtieth of the time between two polls: a second where that is a minute. */
void fleet_tally_begin(struct fleet_tally *tally, uint32_t poll_ms);
void fleet_tally_free(struct fleet_tally *tally);

void fleet_tally_poll(struct fleet_tally *tally, uint64_t at_ms);
void fleet_tally_took(struct fleet_tally *tally, double seconds);
uint32_t fleet_tally_version(struct fleet_tally *tally, const struct otter_version *version);

/* Keep how it stands, when it is time for that. */
void fleet_tally_sample(struct fleet_tally *tally, uint64_t at_ms);
void fleet_tally_end(struct fleet_tally *tally, uint64_t at_ms);

/* Seconds that this part of the updates took at most; 0 without any. */
double fleet_tally_quantile(const struct fleet_tally *tally, double part);

/* Polls per bin once the fleet has settled: from the third interval on, whole bins. False:
 * the run was too short. */
bool fleet_tally_steady(const struct fleet_tally *tally, double *ret_mean, uint32_t *ret_peak);

#endif
