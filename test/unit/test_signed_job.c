/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_signed_job.c - attacks on signed jobs, against the whole agent: SECURITY.md has the table
 * of which attack is which test.
 */
#include "signed_rig.h"
#include "faulty.h"
#include "slot/journal.h"

/* ---- the good case ---- */

static void test_a_signed_job_is_followed(void **test)
{
    (void)test;
    assert_int_equal(check_signed(), OTTER_OUTCOME_INSTALLING);
    assert_memory_equal(rig->last_job_request, "GET /ota_update.jws ", 20);
    rig_assert_installed(rig);
    assert_int_equal(rig->state.job_sequence, 7);
    assert_true(rig_run(rig, OTTER_EVENT_REPORTED, OTTER_OUTCOME_INSTALLING, 1000));
    assert_non_null(strstr(rig->report, ",\"sequence\":7}"));
}

static void test_an_unchanged_signed_job_costs_a_304(void **test)
{
    (void)test;
    with.version = "1.0.0";
    assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT);
    uint64_t ops = rig->board.power.ops;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
        assert_int_equal(rig->agent.http.head.status, 304);
    }
    assert_int_equal(rig->board.power.ops, ops);
    assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT); /* another validator, the same Sequence */
    assert_int_equal(rig->board.power.ops, ops);
}

static void test_one_of_several_keys_is_enough(void **test)
{
    (void)test;
    static struct otter_key keys[2];
    keys[0] = image_key.verify;
    keys[1] = job_key.verify;
    rig->config.job_keys = keys;
    rig->config.job_keys_count = 2;
    assert_int_equal(check_signed(), OTTER_OUTCOME_INSTALLING);
}

/* ---- arbitrary software ---- */

static void test_a_plain_job_is_refused(void **test)
{
    (void)test;
    snprintf(rig->job, sizeof rig->job, "%s", payload());
    assert_int_equal(check(), OTTER_OUTCOME_UNSIGNED);
    assert_int_equal(rig->agent.err, OTTER_ERR_AUTH);
    rig_offer(rig, next_version, 5000);
    assert_int_equal(check(), OTTER_OUTCOME_UNSIGNED);
    assert_int_equal(rig->image_requests, 0);
}

static void test_a_job_of_another_key_is_refused(void **test)
{
    (void)test;
    trusted = image_key.verify;
    assert_int_equal(check_signed(), OTTER_OUTCOME_UNSIGNED);
    assert_int_equal(rig->state.job_sequence, 0);
}

static void test_a_key_of_another_kind_signs_no_jobs(void **test)
{
    (void)test;
    trusted.type = OTTER_SIG_ED25519;
    assert_int_equal(check_signed(), OTTER_OUTCOME_UNSIGNED);
}

/* ---- mix and match ---- */

static void test_the_file_of_another_job_is_thrown_away(void **test)
{
    (void)test;
    job_sign(&job_key, ES256, payload(), rig->job);
    uint8_t *other = rig_make_image(next_version, 5000); /* genuine, of the same version and size */
    other[100] ^= 1;
    rig_sign_image(other, 5000);
    memcpy(rig->image, other, 5000);
    free(other);
    assert_int_equal(check(), OTTER_OUTCOME_BAD_IMAGE);
    assert_int_equal(rig->state.phase, OTTER_PHASE_IDLE);
}

/* ---- endless data ---- */

static size_t endless(struct rig *unused, const char *request, char *reply)
{
    (void)unused;
    if (strstr(request, ".jws ") == NULL) {
        return 0;
    }
    size_t at = rig_text(reply, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n");
    memset(reply + at, 'A', 0x100000);
    return at + 0x100000;
}

static void test_a_document_without_an_end_is_refused(void **test)
{
    (void)test;
    rig->answer = endless;
    assert_int_equal(check(), OTTER_OUTCOME_BAD_JOB);
    assert_int_equal(rig->agent.err, OTTER_ERR_NOSPACE);
    assert_true(rig->tls.delivered < 20000);
}

static void test_an_image_longer_than_its_job_says_is_refused(void **test)
{
    (void)test;
    job_sign(&job_key, ES256, payload(), rig->job);
    rig_offer(rig, next_version, 300000);
    job_sign(&job_key, ES256, payload(), rig->job);
    rig->image = realloc(rig->image, 400000);
    memset(rig->image + 300000, 0, 100000);
    rig->image_len = 400000;
    assert_int_equal(check(), OTTER_OUTCOME_BAD_IMAGE);
    rig->no_length = true;
    otter_agent_check_now(&rig->agent);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_BAD_IMAGE);
}

/* ---- rollback and replay ---- */

static void test_an_older_sequence_is_refused_for_ever(void **test)
{
    (void)test;
    with.version = "1.0.0";
    assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT);
    with.sequence = 6;
    assert_int_equal(check_signed(), OTTER_OUTCOME_REPLAYED);
    with.version = "1.1.0"; /* however tempting */
    with.sequence = 1;
    assert_int_equal(check_signed(), OTTER_OUTCOME_REPLAYED);
    rig_start(rig);
    assert_int_equal(rig->state.job_sequence, 7);
    assert_int_equal(check_signed(), OTTER_OUTCOME_REPLAYED);
    assert_int_equal(rig->image_requests, 0);
    with.sequence = 7; /* the same again is no replay */
    assert_int_equal(check_signed(), OTTER_OUTCOME_INSTALLING);
}

static void test_the_sequence_outlives_updates_and_compactions(void **test)
{
    (void)test;
    with.version = "1.0.0";
    for (unsigned i = 0; i < 300; i++) { /* the journal's half is full several times */
        with.sequence = 1000 + i;
        assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT);
        if (i % 50 == 0) {
            rig_start(rig);
            assert_int_equal(rig->state.job_sequence, 1000 + i);
        }
    }
    with.version = "1.1.0";
    with.sequence = 2000;
    assert_int_equal(check_signed(), OTTER_OUTCOME_INSTALLING);
    rig_start(rig);
    assert_int_equal(rig->state.job_sequence, 2000);
    rig->state.phase = OTTER_PHASE_TRIAL; /* as the bootloader leaves it */
    assert_int_equal(otter_state_write(&rig->state), 0);
    struct otter_image running = {.version = next_version};
    assert_int_equal(otter_state_confirm(&rig->state, &running), 0);
    rig_start(rig);
    assert_int_equal(rig->state.job_sequence, 2000);
    assert_int_equal(rig->state.job_issued, with.issued);
    assert_int_equal(rig->state.floor_version.minor, 1);
}

/* With trailers alone it is kept until the next reset, and no longer. */
static void test_without_a_journal_the_sequence_is_kept_in_memory(void **test)
{
    (void)test;
    teardown(NULL);
    struct sim_map map = rig_map();
    map.journal.size = 0;
    rig = rig_create(&map);
    rig->config.job_keys = &trusted;
    rig->config.job_keys_count = 1;
    rig_start(rig);
    rig_offer(rig, (struct otter_version){1, 0, 0, 0}, 5000);
    with.version = "1.0.0";
    assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT);
    with.sequence = 6;
    assert_int_equal(check_signed(), OTTER_OUTCOME_REPLAYED);
    rig_start(rig);
    assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT);
}

static void test_an_older_version_stays_out_whatever_its_sequence(void **test)
{
    (void)test;
    with.version = "0.9.0";
    with.sequence = UINT32_MAX;
    assert_int_equal(check_signed(), OTTER_OUTCOME_OLDER);
    assert_int_equal(rig->image_requests, 0);
}

/* A Sequence that is not kept is not acted upon. */
static void test_flash_that_fails_keeps_a_job_waiting(void **test)
{
    (void)test;
    with.version = "1.0.0";
    faulty_wrap(&rig->layout.journal);
    rig_start(rig);
    faulty_changes(0, FAULTY_ALL);
    assert_int_equal(check_signed(), OTTER_OUTCOME_FLASH);
    assert_int_equal(rig->state.job_sequence, 0);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_FLASH); /* not a 304 */
    faulty_changes(0, 0);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
    rig_start(rig);
    assert_int_equal(rig->state.job_sequence, 7);
}

/* ---- fast forward ---- */

static void test_jobs_for_others_move_nothing_here(void **test)
{
    (void)test;
    with.sequence = UINT32_MAX;
    with.issued = UINT32_MAX;
    with.expires = UINT32_MAX;
    with.audience = "\"Board\":\"C\"";
    assert_int_equal(check_signed(), OTTER_OUTCOME_NOT_FOR_US);
    rig->unix_now = 1850000000;
    with.audience = "\"Board\":\"B\"";
    with.issued = 1700000000;
    with.expires = 1800000000;
    assert_int_equal(check_signed(), OTTER_OUTCOME_EXPIRED);
    assert_int_equal(rig->state.job_sequence, 0);
    assert_int_equal(rig->state.job_issued, 0);
    assert_int_equal(teardown(NULL), 0);
    assert_int_equal(setup(NULL), 0);
    assert_int_equal(check_signed(), OTTER_OUTCOME_INSTALLING);
}

/* ---- freeze ---- */

static void test_an_expired_job_is_refused_when_time_is_trusted(void **test)
{
    (void)test;
    rig->unix_now = 1900000000;
    with.version = "1.0.0";
    assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT);
    rig->unix_now = 1900000001;
    assert_int_equal(check_signed(), OTTER_OUTCOME_EXPIRED);
}

/* A server that says "unchanged" for ever cannot keep a device from seeing that time is over. */
static void test_an_unchanged_job_expires_too(void **test)
{
    (void)test;
    rig->unix_now = 1850000000;
    with.version = "1.0.0";
    assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT);
    rig->unix_now = 1900000001;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_EXPIRED);
    assert_int_equal(rig->agent.http.head.status, 304);
    rig->unix_now = 1850000000;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_CURRENT);
}

/* Without a clock, what was issued later says that the time of an earlier one is over. */
static void test_without_a_clock_newer_jobs_end_older_ones(void **test)
{
    (void)test;
    with.version = "1.0.0";
    with.issued = 1900000001;
    with.expires = 1950000000;
    assert_int_equal(check_signed(), OTTER_OUTCOME_CURRENT);
    rig_start(rig);
    with.version = "1.1.0";
    with.issued = 1800000000;
    with.expires = 1900000000;
    assert_int_equal(check_signed(), OTTER_OUTCOME_EXPIRED);
    with.expires = 1900000001;
    assert_int_equal(check_signed(), OTTER_OUTCOME_INSTALLING);
}

static void test_without_a_clock_no_job_is_too_old_by_itself(void **test)
{
    (void)test;
    with.issued = 1;
    with.expires = 2;
    assert_int_equal(check_signed(), OTTER_OUTCOME_INSTALLING);
}

/* ---- the wrong product ---- */

static enum otter_outcome for_audience(const char *audience)
{
    with.audience = audience;
    with.version = "1.0.0";
    return check_signed();
}

static void test_the_audience_must_be_ours(void **test)
{
    (void)test;
    rig->config.product = "P";
    rig->config.serial = "S1";
    assert_int_equal(for_audience("\"Board\":\"B\",\"Product\":\"P\""), OTTER_OUTCOME_CURRENT);
    assert_int_equal(for_audience("\"Board\":\"B\",\"Product\":\"P\",\"SerialNumber\":\"S1\""), OTTER_OUTCOME_CURRENT);
    assert_int_equal(for_audience("\"Board\":\"B\""), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(for_audience("\"Product\":\"P\""), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(for_audience(""), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(for_audience("\"Board\":\"b\",\"Product\":\"P\""), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(for_audience("\"Board\":\"B\",\"Product\":\"Q\""), OTTER_OUTCOME_NOT_FOR_US);
    assert_int_equal(for_audience("\"Board\":\"B\",\"Product\":\"P\",\"SerialNumber\":\"S2\""), OTTER_OUTCOME_NOT_FOR_US);
    with.more = "\"Board\":\"C\""; /* for older devices: may be there, and must match too */
    assert_int_equal(for_audience("\"Board\":\"B\",\"Product\":\"P\""), OTTER_OUTCOME_NOT_FOR_US);
    with.more = "\"Board\":\"B\",\"Product\":\"P\"";
    assert_int_equal(for_audience("\"Board\":\"B\",\"Product\":\"P\""), OTTER_OUTCOME_CURRENT);
    assert_int_equal(for_audience(""), OTTER_OUTCOME_NOT_FOR_US);
}

static void test_the_hardware_revision_must_be_ours(void **test)
{
    (void)test;
    static const struct {
        uint32_t own;
        const char *span;
        bool ours;
    } cases[] = {{3, "", true},
                 {3, ",\"HardwareMin\":3,\"HardwareMax\":3", true},
                 {3, ",\"HardwareMin\":4", false},
                 {3, ",\"HardwareMax\":2", false},
                 {3, ",\"HardwareMin\":1,\"HardwareMax\":\"5\"", true},
                 {0, "", true},
                 {0, ",\"HardwareMin\":1", false},
                 {0, ",\"HardwareMax\":9", false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char audience[100];
        snprintf(audience, sizeof audience, "\"Board\":\"B\"%s", cases[i].span);
        rig->config.hardware_revision = cases[i].own;
        assert_int_equal(for_audience(audience), cases[i].ours ? OTTER_OUTCOME_CURRENT : OTTER_OUTCOME_NOT_FOR_US);
    }
}

/* ---- what a signed job must say ---- */

static void test_a_signed_job_leaves_nothing_open(void **test)
{
    (void)test;
    static const char *const needed[] = {"\"Sequence\"", "\"Issued\"", "\"Expires\"", "\"Audience\"", "\"Size\"",
                                         "\"SHA256\"", "\"Version\"", "\"File\""};
    static char text[2048];
    static char changed[2048];
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        snprintf(changed, sizeof changed, "%s", payload());
        strstr(changed, needed[i])[1] = 'x';
        job_sign(&job_key, ES256, changed, text);
        if (read_text(text, strlen(text)) != OTTER_ERR_CORRUPT) {
            fail_msg("taken without %s", needed[i]);
        }
    }
    with.sequence = 0;
    job_sign(&job_key, ES256, payload(), text);
    assert_int_equal(read_text(text, strlen(text)), OTTER_ERR_CORRUPT);
    job_sign(&job_key, ES256, "{", text);
    assert_int_equal(read_text(text, strlen(text)), OTTER_ERR_CORRUPT);
    job_sign(&job_key, ES256, "", text);
    assert_int_equal(read_text(text, strlen(text)), OTTER_ERR_CORRUPT);
}

/* A job that starts from 1.0.5 is none for 1.0.0. */
static void test_a_version_that_is_too_old_waits_for_another_job(void **test)
{
    (void)test;
    with.more = "\"MinVersion\":\"1.0.1\"";
    assert_int_equal(check_signed(), OTTER_OUTCOME_TOO_OLD);
    with.more = "\"MinVersion\":\"1.0.0+1\"";
    assert_int_equal(check_signed(), OTTER_OUTCOME_TOO_OLD);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_TOO_OLD);
    assert_int_equal(rig->agent.http.head.status, 304);
    assert_int_equal(rig->image_requests, 0);
    with.more = "\"MinVersion\":\"1.0\"";
    assert_int_equal(check_signed(), OTTER_OUTCOME_BAD_JOB);
    with.more = "\"MinVersion\":\"1.0.0\"";
    assert_int_equal(check_signed(), OTTER_OUTCOME_INSTALLING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_signed_job_is_followed),
        T(an_unchanged_signed_job_costs_a_304),
        T(one_of_several_keys_is_enough),
        T(a_plain_job_is_refused),
        T(a_job_of_another_key_is_refused),
        T(a_key_of_another_kind_signs_no_jobs),
        T(the_file_of_another_job_is_thrown_away),
        T(a_document_without_an_end_is_refused),
        T(an_image_longer_than_its_job_says_is_refused),
        T(an_older_sequence_is_refused_for_ever),
        T(the_sequence_outlives_updates_and_compactions),
        T(without_a_journal_the_sequence_is_kept_in_memory),
        T(an_older_version_stays_out_whatever_its_sequence),
        T(flash_that_fails_keeps_a_job_waiting),
        T(jobs_for_others_move_nothing_here),
        T(an_expired_job_is_refused_when_time_is_trusted),
        T(an_unchanged_job_expires_too),
        T(without_a_clock_newer_jobs_end_older_ones),
        T(without_a_clock_no_job_is_too_old_by_itself),
        T(the_audience_must_be_ours),
        T(the_hardware_revision_must_be_ours),
        T(a_signed_job_leaves_nothing_open),
        T(a_version_that_is_too_old_waits_for_another_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
