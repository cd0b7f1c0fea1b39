/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks.c - time and random bytes for mbedTLS, from the configuration that is current.
 *
 * mbedTLS asks through global functions; these pass the question on to the object whose
 * call is under way. Time that is not trusted is 0, the year 1970: tls.c then takes the
 * date errors out of the verification result.
 */
#include "port/mbedtls/hooks.h"

#include <mbedtls/platform_time.h>
#include <mbedtls/platform_util.h>
#include <psa/crypto.h>
#include <time.h>

static const struct otter_tls_config *current;
static bool dry; /* random bytes failed since the last enter */

#define TIME_MAX INT64_C(253402300799) /* the last second of 9999, as far as certificates go */

struct otter_hooks otter_hooks_enter(struct otter_arena *arena, const struct otter_tls_config *config)
{
    struct otter_hooks before = {otter_arena_enter(arena), current};
    current = config;
    dry = false;
    return before;
}

void otter_hooks_leave(struct otter_hooks before)
{
    (void)otter_arena_enter(before.arena);
    current = before.config;
}

int otter_hooks_random(void *ctx, unsigned char *buf, size_t len)
{
    (void)ctx;
    if (!current || current->random(current->ctx, buf, len) < 0) {
        dry = true;
        return MBEDTLS_ERR_SSL_NO_RNG;
    }
    return 0;
}

int otter_hooks_error(int error)
{
    return error != 0 && dry ? MBEDTLS_ERR_SSL_NO_RNG : error;
}

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                             uint8_t *output, size_t output_size,
                                             size_t *output_length)
{
    (void)context;
    if (otter_hooks_random(NULL, output, output_size) != 0) {
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    }
    *output_length = output_size;
    return PSA_SUCCESS;
}

int64_t otter_mbedtls_time(int64_t *ret_now)
{
    int64_t now = 0;
    if (!current || !current->now || !current->now(current->ctx, &now) || now < 0) {
        now = 0;
    }
    if (now > TIME_MAX) {
        now = TIME_MAX;
    }
    if (ret_now) {
        *ret_now = now;
    }
    return now;
}

mbedtls_ms_time_t mbedtls_ms_time(void)
{
    return otter_mbedtls_time(NULL) * 1000;
}

/* Days since 1970-01-01 to a date of the Gregorian calendar; years counted from March. */
struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *tt, struct tm *tm_buf)
{
    int64_t seconds = *tt < 0 ? 0 : *tt;
    int64_t days = seconds / 86400 + 719468; /* since 0000-03-01 */
    int64_t era = days / 146097;             /* 400 years each */
    int64_t day_of_era = days % 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0: March */
    *tm_buf = (struct tm){0};
    tm_buf->tm_mday = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    tm_buf->tm_mon = (int)((month + 2) % 12);
    tm_buf->tm_year = (int)(year_of_era + era * 400 + (month >= 10 ? 1 : 0) - 1900);
    tm_buf->tm_hour = (int)(seconds % 86400 / 3600);
    tm_buf->tm_min = (int)(seconds % 3600 / 60);
    tm_buf->tm_sec = (int)(seconds % 60);
    return tm_buf;
}
