#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_board.py - does a board supply everything that board/board.h asks for?

usage: scripts/check_board.py [--otter OTTER] FOLDER       (make check-board BOARD=board/mine)

Compiles the C files of the folder with the compiler of board.cmake's processor, compares what
they define with the functions that board/board.h declares, and says which one is missing, who
needs it and what it is for, or which one is declared otherwise. Exit 0: complete. OTTER: the
host command, for the flash map (default build/host/otter). lwIP's headers: $OTTER_LWIP_DIR.
"""
import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = "board/board.h"
USERS = {"both programs": "bootloader and application", "bootloader": "bootloader", "application": "application"}
GCC = "arm-none-eabi-gcc"


class Function:
    def __init__(self, name, line, declaration, users, purpose):
        self.name, self.line, self.declaration = name, line, declaration
        self.users, self.purpose = users, purpose


def plain(comment):
    """The text of comments as one line."""
    return " ".join(re.sub(r"/\*|\*/|^\s*\*", " ", comment, flags=re.M).split())


def purpose_of(block, start, end):
    """The comment behind a declaration, else the one that stands above it in its block of lines."""
    behind = re.match(r"[ \t]*(/\*.*?\*/)", block[end:], re.S)
    if behind:
        return plain(behind.group(1)).rstrip(".")
    above = re.findall(r"^/\*.*?\*/", block[:start], re.M | re.S)
    return plain(above[-1]).rstrip(".") if above else ""


def declared(header):
    """Every function of board.h, in its order; lines that belong together have no empty line between."""
    found, users = [], ""
    text = (ROOT / header).read_text(encoding="utf-8")
    for match in re.finditer(r"(?:[^\n]+\n)+", text):
        block = match.group(0)
        section = re.match(r"/\* ---- ([\w ]+?) ---- \*/", block)
        users = USERS[section.group(1)] if section else users
        for declaration in re.finditer(r"^(?:_Noreturn )?[\w ]+[ *](board_\w+)\((?:[^()]|\([^()]*\))*\);", block, re.M):
            line = text[:match.start() + declaration.start()].count("\n") + 1
            found.append(Function(declaration.group(1), line, " ".join(declaration.group(0).split()), users,
                                  purpose_of(block, declaration.start(), declaration.end())))
    return found


def settings(folder):
    """The values that board.cmake sets, as lists of words."""
    path = folder / "board.cmake"
    if not path.exists():
        raise SystemExit(f"{folder} has no board.cmake: copy board/template, which has one")
    text = re.sub(r"#.*", "", path.read_text(encoding="utf-8"))
    found = {name: values.split() for name, values in re.findall(r"set\((BOARD_\w+)\s*([^)]*)\)", text)}
    for name in ("BOARD_CPU", "BOARD_MAPS"):
        if not found.get(name):
            raise SystemExit(f"{path} sets no {name}")
    return found


def make_map(otter, folder, board, target):
    """otter_map.h of the board's first flash map, as the build makes it."""
    place = [f"--board={folder.name}"] if board.get("BOARD_EMULATED") else []
    source = ROOT / "flashmap" / f"{board['BOARD_MAPS'][0]}.json"
    done = subprocess.run([otter, "flashmap", "header", *place, "-o", str(target / "otter_map.h"), str(source)],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr.strip())


class Board:
    def __init__(self, folder, otter):
        self.folder = folder
        self.board = settings(folder)
        self.shared = ROOT / "board" / self.board.get("BOARD_SHARED", [folder.name])[0]
        self.otter = otter
        self.defined, self.wrong, self.broken, self.unfinished = set(), {}, [], []

    def sources(self):
        folders = {self.shared.resolve(): self.shared, self.folder.resolve(): self.folder}
        return [path for folder in folders.values() if folder.is_dir() for path in sorted(folder.glob("*.c"))]

    def flags(self, work):
        folders = [work, self.folder, self.shared, ROOT, ROOT / "include", ROOT / "port/lwip/include"]
        vendor = [ROOT / name for name in self.board.get("BOARD_INCLUDES", [])]
        if os.environ.get("OTTER_LWIP_DIR"):
            vendor.append(pathlib.Path(os.environ["OTTER_LWIP_DIR"]) / "src/include")
        return [f"-mcpu={self.board['BOARD_CPU'][0]}", "-mthumb", "--specs=picolibc.specs", "-std=c11", "-O1", "-w",
                *[f"-I{path}" for path in folders], *[f"-isystem{path}" for path in vendor]]

    def compile(self, path, work):
        """One file, with board.h before everything: what is declared otherwise is an error."""
        target = work / f"{path.name}.o"
        done = subprocess.run([GCC, *self.flags(work), "-include", str(ROOT / HEADER), "-c", str(path), "-o", str(target)],
                              capture_output=True, text=True, check=False)
        errors = re.findall(r"^(\S+?):(\d+):\d+: (?:fatal )?error: (.*)$", done.stderr, re.M)
        for file, line, text in errors:
            other = re.match(r"(?:conflicting types for|static declaration of|redefinition of|conflicting type qualifiers for) "
                             r"[‘'](board_\w+)[’']", text)
            if other:
                self.wrong[other.group(1)] = f"{file}:{line}"
            else:
                self.broken.append(f"{file}:{line}: {text}")
        if done.returncode and not errors:
            self.broken.append(f"{path}: {done.stderr.strip()}")
        if done.returncode == 0:
            names = subprocess.run(["arm-none-eabi-nm", "-g", "--defined-only", str(target)],
                                   capture_output=True, text=True, check=True).stdout
            self.defined |= set(re.findall(r"\b[TtWw] (\w+)$", names, re.M))

    def definitions_in(self, path):
        """What a file that does not compile defines all the same, by its text."""
        text = path.read_text(encoding="utf-8", errors="replace")
        self.defined |= set(re.findall(r"^[\w][\w \*]*?(board_\w+)\([^;{}]*\)\s*\{", text, re.M))

    def read(self):
        with tempfile.TemporaryDirectory(prefix="otter-board-") as name:
            work = pathlib.Path(name)
            make_map(self.otter, self.folder, self.board, work)
            for path in self.sources():
                before = len(self.broken) + len(self.wrong)
                self.compile(path, work)
                if len(self.broken) + len(self.wrong) > before:
                    self.definitions_in(path)
        for path in [*self.sources(), *sorted(self.folder.glob("*.h")), *sorted(self.folder.glob("*.ld"))]:
            text = path.read_text(encoding="utf-8", errors="replace")
            self.unfinished += [f"{path}:{text[:place.start()].count(chr(10)) + 1}"
                                for place in re.finditer(r"(?<!marked )UNFINISHED", text)]


def tell(functions, board):
    """Every fault in plain words."""
    faults = list(board.broken)
    unknown = {name for name in board.defined if name.startswith("board_")} - {f.name for f in functions}
    for function in functions:
        if function.name in board.wrong:
            faults.append(f"{board.wrong[function.name]}: {function.name} is not as {HEADER}:{function.line} declares it: "
                          f"{function.declaration}")
        elif function.name not in board.defined:
            like = difflib.get_close_matches(function.name, sorted(unknown), 1, 0.85)
            faults.append(f"{board.folder} lacks {function.name} ({function.users}): {function.purpose}; "
                          f"see {HEADER}:{function.line}" + (f" (is {like[0]} meant to be it?)" if like else ""))
    for script in ("bootloader.ld", "application.ld"):
        if not (board.folder / script).exists() and not (board.shared / script).exists():
            faults.append(f"{board.folder} lacks {script}: where that program lies in flash, and its RAM")
    return faults


def main():
    parser = argparse.ArgumentParser(description="does a board supply everything that board/board.h asks for?")
    parser.add_argument("--otter", default=str(ROOT / "build/host/otter"), help="the host command")
    parser.add_argument("folder")
    args = parser.parse_args()
    folder = pathlib.Path(args.folder)
    if not folder.is_dir():
        raise SystemExit(f"there is no folder {folder}: `cp -r board/template {folder}` begins one")
    functions = declared(HEADER)
    board = Board(folder, args.otter)
    board.read()
    faults = tell(functions, board)
    for fault in faults:
        print(fault)
    if faults:
        print(f"{folder} is not complete: {len(faults)} to mend")
        return 1
    print(f"{folder} has all {len(functions)} functions of {HEADER}"
          + (f"; {len(board.unfinished)} places say UNFINISHED, the first is {board.unfinished[0]}" if board.unfinished else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
