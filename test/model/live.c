/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live.c - a sequence on the real device and in the model, compared after every boot.
 *
 * After a power cut the model holds all that may be true: what was being done is as before, or
 * done (a download may also be half done). The next boot shows which; one of them must fit.
 */
#include "test/model/sequence.h"

#include "otter/result.h"

#include <stdio.h>
#include <string.h>

enum { MODELS_MAX = 64, START_PERCENT = 40 };

struct live {
    struct device device;
    struct model models[MODELS_MAX]; /* what may be true */
    unsigned models_count;
    bool up;      /* the application runs */
    bool dead;    /* nothing to start, and the model says so too: the end */
    bool unsure;  /* the half in force was damaged: the next boot tells */
    uint8_t newest; /* version */
    uint8_t offered;
    struct sequence_result *result;
};

static void add(struct live *live, const struct model *model)
{
    for (unsigned i = 0; i < live->models_count; i++) {
        if (memcmp(&live->models[i], model, sizeof *model) == 0) {
            return;
        }
    }
    if (live->models_count < MODELS_MAX) {
        live->models[live->models_count++] = *model;
    }
}

static bool fail(struct live *live, const char *what)
{
    live->result->passed = false;
    snprintf(live->result->failure, sizeof live->result->failure, "%s", what);
    return false;
}

static void describe(const struct live *live, const struct model *model, char *text, size_t size)
{
    snprintf(text, size, "image %u%s attempt %u reason %s floor %u/%u rejects %u", model->primary,
             model->trial ? " on trial," : ",", model->attempts,
             model->trial ? "-" : otter_reason_str((enum otter_reason)model->reason),
             live->device.world.memory ? model->floor_version : 0, model->floor_counter, model->rejects_count);
}

static bool fits(const struct live *live, const struct model *model, bool runs)
{
    const struct device_seen *seen = &live->device.seen;
    if (!runs || !seen->runs) {
        return runs == seen->runs;
    }
    uint16_t rejects = 0;
    for (unsigned i = 0; i < model->rejects_count; i++) {
        rejects |= (uint16_t)(1u << model->rejects[i]);
    }
    return seen->image == model->primary && seen->trial == model->trial && seen->attempts == model->attempts &&
           seen->reason == (model->trial ? OTTER_REASON_NONE : model->reason) && seen->rejects == rejects &&
           seen->floor_version == model->floor_version && seen->floor_counter == model->floor_counter;
}

/* What is remembered may be older than what was true; what is whole must run all the same. */
static bool take_over(struct live *live)
{
    struct model told;
    bool whole = false, known = false;
    for (unsigned i = 0; i < live->models_count; i++) {
        const struct model *model = &live->models[i];
        uint8_t image = live->device.seen.image;
        whole = whole || model->primary != NONE;
        known = known || model->primary == image || model->low == image || model->fallback == image;
    }
    known = known || !whole; /* then an image from further back may be found */
    live->unsure = false;
    live->dead = !live->device.seen.runs;
    if (live->dead) {
        return !whole || fail(live, "the journal was damaged, and a whole primary does not start");
    }
    device_tell(&live->device, &told);
    live->models[0] = told;
    live->models_count = 1;
    return known || fail(live, "the journal was damaged, and something runs that was not there");
}

static bool compare(struct live *live, bool watchdog)
{
    unsigned count = live->models_count;
    char want[2][128] = {"", "nothing"}, text[256];
    struct model models[MODELS_MAX];
    memcpy(models, live->models, sizeof models);
    live->models_count = 0;
    for (unsigned i = 0; i < count; i++) {
        struct model model = models[i];
        bool runs = model_boot(&live->device.world, &model, watchdog);
        describe(live, &model, want[0], sizeof want[0]);
        if (fits(live, &model, runs)) {
            add(live, &model);
        } else if (!runs) {
            snprintf(want[0], sizeof want[0], "nothing");
        }
    }
    if (live->models_count != 0) {
        live->dead = !live->device.seen.runs;
        return true;
    }
    const struct device_seen *seen = &live->device.seen;
    snprintf(text, sizeof text, "runs image %u%s attempt %u reason %s floor %u/%u rejects 0x%x; the model: %s",
             seen->image, seen->trial ? " on trial," : ",", seen->attempts,
             otter_reason_str((enum otter_reason)seen->reason), seen->floor_version, seen->floor_counter,
             seen->rejects, want[0]);
    return fail(live, text);
}

/* Each thing that may be true may be true still, or the boot is done. */
static void boot_was_cut(struct live *live, bool watchdog)
{
    unsigned count = live->models_count;
    for (unsigned i = 0; i < count; i++) {
        struct model model = live->models[i];
        (void)model_boot(&live->device.world, &model, watchdog);
        add(live, &model);
    }
}

static bool boot(struct live *live, bool watchdog)
{
    watchdog = watchdog && live->up;
    live->up = false;
    live->result->boots++;
    switch (device_boot(&live->device, watchdog)) {
    case DEVICE_DONE:
        live->up = live->device.seen.runs;
        return live->unsure ? take_over(live) : compare(live, watchdog);
    case DEVICE_CUT:
        live->result->cuts++;
        boot_was_cut(live, watchdog);
        return true;
    case DEVICE_WRONG:
        break;
    }
    return fail(live, live->device.failure);
}

/* A download that was cut leaves no image, and perhaps no fallback. Without a journal: what was there
 * before is asked for while the marks are written anew. */
static void download_was_cut(struct live *live, const struct model *model, uint8_t image)
{
    struct model cut = *model;
    if (!live->device.world.memory) {
        model_request(&cut, cut.low, true);
        add(live, &cut);
        cut = *model;
    }
    cut.low = NONE;
    add(live, &cut);
    cut = *model;
    model_download(&live->device.world, &cut, image);
    add(live, &cut);
    cut.low = NONE;
    add(live, &cut);
}

static bool offered(struct live *live, enum device_end end, uint8_t image, const struct step *step)
{
    unsigned count = live->models_count;
    for (unsigned i = 0; i < count; i++) {
        struct model model = live->models[i];
        if (!model_takes(&model, image)) {
            continue;
        }
        if (end == DEVICE_CUT) {
            download_was_cut(live, &model, image);
        }
        model_download(&live->device.world, &model, image);
        model_request(&model, image, step->what == OFFER_PERMANENT);
        if (step->what == OFFER_BAD) {
            model.low = NONE;
        }
        if (end == DEVICE_CUT) {
            add(live, &model);
        } else {
            live->models[i] = model;
        }
    }
    return true;
}

static bool offer(struct live *live, const struct step *step)
{
    uint8_t image = live->offered;
    if (step->what != OFFER_AGAIN) {
        bool older = step->what == OFFER_OLDER;
        uint8_t version = older ? (uint8_t)(live->device.seen.floor_version - 1) : (uint8_t)(live->newest + 1);
        uint8_t counter = step->what == OFFER_LOWER ? 1 : older ? 200 : 2 + live->newest / 4;
        image = device_make(&live->device, step->percent, version, counter, step->what == OFFER_ELSEWHERE);
        live->newest = (uint8_t)(live->newest + (image != NONE && !older));
    }
    if (image == NONE) {
        return true;
    }
    live->offered = image;
    enum device_end end = device_offer(&live->device, image, step->what == OFFER_PERMANENT, step->what == OFFER_BAD);
    if (end == DEVICE_WRONG) {
        return fail(live, live->device.failure);
    }
    live->up = end == DEVICE_DONE;
    live->result->cuts += end == DEVICE_CUT;
    return offered(live, end, image, step);
}

static void told_model(const struct live *live, struct model *model, char what)
{
    if (what == CONFIRM) {
        model_confirm(&live->device.world, model);
    } else if (what == GIVE_UP && model->trial && live->device.world.memory) {
        model->reason = OTTER_REASON_HEALTH;
    } else if (what == ACKNOWLEDGE && !model->trial && !model->pending) {
        model->reason = OTTER_REASON_NONE;
    }
}

static bool application(struct live *live, char what)
{
    enum device_end end = what == CONFIRM   ? device_confirm(&live->device)
                          : what == GIVE_UP ? device_give_up(&live->device)
                                            : device_acknowledge(&live->device);
    unsigned count = live->models_count;
    if (end == DEVICE_WRONG) {
        return fail(live, live->device.failure);
    }
    for (unsigned i = 0; i < count; i++) {
        struct model model = live->models[i];
        told_model(live, &model, what);
        if (end == DEVICE_CUT) {
            struct model between = model; /* at rest; the next boot raises the floor, if the image lives */
            between.floor_version = live->models[i].floor_version;
            between.floor_counter = live->models[i].floor_counter;
            add(live, &between);
            add(live, &model);
        } else {
            live->models[i] = model;
        }
    }
    live->up = end == DEVICE_DONE;
    live->result->cuts += end == DEVICE_CUT;
    return true;
}

static bool damage(struct live *live, char what, uint64_t seed)
{
    struct device *device = &live->device;
    bool forgets = what == DAMAGE_REST && !device->world.memory;
    if (what == DAMAGE_PRIMARY) {
        device_damage_primary(device);
    } else if (what == DAMAGE_LOW) {
        device_damage_low(device);
    } else if (what == DAMAGE_REST) {
        device_damage_rest(device);
    } else if (device->world.memory) {
        bool done = device_damage_journal(device, what == DAMAGE_HALF, seed);
        live->unsure = live->unsure || (done && what == DAMAGE_HALF);
    }
    for (unsigned i = 0; i < live->models_count; i++) {
        struct model *model = &live->models[i];
        model->primary = what == DAMAGE_PRIMARY ? NONE : model->primary;
        model->low = what == DAMAGE_LOW || what == DAMAGE_REST ? NONE : model->low;
        model->fallback = what == DAMAGE_REST ? NONE : model->fallback;
        model->pending = model->pending && !forgets; /* trailers are in the secondary */
    }
    return !(live->unsure || forgets) || boot(live, false); /* what is lost is told at once */
}

static bool take_step(struct live *live, const struct step *step, uint64_t seed)
{
    bool boots = step->what == RESET || step->what == HANG;
    if (!boots && !live->up && !boot(live, false)) {
        return false;
    }
    if (live->dead) {
        return true;
    }
    /* Trailers prove nothing: what reads by chance may surface at any later boot. */
    bool chance = sequence_by_chance(step->outcome) && !live->device.world.memory;
    device_arm(&live->device, step->cut, chance ? SIM_RANDOM : step->outcome);
    bool ok = boots                                  ? boot(live, step->what == HANG)
              : strchr("GPABOLW", step->what) != NULL ? offer(live, step)
              : strchr("CFK", step->what) != NULL     ? application(live, step->what)
                                                      : damage(live, step->what, seed);
    device_arm(&live->device, 0, SIM_NOT_DONE);
    return ok;
}

void sequence_live(const struct sequence *sequence, const char *map, uint64_t seed, bool verbose,
                   struct sequence_result *ret_result)
{
    static struct live live;
    memset(&live, 0, sizeof live);
    *ret_result = (struct sequence_result){.passed = true};
    live.result = ret_result;
    if (!device_begin(&live.device, map, START_PERCENT, seed)) {
        (void)fail(&live, "there is no such map");
        return;
    }
    live.device.verbose = verbose;
    live.newest = 2;
    live.offered = NONE;
    live.models[0] = (struct model){.primary = 1};
    live.models[0].fallback_off = UINT32_MAX;
    live.models_count = 1;
    bool ok = boot(&live, false);
    for (unsigned i = 0; ok && !live.dead && i < sequence->count; i++) {
        struct sequence one = {.steps = {sequence->steps[i]}, .count = 1};
        char text[TEXT_SIZE];
        sequence_print(&one, text);
        ok = take_step(&live, &sequence->steps[i], seed + i);
        if (verbose) {
            char state[128];
            describe(&live, &live.models[0], state, sizeof state);
            printf("    %-24s %s; first of %u: %s%s\n", text, live.up ? "up" : "off", live.models_count, state,
                   live.models[0].pending ? ", pending" : "");
        }
    }
    if (ok && !live.dead && !live.up) {
        (void)boot(&live, false);
    }
    device_end(&live.device);
}
