#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""header.py - the generated header and linker fragment of every map, compiled and linked.

usage: header.py OTTER

For each of the five maps and each compiler of the machine (cc, gcc, clang,
arm-none-eabi-gcc): the header compiles without a warning, in a program that uses its
initialiser and its macros in #if. A host compiler's program is run, and its layout must
be the one that `otter flashmap show --json` tells. The linker fragment must place code.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MAPS = ["psoc62_2m_ext_overwrite_single", "psoc62_2m_ext_swap_single", "psoc62_512k_xip_swap_single",
        "xmc7200_int_overwrite_single", "xmc7200_int_swap_single"]
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow",
         "-Wcast-qual", "-Wundef", "-Werror", "-I", str(ROOT / "include")]
PROGRAM = """
#include "otter/state.h"
#include "map.h"

#if OTTER_MAP_SWAP != %(swap)d || OTTER_MAP_IMAGE_SIZE_MAX != %(image)d || OTTER_MAP_HAS_JOURNAL != 1
#error "numbers differ"
#endif
#if OTTER_MAP_HAS_SCRATCH && OTTER_MAP_SCRATCH_SIZE == 0
#error "scratch"
#endif
#if OTTER_MAP_JOURNAL_ADDR %% 32 != 0 || OTTER_MAP_BOOTLOADER_ADDR != 0x10000000
#error "areas"
#endif

static const struct otter_flash devices[OTTER_MAP_DEVICES];
extern const struct otter_layout layout;
const struct otter_layout layout = OTTER_MAP_LAYOUT(%(arguments)s);
"""
MAIN = """
#include <stdio.h>
static void area(const char *name, const struct otter_area *a)
{
    printf("%s %d %u %u\\n", name, a->flash ? (int)(a->flash - devices) : -1, a->base, a->size);
}
int main(void)
{
    area("primary", &layout.primary);
    area("secondary", &layout.secondary);
    area("scratch", &layout.scratch);
    area("journal", &layout.journal);
    printf("numbers %d %u %u %u\\n", layout.mode == OTTER_MODE_SWAP, layout.image_size_max, layout.unit_max,
           layout.primary_addr);
    for (int i = 0; i < 32; i++) {
        printf("%02x", layout.map_hash[i]);
    }
    puts("");
    return 0;
}
"""
SCRIPT = """
INCLUDE map.ld
MEMORY { RAM (rwx) : ORIGIN = 0x08000000, LENGTH = 0x10000 }
ENTRY(start)
SECTIONS
{
    .text : { *(.text*) } > OTTER_APPLICATION
    .data : { *(.data*) *(.bss*) } > RAM
}
"""


def run(words, **more):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def expected_lines(shown, area_names):
    """What the program must print, from the JSON that `show` gives."""
    index = {device["name"]: i for i, device in enumerate(shown["devices"])}
    areas = {area["name"]: area for area in shown["areas"]}
    lines = []
    for name, source in area_names:
        area = areas.get(source)
        if area:
            lines.append(f"{name} {index[area['device']]} {int(area['offset'], 16)} {int(area['size'], 16)}")
        else:
            lines.append(f"{name} -1 0 0")
    primary = int(areas["primary"]["address"], 16)
    lines.append(f"numbers {int(shown['mode'] == 'swap')} {shown['image_size_max']} {512 * 1024} {primary}")
    return lines + [shown["hash"]]


def check_compilers(otter, name, folder):
    shown = json.loads(run([otter, "flashmap", "show", "--json", name]))
    swap = shown["mode"] == "swap"
    header = (folder / "map.h").read_text(encoding="ascii")
    parameters = re.search(r"define OTTER_MAP_LAYOUT\((.*?)\)", header).group(1).split(", ")
    arguments = ", ".join(f"&devices[OTTER_MAP_{parameter.upper()}_INDEX]" for parameter in parameters)
    text = PROGRAM % {"swap": swap, "image": shown["image_size_max"], "arguments": arguments}
    names = [("primary", "primary"), ("secondary", "secondary"), ("scratch", "scratch"),
             ("journal", "status" if swap else "state")]
    compilers = [c for c in ("cc", "gcc", "clang", "arm-none-eabi-gcc") if shutil.which(c)]
    for compiler in compilers:
        cross = compiler.startswith("arm")
        (folder / "program.c").write_text(text + ("" if cross else MAIN), encoding="ascii")
        run([compiler, *FLAGS, "-I", folder, "-c", folder / "program.c", "-o", folder / "program.o"])
        if not cross:
            run([compiler, folder / "program.o", "-o", folder / "program"])
            said = run([folder / "program"]).split("\n")[:-1]
            if said != expected_lines(shown, names):
                sys.exit(f"{name}, {compiler}: the header's layout is\n{said}\nnot\n{expected_lines(shown, names)}")
    return compilers


def check_linker(otter, name, folder):
    compiler = "arm-none-eabi-gcc"
    if not shutil.which(compiler):
        return
    run([otter, "flashmap", "header", "--linker", "--header-size", "0x800", name, "-o", folder / "map.ld"])
    (folder / "app.ld").write_text(SCRIPT, encoding="ascii")
    (folder / "app.c").write_text("void start(void);\nvoid start(void) { for (;;) { } }\n", encoding="ascii")
    run([compiler, "-mcpu=cortex-m4", "-mthumb", "-nostdlib", "-T", "app.ld", "app.c", "-o", "app.elf"], cwd=folder)
    symbols = {}
    for line in run(["arm-none-eabi-nm", folder / "app.elf"]).splitlines():
        words = line.split()
        symbols[words[-1]] = int(words[0], 16)
    shown = json.loads(run([otter, "flashmap", "show", "--json", name]))
    areas = {area["name"]: area for area in shown["areas"]}
    primary = int(areas["primary"]["address"], 16)
    base = 0x18000000 if areas["primary"]["device"] == "external" else 0x10000000
    for symbol, value in (("start", primary + 0x800), ("otter_primary_addr", primary),
                          ("otter_image_size_max", shown["image_size_max"]), ("otter_image_header_size", 0x800),
                          ("FLASH_AREA_IMG_1_PRIMARY_START", primary - base),
                          ("FLASH_AREA_IMG_1_PRIMARY_SIZE", int(areas["primary"]["size"], 16))):
        if symbols[symbol] & ~1 != value:
            sys.exit(f"{name}: {symbol} is 0x{symbols[symbol]:X}, not 0x{value:X}")


def main():
    otter = sys.argv[1]
    for name in MAPS:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            run([otter, "flashmap", "header", name, "-o", folder / "map.h"])
            if run([otter, "flashmap", "header", name]) != (folder / "map.h").read_text(encoding="ascii"):
                sys.exit(f"{name}: the header on stdout is not the one in the file")
            compilers = check_compilers(otter, name, folder)
            check_linker(otter, name, folder)
        print(f"{name}: good with {', '.join(compilers)}")


if __name__ == "__main__":
    main()
