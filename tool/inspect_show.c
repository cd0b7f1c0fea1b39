/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_show.c - an image for a person, what matters first, and as JSON. */
#include <stdio.h>
#include <string.h>

#include "tool/inspect.h"
#include "tool/print.h"

static const struct inspect_tlv *find(const struct inspect_image *image, uint16_t first, uint16_t last)
{
    for (size_t i = 0; i < image->tlvs_count; i++) {
        if (image->tlvs[i].type >= first && image->tlvs[i].type <= last) {
            return &image->tlvs[i];
        }
    }
    return NULL;
}

static void print_signature(const struct inspect_image *image)
{
    const struct inspect_tlv *sig = find(image, 0x20, 0x24);
    const struct inspect_tlv *key = find(image, 0x01, 0x02);
    if (!sig) {
        puts("  signature   none");
        return;
    }
    const char *name = inspect_tlv_name(sig->type);
    printf("  signature   %s", name ? name : "unknown");
    if (key && key->type == 0x01) {
        fputs(", key ", stdout);
        tool_print_hex(stdout, key->value, key->len < 8 ? key->len : 8);
    } else if (key) {
        fputs(", key in full", stdout);
    }
    puts(" (to check it: otter verify --key)");
}

/* What the signature vouches for besides the program. */
static void print_claims(const struct inspect_image *image)
{
    char text[INSPECT_VALUE_SIZE];
    if (image->flags != 0) {
        inspect_flags_text(image->flags, text);
        printf("  flags       %s\n", text);
    }
    if (image->load_addr != 0) {
        printf("  address     0x%08x\n", (unsigned)image->load_addr);
    }
    for (size_t i = 0; i < image->tlvs_count; i++) {
        const struct inspect_tlv *tlv = &image->tlvs[i];
        if (tlv->in_protected && (tlv->type == 0x40 || tlv->type == 0x50)) {
            inspect_tlv_value(tlv, text);
            printf("  %-10s  %s\n", tlv->type == 0x40 ? "needs" : "counter", text);
        }
    }
}

static void print_trailer(const struct inspect_trailer *trailer)
{
    if (trailer->found) {
        printf("  trailer     magic good (align %u), image_ok %s, copy_done %s, swap %s\n",
               (unsigned)trailer->max_align, trailer->image_ok, trailer->copy_done, trailer->swap);
    }
}

static void print_layout(const struct inspect_image *image)
{
    char value[INSPECT_VALUE_SIZE];
    printf("\n  %10s %8s  %-6s  %s\n", "offset", "bytes", "hashed", "what");
    printf("  0x%08x %8u  yes     header\n", 0u, (unsigned)image->header_size);
    printf("  0x%08x %8u  yes     program\n", (unsigned)image->header_size, (unsigned)image->payload_size);
    for (size_t i = 0; i < image->tlvs_count; i++) {
        const struct inspect_tlv *tlv = &image->tlvs[i];
        const char *name = inspect_tlv_name(tlv->type);
        inspect_tlv_value(tlv, value);
        printf("  0x%08x %8u  %-6s  ", (unsigned)tlv->off, tlv->len + 4u, tlv->in_protected ? "yes" : "no");
        if (name) {
            printf("%s: %s\n", name, value);
        } else {
            printf("type 0x%04x: %s\n", tlv->type, value);
        }
    }
    if (image->bytes->len > image->end) {
        printf("  0x%08x %8llu  no      behind the image\n", (unsigned)image->end,
               (unsigned long long)(image->bytes->len - image->end));
    }
}

void inspect_image_print(const char *name, const struct inspect_image *image)
{
    char text[INSPECT_VALUE_SIZE];
    if (!image->has_header) {
        printf("%s: %s\n", name, image->why);
        return;
    }
    printf("%s: MCUboot image, version %s, %llu bytes\n\n", name, tool_version_text(&image->version, text),
           (unsigned long long)image->end);
    if (!image->accepted) {
        printf("  REFUSED     %s\n", image->why);
    }
    const struct inspect_tlv *hash = find(image, 0x10, 0x12);
    if (hash) {
        fputs("  hash        ", stdout);
        fputs(inspect_tlv_name(hash->type), stdout);
        putchar(' ');
        tool_print_hex(stdout, hash->value, hash->len < 32 ? hash->len : 32);
        puts(image->verdict.hash_good ? " good"
             : image->verdict.fault == OTTER_IMAGE_HASH_WRONG ? " WRONG" : " not checked");
    }
    print_signature(image);
    printf("  program     %u bytes at 0x%x\n", (unsigned)image->payload_size, (unsigned)image->header_size);
    print_claims(image);
    print_trailer(&image->trailer);
    print_layout(image);
}

static json_t *tlv_json(const struct inspect_tlv *tlv)
{
    char hex[2 * UINT16_MAX + 1];
    char value[INSPECT_VALUE_SIZE];
    const char *name = inspect_tlv_name(tlv->type);
    inspect_tlv_value(tlv, value);
    json_t *json = json_object();
    json_object_set_new(json, "hashed", json_boolean(tlv->in_protected));
    json_object_set_new(json, "type", json_integer(tlv->type));
    if (name) {
        json_object_set_new(json, "name", json_string(name));
    }
    json_object_set_new(json, "offset", json_integer(tlv->off));
    json_object_set_new(json, "length", json_integer(tlv->len));
    json_object_set_new(json, "hex", json_string(tool_hex(tlv->value, tlv->len, hex)));
    if (tlv->type == 0x40 || tlv->type == 0x50) {
        json_object_set_new(json, "value", json_string(value));
    }
    return json;
}

static void add_header(json_t *json, const struct inspect_image *image)
{
    char text[INSPECT_VALUE_SIZE];
    json_object_set_new(json, "version", json_string(tool_version_text(&image->version, text)));
    json_object_set_new(json, "size", json_integer((json_int_t)image->end));
    json_object_set_new(json, "header_size", json_integer(image->header_size));
    json_object_set_new(json, "payload_size", json_integer(image->payload_size));
    json_object_set_new(json, "protected_size", json_integer(image->protected_size));
    json_object_set_new(json, "flags", json_integer(image->flags));
    inspect_flags_text(image->flags, text);
    json_object_set_new(json, "flags_text", json_string(text));
    json_object_set_new(json, "load_addr", json_integer(image->load_addr));
    json_object_set_new(json, "hash_good", json_boolean(image->verdict.hash_good));
    json_t *tlvs = json_array();
    for (size_t i = 0; i < image->tlvs_count; i++) {
        json_array_append_new(tlvs, tlv_json(&image->tlvs[i]));
    }
    json_object_set_new(json, "tlvs", tlvs);
}

json_t *inspect_image_json(const struct inspect_image *image)
{
    json_t *json = json_object();
    json_object_set_new(json, "kind", json_string(image->has_header ? "image" : "unknown"));
    json_object_set_new(json, "accepted", json_boolean(image->accepted));
    if (!image->accepted) {
        json_object_set_new(json, "fault", json_string(tool_fault_name(image->verdict.fault)));
        json_object_set_new(json, "reason", json_string(image->why));
    }
    if (image->has_header) {
        add_header(json, image);
    }
    if (image->trailer.found) {
        const struct inspect_trailer *trailer = &image->trailer;
        json_object_set_new(json, "trailer", json_pack("{s:i, s:s, s:s, s:s}", "max_align",
                            (int)trailer->max_align, "image_ok", trailer->image_ok, "copy_done",
                            trailer->copy_done, "swap", trailer->swap));
    }
    return json;
}
