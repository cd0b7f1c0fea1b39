#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sizes.py - code, constants, RAM and worst stack of every program, beside their budgets.

usage: sizes.py TABLE.md BUILD_FOLDER...

BUILD_FOLDER: build/cm4-size (programs for an imaginary part: cmake/sizes.cmake), build/qemu-psoc62,
build/qemu-xmc7200 (the emulated boards' firmware: cmake/boards.cmake). What is built there is
measured: bytes from the linker's map and the debug information, stack from the calls in the
program itself (elf.py). Prints the table, writes it to TABLE.md when that changes, and exits 1 when
a budget of DESIGN.md, section 11 is broken. Twice the same programs: twice the same text.
"""
import os
import re
import subprocess
import sys

import elf
import sizes_run

LIBRARY_FRAME = 32  # bytes, of functions that do not say (assembly)
TABLED = elf.Stack.TABLED
# What a call through a pointer is spelled with -> the functions behind it.
POINTERS = [
    *((r"patcher->" + name, name + "_patch") for name in ("offer", "choose", "begin", "take", "give_up")),
    (r"read_(old|new)", r"read_(old|new)"),
    (r"filter->(find|aim)", r"(find|aim)_(none|thumb)"),
    (r"read|prog|erase|write", r"(board|flash)_(read|prog|erase|write)"),
    (r"verify", r"otter_(ecdsa_p256|ed25519)_verify"),
    (r"feed", r"feed|board_feed"),
    (r"question|act", TABLED),
    (r"on_event", r"story_tell"),
    (r"board", r"board_startable"),
    (r"limit|open|request|confirm|download|send|recv|close", r"link_\w+"),
    (r"take", r"take(_\w+)?"),
    (r"give", r"give"),
    (r"phases", r"(otter_(idle|job|download|verify|reboot|trial|report)|stopped)_step"),
    (r"stages", TABLED),
    (r"on_member|member", r"take_member"),
    (r"memset_func", r"memset"),
    (r"__asm volatile", r"NOTHING"),  # the jump to an application
    (r"healthy|now|random|may_\w+|reset", r"app_\w+"),
]
# A file, an archive or a source -> the row it counts in; the first that matches.
ROWS = [
    (r"/lib(otter_)?boot_p256|p256-m|/library/\w+\.[ch]|/include/mbedtls/|libsodium|port/(mbedtls|sodium)|libboot_", "crypto"),
    (r"libotter_(mbedtls|p256m|port_mbedtls)\.a", "crypto"),
    (r"libotter_(lwip|port_lwip)\.a", "TCP/IP"),
    (r"libotter_slot\.a|(^|/)slot/\w+\.[ch]$", "slot"),
    (r"libotter_agent\.a|(^|/)agent/\w+\.[ch]$", "agent"),
    (r"libotter_delta\.a|(^|/)delta/\w+\.[ch]$", "delta"),
    (r"test/sizes|libboard_|(^|/)board/", "board"),
    (r"(^|/)app/", "app"),
    (r"libotter_boot\.a|(^|/)boot/\w+\.[ch]$", "boot"),
    (r"/lib(c|m|gcc|nosys)\w*\.a", "C library"),
    (r"^link-time$", "slot"),  # strings: the names of reasons and errors
]
ORDER = ["boot", "agent", "slot", "delta", "crypto", "TCP/IP", "C library", "board", "app"]
NO_BOARD = ["boot", "slot", "crypto", "C library"]
K = 1024
WHOLE_MAX = 17 * K  # a bootloader with its board's drivers, and a line of text for every event


class Firmware:
    """One program: rows of [code, constants, RAM], and the deepest stack from a function on."""

    def __init__(self, path, link_map):
        self.program = elf.Program(path)
        self.rows = {}
        for file, kind, size in elf.pieces(self.program, link_map):
            counts = self.rows.setdefault(row_of(file), [0, 0, 0])
            counts[{"code": 0, "constants": 1, "data": 1, "ram": 2}[kind]] += size
            counts[2] += size if kind == "data" else 0
        self.worst, self.path = 0, []

    def measure_stack(self):
        stack = elf.Stack(self.program, POINTERS, LIBRARY_FRAME)
        self.worst, self.path = stack.from_function("main")
        return stack.unreached()

    def total(self, *rows):
        counts = [self.rows.get(row, [0, 0, 0]) for row in rows or ORDER]
        return [sum(column) for column in zip(*counts)]

    def flash(self, *rows):
        code, constants, _ = self.total(*rows)
        return code + constants

    def ram(self):
        return self.total()[2] + self.worst


def row_of(file):
    relative = os.path.relpath(file, elf.ROOT) if file.startswith(elf.ROOT) else file
    for pattern, row in ROWS:
        if re.search(pattern, relative):
            return row
    return "app" if relative.startswith("CMakeFiles/") else "C library"


def table_of(firmware, title, crypto="crypto"):
    lines = ["## " + title, "", "| part | code | constants | static RAM |", "|---|---|---|---|"]
    for row in ORDER:
        if row in firmware.rows:
            lines.append("| %s | %d | %d | %d |" % (crypto if row == "crypto" else row, *firmware.rows[row]))
    lines += ["| all | %d | %d | %d |" % tuple(firmware.total()), ""]
    if firmware.worst:
        lines += ["Worst stack: %d bytes, in `%s`." % (firmware.worst, " > ".join(firmware.path)), ""]
    return lines


# ---- programs for an imaginary part ----

MODEL_TITLES = {"size_boot_p256": "Bootloader, ECDSA P-256", "size_boot_ed25519": "Bootloader, Ed25519",
                "size_agent": "Agent, with an I/O buffer of 4096 bytes",
                "size_agent_patches": "The same, and it takes patches",
                "size_delta": "Applying patches, without an agent: one decoder and a row of 512 bytes"}


def models_of(build):
    models = {}
    for name in MODEL_TITLES:
        path = os.path.join(build, name)
        if os.path.exists(path):
            models[name] = Firmware(path, path + ".map")
            forgotten = set(models[name].measure_stack()) - {"reset_handler"}
            if forgotten:
                raise SystemExit("sizes.py: %s: no path from main reaches %s: say in POINTERS who calls them"
                                 % (name, ", ".join(sorted(forgotten))))
    return models


def model_budgets(models):
    found = []
    if "size_boot_p256" in models:
        boot = models["size_boot_p256"]
        found.append(("bootloader with P-256: flash, without the board", boot.flash(*NO_BOARD), 11 * K + 512))
        found.append(("bootloader with P-256: RAM with worst stack", boot.ram(), 8 * K))
    if "size_boot_ed25519" in models:
        boot = models["size_boot_ed25519"]
        found.append(("bootloader with Ed25519: flash, without the board", boot.flash(*NO_BOARD), 22700))
        found.append(("bootloader with Ed25519: RAM with worst stack", boot.ram(), 8 * K))
    if "size_agent" in models:
        agent = models["size_agent"]
        code, constants, _ = agent.total("agent")
        found.append(("agent: code (constants %d; without TLS, TCP, slot/)" % constants, code, 16 * K))
        found.append(("agent: static RAM, without its I/O buffer", agent.total()[2] - 4 * K, 3 * K))
    if "size_agent_patches" in models:
        patches = models["size_agent_patches"]
        found.append(("agent with patches: what the way to the decoder adds", patches.total("agent")[0] - code, 1536))
    if "size_delta" in models:
        delta = models["size_delta"]
        found.append(("delta: code and constants of the decoder", delta.flash("delta"), 4 * K))
        found.append(("delta: RAM of the decoder, all of it", delta.program.size_of("delta"), 4 * K))
    return found


# ---- the emulated boards ----

def maps_of(build):
    names = [re.fullmatch(r"bootloader-(\w+)\.elf", name) for name in sorted(os.listdir(build))]
    return [name.group(1) for name in names if name]


class Board:
    """Bootloader and application of one emulated board: one flash map whole, the others in a line each."""

    def __init__(self, build):
        self.name, self.build = os.path.basename(os.path.normpath(build)), build
        self.maps = maps_of(build)
        self.maps.sort(key=lambda name: "swap" not in name)  # the story with a way back comes first
        self.bootloaders = [self.firmware(build, "bootloader-" + name) for name in self.maps]
        self.applications = [self.firmware(build, "ota-https-%s-1.0.0" % name) for name in self.maps]
        if self.bootloaders:
            self.bootloaders[0].measure_stack()

    @staticmethod
    def firmware(build, name):
        path = os.path.join(build, name)
        return Firmware(path + ".elf", path + ".map") if os.path.exists(path + ".elf") else None

    def budgets(self):
        for name, bootloader in zip(self.maps, self.bootloaders):
            what = "%s, %s: bootloader's flash" % (self.name, name)
            yield what + ", without board and story", bootloader.flash(*NO_BOARD), 14 * K
            yield what + ", all of it", bootloader.flash(), WHOLE_MAX
        if self.bootloaders:
            yield "%s: bootloader's RAM with worst stack" % self.name, self.bootloaders[0].ram(), 8 * K

    def document(self):
        if not self.maps:
            return []
        lines = table_of(self.bootloaders[0], "Board %s, bootloader for %s" % (self.name, self.maps[0]))
        if self.applications[0]:
            lines += table_of(self.applications[0], "Board %s, application for %s" % (self.name, self.maps[0]), "TLS and crypto")
        for name, bootloader, application in list(zip(self.maps, self.bootloaders, self.applications))[1:]:
            text = "%s: bootloader %d bytes of flash, %d of static RAM" % (name, bootloader.flash(), bootloader.total()[2])
            if application:
                text += "; application %d and %d" % (application.flash(), application.total()[2])
            lines += [text + ".", ""]
        return lines


HEAD = """# How large is it?

Bytes on Cortex-M4 (qemu-xmc7200: Cortex-M7), `-Os`, %s, picolibc. Written by `make sizes`, measured in the linked
programs. Constants include the first values of variables. RAM is static RAM and the deepest path of calls from main (an
application's callbacks, TLS and interrupts come on top).

The first ones are complete programs for an imaginary part (test/sizes), linked with `--gc-sections`, never run: what a
product takes of Otter, whatever its board. Crypto and the parts of the C library that are pulled in are counted; "board" is
start-up, the layout and stand-ins for flash drivers. Bootloaders are optimised at link time (cmake/bootloader.cmake), the board's code is not.
Then the firmware of the emulated boards, which runs: flash driver, MPU, watchdog, fault reports, and every line that it prints.
"""


def document(models, boards, budgets, compiler, old):
    lines = (HEAD % compiler).splitlines() + ["", "| budget | measured | at most | |", "|---|---|---|---|"]
    for what, measured, limit in budgets:
        lines.append("| %s | %d | %d | %s |" % (what, measured, limit, "ok" if measured <= limit else "BROKEN"))
    lines.append("")
    for name, firmware in models.items():
        lines += table_of(firmware, MODEL_TITLES[name])
    for board in boards:
        lines += board.document()
    if boards:
        lines += sizes_run.document([(board.name, board.build, board.maps[0]) for board in boards], old.splitlines())
    return lines


def read(target):
    if not os.path.exists(target):
        return ""
    with open(target, encoding="utf-8") as file:
        return file.read()


def write(target, lines, old):
    """The notes at its end are written by people."""
    notes = old[old.index("## Notes"):] if "## Notes" in old else ""
    new = "\n".join(lines).rstrip() + "\n" + ("\n" + notes if notes else "")
    if new != old:
        with open(target, "w", encoding="utf-8") as file:
            file.write(new)


def main(target, *builds):
    models, boards = {}, []
    for build in builds:
        if maps_of(build):
            boards.append(Board(build))
        else:
            models.update(models_of(build))
    version = subprocess.run(["arm-none-eabi-gcc", "-dumpversion"], stdout=subprocess.PIPE, text=True, check=True).stdout
    budgets = model_budgets(models) + [line for board in boards for line in board.budgets()]
    old = read(target)
    lines = document(models, boards, budgets, "arm-none-eabi-gcc " + version.strip(), old)
    write(target, lines, old)
    print("\n".join(lines))
    broken = [what for what, measured, limit in budgets if measured > limit]
    for what in broken:
        print("budget broken: " + what)
    return 1 if broken or not budgets else 0


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
