# SPDX-License-Identifier: Apache-2.0
# Toolchain file: Cortex-M4, Debian's gcc-arm-none-eabi.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m4 -mthumb -ffunction-sections -fdata-sections -fcallgraph-info=su --specs=nano.specs")
set(CMAKE_C_FLAGS_MINSIZEREL "-Os -DNDEBUG")
# The call graphs must be written by every compilation: a compiler cache would leave them out.
set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env)
