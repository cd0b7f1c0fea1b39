/* SPDX-License-Identifier: Apache-2.0 */
/* delta_place.c - where the first byte of an image runs: told, read from a file, or guessed. */
#include <string.h>

#include "tool/board.h"
#include "tool/delta_address.h"
#include "tool/delta_place.h"
#include "tool/firmware.h"
#include "tool/print.h"

const char *delta_source_text(enum delta_source source)
{
    switch (source) {
    case DELTA_UNKNOWN: return "unknown";
    case DELTA_TOLD: return "from --address";
    case DELTA_OF_MAP: return "the map's primary slot";
    case DELTA_OF_ELF: return "from the ELF file";
    case DELTA_OF_FILE: return "said by the file";
    case DELTA_GUESSED: return "guessed from the pointers in it";
    }
    return "?";
}

static int read_map(const struct delta_place *place, struct delta_address *address)
{
    static const struct flashmap_options plain = {.kit = NULL};
    struct flashmap map;
    const struct board_kind *board = place->board ? board_by_name(place->board) : NULL;
    if (place->board && !board) {
        return tool_usage("--board '%s': use %s or %s", place->board, board_kinds[0].name, board_kinds[1].name);
    }
    int rc = flashmap_open(place->map, &plain, &map);
    rc = rc == 0 && board ? board_place(board, &map) : rc;
    const struct flashmap_area *primary = rc == 0 ? flashmap_find(&map, FLASHMAP_PRIMARY, 1) : NULL;
    if (rc == 0 && !primary) {
        rc = tool_refuse("flash map '%s' has no primary slot", place->map);
    }
    if (rc == 0) {
        *address = (struct delta_address){DELTA_OF_MAP, primary->addr};
    }
    return rc;
}

/* The ELF holds the payload, with room for the header in front or without. */
static int read_elf(const struct delta_place *place, const struct delta_file *result, struct delta_address *address)
{
    struct tool_bytes file;
    struct tool_firmware elf = {.has_address = false};
    size_t room = result->is_image ? result->image.header_size : 0;
    int rc = tool_read_file(place->elf, 4ul * TOOL_FIRMWARE_SIZE_MAX, &file);
    if (rc != 0) {
        return rc;
    }
    rc = tool_elf_parse(place->elf, &file, &elf);
    tool_bytes_free(&file);
    if (rc != 0) {
        return rc;
    }
    size_t len = elf.bytes.len;
    const uint8_t *payload = result->bytes.data + room;
    bool behind = len <= result->bytes.len - room && memcmp(payload, elf.bytes.data, len) == 0;
    bool with_room = !behind && len >= room && len <= result->bytes.len &&
                     memcmp(payload, elf.bytes.data + room, len - room) == 0;
    uint64_t value = behind ? elf.address - room : elf.address;
    if (!behind && !with_room) {
        rc = tool_refuse("'%s' is not the program in '%s': give the ELF file that it was made from", place->elf, result->path);
    } else if ((behind && elf.address < room) || value > UINT32_MAX) {
        rc = tool_refuse("'%s' begins at 0x%llx, which leaves no room for the image's header", place->elf, (unsigned long long)elf.address);
    } else {
        *address = (struct delta_address){DELTA_OF_ELF, (uint32_t)value};
    }
    tool_bytes_free(&elf.bytes);
    return rc;
}

int delta_place_read(const struct delta_place *place, const struct delta_file *result, struct delta_address *ret_told)
{
    uint64_t value = 0;
    *ret_told = (struct delta_address){DELTA_UNKNOWN, 0};
    if (!!place->address + !!place->map + !!place->elf > 1) {
        return tool_usage("--address, --map and --elf: one of them");
    }
    if (place->board && !place->map) {
        return tool_usage("--board needs a --map");
    }
    if (place->address) {
        if (!tool_number(place->address, UINT32_MAX, &value) || value % 4 != 0) {
            return tool_usage("--address '%s' is no address such as 0x10010000, a multiple of 4", place->address);
        }
        *ret_told = (struct delta_address){DELTA_TOLD, (uint32_t)value};
    }
    if (place->map) {
        return read_map(place, ret_told);
    }
    return place->elf ? read_elf(place, result, ret_told) : 0;
}

/* ---- which one ---- */
static void warn(struct delta_address used, uint32_t better, const struct tool_bytes *bytes)
{
    (void)tool_refuse("warning: at 0x%08x (%s) %u words of the image point at its functions, at 0x%08x it would be %u; a wrong "
                      "address makes the patch larger, not wrong", (unsigned)used.value, delta_source_text(used.source),
                      (unsigned)delta_address_score(bytes, used.value), (unsigned)better, (unsigned)delta_address_score(bytes, better));
}

struct delta_address delta_address_choose(struct delta_address told, const struct delta_file *base,
                                          const struct delta_file *result)
{
    struct delta_address address = told;
    uint32_t better = 0;
    if (address.source == DELTA_UNKNOWN && (result->has_address || base->has_address)) {
        address = (struct delta_address){DELTA_OF_FILE, result->has_address ? result->address : base->address};
    }
    if (address.source == DELTA_UNKNOWN) {
        return delta_guess_address(&result->bytes, &better) ? (struct delta_address){DELTA_GUESSED, better} : address;
    }
    if (!delta_address_fits(&result->bytes, address.value, &better)) {
        warn(address, better, &result->bytes);
    }
    return address;
}
