/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.c - a key file from anywhere (PEM, private or public), as `otter sign`, `publish` and `serve`
 * read it: refused in one line, or a key that can be used.
 *
 * Input: flags, then the file. Flag 1: a private key is needed; 2: as a job key.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tool/jws.h"
#include "tool/key.h"

static char path[64];
static int fd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    fd = memfd_create("key.pem", 0);
    REQUIRE(fd >= 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return 0;
}

/* Its private half may be damaged all the same: then signing is what is refused. */
static void check_key(const struct tool_key *key, bool need_private, const char *line)
{
    static const uint8_t hash[OTTER_HASH_SIZE] = "thirty-two bytes to be signed...";
    uint8_t sig[OTTER_SIG_SIZE_MAX];
    size_t len = 0;
    REQUIRE(key->pkey && key->name && key->der.len > 0 && key->verify.verify);
    REQUIRE(key->is_private || !need_private);
    if (key->is_private) {
        int rc = tool_key_sign(key, hash, sig, &len);
        REQUIRE((rc == 0) == (line[0] == 0) && (rc != 0 || (len > 0 && len <= sizeof sig)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tool_key key;
    char line[512] = "";
    if (size < 1 || size > 8192) {
        return 0;
    }
    bool need_private = (data[0] & 1) != 0;
    REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, data + 1, size - 1, 0) == (ssize_t)(size - 1));
    struct tool_catch before = tool_catch_begin(line, sizeof line);
    int rc = (data[0] & 2) != 0 ? tool_job_key_read(path, need_private, &key) : tool_key_read(path, need_private, &key);
    REQUIRE((rc == 0) == (line[0] == 0));
    if (rc == 0) {
        check_key(&key, need_private, line);
        tool_key_free(&key);
    }
    tool_catch_end(before);
    REQUIRE(strchr(line, '\n') == NULL);
    return 0;
}
