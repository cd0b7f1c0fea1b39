/* SPDX-License-Identifier: Apache-2.0 */
/* version.c - the only file that is compiled once per version. */
#include "app/ota-https/version.h"

const char app_version[] = APP_VERSION;
const uint32_t app_led_ms = APP_LED_MS;

#ifdef TEST_REVERT
const bool app_hangs = true;
#else
const bool app_hangs = false;
#endif
