/* SPDX-License-Identifier: Apache-2.0 */
/*
 * area.c - areas of flash devices, and views of images that lie in one area or two.
 *
 * The only place where slot offsets become device offsets, so the only place that checks
 * bounds against the area.
 */
#include "otter/flash.h"
#include "otter/result.h"

static bool inside(const struct otter_area *area, uint32_t off, size_t len)
{
    return off <= area->size && len <= area->size - off;
}

int otter_area_read(const struct otter_area *area, uint32_t off, void *buf, size_t len)
{
    if (!inside(area, off, len)) {
        return OTTER_ERR_ARG;
    }
    return len == 0 ? OTTER_OK : area->flash->read(area->flash->ctx, area->base + off, buf, len);
}

int otter_area_prog(const struct otter_area *area, uint32_t off, const void *buf, size_t len)
{
    if (!inside(area, off, len)) {
        return OTTER_ERR_ARG;
    }
    return len == 0 ? OTTER_OK : area->flash->prog(area->flash->ctx, area->base + off, buf, len);
}

uint32_t otter_area_step(const struct otter_area *area, uint32_t off, uint32_t end,
                         uint32_t *ret_size)
{
    const struct otter_flash *flash = area->flash;
    uint32_t at = area->base + off;
    uint32_t limit = area->base + (end < area->size ? end : area->size);
    uint32_t unit = flash->sector_size;
    if (flash->block_size != 0 && at % flash->block_size == 0 && limit >= at &&
        limit - at >= flash->block_size) {
        unit = flash->block_size;
    }
    uint32_t first = at - at % unit;
    uint32_t last = first + unit;
    if (first < area->base) {
        first = area->base;
    }
    if (last > area->base + area->size) {
        last = area->base + area->size;
    }
    *ret_size = last - first;
    return first - area->base;
}

int otter_area_erase(const struct otter_area *area, uint32_t off, uint32_t size)
{
    const struct otter_flash *flash = area->flash;
    if (size == 0 || !inside(area, off, size)) {
        return OTTER_ERR_ARG;
    }
    uint32_t first = area->base + off;
    first -= first % flash->sector_size;
    uint32_t last = area->base + off + size;
    uint32_t beyond = last % flash->sector_size;
    if (beyond != 0) {
        last += flash->sector_size - beyond;
    }
    if (last - first != flash->sector_size && last - first != flash->block_size) {
        return OTTER_ERR_ARG;
    }
    return flash->erase(flash->ctx, first, last - first);
}

int otter_area_write(const struct otter_area *area, uint32_t off, const void *buf, size_t len)
{
    const struct otter_flash *flash = area->flash;
    uint32_t sector = flash->sector_size;
    if (!inside(area, off, len) || (area->base + off) % sector != 0 || len % sector != 0) {
        return OTTER_ERR_ARG;
    }
    if (flash->write != NULL) {
        return len == 0 ? OTTER_OK : flash->write(flash->ctx, area->base + off, buf, len);
    }
    for (uint32_t at = 0; at < len; at += sector) {
        int err = otter_area_erase(area, off + at, sector);
        if (err == OTTER_OK) {
            err = otter_area_prog(area, off + at, (const uint8_t *)buf + at, sector);
        }
        if (err < 0) {
            return err;
        }
    }
    return OTTER_OK;
}

struct otter_view otter_view_of(const struct otter_area *area)
{
    struct otter_view view = {.low = *area, .high = {0}, .split = area->size};
    return view;
}

uint32_t otter_view_size(const struct otter_view *view)
{
    return view->high.size > UINT32_MAX - view->split ? UINT32_MAX
                                                      : view->split + view->high.size;
}

int otter_view_read(const struct otter_view *view, uint32_t off, void *buf, size_t len)
{
    if (off >= view->split) {
        return otter_area_read(&view->high, off - view->split, buf, len);
    }
    size_t low = view->split - off;
    if (len <= low) {
        return otter_area_read(&view->low, off, buf, len);
    }
    int err = otter_area_read(&view->low, off, buf, low);
    if (err < 0) {
        return err;
    }
    return otter_area_read(&view->high, 0, (uint8_t *)buf + low, len - low);
}
