# SPDX-License-Identifier: Apache-2.0
"""sizes_run.py - what an emulated board's application needs while it runs: stack, and TLS's arena.

A whole update is played with `otter emulate` on one board, over TLS of one version, with client
certificates, until the new image is confirmed and has asked once more. The application says at
each outcome how much was in use at most (board/words.def, MEMORY).
"""
import json
import os
import re
import subprocess
import tempfile
import time

import elf

OTTER = os.environ.get("OTTER", os.path.join(elf.ROOT, "build", "host", "otter"))
KEY = os.path.join(elf.ROOT, "test", "keys", "not-secret-ecdsa-p256.pem")
BOARD_NAME = "size"
OLD, NEW = "1.0.0", "1.1.0"
TIME_LIMIT_S = 120
ROUND, SPARE = 256, 64  # bytes: signatures differ in length, and with them what is in use


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


def rounded(size):
    return (size + SPARE + ROUND - 1) // ROUND * ROUND


def measure(build, flash_map, tls):
    """(most stack in use, stack there is, most of the arena in use), bytes."""
    with tempfile.TemporaryDirectory(prefix="otter-sizes-") as folder:
        events = play(build, flash_map, tls, folder)
    if not events:
        raise SystemExit("sizes_run.py: %s says nothing about its memory" % flash_map)
    return (rounded(max(event["stack_peak"] for event in events)), events[0]["stack_size"],
            rounded(max(event["arena_peak"] for event in events)))


def document(builds):
    """builds: (board, build folder, flash map)"""
    lines = ["## Applications while they run", "",
             "A whole update on the emulated board with client certificates, as the application says itself; %d bytes"
             " more, rounded up to %d." % (SPARE, ROUND), "",
             "| board | TLS | stack in use at most | of | TLS arena in use at most |", "|---|---|---|---|---|"]
    for board, build, flash_map in builds:
        for tls in ("1.2", "1.3"):
            lines.append("| %s | %s | %d | %d | %d |" % (board, tls, *measure(build, flash_map, tls)))
    return lines + [""]
