/* SPDX-License-Identifier: Apache-2.0 */
/* result.c - names of errors. */
#include "otter/result.h"

const char *otter_err_str(int err)
{
    switch ((enum otter_err)err) {
    case OTTER_OK:
        return "ok";
    case OTTER_ERR_IO:
        return "input/output";
    case OTTER_ERR_TIMEOUT:
        return "timeout";
    case OTTER_ERR_CORRUPT:
        return "corrupt";
    case OTTER_ERR_AUTH:
        return "not genuine";
    case OTTER_ERR_REFUSED:
        return "refused";
    case OTTER_ERR_NOSPACE:
        return "no space";
    case OTTER_ERR_ARG:
        return "bad argument";
    }
    return err > 0 ? "ok" : "unknown error";
}
