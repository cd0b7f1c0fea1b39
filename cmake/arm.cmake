# SPDX-License-Identifier: Apache-2.0
# What the toolchain files of the boards share: Debian's gcc-arm-none-eabi and picolibc.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_FLAGS_INIT
    "-mcpu=${OTTER_CPU} -mthumb -ffunction-sections -fdata-sections --specs=picolibc.specs")
set(CMAKE_C_FLAGS_MINSIZEREL "-Os -g3 -DNDEBUG") # -g: for gdb; not in the image
