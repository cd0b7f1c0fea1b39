/* SPDX-License-Identifier: Apache-2.0 */
/* delta.c - patches on the host: align, encode, and try what came out with the device's decoder. */
#include "tool/delta.h"

#include "otter/image.h"
#include "otter/result.h"
#include "tool/delta_address.h"
#include "tool/delta_best.h"

#include <stdlib.h>
#include <string.h>

enum { MAGIC = 0xd7, VERSION = 1 };

const char *delta_kind_name(enum delta_kind kind)
{
    static const char *const names[] = {"map", "jumps", "copies", "references", "literals", "header"};
    return kind < DELTA_KINDS ? names[kind] : "?";
}

static void hash(const struct tool_bytes *file, uint8_t ret_hash[OTTER_DELTA_HASH_SIZE])
{
    struct otter_sha256 sha;
    uint8_t whole[OTTER_HASH_SIZE];
    otter_sha256_init(&sha);
    otter_sha256_update(&sha, file->data, file->len);
    otter_sha256_finish(&sha, whole);
    memcpy(ret_hash, whole, OTTER_DELTA_HASH_SIZE);
}

static void put24(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
    bytes[2] = (uint8_t)(value >> 16);
}

static void write_header(const struct otter_delta_header *header, uint8_t raw[OTTER_DELTA_HEADER_SIZE])
{
    raw[0] = MAGIC;
    raw[1] = (uint8_t)(header->version << 4 | header->filter);
    put24(raw + 2, header->base_size);
    put24(raw + 5, header->size);
    put24(raw + 8, header->patch_size);
    put24(raw + 11, header->address);
    raw[14] = (uint8_t)(header->address >> 24);
    memcpy(raw + 15, header->base, OTTER_DELTA_HASH_SIZE);
    memcpy(raw + 31, header->result, OTTER_DELTA_HASH_SIZE);
}

/* The header and the code behind it, as one patch. */
static int assemble(struct otter_delta_header *header, const struct delta_range *range, struct tool_bytes *ret_patch)
{
    size_t len = OTTER_DELTA_HEADER_SIZE + range->len;
    if (len > OTTER_DELTA_SIZE_MAX) {
        return tool_refuse("the patch would be larger than %u bytes", OTTER_DELTA_SIZE_MAX);
    }
    *ret_patch = (struct tool_bytes){.data = malloc(len + 1), .len = len};
    if (ret_patch->data == NULL) {
        return tool_refuse("out of memory");
    }
    header->patch_size = (uint32_t)len;
    write_header(header, ret_patch->data);
    memcpy(ret_patch->data + OTTER_DELTA_HEADER_SIZE, range->bytes, range->len);
    ret_patch->data[len] = 0;
    return 0;
}

static int encode(struct delta_job *job, struct otter_delta_header *header, struct tool_bytes *ret_patch, struct delta_stats *stats)
{
    struct delta_align_options align = {.thumb = header->filter == 1, .address = header->address};
    struct delta_range range;
    int err = delta_best(job, &align, &range, stats);
    if (err == 0) {
        err = assemble(header, &range, ret_patch);
        free(range.bytes);
    }
    return err;
}

int delta_make(const struct tool_bytes *old_file, const struct tool_bytes *new_file,
               const struct delta_options *options, struct tool_bytes *ret_patch, struct delta_stats *ret_stats)
{
    struct otter_delta_header header = {.version = VERSION, .base_size = (uint32_t)old_file->len, .size = (uint32_t)new_file->len};
    *ret_patch = (struct tool_bytes){0};
    *ret_stats = (struct delta_stats){.delta_size = sizeof(struct otter_delta)};
    if (old_file->len > OTTER_DELTA_SIZE_MAX || new_file->len > OTTER_DELTA_SIZE_MAX) {
        return tool_refuse("files of more than %u bytes have no patches", OTTER_DELTA_SIZE_MAX);
    }
    bool thumb = options->filter == DELTA_FILTER_THUMB || (options->filter == DELTA_FILTER_AUTO && delta_is_thumb(old_file));
    header.address = options->address;
    if (thumb && !options->has_address && !delta_guess_address(old_file, &header.address)) {
        header.address = 0;
    }
    header.filter = thumb ? 1 : 0;
    hash(old_file, header.base);
    hash(new_file, header.result);
    if (options->base != NULL) {
        memcpy(header.base, options->base, sizeof header.base);
    }
    struct delta_job job = {.old_file = old_file, .new_file = new_file, .header = &header, .options = options};
    int err = encode(&job, &header, ret_patch, ret_stats);
    if (err != 0) {
        return err;
    }
    ret_stats->bytes[DELTA_HEADER] = OTTER_DELTA_HEADER_SIZE;
    struct tool_bytes back;
    err = delta_apply(old_file, ret_patch, &back, NULL);
    if (err == 0 && (back.len != new_file->len || memcmp(back.data, new_file->data, back.len) != 0)) {
        err = tool_refuse("the patch does not give the new file back: a fault in this program");
    }
    tool_bytes_free(&back);
    if (err != 0) {
        tool_bytes_free(ret_patch);
    }
    return err;
}

struct both {
    const struct tool_bytes *old_file;
    struct tool_bytes *new_file;
};

static int read_old(void *ctx, uint32_t off, void *buf, size_t len)
{
    memcpy(buf, ((const struct both *)ctx)->old_file->data + off, len);
    return 0;
}

static int read_new(void *ctx, uint32_t off, void *buf, size_t len)
{
    memcpy(buf, ((const struct both *)ctx)->new_file->data + off, len);
    return 0;
}

int delta_apply(const struct tool_bytes *old_file, const struct tool_bytes *patch, struct tool_bytes *ret_new, struct delta_stats *ret_stats)
{
    *ret_new = (struct tool_bytes){0};
    struct otter_delta_header header;
    int err = otter_delta_read_header(patch->data, patch->len, &header);
    if (err < 0) {
        return tool_refuse(err == OTTER_ERR_REFUSED ? "a patch of a version or filter that this program does not know" : "not a patch");
    }
    if (header.base_size != old_file->len) {
        return tool_refuse("the patch is for a base of %u bytes, this one has %zu", (unsigned)header.base_size, old_file->len);
    }
    struct both both = {.old_file = old_file, .new_file = ret_new};
    struct otter_delta_io io = {.ctx = &both, .read_old = read_old, .read_new = read_new};
    struct otter_delta *delta = malloc(sizeof *delta);
    *ret_new = (struct tool_bytes){.data = malloc((size_t)header.size + 1), .len = header.size};
    if (delta == NULL || ret_new->data == NULL) {
        free(delta);
        tool_bytes_free(ret_new);
        return tool_refuse("out of memory");
    }
    size_t used;
    size_t made;
    otter_delta_begin(delta, &io, header.size);
    err = otter_delta_run(delta, patch->data, patch->len, &used, ret_new->data, header.size, &made);
    if (ret_stats != NULL) {
        *ret_stats = (struct delta_stats){.delta_size = sizeof *delta, .copies = delta->entries};
    }
    free(delta);
    ret_new->data[header.size] = 0;
    if (err == 1) {
        return 0;
    }
    tool_bytes_free(ret_new);
    return tool_refuse("the patch is damaged (%s)", err == 0 ? "it ends early" : otter_err_str(err));
}
