#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rollout.py - how exactly a rollout meets its share, who is in, and whether polls beat in step.

usage: rollout.py [--quick]        OTTER=path of the tool

1. A fleet waits while a signed job goes from 1 % to 10 % to 50 %. At each step the devices that took
   it are exactly those that SHA-256 of salt and name says; the share is within one percentage point
   (--quick: 2.25, as it has fewer).
2. A fresh fleet that meets the job at 50 % has the same devices in: who was in stays in.
3. A fleet that was switched on all at once, as after a power failure, polls evenly: from the third
   interval on, no bin has more than 1.3 times the polls of the mean one.

There are 10,000 devices, and bins of a sixtieth of the time between two polls: a second of a minute.
--quick has 2,000, and leaves out 3., which a busy machine would not show: test/unit/test_fleet.c has the
waits alone.
"""
import argparse
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tool"))
from tool import OTTER, Serve, run  # noqa: E402

BOARD = "APP_CY8CPROTO_062S2_43439"
SALT = "accuracy"
SHARES = (1, 10, 50)
PEAK_TARGET = 1.3
BINS = 60  # in the time between two polls
SETTLE = 2  # intervals


class Size:
    def __init__(self, quick):
        self.devices = 2000 if quick else 10000
        self.grow_seconds = 0.7 if quick else 6  # between two polls
        self.steady_seconds = 0 if quick else 30
        self.steady_intervals = 4.5
        self.tolerance = 2.25 if quick else 1.0  # percentage points


class Stage:
    def __init__(self, folder):
        self.folder = folder
        self.otter("keygen", "--type", "ecdsa-p256", "key.pem")
        self.otter("keygen", "--type", "ecdsa-p256", "job.pem")
        self.otter("device", "app", "--version", "1.1.0", "--size", 4096, "-o", "app.bin")
        self.otter("sign", "--key", "key.pem", "--version", "1.1.0", "--header-size", "0x400", "app.bin", "app-1.1.0.bin")
        self.otter("publish", "--image", "app-1.1.0.bin", "--folder", "www", "--board", BOARD, "--job-key", "job.pem",
                   "--rollout", f"{SHARES[0]}%", "--salt", SALT)
        self.server = Serve(folder, "--folder", "www", "--reports", "reports.jsonl")

    def otter(self, *words):
        return run(OTTER, *words, cwd=self.folder)

    def raise_to(self, share):
        self.otter("rollout", "raise", f"{share}%", "--folder", "www", "--job-key", "job.pem")

    def fleet(self, devices, seconds, *words):
        return subprocess.Popen([OTTER, "fleet", "--server", self.server.url, "--key", "key.pem", "--job-key", "job.pem", "--json",
                                 "--devices", str(devices), "--poll-seconds", str(seconds), *[str(word) for word in words]],
                                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def confirmed(self):
        """The devices that told the server that they took it."""
        lines = (self.folder / "reports.jsonl").read_text().splitlines()
        return {report["device"] for report in (json.loads(line)["report"] for line in lines) if report["result"] == "confirmed"}


def predicted(devices, share):
    names = (f"fleet-{i:06}" for i in range(1, devices + 1))
    return {name for name in names
            if int.from_bytes(hashlib.sha256((SALT + name).encode()).digest()[:4], "big") % 1000 < share * 10}


class Watched:
    """The newest line of a fleet under way."""

    def __init__(self, process):
        self.process, self.last = process, None
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.last = json.loads(line)

    def wait_settled(self, seconds, limit=300):
        """Until the states have not changed for so long."""
        before, since, end = None, time.monotonic(), time.monotonic() + limit
        while time.monotonic() < end:
            time.sleep(0.1)
            states = self.last and self.last["states"]
            if states != before or not states or states["silent"] or states["updating"]:
                before, since = states, time.monotonic()
            elif time.monotonic() - since > seconds:
                return
        raise SystemExit("the fleet does not come to rest")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.reader.join()
        self.process.stdout.close()


def grow(stage, size):
    """1: (share, devices in, whether exactly the predicted ones are) for each share."""
    rows = []
    fleet = Watched(stage.fleet(size.devices, size.grow_seconds, "--start-spread", size.grow_seconds))
    try:
        for share in SHARES:
            if share != SHARES[0]:
                stage.raise_to(share)
            fleet.wait_settled(2.5 * size.grow_seconds + 1)
            told = stage.confirmed()
            rows.append((share, fleet.last["states"]["updated"], told == predicted(size.devices, share)))
    finally:
        fleet.stop()
    return rows


def fresh(stage, size):
    """2: the devices that take the job when they first see it at 50 %."""
    process = stage.fleet(size.devices, size.grow_seconds, "--start-spread", size.grow_seconds, "--until", "idle", "--duration", 300,
                          "--list", "fresh.jsonl")
    process.communicate()
    lines = (stage.folder / "fresh.jsonl").read_text().splitlines()
    return {one["device"] for one in map(json.loads, lines) if one["state"] == "updated"}


def steady(stage, size):
    """3: mean and peak of the polls in a bin."""
    process = stage.fleet(size.devices, size.steady_seconds, "--version", "1.1.0", "--duration",
                          size.steady_seconds * size.steady_intervals)
    out, _ = process.communicate()
    bins = json.loads(out.splitlines()[-1])["poll_bins"][SETTLE * BINS:]
    return sum(bins) / len(bins), max(bins)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="less of everything")
    size = Size(parser.parse_args().quick)
    misses = []
    with tempfile.TemporaryDirectory(prefix="otter-rollout-") as name:
        stage = Stage(pathlib.Path(name))
        try:
            for share, count, exact in grow(stage, size):
                part = 100 * count / size.devices
                print(f"rollout {share:2} %: {count:,} of {size.devices:,} devices, {part:.2f} %; "
                      f"{'exactly those' if exact else 'NOT those'} that salt and name say", flush=True)
                if abs(part - share) > size.tolerance or not exact:
                    misses.append(f"{share} %")
            same = fresh(stage, size) == predicted(size.devices, SHARES[-1])
            print(f"a fresh fleet at {SHARES[-1]} %: {'the same devices' if same else 'OTHER devices'}", flush=True)
            misses += [] if same else ["the same devices"]
            if size.steady_seconds:
                mean, peak = steady(stage, size)
                print(f"polls, all switched on at once, from the third interval on: mean {mean:.1f}, peak {peak} in a bin of "
                      f"1/{BINS} of the interval: {peak / mean:.2f} (target: at most {PEAK_TARGET})")
                misses += [] if peak / mean <= PEAK_TARGET else ["peak to mean"]
        finally:
            stage.server.stop()
    print("targets: " + ("met" if not misses else "MISSED: " + ", ".join(misses)))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
