# SPDX-License-Identifier: Apache-2.0
# The built-in flash maps: flashmap/*.json as one C file in the build folder, made at
# configure time and again when a file changes.
file(GLOB OTTER_FLASHMAPS CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/flashmap/*.json)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${OTTER_FLASHMAPS})
set(texts "")
set(rows "")
foreach(file ${OTTER_FLASHMAPS})
    get_filename_component(name ${file} NAME_WE)
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(APPEND texts "static const char ${name}[] = {${bytes}0};\n")
    string(APPEND rows "    {\"${name}\", ${name}, sizeof ${name} - 1},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/flashmap_builtins.c CONTENT
"/* Made by cmake/embed.cmake from flashmap/. */
#include \"tool/flashmap_parts.h\"
@texts@
const struct flashmap_builtin flashmap_builtins[] = {
@rows@    {0, 0, 0},
};
" @ONLY)

# The style and the script of the page, tool/web/, as page_assets.c.
set(assets "")
foreach(asset "style;style.css" "script;live.js")
    list(GET asset 0 name)
    list(GET asset 1 file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tool/web/${file})
    file(READ ${CMAKE_SOURCE_DIR}/tool/web/${file} bytes HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(APPEND assets "const unsigned char page_${name}[] = {${bytes}};\nconst unsigned page_${name}_len = sizeof page_${name};\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/page_assets.c CONTENT
"/* Made by cmake/embed.cmake from tool/web/. */
#include \"tool/page_parts.h\"
@assets@" @ONLY)
