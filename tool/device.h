/* SPDX-License-Identifier: Apache-2.0 */
/* device.h - the sub-commands of `otter device` (tool/device_*.c). */
#ifndef OTTER_TOOL_DEVICE_H
#define OTTER_TOOL_DEVICE_H

int device_app(int argc, const char **argv);
int device_init(int argc, const char **argv);
int device_run(int argc, const char **argv);
int device_status(int argc, const char **argv);
int device_enrol(int argc, const char **argv);

#endif
