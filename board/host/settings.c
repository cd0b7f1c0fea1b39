/* SPDX-License-Identifier: Apache-2.0 */
/* settings.c - what a product keeps in its configuration area, as its agent takes it. */
#include "board/host/device.h"

void host_agent_config(const struct host_device *device, struct otter_agent_config *ret_config)
{
    const struct host_config *config = &device->config;
    *ret_config = (struct otter_agent_config){
        .keys = device->keys,
        .keys_count = device->keys_count,
        .host = config->host,
        .port = config->port,
        .use_plain = config->plain,
        .job_path = config->job_path,
        .image_path = config->image_path,
        .hosts_allowed = config->hosts,
        .hosts_allowed_count = config->hosts_count,
        .no_report = config->no_report,
        .board = config->board,
        .product = config->product,
        .manufacturer = config->manufacturer,
        .manufacturer_id = config->manufacturer_id,
        .serial = config->serial,
        .device_id = config->device_id,
        .job_keys = config->job_keys,
        .job_keys_count = config->job_keys_count,
        .ring = config->ring,
        .hardware_revision = config->hardware_revision,
        .device_token = config->token,
        .initial_ms = config->initial_ms ? config->initial_ms : 1, /* 0 would be the default */
        .poll_ms = config->poll_ms,
        .poll_min_ms = 1,
        .retry_ms = config->retry_ms,
        .retry_max_ms = config->retry_max_ms,
        .stall_ms = config->stall_ms,
        .range_size = config->range_size,
        .permanent = config->permanent,
        .patcher = &otter_patcher, /* and its room, which is the caller's */
    };
}
