#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - `make promela`: Spin follows the models of the journal and of the swap through every state.

usage: run.py

Each model must hold as it is, and must not with each of the faults listed here. The last line is
"N passed, N failed".
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LIMIT_S = 300

# model, what of it, definitions, whether it holds. Longer ones were explored by hand: CELLS=7 CUTS=5 holds (18,734,942 states), with AHEAD=1 as
# well (15,729,497); not with FAULT=10 AHEAD=1, nor with FAULT=11.
RUNS = [
    ("swap", "4 units, 4 cuts", ["UNITS=4", "CUTS=4"], True),
    ("swap", "7 units, 6 cuts", ["UNITS=7", "CUTS=6"], True),
    ("swap", "the state that was read is not written again", ["FAULT=1"], False),
    ("swap", "a step is on record before its copy", ["FAULT=2"], False),
    ("swap", "a copy that was cut is compared with", ["FAULT=3"], False),
    ("swap", "the old unit is saved, and that is not on record", ["FAULT=4"], False),
    ("swap", "data moves before the revert is on record", ["FAULT=5"], False),
    ("swap", "a step of a revert is on record before its copy", ["FAULT=6"], False),
    ("journal", "halves of 5 cells, 3 cuts", ["CELLS=5", "CUTS=3"], True),
    ("journal", "halves of 6 cells, 4 cuts", ["CELLS=6", "CUTS=4"], True),
    ("journal", "halves of 4 cells: too small", ["CELLS=4", "CUTS=3"], False),
    ("journal", "acted upon before it is on record", ["FAULT=1"], False),
    ("journal", "a half is emptied from the bottom up", ["FAULT=5"], False),
    ("journal", "the state that was read is not written again", ["FAULT=6"], False),
    ("journal", "of two records the higher number counts, not the later place", ["CELLS=6", "CUTS=4", "LAST=2", "FAULT=9"], False),
]


def call(words, folder):
    return subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          timeout=LIMIT_S).stdout


def explore(model, definitions):
    """(does it hold; None: it was not explored to the end, states)"""
    with tempfile.TemporaryDirectory(prefix="otter-promela-") as folder:
        flags = ["-D" + definition for definition in definitions]
        text = call(["spin", "-a", *flags, str(HERE / (model + ".pml"))], folder)
        text += call(["gcc", "-w", "-O2", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"], folder)
        text += call(["./pan", "-m1000000"], folder)
    errors = re.search(r"errors: (\d+)", text)
    states = re.search(r"(\d+) states, stored", text)
    if errors is None or "error: max search depth" in text:
        print(text)
        return None, 0
    return errors.group(1) == "0", int(states.group(1))


def main():
    if len(sys.argv) > 1:
        print(__doc__, file=sys.stdout if sys.argv[1] == "--help" else sys.stderr)
        return 0 if sys.argv[1] == "--help" else 2
    passed = 0
    for model, what, definitions, wanted in RUNS:
        begin = time.monotonic()
        holds, states = explore(model, definitions)
        verdict = "not explored" if holds is None else "holds" if holds else "broken"
        good = holds is wanted
        passed += good
        print(f"{'ok' if good else 'FAILED':<7} {model:<8} {verdict:<7} {states:>9} states {time.monotonic() - begin:5.1f} s  {what}",
              flush=True)
    print(f"{passed} passed, {len(RUNS) - passed} failed")
    return 0 if passed == len(RUNS) else 1


if __name__ == "__main__":
    sys.exit(main())
