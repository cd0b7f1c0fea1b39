/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_object.h - the complete struct otter_agent, so that the application can own one.
 *
 * Apart from agent.h to keep the interface readable. Contents are private by convention.
 */
#ifndef OTTER_AGENT_OBJECT_H
#define OTTER_AGENT_OBJECT_H

#include "otter/agent.h"

struct otter_agent {
    const struct otter_agent_config *config;
    enum otter_agent_phase phase;
    enum otter_outcome outcome;
};

#endif
