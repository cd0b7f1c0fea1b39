/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch_rig.h - agent_rig.h with a patch beside the image: made from the image in the primary, offered
 * by the job, served at /image.otd.
 */
#ifndef OTTER_TEST_PATCH_RIG_H
#define OTTER_TEST_PATCH_RIG_H

#include "agent_rig.h"

#include "tool/delta.h"

struct patch {
    struct tool_bytes bytes;
    char etag[80];
    unsigned requests;
    char last_request[4096];
};

static struct patch patch;
static struct otter_delta patch_room;

static inline void patch_hex(const uint8_t *bytes, char ret_hex[65])
{
    for (size_t i = 0; i < 32; i++) {
        snprintf(ret_hex + 2 * i, 3, "%02x", bytes[i]);
    }
}

static inline void patch_sha256(const uint8_t *bytes, size_t len, uint8_t ret_hash[32])
{
    struct otter_sha256 sha;
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, bytes, len);
    otter_sha256_finish(&sha, ret_hash);
}

/* The image hash of one that rig_make_image made. */
static inline const uint8_t *patch_image_hash(const uint8_t *image, size_t size)
{
    return image + size - RIG_OVERHEAD + 32 + 8;
}

static inline size_t patch_answer(struct rig *rig, const char *request, char *reply)
{
    if (strncmp(request, "GET /image.otd ", 15) != 0) {
        return 0;
    }
    struct tool_bytes image = {.data = rig->image, .len = rig->image_len};
    char etag[sizeof rig->image_etag];
    memcpy(etag, rig->image_etag, sizeof etag);
    rig->image = patch.bytes.data;
    rig->image_len = patch.bytes.len;
    memcpy(rig->image_etag, patch.etag, sizeof etag);
    size_t len = rig_serve_image(rig, request, reply);
    rig->image = image.data;
    rig->image_len = image.len;
    rig->image_requests--;
    memcpy(rig->image_etag, etag, sizeof etag);
    patch.requests++;
    snprintf(patch.last_request, sizeof patch.last_request, "%s", request);
    return len;
}

/* An image that has something of an earlier one: a shift, edits, and a tail of its own. */
static inline void patch_edit(uint8_t *image, size_t size)
{
    size_t payload = size - RIG_OVERHEAD;
    uint8_t *at = image + 32;
    uint32_t seed = 99;
    for (size_t i = 0; i < payload; i++) { /* not periodic: a copy from elsewhere is no copy */
        seed = seed * 1664525u + 1013904223u;
        at[i] = (uint8_t)(seed >> 24);
    }
    if (image[21] == 0) {
        return;
    }
    memmove(at + payload / 2 + 12, at + payload / 2, payload - payload / 2 - 12);
    for (size_t i = 100; i < payload; i += payload / 300 + 1) {
        at[i] ^= (uint8_t)(0x55 + image[21]);
    }
}

static inline uint8_t *patch_image(struct otter_version version, size_t size)
{
    uint8_t *image = rig_make_image(version, size);
    patch_edit(image, size);
    rig_sign_image(image, size);
    return image;
}

/* The job names the image whole, and this patch for devices that run `from`. */
static inline void patch_offer_job(struct rig *rig, const uint8_t *from)
{
    uint8_t hash[32];
    char image_hex[65], from_hex[65], patch_hex_[65];
    patch_sha256(rig->image, rig->image_len, hash);
    patch_hex(hash, image_hex);
    patch_sha256(patch.bytes.data, patch.bytes.len, hash);
    patch_hex(hash, patch_hex_);
    patch_hex(from, from_hex);
    snprintf(rig->job, sizeof rig->job,
             "{\"Board\":\"B\",\"Version\":\"1.%d.0\",\"File\":\"/image.bin\",\"Size\":%zu,\"SHA256\":\"%s\","
             "\"Deltas\":[{\"From\":\"%064d\",\"File\":\"/other.otd\",\"Size\":77,\"SHA256\":\"%s\"},"
             "{\"From\":\"%s\",\"File\":\"/image.otd\",\"Size\":%zu,\"SHA256\":\"%s\",\"Made\":[{}]}]}",
             rig->image[21], rig->image_len, image_hex, 0, patch_hex_, from_hex, patch.bytes.len, patch_hex_);
}

/* The same files give the same patch: the last few are kept. */
static inline void patch_make(const struct tool_bytes *old_file, const struct tool_bytes *new_file, const uint8_t *base)
{
    static struct {
        uint8_t from[32], to[32];
        struct tool_bytes bytes;
    } kept[8];
    static unsigned next;
    struct delta_options options = {.base = base, .has_address = true, .filter = DELTA_FILTER_NONE};
    struct delta_stats stats;
    uint8_t from[32], to[32];
    unsigned i = 0;
    patch_sha256(old_file->data, old_file->len, from);
    patch_sha256(new_file->data, new_file->len, to);
    while (i < 8 && (memcmp(kept[i].from, from, 32) != 0 || memcmp(kept[i].to, to, 32) != 0)) {
        i++;
    }
    if (i == 8) {
        i = next++ % 8;
        tool_bytes_free(&kept[i].bytes);
        assert_int_equal(delta_make(old_file, new_file, &options, &kept[i].bytes, &stats), 0);
        memcpy(kept[i].from, from, sizeof from);
        memcpy(kept[i].to, to, sizeof to);
    }
    tool_bytes_free(&patch.bytes);
    patch.bytes.len = kept[i].bytes.len;
    patch.bytes.data = malloc(patch.bytes.len);
    memcpy(patch.bytes.data, kept[i].bytes.data, patch.bytes.len);
}

/* 1.0.0 of `old_size` bytes runs; 1.`minor`.0 is offered whole and as a patch. */
static inline void patch_offer(struct rig *rig, size_t old_size, int minor, size_t size)
{
    struct otter_version running = {1, 0, 0, 0};
    struct otter_version next = {1, (uint8_t)minor, 0, 0};
    struct tool_bytes old_file = {.data = patch_image(running, old_size), .len = old_size};
    const struct otter_area *primary = &rig->layout.primary;
    sim_flash_poke(sim_flash_of(primary), primary->base, old_file.data, old_size);
    rig_offer(rig, next, size);
    patch_edit(rig->image, size);
    rig_sign_image(rig->image, size);
    struct tool_bytes new_file = {.data = rig->image, .len = size};
    const uint8_t *from = patch_image_hash(old_file.data, old_size);
    patch_make(&old_file, &new_file, from);
    snprintf(patch.etag, sizeof patch.etag, "\"patch-%d\"", minor);
    patch.requests = 0;
    patch.last_request[0] = '\0';
    patch_offer_job(rig, from);
    free(old_file.data);
}

static inline struct rig *patch_rig_create(const struct sim_map *map)
{
    struct rig *rig = rig_create(map);
    rig->answer = patch_answer;
    rig->config.patcher = &otter_patcher;
    rig->config.delta = &patch_room;
    return rig;
}

static inline void patch_rig_destroy(struct rig *rig)
{
    tool_bytes_free(&patch.bytes);
    memset(&patch, 0, sizeof patch);
    rig_destroy(rig);
}

/* The next check ends with the image installed, and it came like this. */
static inline void patch_expect(struct rig *rig, const char *via)
{
    char said[32];
    snprintf(said, sizeof said, "\"via\":\"%s\"", via);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_INSTALLING, 10000));
    assert_non_null(strstr(rig_report(rig), said));
    assert_true(rig->agent.job.delta == (strcmp(via, "delta") == 0));
}

/* How often a patch was given up. */
static inline unsigned patch_given_up(const struct rig *rig)
{
    unsigned count = 0;
    for (unsigned i = 0; i < rig->events_count; i++) {
        const struct otter_event *event = &rig->events[i];
        count += event->kind == OTTER_EVENT_RETRY && event->delta && event->wait_ms == 0;
    }
    return count;
}

#endif
