/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet_loop.c - a heap of times, a queue of devices that have something to do, and epoll.
 *
 * A device that is busy does a few steps and goes to the end of its queue, so that no large
 * download makes the others wait. Who updates goes first, then who has begun something, then
 * those whose time has come: where there is more to do than can be done, some are quick and others
 * begin later, in place of all of them being so slow that the server gives them up, or that their
 * update seems to take what is this machine's share of two thousand handshakes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "board/host/board.h"
#include "tool/fleet_loop.h"

enum { STEPS_AT_ONCE = 24, EVENTS_MAX = 512, ROUND_MS = 10, TICK_MS = 50, NOT_IN_HEAP = -1 };

struct queue { /* a ring with room for all */
    struct fleet_device **devices;
    uint32_t size, first, count;
};

struct loop {
    struct fleet *fleet;
    struct fleet_device **heap; /* the next one first; those that wait */
    uint32_t heap_count;
    struct queue updating, begun, due; /* in the middle of an update, of something; whose time has come to begin */
};

/* ---- the heap ---- */

static void place(struct loop *loop, uint32_t at, struct fleet_device *device)
{
    loop->heap[at] = device;
    device->heap_at = at;
}

static void rise(struct loop *loop, uint32_t at, struct fleet_device *device)
{
    while (at > 0 && loop->heap[(at - 1) / 2]->due_ms > device->due_ms) {
        place(loop, at, loop->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(loop, at, device);
}

static void sink(struct loop *loop, uint32_t at, struct fleet_device *device)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < loop->heap_count && loop->heap[child + 1]->due_ms < loop->heap[child]->due_ms) {
            child++;
        }
        if (child >= loop->heap_count || loop->heap[child]->due_ms >= device->due_ms) {
            break;
        }
        place(loop, at, loop->heap[child]);
        at = child;
    }
    place(loop, at, device);
}

static void heap_take(struct loop *loop, struct fleet_device *device)
{
    uint32_t at = device->heap_at;
    device->heap_at = (uint32_t)NOT_IN_HEAP;
    struct fleet_device *last = loop->heap[--loop->heap_count];
    if (last != device) {
        rise(loop, at, last);
        sink(loop, last->heap_at, last);
    }
}

static void wait_until(struct loop *loop, struct fleet_device *device, uint64_t due_ms)
{
    device->due_ms = due_ms;
    rise(loop, loop->heap_count++, device);
}

/* ---- the queues ---- */

static void enqueue(struct loop *loop, struct queue *queue, struct fleet_device *device)
{
    queue = device->state == FLEET_UPDATING ? &loop->updating : queue;
    if (device->queued) {
        return;
    }
    if (device->heap_at != (uint32_t)NOT_IN_HEAP) {
        heap_take(loop, device);
    }
    device->queued = true;
    queue->devices[(queue->first + queue->count++) % queue->size] = device;
}

static struct fleet_device *dequeue(struct loop *loop)
{
    struct queue *queue = loop->updating.count > 0 ? &loop->updating : loop->begun.count > 0 ? &loop->begun : &loop->due;
    struct fleet_device *device = queue->devices[queue->first];
    queue->first = (queue->first + 1) % queue->size;
    queue->count--;
    device->queued = false;
    return device;
}

static uint32_t queued(const struct loop *loop)
{
    return loop->updating.count + loop->begun.count + loop->due.count;
}

/* ---- a round ---- */

static void run_one(struct loop *loop, struct fleet_device *device)
{
    uint32_t wait_ms = 0;
    for (int i = 0; i < STEPS_AT_ONCE && wait_ms == 0; i++) {
        wait_ms = fleet_device_step(device);
    }
    if (wait_ms == 0) {
        enqueue(loop, &loop->begun, device);
    } else {
        wait_until(loop, device, host_clock_ms() + wait_ms);
    }
}

static void take_due(struct loop *loop, uint64_t now_ms)
{
    while (loop->heap_count > 0 && loop->heap[0]->due_ms <= now_ms) {
        struct fleet_device *device = loop->heap[0];
        enqueue(loop, &loop->due, device);
    }
}

static int take_events(struct loop *loop, int timeout_ms)
{
    static struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(loop->fleet->epoll, events, EVENTS_MAX, timeout_ms);
    for (int i = 0; i < count; i++) {
        enqueue(loop, &loop->begun, &loop->fleet->devices[events[i].data.u32]);
    }
    return count >= 0 || errno == EINTR ? 0 : tool_refuse("epoll: %s", strerror(errno));
}

static int pause_ms(const struct loop *loop, uint64_t now_ms, uint64_t tick_ms)
{
    uint64_t until = tick_ms;
    if (queued(loop) > 0) {
        return 0;
    }
    if (loop->heap_count > 0 && loop->heap[0]->due_ms < until) {
        until = loop->heap[0]->due_ms;
    }
    return until > now_ms ? (int)(until - now_ms) : 0;
}

/* As many as there are in the queues, as far as the time goes: then the sockets are looked at again. */
static void run_round(struct loop *loop)
{
    uint64_t end_ms = host_clock_ms() + ROUND_MS;
    for (uint32_t i = queued(loop); i > 0 && host_clock_ms() < end_ms; i--) {
        run_one(loop, dequeue(loop));
    }
}

static int run_all(struct loop *loop, const struct fleet_watcher *watcher)
{
    uint64_t started_ms = loop->fleet->started_ms;
    uint64_t tick_ms = 0;
    int rc = 0;
    while (rc == 0) {
        uint64_t now_ms = host_clock_ms();
        if (now_ms >= tick_ms) {
            tick_ms = now_ms + TICK_MS;
            if (watcher->tick(watcher->ctx, now_ms - started_ms)) {
                return 0;
            }
        }
        take_due(loop, now_ms);
        rc = take_events(loop, pause_ms(loop, now_ms, tick_ms));
        run_round(loop);
    }
    return rc;
}

static bool take_room(struct loop *loop, uint32_t size)
{
    loop->heap = calloc(size, sizeof *loop->heap);
    loop->updating = (struct queue){.devices = calloc(size, sizeof *loop->heap), .size = size};
    loop->begun = (struct queue){.devices = calloc(size, sizeof *loop->heap), .size = size};
    loop->due = (struct queue){.devices = calloc(size, sizeof *loop->heap), .size = size};
    return loop->heap && loop->updating.devices && loop->begun.devices && loop->due.devices;
}

int fleet_loop(struct fleet *fleet, const struct fleet_watcher *watcher)
{
    struct loop loop = {.fleet = fleet};
    int rc = TOOL_REFUSED;
    if (!take_room(&loop, fleet->devices_count)) {
        rc = tool_refuse("out of memory");
    } else {
        for (uint32_t i = 0; i < fleet->devices_count; i++) {
            struct fleet_device *device = &fleet->devices[i];
            double part = fleet_part(fleet->seed, i, FLEET_ASK_START, 0);
            wait_until(&loop, device, fleet->started_ms + (uint64_t)(part * fleet->options->spread_s * 1000));
        }
        rc = run_all(&loop, watcher);
    }
    free(loop.heap);
    free(loop.updating.devices);
    free(loop.begun.devices);
    free(loop.due.devices);
    return rc;
}
