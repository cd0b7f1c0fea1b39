/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.h - the real bootloader and the real state on simulated flash, driven step by step.
 *
 * Calls that write flash return DEVICE_CUT when power was lost in them; the device is then off.
 */
#ifndef OTTER_TEST_MODEL_DEVICE_H
#define OTTER_TEST_MODEL_DEVICE_H

#include "otter/boot.h"
#include "sim/maps.h"
#include "test/model/model.h"
#include "test/powerloss/images.h"

enum device_end { DEVICE_DONE, DEVICE_CUT, DEVICE_WRONG /* device->failure says what */ };

/* What can be seen after a boot. */
struct device_seen {
    bool runs;
    uint8_t image;
    bool trial;
    uint8_t attempts, reason;
    uint8_t floor_version, floor_counter;
    uint16_t rejects; /* bit per image */
};

struct device {
    struct sim_map map;
    struct sim_board board;
    struct otter_layout layout;
    struct model_world world;
    struct test_image images[MODEL_IMAGES + 1];
    unsigned images_count;
    uint64_t seed;
    struct otter_state state; /* the running application's */
    struct device_seen seen;
    bool damaged;             /* flash was changed from outside since the last download */
    bool verbose;
    char failure[200];
    uint8_t buf[2048];
};

/* A device from the factory, image 1 in the primary. A map's name with "/trailers" behind it
 * has no journal. False: there is no such map. */
bool device_begin(struct device *device, const char *map_name, uint32_t percent, uint64_t seed);
void device_end(struct device *device);

/* Another image: percent of the largest. 0: there are too many. */
uint8_t device_make(struct device *device, uint32_t percent, uint8_t version, uint8_t counter,
                    bool elsewhere);

/* Power is lost at the n-th operation from now (0: it is not). */
void device_arm(struct device *device, uint32_t after, enum sim_outcome outcome);

/* Bootloader, then the application opens its state: device->seen. */
enum device_end device_boot(struct device *device, bool watchdog);

/* Download, verify and request as the agent does; rots: a bit changes before the request. */
enum device_end device_offer(struct device *device, uint8_t image, bool permanent, bool rots);
enum device_end device_confirm(struct device *device);
enum device_end device_give_up(struct device *device);
enum device_end device_acknowledge(struct device *device);

/* From outside. */
void device_damage_primary(struct device *device);
void device_damage_low(struct device *device); /* the first image in the secondary */
void device_damage_rest(struct device *device); /* secondary and scratch */
/* False: not done. Where the half in force is lost the other one speaks; if that one ends in the
 * middle of a swap (its compaction fell into one: the journal is small) nothing can be promised. */
bool device_damage_journal(struct device *device, bool in_force, uint64_t seed);

/* Take from the device what the model cannot know after its journal was damaged. */
void device_tell(struct device *device, struct model *model);

#endif
