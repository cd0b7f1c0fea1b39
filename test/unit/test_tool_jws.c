/* SPDX-License-Identifier: Apache-2.0 */
/* test_tool_jws.c - signed documents of the host tool: the example of RFC 7515, our own, and everything that is not one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/jws.h"

#define KEY OTTER_SOURCE_DIR "/test/keys/not-secret-ecdsa-p256.pem"
#define OTHER OTTER_SOURCE_DIR "/test/keys/not-secret-ecdsa-p256-other.pem"

/* RFC 7515, appendix A.3, and its key as PEM */
static const char rfc[] = "eyJhbGciOiJFUzI1NiJ9"
                          ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
                          ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
static const char rfc_key[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                              "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                              "-----END PUBLIC KEY-----\n";

static struct tool_key key_of(const char *path, bool need_private)
{
    struct tool_key key;
    assert_int_equal(tool_job_key_read(path, need_private, &key), 0);
    return key;
}

static bool accepted(const char *text, size_t len, const struct tool_key *key)
{
    struct tool_jws jws;
    bool good = !tool_jws_parse(text, len, &jws) && tool_jws_verify(&jws, key);
    tool_jws_free(&jws);
    return good;
}

static void test_the_rfc_s_example(void **state)
{
    (void)state;
    char path[] = "/tmp/otter-jws-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    assert_true(fputs(rfc_key, file) >= 0 && fclose(file) == 0);
    struct tool_key key = key_of(path, false);
    struct tool_key other = key_of(KEY, false);
    struct tool_jws jws;
    assert_true(tool_jws_is(rfc, strlen(rfc)));
    assert_null(tool_jws_parse(rfc, strlen(rfc), &jws));
    assert_string_equal((char *)jws.header.data, "{\"alg\":\"ES256\"}");
    assert_string_equal((char *)jws.payload.data, "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
                                                  "\"http://example.com/is_root\":true}");
    assert_true(tool_jws_verify(&jws, &key));
    assert_false(tool_jws_verify(&jws, &other));
    tool_jws_free(&jws);
    tool_key_free(&other);
    tool_key_free(&key);
    (void)remove(path);
}

static void test_what_is_signed_verifies_and_no_changed_letter_does(void **state)
{
    (void)state;
    struct tool_key key = key_of(KEY, true);
    struct tool_key other = key_of(OTHER, true);
    char payload[70];
    memset(payload, 'x', sizeof payload);
    for (size_t len = 0; len < sizeof payload; len++) { /* every length of a last group */
        char *text = NULL;
        assert_int_equal(tool_jws_sign(&key, payload, len, &text), 0);
        assert_true(accepted(text, strlen(text), &key));
        assert_true(accepted(text, strlen(text) - 1, &key)); /* without the newline */
        assert_false(accepted(text, strlen(text), &other));
        free(text);
    }
    char *text = NULL;
    assert_int_equal(tool_jws_sign(&key, "{\"a\":1}", 7, &text), 0);
    for (size_t i = 0; text[i + 1]; i++) {
        char was = text[i];
        text[i] = was == 'A' ? 'B' : 'A';
        if (accepted(text, strlen(text), &key)) {
            fail_msg("letter %zu changed, and it verifies", i);
        }
        text[i] = was;
    }
    free(text);
    tool_key_free(&other);
    tool_key_free(&key);
}

static void test_what_is_none(void **state)
{
    (void)state;
#define SIG "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    static const char *const wrong[] = {
        "", ".", "..", "a.b", "eyJhbGciOiJFUzI1NiJ9.e30", "eyJhbGciOiJFUzI1NiJ9.e30." SIG ".e30",
        "eyJhbGciOiJFUzI1NiJ9.e30.", "eyJhbGciOiJFUzI1NiJ9.e30." SIG "AA", "eyJhbGciOiJFUzI1NiJ9.e30=." SIG,
        "eyJhbGciOiJFUzI1NiJ9.e31." SIG,       /* stray bits behind the last byte */
        "eyJhbGciOiJFUzI1NiJ9.e30a0." SIG,     /* no such length */
        "eyJhbGciOiJFUzI1NiJ9.e3+/." SIG,      /* plain base64 */
        "eyJhbGciOiJFUzI1NiJ9.e30." SIG "\n\n", "eyJhbGciOiJFUzI1NiJ9.e30." SIG "\r\n", " eyJhbGciOiJFUzI1NiJ9.e30." SIG,
        "e30.e30." SIG,                        /* {} */
        "eyJhbGciOiJub25lIn0.e30." SIG,        /* none */
        "eyJhbGciOiJIUzI1NiJ9.e30." SIG,       /* HS256 */
        "eyJhbGciOiJlczI1NiJ9.e30." SIG,       /* es256 */
        "eyJhbGciOjF9.e30." SIG,               /* 1 */
        "eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiYSJdfQ.e30." SIG, "eyJhbGciOiJFUzI1NiIsImFsZyI6Im5vbmUifQ.e30." SIG,
        "W10.e30." SIG, "bm90IGpzb24.e30." SIG};
    struct tool_jws jws;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (!tool_jws_parse(wrong[i], strlen(wrong[i]), &jws)) {
            fail_msg("'%s' is taken as a signed document", wrong[i]);
        }
        tool_jws_free(&jws);
    }
    assert_false(tool_jws_is("{}", 2));
    assert_false(tool_jws_is("a.b", 3));
    assert_false(tool_jws_is("..", 2));
    assert_false(tool_jws_is("", 0));
}

static void test_signatures_of_zero(void **state)
{
    (void)state;
    struct tool_key key = key_of(KEY, false);
    char text[200];
    char zeros[87];
    memset(zeros, 'A', sizeof zeros - 1);
    zeros[sizeof zeros - 1] = 0;
    snprintf(text, sizeof text, "eyJhbGciOiJFUzI1NiJ9.e30.%s", zeros);
    struct tool_jws jws;
    assert_null(tool_jws_parse(text, strlen(text), &jws));
    assert_false(tool_jws_verify(&jws, &key));
    tool_jws_free(&jws);
    tool_key_free(&key);
}

static void test_keys_of_other_types(void **state)
{
    (void)state;
    struct tool_key key;
    assert_int_equal(tool_job_key_read(OTTER_SOURCE_DIR "/test/keys/not-secret-ed25519.pem", true, &key), TOOL_REFUSED);
    assert_int_equal(tool_job_key_read(OTTER_SOURCE_DIR "/test/keys/not-secret-rsa-2048.pem", true, &key), TOOL_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rfc_s_example), cmocka_unit_test(test_what_is_signed_verifies_and_no_changed_letter_does),
        cmocka_unit_test(test_what_is_none), cmocka_unit_test(test_signatures_of_zero), cmocka_unit_test(test_keys_of_other_types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
