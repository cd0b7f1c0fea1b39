/* SPDX-License-Identifier: Apache-2.0 */
/* test_jws.c - the serialisation of signed jobs (RFC 7515): its header, its bytes, its signature. */
#include "signed_rig.h"

static void test_other_members_of_the_header_do_not_matter(void **test)
{
    (void)test;
    with.version = "1.0.0";
    assert_int_equal(check_header("{\"typ\":\"JOSE\",\"kid\":\"k\",\"alg\":\"ES256\",\"x\":{\"crit\":[1],\"alg\":\"none\"}}"),
                     OTTER_OUTCOME_CURRENT);
    job_sign(&job_key, ES256, payload(), rig->job);
    strcat(rig->job, "\n");
    assert_int_equal(check(), OTTER_OUTCOME_CURRENT);
    strcat(rig->job, "\n"); /* one newline, not two */
    assert_int_equal(check(), OTTER_OUTCOME_UNSIGNED);
}

/* Half of all halves need a zero in front of them in DER, one in 256 has one too many. */
static void test_every_signature_is_understood(void **test)
{
    (void)test;
    char text[2048];
    for (int i = 0; i < 300; i++) {
        job_sign(&job_key, ES256, payload(), text);
        assert_int_equal(read_text(text, strlen(text)), OTTER_OK);
    }
}

static void test_no_other_algorithm_is_taken(void **test)
{
    (void)test;
    static const char *const headers[] = {
        "{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"\"}", "{\"alg\":\"HS256\"}", "{\"alg\":\"ES384\"}",
        "{\"alg\":\"RS256\"}", "{\"alg\":\"PS256\"}", "{\"alg\":\"EdDSA\"}", "{\"alg\":\"es256\"}", "{\"alg\":\"ES256 \"}",
        "{\"alg\":null}", "{\"alg\":256}", "{\"alg\":[\"ES256\"]}", "{\"alg\":{\"alg\":\"ES256\"}}", "{\"Alg\":\"ES256\"}",
        "{}", "{\"typ\":\"JWT\"}", "{\"alg\":\"ES256\",\"alg\":\"ES256\"}", "{\"alg\":\"none\",\"ALG\":\"ES256\"}",
        "[\"ES256\"]", "ES256", "", " ", "{\"alg\":\"ES256\"", "{\"alg\":\"ES256\"}x"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (check_header(headers[i]) != OTTER_OUTCOME_UNSIGNED) {
            fail_msg("taken: %s", headers[i]);
        }
    }
    assert_int_equal(rig->image_requests, 0);
}

/* "none" as RFC 7518, section 3.6 writes it: with an empty signature. HMAC under a public key. */
static void test_what_needs_no_key_is_refused(void **test)
{
    (void)test;
    static const char *const headers[] = {"{\"alg\":\"none\"}", ES256};
    for (size_t i = 0; i < 2; i++) {
        job_sign(&job_key, headers[i], payload(), rig->job);
        char *signature = strrchr(rig->job, '.') + 1;
        *signature = '\0';
        assert_int_equal(check(), OTTER_OUTCOME_UNSIGNED);
        signature[-1] = '\0';
        assert_int_equal(check(), OTTER_OUTCOME_UNSIGNED);
    }
    const uint8_t zero[64] = {0};
    job_sign(&job_key, ES256, payload(), rig->job);
    strrchr(rig->job, '.')[1] = '\0';
    job_encode(rig->job, zero, sizeof zero);
    assert_int_equal(check(), OTTER_OUTCOME_UNSIGNED);
}

static void test_a_critical_header_is_refused(void **test)
{
    (void)test;
    assert_int_equal(check_header("{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}"), OTTER_OUTCOME_UNSIGNED);
    assert_int_equal(check_header("{\"crit\":[\"exp\"],\"alg\":\"ES256\"}"), OTTER_OUTCOME_UNSIGNED);
    assert_int_equal(check_header("{\"alg\":\"ES256\",\"crit\":[]}"), OTTER_OUTCOME_UNSIGNED);
    assert_int_equal(check_header("{\"alg\":\"ES256\",\"crit\":null}"), OTTER_OUTCOME_UNSIGNED);
}

/* ---- bytes that changed on the way ---- */

static void test_no_bit_may_change(void **test)
{
    (void)test;
    static char text[2048];
    job_sign(&job_key, ES256, payload(), text);
    size_t len = strlen(text);
    const size_t signature = (size_t)(strrchr(text, '.') - text);
    assert_int_equal(read_text(text, len), OTTER_OK);
    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            if (i < signature && bit != i % 7) { /* behind it all of them */
                continue;
            }
            text[i] = (char)(text[i] ^ 1 << bit);
            assert_int_equal(read_text(text, len), OTTER_ERR_AUTH);
            text[i] = (char)(text[i] ^ 1 << bit);
        }
    }
}

static void test_a_cut_anywhere_is_refused(void **test)
{
    (void)test;
    static char text[2048];
    job_sign(&job_key, ES256, payload(), text);
    size_t len = strlen(text);
    for (size_t cut = 0; cut < len; cut++) {
        assert_int_equal(read_text(text, cut), OTTER_ERR_AUTH);
        assert_int_equal(read_text(text + cut + 1, len - cut - 1), OTTER_ERR_AUTH);
    }
}

static void test_a_serialisation_has_three_parts(void **test)
{
    (void)test;
    static const char *const bad[] = {"", ".", "..", "...", "a.b", "a.b.c", ".b.c", "a..c", "e30.e30.", "\n", ".\n", "..\n"};
    static char text[2048];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_text(bad[i], strlen(bad[i])), OTTER_ERR_AUTH);
    }
    job_sign(&job_key, ES256, payload(), text);
    size_t len = strlen(text);
    static const char *const behind[] = {".", ".e30", "=", "==", " ", "\r\n", "A", "AA", "AAAA"};
    for (size_t i = 0; i < sizeof behind / sizeof behind[0]; i++) {
        strcpy(text + len, behind[i]);
        assert_int_equal(read_text(text, strlen(text)), OTTER_ERR_AUTH);
    }
}

/* Two documents, both genuine: nothing of one goes with anything of the other. */
static void test_parts_of_two_jobs_do_not_mix(void **test)
{
    (void)test;
    static char one[2048];
    static char two[2048];
    static char mixed[4096];
    job_sign(&job_key, ES256, payload(), one);
    with.sequence++;
    job_sign(&job_key, "{\"alg\":\"ES256\",\"kid\":\"2\"}", payload(), two);
    char *parts[2][3];
    char *texts[] = {one, two};
    for (size_t i = 0; i < 2; i++) {
        parts[i][0] = strtok(texts[i], ".");
        parts[i][1] = strtok(NULL, ".");
        parts[i][2] = strtok(NULL, ".");
    }
    for (unsigned mix = 0; mix < 8; mix++) {
        snprintf(mixed, sizeof mixed, "%s.%s.%s", parts[mix & 1][0], parts[mix >> 1 & 1][1], parts[mix >> 2][2]);
        assert_int_equal(read_text(mixed, strlen(mixed)), mix == 0 || mix == 7 ? OTTER_OK : OTTER_ERR_AUTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(other_members_of_the_header_do_not_matter),
        T(every_signature_is_understood),
        T(no_other_algorithm_is_taken),
        T(what_needs_no_key_is_refused),
        T(a_critical_header_is_refused),
        T(no_bit_may_change),
        T(a_cut_anywhere_is_refused),
        T(a_serialisation_has_three_parts),
        T(parts_of_two_jobs_do_not_mix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
