# SPDX-License-Identifier: Apache-2.0
# Toolchain file: the emulated PSOC 6 board, a Cortex-M4.
set(OTTER_CPU cortex-m4)
include(${CMAKE_CURRENT_LIST_DIR}/arm.cmake)
