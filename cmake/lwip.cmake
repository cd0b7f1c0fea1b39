# SPDX-License-Identifier: Apache-2.0
# lwIP 2.2 from its own unpacked source, with the configuration of port/lwip.
set(lwip ${OTTER_LWIP_DIR}/src)
file(GLOB lwip_sources ${lwip}/core/*.c ${lwip}/core/ipv4/*.c)
add_library(otter_lwip STATIC EXCLUDE_FROM_ALL ${lwip_sources} ${lwip}/netif/ethernet.c)
target_include_directories(otter_lwip SYSTEM PUBLIC ${lwip}/include)
target_include_directories(otter_lwip PUBLIC ${CMAKE_SOURCE_DIR}/port/lwip/include)
target_compile_options(otter_lwip PRIVATE -w)

otter_device_library(otter_port_lwip ${OTTER_PORT_LWIP_SOURCES})
otter_link(otter_port_lwip otter_lwip)
