/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_firmware.c - built firmware: found, or built in the source tree. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool/emulate_firmware.h"
#include "tool/firmware.h"
#include "tool/sign.h"

#define HEADER_SIZE 0x400u
#define FOLDERS_OPEN 8
#define STAMP ".firmware-built" /* written by scripts/firmware.sh when all of a board is built */

static const char source_dir[] = OTTER_SOURCE_DIR; /* of the tree that this tool was built from */
static const char *const source_parts[] = {"agent", "app",      "board", "boot", "cmake",          "delta",
                                           "flashmap", "include", "port",  "slot", "CMakeLists.txt", "sources.cmake"};

static char *join(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* To be freed; NULL: out of memory. */
static char *join(const char *format, ...)
{
    char *text = NULL;
    va_list values;
    va_start(values, format);
    int len = vasprintf(&text, format, values);
    va_end(values);
    return len < 0 ? NULL : text;
}

/* ---- is it there, and new enough? ---- */

static struct timespec newest; /* of nftw, which has no context */

static int look(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    bool newer = st->st_mtim.tv_sec > newest.tv_sec ||
                 (st->st_mtim.tv_sec == newest.tv_sec && st->st_mtim.tv_nsec > newest.tv_nsec);
    newest = kind == FTW_F && newer ? st->st_mtim : newest;
    return 0;
}

static bool is_older(const char *path)
{
    struct stat st;
    newest = (struct timespec){0};
    for (size_t i = 0; i < sizeof source_parts / sizeof source_parts[0]; i++) {
        char *part = join("%s/%s", source_dir, source_parts[i]);
        if (part) {
            (void)nftw(part, look, FOLDERS_OPEN, FTW_PHYS);
        }
        free(part);
    }
    return stat(path, &st) != 0 || st.st_mtim.tv_sec < newest.tv_sec ||
           (st.st_mtim.tv_sec == newest.tv_sec && st.st_mtim.tv_nsec < newest.tv_nsec);
}

static bool is_there(const char *path)
{
    return path && access(path, R_OK) == 0;
}

/* ---- building ---- */

static _Noreturn void become_builder(const char *script, const char *board, pid_t otter)
{
    const char *const inherited[] = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAP", "VERSION", "LED_MS", "TEST_REVERT"};
    for (size_t i = 0; i < sizeof inherited / sizeof inherited[0]; i++) {
        (void)unsetenv(inherited[i]);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == otter && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0) {
        (void)execl(script, script, board, (char *)NULL);
    }
    _exit(127);
}

/* Quiet unless stderr is a terminal; a failed build says why either way. */
static int build(const char *board)
{
    char *script = join("%s/scripts/firmware.sh", source_dir);
    if (!is_there(script)) {
        free(script);
        return tool_refuse("the source tree '%s' that this otter was built from is gone: name built firmware with "
                           "--firmware", source_dir);
    }
    pid_t otter = getpid();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        become_builder(script, board, otter);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    free(script);
    return pid > 0 && status == 0 ? 0 : tool_refuse("the firmware of %s could not be built in '%s'", board, source_dir);
}

static int find_folder(const struct board_kind *board, const char *map, char **ret_folder)
{
    char *folder = join("%s/build/%s", source_dir, board->name);
    char *bootloader = folder ? join("%s/bootloader-%s.elf", folder, map) : NULL;
    char *stamp = folder ? join("%s/" STAMP, folder) : NULL;
    int rc = bootloader && stamp ? 0 : tool_refuse("out of memory");
    if (rc == 0 && (!is_there(bootloader) || is_older(stamp))) {
        rc = build(board->name);
    }
    free(stamp);
    free(bootloader);
    *ret_folder = folder;
    return rc;
}

/* ---- what is in it ---- */

static int check_program(const char *path)
{
    struct tool_bytes file;
    struct tool_firmware program = {.has_address = false};
    int rc = tool_read_file(path, TOOL_FIRMWARE_SIZE_MAX, &file);
    if (rc != 0) {
        return rc;
    }
    rc = tool_elf_parse(path, &file, &program);
    if (rc == 0 && program.address != 0) {
        rc = tool_refuse("'%s' is no bootloader of these boards: it begins at 0x%llx, not at 0", path,
                         (unsigned long long)program.address);
    }
    tool_bytes_free(&program.bytes);
    tool_bytes_free(&file);
    return rc;
}

int emulate_firmware_find(const struct board_kind *board, const char *map, const char *folder, const char *bootloader,
                          char **ret_folder, char **ret_bootloader)
{
    *ret_folder = folder ? strdup(folder) : NULL;
    int rc = folder || bootloader ? 0 : find_folder(board, map, ret_folder);
    *ret_bootloader = bootloader ? strdup(bootloader) : *ret_folder ? join("%s/bootloader-%s.elf", *ret_folder, map) : NULL;
    return rc ? rc : check_program(*ret_bootloader ? *ret_bootloader : "");
}

int emulate_firmware_image(const char *folder, const char *map, const struct tool_key *key,
                           struct tool_bytes *ret_image)
{
    char *path = folder ? join("%s/ota-https-%s-1.0.0.bin", folder, map) : NULL;
    if (!path || !key->is_private) {
        free(path);
        return tool_refuse("a signed IMAGE is needed for a new flash: %s",
                           folder ? "--key has no private half to sign the example application with"
                                  : "--bootloader alone has no application");
    }
    struct tool_bytes program;
    int rc = tool_read_file(path, TOOL_FIRMWARE_SIZE_MAX, &program);
    if (rc == 0) {
        static const uint8_t room[HEADER_SIZE];
        bool has_room = program.len > HEADER_SIZE && memcmp(program.data, room, HEADER_SIZE) == 0;
        struct tool_sign sign = {.key = key, .version = {.major = 1}, .header_size = HEADER_SIZE,
                                 .pad_header = !has_room, .erased = 0xff};
        rc = tool_sign_image(&sign, &program, ret_image);
        tool_bytes_free(&program);
    }
    free(path);
    return rc;
}

char *emulate_firmware_test_key(void)
{
    char *path = join("%s/test/keys/not-secret-ecdsa-p256.pem", source_dir);
    if (is_there(path)) {
        return path;
    }
    free(path);
    return NULL;
}
