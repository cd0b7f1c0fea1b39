# SPDX-License-Identifier: Apache-2.0
# Complete firmware for one board: for each of its flash maps a bootloader, and the example
# application in several versions. The presets name the board; board/NAME/board.cmake describes it.
set(OTTER_BOARD "" CACHE STRING "a folder of board/: qemu-psoc62, qemu-xmc7200, template, or your own")
set(OTTER_TOOL "" CACHE FILEPATH "the host command `otter`: makes headers and linker fragments of flash maps")
# VERSION:LED_MS (milliseconds between two toggles), and :revert for one that hangs (TEST_REVERT).
set(OTTER_APP_VERSIONS "1.0.0:1000;1.1.0:100;1.2.0:100:revert" CACHE STRING "versions of ota-https to build")

include(${CMAKE_SOURCE_DIR}/board/${OTTER_BOARD}/board.cmake)
set(maps ${BOARD_MAPS})
if(NOT BOARD_SHARED)
    set(BOARD_SHARED ${OTTER_BOARD})
endif()
set(board_shared ${CMAKE_SOURCE_DIR}/board/${BOARD_SHARED})
set(board_place $<$<BOOL:${BOARD_EMULATED}>:--board=${OTTER_BOARD}>)
include(bootloader)
include(lwip)
otter_lwip_libraries()

# The flash map as C header and linker fragment, with the addresses that this board has.
function(otter_map_files map)
    set(folder ${CMAKE_BINARY_DIR}/${map})
    file(MAKE_DIRECTORY ${folder})
    # A new tool writes the same files: only what changed is compiled again.
    add_custom_command(OUTPUT ${folder}/otter_map.h ${folder}/otter_map.ld
        COMMAND ${OTTER_TOOL} flashmap header ${board_place} -o ${folder}/new_map.h ${CMAKE_SOURCE_DIR}/flashmap/${map}.json
        COMMAND ${OTTER_TOOL} flashmap header ${board_place} --linker -o ${folder}/new_map.ld ${CMAKE_SOURCE_DIR}/flashmap/${map}.json
        COMMAND ${CMAKE_COMMAND} -E copy_if_different ${folder}/new_map.h ${folder}/otter_map.h
        COMMAND ${CMAKE_COMMAND} -E copy_if_different ${folder}/new_map.ld ${folder}/otter_map.ld
        DEPENDS ${CMAKE_SOURCE_DIR}/flashmap/${map}.json ${OTTER_TOOL} VERBATIM COMMAND_EXPAND_LISTS)
    add_custom_target(map_${map} DEPENDS ${folder}/otter_map.h ${folder}/otter_map.ld)
endfunction()

file(GLOB board_sources CONFIGURE_DEPENDS ${board_shared}/*.c ${CMAKE_SOURCE_DIR}/board/${OTTER_BOARD}/*.c)
list(REMOVE_DUPLICATES board_sources)
list(APPEND board_sources ${CMAKE_SOURCE_DIR}/board/words.c)
list(APPEND board_sources ${BOARD_SOURCES})
file(GLOB board_scripts CONFIGURE_DEPENDS ${board_shared}/*.ld)
file(GLOB bootloader_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/app/bootloader/*.c)
file(GLOB application_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/app/ota-https/*.c)
list(FILTER application_sources EXCLUDE REGEX "/version\\.c$")

function(otter_board_target name map)
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/board/${OTTER_BOARD} ${CMAKE_BINARY_DIR}/${map}
                                               ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/include)
    target_include_directories(${name} SYSTEM PRIVATE ${BOARD_INCLUDES})
    target_link_libraries(${name} PRIVATE otter_warnings)
    add_dependencies(${name} map_${map})
endfunction()

# A program for the board, linked by one of its scripts; beside the .elf its .bin and .map.
function(otter_firmware name map script)
    add_executable(${name} ${ARGN})
    otter_board_target(${name} ${map})
    set_target_properties(${name} PROPERTIES SUFFIX .elf
        LINK_DEPENDS "${board_scripts};${CMAKE_BINARY_DIR}/${map}/otter_map.ld")
    target_link_options(${name} PRIVATE -nostartfiles -Wl,--gc-sections -Wl,-Map=${name}.map
        -L${CMAKE_SOURCE_DIR}/board/${OTTER_BOARD} -L${board_shared} -L${CMAKE_BINARY_DIR}/${map}
        -T${board_shared}/${script})
    add_custom_command(TARGET ${name} POST_BUILD
        COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:${name}> ${name}.bin VERBATIM)
endfunction()

# picolibc has two builds: the smallest (a bootloader's), and one that copies memory by words.
function(otter_fast_libc name)
    target_link_options(${name} PRIVATE --picolibc-buildtype=release)
endfunction()

foreach(map ${maps})
    otter_map_files(${map})
    add_library(board_${map} STATIC ${board_sources})
    otter_board_target(board_${map} ${map})
    target_link_libraries(board_${map} PRIVATE otter_lwip)

    otter_firmware(bootloader-${map} ${map} bootloader.ld ${bootloader_sources})
    target_link_libraries(bootloader-${map} PRIVATE board_${map} otter_bootloader otter_boot_p256)

    if(BOARD_EMULATED) # for test/boards/board.py
        otter_firmware(blink-${map} ${map} application.ld ${CMAKE_SOURCE_DIR}/test/boards/blink/main.c)
        target_link_libraries(blink-${map} PRIVATE board_${map} otter_slot)
    endif()

    if(NOT application_sources)
        continue()
    endif()
    add_library(ota_https_${map} OBJECT ${application_sources})
    otter_board_target(ota_https_${map} ${map})
    target_link_libraries(ota_https_${map} PRIVATE otter_port_lwip otter_port_mbedtls)
    foreach(version ${OTTER_APP_VERSIONS})
        string(REPLACE ":" ";" parts ${version})
        list(GET parts 0 number)
        list(GET parts 1 led_ms)
        otter_firmware(ota-https-${map}-${number} ${map} application.ld
            ${CMAKE_SOURCE_DIR}/app/ota-https/version.c $<TARGET_OBJECTS:ota_https_${map}>)
        target_compile_definitions(ota-https-${map}-${number} PRIVATE APP_VERSION="${number}" APP_LED_MS=${led_ms}
            $<$<IN_LIST:revert,${parts}>:TEST_REVERT>)
        target_link_libraries(ota-https-${map}-${number} PRIVATE board_${map} otter_agent otter_slot
            otter_port_lwip otter_port_mbedtls)
        otter_fast_libc(ota-https-${map}-${number})
    endforeach()
endforeach()

# For measurements, on the board's first map: test/boards/bench.py.
list(GET maps 0 map)
set(bench ${CMAKE_SOURCE_DIR}/test/boards/bench)
otter_firmware(bench-boot-${map} ${map} application.ld ${bench}/boot.c ${bench}/bench.c)
target_link_libraries(bench-boot-${map} PRIVATE board_${map} otter_bootloader otter_boot_p256)
otter_firmware(bench-net-${map} ${map} application.ld ${bench}/net.c ${bench}/bench.c)
target_link_libraries(bench-net-${map} PRIVATE board_${map} otter_agent otter_slot otter_port_lwip otter_port_mbedtls)
otter_fast_libc(bench-net-${map})
add_custom_target(bench DEPENDS bench-boot-${map} bench-net-${map} bootloader-${map})
