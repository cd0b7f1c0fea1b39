/* SPDX-License-Identifier: Apache-2.0 */
/* emulate_otp.c - factory settings as bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/emulate_otp.h"

#define LEN_MAX 0xffffu

static void store_le16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void store_le32(uint8_t *at, uint32_t value)
{
    store_le16(at, value & 0xffffu);
    store_le16(at + 2, value >> 16);
}

/* Zeroed room at the end; NULL: none. */
static uint8_t *grow(struct emulate_otp *otp, size_t len)
{
    uint8_t *data = realloc(otp->bytes.data, otp->bytes.len + len);
    if (!data) {
        otp->failed = true;
        return NULL;
    }
    uint8_t *room = data + otp->bytes.len;
    memset(room, 0, len);
    otp->bytes.data = data;
    otp->bytes.len += len;
    return room;
}

static bool has_head(struct emulate_otp *otp)
{
    return !otp->failed && (otp->bytes.data || grow(otp, EMULATE_OTP_HEAD));
}

void emulate_otp_add(struct emulate_otp *otp, const char *name, const void *value, size_t len)
{
    size_t name_len = strlen(name);
    size_t used = 4 + name_len + 1 + len + 1;
    if (!has_head(otp) || name_len > LEN_MAX || len > LEN_MAX) {
        otp->failed = true;
        return;
    }
    uint8_t *at = grow(otp, (used + 3) & ~(size_t)3);
    if (at) {
        store_le16(at, (uint32_t)name_len);
        store_le16(at + 2, (uint32_t)len);
        memcpy(at + 4, name, name_len);
        memcpy(at + 4 + name_len + 1, value, len);
    }
}

void emulate_otp_text(struct emulate_otp *otp, const char *name, const char *text)
{
    if (text && *text) {
        emulate_otp_add(otp, name, text, strlen(text));
    }
}

void emulate_otp_number(struct emulate_otp *otp, const char *name, long number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%ld", number);
    emulate_otp_text(otp, name, text);
}

/* IEEE 802.3, reflected, as zlib's crc32. */
static uint32_t crc32_of(const uint8_t *data, size_t len)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1u ? 0xedb88320u : 0);
        }
    }
    return ~crc;
}

int emulate_otp_finish(struct emulate_otp *otp, size_t size_max)
{
    if (!has_head(otp) || otp->bytes.len > size_max) {
        return tool_refuse("the factory settings (keys, certificates, names) do not fit into %zu bytes", size_max);
    }
    uint8_t *head = otp->bytes.data;
    memcpy(head, "OTTRSET1", 8);
    store_le32(head + 8, (uint32_t)(otp->bytes.len - EMULATE_OTP_HEAD));
    store_le32(head + 12, crc32_of(head + EMULATE_OTP_HEAD, otp->bytes.len - EMULATE_OTP_HEAD));
    return 0;
}
