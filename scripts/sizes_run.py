# SPDX-License-Identifier: Apache-2.0
"""sizes_run.py - what an emulated board's firmware needs while it runs: stack, TLS's arena, instructions.

A whole update is played with `otter emulate` on one board, over TLS of one version, with client
certificates, until the new image is confirmed and has asked once more. The application says at
each outcome how much was in use at most (board/words.def, MEMORY). Instructions: test/boards/bench.py.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import elf

OTTER = os.environ.get("OTTER", os.path.join(elf.ROOT, "build", "host", "otter"))
KEY = os.path.join(elf.ROOT, "test", "keys", "not-secret-ecdsa-p256.pem")
BOARD_NAME = "size"
OLD, NEW = "1.0.0", "1.1.0"
TIME_LIMIT_S = 120
TOLERANCE = 0.03


def otter(*words):
    done = subprocess.run([OTTER, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit("sizes_run.py: otter %s: %s" % (words[0], done.stderr.strip()))
    return done.stdout


class Server:
    """`otter serve` of one image, with certificates both ways."""

    def __init__(self, folder, image):
        public = os.path.join(folder, "public")
        otter("certs", "--server", "192.0.2.2", "--out", folder)
        otter("publish", "--image", image, "--folder", public, "--board", BOARD_NAME)
        path = os.path.join(folder, "server.log")
        with open(path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [OTTER, "serve", "--folder", public, "--port", "0", "--json", "--cert", os.path.join(folder, "http_server.crt"),
                 "--key", os.path.join(folder, "http_server.key"), "--client-ca", os.path.join(folder, "http_ca.crt")],
                stdout=log, stderr=subprocess.STDOUT)
        self.port = self.find_port(path)

    @staticmethod
    def find_port(path):
        for _ in range(200):
            time.sleep(0.05)
            with open(path, encoding="utf-8") as log:
                found = re.search(r'"port"\s*:\s*(\d+)', log.read())
            if found:
                return int(found.group(1))
        raise SystemExit("sizes_run.py: `otter serve` does not serve")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def play(build, flash_map, tls, folder):
    """The memory events of one whole update."""
    images = {}
    for version in (OLD, NEW):
        images[version] = os.path.join(folder, version + ".bin")
        otter("sign", "--key", KEY, "--version", version, "--map", flash_map, "--pad-header",
              os.path.join(build, "ota-https-%s-%s.bin" % (flash_map, version)), images[version])
    server = Server(folder, images[NEW])
    try:
        text = otter("emulate", "--map", flash_map, "--firmware", build, "--key", KEY, "--tls", tls, "--board", BOARD_NAME,
                     "--server", "https://192.0.2.2:%d" % server.port, "--ca", os.path.join(folder, "http_ca.crt"),
                     "--cert", os.path.join(folder, "http_client.crt"), "--key-file", os.path.join(folder, "http_client.key"),
                     "--initial-ms", "100", "--poll-ms", "500", "--timeout", str(TIME_LIMIT_S), "--json",
                     "--until", "confirmed=" + NEW, "--until", "reported", "--until", "outcome=current", images[OLD])
    finally:
        server.stop()
    return [event for event in map(json.loads, text.splitlines()) if event["event"] == "memory"]


def memory_row(board, build, flash_map, tls):
    with tempfile.TemporaryDirectory(prefix="otter-sizes-") as folder:
        events = play(build, flash_map, tls, folder)
    if not events:
        raise SystemExit("sizes_run.py: %s says nothing about its memory" % flash_map)
    return "| %s, TLS %s | %d | %d | %d |" % (
        board, tls, max(event["stack_peak"] for event in events), events[0]["stack_size"],
        max(event["arena_peak"] for event in events))


def instructions(board):
    """The tables of test/boards/bench.py."""
    done = subprocess.run([sys.executable, os.path.join(elf.ROOT, "test", "boards", "bench.py"), "--markdown", "--board", board,
                           "counts"], env={**os.environ, "OTTER": OTTER}, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit("sizes_run.py: bench.py: %s" % done.stdout.strip())
    return [line for line in done.stdout.splitlines() if line.startswith("|")] + [""]


def numbers_of(row):
    """(what a row is about, its numbers)"""
    label, _, rest = row.strip("| ").partition(" | ")
    return label, [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", rest)]


def is_near(row, old):
    (label, numbers), (old_label, old_numbers) = numbers_of(row), numbers_of(old)
    return label == old_label and len(numbers) == len(old_numbers) and all(
        abs(one - other) <= TOLERANCE * max(one, other) for one, other in zip(numbers, old_numbers))


def steady(lines, old):
    """The lines, with the rows of the old table where they say nearly the same."""
    before, head, result = {}, None, []
    for line in old:
        head = line if not line.startswith("|") else head or line
        before.setdefault((head, numbers_of(line)[0]), line)
    for line in lines:
        head = line if not line.startswith("|") else head or line
        known = before.get((head, numbers_of(line)[0]))
        result.append(known if line.startswith("|") and known and is_near(line, known) else line)
    return result


def document(builds, old):
    """builds: (board, build folder, flash map); old: the lines of the last document."""
    lines = ["## Firmware that runs", "",
             "On the emulated boards: a whole update with client certificates, as the application says itself; then instructions,"
             " counted by QEMU (test/boards/bench.py). Signatures and the network differ from run to run: a figure is"
             " written anew when it moves by more than %d %%." % (100 * TOLERANCE), "",
             "| application | stack in use at most | of | TLS arena in use at most |", "|---|---|---|---|"]
    for board, build, flash_map in builds:
        lines += [memory_row(board, build, flash_map, tls) for tls in ("1.2", "1.3")]
    lines.append("")
    for board, _, _ in builds:
        lines += instructions(board)
    return steady(lines, old)
