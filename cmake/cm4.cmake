# SPDX-License-Identifier: Apache-2.0
# Toolchain file: Cortex-M4, Debian's gcc-arm-none-eabi.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m4 -mthumb -ffunction-sections -fdata-sections -fstack-usage --specs=nano.specs")
set(CMAKE_C_FLAGS_MINSIZEREL "-Os -DNDEBUG")
