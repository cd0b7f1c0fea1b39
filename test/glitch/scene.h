/* SPDX-License-Identifier: Apache-2.0 */
/* scene.h - what lies in flash when the bootloader starts: the wrong images, and where. */
#ifndef GLITCH_SCENE_H
#define GLITCH_SCENE_H

#include "test/glitch/machine.h"

struct scene {
    const char *name;
    const char *primary, *secondary; /* image files NAME.bin; NULL: erased */
    const char *requested;           /* of this image: the swap is asked for; NULL: at rest */
    const char *rejected;            /* this image failed a trial before */
    const char *right;               /* the image that may be started; NULL: none may */
    const char *what;
};

extern const struct scene scenes[]; /* the last has no name */

/* Prepares the board's flash (files: of the folder); false, after a line, when it cannot. */
bool scene_set(const struct scene *scene, const char *folder, struct board *board);

/* Is the image that may be started, and no other, in the primary slot? Of the scene set last. */
bool scene_is_right(const struct board *board);

/* Where the image in the primary slot begins to run: its reset handler. */
#define SCENE_HEADER_SIZE 0x400u
uint32_t scene_entry(const struct board *board);

#endif
