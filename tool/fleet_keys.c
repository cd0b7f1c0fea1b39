/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_keys.c - the devices' keys, signatures that are known to be good, the factory's image. */
#include <stdlib.h>
#include <string.h>

#include "board/host/script.h"
#include "otter/result.h"
#include "tool/emulate_firmware.h"
#include "tool/fleet_keys.h"
#include "tool/sign.h"

enum { KNOWN_MAX = 64, HEADER_SIZE = 0x400, LED_MS = 1000 };

struct genuine {
    const uint8_t *pubkey; /* NULL: none */
    size_t sig_len;
    uint8_t hash[OTTER_HASH_SIZE], sig[OTTER_SIG_SIZE_MAX];
};
static struct genuine known[KNOWN_MAX]; /* by the first byte of the hash; the newest stays */

static int verify_really(const struct otter_key *key, const uint8_t *hash, const uint8_t *sig, size_t sig_len)
{
    switch (key->type) {
    case OTTER_SIG_ECDSA_P256:
        return otter_ecdsa_p256_verify(key, hash, sig, sig_len);
    case OTTER_SIG_ED25519:
        return otter_ed25519_verify(key, hash, sig, sig_len);
    case OTTER_SIG_RSA2048_PSS:
    case OTTER_SIG_RSA3072_PSS:
        return otter_rsa_pss_verify(key, hash, sig, sig_len);
    }
    return OTTER_ERR_AUTH;
}

static int verify(const struct otter_key *key, const uint8_t hash[OTTER_HASH_SIZE], const uint8_t *sig, size_t sig_len)
{
    struct genuine *one = &known[hash[0] % KNOWN_MAX];
    if (one->pubkey == key->pubkey && one->sig_len == sig_len && memcmp(one->hash, hash, sizeof one->hash) == 0 &&
        memcmp(one->sig, sig, sig_len) == 0) {
        return OTTER_OK;
    }
    int err = verify_really(key, hash, sig, sig_len);
    if (err == OTTER_OK && sig_len <= sizeof one->sig) {
        one->pubkey = key->pubkey;
        one->sig_len = sig_len;
        memcpy(one->hash, hash, sizeof one->hash);
        memcpy(one->sig, sig, sig_len);
    }
    return err;
}

static void add(struct fleet_keys *keys)
{
    struct otter_key *key = &keys->keys[keys->count];
    *key = keys->read[keys->count].verify;
    key->verify = verify;
    keys->count++;
}

static int read_one(struct fleet_keys *keys, const char *option, const char *path)
{
    if (keys->count == FLEET_KEYS_MAX - 1) {
        return tool_usage("--%s: at most %u keys", option, FLEET_KEYS_MAX - 1);
    }
    int rc = tool_key_read(path, false, &keys->read[keys->count]);
    if (rc == 0) {
        add(keys);
    }
    return rc;
}

int fleet_keys_read(struct fleet_keys *keys, const char *option, const char **paths)
{
    int rc = 0;
    for (; rc == 0 && paths && *paths; paths++) {
        rc = read_one(keys, option, *paths);
    }
    return rc;
}

static int read_test_key(struct fleet_keys *keys)
{
    char *path = emulate_firmware_test_key();
    if (!path) {
        return tool_usage("--key is needed: who signs the images");
    }
    int rc = read_one(keys, "key", path);
    free(path);
    return rc;
}

int fleet_keys_images(struct fleet_keys *keys, const char **paths)
{
    int rc = paths ? fleet_keys_read(keys, "key", paths) : read_test_key(keys);
    if (rc == 0) {
        rc = tool_key_make("ecdsa-p256", &keys->read[keys->count]);
    }
    if (rc == 0) {
        add(keys);
    }
    return rc;
}

void fleet_keys_free(struct fleet_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        tool_key_free(&keys->read[i]);
    }
    keys->count = 0;
    memset(known, 0, sizeof known);
}

int fleet_keys_image(const struct fleet_keys *keys, const struct otter_version *version, size_t size,
                     struct tool_bytes *ret_image)
{
    struct host_script script = {.version = *version, .led_ms = LED_MS, .behave = HOST_BEHAVE_HEALTHY};
    struct tool_sign sign = {
        .key = &keys->read[keys->count - 1],
        .version = *version,
        .header_size = HEADER_SIZE,
        .pad_header = true,
        .erased = 0xff,
    };
    struct tool_bytes payload = {malloc(size), size};
    if (!payload.data) {
        return tool_refuse("out of memory");
    }
    host_script_write(&script, version->build + version->revision, payload.data, size);
    int rc = tool_sign_image(&sign, &payload, ret_image);
    tool_bytes_free(&payload);
    return rc;
}
