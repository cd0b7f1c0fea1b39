#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo.py - what `make demo` plays on the emulated boards holds: a swap map of each, and an overwrite map.
And what docs/boards.md tells the reader to type.

usage: test/boards/demo.py [--list | MAP... | boards.md]

Needs the built firmware (make firmware). OTTER: the host command [build/host/otter].
"""
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTTER = os.environ.get("OTTER", str(ROOT / "build/host/otter"))
MAPS = ["psoc62_2m_ext_swap_single", "xmc7200_int_swap_single", "psoc62_2m_ext_overwrite_single"]
LIMIT_S = 180  # the word: under three minutes


def play(flash_map):
    """(good, output) of the whole story on the map's board."""
    board = ROOT / "build" / ("qemu-xmc7200" if flash_map.startswith("xmc7200") else "qemu-psoc62")
    try:
        done = subprocess.run([sys.executable, ROOT / "scripts/demo.py", "--board", board, OTTER, flash_map],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired as error:
        return False, f"not done within {LIMIT_S} s:\n{error.stdout}"
    return done.returncode == 0 and "and all of them held" in done.stdout, done.stdout


def read_page(page):
    """(good, output) of the blocks of a how-to that need the boards."""
    done = subprocess.run([sys.executable, ROOT / "scripts/run_docs.py", "--boards", OTTER, ROOT / "docs" / page],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    return done.returncode == 0 and "ok" in done.stdout, done.stdout


def main():
    if "--list" in sys.argv[1:]:
        print("\n".join([f"demo/{name}" for name in MAPS] + ["demo/boards.md"]))
        return 0
    failed = passed = 0
    for name in sys.argv[1:] or [*MAPS, "boards.md"]:
        begin = time.monotonic()
        good, output = (read_page if name.endswith(".md") else play)(name)
        passed, failed = passed + good, failed + (not good)
        print(f"{'ok' if good else 'FAILED'}  demo/{name} ({time.monotonic() - begin:.0f} s)", flush=True)
        if not good:
            print("\n".join(output.splitlines()[-60:]))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
