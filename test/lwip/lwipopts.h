/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lwipopts.h - lwIP as on the boards, but for the tests on this machine: all its memory is
 * that of test_lwip_malloc, so that sanitizers see each block and a test can refuse one.
 */
#ifndef OTTER_TEST_LWIP_OPTS_H
#define OTTER_TEST_LWIP_OPTS_H

#include <stddef.h>
#include <stdlib.h>

#include "port/lwip/include/lwipopts.h"

void *test_lwip_malloc(size_t size); /* NULL when it is to fail */

#undef MEM_ALIGNMENT
#define MEM_ALIGNMENT 8
#define MEM_CUSTOM_ALLOCATOR 1
#define MEM_CUSTOM_MALLOC test_lwip_malloc
#define MEM_CUSTOM_CALLOC calloc
#define MEM_CUSTOM_FREE free
#define MEMP_MEM_MALLOC 1
#define LWIP_NETIF_LOOPBACK 1
#undef LWIP_STATS
#define LWIP_STATS 1
#define MEM_STATS 1

#endif
