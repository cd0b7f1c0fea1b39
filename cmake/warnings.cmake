# SPDX-License-Identifier: Apache-2.0
# The one place for warnings. -Werror is on in CI only (-DOTTER_WERROR=ON).
add_library(otter_warnings INTERFACE)
target_compile_options(otter_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wcast-align
    -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wswitch-enum -Wwrite-strings
    -Wdouble-promotion -Wformat=2)
option(OTTER_WERROR "treat warnings as errors" OFF)
if(OTTER_WERROR)
    target_compile_options(otter_warnings INTERFACE -Werror)
endif()
