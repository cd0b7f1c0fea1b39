#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gdb.py - `make gdb` without a person: stops in the bootloader, then in the application, reads a variable.

usage: test/boards/gdb.py [--list]

Needs the built firmware (make firmware) and gdb-multiarch. OTTER: the host command [build/host/otter].
"""
import os
import pathlib
import re
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTTER = os.environ.get("OTTER", str(ROOT / "build/host/otter"))
BOARDS = {"psoc62_2m_ext_swap_single": "qemu-psoc62", "xmc7200_int_swap_single": "qemu-xmc7200"}
STEPS = ["tbreak main", "continue", "continue", "print *config->layout", "continue", "print app_version",
         "print app_led_ms", "next", "backtrace"]
# What must be seen, in this order.
SEEN = [r"main \(\) at \S*app/bootloader/main\.c:\d+", r"otter_boot \(.*\) at \S*boot/boot\.c:\d+",
        r"primary_addr = [1-9]", r"main \(\) at \S*app/ota-https/main\.c:\d+", r'<app_version> "1\.0\.0"',
        r"= 1000\b", r"#0 +main \(\)"]


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


def firmware(flash_map):
    return str(ROOT / "build" / BOARDS[flash_map])


def session(flash_map):
    """One whole session; what is missing in it, or "" when nothing is."""
    steps = [word for step in STEPS for word in ("--do", step)]
    try:
        done = subprocess.run([sys.executable, ROOT / "scripts/debug.py", "--port", free_port(), *steps, OTTER,
                               firmware(flash_map), flash_map], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace", check=False, timeout=90)
    except subprocess.TimeoutExpired as error:
        return f"did not end within 90 s: {error.stdout}"
    rest = done.stdout
    for pattern in SEEN:
        found = re.search(pattern, rest)
        if not found:
            return f"gdb did not say /{pattern}/ where it should:\n{done.stdout}\n{done.stderr}"
        rest = rest[found.end():]
    uart = [line for line in done.stderr.splitlines() if line.startswith("| ")]
    if not any("1.0.0 verifies" in line for line in uart):
        return f"the UART was not shown:\n{done.stderr}"
    return "" if done.returncode == 0 else f"ended with {done.returncode}"


def places_of_the_page(flash_map):
    """Every `break NAME` of docs/debugging.md names a function of one of the two programs."""
    page = (ROOT / "docs/debugging.md").read_text(encoding="utf-8")
    names = sorted(set(re.findall(r"\bbreak (\w+)`", page)))
    folder = firmware(flash_map)
    commands = [word for name in names for word in ("-ex", f"info line {name}")]
    said = subprocess.run(["gdb-multiarch", "-q", "--batch", f"{folder}/bootloader-{flash_map}.elf", "-ex",
                           f"add-symbol-file {folder}/ota-https-{flash_map}-1.0.0.elf", *commands], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60).stdout
    unknown = [name for name in names if f'Function "{name}" not defined' in said]
    return f"no such function: {unknown}" if unknown else "" if len(names) >= 3 else f"only {names} on the page"


def main():
    cases = [(f"gdb/{flash_map}", session, flash_map) for flash_map in BOARDS]
    cases.append(("gdb/places-of-debugging.md", places_of_the_page, "psoc62_2m_ext_swap_single"))
    if "--list" in sys.argv[1:]:
        print("\n".join(name for name, _test, _map in cases))
        return 0
    failed = passed = 0
    for name, test, flash_map in cases:
        fault = test(flash_map)
        passed, failed = passed + (not fault), failed + bool(fault)
        print(f"{'FAILED' if fault else 'ok'}  {name}" + (f"\n{fault}" if fault else ""), flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
