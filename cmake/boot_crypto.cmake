# SPDX-License-Identifier: Apache-2.0
# What a bootloader takes of mbedTLS and libsodium: otter_boot_p256, otter_boot_ed25519. Theirs
# to warn about, not ours.
set(OTTER_SODIUM_DIR "" CACHE PATH "unpacked libsodium source")
set(p256m ${OTTER_MBEDTLS_DIR}/3rdparty/p256-m/p256-m)
set(sodium ${OTTER_SODIUM_DIR}/src/libsodium)

add_library(boot_sha256 STATIC EXCLUDE_FROM_ALL ${OTTER_MBEDTLS_DIR}/library/sha256.c port/mbedtls/boot_zeroize.c)
add_library(boot_p256m STATIC EXCLUDE_FROM_ALL ${p256m}/p256-m.c)
target_compile_definitions(boot_p256m PRIVATE MBEDTLS_PSA_P256M_DRIVER_ENABLED)
add_library(boot_sodium STATIC EXCLUDE_FROM_ALL ${OTTER_MBEDTLS_DIR}/library/sha512.c
    ${OTTER_MBEDTLS_DIR}/library/bignum_core.c ${OTTER_MBEDTLS_DIR}/library/constant_time.c
    ${sodium}/crypto_core/ed25519/ref10/ed25519_ref10.c ${sodium}/crypto_sign/ed25519/ref10/open.c
    ${sodium}/crypto_sign/ed25519/ref10/sign.c ${sodium}/crypto_verify/sodium/verify.c ${sodium}/sodium/utils.c)
target_include_directories(boot_sodium PRIVATE ${sodium}/include ${sodium}/include/sodium)
set_source_files_properties(${sodium}/crypto_core/ed25519/ref10/ed25519_ref10.c PROPERTIES
    COMPILE_DEFINITIONS sc25519_reduce=sc25519_reduce_unrolled) # ours instead: port/sodium/scalar.c
add_library(boot_port STATIC EXCLUDE_FROM_ALL port/mbedtls/sha256.c port/mbedtls/ecdsa_p256.c)
target_include_directories(boot_port SYSTEM PRIVATE ${p256m})
add_library(boot_port_ed25519 STATIC EXCLUDE_FROM_ALL port/sodium/ed25519.c port/sodium/scalar.c port/sodium/sha512.c)
target_include_directories(boot_port_ed25519 SYSTEM PRIVATE ${sodium}/include ${OTTER_MBEDTLS_DIR}/library)
foreach(library boot_sha256 boot_p256m boot_sodium boot_port boot_port_ed25519)
    target_compile_definitions(${library} PRIVATE MBEDTLS_CONFIG_FILE=<otter_mbedtls_boot_config.h>)
    target_include_directories(${library} SYSTEM PRIVATE ${OTTER_MBEDTLS_DIR}/include)
    target_include_directories(${library} PRIVATE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/port/mbedtls)
endforeach()
foreach(library boot_sha256 boot_p256m boot_sodium)
    target_compile_options(${library} PRIVATE -w)
endforeach()
foreach(library boot_port boot_port_ed25519)
    target_link_libraries(${library} PRIVATE otter_warnings)
endforeach()
target_link_libraries(boot_port_ed25519 PRIVATE boot_sodium) # each needs the other
target_link_libraries(boot_sodium PRIVATE boot_port_ed25519)

add_library(otter_boot_p256 INTERFACE)
target_link_libraries(otter_boot_p256 INTERFACE boot_port boot_p256m boot_sha256)
add_library(otter_boot_ed25519 INTERFACE)
target_link_libraries(otter_boot_ed25519 INTERFACE boot_port_ed25519 boot_port boot_sodium boot_sha256)
