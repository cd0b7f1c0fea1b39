/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reboot.c - phase REBOOT: the swap is requested; reset as soon as the application lets us.
 */
#include "agent/phase.h"

uint32_t otter_reboot_step(struct otter_agent *agent)
{
    const struct otter_agent_hooks *hooks = &agent->config->hooks;
    if (hooks->may_reboot == NULL || hooks->may_reboot(hooks->ctx)) {
        if (hooks->reset != NULL) {
            hooks->reset(hooks->ctx);
        }
    }
    return OTTER_AGENT_ASK_MS; /* still here: the application does it, or says not yet */
}
