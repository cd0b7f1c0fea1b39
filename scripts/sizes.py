#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sizes.py - code, constants, RAM and worst stack on Cortex-M4, beside their budgets.

usage: sizes.py BUILD_FOLDER [TABLE.md]

Reads the linker's maps and gcc's call graphs (-fcallgraph-info=su) of the programs that
cmake/sizes.cmake makes. Prints the table, writes it to TABLE.md when that changes, and exits 1
when a budget of DESIGN.md, section 11 is broken.

Stack: the deepest path from main. A call through a pointer reaches what CALLS says, else one of the
board's stand-ins for callbacks; a linked function that no path reaches is an error, so that CALLS stays
complete. Functions without a call graph (the C library's) count LIBRARY_STACK.
"""
import os
import re
import subprocess
import sys

LIBRARY_STACK = 32
# A function that calls through a pointer -> the functions it can reach there.
# TABLED: those of its own file that nobody calls by name.
TABLED = "TABLED"
CALLS = [
    (r"otter_area_\w+", r"board_(read|prog|erase)"),
    (r"otter_image_check_step", r"otter_(ecdsa_p256|ed25519)_verify"),
    (r"otter_agent_step", r"(otter_(idle|job|download|verify|reboot|trial|report)|stopped)_step"),
    (r"otter_json_read", r"take_member"),
    (r"otter_journal_open", r"take"),
    (r"write_live", r"give"),
    (r"take_member|otter_job_read|otter_head_take|otter_verify_step|otter_boot", TABLED),
]
CALLBACKS = r"board_feed|link_\w+"
# Archive or object -> the row it counts in.
MODULES = [("libotter_slot", "slot"), ("libotter_boot", "boot"), ("libotter_agent", "agent"),
           ("libboot_", "crypto"),
           ("libc", "C library"), ("libgcc", "C library"), ("test/sizes", "board")]
ORDER = ["boot", "agent", "slot", "crypto", "C library", "board"]
NO_BOARD = ORDER[:-1]

K = 1024


class Program:
    def __init__(self, build, name):
        self.name, self.build = name, build
        self.sizes = {}  # row -> [code, constants, ram]
        self.linked = set()  # functions
        self.read_map(os.path.join(build, name + ".map"))
        self.stack, self.frames, self.edges, self.files = {}, {}, {}, {}
        self.read_graphs()
        self.frames = {title: size for title, size in self.frames.items() if self.place(title) in self.linked}
        self.called = set().union(*self.edges.values())
        self.worst, self.path = self.deepest("main", ())
        self.check_reached()

    def read_map(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read().split("Linker script and memory map", 1)[1]
        pattern = re.compile(r"^ (\.[\w.$*-]+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)", re.M)
        for section, address, size, source in pattern.findall(text):
            if int(address, 16) == 0:
                continue  # dropped, or debug information
            row = next((row for mark, row in MODULES if mark in source), "board")
            counts = self.sizes.setdefault(row, [0, 0, 0])
            if section.startswith((".bss", "COMMON")):
                counts[2] += int(size, 16)
            elif section.startswith(".data"):
                counts[1] += int(size, 16)
                counts[2] += int(size, 16)
            elif section.startswith((".text", ".vectors")):
                counts[0] += int(size, 16)
                file = re.search(r"([\w.-]+\.c)\.obj\)?$", source)
                self.linked.add((file.group(1) if file else "", self.short(re.sub(r"\.text\.(startup\.|unlikely\.)?", "", section))))
            elif section.startswith((".rodata", ".ARM.ex")):
                counts[1] += int(size, 16)

    def read_graphs(self):
        folders = [name for name in os.listdir(os.path.join(self.build, "CMakeFiles"))
                   if name.endswith(".dir") and (name == self.name + ".dir" or
                                                 re.match(r"(otter_(slot|boot|agent)|boot_\w+)\.dir", name))]
        for folder in folders:
            for base, _, files in os.walk(os.path.join(self.build, "CMakeFiles", folder)):
                for name in files:
                    if name.endswith(".ci"):
                        self.read_graph(os.path.join(base, name))

    def read_graph(self, path):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for title, label in re.findall(r'^node: { title: "([^"]+)" label: "([^"]+)"', text, re.M):
            frame = re.search(r"(\d+) bytes \(", label)
            if frame:
                self.frames[title] = int(frame.group(1))
                self.files[title] = path
        for source, target in re.findall(r'^edge: { sourcename: "([^"]+)" targetname: "([^"]+)"', text, re.M):
            self.edges.setdefault(source, set()).add(target)

    @staticmethod
    def short(title):
        return re.sub(r"\.(isra|constprop|part|cold)\.\d+", "", title.rsplit(":", 1)[-1])

    def place(self, title):
        return os.path.basename(self.files[title])[:-3], self.short(title)

    def targets(self, title):
        for target in sorted(self.edges.get(title, ())):
            if target != "__indirect_call":
                yield target
                continue
            reach = next((reach for caller, reach in CALLS if re.fullmatch(caller, self.short(title))), CALLBACKS)
            for other in self.frames:
                tabled = reach is TABLED and other not in self.called and self.files[other] == self.files[title]
                if other != title and (tabled and ":" in other or re.fullmatch(reach, self.short(other))):
                    yield other

    def deepest(self, title, above):
        """Bytes of stack from here down, and the path that needs them."""
        if title in above:
            raise SystemExit("sizes.py: recursion: " + " -> ".join(self.short(name) for name in above + (title,)))
        if title not in self.frames:
            if re.match(r"main$|(otter|board|p256|mbedtls|crypto|ge25519|sc25519|fe25519)_", title):
                raise SystemExit("sizes.py: no call graph of %s in %s: build from scratch" % (title, self.build))
            return LIBRARY_STACK, [title]
        if title not in self.stack:
            below = [self.deepest(target, above + (title,)) for target in self.targets(title)]
            depth, path = max(below, default=(0, []), key=lambda found: found[0])
            self.stack[title] = self.frames[title] + depth, [title] + path
        return self.stack[title]

    def check_reached(self):
        for title in self.frames:
            if title not in self.stack and title != "reset_handler":
                raise SystemExit("sizes.py: %s is linked, but no path from main reaches it: say in CALLS who calls it"
                                 % title)

    def total(self, *rows):
        counts = [self.sizes.get(row, [0, 0, 0]) for row in rows or ORDER]
        return [sum(column) for column in zip(*counts)]

    def flash(self, *rows):
        code, constants, _ = self.total(*rows)
        return code + constants

    def ram(self):
        return self.total()[2] + self.worst


def table_of(program, title):
    lines = ["## " + title, "", "| part | code | constants | static RAM |", "|---|---|---|---|"]
    for row in ORDER:
        if row in program.sizes:
            lines.append("| %s | %d | %d | %d |" % (row, *program.sizes[row]))
    lines.append("| all | %d | %d | %d |" % tuple(program.total()))
    lines += ["", "Worst stack: %d bytes, in `%s`." % (program.worst, " > ".join(program.short(name) for name in program.path)), ""]
    return lines


def budgets_of(programs):
    """(what, measured, budget) of each budget line whose program is there."""
    found = []
    if "size_boot_p256" in programs:
        boot = programs["size_boot_p256"]
        found.append(("bootloader with P-256: flash, without the board", boot.flash(*NO_BOARD), 14 * K))
        found.append(("bootloader with P-256: RAM with worst stack", boot.ram(), 8 * K))
    if "size_boot_ed25519" in programs:
        boot = programs["size_boot_ed25519"]
        found.append(("bootloader with Ed25519: flash, without the board", boot.flash(*NO_BOARD), 22700))
        found.append(("bootloader with Ed25519: RAM with worst stack", boot.ram(), 8 * K))
    if "size_agent" in programs:
        agent = programs["size_agent"]
        code, constants, _ = agent.total("agent")
        found.append(("agent: code (constants %d; without TLS, TCP, slot/)" % constants, code, 16 * K))
        found.append(("agent: static RAM, without its I/O buffer", agent.total()[2] - 4 * K, 3 * K))
    return found


TITLES = {"size_boot_p256": "Bootloader, ECDSA P-256", "size_boot_ed25519": "Bootloader, Ed25519",
          "size_agent": "Agent, with an I/O buffer of 4096 bytes"}
HEAD = """# How large is it?

Bytes on Cortex-M4, `-Os`, %s. Written by `make sizes`: complete programs for an imaginary
part, linked with `--gc-sections`, never run (test/sizes). Crypto and the parts of the C library that are
pulled in are counted; "board" is start-up, the layout and stand-ins for flash drivers. RAM is static RAM and the
deepest path of calls from main (an application's callbacks, TLS and interrupts come on top).
"""


def document(programs, budgets, compiler):
    lines = (HEAD % compiler).splitlines() + ["", "| budget | measured | at most | |", "|---|---|---|---|"]
    for what, measured, limit in budgets:
        lines.append("| %s | %d | %d | %s |" % (what, measured, limit, "ok" if measured <= limit else "BROKEN"))
    lines.append("")
    for name, program in programs.items():
        lines += table_of(program, TITLES[name])
    return lines


def main(build, target=None):
    programs = {name: Program(build, name) for name in TITLES if os.path.exists(os.path.join(build, name))}
    version = subprocess.run(["arm-none-eabi-gcc", "-dumpversion"], stdout=subprocess.PIPE, text=True, check=True).stdout
    budgets = budgets_of(programs)
    lines = document(programs, budgets, "arm-none-eabi-gcc " + version.strip())
    if target:
        notes = ""
        old = ""
        if os.path.exists(target):
            with open(target, encoding="utf-8") as file:
                old = file.read()
            notes = old[old.index("## Notes"):] if "## Notes" in old else ""
        new = "\n".join(lines) + "\n" + notes if notes else "\n".join(lines).rstrip() + "\n"
        if new != old:
            with open(target, "w", encoding="utf-8") as file:
                file.write(new)
    print("\n".join(lines))
    broken = [what for what, measured, limit in budgets if measured > limit]
    for what in broken:
        print("budget broken: " + what)
    return 1 if broken or not programs else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
