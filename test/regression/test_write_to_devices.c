/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_write_to_devices.c - the file written aside and renamed once took the place of /dev/full and
 * of the link /dev/stdout. What is not a regular file is written to; a link stays a link.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/tool.h"

static char folder[] = "/tmp/otter-write-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"pipe", "link", "file", "full"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unlink(in_folder(names[i]));
    }
    return rmdir(folder);
}

static void test_a_pipe_is_written_to(void **state)
{
    (void)state;
    char text[8] = "";
    struct stat st;
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    int fd = open(in_folder("pipe"), O_RDWR | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(tool_write_file(in_folder("pipe"), "hello", 5, 0644), 0);
    assert_int_equal(read(fd, text, sizeof text), 5);
    assert_memory_equal(text, "hello", 5);
    (void)close(fd);
    assert_int_equal(stat(in_folder("pipe"), &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
}

static void test_a_link_stays_a_link(void **state)
{
    (void)state;
    struct stat st;
    struct tool_bytes bytes;
    assert_int_equal(tool_write_file(in_folder("file"), "old", 3, 0644), 0);
    assert_int_equal(symlink("file", in_folder("link")), 0);
    assert_int_equal(tool_write_file(in_folder("link"), "newer", 5, 0600), 0);
    assert_int_equal(lstat(in_folder("link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(tool_read_file(in_folder("file"), 100, &bytes), 0);
    assert_int_equal(bytes.len, 5);
    assert_memory_equal(bytes.data, "newer", 5);
    tool_bytes_free(&bytes);
}

static void test_a_full_device_is_said_and_stays(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(symlink("/dev/full", in_folder("full")), 0);
    assert_int_equal(tool_write_file(in_folder("full"), "hello", 5, 0644), TOOL_REFUSED);
    assert_int_equal(stat("/dev/full", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pipe_is_written_to),
        cmocka_unit_test(test_a_link_stays_a_link),
        cmocka_unit_test(test_a_full_device_is_said_and_stays),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
