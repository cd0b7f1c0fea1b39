/* SPDX-License-Identifier: Apache-2.0 */
/* one_rig.h - for tests that need one rig of the agent at a time: made anew for each. */
#ifndef OTTER_TEST_ONE_RIG_H
#define OTTER_TEST_ONE_RIG_H

#include "agent_rig.h"

static struct rig *rig;

static int setup(void **test)
{
    (void)test;
    struct sim_map map = rig_map();
    rig = rig_create(&map);
    return 0;
}

static int teardown(void **test)
{
    (void)test;
    rig_destroy(rig);
    return 0;
}

#endif
