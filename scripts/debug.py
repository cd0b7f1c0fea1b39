#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""debug.py - an emulated board that waits, and gdb with the symbols of bootloader and application.

usage: scripts/debug.py [--port N] [--version V] [--wait | --do COMMAND...] OTTER FIRMWARE MAP [option...]

FIRMWARE is the folder of a board's built firmware (build/qemu-psoc62). The board runs version 1.0.0
of the application, or what a flash file has that an option names; V [1.0.0] is the version whose
symbols gdb takes. gdb stops at otter_boot, then at the application's main; `continue` goes from one
to the next. The board stands still while gdb does: watchdog and time, too. Lines of the UART begin
with "| ".
--wait: no gdb, another debugger comes (VS Code). --do: gdb does these commands, and ends.
More options are those of `otter emulate`.
"""
import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading

PORT = 3333


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def programs(firmware, flash_map, version):
    return f"{firmware}/bootloader-{flash_map}.elf", f"{firmware}/ota-https-{flash_map}-{version}.elf"


BREAKPOINTS = ["break otter_boot", "break app/ota-https/main.c:main"]


def gdb_command(args):
    """gdb with both programs' symbols, connected, with its two breakpoints."""
    bootloader, application = programs(args.firmware, args.map, args.version)
    commands = ["set confirm off", f"add-symbol-file {application}", f"target remote localhost:{args.port}",
                *BREAKPOINTS, *args.do]
    return ["gdb-multiarch", "-q", *(["--batch"] if args.do else []), bootloader,
            *[word for command in commands for word in ("-ex", command)]]


def show_uart(stream):
    for line in stream:
        sys.stderr.write("| " + line)
        sys.stderr.flush()


def take_terminal():
    """This process, a group of its own, gets what is typed: Ctrl-C stops the program, not make."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(sys.stdin.fileno(), os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def run_gdb(args):
    if args.do or not sys.stdin.isatty():
        return subprocess.run(gdb_command(args), check=False, stdin=subprocess.DEVNULL if args.do else None).returncode
    code = subprocess.run(gdb_command(args), check=False, preexec_fn=take_terminal).returncode
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
    return code


def debug(args):
    board = subprocess.Popen([args.otter, "emulate", "--map", args.map, "--firmware", args.firmware,
                              "--gdb", str(args.port), *args.options], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                             start_new_session=True, preexec_fn=die_with_parent)
    try:
        if args.wait:
            print(f"the board waits for a debugger on port {args.port}", flush=True)
            show_uart(board.stdout)
            return board.wait()
        threading.Thread(target=show_uart, args=(board.stdout,), daemon=True).start()
        return run_gdb(args)
    finally:
        board.terminate()
        board.wait()


def main():
    parser = argparse.ArgumentParser(description="an emulated board that waits, and gdb", allow_abbrev=False)
    parser.add_argument("--port", type=int, default=PORT, help="where gdb meets the board [3333]")
    parser.add_argument("--version", default="1.0.0", help="of the application whose symbols gdb takes [1.0.0]")
    parser.add_argument("--wait", action="store_true", help="no gdb: another debugger comes")
    parser.add_argument("--do", action="append", default=[], metavar="COMMAND", help="gdb does this, then ends")
    parser.add_argument("otter")
    parser.add_argument("firmware")
    parser.add_argument("map")
    parser.add_argument("options", nargs=argparse.REMAINDER, help="of `otter emulate`")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return debug(args)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
