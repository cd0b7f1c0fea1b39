# SPDX-License-Identifier: Apache-2.0
# Complete programs for an imaginary Cortex-M4 part, measured by scripts/sizes.py: `make sizes`.
include(bootloader)

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
    target_link_libraries(size_boot_p256 PRIVATE otter_bootloader otter_boot_p256)
    otter_size_program(size_boot_ed25519 test/sizes/boot.c)
    target_compile_definitions(size_boot_ed25519 PRIVATE OTTER_SIZES_ED25519)
    target_link_libraries(size_boot_ed25519 PRIVATE otter_bootloader otter_boot_ed25519)
endif()
if(OTTER_AGENT_SOURCES)
    otter_size_program(size_agent test/sizes/agent.c)
    target_link_libraries(size_agent PRIVATE otter_agent otter_slot otter_boot_p256)
    otter_size_program(size_agent_patches test/sizes/agent.c)
    target_compile_definitions(size_agent_patches PRIVATE OTTER_SIZES_PATCHES)
    target_link_libraries(size_agent_patches PRIVATE otter_agent otter_slot otter_boot_p256)
endif()
if(OTTER_DELTA_SOURCES)
    otter_size_program(size_delta test/sizes/delta.c)
    target_link_libraries(size_delta PRIVATE otter_delta otter_slot otter_boot_p256)

    # Instructions of the decoder, counted in QEMU: test/delta/speed.py.
    add_executable(delta_speed EXCLUDE_FROM_ALL test/delta/speed.c)
    target_link_libraries(delta_speed PRIVATE otter_delta)
    target_link_options(delta_speed PRIVATE -nostartfiles -Wl,--gc-sections -T ${CMAKE_SOURCE_DIR}/test/delta/speed.ld)
    set_target_properties(delta_speed PROPERTIES LINK_DEPENDS ${CMAKE_SOURCE_DIR}/test/delta/speed.ld)
endif()

add_custom_target(sizes DEPENDS ${programs})
