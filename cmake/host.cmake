# SPDX-License-Identifier: Apache-2.0
# What runs on a laptop: simulated flash, host board, the `otter` tool, tests.
enable_testing()
find_package(PkgConfig REQUIRED)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(POPT REQUIRED IMPORTED_TARGET popt)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libssl libcrypto)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent libevent_openssl)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(DIVSUFSORT REQUIRED IMPORTED_TARGET libdivsufsort)
find_package(Threads REQUIRED)

otter_device_library(otter_port_sodium ${OTTER_PORT_SODIUM_SOURCES})
otter_link(otter_port_sodium PkgConfig::SODIUM)
if(OTTER_PORT_POSIX_SOURCES)
    otter_device_library(otter_port_posix ${OTTER_PORT_POSIX_SOURCES})
    otter_link(otter_port_mbedtls otter_port_posix)
endif()

function(otter_host_library name folder)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.c)
    list(FILTER sources EXCLUDE REGEX "/main\\.c$")
    if(sources)
        add_library(${name} STATIC ${sources})
        target_compile_definitions(${name} PUBLIC _GNU_SOURCE)
        target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR})
        target_link_libraries(${name} PRIVATE otter_warnings)
    else()
        add_library(${name} INTERFACE)
    endif()
endfunction()

# `otter fleet` holds thousands of TLS connections, and each has keys in mbedTLS's one store.
target_compile_definitions(otter_mbedtls PUBLIC MBEDTLS_PSA_KEY_SLOT_COUNT=65536)

otter_host_library(otter_sim sim)
otter_host_library(otter_board_host board/host)
otter_host_library(otter_tool tool)
include(embed) # flashmap_builtins.c, page_assets.c
target_sources(otter_tool PRIVATE ${CMAKE_BINARY_DIR}/flashmap_builtins.c ${CMAKE_BINARY_DIR}/page_assets.c)
# `otter emulate` builds firmware in the tree that it comes from.
set_source_files_properties(tool/emulate_firmware.c PROPERTIES COMPILE_DEFINITIONS OTTER_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
set(OTTER_ALL otter_tool otter_board_host otter_agent otter_boot otter_delta otter_slot otter_sim
              otter_port_mbedtls otter_port_sodium
              PkgConfig::JANSSON PkgConfig::POPT PkgConfig::OPENSSL PkgConfig::EVENT PkgConfig::SODIUM
              PkgConfig::CURL PkgConfig::SQLITE PkgConfig::PQ PkgConfig::DIVSUFSORT Threads::Threads m)

foreach(library otter_sim otter_board_host otter_tool)
    get_target_property(type ${library} TYPE)
    if(NOT type STREQUAL "INTERFACE_LIBRARY")
        target_link_libraries(${library} PUBLIC otter_agent otter_boot otter_slot otter_delta otter_port_mbedtls
            otter_port_sodium PkgConfig::JANSSON PkgConfig::POPT PkgConfig::OPENSSL PkgConfig::EVENT
            PkgConfig::CURL PkgConfig::SQLITE PkgConfig::PQ PkgConfig::DIVSUFSORT Threads::Threads)
    endif()
endforeach()

add_executable(otter tool/main.c)
target_link_libraries(otter PRIVATE ${OTTER_ALL} otter_warnings)

add_subdirectory(test)
