/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_empty_parts.c - a 206 that announces the range that was asked for and brings none of it (a chunked
 * body of nothing) was asked for again at once, for ever, as fast as the network goes. It is a
 * connection without a new byte: a few, with a wait each, and the check ends.
 */
#include "test/unit/agent_rig.h"

static unsigned empty, most_empty;

static size_t empty_part(struct rig *rig, const char *request, char *reply)
{
    char value[64];
    unsigned from = 0;
    if (strncmp(request, "GET /image.bin", 14) != 0 || !rig_header(request, "Range", value)) {
        return 0;
    }
    if (empty++ >= most_empty) {
        return 0;
    }
    assert_true(empty < 100);
    (void)sscanf(value, "bytes=%u-", &from);
    return rig_text(reply, "HTTP/1.1 206 P\r\nETag: %s\r\nContent-Range: bytes %u-%u/%zu\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    rig->image_etag, from, (unsigned)rig->image_len - 1, rig->image_len);
}

static struct rig *broken_download(unsigned most)
{
    struct sim_map map = rig_map();
    struct rig *rig = rig_create(&map);
    empty = 0;
    most_empty = most;
    rig_offer(rig, (struct otter_version){1, 1, 0, 0}, 50000);
    rig->tls.cut_at = 20000;
    rig->answer = empty_part;
    return rig;
}

static void test_empty_parts_are_few_and_far_between(void **test)
{
    (void)test;
    struct rig *rig = broken_download(UINT32_MAX);
    uint32_t before = rig->now_ms;
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_UNREACHABLE);
    assert_in_range(empty, 2, 7);
    assert_true(rig->now_ms - before >= 1000 * empty);
    rig_destroy(rig);
}

static void test_a_few_empty_parts_do_no_harm(void **test)
{
    (void)test;
    struct rig *rig = broken_download(3);
    assert_int_equal(rig_outcome(rig), OTTER_OUTCOME_INSTALLING);
    rig_assert_installed(rig);
    assert_int_equal(rig->agent.fetch.bytes, 50000);
    rig_destroy(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_parts_are_few_and_far_between),
        cmocka_unit_test(test_a_few_empty_parts_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
