# SPDX-License-Identifier: Apache-2.0
# Complete programs for an imaginary Cortex-M4 part, to be measured: `make sizes`.
set(OTTER_SODIUM_DIR "" CACHE PATH "unpacked libsodium source")
set(p256m ${OTTER_MBEDTLS_DIR}/3rdparty/p256-m/p256-m)
set(sodium ${OTTER_SODIUM_DIR}/src/libsodium)

# What a bootloader takes of mbedTLS and libsodium. Theirs to warn about, not ours.
add_library(size_sha256 STATIC ${OTTER_MBEDTLS_DIR}/library/sha256.c ${OTTER_MBEDTLS_DIR}/library/platform_util.c)
add_library(size_p256 STATIC ${p256m}/p256-m.c)
target_compile_definitions(size_p256 PRIVATE MBEDTLS_PSA_P256M_DRIVER_ENABLED)
add_library(size_ed25519 STATIC ${OTTER_MBEDTLS_DIR}/library/sha512.c
    ${OTTER_MBEDTLS_DIR}/library/bignum_core.c ${OTTER_MBEDTLS_DIR}/library/constant_time.c
    ${sodium}/crypto_core/ed25519/ref10/ed25519_ref10.c ${sodium}/crypto_sign/ed25519/ref10/open.c
    ${sodium}/crypto_sign/ed25519/ref10/sign.c ${sodium}/crypto_verify/sodium/verify.c ${sodium}/sodium/utils.c)
target_include_directories(size_ed25519 PRIVATE ${sodium}/include ${sodium}/include/sodium)
set_source_files_properties(${sodium}/crypto_core/ed25519/ref10/ed25519_ref10.c PROPERTIES
    COMPILE_DEFINITIONS sc25519_reduce=sc25519_reduce_unrolled) # ours instead: port/sodium/scalar.c
add_library(size_port STATIC port/mbedtls/sha256.c port/mbedtls/ecdsa_p256.c)
target_include_directories(size_port SYSTEM PRIVATE ${p256m})
add_library(size_port_ed25519 STATIC port/sodium/ed25519.c port/sodium/scalar.c port/sodium/sha512.c)
target_include_directories(size_port_ed25519 SYSTEM PRIVATE ${sodium}/include ${OTTER_MBEDTLS_DIR}/library)
foreach(library size_sha256 size_p256 size_ed25519 size_port size_port_ed25519)
    target_compile_definitions(${library} PRIVATE MBEDTLS_CONFIG_FILE=<otter_mbedtls_boot_config.h>)
    target_include_directories(${library} SYSTEM PRIVATE ${OTTER_MBEDTLS_DIR}/include)
    target_include_directories(${library} PRIVATE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/port/mbedtls)
endforeach()
foreach(library size_sha256 size_p256 size_ed25519)
    target_compile_options(${library} PRIVATE -w)
endforeach()
foreach(library size_port size_port_ed25519)
    target_link_libraries(${library} PRIVATE otter_warnings)
endforeach()
target_link_libraries(size_port_ed25519 PRIVATE size_ed25519) # each needs the other
target_link_libraries(size_ed25519 PRIVATE size_port_ed25519)

set(programs)
function(otter_size_program name)
    add_executable(${name} test/sizes/board.c test/sizes/key.c ${ARGN})
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
    target_link_options(${name} PRIVATE -nostartfiles -Wl,--gc-sections -Wl,-Map=${name}.map
        -T ${CMAKE_SOURCE_DIR}/test/sizes/link.ld)
    set_target_properties(${name} PROPERTIES LINK_DEPENDS ${CMAKE_SOURCE_DIR}/test/sizes/link.ld)
    set(programs ${programs} ${name} PARENT_SCOPE)
endfunction()

if(OTTER_BOOT_SOURCES)
    otter_size_program(size_boot_p256 test/sizes/boot.c)
    target_link_libraries(size_boot_p256 PRIVATE otter_boot otter_slot size_port size_p256 size_sha256)
    otter_size_program(size_boot_ed25519 test/sizes/boot.c)
    target_compile_definitions(size_boot_ed25519 PRIVATE OTTER_SIZES_ED25519)
    target_link_libraries(size_boot_ed25519 PRIVATE otter_boot otter_slot size_port_ed25519 size_port size_ed25519
        size_sha256)
endif()
if(OTTER_AGENT_SOURCES)
    otter_size_program(size_agent test/sizes/agent.c)
    target_link_libraries(size_agent PRIVATE otter_agent otter_slot size_port size_p256 size_sha256)
endif()

add_custom_target(sizes
    COMMAND python3 ${CMAKE_SOURCE_DIR}/scripts/sizes.py ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR}/docs/sizes.md
    DEPENDS ${programs} USES_TERMINAL VERBATIM)
