/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.c - the factory settings of an emulated board from any bytes, and the example
 * application's configuration from them. Behind the memory that holds them there is nothing: a read
 * beyond it ends the program.
 *
 * Input: flags, then the memory. Flag 1: head, length and CRC are made right first.
 */
#include "fuzz.h"

#include <sys/mman.h>

#include "app/ota-https/config.h"
#include "board/board.h"

#define OTP_ADDR 0x00300000u /* where board/qemu-mps2 looks for it */
#define OTP_SIZE 0x10000u

void settings_start(void);

static uint8_t *otp;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    otp = mmap((void *)(uintptr_t)OTP_ADDR, OTP_SIZE, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    REQUIRE(otp == (uint8_t *)(uintptr_t)OTP_ADDR);
    return 0;
}

static uint32_t crc32_of(const uint8_t *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;
    while (len-- > 0) {
        crc ^= *bytes++;
        for (unsigned i = 0; i < 8; i++) {
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}

static void put_le32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static unsigned complaints;
static void complain(const char *name, const char *value, const char *wanted)
{
    REQUIRE(name != NULL && (value == NULL || wanted != NULL));
    complaints++;
}

static void check_names(void)
{
    static const char *const names[] = {"key", "host", "allow-host", "ca", "tls", "range", "", "no-such"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value;
        size_t len = 0;
        for (size_t index = 0; (value = board_setting(names[i], index, &len)) != NULL; index++) {
            const uint8_t *at = (const uint8_t *)value;
            REQUIRE(index < OTP_SIZE / 4);
            REQUIRE(at > otp && at < otp + OTP_SIZE && len < (size_t)(otp + OTP_SIZE - at));
            REQUIRE(value[len] == '\0');
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    struct config config;
    unsigned flags = fuzz_u8(&bytes);
    size_t len = bytes.left < OTP_SIZE ? bytes.left : OTP_SIZE;
    static size_t dirty;
    memset(otp, 0xff, dirty + 16 < OTP_SIZE ? dirty + 16 : OTP_SIZE);
    memcpy(otp, bytes.at, len);
    dirty = len;
    if ((flags & 1) != 0 && len >= 16) {
        memcpy(otp, "OTTRSET1", 8);
        put_le32(otp + 8, (uint32_t)len - 16);
        put_le32(otp + 12, crc32_of(otp + 16, len - 16));
    }
    settings_start();
    check_names();
    complaints = 0;
    bool sound = config_read(&config, complain);
    REQUIRE(sound == (complaints == 0));
    if (sound) {
        REQUIRE(config.agent.host != NULL && config.agent.hosts_allowed_count <= CONFIG_HOSTS_MAX);
        REQUIRE(config.trial_ms > 0);
    }
    return 0;
}
