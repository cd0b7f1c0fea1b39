#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compile_docs.py - every ```c block of the documents must compile as it stands.

usage: scripts/compile_docs.py [compiler]       (default: cc)

A block is one translation unit. Prints a line per block that does not compile, exits 1.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-missing-prototypes",
         "-I", str(ROOT / "include"), "-x", "c", "-"]


def main():
    compiler = sys.argv[1] if len(sys.argv) > 1 else "cc"
    checked, bad = 0, 0
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        for match in re.finditer(r"^```c\n(.*?)^```", path.read_text(encoding="utf-8"), re.S | re.M):
            checked += 1
            done = subprocess.run([compiler, *FLAGS], input=match.group(1), text=True,
                                  capture_output=True, check=False)
            if done.returncode:
                bad += 1
                line = path.read_text(encoding="utf-8")[:match.start()].count("\n") + 1
                print(f"{path.relative_to(ROOT)}:{line}: does not compile\n{done.stderr}")
    print(f"{checked} blocks of C in the documents, {bad} do not compile")
    return 1 if bad or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
