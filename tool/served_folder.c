/* SPDX-License-Identifier: Apache-2.0 */
/*
 * served_folder.c - finds private keys before a server hands them out.
 *
 * The replaced system's instructions serve the very folder in which the certificates were
 * made. A PEM private key is known by its first line, wherever in a file it stands; that
 * text alone, ended by a NUL, is a constant of a program that can read keys: most firmware.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/served_folder.h"

enum { OPEN_FOLDERS_MAX = 16, PIECE = 65536 };
static const char mark[] = " PRIVATE KEY-----"; /* after -----BEGIN, with or without a type */

static bool holds_mark(const char *bytes, size_t len)
{
    static const char begin[] = "-----BEGIN";
    const char *at = memmem(bytes, len, begin, sizeof begin - 1);
    while (at) {
        size_t rest = len - (size_t)(at - bytes);
        size_t reach = rest < 64 ? rest : 64;
        const char *end = memmem(at, reach, mark, sizeof mark - 1);
        end = end ? end + sizeof mark - 1 : NULL;
        if (end && end < bytes + len && *end != 0) {
            return true;
        }
        at = memmem(at + 1, rest - 1, begin, sizeof begin - 1);
    }
    return false;
}

void tool_key_search(struct tool_key_search *search, const void *piece, size_t len)
{
    char joint[2 * sizeof search->tail];
    size_t head = len < sizeof search->tail ? len : sizeof search->tail;
    memcpy(joint, search->tail, search->tail_len);
    memcpy(joint + search->tail_len, piece, head);
    search->found = search->found || holds_mark(joint, search->tail_len + head) || holds_mark(piece, len);
    size_t joint_len = search->tail_len + head;
    if (len >= sizeof search->tail) {
        memcpy(search->tail, (const char *)piece + len - sizeof search->tail, sizeof search->tail);
        search->tail_len = sizeof search->tail;
    } else {
        size_t keep = joint_len < sizeof search->tail ? joint_len : sizeof search->tail;
        memcpy(search->tail, joint + joint_len - keep, keep);
        search->tail_len = keep;
    }
}

static bool is_key(const char *path)
{
    struct tool_key_search search = {.found = false};
    char piece[PIECE];
    size_t len = strlen(path);
    if (len > 4 && strcmp(path + len - 4, ".key") == 0) {
        return true;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? 0 : read(fd, piece, sizeof piece);
    while (n > 0 && !search.found) {
        tool_key_search(&search, piece, (size_t)n);
        n = read(fd, piece, sizeof piece);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return search.found;
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *place)
{
    (void)place;
    if (kind != FTW_F || !S_ISREG(st->st_mode) || !is_key(path)) {
        return 0;
    }
    return tool_refuse("'%s' is a private key, and everybody can fetch what lies in a served folder: "
                       "move it out", path);
}

int tool_folder_without_keys(const char *folder)
{
    struct stat st;
    if (stat(folder, &st) != 0) {
        return tool_refuse("cannot read the folder '%s': %s", folder, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode)) {
        return tool_refuse("'%s' is a file, a folder is needed", folder);
    }
    int rc = nftw(folder, visit, OPEN_FOLDERS_MAX, 0);
    return rc < 0 ? tool_refuse("cannot read the folder '%s': %s", folder, strerror(errno)) : rc;
}
