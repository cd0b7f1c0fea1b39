/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_flash.c - the flash file: made as in a factory, opened, locked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tool/emulate_flash.h"

#define PAGE 4096u
#define LOCK_TRIES 100 /* of 10 ms: a killed run's QEMU may take a moment to end */

int emulate_flash_make(const struct board_kind *board, const struct flashmap *map, const struct tool_bytes *image,
                       struct tool_bytes *ret_flash)
{
    const struct flashmap_area *primary = flashmap_find(map, FLASHMAP_PRIMARY, 1);
    uint8_t *data = calloc(1, BOARD_FLASH_FILE_SIZE);
    if (!data) {
        return tool_refuse("out of memory");
    }
    for (uint32_t i = 0; i < map->devices_count; i++) {
        const struct flashmap_device *device = &map->devices[i];
        memset(data + (device->addr - board->flash_addr), device->erased, device->size);
    }
    if (image->len > 0) {
        memcpy(data + board_file_off(board, primary, 0), image->data, image->len);
    }
    *ret_flash = (struct tool_bytes){data, BOARD_FLASH_FILE_SIZE};
    return 0;
}

bool emulate_flash_exists(const char *path)
{
    struct stat st;
    return path && stat(path, &st) == 0;
}

/* Pages of zeros stay holes. */
static bool write_sparse(int fd, const struct tool_bytes *flash)
{
    static const uint8_t zeros[PAGE];
    for (size_t off = 0; off < flash->len; off += PAGE) {
        if (memcmp(flash->data + off, zeros, PAGE) != 0 &&
            pwrite(fd, flash->data + off, PAGE, (off_t)off) != (ssize_t)PAGE) {
            errno = errno ? errno : ENOSPC;
            return false;
        }
    }
    return ftruncate(fd, (off_t)flash->len) == 0;
}

/* Made beside its place and linked there, so that it is there whole or not at all, and a file
 * that somebody made meanwhile stays. */
static int make_file(const char *path, const struct tool_bytes *flash)
{
    char *aside = NULL;
    if (asprintf(&aside, "%s.XXXXXX", path) < 0) {
        return tool_refuse("out of memory");
    }
    int rc = 0;
    errno = 0;
    int fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0) {
        rc = tool_refuse("cannot make '%s': %s", path, strerror(errno));
        free(aside);
        return rc;
    }
    if (!write_sparse(fd, flash) || fchmod(fd, 0644) != 0 || (link(aside, path) != 0 && errno != EEXIST)) {
        rc = tool_refuse("cannot make '%s': %s", path, strerror(errno));
    }
    (void)unlink(aside);
    (void)close(fd);
    free(aside);
    return rc;
}

static int open_file(const char *path, struct emulate_flash *flash)
{
    struct stat st;
    flash->fd = open(path, O_RDWR);
    if (flash->fd < 0 || fstat(flash->fd, &st) != 0) {
        return tool_refuse("cannot open '%s': %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode) || st.st_size != (off_t)BOARD_FLASH_FILE_SIZE) {
        return tool_refuse("'%s' is not the flash of an emulated board: it must be a file of %u bytes", path,
                           BOARD_FLASH_FILE_SIZE);
    }
    for (int i = 0; i < LOCK_TRIES; i++) {
        if (flock(flash->fd, LOCK_EX | LOCK_NB) == 0) {
            return 0;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return tool_refuse("'%s' is in use by another board: end that run first", path);
}

static int open_unnamed(const struct tool_bytes *bytes, struct emulate_flash *flash)
{
    flash->fd = memfd_create("otter-flash", 0);
    if (flash->fd < 0 || !write_sparse(flash->fd, bytes)) {
        return tool_refuse("cannot make a temporary flash file: %s; name one with --flash", strerror(errno));
    }
    return 0;
}

int emulate_flash_open(const char *path, const struct board_kind *board, const struct flashmap *map,
                       const struct tool_bytes *image, struct emulate_flash *ret_flash)
{
    *ret_flash = (struct emulate_flash){.fd = -1, .made = !emulate_flash_exists(path)};
    struct tool_bytes bytes = {NULL, 0};
    int rc = ret_flash->made ? emulate_flash_make(board, map, image, &bytes) : 0;
    if (rc == 0 && path) {
        rc = ret_flash->made ? make_file(path, &bytes) : 0;
        rc = rc ? rc : open_file(path, ret_flash);
    } else if (rc == 0) {
        rc = open_unnamed(&bytes, ret_flash);
    }
    tool_bytes_free(&bytes);
    if (rc != 0) {
        emulate_flash_close(ret_flash);
    }
    return rc;
}

void emulate_flash_close(struct emulate_flash *flash)
{
    if (flash->fd >= 0) {
        (void)close(flash->fd);
        flash->fd = -1;
    }
}
