#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""firmware.py - patches between versions of our own board firmware, all there and back.

usage: firmware.py      (part of make test-boards; needs make firmware)

Every version of every flash map to every later one by `otter delta`, signed as published, within the limit of
test/bench/delta.py; then, byte by byte and in pieces of all sizes (round_trip), the first version to the last, and
from one flash map's program to another's. Last line: "N passed, N failed".
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import elf  # noqa: E402

ROUND_TRIP = os.path.join(ROOT, "build", "host", "test", "delta", "round_trip")
BOARDS = ("qemu-psoc62", "qemu-xmc7200")


def counted(*words):
    """(passed, failed) of a program whose last line says so."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, errors="replace", check=False)
    lines = done.stdout.splitlines()
    found = re.match(r"(\d+) passed, (\d+) failed", lines[-1] if lines else "")
    for line in lines:
        if line.startswith(("FAILED", "missed")):
            print(line, flush=True)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 1)


def programs(board):
    """The paths of all versions of each map, without .bin."""
    build = os.path.join(ROOT, "build", board)
    names = sorted(os.listdir(build)) if os.path.isdir(build) else []
    maps = {}
    for name in names:
        match = re.fullmatch(r"(ota-https-(\w+)-\d+\.\d+\.\d+)\.bin", name)
        if match:
            maps.setdefault(match.group(2), []).append(os.path.join(build, match.group(1)))
    return list(maps.values())


def address_of(path):
    """Where the .bin's first byte runs: the lowest loaded segment that can be executed."""
    rows = [line.split() for line in elf.ask("readelf", "-lW", path + ".elf").splitlines() if line.strip().startswith("LOAD")]
    return min(int(row[3], 16) for row in rows if "E" in row[6:8])


def pairs():
    for board in BOARDS:
        maps = programs(board)
        for versions in maps:
            yield versions[0], versions[-1]
        for one, other in zip(maps, maps[1:]):
            yield one[0], other[-1]


def main():
    passed, failed = counted(sys.executable, os.path.join(ROOT, "test", "bench", "delta.py"), "--check")
    for old, new in pairs():
        good, bad = counted(ROUND_TRIP, "--pair", old + ".bin", new + ".bin", "0x%08x" % address_of(old))
        passed, failed = passed + good, failed + bad
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
