# SPDX-License-Identifier: Apache-2.0
# What the build must know of this board: plain lines, scripts/check_board.py reads them, too.
set(BOARD_CPU cortex-m4)
set(BOARD_MAPS psoc62_2m_ext_swap_single) # flashmap/NAME.json; several are built side by side
set(BOARD_INCLUDES)                       # folders of your vendor's headers
set(BOARD_SOURCES)                        # files of your vendor's to be compiled, too
