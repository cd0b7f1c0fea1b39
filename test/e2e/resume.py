# SPDX-License-Identifier: Apache-2.0
"""resume.py - a download that is cut 20 times, and one whose device is killed 20 times.

The places are drawn from the seed in the case's id. The server's own log decides how much was
fetched twice: what it had sent of one answer, against where the next request begins. A connection
that ends loses nothing: the next range begins at the very byte where the last answer ended. A
device that is killed (-9) may fetch again at most one sector, and what was on the wire.
"""
import os
import random
import subprocess
import time

import harness
from harness import IMAGE, case, check

SIZE = 742607  # the replaced system's example image
CUTS = 20
SECTOR = {harness.PSOC: 0x40000, harness.XMC: 0x8000}
WIRE = 16384  # what the server may have in flight: one piece
PIECE = 4096


def places(seed, total):
    chooser = random.Random(seed)
    return sorted(chooser.sample(range(1, total - 1), CUTS))


def start_of(request):
    value = request["range"]
    return int(value[6:].partition("-")[0]) if value else 0


class Cutter:
    """Serves the image and stops at each of `places` once, in order, in the way of `end`."""

    def __init__(self, at, end, pause=0.0):
        self.places, self.end, self.pause = list(at), end, pause
        self.sent = []  # (offset the answer began at, offset it ended at)
        self.cuts = 0
        self.stopped = None

    def __call__(self, connection, request):
        answer = connection.honest(request)
        if request.path != IMAGE or request.method != "GET" or answer.status not in (200, 206):
            return connection.write(answer)
        first, size = start_of(connection.entry), len(answer.body)
        while self.places and self.places[0] <= first:
            self.places.pop(0)  # passed already: a kill came later than it was meant to
        span = [first, first]
        self.sent.append(span)
        connection.entry["status"] = answer.status
        connection.send(answer.head())
        end = size
        if self.places and self.places[0] - first < size:
            end = self.places.pop(0) - first
            self.cuts += 1
        for at in range(0, end, PIECE):
            piece = answer.body[at:min(at + PIECE, end)]
            connection.send(piece)
            connection.wait_taken()
            span[1] += len(piece)
            if self.pause:
                connection.server.sleep(self.pause)
        if end == size:
            return True
        return self.end(self, connection, span)


def drop(_cutter, connection, _span):
    """FIN, without close_notify."""
    connection.close(notify=False)
    return False


def drop_politely(_cutter, connection, _span):
    connection.close(notify=True)
    return False


def drop_in_record(_cutter, connection, _span):
    """A TLS record that never ends."""
    raw = connection.sock.detach()
    try:
        os.write(raw, b"\x17\x03\x03\x10\x00" + b"\x77" * 1000)
    finally:
        os.close(raw)
    return False


def wait_for_kill(cutter, connection, span):
    """Hold the connection until the device is dead; it has read all by then, but for a record."""
    connection.wait_taken()
    connection.wait_read()
    cutter.stopped = span[1]
    connection.wait_closed(20)
    return False


def twice(cutter):
    """Bytes fetched twice at each new request."""
    return [before[1] - after[0] for before, after in zip(cutter.sent, cutter.sent[1:])]


def stage(bench, map_name, cutter, secure, options):
    image = bench.kit.image("1.1.0", SIZE, seed=7)
    server = bench.serve(image, secure=secure)
    server.behaviour = cutter
    device = bench.device(server, "--stall-ms", 5000, *options, map_name=map_name)
    return image, server, device, device.find_primary()


def cut(bench, map_name, seed, end, secure=True, options=()):
    path = bench.kit.image("1.1.0", SIZE, seed=7)
    total = len(bench.kit.bytes(path))
    cutter = Cutter(places(seed, total), end)
    image, server, device, primary = stage(bench, map_name, cutter, secure, options)
    device.start(timeout=60).finish(70)
    check(device.holds(primary, image), "the primary does not hold the new image")
    check(cutter.cuts == CUTS, "the download was cut %d times", cutter.cuts)
    check(not any(twice(cutter)), "bytes fetched twice at each cut: %s", twice(cutter))


ENDS = {"fin": drop, "close-notify": drop_politely, "mid-record": drop_in_record}
for _map, _short in ((harness.PSOC, "psoc62"), (harness.XMC, "xmc")):
    for _end, _function in ENDS.items():
        def cutting(map_name=_map, short=_short, end=_end, function=_function):
            @case("resume/cut-%s-%s-seed-1" % (short, end), "resume-cut")
            def _(bench):
                cut(bench, map_name, 1, function)
        cutting()


@case("resume/cut-psoc62-plain-seed-2", "resume-cut")
def _(bench):
    cut(bench, harness.PSOC, 2, drop, secure=False)


@case("resume/cut-xmc-in-ranges-seed-3", "resume-cut")
def _(bench):
    """4096 bytes per request: the cuts fall inside the ranges."""
    cut(bench, harness.XMC, 3, drop, options=("--range", 4096))


def kill(bench, map_name, seed, secure=True):
    path = bench.kit.image("1.1.0", SIZE, seed=7)
    total = len(bench.kit.bytes(path))
    cutter = Cutter(places(seed, total), wait_for_kill)
    image, server, device, primary = stage(bench, map_name, cutter, secure, ())
    kills = 0
    deadline = time.monotonic() + 100
    device.start(timeout=100)
    while time.monotonic() < deadline and device.process.poll() is None:
        if cutter.stopped is None:
            time.sleep(0.005)
            continue
        time.sleep(random.Random(seed + kills).random() * 0.05)  # while it hashes, erases, programs
        device.kill()
        kills += 1
        cutter.stopped = None
        device.start(timeout=100)
    device.finish(30)
    check(device.holds(primary, image), "the primary does not hold the new image")
    check(kills == CUTS, "killed %d times", kills)
    again = twice(cutter)
    most = SECTOR[map_name] + WIRE
    check(all(n <= most for n in again), "bytes fetched twice at each kill: %s", again)
    starts = [span[0] for span in cutter.sent]
    check(all(span[0] <= before[1] for before, span in zip(cutter.sent, cutter.sent[1:])),
          "bytes left out: %s", starts)


for _map, _short in ((harness.PSOC, "psoc62"), (harness.XMC, "xmc")):
    for _seed in (1, 2):
        def killing(map_name=_map, short=_short, seed=_seed):
            @case("resume/kill-%s-seed-%d" % (short, seed), "resume-kill")
            def _(bench):
                kill(bench, map_name, seed)
        killing()


@case("resume/kill-any-time-xmc-seed-5", "resume-kill")
def _(bench):
    """Killed at any time, the swap included: every start goes on where it was."""
    image, _, device, primary = stage(bench, harness.XMC, Cutter([], drop, pause=0.001), True, ())
    chooser, kills = random.Random(5), 0
    code = None
    while code is None and kills < 200:
        device.start(timeout=60)
        try:
            code = device.process.wait(0.005 + chooser.random() * 0.08)
        except subprocess.TimeoutExpired:
            device.kill()
            kills += 1
    if code is None:
        device.start(timeout=60).finish(70)
    check(kills >= CUTS, "killed only %d times", kills)
    check(device.holds(primary, image), "the primary does not hold the new image")
