/* SPDX-License-Identifier: Apache-2.0 */
/* chip.h - what the two programs on the chip, bootloader and application, share. */
#ifndef OTTER_BOARD_HOST_CHIP_H
#define OTTER_BOARD_HOST_CHIP_H

#include "board/host/device.h"
#include "board/host/event.h"

struct host_cycle {
    struct host_device *device;
    struct host_chip *chip;
    struct host_reporter reporter;
    uint64_t paced_us; /* modelled flash time that was waited for */
};

/* Feed the watchdog, and bring the tally up to date. ctx: a struct host_cycle. */
void host_cycle_feed(void *ctx);

/* The application that the bootloader chose: for ever, or until a reset. */
_Noreturn void host_application_run(struct host_cycle *cycle, const struct otter_boot_choice *choice);

#endif
