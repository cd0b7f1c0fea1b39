/* SPDX-License-Identifier: Apache-2.0 */
/* test_app_led.c - the LED task measures itself; the health check listens to it. */
#include "app_board.h"

#include "app/ota-https/health.h"
#include "app/ota-https/led_task.h"

static int setup(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.now_ms = UINT32_MAX - 250; /* the clock wraps meanwhile */
    return 0;
}

static void test_the_led_toggles_in_equal_steps(void **state)
{
    (void)state;
    led_task_start(100);
    assert_false(fake.led_on);
    fake_pass(99);
    assert_int_equal(fake.led_writes, 1);
    fake_pass(1);
    assert_true(fake.led_on);
    fake_pass(100);
    assert_false(fake.led_on);
    fake_pass(800);
    struct led_times led = led_task_times();
    assert_int_equal(led.toggles, 10);
    assert_int_equal(led.late_max_ms, 0);
    assert_int_equal(fake.led_writes, 11);
}

static void test_a_step_that_is_late_or_early_is_measured(void **state)
{
    (void)state;
    led_task_start(100);
    fake_pass(100);
    fake.due_ms += 7; /* one step is 107 ms long */
    fake_pass(110);
    assert_int_equal(led_task_times().late_ms, 7);
    fake.due_ms -= 4;
    fake_pass(100);
    assert_int_equal(led_task_times().late_ms, 4);
    assert_int_equal(led_task_times().late_max_ms, 7);
    fake_pass(200);
    assert_int_equal(led_task_times().late_ms, 0);
    assert_int_equal(led_task_times().late_max_ms, 7);
}

static enum health_verdict check_after(struct health *health, uint32_t ms)
{
    enum health_verdict verdict = HEALTH_NOT_YET;
    for (uint32_t passed = 0; passed < ms; passed += 10) {
        fake_pass(10);
        struct led_times led = led_task_times();
        verdict = health_check(health, fake.now_ms, &led);
        if (verdict == HEALTH_BAD) {
            break;
        }
    }
    return verdict;
}

static void test_health_is_good_once_the_time_is_over_and_the_led_toggled(void **state)
{
    (void)state;
    struct health health;
    led_task_start(1000);
    health_begin(&health, fake.now_ms, 1000, 0, false);
    assert_int_equal(check_after(&health, 990), HEALTH_NOT_YET);
    assert_int_equal(check_after(&health, 10), HEALTH_GOOD);
    setup(NULL);
    led_task_start(100);
    health_begin(&health, fake.now_ms, 100, 2000, false);
    assert_int_equal(check_after(&health, 1990), HEALTH_NOT_YET);
    assert_int_equal(check_after(&health, 10), HEALTH_GOOD);
}

static void test_health_waits_for_a_step_in_time(void **state)
{
    (void)state;
    struct health health;
    led_task_start(1000);
    health_begin(&health, fake.now_ms, 1000, 0, false);
    fake.due_ms += HEALTH_LATE_MS + 1;
    assert_int_equal(check_after(&health, 2200), HEALTH_NOT_YET);
    assert_int_equal(check_after(&health, 100), HEALTH_GOOD);
}

static void test_health_is_bad_when_the_led_stands_still(void **state)
{
    (void)state;
    struct health health;
    led_task_start(1000);
    health_begin(&health, fake.now_ms, 1000, 0, false);
    assert_int_equal(check_after(&health, 3000), HEALTH_GOOD);
    uint32_t last_ms = fake.now_ms;
    fake.timer_broken = true;
    assert_int_equal(check_after(&health, 60000), HEALTH_BAD);
    assert_in_range(fake.now_ms - last_ms, 1000 + HEALTH_SILENT_MS, 1000 + HEALTH_SILENT_MS + 20);
}

/* A paused emulator, a debugger: the clock went on, nothing else did. */
static void test_a_processor_that_stood_still_is_not_the_leds_fault(void **state)
{
    (void)state;
    struct health health;
    led_task_start(1000);
    health_begin(&health, fake.now_ms, 1000, 0, false);
    assert_int_equal(check_after(&health, 2500), HEALTH_GOOD);
    fake.now_ms += 60000;
    fake.due_ms += 60000;
    assert_int_not_equal(check_after(&health, 10), HEALTH_BAD);
    assert_int_equal(check_after(&health, 3000), HEALTH_GOOD);
}

static void test_a_sick_image_fails_at_the_end_of_the_check(void **state)
{
    (void)state;
    struct health health;
    led_task_start(100);
    health_begin(&health, fake.now_ms, 100, 500, true);
    assert_int_equal(check_after(&health, 490), HEALTH_NOT_YET);
    assert_int_equal(check_after(&health, 10), HEALTH_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_led_toggles_in_equal_steps, setup),
        cmocka_unit_test_setup(test_a_step_that_is_late_or_early_is_measured, setup),
        cmocka_unit_test_setup(test_health_is_good_once_the_time_is_over_and_the_led_toggled, setup),
        cmocka_unit_test_setup(test_health_waits_for_a_step_in_time, setup),
        cmocka_unit_test_setup(test_health_is_bad_when_the_led_stands_still, setup),
        cmocka_unit_test_setup(test_a_processor_that_stood_still_is_not_the_leds_fault, setup),
        cmocka_unit_test_setup(test_a_sick_image_fails_at_the_end_of_the_check, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
