/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - what the two templates assume of your part: replace it with your headers.
 *
 * docs/porting.md goes through it step by step. The templates are compiled in the tests, for
 * this machine and for Cortex-M4, so that they never fall behind the headers.
 */
#ifndef OTTER_PORT_TEMPLATE_H
#define OTTER_PORT_TEMPLATE_H

#include "otter/flash.h"
#include "otter/transport.h"

/* Your flash controller: how a unit is programmed and a sector erased. 0 is success. */
struct template_flash {
    const volatile uint8_t *window; /* where the device can be read */
    uint32_t base;                  /* what the controller calls offset 0 */
    int (*program)(uint32_t addr, const void *unit);
    int (*erase)(uint32_t addr);
    struct otter_flash flash; /* filled by template_flash_init */
};
struct otter_flash template_flash_init(struct template_flash *device);

/* Your TCP stack, as far as a stream needs it. */
struct template_stack {
    int (*connect)(struct template_stack *stack, const char *host, uint16_t port);
    int (*status)(struct template_stack *stack); /* <0 failed, 0 under way, >0 connected */
    int (*write)(struct template_stack *stack, const void *buf, size_t len);
    int (*read)(struct template_stack *stack, void *buf, size_t len);
    void (*close)(struct template_stack *stack);
};

enum template_state { TEMPLATE_CLOSED, TEMPLATE_CONNECTING, TEMPLATE_OPEN };

struct template_stream {
    struct template_stack *stack;
    enum template_state state;
};
struct otter_transport template_stream_init(struct template_stream *stream,
                                            struct template_stack *stack);

#endif
