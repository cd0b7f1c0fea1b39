/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_said.h - what QEMU writes to its stderr: changes of the LED, and complaints. */
#ifndef OTTER_TOOL_EMULATE_SAID_H
#define OTTER_TOOL_EMULATE_SAID_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise. */
struct emulate_said {
    bool led_on;
    uint32_t toggles;    /* of the LED since power-on */
    char complaint[200]; /* QEMU's first, without its name; "": none */
    char pc[12];         /* where it locked up, hex; "": it did not */
};

void emulate_said_power_on(struct emulate_said *said);
void emulate_said_line(struct emulate_said *said, const char *line);

#endif
