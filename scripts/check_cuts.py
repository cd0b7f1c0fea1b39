#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_cuts.py - docs/spec/45-cuts.md names only functions, scenarios, mutants and tests that exist.

usage: scripts/check_cuts.py

`name` is an identifier of boot/, slot/, agent/, sim/, test/powerloss or test/model; `unit ...` and `ctest ...` are tests as in
check_conformance.py. In the last column of a table whose head says "scenario" words with a hyphen are scenarios of
test/powerloss, where it says "mutant" they are patches of test/mutants.
"""
import pathlib
import re
import sys

import check_conformance

ROOT = pathlib.Path(__file__).resolve().parent.parent
CHAPTER = ROOT / "docs/spec/45-cuts.md"
NAMED = re.compile(r"`(unit|ctest) ([^`]+)`")


def identifiers():
    sources = [path for folder in ("boot", "slot", "agent", "sim", "test/powerloss", "test/model", "include/otter") for path in (ROOT / folder).glob("*.[ch]")]
    return set(re.findall(r"\b[a-z]\w+", "\n".join(path.read_text(encoding="utf-8") for path in sources)))


def last_column(text, head):
    """Words with a hyphen in the last column of the tables that are headed like this."""
    words, inside = [], False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
        elif inside:
            words += re.findall(r"[a-z0-9]+(?:-[a-z0-9]+)+", re.sub(r"`[^`]*`|\([^)]*\)", "", line.split("|")[-2]))
        elif line.split("|")[-2].strip() == head:
            inside = True
    return words


def main():
    text = CHAPTER.read_text(encoding="utf-8")
    known, names = identifiers(), check_conformance.ctest_names()
    words = re.findall(r"`([a-z]\w+)`", text)
    faults = ["there is no " + word for word in sorted(set(words)) if word not in known]
    for kind, rest in NAMED.findall(text):
        if not (check_conformance.unit_has(*rest.split()) if kind == "unit" else check_conformance.ctest_has(names, rest)):
            faults.append(f"there is no test `{kind} {rest}`")
    scenarios = set(re.findall(r'\.name = "([\w-]+)"', (ROOT / "test/powerloss/scenarios.c").read_text(encoding="utf-8")))
    patches = {path.stem for path in (ROOT / "test/mutants").glob("*.patch")}
    for head, there in (("scenario", scenarios), ("mutant", patches)):
        found = last_column(text, head)
        words += found
        faults += [f"there is no {head} {word}" for word in sorted(set(found) - there)]
        if not found:
            faults.append(f"no {head} is named")
    for fault in faults:
        print(f"{CHAPTER.relative_to(ROOT)}: {fault}")
    print(f"{len(words)} functions, scenarios and mutants are named")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
