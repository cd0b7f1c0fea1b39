# SPDX-License-Identifier: Apache-2.0
"""elf.py - what an Arm program tells about itself: its bytes by source, its functions, its stack.

Everything is read with binutils from a linked program with debug information and its linker map, so
it holds for what a link-time optimisation made of the sources, too.
"""
import os
import re
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = "arm-none-eabi-"


def ask(tool, *words):
    return subprocess.run([TOOLS + tool, *words], stdout=subprocess.PIPE, text=True, check=True, errors="replace").stdout


class Lines:
    """Address -> (source file, line), also of code that was inlined elsewhere."""

    def __init__(self, elf):
        self.elf, self.known = elf, {}

    def learn(self, addresses):
        wanted = sorted(set(addresses) - set(self.known))
        for start in range(0, len(wanted), 4096):
            some = wanted[start:start + 4096]
            told = ask("addr2line", "-e", self.elf, *("0x%x" % address for address in some)).splitlines()
            for address, text in zip(some, told):
                file, _, line = text.split(" (discriminator")[0].rpartition(":")
                self.known[address] = (os.path.normpath(file), int(line)) if line.isdigit() and file != "??" else None

    def at(self, address):
        self.learn([address])
        return self.known[address]

    def split(self, address, size):
        """(source file or None, bytes): an instruction counts where it was written."""
        steps = range(address, address + size, 2)
        self.learn(steps)
        for at in steps:
            place = self.known[at]
            yield (place[0] if place else None), min(2, address + size - at)


def variables(elf):
    """Address of a variable -> the source file that defines it."""
    found, origins, unit, die, late = {}, {}, None, None, []
    for line in ask("objdump", "--dwarf=info", elf).splitlines():
        head = re.match(r" <\d+><([0-9a-f]+)>: Abbrev Number: \d+ \((DW_TAG_\w+)\)", line)
        if head:
            die = head.group(1)
            if head.group(2) == "DW_TAG_compile_unit":
                unit = None
            origins[die] = unit
            origin = None
            continue
        name = re.search(r"DW_AT_name +: (?:\(.*?\): )?(\S.*)", line)
        if name and unit is None:
            unit = name.group(1).strip()
        link = re.search(r"DW_AT_(?:abstract_origin|specification): <0x([0-9a-f]+)>", line)
        if link:
            origin = link.group(1)
        place = re.search(r"DW_AT_location .*\(DW_OP_addr: ([0-9a-f]+)\)", line)
        if place:
            late.append((int(place.group(1), 16), origin or die))
    for address, owner in late:
        found[address] = origins.get(owner)
    return found


class Program:
    """Functions with their frames and calls; pieces of memory with the file they come from."""

    def __init__(self, elf):
        self.elf = elf
        self.lines = Lines(elf)
        self.symbols = {}  # address -> (name, size)
        for line in ask("nm", "-S", "--defined-only", elf).splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in "tTwW":
                self.symbols.setdefault(int(words[0], 16), (words[3], int(words[1], 16)))
        self.frames = self.read_frames()
        self.calls, self.indirect = {}, {}
        self.read_code()

    def size_of(self, variable):
        """Bytes of a variable."""
        for line in ask("nm", "-S", "--defined-only", self.elf).splitlines():
            words = line.split()
            if len(words) == 4 and words[2] in "bBdD" and words[3] == variable:
                return int(words[1], 16)
        raise SystemExit("elf.py: no variable %s in %s" % (variable, self.elf))

    def read_frames(self):
        frames, at = {}, None
        for line in ask("objdump", "--dwarf=frames-interp", self.elf).splitlines():
            begin = re.search(r"FDE .*pc=([0-9a-f]+)\.\.", line)
            row = re.match(r"[0-9a-f]{8} \S+?\+(\d+) ", line)
            if begin:
                at = int(begin.group(1), 16)
                frames[at] = 0
            elif row and at is not None:
                frames[at] = max(frames[at], int(row.group(1)))
            elif " CIE " in line:
                at = None
        return frames

    def read_code(self):
        function, through = None, []
        for line in ask("objdump", "-d", "--no-show-raw-insn", self.elf).splitlines():
            head = re.match(r"([0-9a-f]{8}) <", line)
            if head:
                address = int(head.group(1), 16)
                function = address if address in self.symbols else function
                self.calls.setdefault(function, set())
                continue
            code = re.match(r" *([0-9a-f]+):\t(\S+)\t?(.*)", line)
            if not code or function is None:
                continue
            operation, operands = code.group(2), code.group(3)
            target = re.match(r"([0-9a-f]+) <", operands)
            if target and operation.startswith("b") and int(target.group(1), 16) in self.symbols:
                if int(target.group(1), 16) != function or operation == "bl":
                    self.calls[function].add(int(target.group(1), 16))
            elif operation in ("blx", "bx") and operands.strip() != "lr":
                through.append((function, int(code.group(1), 16)))
        self.lines.learn([at for _, at in through] + list(self.symbols))
        for function, at in through:
            self.indirect.setdefault(function, set()).add(self.lines.at(at))

    def name(self, address):
        return re.sub(r"\.(isra|constprop|part|cold|lto_priv)(\.\d+)?", "", self.symbols[address][0])

    def file(self, address):
        place = self.lines.at(address)
        return place[0] if place else None


def source_line(place):
    """The text of a source line, or '' where the source is not at hand."""
    if place is None or not os.path.exists(place[0]):
        return ""
    with open(place[0], encoding="utf-8", errors="replace") as file:
        return file.read().split("\n")[place[1] - 1]


class Stack:
    """The deepest path of calls. `pointers`: name that a call goes through -> functions behind it:
    a pattern, or TABLED: those of the same file that nobody calls by name."""

    TABLED = "TABLED"

    def __init__(self, program, pointers, library_frame):
        self.program, self.pointers, self.library_frame = program, pointers, library_frame
        self.depths = {}
        self.called = set().union(*program.calls.values())

    def behind(self, place, caller):
        text = source_line(place)
        for names, reach in self.pointers:
            if not re.search(r"\b(%s)(\[[^\]]*\])?\(" % names, text):
                continue
            for other in self.program.symbols:
                if reach is self.TABLED:
                    if other not in self.called and self.program.file(other) == place[0]:
                        yield other
                elif re.fullmatch(reach, self.program.name(other)):
                    yield other
            return
        raise SystemExit("elf.py: %s calls through a pointer in %s: '%s': say in POINTERS what is behind it"
                         % (self.program.name(caller), place, text.strip()))

    def deepest(self, address, above=()):
        """(bytes of stack from here down, the path of names that needs them)"""
        if address in above:
            raise SystemExit("elf.py: recursion: " + " > ".join(self.program.name(a) for a in above + (address,)))
        if address not in self.depths:
            below = set(self.program.calls.get(address, ()))
            for place in sorted(self.program.indirect.get(address, ()), key=str):
                below |= set(self.behind(place, address))
            found = [self.deepest(other, above + (address,)) for other in sorted(below - {address})]
            depth, path = max(found, default=(0, []), key=lambda pair: pair[0])
            frame = self.program.frames.get(address, self.library_frame)
            self.depths[address] = frame + depth, [self.program.name(address)] + path
        return self.depths[address]

    def from_function(self, name):
        return self.deepest(next(a for a in sorted(self.program.symbols) if self.program.name(a) == name))


    def unreached(self):
        """Functions that no path so far leads to."""
        return sorted(self.program.name(address) for address in self.program.symbols
                      if address not in self.depths and address in self.program.frames)


def pieces(program, link_map):
    """(file, kind, bytes) of everything that is linked; kind: code, constants, data (both kinds of
    memory) or ram. `file` is a source where the linker saw only the result of an optimisation."""
    with open(link_map, encoding="utf-8") as file:
        text = file.read().split("Linker script and memory map", 1)[1]
    defined = variables(program.elf)
    pattern = re.compile(r"^ (\.[\w.$*-]+|COMMON)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)", re.M)
    for section, address, size, source in pattern.findall(text):
        address, size = int(address, 16), int(size, 16)
        kind = kind_of(section)
        if kind is None or size == 0 or (address == 0 and ".vectors" not in section):
            continue  # dropped, or debug information
        if ".ltrans" not in source:
            yield source, kind, size
        elif kind == "code":
            for place, part in program.lines.split(address, size):
                yield place or "link-time", kind, part
        else:
            yield defined.get(address) or "link-time", kind, size


def kind_of(section):
    for prefix, kind in ((".bss", "ram"), ("COMMON", "ram"), (".noinit", "ram"), (".tbss", "ram"), (".data", "data"), (".tdata", "data"),
                         (".text", "code"), (".vectors", "code"), (".rodata", "constants")):
        if section.startswith(prefix):
            return kind
    return None
