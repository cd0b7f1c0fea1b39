/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.h - what differs between two versions of this application, and nothing else does.
 *
 * The build gives APP_VERSION ("1.2.3"), APP_LED_MS, and TEST_REVERT for one that hangs.
 */
#ifndef OTTER_APP_VERSION_H
#define OTTER_APP_VERSION_H

#include <stdbool.h>
#include <stdint.h>

extern const char app_version[];
extern const uint32_t app_led_ms; /* between two toggles of the LED */
extern const bool app_hangs;      /* TEST_REVERT: an endless loop right after the start */

#endif
