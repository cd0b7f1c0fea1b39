/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - what a device with Otter is, for somebody who only uses it.
 *
 * Images have numbers; a place that holds no whole image holds NONE. What a power cut may leave
 * is not in here: a cut leaves the state before or the state after (sequence.c keeps both).
 */
#ifndef OTTER_TEST_MODEL_H
#define OTTER_TEST_MODEL_H

#include "otter/state.h"

enum { NONE = 0, MODEL_IMAGES = 12, MODEL_TRIAL_BOOTS = 3, MODEL_ATTEMPTS_MAX = 15 };

struct model_image {
    uint32_t size;
    uint8_t version, counter;
    bool elsewhere; /* built for another board */
};

/* The world does not change while the device lives. */
struct model_world {
    struct model_image images[MODEL_IMAGES + 1]; /* NONE: all zero */
    bool swap;   /* or overwrite */
    bool memory; /* a journal, or only MCUboot's trailers */
    /* A swap puts the old image to fallback_off; the new one stays whole if it ends at low_end. */
    void (*kept_at)(const void *layout, uint32_t old_size, uint32_t new_size,
                    uint32_t *ret_fallback_off, uint32_t *ret_low_end);
    uint32_t (*erased_by)(const void *layout, uint32_t size); /* a download erases up to here */
    const void *layout;
};

struct model {
    uint8_t primary, low, fallback; /* low: in the secondary, from its first byte on */
    uint8_t running;                /* what the last boot started */
    uint8_t requested;              /* the image that was asked for last */
    bool pending, permanent, trial;
    uint8_t attempts;
    uint8_t reason; /* enum otter_reason */
    uint8_t floor_version, floor_counter;
    uint8_t rejects[OTTER_REJECTS_MAX], rejects_count;
    uint32_t fallback_off; /* in the secondary; UINT32_MAX: all in scratch */
};

bool model_rejects(const struct model *model, uint8_t image);
bool model_takes(const struct model *model, uint8_t image); /* would the agent download it? */

/* A download, complete; and the request for it. */
void model_download(const struct model_world *world, struct model *model, uint8_t image);
void model_request(struct model *model, uint8_t image, bool permanent);
void model_confirm(const struct model_world *world, struct model *model);

/* The bootloader: what runs is model->primary. False: nothing does. */
bool model_boot(const struct model_world *world, struct model *model, bool watchdog);

#endif
