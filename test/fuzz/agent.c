/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.c - the whole agent, and the bootloader when it asks for a reset, against servers that say
 * anything.
 *
 * Input: flags (u16), geometry, piece size, failing flash operation, then what the servers send
 * (wire.h). Flag DELTA: the device takes patches, and images 0 and 1 are larger ones that a patch is for;
 * with SMALL, too, it has the least room that an agent works with; with FAR, too, they are so large that a
 * reset does not begin at 0 again.
 *
 * Whatever comes: no step does more than one thing, nothing goes on for ever, nothing but secondary
 * and journal changes, only the servers that are configured are asked, and a swap is requested only
 * for one of the genuine images, newer than what runs.
 */
#include "otter/agent.h"
#include "otter/agent_object.h"
#include "otter/boot.h"
#include "tool/delta.h"
#include "wire.h"

enum { DIRECT = 1, PLAIN = 2, RANGE = 4, NO_REPORT = 8, PERMANENT = 16, SICK = 32, LATE_CLOCK = 64,
       BREAK_FLASH = 128, NOT_NOW = 256, NOW = 512, NO_RANDOM = 1024, NO_JOURNAL = 2048, SMALL = 4096, FAR = 0x4000,
       DELTA = 0x8000 };
enum { IMAGES = 4, LARGE = 5000, FAR_SIZE = 40000, FAR_SLOT = 0xa000, PATCH_JOB_SIZE = 512, QUIET_MAX = 16, BOOTS_MAX = 8, TAIL_STEPS = 400 };

static struct fuzz_flash flash;
static uint8_t images[IMAGES][4096];
static const size_t sizes[IMAGES] = {600, 1500, 4000, 1500};
static const char job[] = "{\"Board\":\"B\",\"Version\":\"1.1.0\",\"File\":\"/image.bin\"}";

/* Two images, the patch that makes one of the other, and the job that offers both. */
struct pair {
    size_t size;
    uint8_t images[2][FAR_SIZE];
    char job[PATCH_JOB_SIZE + 1];
    struct tool_bytes patch;
};
static struct pair large = {.size = LARGE};
static struct pair far = {.size = FAR_SIZE};
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
static struct otter_delta delta_room;

/* A shift, single bytes, and a part that comes twice. */
static void edit(uint8_t *image, const uint8_t *of, size_t size)
{
    uint8_t *payload = image + 32;
    memcpy(payload, of + 32, size - 400);
    memmove(payload + 2012, payload + 2000, 2000);
    for (size_t i = 50; i < 4000; i += 97) {
        payload[i] ^= 0x55;
    }
    for (size_t i = 0; i < 200; i++) {
        payload[4000 + i] = payload[4300 + i] = (uint8_t)(i * i * 37 >> 3);
    }
    fuzz_sign_image(image, size);
}

static void hex_sha256(const uint8_t *bytes, size_t len, char ret_hex[65])
{
    struct otter_sha256 sha;
    uint8_t hash[OTTER_HASH_SIZE];
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, bytes, len);
    otter_sha256_finish(&sha, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        (void)snprintf(ret_hex + 2 * i, 3, "%02x", hash[i]);
    }
}

static void make_pair(struct pair *pair)
{
    char new_hex[65];
    char patch_hex[65];
    char from_hex[65];
    const uint8_t *from = pair->images[0] + pair->size - 3 * 36 + 4; /* its hash is the first of the TLVs */
    struct otter_version old_version = {1, 0, 0, 0};
    struct otter_version new_version = {1, 1, 0, 0};
    struct tool_bytes files[2] = {{.data = pair->images[0], .len = pair->size}, {.data = pair->images[1], .len = pair->size}};
    struct delta_options options = {.has_address = true, .filter = DELTA_FILTER_NONE, .base = from};
    struct delta_stats stats;
    fuzz_make_image(old_version, 0, pair->images[0], pair->size);
    fuzz_make_image(new_version, 1, pair->images[1], pair->size);
    edit(pair->images[1], pair->images[0], pair->size);
    REQUIRE(delta_make(&files[0], &files[1], &options, &pair->patch, &stats) == 0);
    hex_sha256(pair->images[1], pair->size, new_hex);
    hex_sha256(pair->patch.data, pair->patch.len, patch_hex);
    for (size_t i = 0; i < OTTER_HASH_SIZE; i++) {
        (void)snprintf(from_hex + 2 * i, 3, "%02x", from[i]);
    }
    memset(pair->job, ' ', PATCH_JOB_SIZE);
    int len = snprintf(pair->job, sizeof pair->job,
                       "{\"Deltas\":[{\"From\":\"%s\",\"File\":\"/image.otd\",\"Size\":%zu,\"SHA256\":\"%s\"}],\"Board\":\"B\","
                       "\"Version\":\"1.1.0\",\"File\":\"/image.bin\",\"Size\":%u,\"SHA256\":\"%s\"}",
                       from_hex, pair->patch.len, patch_hex, (unsigned)pair->size, new_hex);
    REQUIRE(len > 0 && len < PATCH_JOB_SIZE);
    pair->job[len] = ' '; /* of one length, whatever the patch's size */
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    for (unsigned i = 0; i < IMAGES; i++) {
        struct otter_version version = {1, (uint8_t)i, 0, 0};
        fuzz_make_image(version, i, images[i], sizes[i]);
    }
    images[3][200] ^= 1; /* not genuine */
    make_pair(&large);
    make_pair(&far);
    return 0;
}

static void on_event(void *ctx, const struct otter_event *event)
{
    REQUIRE(otter_agent_phase_str(event->phase)[0] != '?' && otter_outcome_str(event->outcome)[0] != '?');
    REQUIRE(otter_err_str(event->err)[0] != '\0' && otter_reason_str(event->reason)[0] != '\0');
    REQUIRE(event->total == 0 || event->done <= event->total);
    REQUIRE(!event->delta || (((struct device *)ctx)->flags & DELTA) != 0);
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
    bool small = (on->flags & DELTA) != 0 && (on->flags & SMALL) != 0;
    on->config.io_size = small ? 2048 + flash.flash.prog_size : sizeof io;
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
        REQUIRE(image.size == on->wire.lens[image.version.minor]);
        REQUIRE(memcmp(bytes, on->wire.texts[image.version.minor], image.size) == 0);
        free(bytes);
    }
}

static void offer_pair(struct device *on, const struct pair *pair)
{
    struct wire *wire = &on->wire;
    wire->texts[0] = pair->images[0];
    wire->texts[1] = pair->images[1];
    wire->lens[0] = wire->lens[1] = pair->size;
    wire->texts[WIRE_PATCH_JOB] = (const uint8_t *)pair->job;
    wire->lens[WIRE_PATCH_JOB] = PATCH_JOB_SIZE;
    wire->texts[WIRE_PATCH] = pair->patch.data;
    wire->lens[WIRE_PATCH] = pair->patch.len;
}

/* Slots that these fit in. */
static void make_room(struct otter_layout *layout)
{
    uint32_t more = 2 * (FAR_SLOT - FUZZ_SLOT_SIZE);
    layout->primary.size = layout->secondary.size = layout->image_size_max = FAR_SLOT;
    layout->image_size_max -= 0x200;
    layout->secondary.base = FAR_SLOT;
    layout->scratch.base += more;
    layout->journal.base += more;
}

static void set_up(struct device *on, struct fuzz_bytes *bytes)
{
    unsigned flags = fuzz_u16(bytes);
    unsigned geometry = fuzz_u8(bytes);
    size_t piece = fuzz_u8(bytes);
    uint32_t fail = fuzz_u8(bytes);
    memset(on, 0, sizeof *on);
    memset(&delta_room, 0, sizeof delta_room);
    on->flags = flags;
    bool is_far = (flags & DELTA) != 0 && (flags & FAR) != 0;
    fuzz_flash_init(&flash, geometry, is_far ? FUZZ_FLASH_MAX : 0x14000);
    on->layout = fuzz_layout(&flash);
    if (is_far) {
        make_room(&on->layout);
    }
    if ((flags & NO_JOURNAL) != 0 && flash.flash.prog_size <= 32) {
        on->layout.journal.size = 0;
        on->layout.trailers = &otter_trailers;
    } else {
        on->flags &= ~(unsigned)NO_JOURNAL;
    }
    wire_init(&on->wire, bytes->at, bytes->left);
    for (unsigned i = 0; i < IMAGES; i++) {
        on->wire.texts[i] = images[i];
        on->wire.lens[i] = sizes[i];
    }
    on->wire.texts[WIRE_JOB] = (const uint8_t *)job;
    on->wire.lens[WIRE_JOB] = sizeof job - 1;
    if ((flags & DELTA) != 0) {
        offer_pair(on, (flags & FAR) != 0 ? &far : &large);
    }
    fuzz_flash_put(&flash, 0, on->wire.texts[0], on->wire.lens[0]);
    on->wire.piece = piece == 0 ? SIZE_MAX : piece;
    on->config = (struct otter_agent_config){
        .keys = fuzz_keys, .keys_count = 1, .tls = &on->wire.transport, .plain = &on->wire.transport,
        .patcher = (flags & DELTA) != 0 ? &otter_patcher : NULL, .delta = &delta_room, .host = "home.example", .board = "B", .device_id = "d\"1", .hosts_allowed = allowed,
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
    uint32_t limit = 400 * ((uint32_t)size + 50) + 40 * on->layout.primary.size;
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
        REQUIRE(quiet < QUIET_MAX + on->layout.primary.size / 512); /* hashing is quiet, too */
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
