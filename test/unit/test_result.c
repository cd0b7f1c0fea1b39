/* SPDX-License-Identifier: Apache-2.0 */
/* test_result.c - names of errors. */
#include "otter/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void test_every_error_has_a_name_of_its_own(void **state)
{
    (void)state;
    static const int errors[] = {OTTER_OK,          OTTER_ERR_IO,      OTTER_ERR_TIMEOUT, OTTER_ERR_CORRUPT,
                                 OTTER_ERR_AUTH,    OTTER_ERR_REFUSED, OTTER_ERR_NOSPACE, OTTER_ERR_ARG};
    enum { COUNT = sizeof errors / sizeof errors[0] };
    for (unsigned i = 0; i < COUNT; i++) {
        assert_string_not_equal(otter_err_str(errors[i]), "");
        assert_string_not_equal(otter_err_str(errors[i]), "unknown error");
        for (unsigned other = 0; other < i; other++) {
            assert_string_not_equal(otter_err_str(errors[i]), otter_err_str(errors[other]));
        }
    }
    assert_string_equal(otter_err_str(OTTER_ERR_AUTH), "not genuine");
    assert_string_equal(otter_err_str(OTTER_ERR_TIMEOUT), "timeout");
}

static void test_a_count_is_no_error_and_a_strange_code_is_said(void **state)
{
    (void)state;
    assert_string_equal(otter_err_str(17), "ok");
    assert_string_equal(otter_err_str(-1000), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_error_has_a_name_of_its_own),
        cmocka_unit_test(test_a_count_is_no_error_and_a_strange_code_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
