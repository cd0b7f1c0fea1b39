#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""test.py - build Otter every way it must build, run every test, and add up.

usage: scripts/test.py [--quick] [--werror]

--quick    host build and its tests only
--werror   warnings stop the build

Steps: walls and budgets of the source; host build and all tests; sanitizer build and its
tests; clang build; the board to copy; Cortex-M4 size table against its budgets. The last line is
"N passed, N failed"; exit 0 only when nothing failed. Two runs at once do not disturb each
other: builds wait for their turn, each run keeps its test logs in a folder of its own.
"""
import argparse
import fcntl
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = str(os.cpu_count() or 2)
# Long exhaustive runs: once, at full speed; the sanitizer build runs everything else.
SLOW = "^(powerloss|bench|board)/"


class Tally:
    def __init__(self):
        self.passed, self.failed = 0, []

    def add(self, name, good, detail=""):
        if good:
            self.passed += 1
            return
        self.failed.append(name)
        print(f"FAILED {name}", flush=True)
        if detail:
            print("\n".join("    " + line for line in detail.splitlines()[-60:]), flush=True)


def run(command, **options):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **options)


def step(tally, name, command):
    begin = time.monotonic()
    done = run(command)
    tally.add(name, done.returncode == 0, done.stdout)
    print(f"{name}: {'ok' if done.returncode == 0 else 'FAILED'} ({time.monotonic() - begin:.0f} s)", flush=True)
    return done.returncode == 0


def build(tally, preset, werror):
    """Configure and build; a lock lets two runs share one build folder in turn."""
    folder = ROOT / "build" / preset
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        flag = "-DOTTER_WERROR=" + ("ON" if werror else "OFF")
        return step(tally, f"build {preset}",
                    ["sh", "-c", f"cmake --preset {preset} {flag} >/dev/null && cmake --build --preset {preset} -j {JOBS}"])


def ctest(tally, preset, *options):
    """Run the tests of a build from a temporary folder, so that logs do not collide."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="otter-test-") as folder:
        report = os.path.join(folder, "junit.xml")
        with open(os.path.join(folder, "CTestTestfile.cmake"), "w", encoding="utf-8") as listing:
            listing.write(f'subdirs("{ROOT}/build/{preset}")\n')
        done = run(["ctest", "--test-dir", folder, "-j", JOBS, "--output-on-failure",
                    "--no-tests=error", "--output-junit", report, *options])
        if not os.path.exists(report):
            tally.add(f"{preset}: tests", False, done.stdout)
            return
        cases = xml.parse(report).getroot().findall("testcase")
        for case in cases:
            if case.get("status") in ("disabled", "notrun"):
                continue
            output = case.findtext("system-out") or ""
            tally.add(f"{preset}: {case.get('name')}", case.get("status") == "run", output)
    print(f"tests {preset}: {len(cases)} run ({time.monotonic() - begin:.0f} s)", flush=True)


def main():
    parser = argparse.ArgumentParser(description="build and test Otter")
    parser.add_argument("--quick", action="store_true", help="host build and its tests only")
    parser.add_argument("--werror", action="store_true", help="warnings stop the build")
    args = parser.parse_args()
    tally = Tally()
    step(tally, "walls", [sys.executable, "scripts/check_walls.py"])
    if build(tally, "host", args.werror):
        ctest(tally, "host")
    if not args.quick:
        if build(tally, "asan", args.werror):
            ctest(tally, "asan", "-E", SLOW)
        build(tally, "clang", args.werror)
        build(tally, "template", args.werror)
        step(tally, "sizes", ["make", "--no-print-directory", "sizes"])
    for name in tally.failed:
        print(f"failed: {name}")
    print(f"{tally.passed} passed, {len(tally.failed)} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
