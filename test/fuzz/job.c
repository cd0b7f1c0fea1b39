/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.c - job documents: what is taken keeps to this device, its servers and TLS; and what is JSON
 * here is JSON for a strict reader on the host, with the same members and values, and the other way
 * round.
 *
 * Input: flags, then the document. Flag 32: only signed jobs are taken; with 64 the first line is made
 * the header of one, and the rest is signed; 128: the device has a ring, a name and a hardware revision, and takes patches.
 */
#include "fuzz.h"

#include "agent/job.h"
#include "agent/jws.h"
#include "agent/url.h"
#include "json_beside.h"
#include "tool/jws.h"

enum { PLAIN = 1, BOTH = 2, SERIAL = 4, CLOCK = 8, SMALL = 16, SIGNED = 32, WRAP = 64, PLACED = 128 };

static const struct otter_transport transport;
static const char *const allowed[] = {"cdn.example", "::1"};

/* What runs: an image of which only the header and a hash of sixteen-fold 17 are there. */
static uint8_t primary[128] = {0x3d, 0xb8, 0xf3, 0x96, [8] = 32, [12] = 4, [20] = 1, [36] = 0x07, 0x69, 40, 0, 0x10, 0, 32, 0};
static struct otter_delta delta;

static int read_primary(void *ctx, uint32_t off, void *buf, size_t len)
{
    (void)ctx;
    memcpy(buf, primary + off, len);
    return 0;
}
static const struct otter_flash flash = {.read = read_primary, .size = sizeof primary, .sector_size = 32, .prog_size = 1};
static const struct otter_layout layout = {.primary = {&flash, 0, sizeof primary}};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct otter_image image;
    struct otter_view view = otter_view_of(&layout.primary);
    (void)argc;
    (void)argv;
    memset(primary + 44, 0x11, OTTER_HASH_SIZE);
    REQUIRE(otter_image_parse(&view, &image) == OTTER_OK);
    return 0;
}

static bool now(void *ctx, int64_t *ret_unix)
{
    (void)ctx;
    *ret_unix = 1700000000;
    return true;
}

static void check_job(const struct otter_agent_config *config, const struct otter_job *job)
{
    REQUIRE(otter_url_path_ok(job->path) && strlen(job->path) < sizeof job->path);
    REQUIRE(strlen(job->report_path) < sizeof job->report_path);
    REQUIRE(job->report_path[0] == '\0' || otter_url_path_ok(job->report_path));
    if (job->verdict != OTTER_OUTCOME_NONE) {
        REQUIRE(job->verdict == OTTER_OUTCOME_NOT_FOR_US || job->verdict == OTTER_OUTCOME_EXPIRED ||
                job->verdict == OTTER_OUTCOME_FORBIDDEN);
        return;
    }
    const struct otter_place *place = &job->place;
    REQUIRE(place->host == config->host || place->host == allowed[0] || place->host == allowed[1]);
    REQUIRE(place->tls || config->use_plain);
    REQUIRE((place->tls ? config->tls : config->plain) != NULL && place->port != 0);
}

/* ---- signed documents: ours beside the tool's ---- */

/* A signature that ends with the letter A is good. */
static int say_verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE], const uint8_t *sig, size_t sig_len)
{
    (void)key;
    (void)hash;
    REQUIRE(sig_len >= 8 && sig_len <= 72 && sig[0] == 0x30 && sig[1] == sig_len - 2);
    return sig[sig_len - 1] == 'A' ? OTTER_OK : OTTER_ERR_AUTH;
}
static const struct otter_key job_keys[] = {{OTTER_SIG_ECDSA_P256, say_verify, (const uint8_t *)"", 0}};

static size_t encode(const uint8_t *bytes, size_t len, uint8_t *to)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t at = 0;
    for (size_t bit = 0; bit < 8 * len; bit += 6) {
        unsigned two = (unsigned)bytes[bit / 8] << 8 | (bit / 8 + 1 < len ? bytes[bit / 8 + 1] : 0u);
        to[at++] = (uint8_t)digits[two >> (10 - bit % 8) & 63];
    }
    return at;
}

/* The first line as a header, the rest as what is signed; free() it. */
static uint8_t *wrap(struct fuzz_bytes bytes, size_t *ret_len)
{
    uint8_t signature[64] = {[63] = 'A'};
    const uint8_t *line_end = bytes.left > 0 ? memchr(bytes.at, '\n', bytes.left) : NULL;
    size_t header = line_end != NULL ? (size_t)(line_end - bytes.at) : bytes.left;
    size_t payload = line_end != NULL ? bytes.left - header - 1 : 0;
    uint8_t *text = malloc(2 * bytes.left + 128);
    REQUIRE(text != NULL);
    size_t len = encode(bytes.at, header, text);
    text[len++] = '.';
    len += encode(bytes.at + bytes.left - payload, payload, text + len);
    text[len++] = '.';
    *ret_len = len + encode(signature, sizeof signature, text + len);
    return text;
}

static void check_jws(const struct otter_agent_config *config, struct fuzz_bytes bytes)
{
    static uint32_t work[4096];
    char *text = fuzz_text(bytes.at, bytes.left);
    struct otter_jws jws = {job_keys, 1, text, bytes.left, work, sizeof work};
    struct tool_jws beside;
    struct otter_job job;
    struct otter_job plain;
    struct otter_agent_config unsigned_config = *config;
    const char *wrong = tool_jws_parse(bytes.at, bytes.left, &beside);
    bool opened = otter_jws_open(&jws) == OTTER_OK;
    REQUIRE(!opened || wrong == NULL || json_unfit(beside.header.data, beside.header.len));
    if (opened && wrong == NULL) {
        REQUIRE(jws.len == beside.payload.len);
        REQUIRE(jws.len == 0 || memcmp(jws.text, beside.payload.data, jws.len) == 0);
        char *again = fuzz_text(bytes.at, bytes.left);
        int err = otter_job_read(config, again, bytes.left, work, sizeof work, &job);
        free(again);
        unsigned_config.job_keys_count = 0;
        again = fuzz_text(beside.payload.data, beside.payload.len);
        int plain_err = otter_job_read(&unsigned_config, again, beside.payload.len, work, sizeof work, &plain);
        free(again);
        REQUIRE(err != OTTER_ERR_AUTH && (err != OTTER_OK || plain_err == OTTER_OK));
        REQUIRE(err != OTTER_OK || (job.sequence != 0 && job.expires != 0 && job.size != 0 && job.has_sha256));
    }
    tool_jws_free(&beside);
    free(text);
}

static void check_document(const struct otter_agent_config *config, struct fuzz_bytes bytes, size_t work_size)
{
    static uint32_t work[4096];
    struct otter_job job;
    struct otter_job again;
    work_size = work_size != 0 ? work_size : sizeof work;
    char *text = fuzz_text(bytes.at, bytes.left);
    int err = otter_job_read(config, text, bytes.left, work, work_size, &job);
    REQUIRE(err == OTTER_OK || err == OTTER_ERR_CORRUPT || err == OTTER_ERR_NOSPACE ||
            (err == OTTER_ERR_AUTH && config->job_keys_count != 0));
    REQUIRE(err != OTTER_OK || job.patch_size == 0 || (config->patcher != NULL && otter_url_path_ok(job.patch_path)));
    free(text);
    if (err == OTTER_OK) {
        check_job(config, &job);
        text = fuzz_text(bytes.at, bytes.left);
        REQUIRE(otter_job_read(config, text, bytes.left, work, sizeof work, &again) == OTTER_OK);
        REQUIRE(strcmp(job.path, again.path) == 0 && job.verdict == again.verdict && job.turn == again.turn);
        free(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    unsigned flags = fuzz_u8(&bytes);
    struct otter_state state = {.phase = OTTER_PHASE_IDLE, .layout = &layout};
    struct otter_agent_config config = {.host = "home.example", .board = "B", .hosts_allowed = allowed,
                                        .hosts_allowed_count = 2, .use_plain = (flags & PLAIN) != 0,
                                        .serial = (flags & SERIAL) != 0 ? "S1" : NULL, .state = &state};
    config.tls = (flags & BOTH) != 0 || !config.use_plain ? &transport : NULL;
    config.plain = (flags & BOTH) != 0 || config.use_plain ? &transport : NULL;
    config.hooks.now = (flags & CLOCK) != 0 ? now : NULL;
    config.job_keys = job_keys;
    config.job_keys_count = (flags & SIGNED) != 0 ? 1 : 0;
    config.ring = (flags & PLACED) != 0 ? "early" : NULL;
    config.device_id = (flags & PLACED) != 0 ? "device-7" : NULL;
    config.hardware_revision = (flags & PLACED) != 0 ? 3 : 0;
    config.patcher = (flags & PLACED) != 0 ? &otter_patcher : NULL; /* the seeds without it stay what they were */
    config.delta = &delta;
    REQUIRE(json_beside(bytes.at, bytes.left) == NULL);
    uint8_t *wrapped = NULL;
    if ((flags & (SIGNED | WRAP)) == (SIGNED | WRAP)) {
        wrapped = wrap(bytes, &bytes.left);
        bytes.at = wrapped;
    }
    if ((flags & SIGNED) != 0) {
        check_jws(&config, bytes);
    }
    check_document(&config, bytes, (flags & SMALL) != 0 ? 4u * (1 + size % 64) : 0);
    free(wrapped);
    return 0;
}
