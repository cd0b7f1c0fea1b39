/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device.c - the folder of a host board: device.json of any bytes, beside a flash map and a key
 * that are right. What is opened has its limits.
 *
 * Input: device.json.
 */
#include "fuzz.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tool/device_folder.h"
#include "tool/lines.h"

static char folder[] = "/tmp/otter-fuzz-XXXXXX";
static const char *const names[] = {DEVICE_FILE, DEVICE_KEY, "ca.crt", ""};

static void put_file(const char *name, const void *data, size_t len)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    REQUIRE(file != NULL && fwrite(data, 1, len, file) == len && fclose(file) == 0);
}

static void clean(void)
{
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)remove(path);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct tool_bytes key;
    (void)argc;
    (void)argv;
    REQUIRE(mkdtemp(folder) != NULL && atexit(clean) == 0);
    REQUIRE(tool_read_file(OTTER_SOURCE_DIR "/test/keys/not-secret-ecdsa-p256.pem", 4096, &key) == 0);
    put_file(DEVICE_KEY, key.data, key.len);
    tool_bytes_free(&key);
    put_file("ca.crt", "ca", 2);
    fuzz_quiet();
    return 0;
}

/* The names of files are the folder's own: a harness opens no others. */
static bool names_others(const uint8_t *data, size_t size)
{
    return memmem(data, size, "..", 2) != NULL || memmem(data, size, "/", 1) != NULL ||
           memmem(data, size, "\\u", 2) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct device_folder opened;
    if (size > 8192 || names_others(data, size)) {
        return 0;
    }
    put_file(DEVICE_FILE, data, size);
    int rc = device_folder_open(&opened, folder);
    REQUIRE(rc == 0 || rc == TOOL_REFUSED);
    if (rc == 0) {
        const struct host_config *config = &opened.device.config;
        REQUIRE(config->host != NULL && config->port != 0 && config->trial_boots >= 1);
        REQUIRE(config->hosts_count <= HOST_HOSTS_MAX && opened.watchdog_ms > 0);
        REQUIRE(opened.device.layout.primary.size > 0);
    }
    device_folder_close(&opened);
    return 0;
}
