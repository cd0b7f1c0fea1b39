/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - `otter device`: its sub-commands. */
#include <stddef.h>

#include "tool/device.h"
#include "tool/subcommand.h"
#include "tool/tool.h"

int tool_device(int argc, const char **argv)
{
    static const struct subcommand list[] = {
        {"app", "device app", device_app, "make a firmware payload that behaves as told; sign it with `otter sign`"},
        {"init", "device init", device_init, "make a device: flash file, bootloader key, first image, server"},
        {"run", "device run", device_run, "power it on: bootloader, application, agent, resets, power cuts"},
        {"status", "device status", device_status, "what its flash says, running or not"},
        {"enrol", "device enrol", device_enrol, "a token with which a device reports to `otter serve`; or take it away"},
        {NULL, NULL, NULL, NULL},
    };
    static const struct subcommands commands = {
        "device",
        "A whole device on this machine: the real bootloader and the real agent, as\n"
        "processes over simulated flash in a file.",
        list};
    return subcommand_run(&commands, argc, argv);
}
