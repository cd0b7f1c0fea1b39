/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.c - what a device remembers about its slots across resets.
 *
 * With a journal, every change is one record (a resting state: two, so that it is proven).
 * Without one, MCUboot's trailers hold the request and the confirmation (trailer.c), and
 * everything else is forgotten at a reset.
 */
#include <stddef.h>
#include <string.h>

#include "otter/result.h"
#include "slot/bytes.h"
#include "slot/journal.h"
#include "slot/trailer.h"

const char *otter_reason_str(enum otter_reason reason)
{
    static const char *const names[] = {
        [OTTER_REASON_NONE] = "none",
        [OTTER_REASON_NOT_CONFIRMED] = "not-confirmed",
        [OTTER_REASON_WATCHDOG] = "watchdog",
        [OTTER_REASON_HEALTH] = "health",
        [OTTER_REASON_PRIMARY_DEAD] = "primary-dead",
        [OTTER_REASON_COPY_FAILED] = "copy-failed",
        [OTTER_REASON_BAD_IMAGE] = "bad-image",
        [OTTER_REASON_DOWNGRADE] = "downgrade",
        [OTTER_REASON_COUNTER] = "security-counter",
        [OTTER_REASON_REJECTED] = "rejected",
        [OTTER_REASON_NOT_REQUESTED] = "not-requested",
        [OTTER_REASON_NOSPACE] = "no-space",
        [OTTER_REASON_NO_FALLBACK] = "no-fallback",
        [OTTER_REASON_WRONG_PLACE] = "wrong-place",
    };
    return (size_t)reason < sizeof names / sizeof names[0] ? names[reason] : "unknown";
}

bool otter_startable(otter_startable_fn *board, const struct otter_layout *layout,
                     const struct otter_view *view, const struct otter_image *image)
{
    bool fixed = (image->flags & OTTER_IMAGE_ROM_FIXED) != 0;
    return (!fixed || image->load_addr == layout->primary_addr) &&
           (board == NULL || board(layout, view, image));
}

static bool has_journal(const struct otter_state *state)
{
    return state->layout->journal.size != 0;
}

static void store_version(uint8_t *to, const struct otter_version *version)
{
    to[0] = version->major;
    to[1] = version->minor;
    store_le16(to + 2, version->revision);
    store_le32(to + 4, version->build);
}

static struct otter_version load_version(const uint8_t *from)
{
    return (struct otter_version){from[0], from[1], (uint16_t)load_le16(from + 2),
                                  load_le32(from + 4)};
}

/* Live records in the order in which they are written; rejects have the indices below. */
enum { LIVE_IMAGE = OTTER_REJECTS_MAX, LIVE_FLOOR, LIVE_DOWNLOAD, LIVE_STATE, LIVE_COUNT };
_Static_assert((uint32_t)LIVE_COUNT == OTTER_JOURNAL_LIVE_MAX, "the journal asks for all of them");

static void store_reject(uint8_t *body, const struct otter_reject *reject)
{
    memcpy(body, reject->hash, sizeof reject->hash);
    store_version(body + OTTER_REJECT_HASH_SIZE, &reject->version);
}

static void load_reject(const uint8_t *body, struct otter_reject *ret_reject)
{
    memcpy(ret_reject->hash, body, sizeof ret_reject->hash);
    ret_reject->version = load_version(body + OTTER_REJECT_HASH_SIZE);
}

static void store_state(const struct otter_state *state, struct otter_record *record)
{
    record->type = OTTER_RECORD_STATE;
    record->flags = state->permanent ? OTTER_RECORD_PERM : 0;
    record->phase = (uint8_t)state->phase;
    record->verdict = (uint8_t)(state->attempts | (unsigned)state->reason << 4);
    store_le16(record->body, state->out_count);
    store_le16(record->body + 2, state->in_count);
    store_le32(record->body + 4, state->old_size);
    store_le32(record->body + 8, state->new_size);
    store_le32(record->body + 12, state->unit_size);
}

/* The record is what the state holds, also where it says that this one is not live. */
static bool give(void *ctx, uint32_t index, struct otter_record *ret_record)
{
    const struct otter_state *state = ctx;
    uint8_t *body = ret_record->body;
    memset(ret_record, 0, sizeof *ret_record);
    switch (index) {
    case LIVE_IMAGE:
        ret_record->type = OTTER_RECORD_IMAGE;
        store_reject(body, &state->requested);
        return true;
    case LIVE_FLOOR:
        ret_record->type = OTTER_RECORD_FLOOR;
        store_version(body, &state->floor_version);
        store_le32(body + 8, state->floor_counter);
        store_le32(body + 12, state->job_sequence);
        store_le32(body + 16, state->job_issued);
        return true;
    case LIVE_DOWNLOAD:
        ret_record->type = OTTER_RECORD_DOWNLOAD;
        store_le32(body, state->download.off);
        memcpy(body + 4, state->download.source, sizeof state->download.source);
        return state->download.off != 0;
    case LIVE_STATE:
        store_state(state, ret_record);
        return true;
    default:
        ret_record->type = OTTER_RECORD_REJECT;
        store_reject(body, &state->rejects[index]);
        return index < state->rejects_count;
    }
}

static void take_state(struct otter_state *state, const struct otter_record *record)
{
    state->proven = false; /* also where it repeats: its cell may hold another one as well */
    state->has_state = true;
    state->permanent = (record->flags & OTTER_RECORD_PERM) != 0;
    state->phase = (enum otter_phase)record->phase;
    state->attempts = record->verdict & 0x0fu;
    state->reason = (enum otter_reason)(record->verdict >> 4);
    state->out_count = load_le16(record->body);
    state->in_count = load_le16(record->body + 2);
    state->old_size = load_le32(record->body + 4);
    state->new_size = load_le32(record->body + 8);
    state->unit_size = load_le32(record->body + 12);
    if (state->phase != OTTER_PHASE_IDLE) {
        state->download.off = 0; /* the secondary is no longer a half-done download */
    }
}

/* The floor never falls, in neither of its two. True: this is what it was. */
static bool raise_floor(struct otter_state *state, const struct otter_version *version,
                        uint32_t counter)
{
    int newer = otter_version_compare(version, &state->floor_version);
    bool same = newer == 0 && counter == state->floor_counter;
    if (newer > 0) {
        state->floor_version = *version;
    }
    if (counter > state->floor_counter) {
        state->floor_counter = counter;
    }
    return same;
}

/* Nor do these. True: they are what they were. */
static bool raise_job(struct otter_state *state, uint32_t sequence, uint32_t issued)
{
    bool same = sequence == state->job_sequence && issued == state->job_issued;
    if (sequence > state->job_sequence) {
        state->job_sequence = sequence;
    }
    if (issued > state->job_issued) {
        state->job_issued = issued;
    }
    return same;
}

/* Proven once it is repeated: what is there from before may be one that cannot be relied on. */
static void take_floor(struct otter_state *state, const struct otter_record *record)
{
    struct otter_version version = load_version(record->body);
    bool same = raise_floor(state, &version, load_le32(record->body + 8));
    same = raise_job(state, load_le32(record->body + 12), load_le32(record->body + 16)) && same;
    state->proven = state->proven && same && state->last_type == OTTER_RECORD_FLOOR;
}

/* rejects_count: not there. */
static uint32_t find_reject(const struct otter_state *state, const uint8_t *hash)
{
    uint32_t i = 0;
    while (i < state->rejects_count &&
           memcmp(state->rejects[i].hash, hash, OTTER_REJECT_HASH_SIZE) != 0) {
        i++;
    }
    return i;
}

void otter_state_add_reject(struct otter_state *state, const struct otter_reject *reject)
{
    uint32_t i = find_reject(state, reject->hash);
    if (i == OTTER_REJECTS_MAX) {
        i = 0;
    } else if (i == state->rejects_count) {
        state->rejects_count++;
    }
    for (; i + 1 < state->rejects_count; i++) {
        state->rejects[i] = state->rejects[i + 1];
    }
    state->rejects[i] = *reject;
}

/* All that was read: what lies between the layout and the journal. */
static void forget(struct otter_state *state)
{
    const size_t begin = offsetof(struct otter_state, phase);
    memset((uint8_t *)state + begin, 0, offsetof(struct otter_state, journal) - begin);
}

static void take(void *ctx, const struct otter_record *record)
{
    struct otter_state *state = ctx;
    struct otter_reject reject;
    if (record == NULL) {
        forget(state);
        return;
    }
    /* One that follows proves all that was read so far. One that does not may be a cell that a
     * session wrote over what an earlier one had left there, and read as either. */
    state->proven = (record->flags & OTTER_RECORD_FOLLOWS) != 0 && record->seq == state->last_seq + 1;
    state->last_seq = record->seq;
    switch ((enum otter_record_type)record->type) {
    case OTTER_RECORD_STATE:
        take_state(state, record);
        break;
    case OTTER_RECORD_IMAGE:
        load_reject(record->body, &state->requested);
        break;
    case OTTER_RECORD_REJECT:
        load_reject(record->body, &reject);
        otter_state_add_reject(state, &reject);
        break;
    case OTTER_RECORD_FLOOR:
        take_floor(state, record);
        break;
    case OTTER_RECORD_DOWNLOAD:
        state->download.off = load_le32(record->body);
        memcpy(state->download.source, record->body + 4, sizeof state->download.source);
        break;
    case OTTER_RECORD_HEAD:
        break;
    }
    state->last_type = record->type;
}

static struct otter_journal_reader reader_of(struct otter_state *state)
{
    return (struct otter_journal_reader){.ctx = state, .take = take, .give = give};
}

/* A live record as it stands now. */
static int append(struct otter_state *state, uint32_t index)
{
    struct otter_journal_reader reader = reader_of(state);
    struct otter_record record;
    (void)give(state, index, &record);
    return otter_journal_append(&state->journal, &record, &reader);
}

int otter_state_write(struct otter_state *state)
{
    if (!has_journal(state)) {
        return state->layout->trailers->write(state);
    }
    if (state->phase != OTTER_PHASE_IDLE) {
        state->download.off = 0; /* as take_state does */
    }
    return append(state, LIVE_STATE);
}

int otter_state_write_reject(struct otter_state *state)
{
    otter_state_add_reject(state, &state->requested);
    return append(state, state->rejects_count - 1);
}

bool otter_state_floor_rises(const struct otter_state *state, const struct otter_image *image)
{
    return otter_version_compare(&image->version, &state->floor_version) > 0 ||
           image->security_counter > state->floor_counter;
}

/* One that must not be read from a cell that a cut left unstable: the second proves the first. */
static int write_floor(struct otter_state *state)
{
    int err = append(state, LIVE_FLOOR);
    if (err == OTTER_OK) {
        err = append(state, LIVE_FLOOR);
    }
    if (err == OTTER_OK) {
        state->proven = true;
        state->journal.unproven = false;
    }
    return err;
}

int otter_state_settle(struct otter_state *state, const struct otter_image *confirmed)
{
    state->phase = OTTER_PHASE_IDLE;
    state->attempts = 0;
    state->permanent = false;
    int err = otter_state_write(state);
    if (err < 0 || !has_journal(state)) {
        return err;
    }
    /* Any record behind proves it; so it is the floor. */
    if (confirmed != NULL) {
        (void)raise_floor(state, &confirmed->version, confirmed->security_counter);
    }
    return write_floor(state);
}

int otter_state_open(struct otter_state *state, const struct otter_layout *layout)
{
    memset(state, 0, sizeof *state);
    state->layout = layout;
    if (!has_journal(state)) {
        return layout->trailers == NULL ? OTTER_ERR_ARG : layout->trailers->open(state);
    }
    struct otter_journal_reader reader = reader_of(state);
    int err = otter_journal_open(&state->journal, &layout->journal, layout->map_hash, &reader);
    state->created = err > 0;
    return err > 0 ? OTTER_OK : err;
}

int otter_state_request_swap(struct otter_state *state, const struct otter_image *image,
                             bool permanent)
{
    if ((state->phase != OTTER_PHASE_IDLE && state->phase != OTTER_PHASE_REQUESTED) ||
        otter_state_rejects_hash(state, image->hash)) {
        return OTTER_ERR_REFUSED;
    }
    struct otter_state before = *state;
    int err;
    memcpy(state->requested.hash, image->hash, sizeof state->requested.hash);
    state->requested.version = image->version;
    if (has_journal(state)) {
        otter_journal_make_room(&state->journal);
        err = append(state, LIVE_IMAGE);
    } else {
        err = state->layout->trailers->request(state->layout, permanent, image->size);
    }
    state->phase = OTTER_PHASE_REQUESTED;
    state->permanent = permanent;
    state->attempts = 0;
    state->reason = OTTER_REASON_NONE;
    if (err == OTTER_OK) {
        err = otter_state_write(state);
    }
    if (err < 0) {
        before.journal = state->journal;
        *state = before;
    }
    return err;
}

int otter_state_confirm(struct otter_state *state, const struct otter_image *running)
{
    if (state->phase != OTTER_PHASE_TRIAL) {
        return OTTER_OK;
    }
    uint8_t attempts = state->attempts;
    bool permanent = state->permanent;
    int err;
    if (has_journal(state)) {
        state->reason = OTTER_REASON_NONE;
        err = otter_state_settle(state, running);
    } else {
        err = state->layout->trailers->confirm(&state->layout->primary);
    }
    state->phase = err < 0 ? OTTER_PHASE_TRIAL : OTTER_PHASE_IDLE;
    state->attempts = err < 0 ? attempts : 0;
    state->permanent = err < 0 && permanent;
    return err;
}

static int write_reason(struct otter_state *state, enum otter_reason reason)
{
    enum otter_reason before = state->reason;
    state->reason = reason;
    int err = OTTER_OK; /* trailers have no place for it */
    if (has_journal(state)) {
        err = state->phase == OTTER_PHASE_IDLE ? otter_state_settle(state, NULL)
                                               : otter_state_write(state);
    }
    if (err < 0) {
        state->reason = before;
    }
    return err;
}

int otter_state_give_up(struct otter_state *state)
{
    return state->phase == OTTER_PHASE_TRIAL ? write_reason(state, OTTER_REASON_HEALTH) : OTTER_OK;
}

int otter_state_acknowledge(struct otter_state *state)
{
    return state->phase == OTTER_PHASE_IDLE && state->reason != OTTER_REASON_NONE
               ? write_reason(state, OTTER_REASON_NONE)
               : OTTER_OK;
}

int otter_state_raise_job(struct otter_state *state, uint32_t sequence, uint32_t issued)
{
    uint32_t sequence_before = state->job_sequence;
    uint32_t issued_before = state->job_issued;
    (void)raise_job(state, sequence, issued);
    /* What is there already may have been read from a cell that a cut left unstable. */
    bool rises = state->job_sequence != sequence_before || state->job_issued != issued_before || !state->proven;
    int err = rises && has_journal(state) ? write_floor(state) : OTTER_OK;
    if (err < 0) {
        state->job_sequence = sequence_before;
        state->job_issued = issued_before;
    }
    return err;
}

int otter_state_save_download(struct otter_state *state, const struct otter_download *download)
{
    if (state->phase != OTTER_PHASE_IDLE) {
        return OTTER_ERR_REFUSED;
    }
    struct otter_download before = state->download;
    int err = OTTER_OK;
    state->download = *download;
    if (has_journal(state)) {
        err = append(state, LIVE_DOWNLOAD); /* also where nothing changes: a torn record may surface yet */
    } else if (download->off == 0) {
        err = state->layout->trailers->download(state);
    }
    if (err < 0) {
        state->download = before;
    }
    return err;
}

bool otter_state_on_trial(const struct otter_state *state)
{
    return state->phase == OTTER_PHASE_TRIAL;
}

bool otter_state_rejects_hash(const struct otter_state *state, const uint8_t hash[OTTER_HASH_SIZE])
{
    return find_reject(state, hash) < state->rejects_count;
}

bool otter_state_rejects_version(const struct otter_state *state,
                                 const struct otter_version *version)
{
    for (uint32_t i = 0; i < state->rejects_count; i++) {
        if (otter_version_compare(&state->rejects[i].version, version) == 0) {
            return true;
        }
    }
    return false;
}
