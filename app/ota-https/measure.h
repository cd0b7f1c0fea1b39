/* SPDX-License-Identifier: Apache-2.0 */
/* measure.h - what the application needs of the board: two lines, LED and memory. */
#ifndef OTTER_APP_MEASURE_H
#define OTTER_APP_MEASURE_H

void measure_say(void);

#endif
