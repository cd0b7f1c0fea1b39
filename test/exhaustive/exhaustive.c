/* SPDX-License-Identifier: Apache-2.0 */
/* exhaustive.c - main of every program here. */
#include "exhaustive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t total;

_Noreturn void exhaustive_fail(const char *claim, const char *file, int line)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s:%d: does not hold: %s\n    case:", file, line, claim);
    exhaustive_describe(stderr);
    (void)fprintf(stderr, "\n");
    abort();
}

void exhaustive_hex(FILE *to, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        (void)fprintf(to, "%02x", bytes[i]);
    }
}

void exhaustive_part(const char *name, uint64_t cases, uint64_t least)
{
    (void)printf("%-40s %12" PRIu64 " cases\n", name, cases);
    (void)fflush(stdout);
    if (cases < least) {
        (void)fprintf(stderr, "%s: fewer than %" PRIu64 " cases\n", name, least);
        exit(1);
    }
    total += cases;
}

size_t exhaustive_bytes(const char *hex, uint8_t *bytes, size_t size)
{
    size_t len = 0;
    unsigned value;
    while (len < size && sscanf(hex + 2 * len, "%2x", &value) == 1) {
        bytes[len++] = (uint8_t)value;
    }
    return len;
}

static int explain(const char *program, const char *option)
{
    bool asked = strcmp(option, "--help") == 0;
    (void)fprintf(asked ? stdout : stderr,
                  "usage: %s            the part that runs in `make test`\n"
                  "       %s --deep     all of it (`make exhaustive`)\n"
                  "       %s CASE...    the one case that a failure printed\n", program, program, program);
    return asked ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strncmp(argv[1], "--", 2) == 0 && strcmp(argv[1], "--deep") != 0) {
        return explain(argv[0], argv[1]);
    }
    if (argc > 1 && strcmp(argv[1], "--deep") != 0) {
        exhaustive_replay(argc - 1, argv + 1);
        (void)printf("holds\n");
        return 0;
    }
    exhaustive_run(argc > 1);
    (void)printf("%-40s %12" PRIu64 " cases\n", "all", total);
    return 0;
}
