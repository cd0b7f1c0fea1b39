/* SPDX-License-Identifier: Apache-2.0 */
/*
 * patch.c - deltas: an image made from the running one and a patch, while the patch arrives.
 *
 * download.c fetches the patch as it would the image, and take_patch makes one piece of the image
 * at a time out of it, into the stage. So erasing, programming, checkpoints and
 * verification know nothing of patches, and the state remembers bytes of the image.
 * After a reset the patch is fetched and decoded from its beginning, and what comes out is
 * compared with what lies in the slot, up to the checkpoint: nothing that is right is
 * programmed again, and nothing is believed, whichever download left it there.
 * What is not the network's fault ends with the whole image.
 */
#include <string.h>

#include "agent/http.h"
#include "agent/install.h"
#include "agent/job.h"
#include "agent/patch.h"
#include "agent/phase.h"
#include "agent/text.h"
#include "agent/url.h"
#include "otter/result.h"

enum {
    PIECE = 512,    /* bytes of the image that one step makes, at most */
    BREAKS_MAX = 8,
    PROVEN = -1     /* compared: all there was to compare */
};

/* ---- the job ---- */

static int begin_list(struct otter_patch_offer *offer, const struct otter_json_member *member)
{
    struct otter_image running;
    offer->has_running = otter_agent_running(offer->config, &running) == OTTER_OK;
    memcpy(offer->running, running.hash, sizeof offer->running);
    return member->kind == OTTER_JSON_ARRAY ? 0 : OTTER_ERR_CORRUPT;
}

static bool take_text(struct otter_patch_offer *offer, const struct otter_json_member *member)
{
    uint8_t hash[OTTER_HASH_SIZE];
    if (otter_text_same(member->key, "File")) {
        offer->path = member->value;
        return member->kind == OTTER_JSON_STRING && otter_url_path_ok(member->value);
    }
    bool from = otter_text_same(member->key, "From");
    if (!from && !otter_text_same(member->key, "SHA256")) {
        return true; /* unknown keys are for devices to come */
    }
    if (member->kind != OTTER_JSON_STRING || !otter_job_hash(member->value, hash)) {
        return false;
    }
    if (from) {
        offer->is_ours = offer->has_running && memcmp(hash, offer->running, sizeof hash) == 0;
    }
    return true;
}

static int take_entry(struct otter_patch_offer *offer, const struct otter_json_member *member)
{
    struct otter_job *job = offer->job;
    int err = 0;
    if (otter_text_same(member->key, "Size")) {
        err = otter_job_number(member, &offer->size);
    } else if (!take_text(offer, member)) {
        err = OTTER_ERR_CORRUPT;
    }
    if (offer->is_ours && offer->path != NULL && offer->size != 0) {
        job->patch_path = offer->path;
        job->patch_size = offer->size;
    }
    return err;
}

static int offer_patch(struct otter_patch_offer *offer, const struct otter_json_member *member)
{
    static const char deltas[] = "Deltas";
    if (member->parent == NULL) {
        return otter_text_same(member->key, deltas) ? begin_list(offer, member) : 0;
    }
    if (!otter_text_same(member->parent, deltas)) {
        return 0;
    }
    if (member->item) {
        offer->is_ours = false;
        offer->path = NULL;
        offer->size = 0;
        return member->kind == OTTER_JSON_OBJECT ? 0 : OTTER_ERR_CORRUPT;
    }
    return take_entry(offer, member);
}

/* The image, in a word. */
static uint32_t name_of(const struct otter_job *job)
{
    uint32_t name;
    memcpy(&name, job->sha256, sizeof name);
    return name;
}

static void choose_patch(struct otter_agent *agent)
{
    struct otter_job *job = &agent->job;
    if (job->patch_size == 0 || job->size == 0 || !job->has_sha256 ||
        agent->patching.refused == name_of(job)) {
        return;
    }
    size_t len = strlen(job->patch_path);
    if (len < sizeof job->path) {
        memcpy(job->path, job->patch_path, len + 1);
        job->file_size = job->patch_size;
        job->delta = true;
    }
}

/* ---- the bytes ---- */

static int read_old(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct otter_agent *agent = ctx;
    return otter_area_read(&agent->config->state->layout->primary, off, buf, len);
}

/* What was made lies in the slot, and behind that in the stage. Never in both: it is one byte. */
static int read_new(void *ctx, uint32_t off, void *buf, size_t len)
{
    const struct otter_agent *agent = ctx;
    const struct otter_install *install = &agent->install;
    if (off < install->off) {
        return otter_area_read(install->slot, off, buf, len);
    }
    memcpy(buf, install->stage + (off - install->off), len);
    return 0;
}

static void begin_patch(struct otter_agent *agent)
{
    struct otter_patching *patching = &agent->patching;
    struct otter_install *install = &agent->install;
    install->end = agent->job.size;
    agent->fetch.at = 0;
    agent->fetch.resumed = false; /* nothing of it is taken on trust */
    patching->fed = 0;
    patching->compared = install->off > 0 ? 0 : (uint32_t)PROVEN;
    patching->io = (struct otter_delta_io){.ctx = agent, .read_old = read_old, .read_new = read_new};
    otter_delta_begin(agent->config->delta, &patching->io, install->end);
}

/* The head of a patch for this job? What it reads of the running image may end before the image
 * does: at the signature, which another signing of the same program has otherwise. */
static int check_header(const struct otter_agent *agent, const uint8_t *bytes)
{
    const struct otter_job *job = &agent->job;
    struct otter_delta_header header;
    struct otter_image running;
    int err = otter_delta_read_header(bytes, OTTER_DELTA_HEADER_SIZE, &header);
    if (err == OTTER_OK) {
        err = otter_agent_running(agent->config, &running);
    }
    if (err < 0) {
        return err;
    }
    bool fits = header.base_size <= running.size &&
                memcmp(header.base, running.hash, sizeof header.base) == 0 &&
                header.size == job->size && header.patch_size == job->file_size &&
                memcmp(header.result, job->sha256, sizeof header.result) == 0;
    return fits ? 0 : OTTER_ERR_REFUSED;
}

/* The header gathers in the stage, which is empty so far: before it is judged, nothing is made. */
static int take_header(struct otter_agent *agent, const uint8_t *bytes, size_t len)
{
    struct otter_patching *patching = &agent->patching;
    uint8_t *stage = agent->install.stage;
    size_t left = OTTER_DELTA_HEADER_SIZE - patching->fed;
    size_t used;
    size_t made;
    len = len < left ? len : left;
    memcpy(stage + patching->fed, bytes, len);
    int done = otter_delta_run(agent->config->delta, bytes, len, &used, stage, 0, &made);
    if (done != 0 || used != len) {
        return done < 0 ? done : OTTER_ERR_CORRUPT;
    }
    patching->fed += (uint32_t)len;
    if (patching->fed < OTTER_DELTA_HEADER_SIZE) {
        return (int)len;
    }
    patching->breaks = 0;
    done = check_header(agent, stage);
    return done < 0 ? done : (int)len;
}

/* Does this lie in the slot at `off`? */
static bool is_stored(const struct otter_install *install, uint32_t off, const uint8_t *bytes, size_t len)
{
    uint8_t stored[64];
    bool same = true;
    while (len > 0 && same) {
        size_t part = len < sizeof stored ? len : sizeof stored;
        same = otter_area_read(install->slot, off, stored, part) == 0 &&
               memcmp(stored, bytes, part) == 0;
        off += (uint32_t)part;
        bytes += part;
        len -= part;
    }
    return same;
}

/* These bytes were made, behind what is staged. False: they should lie in the slot, and do not. */
static bool take_made(struct otter_agent *agent, size_t len)
{
    struct otter_patching *patching = &agent->patching;
    struct otter_install *install = &agent->install;
    if (patching->compared == (uint32_t)PROVEN) {
        install->stage_len += len;
        install->flushing = install->stage_len == install->stage_size;
        return true;
    }
    if (!is_stored(install, patching->compared, install->stage, len)) {
        return false;
    }
    patching->compared += (uint32_t)len;
    if (patching->compared == install->off) {
        patching->compared = (uint32_t)PROVEN;
    }
    return true;
}

/* Bytes that the next piece may have. */
static size_t room(const struct otter_agent *agent)
{
    const struct otter_install *install = &agent->install;
    size_t most = install->stage_size - install->stage_len;
    if (agent->patching.compared != (uint32_t)PROVEN && most > install->off - agent->patching.compared) {
        most = install->off - agent->patching.compared;
    }
    return most < PIECE ? most : PIECE;
}

/* The last byte of the patch counts as used up only once the image is complete: so this is called
 * again until it is, and a break meanwhile costs a request for one byte. */
static int take_patch(struct otter_agent *agent, const uint8_t *bytes, size_t len)
{
    struct otter_patching *patching = &agent->patching;
    const struct otter_fetch *fetch = &agent->fetch;
    struct otter_install *install = &agent->install;
    size_t kept = patching->fed - fetch->at;
    size_t used;
    size_t made;
    if (patching->fed < OTTER_DELTA_HEADER_SIZE) {
        return take_header(agent, bytes, len);
    }
    int done = otter_delta_run(agent->config->delta, bytes + kept, len - kept, &used,
                               install->stage + install->stage_len, room(agent), &made);
    if (done < 0 || (done == 0 && used == 0 && made == 0)) {
        return done < 0 ? done : OTTER_ERR_CORRUPT; /* it ends too early */
    }
    patching->fed += (uint32_t)used;
    if (!take_made(agent, made)) {
        otter_fetch_restart(agent);
        return 0;
    }
    if (done == 0 && patching->fed == fetch->total) {
        return (int)(fetch->total - 1 - fetch->at);
    }
    return (int)(patching->fed - fetch->at);
}

/* ---- the end ---- */

/* Not the patch's fault: the same again later. */
static bool may_pass(struct otter_agent *agent, enum otter_outcome outcome)
{
    uint16_t status = agent->http.head.status;
    bool busy = outcome == OTTER_OUTCOME_SERVER && (status == 429 || status >= 500);
    if (outcome == OTTER_OUTCOME_UNREACHABLE || busy) {
        return ++agent->patching.breaks < BREAKS_MAX;
    }
    return outcome == OTTER_OUTCOME_FLASH || outcome == OTTER_OUTCOME_UNTRUSTED;
}

/* Once the file has the job's SHA256, the whole image would be no other. */
static bool is_settled(const struct otter_agent *agent)
{
    return agent->phase == OTTER_AGENT_VERIFY && agent->verify.stage > OTTER_VERIFY_FILE;
}

static bool give_up_patch(struct otter_agent *agent, enum otter_outcome outcome, int err)
{
    bool busy = agent->phase == OTTER_AGENT_DOWNLOAD || agent->phase == OTTER_AGENT_VERIFY;
    if (!busy || is_settled(agent) || may_pass(agent, outcome)) {
        return false;
    }
    otter_agent_tell(agent, OTTER_EVENT_RETRY, outcome, err, 0);
    agent->patching.refused = name_of(&agent->job);
    agent->patching.breaks = 0;
    agent->from_start |= agent->install.told; /* else an earlier download lies there still */
    agent->fetch.live = agent->job.delta = false;
    otter_http_finish(&agent->http);
    otter_agent_enter(agent, OTTER_AGENT_JOB);
    return true;
}

const struct otter_patcher otter_patcher = {.offer = offer_patch,
                                            .choose = choose_patch,
                                            .begin = begin_patch,
                                            .take = take_patch,
                                            .give_up = give_up_patch};
