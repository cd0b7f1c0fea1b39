#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_conformance.py - docs/conformance.md and SECURITY.md name only tests that exist; the first leaves out no row.

usage: scripts/check_conformance.py [--open-fails]

A test is named in backquotes:
    `unit test_flashmap test_four_applications`   a function of test/unit/test_flashmap.c
    `tool test_serve test_ranges`                 a method of test/tool/test_serve.py
    `e2e lying/404`                               a case of test/e2e/run.py --list
    `interop nginx-plain`                         a case of test/interop/servers.py
    `ctest flashmap/header`                       a test that a CMakeLists.txt adds
    `boards story/psoc62_2m_ext_swap_single`      a case that a script of test/boards lists, or `boards cuts.py`
    `glitch forged`                               a scene of test/glitch
A row without a test says "issue N", "later" or "open"; --open-fails: "open" is an error.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMED = re.compile(r"`(unit|tool|e2e|interop|ctest|boards|glitch) ([^`]+)`")
ROWS = {"A": 10, "B": 12, "C": 25, "D": 9, "E": 10}


def e2e_cases():
    done = subprocess.run([sys.executable, str(ROOT / "test/e2e/run.py"), "--list"], capture_output=True, text=True,
                          check=True)
    return {line.split()[0] for line in done.stdout.splitlines() if line.strip()}


def board_cases():
    """What the scripts that `make test-boards` runs list; one without a list is named itself."""
    folder = ROOT / "test/boards"
    scripts = re.search(r"^SCRIPTS = \[(.*)\]$", (folder / "run.py").read_text(encoding="utf-8"), re.M).group(1)
    found = set()
    for name in ["run.py", *re.findall(r'"([\w.]+)"', scripts)]:
        if not (folder / name).exists():
            continue
        if '"--list"' not in (folder / name).read_text(encoding="utf-8") and "harness.main" not in (
                folder / name).read_text(encoding="utf-8"):
            found.add(name)
            continue
        done = subprocess.run([sys.executable, str(folder / name), "--list"], capture_output=True, text=True, check=True)
        found |= {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    return found


def ctest_names():
    """(pattern, text) of every add_test; ${variable} in a name is a group, to be found in the text."""
    names = []
    for path in ROOT.rglob("CMakeLists.txt"):
        if "build" in path.relative_to(ROOT).parts:
            continue
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"add_test\(\s*NAME\s+(\S+)", text):
            pieces = re.split(r"\$\{\w+\}", name)
            names.append(("([\\w.-]+)".join(re.escape(piece) for piece in pieces), text))
    return names


def ctest_has(names, wanted):
    for pattern, text in names:
        match = re.fullmatch(pattern, wanted)
        if match and all(re.search(rf"[\s(]{re.escape(value)}[\s):]", text) for value in match.groups()):
            return True
    return (ROOT / f"{wanted}.md").exists()  # docs/keys: the how-to's blocks are run


def tool_has(file, method):
    path = ROOT / "test/tool" / f"{file}.py"
    return path.exists() and re.search(rf"\bdef {method}\(", path.read_text(encoding="utf-8")) is not None


def unit_has(file, function):
    for folder in ("unit", "regression"):
        path = ROOT / "test" / folder / f"{file}.c"
        if path.exists() and re.search(rf"\bvoid {function}\(", path.read_text(encoding="utf-8")):
            return True
    return False


class Tests:
    def __init__(self):
        self.e2e = e2e_cases()
        self.boards = board_cases()
        self.ctest = ctest_names()
        self.scenes = set(re.findall(r'^    {"([\w-]+)",', (ROOT / "test/glitch/scene.c").read_text(encoding="utf-8"), re.M))
        self.interop = (ROOT / "test/interop/servers.py").read_text(encoding="utf-8")

    def has(self, kind, words):
        if kind in ("unit", "tool"):
            return len(words) == 2 and (unit_has if kind == "unit" else tool_has)(*words)
        if len(words) != 1:
            return False
        if kind == "e2e":
            return words[0] in self.e2e
        if kind == "boards":
            return words[0] in self.boards
        if kind == "glitch":
            return words[0] in self.scenes
        if kind == "interop":
            return f'"{words[0]}"' in self.interop
        return ctest_has(self.ctest, words[0])


def check_row(name, shown, tests, faults):
    """How the row stands: "shown", "later" or "open"."""
    found = NAMED.findall(shown)
    for kind, rest in found:
        if not tests.has(kind, rest.split()):
            faults.append(f"{name}: there is no test `{kind} {rest}`")
    if re.search(r"\bopen\b", shown):
        return "open"
    if found:
        return "shown"
    if not re.search(r"\bissue \d|\blater\b", shown):
        faults.append(f"{name}: names no test, no issue, and is not said to be open or for later")
    return "later"


def main():
    text = (ROOT / "docs/conformance.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-E])(\d+) \|(.*)\|$", text, re.M)
    faults = []
    for section, count in ROWS.items():
        numbers = [int(number) for letter, number, _ in rows if letter == section]
        if numbers != list(range(1, count + 1)):
            faults.append(f"section {section}: rows {numbers}, not 1 to {count}")
    tests, counts, open_rows = Tests(), {"shown": 0, "later": 0, "open": 0}, []
    for letter, number, rest in rows:
        standing = check_row(letter + number, rest.split("|")[-1], tests, faults)
        counts[standing] += 1
        if standing == "open":
            open_rows.append(letter + number)
    threats = [line for line in (ROOT / "SECURITY.md").read_text(encoding="utf-8").splitlines() if line.startswith("|") and NAMED.search(line)]
    for line in threats:
        check_row("SECURITY.md, " + line.split("|")[1].strip(), line, tests, faults)
    if open_rows and "--open-fails" in sys.argv[1:]:
        faults.append(f"open: {', '.join(open_rows)}")
    for fault in faults:
        print(fault)
    print(f"{len(threats)} threats; {len(rows)} rows: {counts['shown']} shown by tests, {counts['later']} for later, "
          f"{counts['open']} open{': ' + ', '.join(open_rows) if open_rows else ''}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
