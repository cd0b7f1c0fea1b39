/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - where the parts of two images go during a swap.
 *
 * A boundary is a slot offset at which both slots begin a sector. Units are whole periods
 * between boundaries, cut from the top, so that only the top unit can lack room; it then
 * goes to scratch. No tables: the same inputs give the same plan at every boot.
 */
#include "boot/swap.h"

#include "otter/result.h"

struct boundaries {
    uint32_t first;  /* slot offset */
    uint32_t period; /* bytes; 0: there are none */
};

static uint32_t to_sector(const struct otter_area *area)
{
    uint32_t sector = area->flash->sector_size;
    return (sector - area->base % sector) % sector;
}

/* Where the primary begins a sector: all that counts when nothing is kept. */
static struct boundaries primary_boundaries(const struct otter_layout *layout)
{
    return (struct boundaries){to_sector(&layout->primary), layout->primary.flash->sector_size};
}

static struct boundaries common_boundaries(const struct otter_layout *layout)
{
    uint32_t primary = layout->primary.flash->sector_size;
    uint32_t secondary = layout->secondary.flash->sector_size;
    uint32_t limit = layout->primary.size;
    struct boundaries found = {0, 0};
    for (uint32_t off = to_sector(&layout->primary); off <= limit; off += primary) {
        if ((layout->secondary.base + off) % secondary != 0) {
            continue;
        }
        if (found.period != 0) {
            found.period = off - found.first;
            return found;
        }
        found = (struct boundaries){off, limit}; /* the period, until a second is found */
    }
    return found;
}

static uint32_t whole(uint32_t size, uint32_t period)
{
    return size - size % period;
}

/* The first boundary at or above `off`. */
static uint32_t boundary_above(const struct boundaries *at, uint32_t off)
{
    return off <= at->first ? at->first
                            : at->first + whole(off - at->first + at->period - 1, at->period);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static bool fits(const struct otter_layout *layout, uint32_t old_size, uint32_t new_size)
{
    uint32_t slot = smaller(layout->primary.size, layout->secondary.size);
    uint32_t most = layout->image_size_max != 0 ? smaller(slot, layout->image_size_max) : slot;
    return new_size != 0 && new_size <= most && old_size <= slot;
}

int otter_plan_make(const struct otter_layout *layout, uint32_t old_size, uint32_t new_size,
                    struct otter_plan *ret_plan)
{
    struct otter_plan plan = {.old_size = old_size, .new_size = new_size, .split = UINT32_MAX};
    struct boundaries at = old_size == 0 ? primary_boundaries(layout) : common_boundaries(layout);
    if (!fits(layout, old_size, new_size) || at.period == 0) {
        return OTTER_ERR_NOSPACE;
    }
    uint32_t room = layout->secondary.size;
    uint32_t unit_max = layout->unit_max != 0 ? layout->unit_max : OTTER_UNIT_MAX_DEFAULT;
    plan.end = boundary_above(&at, larger(old_size, new_size));
    plan.unit = larger(unit_max, at.period);
    if (old_size != 0) {
        if (plan.end > smaller(layout->primary.size, room)) {
            return OTTER_ERR_NOSPACE;
        }
        uint32_t hole = larger(layout->scratch.size, room - plan.end);
        plan.unit = smaller(plan.unit, hole);
    }
    plan.unit = whole(plan.unit, at.period);
    if (plan.unit == 0) {
        return OTTER_ERR_NOSPACE;
    }
    plan.count = (plan.end + plan.unit - 1) / plan.unit;
    if (old_size > room - smaller(plan.unit, room)) {
        plan.split = plan.count == 1 ? 0 : plan.end - plan.unit;
    }
    *ret_plan = plan;
    return OTTER_OK;
}

struct otter_view otter_plan_fallback(const struct otter_layout *layout,
                                      const struct otter_plan *plan)
{
    struct otter_view view = {.low = layout->secondary, .high = layout->scratch};
    uint32_t up = smaller(plan->unit, view.low.size);
    view.low.base += up;
    view.low.size -= up;
    view.split = plan->split;
    if (plan->split == UINT32_MAX) {
        view.high.size = 0;
        view.split = view.low.size;
    }
    return view;
}

uint32_t otter_plan_done(const struct otter_plan *plan, uint32_t size, uint32_t count)
{
    uint32_t low = count >= plan->count ? 0 : plan->end - count * plan->unit;
    return size > low ? size - low : 0;
}
