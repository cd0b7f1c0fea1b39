/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_qemu.h - QEMU as a child process: power on, power off, and what it says.
 *
 * QEMU gets its flash, its settings, its monitor and its UART as open files, so nothing is left
 * behind on disk. It is killed when this process dies, however that happens.
 */
#ifndef OTTER_TOOL_EMULATE_QEMU_H
#define OTTER_TOOL_EMULATE_QEMU_H

#include <sys/types.h>

#include "tool/emulate.h"

#define EMULATE_QEMU "qemu-system-arm"

struct emulate_qemu {
    pid_t pid;   /* 0: off */
    int uart;    /* its stdout; -1 when off, like the others */
    int errors;  /* its stderr: complaints, and each change of an LED */
    int monitor; /* QMP */
    int status;  /* as from waitpid, once it is off */
};

/* 0, or TOOL_REFUSED after saying that QEMU is not installed. */
int emulate_qemu_installed(void);

/* Power on. 0, or TOOL_REFUSED after saying why not. */
int emulate_qemu_on(struct emulate_qemu *qemu, const struct emulate *emulate);

/* SIGKILL, or take the end of a QEMU that ended itself; what it said can still be read. */
void emulate_qemu_off(struct emulate_qemu *qemu);
void emulate_qemu_close(struct emulate_qemu *qemu);

#endif
