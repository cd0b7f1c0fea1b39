/* SPDX-License-Identifier: Apache-2.0 */
/* test_device_app.c - behaviour scripts: written, read, refused; versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "board/host/script.h"

static void test_what_is_written_is_read(void **state)
{
    static const enum host_behave all[] = {HOST_BEHAVE_HEALTHY, HOST_BEHAVE_SICK, HOST_BEHAVE_HANG,
                                           HOST_BEHAVE_SILENT};
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct host_script script = {
            .version = {1, 2, 65535, 4294967295u}, .led_ms = 60000, .behave = all[i]};
        struct host_script read;
        uint8_t payload[HOST_SCRIPT_SIZE];
        host_script_write(&script, 1, payload, sizeof payload);
        assert_int_equal(host_script_read(payload, sizeof payload, &read), 0);
        assert_int_equal(otter_version_compare(&read.version, &script.version), 0);
        assert_int_equal(read.led_ms, 60000);
        assert_int_equal(read.behave, all[i]);
    }
}

static void test_same_arguments_give_the_same_bytes_and_others_do_not(void **state)
{
    struct host_script script = {.version = {1, 0, 0, 0}, .led_ms = 1000};
    static uint8_t one[5003], two[5003];
    (void)state;
    host_script_write(&script, 7, one, sizeof one);
    host_script_write(&script, 7, two, sizeof two);
    assert_memory_equal(one, two, sizeof one);
    host_script_write(&script, 8, two, sizeof two);
    int differ = 0;
    for (size_t i = HOST_SCRIPT_SIZE; i < sizeof one; i++) {
        differ += one[i] != two[i];
    }
    assert_true(differ > 4000);
}

static void test_other_payloads_are_no_scripts(void **state)
{
    static const char *const texts[] = {
        "",
        "otter host application 2\nversion 1.0.0\nled 100 ms\nbehave hang\nend\n",
        "otter host application 1\nversion 1.0\nled 100 ms\nbehave hang\nend\n",
        "otter host application 1\nversion 1.0.0\nled 0 ms\nbehave hang\nend\n",
        "otter host application 1\nversion 1.0.0\nled 100 ms\nbehave well\nend\n",
        "otter host application 1\nversion 1.0.0\nled 100 ms\nbehave hang\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t payload[HOST_SCRIPT_SIZE] = {0};
        struct host_script script;
        memcpy(payload, texts[i], strlen(texts[i]));
        assert_true(host_script_read(payload, sizeof payload, &script) < 0);
    }
}

static void test_versions_are_read_strictly(void **state)
{
    static const char *const bad[] = {"",        "1",       "1.2",      "1.2.",      "1.2.3.",  "1.2.3+", "256.0.0",
                                      "1.256.0", "1.2.65536", "1.2.3+4294967296", "1.2.3 ", "v1.2.3", "-1.0.0"};
    struct otter_version version;
    char text[HOST_VERSION_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_true(host_version_parse(bad[i], &version) < 0);
    }
    assert_int_equal(host_version_parse("1.2.3+4", &version), 0);
    host_version_print(&version, text);
    assert_string_equal(text, "1.2.3+4");
    assert_int_equal(host_version_parse("255.255.65535", &version), 0);
    host_version_print(&version, text);
    assert_string_equal(text, "255.255.65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_same_arguments_give_the_same_bytes_and_others_do_not),
        cmocka_unit_test(test_other_payloads_are_no_scripts),
        cmocka_unit_test(test_versions_are_read_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
