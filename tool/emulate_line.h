/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulate_line.h - UART lines of an emulated board, read as events by board/words.def.
 */
#ifndef OTTER_TOOL_EMULATE_LINE_H
#define OTTER_TOOL_EMULATE_LINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define EMULATE_LINE_SIZE 1024u /* a longer line is cut into several */
#define EMULATE_VALUES_MAX 8u   /* of one line */

/* One line, without its end: {"from", "event", the values by their keys, "line": its text}.
 * A value of digits only is a number. A line that is none of the words is an event "uart" from
 * whoever its front names, else from "board". Bytes that are not ASCII become '?'. NULL: out
 * of memory. */
json_t *emulate_line_event(const char *line);

/* Is it the name of an event, phase or outcome that a line can tell? */
bool emulate_line_knows(const char *name, size_t len);

/* Does the event have this name, or, from the application, this phase or outcome? */
bool emulate_line_is(const json_t *event, const char *name);

#endif
