/* SPDX-License-Identifier: Apache-2.0 */
/* test_doctor.c - nothing in the code can refuse an update for which the doctor has no words. */
#include "tool/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void check(const struct doctor_rule *rule, const char *word)
{
    assert_non_null(rule);
    assert_string_equal(rule->word, word);
    assert_true(strlen(rule->means) > 10);
    assert_true(strlen(rule->todo) > 5);
}

static void test_every_outcome(void **test)
{
    (void)test;
    for (int i = 0; i < (int)OTTER_OUTCOME_COUNT; i++) {
        check(doctor_outcome((enum otter_outcome)i), otter_outcome_str((enum otter_outcome)i));
    }
    assert_null(doctor_outcome((enum otter_outcome)OTTER_OUTCOME_COUNT));
}

/* otter_reason_str knows them all: four bits on flash, so at most 16. */
static void test_every_reason(void **test)
{
    (void)test;
    int known = 0;
    for (int i = 0; i < 16; i++) {
        const char *word = otter_reason_str((enum otter_reason)i);
        if (strcmp(word, "unknown") != 0) {
            check(doctor_reason((enum otter_reason)i), word);
            known++;
        }
    }
    assert_int_equal(known, OTTER_REASON_WRONG_PLACE + 1);
}

static void test_every_fault(void **test)
{
    (void)test;
    for (int i = OTTER_IMAGE_NO_MAGIC; i <= (int)OTTER_IMAGE_SIGNATURES_MANY; i++) {
        check(doctor_fault((enum otter_image_fault)i), tool_fault_name(i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_outcome),
        cmocka_unit_test(test_every_reason),
        cmocka_unit_test(test_every_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
