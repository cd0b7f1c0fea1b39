/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.c - phases and outcomes as words, the same in events, reports and the tool.
 */
#include "otter/agent.h"

const char *otter_agent_phase_str(enum otter_agent_phase phase)
{
    switch (phase) {
    case OTTER_AGENT_STOPPED:
        return "stopped";
    case OTTER_AGENT_IDLE:
        return "idle";
    case OTTER_AGENT_JOB:
        return "job";
    case OTTER_AGENT_DOWNLOAD:
        return "download";
    case OTTER_AGENT_VERIFY:
        return "verify";
    case OTTER_AGENT_REBOOT:
        return "reboot";
    case OTTER_AGENT_TRIAL:
        return "trial";
    case OTTER_AGENT_REPORT:
        return "report";
    }
    return "?";
}

const char *otter_outcome_str(enum otter_outcome outcome)
{
    switch (outcome) {
    case OTTER_OUTCOME_NONE:
        return "none";
    case OTTER_OUTCOME_CURRENT:
        return "current";
    case OTTER_OUTCOME_INSTALLING:
        return "installing";
    case OTTER_OUTCOME_CONFIRMED:
        return "confirmed";
    case OTTER_OUTCOME_REVERTED:
        return "reverted";
    case OTTER_OUTCOME_OLDER:
        return "older";
    case OTTER_OUTCOME_REJECTED:
        return "rejected";
    case OTTER_OUTCOME_NOT_FOR_US:
        return "not-for-us";
    case OTTER_OUTCOME_BAD_JOB:
        return "bad-job";
    case OTTER_OUTCOME_FORBIDDEN:
        return "forbidden";
    case OTTER_OUTCOME_BAD_IMAGE:
        return "bad-image";
    case OTTER_OUTCOME_TOO_LARGE:
        return "too-large";
    case OTTER_OUTCOME_SERVER:
        return "server";
    case OTTER_OUTCOME_UNREACHABLE:
        return "unreachable";
    case OTTER_OUTCOME_UNTRUSTED:
        return "untrusted";
    case OTTER_OUTCOME_FLASH:
        return "flash";
    case OTTER_OUTCOME_DEFERRED:
        return "deferred";
    case OTTER_OUTCOME_EXPIRED:
        return "expired";
    case OTTER_OUTCOME_TOO_OLD:
        return "too-old";
    case OTTER_OUTCOME_WAITING:
        return "waiting";
    case OTTER_OUTCOME_UNSIGNED:
        return "unsigned";
    case OTTER_OUTCOME_REPLAYED:
        return "replayed";
    }
    return "?";
}
