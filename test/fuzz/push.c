/* SPDX-License-Identifier: Apache-2.0 */
/*
 * push.c - an image that the application brings: any sizes, any pieces, any bytes.
 *
 * Input: geometry, flags, failing operation, then calls: what (u8), how much (u16), and its bytes.
 */
#include "fuzz.h"

#include "otter/agent.h"
#include "otter/agent_object.h"

enum { IMAGES = 4 };

static struct fuzz_flash flash;
static uint8_t images[IMAGES][4096];
static const size_t sizes[IMAGES] = {600, 1500, 4000, 1500};
static struct otter_agent agent;
static int refuse(void *ctx, const char *host, uint16_t port)
{
    (void)ctx;
    (void)host;
    (void)port;
    return OTTER_ERR_IO;
}

static void close_nothing(void *ctx)
{
    (void)ctx;
}
static const struct otter_transport nobody = {.open = refuse, .close = close_nothing};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < IMAGES; i++) {
        struct otter_version version = {1, (uint8_t)i, 0, 0};
        fuzz_make_image(version, i, images[i], sizes[i]);
    }
    images[3][200] ^= 1;
    return 0;
}

static int write_image(unsigned which, size_t piece)
{
    int err = OTTER_OK;
    for (size_t at = 0; at < sizes[which] && err == OTTER_OK; at += piece) {
        size_t left = sizes[which] - at;
        err = otter_agent_push_write(&agent, images[which] + at, left < piece ? left : piece);
    }
    return err;
}

static int call(struct fuzz_bytes *bytes)
{
    unsigned what = fuzz_u8(bytes);
    uint32_t much = fuzz_u16(bytes);
    size_t len;
    switch (what % 8) {
    case 0:
        return otter_agent_push_begin(&agent, (what & 0x80) != 0 ? (uint32_t)sizes[what / 8 % IMAGES] : much);
    case 1: {
        const uint8_t *at = fuzz_take(bytes, much % 1024, &len);
        return otter_agent_push_write(&agent, at, len);
    }
    case 2:
    case 3:
        return write_image(what / 8 % IMAGES, 1u + much);
    case 4:
    case 5:
        return otter_agent_push_finish(&agent);
    case 6:
        otter_agent_stop(&agent);
        return OTTER_OK;
    default:
        otter_agent_start(&agent);
        return (int)(otter_agent_step(&agent, much) & 0x7fffffff);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint32_t io[1024];
    struct fuzz_bytes bytes = {data, size};
    struct otter_state state;
    struct otter_image image;
    unsigned geometry = fuzz_u8(&bytes);
    unsigned flags = fuzz_u8(&bytes);
    uint32_t fail = fuzz_u8(&bytes);
    fuzz_flash_init(&flash, geometry, 0x14000);
    struct otter_layout layout = fuzz_layout(&flash);
    fuzz_flash_put(&flash, 0, images[0], sizes[0]);
    flash.protect_to = layout.primary.size;
    struct otter_agent_config config = {.state = &state, .keys = fuzz_keys, .keys_count = 1, .tls = &nobody,
                                        .host = "home.example", .initial_ms = UINT32_MAX, .no_report = true,
                                        .permanent = (flags & 2) != 0, .io = io, .io_size = sizeof io};
    REQUIRE(otter_state_open(&state, &layout) == OTTER_OK);
    REQUIRE(otter_agent_init(&agent, &config) == OTTER_OK);
    flash.fail_change = (flags & 1) != 0 ? flash.changes + 1 + fail : 0;
    for (unsigned i = 0; i < 64 && bytes.left > 0; i++) {
        int err = call(&bytes);
        REQUIRE(err >= OTTER_ERR_ARG);
        if (state.phase == OTTER_PHASE_REQUESTED) {
            REQUIRE(fuzz_is_genuine(&layout.secondary, &image) && image.version.minor > 0);
            REQUIRE(memcmp(image.hash, images[image.version.minor] + sizes[image.version.minor] - 3 * 36 + 4, 32) == 0);
        }
    }
    return 0;
}
