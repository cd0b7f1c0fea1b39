#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bench.py - what the emulated boards take: download speed, and instructions of everything that computes.

usage: bench.py [--board BOARD]... [--markdown] [speed] [counts]      (all of both, if none is named)
--markdown: only digits that are the same in every run, for docs/sizes.md.

speed:   the same file over TLS, in turns by a plain read loop and by the agent, which writes it to
         flash. The agent must keep up: a ratio of at least 0.8. The clock is the wall's and the machine
         has other things to do, so the fastest of several rounds counts, and there are three attempts.
counts:  instructions (QEMU's -icount shift=0) of hashing, of a signature, of the bootloader's whole
         verification, of handshakes, of downloads without their waiting (ratio as above), and of the
         longest single call. Everything runs twice: what only computes must give the very same
         counts, what the network's timing has a part in nearly so.

OTTER names the tool; firmware is that of build/BOARD (cmake --build --preset BOARD --target bench),
started by the real bootloader in `otter emulate`. Last line: "N passed, N failed"; exit 1 when any
did: something is slower than wanted, or not repeatable.
"""
import argparse
import collections
import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OTTER = os.path.abspath(os.environ.get("OTTER", os.path.join(ROOT, "build", "host", "otter")))
KEY = os.path.join(ROOT, "test", "keys", "not-secret-ecdsa-p256.pem")
OTHER_KEY = os.path.join(ROOT, "test", "keys", "not-secret-ecdsa-p256-other.pem")
BOARDS = {"qemu-psoc62": ("Cortex-M4", "psoc62_2m_ext_swap_single"), "qemu-xmc7200": ("Cortex-M7", "xmc7200_int_swap_single")}
TICK_INSTRUCTIONS = 40
RATIO_MIN = 0.8
FILE_SIZE = 1536 * 1024
PROGRAM_KIB = 256  # of the image that the bootloader's verification is measured on
NETWORK_TOLERANCE = 0.03
ATTEMPTS = 3
TIME_LIMIT_S = 300


# digits: how many of the value are the same in every run, all of them (0), or none that a document could keep.
Row = collections.namedtuple("Row", "what value digits")
ANY = None


class Failed(Exception):
    pass


class Checks:
    passed = failed = 0

    def check(self, good, what):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED: " + what, file=sys.stderr, flush=True)


def otter(*args):
    done = subprocess.run([OTTER, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"otter {args[0]}: {done.stdout.strip()}")


class Server:
    """`otter serve` over a folder with one file, signed by nobody whom the board trusts."""

    def __init__(self, folder):
        self.folder = folder
        public = os.path.join(folder, "public")
        os.mkdir(public)
        otter("certs", "--server", "192.0.2.2", "--out", folder)
        payload = os.path.join(folder, "payload.bin")
        with open(payload, "wb") as file:
            file.write(os.urandom(FILE_SIZE))
        otter("sign", "--key", OTHER_KEY, "--version", "9.0.0", "--pad-header", payload, os.path.join(public, "file.bin"))
        self.log = os.path.join(folder, "server.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [OTTER, "serve", "--folder", public, "--port", "0", "--json", "--cert", self.path("http_server.crt"),
                 "--key", self.path("http_server.key")], stdout=log, stderr=subprocess.STDOUT)
        self.port = self.find_port()

    def path(self, name):
        return os.path.join(self.folder, name)

    def find_port(self):
        for _ in range(200):
            time.sleep(0.05)
            with open(self.log, encoding="utf-8") as log:
                found = re.search(r'"port"\s*:\s*(\d+)', log.read())
            if found:
                return int(found.group(1))
        raise Failed("the server did not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def signed(folder, board, program, size=0):
    """The measuring program as an image for the primary slot; filled up to `size` bytes."""
    built = os.path.join(ROOT, "build", board, f"bench-{program}-{BOARDS[board][1]}.bin")
    if not os.path.exists(built):
        raise Failed(f"no {os.path.relpath(built, ROOT)}: cmake --build --preset {board} --target bench")
    with open(built, "rb") as file:
        code = file.read()
    plain, image = os.path.join(folder, program + ".bin"), os.path.join(folder, f"{board}-{program}.img")
    with open(plain, "wb") as file:
        file.write(code.ljust(size, b"\xa5"))
    otter("sign", "--key", KEY, "--version", "1.0.0", "--pad-header", "--map", BOARDS[board][1], plain, image)
    return image


def run(board, image, *args):
    """Start it; the measurements as (name, {key: value}), in order."""
    command = [OTTER, "emulate", "--map", BOARDS[board][1], "--firmware", os.path.join(ROOT, "build", board), "--json",
               "--timeout", str(TIME_LIMIT_S), *args, image]
    found = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        lines = []
        for text in process.stdout:
            lines.append(text.rstrip())
            line = json.loads(text).get("line", "") if text.startswith("{") else ""
            words = shlex.split(line) if line.startswith("bench ") else []
            if words[1:2] == ["done"] or words[1:2] == ["failed"]:
                process.send_signal(signal.SIGINT)
                process.communicate()
                if words[1] == "failed":
                    raise Failed(f"{board}: {line}")
                return found
            if words:
                found.append((words[1], dict(word.split("=", 1) for word in words[2:])))
    raise Failed(f"{board}: the program did not come to its end:\n" + "\n".join(lines[-8:]))


def server_args(server):
    return ["--server", f"https://192.0.2.2:{server.port}", "--ca", server.path("http_ca.crt"), "--image-path", "/file.bin"]


def rates_of(lines, who):
    """Bytes a second, without the first round: the flash file has no pages in memory yet."""
    return [int(values["bytes"]) * 1000000 // int(values["us"]) for name, values in lines if name == who][1:]


def speed(board, image, server):
    """Rows; the ratio is last."""
    lines = run(board, image, *server_args(server))
    loop, agent = rates_of(lines, "loop"), rates_of(lines, "agent")
    rounds = f"{len(loop)} rounds"
    return [Row(f"plain TLS read loop, bytes/s, fastest of {rounds}", max(loop), 2),
            Row("  median", int(statistics.median(loop)), 2),
            Row(f"agent with flash writes, bytes/s, fastest of {rounds}", max(agent), 2),
            Row("  median", int(statistics.median(agent)), 2),
            Row("ratio of the fastest", round(max(agent) / max(loop), 3), 2)]


def best_speed(board, folder, server):
    image = signed(folder, board, "net")
    best = speed(board, image, server)
    for _ in range(ATTEMPTS - 1):
        if best[-1].value >= RATIO_MIN:
            break
        print(f"{board}: ratio {best[-1].value}; once more", file=sys.stderr)
        best = max(best, speed(board, image, server), key=lambda rows: rows[-1].value)
    return best


def instructions(values, key="ticks"):
    return int(values[key]) * TICK_INSTRUCTIONS


def count_boot(board, image):
    values = dict(run(board, image, "--icount", "0"))
    return [Row("SHA-256 in the bootloader, 1 KiB", instructions(values["sha256"], "ticks_per_kib"), 3),
            Row("ECDSA P-256 verification in the bootloader", instructions(values["p256-verify"]), 3),
            Row(f"whole verification of an image with {PROGRAM_KIB} KiB of program", instructions(values["boot-verify"]), 3)]


def per_byte(lines, who):
    return statistics.median(instructions(values, "busy") / int(values["bytes"]) for name, values in lines if name == who)


def count_net(board, image, server):
    """Rows of instructions, of bytes, and of the longest calls."""
    lines = run(board, image, "--icount", "0", *server_args(server))
    rows, memory, longest = [], [], []
    for name, values in lines:
        version = "TLS " + values.get("version", "")
        if name == "handshake":
            rows.append(Row(f"{version} handshake, {values['kind']}", instructions(values), 3))
            longest.append(Row(f"longest open() call, {version} {values['kind']}", instructions(values, "worst"), ANY))
        elif name == "step":
            longest.append(Row("longest otter_agent_step() call, handshakes resumed", instructions(values, "worst"), ANY))
        elif name == "arena":
            memory.append(Row(f"bytes: {version}, most of its arena in use", int(values["peak"]), ANY))
        elif name == "stack":
            memory.append(Row("bytes: stack, most in use", int(values["peak"]), ANY))
    rows += [Row("1 KiB through a plain TLS read loop", round(per_byte(lines, "loop") * 1024), 3),
             Row("1 KiB through the agent into flash", round(per_byte(lines, "agent") * 1024), 3)]
    return rows, memory, longest


def is_near(one, other):
    return abs(one - other) <= NETWORK_TOLERANCE * max(one, other)


def counts(board, folder, server, checks):
    image = signed(folder, board, "boot", PROGRAM_KIB * 1024)
    first, second = count_boot(board, image), count_boot(board, image)
    checks.check(first == second, f"{board}: two runs, two counts: {first} and {second}")
    image = signed(folder, board, "net")
    (network, memory, longest), (again, _, _) = count_net(board, image, server), count_net(board, image, server)
    for one, other in zip(network, again):
        checks.check(is_near(one.value, other.value), f"{board}: {one.what}: {one.value} and {other.value} instructions")
    loop, agent = network[-2].value, network[-1].value
    checks.check(loop >= RATIO_MIN * agent, f"{board}: the agent takes {agent} instructions a KiB, the plain loop {loop}")
    return first + network + memory + longest


def shown(row, markdown):
    if not markdown or row.digits == 0:
        return f"{row.value:,}"
    value = float(f"{row.value:.{row.digits}g}")
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def table(title, columns, markdown):
    """columns: {board: rows}, of the same rows each."""
    names = [f"{BOARDS[board][0]} ({board})" for board in columns]
    lines = list(zip(*columns.values()))
    if markdown:
        print("| " + " | ".join([title, *names]) + " |\n|---" + "|---:" * len(names) + "|")
        for rows in lines:
            if rows[0].digits is not ANY:
                print("| " + " | ".join([rows[0].what, *(shown(row, True) for row in rows)]) + " |")
    else:
        print(f"{title:<62}" + "".join(f"{name:>26}" for name in names))
        for rows in lines:
            print(f"  {rows[0].what:<60}" + "".join(f"{shown(row, False):>26}" for row in rows))
    print(flush=True)


def measure(boards, args, folder, server, checks):
    if "speed" in args.what:
        columns = {board: best_speed(board, folder, server) for board in boards}
        table("Download", columns, args.markdown)
        for board, rows in columns.items():
            checks.check(rows[-1].value >= RATIO_MIN, f"{board}: {rows[-1].value} of the loop's speed, wanted: {RATIO_MIN}")
    if "counts" in args.what:
        table("Instructions", {board: counts(board, folder, server, checks) for board in boards}, args.markdown)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--board", action="append", choices=sorted(BOARDS))
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("what", nargs="*", metavar="speed|counts")
    args = parser.parse_args()
    if not set(args.what) <= {"speed", "counts"}:
        parser.error("speed and counts are all there is to measure")
    args.what = args.what or ["speed", "counts"]
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="otter-bench-") as folder:
        server = Server(folder)
        try:
            measure(args.board or sorted(BOARDS), args, folder, server, checks)
        except Failed as failed:
            checks.check(False, str(failed))
        finally:
            server.stop()
    print(f"{checks.passed} passed, {checks.failed} failed", file=sys.stderr if args.markdown else sys.stdout)
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
