/* SPDX-License-Identifier: Apache-2.0 */
/* test_emulate_otp.c - factory settings, read back by a reader that shares nothing with the writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tool/emulate_otp.h"

static uint32_t word(const uint8_t *at, unsigned bytes)
{
    uint32_t value = 0;
    while (bytes-- > 0) {
        value = value * 256 + at[bytes];
    }
    return value;
}

/* By polynomial division, the slow and obvious way: most significant bit first, bits mirrored. */
static uint32_t mirror(uint32_t value, unsigned bits)
{
    uint32_t result = 0;
    for (unsigned i = 0; i < bits; i++) {
        result |= (value >> i & 1u) << (bits - 1 - i);
    }
    return result;
}

static uint32_t crc(const uint8_t *data, size_t len)
{
    uint32_t rest = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        rest ^= mirror(data[i], 8) << 24;
        for (int bit = 0; bit < 8; bit++) {
            rest = rest & 0x80000000u ? rest << 1 ^ 0x04c11db7u : rest << 1;
        }
    }
    return ~mirror(rest, 32);
}

/* The index-th value of a name; NULL: none. Walks the whole blob and checks its form. */
static const uint8_t *find(const struct emulate_otp *otp, const char *name, unsigned index, size_t *ret_len)
{
    const uint8_t *data = otp->bytes.data;
    const uint8_t *found = NULL;
    size_t end = 16 + word(data + 8, 4);
    assert_int_equal(end, otp->bytes.len);
    for (size_t at = 16; at < end;) {
        size_t name_len = word(data + at, 2);
        size_t value_len = word(data + at + 2, 2);
        const uint8_t *key = data + at + 4;
        const uint8_t *value = key + name_len + 1;
        assert_int_equal(key[name_len], 0);
        assert_int_equal(value[value_len], 0);
        if (strcmp((const char *)key, name) == 0 && index-- == 0) {
            found = value;
            *ret_len = value_len;
        }
        at += 4 + name_len + 1 + value_len + 1;
        for (; at % 4 != 0; at++) {
            assert_int_equal(data[at], 0);
        }
    }
    return found;
}

static void assert_text(const struct emulate_otp *otp, const char *name, unsigned index, const char *text)
{
    size_t len = 0;
    const uint8_t *value = find(otp, name, index, &len);
    assert_non_null(value);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(value, text, len);
}

static void test_what_is_written_is_read_back(void **state)
{
    struct emulate_otp otp = {.failed = false};
    const uint8_t binary[] = {0, 1, 2, 0, 255, 0};
    size_t len = 0;
    (void)state;
    emulate_otp_text(&otp, "host", "192.0.2.2");
    emulate_otp_number(&otp, "port", 4443);
    emulate_otp_text(&otp, "allow-host", "a");
    emulate_otp_text(&otp, "product", NULL);
    emulate_otp_text(&otp, "serial", "");
    emulate_otp_text(&otp, "allow-host", "bcd.example");
    emulate_otp_add(&otp, "key", binary, sizeof binary);
    assert_int_equal(emulate_otp_finish(&otp, 65536), 0);
    assert_memory_equal(otp.bytes.data, "OTTRSET1", 8);
    assert_int_equal(word(otp.bytes.data + 12, 4), crc(otp.bytes.data + 16, otp.bytes.len - 16));
    assert_text(&otp, "host", 0, "192.0.2.2");
    assert_text(&otp, "port", 0, "4443");
    assert_text(&otp, "allow-host", 0, "a");
    assert_text(&otp, "allow-host", 1, "bcd.example");
    assert_null(find(&otp, "allow-host", 2, &len));
    assert_null(find(&otp, "product", 0, &len));
    assert_null(find(&otp, "serial", 0, &len));
    const uint8_t *key = find(&otp, "key", 0, &len);
    assert_int_equal(len, sizeof binary);
    assert_memory_equal(key, binary, sizeof binary);
    tool_bytes_free(&otp.bytes);
}

static void test_the_checksum_is_that_of_zlib(void **state)
{
    (void)state;
    assert_int_equal(crc((const uint8_t *)"123456789", 9), 0xcbf43926u); /* the published check value */
}

static void test_no_settings_are_a_head_alone(void **state)
{
    struct emulate_otp otp = {.failed = false};
    (void)state;
    assert_int_equal(emulate_otp_finish(&otp, 65536), 0);
    assert_int_equal(otp.bytes.len, 16);
    assert_int_equal(word(otp.bytes.data + 8, 4), 0);
    assert_int_equal(word(otp.bytes.data + 12, 4), 0);
    tool_bytes_free(&otp.bytes);
}

static void test_too_much_is_refused(void **state)
{
    static uint8_t large[70000];
    struct emulate_otp otp = {.failed = false};
    (void)state;
    emulate_otp_add(&otp, "ca", large, 40000);
    assert_int_equal(emulate_otp_finish(&otp, 40008), TOOL_REFUSED);
    assert_int_equal(emulate_otp_finish(&otp, 40024), 0);
    emulate_otp_add(&otp, "cert", large, 65536); /* its length has 16 bits */
    assert_int_equal(emulate_otp_finish(&otp, 1000000), TOOL_REFUSED);
    tool_bytes_free(&otp.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read_back),
        cmocka_unit_test(test_the_checksum_is_that_of_zlib),
        cmocka_unit_test(test_no_settings_are_a_head_alone),
        cmocka_unit_test(test_too_much_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
