#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - `make exhaustive`: every program of this folder with all of its cases, on all cores.

usage: run.py [NAME...]     http, image, rollout, json, journal, dates [all]

Needs the build of the preset asan, which `make exhaustive` makes. A failure prints the words that play its case alone. The last
line is "N passed, N failed".
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "asan" / "test" / "exhaustive"
PROGRAMS = ["http", "image", "rollout", "json", "journal", "dates"]  # the longest first


def run(name):
    begin = time.monotonic()
    done = subprocess.run([str(BUILD / ("exhaustive_" + name)), "--deep"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)
    return done.returncode == 0, time.monotonic() - begin, done.stdout


def main(names):
    if "--help" in names:
        print(__doc__)
        return 0
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown:
        print("there is no program %s; there are: %s" % (unknown[0], ", ".join(PROGRAMS)), file=sys.stderr)
        return 2
    names = names or PROGRAMS
    missing = [name for name in names if not (BUILD / ("exhaustive_" + name)).exists()]
    if missing:
        print("%s is not there: `make exhaustive` builds it" % (BUILD / ("exhaustive_" + missing[0])), file=sys.stderr)
        return 2
    passed, failed, cases = 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, (good, seconds, said) in zip(names, pool.map(run, names)):
            passed, failed = passed + good, failed + (not good)
            print("%s %s, %.0f s\n%s" % ("ok  " if good else "FAIL", name, seconds, said), flush=True)
            cases += sum(int(line.split()[-2]) for line in said.splitlines() if line.startswith("all ") and good)
    print("%d cases" % cases)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
