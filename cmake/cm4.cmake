# SPDX-License-Identifier: Apache-2.0
# Toolchain file: a Cortex-M4, for `make sizes`.
set(OTTER_CPU cortex-m4)
include(${CMAKE_CURRENT_LIST_DIR}/arm.cmake)
