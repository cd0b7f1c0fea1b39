/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect.h - what `otter inspect` finds in bytes, before it is shown.
 *
 * More lenient than slot/image.c: it also takes apart what a device would refuse, as far as
 * that goes. The verdict itself is the device's.
 */
#ifndef OTTER_TOOL_INSPECT_H
#define OTTER_TOOL_INSPECT_H

#include <jansson.h>

#include "tool/image_file.h"

#define INSPECT_TLVS_MAX 512

struct inspect_tlv {
    bool in_protected;
    uint16_t type;
    uint16_t len;
    uint32_t off; /* of the entry's header */
    const uint8_t *value;
};

/* MCUboot's trailer at a slot's end: each flag as a word. */
struct inspect_trailer {
    bool found; /* a magic is there */
    uint32_t max_align;
    const char *image_ok, *copy_done; /* "set", "unset", "bad" */
    const char *swap;                 /* "none", "test", "permanent", "revert", "bad" */
};

struct inspect_image {
    const struct tool_bytes *bytes; /* borrowed */
    bool has_header;
    struct otter_version version;
    uint32_t header_size, protected_size, payload_size, flags, load_addr;
    uint64_t end; /* where the last TLV that could be read ends */
    struct inspect_tlv tlvs[INSPECT_TLVS_MAX];
    size_t tlvs_count;
    struct tool_verdict verdict; /* without keys */
    bool accepted;               /* but for the signature, a device would take it */
    char why[TOOL_WHY_SIZE];     /* when not accepted */
    struct inspect_trailer trailer;
};

void inspect_image_read(const struct tool_bytes *bytes, struct inspect_image *ret_image);

/* "SHA-256", ...: what a TLV type is called; NULL: unknown. */
const char *inspect_tlv_name(uint16_t type);
/* Its value for a person. */
#define INSPECT_VALUE_SIZE 200
void inspect_tlv_value(const struct inspect_tlv *tlv, char ret_text[INSPECT_VALUE_SIZE]);
/* "encrypted", ...: names of flag bits, "," between; "none". */
void inspect_flags_text(uint32_t flags, char ret_text[INSPECT_VALUE_SIZE]);

void inspect_image_print(const char *name, const struct inspect_image *image);
json_t *inspect_image_json(const struct inspect_image *image);

/* A signed job document; key_path NULL: the signature is not checked. Exit code. */
int inspect_jws(const char *path, const struct tool_bytes *bytes, const char *key_path, bool json);

/* A host board's folder: slots and journal. Exit code. */
int inspect_folder(const char *path, bool json);

#endif
