/* SPDX-License-Identifier: Apache-2.0 */
/*
 * images.h - signed images for the power-cut tests and the cost bench.
 *
 * Real headers, TLVs and SHA-256; the signature is a stand-in (a function of the hash), so
 * that a hundred thousand boots take seconds.
 */
#ifndef OTTER_TEST_IMAGES_H
#define OTTER_TEST_IMAGES_H

#include "otter/image.h"

#define IMAGE_OVERHEAD 120u      /* header and TLVs: the smallest image is one byte more */
#define IMAGE_OVERHEAD_MOST 132u /* with a security counter */

struct test_image {
    uint8_t *bytes;
    uint32_t size;
    struct otter_image parsed;
};

extern const struct otter_key test_key;

/* `size` bytes in all, version major.0.0, payload from `seed`. counter 0: no security counter.
 * Release with image_free. */
void image_make(struct test_image *image, uint32_t size, uint8_t major, uint32_t counter,
                uint64_t seed);

/* The same with 30 % of the 4 KiB (or `block`) pieces of `base` replaced. */
void image_derive(struct test_image *image, const struct test_image *base, uint8_t major,
                  uint32_t block, uint64_t seed);
void image_free(struct test_image *image);

#endif
