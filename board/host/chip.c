/* SPDX-License-Identifier: Apache-2.0 */
/* chip.c - one power cycle: switch the flash on, run the bootloader, start what it chose. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "board/host/chip.h"

#define BOOT_BUFFER_SIZE (32u * 1024u)

/* Flash takes no time here; whoever watches may want it to. */
static void keep_pace(struct host_cycle *cycle)
{
    uint64_t now_us = cycle->device->flash.power.time_us;
    double wait_us = (double)(now_us - cycle->paced_us) * cycle->device->pace;
    cycle->paced_us = now_us;
    if (wait_us >= 1.0) {
        struct timespec wait = {.tv_sec = (time_t)(wait_us / 1e6), .tv_nsec = (long)((uint64_t)wait_us % 1000000u * 1000u)};
        (void)nanosleep(&wait, NULL);
    }
}

void host_cycle_feed(void *ctx)
{
    struct host_cycle *cycle = ctx;
    cycle->device->tally->ops = cycle->device->flash.power.ops;
    cycle->device->tally->time_us = cycle->device->flash.power.time_us;
    keep_pace(cycle);
    host_chip_feed(cycle->chip);
}

static void on_power_lost(void *ctx)
{
    struct host_cycle *cycle = ctx;
    host_cycle_feed(cycle);
    host_chip_power_cut(cycle->chip);
}

static void on_violation(void *ctx, const char *what)
{
    struct host_cycle *cycle = ctx;
    host_event_app(&cycle->reporter, "flash-violation", "{s:s}", "what", what);
}

static void on_boot_event(void *ctx, const struct otter_boot_event *event)
{
    struct host_cycle *cycle = ctx;
    host_event_boot(&cycle->reporter, event);
}

/* The flash file is mapped: a disk that is full shows itself as a bus error. */
static void on_bus_error(int number)
{
    static const char text[] = "otter device run: the flash file cannot grow: the disk is full\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(1);
}

static void switch_flash_on(struct host_cycle *cycle)
{
    struct host_device *device = cycle->device;
    (void)signal(SIGBUS, on_bus_error);
    if (sim_board_open(&device->flash, device->flash_path, device->seed + cycle->chip->cycle) < 0) {
        host_event_app(&cycle->reporter, "flash-missing", "{s:s, s:s}", "path", device->flash_path, "why",
                       strerror(errno));
        host_chip_halt(cycle->chip);
    }
    device->flash.power.ctx = cycle;
    device->flash.power.lost = on_power_lost;
    device->flash.power.violated = on_violation;
    if (device->cut.after != 0) {
        sim_power_cut_after(&device->flash.power, device->cut.after, device->cut.outcome);
    }
}

void host_device_program(void *ctx, struct host_chip *chip)
{
    static uint8_t buffer[BOOT_BUFFER_SIZE] __attribute__((aligned(8)));
    struct host_device *device = ctx;
    struct host_cycle cycle = {.device = device, .chip = chip, .reporter = {.chip = chip}};
    switch_flash_on(&cycle);
    struct otter_boot_config boot = {
        .layout = &device->layout,
        .keys = device->keys,
        .keys_count = device->keys_count,
        .trial_boots = device->config.trial_boots,
        .reset_by_watchdog = chip->cause == HOST_RESET_WATCHDOG,
        .buf = buffer,
        .buf_size = sizeof buffer,
        .feed = host_cycle_feed,
        .on_event = on_boot_event,
        .ctx = &cycle,
    };
    struct otter_boot_choice choice;
    int err = otter_boot(&boot, &choice);
    if (err < 0) {
        host_event_app(&cycle.reporter, "no-boot", "{s:s, s:s}", "from", "boot", "err", otter_err_str(err));
        host_chip_halt(chip);
    }
    host_application_run(&cycle, &choice);
}
