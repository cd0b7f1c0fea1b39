# SPDX-License-Identifier: Apache-2.0
# lwIP 2.2 from its own unpacked source, and port/lwip on top of it.
if(NOT EXISTS ${OTTER_LWIP_DIR}/src/core/tcp.c)
    message(FATAL_ERROR "lwIP 2.2 source not found: run scripts/setup.sh, "
                        "or set -DOTTER_LWIP_DIR= to an unpacked source tree")
endif()
set(lwip ${OTTER_LWIP_DIR}/src)
file(GLOB lwip_sources ${lwip}/core/*.c ${lwip}/core/ipv4/*.c)

# otter_lwip and otter_port_lwip. Folders given come before port/lwip/include, where lwipopts.h
# and arch/cc.h are looked for.
function(otter_lwip_libraries)
    add_library(otter_lwip STATIC EXCLUDE_FROM_ALL ${lwip_sources} ${lwip}/netif/ethernet.c)
    target_include_directories(otter_lwip SYSTEM PUBLIC ${lwip}/include)
    target_include_directories(otter_lwip PUBLIC ${ARGN} ${CMAKE_SOURCE_DIR}/port/lwip/include)
    target_compile_options(otter_lwip PRIVATE -w)

    list(TRANSFORM OTTER_PORT_LWIP_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE sources)
    otter_device_library(otter_port_lwip ${sources})
    set_target_properties(otter_port_lwip PROPERTIES EXCLUDE_FROM_ALL ON)
    otter_link(otter_port_lwip otter_lwip)
endfunction()
