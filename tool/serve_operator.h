/* SPDX-License-Identifier: Apache-2.0 */
/* serve_operator.h - `otter serve operator ...`; argv[0] is "operator". */
#ifndef OTTER_TOOL_SERVE_OPERATOR_H
#define OTTER_TOOL_SERVE_OPERATOR_H

int serve_operator(int argc, const char **argv);

#endif
