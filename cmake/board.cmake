# SPDX-License-Identifier: Apache-2.0
# Toolchain file of every board: board/<OTTER_BOARD>/board.cmake names the processor.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES OTTER_BOARD)
include(${CMAKE_CURRENT_LIST_DIR}/../board/${OTTER_BOARD}/board.cmake)
set(OTTER_CPU ${BOARD_CPU})
include(${CMAKE_CURRENT_LIST_DIR}/arm.cmake)
