/* SPDX-License-Identifier: Apache-2.0 */
/* test_known_key.c - keys that everybody has are recognised, and a release refuses them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tool/key.h"

static const char *const files[] = {
    "not-secret-ecdsa-p256.pem", "not-secret-ecdsa-p256-other.pem", "not-secret-ed25519.pem",
    "not-secret-rsa-2048.pem",   "not-secret-rsa-3072.pem",
};

static void test_every_test_key_is_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        struct tool_key key;
        (void)snprintf(path, sizeof path, OTTER_SOURCE_DIR "/test/keys/%s", files[i]);
        assert_int_equal(tool_key_read(path, false, &key), 0);
        const char *origin = tool_key_known_origin(&key);
        assert_non_null(origin);
        assert_non_null(strstr(origin, files[i]));
        tool_key_free(&key);
    }
}

static void test_a_new_key_is_not_known(void **state)
{
    (void)state;
    struct tool_key key;
    assert_int_equal(tool_key_make("ecdsa-p256", &key), 0);
    assert_null(tool_key_known_origin(&key));
    tool_key_free(&key);
}

/* Compile what `otter pubkey --format c` writes; 0 when the compiler takes it. */
static int compile(const char *key, const char *define)
{
    char command[1024];
    (void)snprintf(command, sizeof command,
                   "\"$OTTER\" pubkey --format c --key \"%s\" | cc -std=c11 -fsyntax-only %s -x c - "
                   "2>/dev/null", key, define);
    return system(command);
}

static void test_a_release_build_refuses_a_test_key(void **state)
{
    (void)state;
    const char *key = OTTER_SOURCE_DIR "/test/keys/not-secret-ecdsa-p256.pem";
    assert_int_not_equal(compile(key, ""), 0);
    assert_int_equal(compile(key, "-DOTTER_ALLOW_PUBLIC_TEST_KEY"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_test_key_is_known),
        cmocka_unit_test(test_a_new_key_is_not_known),
        cmocka_unit_test(test_a_release_build_refuses_a_test_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
