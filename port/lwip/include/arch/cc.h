/* SPDX-License-Identifier: Apache-2.0 */
/* cc.h - what lwIP wants to know of the compiler; the defaults of lwIP do for the rest. */
#ifndef OTTER_PORT_LWIP_CC_H
#define OTTER_PORT_LWIP_CC_H

#include <stdint.h>

#define LWIP_PLATFORM_DIAG(x)
#define LWIP_PLATFORM_ASSERT(x) otter_lwip_assert()
#define LWIP_RAND() otter_lwip_rand()
void otter_lwip_assert(void);
uint32_t otter_lwip_rand(void);

#endif
