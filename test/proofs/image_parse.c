/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an image, in a slot of any size up to SIZE, over flash that may give other bytes at
 * every read: the reader ends, never asks for a byte outside the slot, and what it says of an image
 * that it takes fits in there.
 */
#include "image_slot.h"

int main(void)
{
    struct otter_view view = any_slot();
    struct otter_image image;
    int fault = otter_image_examine(&view, &image);
    PROVE(fault == OTTER_ERR_IO || (fault >= 0 && fault < OTTER_IMAGE_HASH_WRONG));
    if (fault == 0) {
        PROVE(image.size <= flash.size && image.tlv_off < image.size);
        PROVE(image.header_size >= 32 && image.payload_size >= 1);
        PROVE(image.hashed_size == image.tlv_off && image.header_size + image.payload_size <= image.tlv_off);
    }
    return 0;
}
