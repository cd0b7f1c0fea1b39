/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for a TLV of any type and index in any image that could have been taken, in a slot of any
 * size up to SIZE, over flash that may give other bytes at every read: it ends inside the slot.
 */
#include "image_slot.h"

int main(void)
{
    struct otter_view view = any_slot();
    struct otter_image image = {.header_size = nondet_u32(), .payload_size = nondet_u32(), .tlv_off = nondet_u32()};
    uint32_t off = 0;
    uint16_t len = 0;
    ASSUME(image.header_size <= UINT16_MAX && image.payload_size <= flash.size);
    ASSUME(image.header_size + image.payload_size <= image.tlv_off && image.tlv_off <= flash.size);
    ASSUME(flash.size - image.tlv_off >= 4);
    int err = otter_image_tlv(&view, &image, nondet_u16(), nondet_u32(), &off, &len);
    PROVE(err == OTTER_OK || err == OTTER_ERR_CORRUPT || err == OTTER_ERR_IO);
    PROVE(err != OTTER_OK || (off <= flash.size && len <= flash.size - off));
    return 0;
}
