/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_said.c - lines of QEMU's stderr, understood. */
#include <stdio.h>
#include <string.h>

#include "tool/emulate_said.h"

void emulate_said_power_on(struct emulate_said *said)
{
    *said = (struct emulate_said){.led_on = false};
}

/* "led_change_intensity LED desc:'USERLED0' color:green intensity 0% -> 100%" */
static void take_led(struct emulate_said *said, const char *line)
{
    const char *arrow = strstr(line, "-> ");
    if (!strstr(line, "'USERLED0'") || !arrow) {
        return;
    }
    bool on = arrow[3] != '0';
    said->toggles += on != said->led_on ? 1 : 0;
    said->led_on = on;
}

/* A warning is no reason to end, nor is a frame that the network had no room for. */
void emulate_said_line(struct emulate_said *said, const char *line)
{
    const char *pc = strstr(line, "R15=");
    if (strncmp(line, "led_change_intensity ", 21) == 0) {
        take_led(said, line);
    } else if (pc && !said->pc[0]) {
        (void)snprintf(said->pc, sizeof said->pc, "%.8s", pc + 4);
    } else if (!said->complaint[0] && strncmp(line, "qemu", 4) == 0 && !strstr(line, "warning:") && !strstr(line, "Slirp:")) {
        const char *colon = strstr(line, ": ");
        (void)snprintf(said->complaint, sizeof said->complaint, "%s", colon ? colon + 2 : line);
    }
}
