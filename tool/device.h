/* SPDX-License-Identifier: Apache-2.0 */
/* device.h - the sub-commands of `otter device` (tool/device_*.c). */
#ifndef OTTER_TOOL_DEVICE_H
#define OTTER_TOOL_DEVICE_H

int device_app(int argc, const char **argv);
int device_init(int argc, const char **argv);
int device_run(int argc, const char **argv);
int device_status(int argc, const char **argv);

/* Are these files what a device needs? NULL: not given; cert and key come together. 0, or
 * TOOL_REFUSED after saying what is wrong. */
int device_check_certificates(const char *ca_path, const char *cert_path, const char *key_path);

#endif
