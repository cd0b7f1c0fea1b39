# SPDX-License-Identifier: Apache-2.0
# Toolchain file: the emulated XMC7200 board, a Cortex-M7.
set(OTTER_CPU cortex-m7)
include(${CMAKE_CURRENT_LIST_DIR}/arm.cmake)
