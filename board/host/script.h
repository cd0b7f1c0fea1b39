/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - what a host board's application does, as text in its signed image.
 *
 * The host board cannot run machine code, so an image's payload begins with a few lines
 * that say how its application behaves; filler up to the wanted size follows. Everything
 * before the payload is read (download, signature, swap) treats it like any firmware.
 */
#ifndef OTTER_BOARD_HOST_SCRIPT_H
#define OTTER_BOARD_HOST_SCRIPT_H

#include "otter/image.h"

#define HOST_SCRIPT_SIZE 256u /* the text and its padding; smallest payload */

enum host_behave {
    HOST_BEHAVE_HEALTHY, /* passes its health check, confirms */
    HOST_BEHAVE_SICK,    /* fails its health check and gives itself up */
    HOST_BEHAVE_HANG,    /* an endless loop right after its start */
    HOST_BEHAVE_SILENT   /* runs, never passes its health check, never gives up */
};
const char *host_behave_str(enum host_behave behave);
int host_behave_parse(const char *name, enum host_behave *ret_behave); /* <0: no such */

struct host_script {
    struct otter_version version; /* what the application calls itself */
    uint32_t led_ms;              /* between two toggles of the LED */
    enum host_behave behave;
};

/* Fill a payload of `size` bytes (>= HOST_SCRIPT_SIZE): the same arguments, the same bytes. */
void host_script_write(const struct host_script *script, uint64_t seed, uint8_t *payload, size_t size);

/* Read the text at the start of a payload; <0: there is none. */
int host_script_read(const uint8_t *payload, size_t len, struct host_script *ret_script);

/* "1.2.3" or "1.2.3+4", nothing behind it; <0: not a version. */
int host_version_parse(const char *text, struct otter_version *ret_version);
#define HOST_VERSION_SIZE 24u
void host_version_print(const struct otter_version *version, char text[HOST_VERSION_SIZE]);

#endif
