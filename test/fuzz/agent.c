/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c - the whole agent, and the bootloader when it asks for a reset, against servers that say
 * anything.
 *
 * Input: flags (u16), geometry, piece size, failing flash operation, then what the servers send
 * (wire.h).
 *
 * Whatever comes: no step does more than one thing, nothing goes on for ever, nothing but secondary
 * and journal changes, only the servers that are configured are asked, and a swap is requested only
 * for one of the genuine images, newer than what runs.
 */
#include "otter/agent.h"
#include "otter/agent_object.h"
#include "otter/boot.h"
#include "wire.h"

enum { DIRECT = 1, PLAIN = 2, RANGE = 4, NO_REPORT = 8, PERMANENT = 16, SICK = 32, LATE_CLOCK = 64,
       BREAK_FLASH = 128, NOT_NOW = 256, NOW = 512, NO_RANDOM = 1024, NO_JOURNAL = 2048 };
enum { IMAGES = 4, QUIET_MAX = 16, BOOTS_MAX = 8, TAIL_STEPS = 400 };

static struct fuzz_flash flash;
static uint8_t images[IMAGES][4096];
static const size_t sizes[IMAGES] = {600, 1500, 4000, 1500};
static const char job[] = "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\"}";
static const char *const allowed[] = {"cdn.example", "192.0.2.7"};

struct device {
    struct otter_layout layout;
    struct otter_state state;
    struct otter_agent agent;
    struct otter_agent_config config;
    struct wire wire;
    unsigned flags, boots;
    unsigned asked; /* for its health, since the last reset */
    bool reset;
    uint32_t now_ms;
};
static struct device device;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < IMAGES; i++) {
        struct otter_version version = {1, (uint8_t)i, 0, 0};
        fuzz_make_image(version, i, images[i], sizes[i]);
    }
    images[3][200] ^= 1; /* not genuine */
    return 0;
}

static void on_event(void *ctx, const struct otter_event *event)
{
    (void)ctx;
    REQUIRE(otter_agent_phase_str(event->phase)[0] != '?' && otter_outcome_str(event->outcome)[0] != '?');
    REQUIRE(otter_err_str(event->err)[0] != '\0' && otter_reason_str(event->reason)[0] != '\0');
    REQUIRE(event->total == 0 || event->done <= event->total);
}

static bool healthy(void *ctx)
{
    struct device *on = ctx;
    on->asked++;
    return (on->flags & SICK) == 0;
}

static bool may_download(void *ctx, const struct otter_version *version, uint32_t size)
{
    const struct device *on = ctx;
    (void)size;
    return (on->flags & NOT_NOW) == 0 || version->minor % 2 == 0;
}

static void reset(void *ctx)
{
    ((struct device *)ctx)->reset = true;
}

static bool now(void *ctx, int64_t *ret_unix)
{
    struct device *on = ctx;
    *ret_unix = 1700000000;
    return (on->flags & NOW) != 0;
}

static uint32_t random_number(void *ctx)
{
    return ((struct device *)ctx)->now_ms * 2654435761u;
}

void wire_on_request(struct wire *wire, const char *request)
{
    bool known = strcmp(wire->host, "home.example") == 0;
    for (size_t i = 0; i < 2; i++) {
        known = known || strcmp(wire->host, allowed[i]) == 0;
    }
    REQUIRE(known);
    const char *host = strstr(request, "Host: ") + 6;
    REQUIRE(strncmp(host, wire->host, strlen(wire->host)) == 0);
}

/* What a reset is: the bootloader, then the application from the start. False: it is over. */
static bool start(struct device *on)
{
    static uint32_t io[2048];
    static uint32_t buf[256];
    struct otter_image image;
    struct otter_boot_choice choice;
    struct otter_boot_config boot = {.layout = &on->layout, .keys = fuzz_keys, .keys_count = 1,
                                     .buf = buf, .buf_size = sizeof buf};
    on->wire.connected = false;
    flash.protect_to = 0;
    if (++on->boots > BOOTS_MAX) {
        return false;
    }
    if ((on->flags & NO_JOURNAL) == 0) {
        int err = otter_boot(&boot, &choice);
        REQUIRE(err == OTTER_OK || flash.fail_change != 0);
        REQUIRE(err != OTTER_OK || fuzz_is_genuine(&on->layout.primary, &image));
        if (err != OTTER_OK) {
            return false;
        }
    }
    flash.protect_to = on->layout.primary.size;
    if (otter_state_open(&on->state, &on->layout) != OTTER_OK) {
        return false;
    }
    on->config.state = &on->state;
    on->config.io = io;
    on->config.io_size = sizeof io;
    REQUIRE(otter_agent_init(&on->agent, &on->config) == OTTER_OK);
    return true;
}

/* The last thing before a reset: is it right to ask for this image? */
static void check_request(const struct device *on)
{
    struct otter_image image;
    if (on->state.phase == OTTER_PHASE_REQUESTED) {
        REQUIRE(fuzz_is_genuine(&on->layout.secondary, &image));
        REQUIRE(otter_version_compare(&image.version, &on->agent.running) > 0);
        REQUIRE(image.version.minor < 3);
        uint8_t *bytes = malloc(image.size);
        REQUIRE(bytes != NULL && otter_area_read(&on->layout.secondary, 0, bytes, image.size) == OTTER_OK);
        REQUIRE(image.size == sizes[image.version.minor]);
        REQUIRE(memcmp(bytes, images[image.version.minor], image.size) == 0);
        free(bytes);
    }
}

static void set_up(struct device *on, struct fuzz_bytes *bytes)
{
    unsigned flags = fuzz_u16(bytes);
    unsigned geometry = fuzz_u8(bytes);
    size_t piece = fuzz_u8(bytes);
    uint32_t fail = fuzz_u8(bytes);
    memset(on, 0, sizeof *on);
    on->flags = flags;
    fuzz_flash_init(&flash, geometry, 0x14000);
    on->layout = fuzz_layout(&flash);
    if ((flags & NO_JOURNAL) != 0 && flash.flash.prog_size <= 32) {
        on->layout.journal.size = 0;
        on->layout.trailers = &otter_trailers;
    } else {
        on->flags &= ~(unsigned)NO_JOURNAL;
    }
    fuzz_flash_put(&flash, 0, images[0], sizes[0]);
    wire_init(&on->wire, bytes->at, bytes->left);
    for (unsigned i = 0; i < IMAGES; i++) {
        on->wire.texts[i] = images[i];
        on->wire.lens[i] = sizes[i];
    }
    on->wire.texts[WIRE_JOB] = (const uint8_t *)job;
    on->wire.lens[WIRE_JOB] = sizeof job - 1;
    on->wire.piece = piece == 0 ? SIZE_MAX : piece;
    on->config = (struct otter_agent_config){
        .keys = fuzz_keys, .keys_count = 1, .tls = &on->wire.transport, .plain = &on->wire.transport,
        .host = "home.example", .board = "B", .device_id = "d\"1", .hosts_allowed = allowed,
        .hosts_allowed_count = 2, .use_plain = (flags & PLAIN) != 0,
        .image_path = (flags & DIRECT) != 0 ? "/image.bin" : NULL,
        .range_size = (flags & RANGE) != 0 ? 512 : 0, .no_report = (flags & NO_REPORT) != 0,
        .permanent = (flags & PERMANENT) != 0, .initial_ms = 1, .poll_ms = 5000, .retry_ms = 10,
        .retry_max_ms = 1000, .stall_ms = 40,
        .hooks = {.ctx = on, .may_download = may_download, .healthy = healthy, .reset = reset,
                  .random = (flags & NO_RANDOM) != 0 ? NULL : random_number, .now = now, .on_event = on_event}};
    on->now_ms = (flags & LATE_CLOCK) != 0 ? 0xffffff00u : 0;
    flash.fail_change = (flags & BREAK_FLASH) != 0 ? 1 + fail : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct device *on = &device;
    unsigned quiet = 0;
    unsigned tail = 0;
    if (size > 8192) {
        return 0;
    }
    set_up(on, &bytes);
    bool runs = start(on);
    uint32_t limit = 400 * ((uint32_t)size + 50) + 40 * FUZZ_SLOT_SIZE;
    for (uint32_t steps = 0; runs && tail < TAIL_STEPS; steps++) {
        uint32_t changes = flash.changes;
        unsigned ops = on->wire.ops;
        uint32_t wait_ms = otter_agent_step(&on->agent, on->now_ms);
        unsigned done = flash.changes - changes;
        bool writes_state = done > 1 && on->wire.ops == ops; /* a record may move the journal */
        REQUIRE(steps < limit);
        REQUIRE(on->wire.ops - ops <= 1);
        REQUIRE(done <= 1 || writes_state);
        quiet = done == 0 && on->wire.ops == ops && wait_ms == 0 ? quiet + 1 : 0;
        REQUIRE(quiet < QUIET_MAX + FUZZ_SLOT_SIZE / 512); /* hashing is quiet, too */
        check_request(on);
        on->now_ms += (wait_ms < 100000 ? wait_ms : 100000) + on->wire.pass_ms;
        on->wire.pass_ms = 0;
        tail = wire_is_over(&on->wire) ? tail + 1 : 0;
        if (on->asked > 5) { /* the application loses patience with itself */
            on->reset = otter_state_give_up(&on->state) == OTTER_OK || flash.fail_change != 0;
        }
        if (on->reset || on->wire.reset) {
            on->asked = 0;
            on->reset = on->wire.reset = false;
            runs = start(on);
        }
    }
    return 0;
}
