/* SPDX-License-Identifier: Apache-2.0 */
/* terminal.h - what may be drawn on stdout. */
#ifndef OTTER_TOOL_TERMINAL_H
#define OTTER_TOOL_TERMINAL_H

#include <stdbool.h>

bool terminal_has_utf8(void);   /* by LC_ALL, LC_CTYPE, LANG */
bool terminal_has_colour(void); /* a terminal, and no NO_COLOR */
int terminal_width(void);       /* columns; 80 where there is no terminal */

#endif
