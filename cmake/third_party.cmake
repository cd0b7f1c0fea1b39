# SPDX-License-Identifier: Apache-2.0
# mbedTLS 3.6 from its own unpacked source, with our configuration. `make` sets the folder
# (scripts/setup.sh fetches it); anybody else sets -DOTTER_MBEDTLS_DIR=.
set(OTTER_MBEDTLS_DIR "" CACHE PATH "unpacked mbedTLS 3.6 source")
set(OTTER_LWIP_DIR "" CACHE PATH "unpacked lwIP 2.2 source") # lwip.cmake, where there is a use for it
if(NOT EXISTS ${OTTER_MBEDTLS_DIR}/library/ssl_tls.c)
    message(FATAL_ERROR "mbedTLS 3.6 source not found: run scripts/setup.sh, "
                        "or set -DOTTER_MBEDTLS_DIR= to an unpacked source tree")
endif()
file(GLOB OTTER_MBEDTLS_SOURCES ${OTTER_MBEDTLS_DIR}/library/*.c)
add_library(otter_mbedtls STATIC ${OTTER_MBEDTLS_SOURCES})
target_include_directories(otter_mbedtls SYSTEM PUBLIC ${OTTER_MBEDTLS_DIR}/include)
target_include_directories(otter_mbedtls PUBLIC ${CMAKE_SOURCE_DIR}/port/mbedtls)
target_compile_definitions(otter_mbedtls PUBLIC MBEDTLS_CONFIG_FILE=<otter_mbedtls_config.h>)

# p256-m, which mbedTLS bundles: ECDSA P-256 without a heap. Its random numbers (signing only, which
# Otter's device side never does) come from mbedTLS.
add_library(otter_p256m STATIC ${OTTER_MBEDTLS_DIR}/3rdparty/p256-m/p256-m/p256-m.c)
target_compile_definitions(otter_p256m PRIVATE MBEDTLS_PSA_P256M_DRIVER_ENABLED)
target_include_directories(otter_p256m SYSTEM INTERFACE ${OTTER_MBEDTLS_DIR}/3rdparty/p256-m/p256-m)
target_link_libraries(otter_p256m PRIVATE otter_mbedtls)
