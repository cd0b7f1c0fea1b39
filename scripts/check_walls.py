#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_walls.py - the walls and budgets of DESIGN.md, checked on the source text.

Walls: which folder may include what. Budgets: function length and complexity, file length,
public header length, no feature #if in device code, an SPDX line in every source file.
Prints one line per breach (file:line: what), exits 1 when there is any.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STANDARD = {"stdint.h", "stddef.h", "stdbool.h"}

# folder -> (allowed quoted includes, allowed <includes>); None: anything
WALLS = {
    "include/otter": ([r"otter/\w+\.h"], STANDARD),
    "slot": ([r"otter/\w+\.h", r"slot/\w+\.h"], STANDARD | {"string.h"}),
    "agent": ([r"otter/\w+\.h", r"agent/\w+\.h", r"slot/journal\.h", r"delta/\w+\.h"],
              STANDARD | {"string.h"}),
    "boot": ([r"otter/\w+\.h", r"boot/\w+\.h", r"slot/(trailer|journal)\.h"],
             STANDARD | {"string.h"}),
    "delta": ([r"otter/\w+\.h", r"delta/\w+\.h"], STANDARD | {"string.h"}),
    "port": ([r"otter/\w+\.h", r"port/\w+/\w+\.h", r"mbedtls/.*", r"psa/.*", r"otter_mbedtls\w*\.h"], None),
    "sim": ([r"otter/\w+\.h", r"sim/\w+\.h"], None),
    "board": ([r"otter/\w+\.h", r"board/.*\.(h|def)", r"sim/\w+\.h", r"port/.*\.h", r"otter_map\.h", r"part\.h"], None),
    "app": ([r"otter/\w+\.h", r"app/.*\.h", r"board/.*\.(h|def)", r"port/.*\.h", r"sim/\w+\.h", r"otter_map\.h"], None),
    "tool": ([r"otter/\w+\.h", r"tool/.*", r"sim/\w+\.h", r"board/.*\.(h|def)", r"port/.*\.h", r"slot/\w+\.h",
              r"delta/\w+\.h"], None),
}
DEVICE = ("agent", "slot", "boot", "delta")
FUNCTION_LINES, COMPLEXITY, FILE_LINES, HEADER_LINES = 60, 10, 600, 150
BRANCH = re.compile(r"\b(if|for|while|case)\b|&&|\|\||\?")

breaches = []


def breach(path, line, text):
    breaches.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def strip(text):
    """Blank out comments and string contents, keeping the lines."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    text = re.sub(r"/\*.*?\*/", blank, text, flags=re.S)
    text = re.sub(r"//[^\n]*", blank, text)
    return re.sub(r'"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])*\'', lambda m: '"' + " " * (len(m.group(0)) - 2) + '"', text)


def folder_of(path):
    relative = path.relative_to(ROOT).as_posix()
    return next((f for f in sorted(WALLS, key=len, reverse=True) if relative.startswith(f + "/")), None)


def check_includes(path, folder, lines):
    quoted, angled = WALLS[folder]
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', line)
        if not match:
            continue
        if match.group(1) and not any(re.fullmatch(q, match.group(1)) for q in quoted):
            breach(path, number, f'{folder}/ must not include "{match.group(1)}"')
        if match.group(2) and angled is not None and match.group(2) not in angled:
            breach(path, number, f"{folder}/ must not include <{match.group(2)}>")


def is_string_table(body):
    return body.count("case ") > 8 and len(re.findall(r"\b(if|for|while)\b", body)) <= 1


def check_functions(path, code):
    """A function: a line at column 0 that is '{', up to the '}' at column 0."""
    lines = code.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            body = "\n".join(lines[start:number - 1])
            length, branches = number - start - 1, 1 + len(BRANCH.findall(body))
            header = " ".join(lines[max(0, start - 4):start])
            names = re.findall(r"(\w+)\s*\(", header)
            name = names[0] if names else "?"
            if "=" not in header.split(")")[-1] and not is_string_table(body):
                if length > FUNCTION_LINES:
                    breach(path, start, f"{name} has {length} lines, at most {FUNCTION_LINES}")
                if branches > COMPLEXITY:
                    breach(path, start, f"{name} has complexity {branches}, at most {COMPLEXITY}")
            start = None


def check_file(path):
    text = path.read_text(encoding="utf-8")
    raw = text.split("\n")
    folder = folder_of(path)
    relative = path.relative_to(ROOT).as_posix()
    if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(raw[:3]):
        breach(path, 1, "no SPDX line")
    if path.suffix not in (".c", ".h"):
        return
    limit = HEADER_LINES if folder == "include/otter" else FILE_LINES
    if len(raw) - 1 > limit:
        breach(path, len(raw) - 1, f"{len(raw) - 1} lines, at most {limit}")
    if folder:
        check_includes(path, folder, raw)
    if folder in DEVICE:
        code = strip(text)
        check_functions(path, code)
        for number, line in enumerate(code.split("\n"), 1):
            if re.match(r"\s*#\s*(if|ifdef|elif)\b", line):
                breach(path, number, "no feature #if in device code")
            if re.match(r"static\s+(?!const|inline|_Noreturn)[\w\s\*]+(\[[^\]]*\])?\s*(=|;)", line):
                breach(path, number, "no static data that changes in device code")
    if relative.startswith(DEVICE) and re.search(r"\b(malloc|calloc|realloc|free|setjmp|alloca)\s*\(", strip(text)):
        breach(path, 1, "no heap in device code")


def main():
    for suffix in ("*.c", "*.h", "*.py", "*.sh", "*.cmake"):
        for path in sorted(ROOT.rglob(suffix)):
            parts = path.relative_to(ROOT).parts
            if parts[0] in ("build", ".git", "demo-output"):
                continue
            check_file(path)
    for line in breaches:
        print(line)
    print(f"walls: {len(breaches)} breaches" if breaches else "walls: all stand")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
