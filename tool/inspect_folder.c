/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_folder.c - a host board's folder: its slots and its journal. */
#include "tool/inspect.h"

int inspect_folder(const char *path, bool json)
{
    (void)json;
    return tool_refuse("'%s' is a directory, a file is needed", path);
}
