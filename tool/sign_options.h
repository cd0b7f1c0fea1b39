/* SPDX-License-Identifier: Apache-2.0 */
/* sign_options.h - what the command line of `otter sign` comes to. */
#ifndef OTTER_TOOL_SIGN_OPTIONS_H
#define OTTER_TOOL_SIGN_OPTIONS_H

#include "tool/sign.h"

struct sign_options {
    struct tool_sign sign; /* sign.key borrows key */
    struct tool_key key;
    char *input;
    char *output;
    bool has_hex_addr;
    uint64_t hex_addr;
    uint32_t image_size_max; /* of the flash map; 0: no map */
    uint32_t slot_addr;      /* of its primary slot, on the board if one is named */
};

/* true: go on. false: *ret_exit is the exit code (after --help, or after saying what is wrong).
 * Free in both cases. */
bool sign_options_read(int argc, const char **argv, struct sign_options *ret_options, int *ret_exit);
void sign_options_free(struct sign_options *options);

#endif
