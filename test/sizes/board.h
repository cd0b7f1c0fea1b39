/* SPDX-License-Identifier: Apache-2.0 */
/*
 * board.h - the least that a board is: start-up, two flash devices behind registers, a watchdog.
 *
 * Never run. It makes complete programs for an imaginary part, so that the linker drops what a
 * product would not carry. The layout is that of psoc62_2m_ext_swap_single.
 */
#ifndef OTTER_TEST_SIZES_BOARD_H
#define OTTER_TEST_SIZES_BOARD_H

#include "otter/state.h"

int main(void);
extern const struct otter_layout board_layout;
extern const struct otter_key board_key;
void board_feed(void *ctx);
_Noreturn void board_jump(uint32_t vector_table);

#endif
