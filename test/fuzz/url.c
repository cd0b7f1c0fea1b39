/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.c - a Location applied to where a request went: the place stays one of the configuration's,
 * never leaves TLS, and what comes out belongs on a request line. Then once more on the result.
 *
 * Input: flags, the path so far, NUL, the Location.
 */
#include "fuzz.h"

#include "agent/url.h"

static const char *const allowed[] = {"cdn.example", "::1", "192.0.2.7"};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

static void follow(const struct otter_agent_config *config, const char *location,
                   struct otter_place *place, char *path)
{
    struct otter_place before = *place;
    char *old = fuzz_text((const uint8_t *)path, strlen(path));
    int err = otter_url_follow(config, location, place, path);
    REQUIRE(err == OTTER_OK || err == OTTER_ERR_CORRUPT || err == OTTER_ERR_REFUSED ||
            err == OTTER_ERR_NOSPACE);
    if (err < 0) {
        REQUIRE(strcmp(path, old) == 0 && memcmp(&before, place, sizeof before) == 0);
    } else {
        bool known = place->host == config->host;
        for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
            known = known || place->host == allowed[i];
        }
        REQUIRE(known && place->port != 0 && (place->tls || !before.tls));
        REQUIRE(otter_url_path_ok(path) && strlen(path) < OTTER_PATH_SIZE);
    }
    free(old);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    unsigned flags = fuzz_u8(&bytes);
    struct otter_agent_config config = {.host = "home.example", .hosts_allowed = allowed,
                                        .hosts_allowed_count = 3, .use_plain = (flags & 1) != 0,
                                        .port = (flags & 2) != 0 ? 8443 : 0};
    struct otter_place place = otter_url_home(&config);
    char *text = fuzz_text(bytes.at, bytes.left);
    size_t len = strlen(text);
    char *path = malloc(OTTER_PATH_SIZE); /* on the heap, so that a byte too far is seen */
    REQUIRE(path != NULL);
    (void)snprintf(path, OTTER_PATH_SIZE, "%s", text);
    if (!otter_url_path_ok(path)) {
        (void)snprintf(path, OTTER_PATH_SIZE, "/folder/file?query");
    }
    char *location = fuzz_text((const uint8_t *)text + (len < bytes.left ? len + 1 : len),
                               len < bytes.left ? bytes.left - len - 1 : 0);
    follow(&config, location, &place, path);
    follow(&config, location, &place, path);
    free(location);
    free(path);
    free(text);
    return 0;
}
