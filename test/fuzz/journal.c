/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.c - a journal from any bytes: open, append what agent and bootloader append, open again.
 *
 * Input: geometry, flags, failing operation, number of actions, the actions (2 bytes each), then
 * the bytes of the area from its start. Flag 1: every cell that is not blank gets the CRC that it
 * should have; 2: an operation fails; 4: a read fails; 8: of another flash map.
 */
#include "fuzz.h"

#include "slot/journal.h"

enum { REPAIR = 1, BREAK_CHANGE = 2, BREAK_READ = 4, OTHER_MAP = 8 };
enum { HEALS_WITHIN = 3 }; /* resets: docs/spec/30-journal.md, A forged journal */

static struct fuzz_flash flash;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

/* Decode with the CRC left out: what encode makes of it is the same but for the CRC. */
static void repair(const struct otter_area *area, uint32_t len)
{
    for (uint32_t off = 0; off + OTTER_RECORD_SIZE <= len; off += OTTER_RECORD_SIZE) {
        uint8_t *raw = flash.data + area->base + off;
        struct otter_record record = {.seq = (uint32_t)raw[0] | (uint32_t)raw[1] << 8 |
                                             (uint32_t)raw[2] << 16 | (uint32_t)raw[3] << 24,
                                      .type = raw[4], .flags = raw[5], .phase = raw[6], .verdict = raw[7]};
        struct otter_record back;
        memcpy(record.body, raw + 8, sizeof record.body);
        if (raw[4] != flash.flash.erased) {
            otter_record_encode(&record, raw);
            if (otter_record_decode(raw, &back)) {
                REQUIRE(memcmp(&record, &back, sizeof back) == 0);
            } else {
                REQUIRE(raw[4] == 0 || raw[4] > OTTER_RECORD_DOWNLOAD);
            }
        }
    }
}

static struct otter_image image_of(uint8_t number)
{
    struct otter_image image = {.version = {number, 2, 3, number}, .size = 1000u + number,
                                .security_counter = number, .has_security_counter = true};
    memset(image.hash, number, sizeof image.hash);
    return image;
}

/* One of the things that agent and bootloader write; OTTER_OK: it is on record. */
static int act(struct otter_state *state, unsigned what, uint8_t number)
{
    struct otter_image image = image_of(number);
    struct otter_download download = {.off = number * 512u};
    switch (what % 8) {
    case 0:
        return otter_state_request_swap(state, &image, (number & 1) != 0);
    case 1:
        return otter_state_confirm(state, &image);
    case 2:
        return otter_state_give_up(state);
    case 3:
        return number < 128 ? otter_state_acknowledge(state)
                            : otter_state_raise_job(state, number - 127u, number * 1000000u);
    case 4:
        return otter_state_save_download(state, &download);
    case 5:
        return otter_state_write_reject(state);
    case 6:
        state->phase = (enum otter_phase)(number % 5);
        state->attempts = number >> 4;
        state->out_count = number;
        return otter_state_write(state);
    default:
        return otter_state_settle(state, (number & 1) != 0 ? &image : NULL);
    }
}

/* What is remembered: is it the same after it is read again? */
static bool is_same(const struct otter_state *a, const struct otter_state *b)
{
    return a->phase == b->phase && a->reason == b->reason && a->attempts == b->attempts &&
           a->permanent == b->permanent && a->old_size == b->old_size && a->new_size == b->new_size &&
           a->out_count % 0x10000 == b->out_count && a->in_count % 0x10000 == b->in_count &&
           memcmp(&a->requested, &b->requested, sizeof a->requested) == 0 &&
           a->rejects_count == b->rejects_count &&
           memcmp(a->rejects, b->rejects, a->rejects_count * sizeof a->rejects[0]) == 0 &&
           otter_version_compare(&a->floor_version, &b->floor_version) == 0 &&
           a->floor_counter == b->floor_counter && a->download.off == b->download.off &&
           a->job_sequence == b->job_sequence && a->job_issued == b->job_issued;
}

static void check_state(const struct otter_state *state)
{
    const struct otter_journal *journal = &state->journal;
    REQUIRE(state->rejects_count <= OTTER_REJECTS_MAX);
    REQUIRE(journal->half_off == 0 || journal->half_off == journal->half_size);
    REQUIRE(journal->next_off >= journal->half_off);
    REQUIRE(otter_reason_str(state->reason) != NULL);
    for (uint32_t i = 0; i < state->rejects_count; i++) {
        REQUIRE(otter_state_rejects_version(state, &state->rejects[i].version));
    }
}

/*
 * All appends of a life. What was written is read again. Records that nobody wrote, with a CRC that
 * fits, may contradict each other; then a reset may still bring one of them up, or find that nothing
 * holds any more, and begin anew. That heals: after HEALS_WITHIN such resets it keeps its word as well.
 */
static void live(struct otter_state *state, const struct otter_layout *layout, struct fuzz_bytes *bytes,
                 unsigned actions)
{
    struct otter_state again;
    uint32_t changes = flash.changes;
    bool whole = true;
    unsigned losses = state->created ? HEALS_WITHIN : 0;
    for (unsigned i = 0; i < actions; i++) {
        unsigned what = fuzz_u8(bytes);
        uint8_t number = fuzz_u8(bytes);
        struct otter_state before = *state;
        int err = act(state, what, number);
        check_state(state);
        REQUIRE(strlen(otter_err_str(err)) > 1);
        REQUIRE(flash.changes - changes <= 4 * (layout->journal.size / OTTER_RECORD_SIZE + 64));
        changes = flash.changes;
        if (err == OTTER_ERR_REFUSED) {
            *state = before;
        } else if (err < 0) {
            REQUIRE(flash.fail_change != 0 || flash.fail_read != 0);
            whole = false;
        }
        bool reset = (what & 0x80) != 0 || i + 1 == actions;
        if (reset && whole && flash.fail_change == 0 && flash.fail_read == 0) {
            int rc = otter_state_open(&again, layout);
            bool begun_anew = again.created && flash.changes != 0; /* the first record begins it */
            if (rc != OTTER_OK || begun_anew || !is_same(state, &again)) {
                REQUIRE(losses++ < HEALS_WITHIN);
            }
            REQUIRE(rc == OTTER_OK || rc == OTTER_ERR_REFUSED);
            whole = rc == OTTER_OK; /* of another flash map: nothing is written any more */
            losses = whole && begun_anew ? HEALS_WITHIN : losses;
            *state = whole ? again : *state;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct otter_state state;
    unsigned geometry = fuzz_u8(&bytes);
    unsigned flags = fuzz_u8(&bytes);
    uint32_t fail = fuzz_u8(&bytes);
    unsigned actions = fuzz_u8(&bytes) % 32;
    size_t actions_len;
    size_t len;
    struct fuzz_bytes script = {.at = fuzz_take(&bytes, 2 * actions, &actions_len)};
    script.left = actions_len;
    fuzz_flash_init(&flash, geometry, FUZZ_FLASH_MAX);
    struct otter_layout layout = fuzz_layout(&flash);
    flash.protect_to = layout.journal.base;
    if ((flags & OTHER_MAP) != 0) {
        memset(layout.map_hash, 0x5a, sizeof layout.map_hash);
    }
    const uint8_t *at = fuzz_take(&bytes, layout.journal.size, &len);
    fuzz_flash_put(&flash, layout.journal.base, at, len);
    memset(flash.used + layout.journal.base, 1, layout.journal.size);
    if ((flags & REPAIR) != 0) {
        repair(&layout.journal, (uint32_t)len);
    }
    flash.fail_change = (flags & BREAK_CHANGE) != 0 ? 1 + fail : 0;
    flash.fail_read = (flags & BREAK_READ) != 0 ? 1 + 8 * fail : 0;
    int err = otter_state_open(&state, &layout);
    REQUIRE(flash.reads <= 16 * (layout.journal.size / OTTER_RECORD_SIZE) + 256);
    REQUIRE(err == OTTER_OK || err == OTTER_ERR_REFUSED ||
            (err == OTTER_ERR_IO && (flash.fail_change != 0 || flash.fail_read != 0)));
    if (err == OTTER_OK) {
        check_state(&state);
        live(&state, &layout, &script, actions);
    }
    return 0;
}
