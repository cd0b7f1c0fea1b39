#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""page.py - the page of `otter serve` in a real Chromium (Debian's), driven by Playwright (npm).

usage: page.py [--shots FOLDER] [CASE...]      OTTER: the tool [build/host/otter]

Each case is a server of its own with its own fleet; what the browser does is in page.js. The
screenshots stay only where --shots says so.
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

import npm

HERE = pathlib.Path(__file__).resolve().parent
OTTER = os.path.abspath(os.environ.get("OTTER") or HERE.parent.parent / "build/host/otter")
PLAYWRIGHT = "1.56.1"
EVIL = "<img src=x onerror=stolen=1>"


class Fleet:
    """A folder with a signed job, a database with devices, and a server."""

    def __init__(self, folder, count, operator=False):
        self.folder = pathlib.Path(folder)
        (self.folder / "www").mkdir()
        for key in ("image.pem", "job.pem"):
            self.otter("keygen", "--type", "ecdsa-p256", key)
        self.otter("device", "app", "--version", "1.1.0", "-o", "app.bin")
        self.otter("sign", "--key", "image.pem", "--version", "1.1.0", "app.bin", "signed.bin")
        self.otter("publish", "--image", "signed.bin", "--folder", "www", "--job-key", "job.pem", "--board", "kit", "--rollout", "10%")
        self.otter("device", "enrol", "x", "--database", "fleet.db")
        with sqlite3.connect(self.folder / "fleet.db") as db:
            db.execute("DELETE FROM devices")
            self.fill(db, count)
        if operator:
            (self.folder / "password").write_text("correct horse\n")
            self.otter("serve", "operator", "add", "ada", "--database", "fleet.db", "--password-file", "password")
        self.process = subprocess.Popen(
            [OTTER, "serve", "--folder", "www", "--database", "fleet.db", "--port", "0", "--open-reports", "--job-key", "job.pem", "--json"],
            cwd=self.folder, stdout=open(self.folder / "log", "wb"), stderr=subprocess.STDOUT)
        self.url = self.wait_for_url()

    def otter(self, *words):
        subprocess.run([OTTER, *words], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def fill(self, db, count):
        chance = random.Random(7)
        now = int(time.time())
        states = [("ok", "1.1.0", "", "")] * 70 + [("ok", "1.0.0", "", "")] * 15 + [("updating", "1.0.0", "1.1.0", "")] * 6
        states += [("reverted", "1.0.0", "1.1.0", reason) for reason in ("watchdog", "health", "not-confirmed") for _ in range(2)]
        states += [("failed", "1.0.0", "1.1.0", "bad-image")] * 2 + [("enrolled", "", "", "")]
        for i in range(count):
            state, version, target, reason = chance.choice(states)
            seen = 0 if state == "enrolled" else now - chance.randrange(86400)
            db.execute("INSERT INTO devices(device, board, version, state, target, reason, first_seen, last_seen, changed, enrolled)"
                       " VALUES(?, 'kit', ?, ?, ?, ?, ?, ?, ?, ?)", (f"d{i:05}", version, state, target, reason, seen, seen, seen, now))
        for hour in range(24 if count else 0):
            part = hour / 23
            for version, devices in (("1.0.0", count * (1 - 0.8 * part)), ("1.1.0", count * 0.7 * part), ("1.0.9", count * 0.1 * part)):
                db.execute("INSERT INTO versions(at, version, devices) VALUES(?, ?, ?)",
                           ((now - (24 - hour) * 3600) // 60 * 60, version, round(devices)))

    def wait_for_url(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = re.search(r'"url":"([^"]+)/"', (self.folder / "log").read_text())
            if found:
                return found.group(1)
            time.sleep(0.05)
        raise RuntimeError("otter serve did not start: " + (self.folder / "log").read_text())

    def report(self, number, **more):
        said = {"id": f"{number:016x}", "device": f"d{number:05}", "board": "kit", "from": "1.0.0", "to": "1.1.0", "result": "confirmed",
                "reason": "none", "attempts": 1, "bytes": 99478, "seconds": 4, "sequence": 1, **more}
        with urllib.request.urlopen(urllib.request.Request(self.url + "/report", json.dumps(said).encode()), timeout=20) as answer:
            answer.read()

    def stop(self):
        self.process.terminate()
        if self.process.wait(timeout=20) != 0:
            raise RuntimeError("otter serve ended with %d" % self.process.returncode)


def prepare(name, folder):
    counts = {"empty": 0, "one": 1, "many": 10000, "phone": 100, "scriptless": 100, "failures": 40, "halt": 100}
    fleet = Fleet(folder, counts[name], operator=name == "halt")
    if name == "failures":
        for number in range(6):
            fleet.report(number, result="reverted", reason=("watchdog", "health")[number % 2])
        fleet.report(98, device=EVIL + "2", board=EVIL, result=EVIL, to=EVIL, via=EVIL, reason="'\"></td><script>stolen=1</script>")
        fleet.report(99, device=EVIL, board=EVIL, result="reverted", reason=EVIL, to="1.1.0", **{"from": EVIL})
    return fleet


def play(name, node, modules, browser, shots):
    with tempfile.TemporaryDirectory(prefix="otter-page-") as folder:
        fleet = prepare(name, folder)
        try:
            done = subprocess.run([node, HERE / "page.js", name, fleet.url, shots], capture_output=True, text=True, timeout=120, check=False,
                                  env={**os.environ, "NODE_PATH": modules, "CHROMIUM": browser, "HOME": folder})
        finally:
            fleet.stop()
    lines = (done.stdout + done.stderr).strip().splitlines() or ["nothing was said"]
    return done.returncode == 0, "; ".join(lines)


def main():
    names = ["empty", "one", "many", "failures", "halt", "phone", "scriptless"]
    parser = argparse.ArgumentParser()
    parser.add_argument("--shots")
    parser.add_argument("names", nargs="*", metavar="CASE", help=", ".join(names))
    options = parser.parse_args()
    try:
        node, browser = npm.program("node"), npm.program("chromium")
        modules = os.path.join(npm.package("playwright-core", PLAYWRIGHT), "node_modules")
    except npm.Skipped as why:
        print("skip page: %s" % why)
        print("0 passed, %d failed" % (1 if os.environ.get("CI") else 0))
        return 1 if os.environ.get("CI") else 0
    shots = options.shots or tempfile.mkdtemp(prefix="otter-shots-")
    os.makedirs(shots, exist_ok=True)
    failed = 0
    try:
        for name in options.names or names:
            good, said = play(name, node, modules, browser, shots)
            failed += not good
            print("%s page/%s%s" % ("pass" if good else "FAIL", name, "" if said == "ok" else ": " + said), flush=True)
    finally:
        if not options.shots:
            shutil.rmtree(shots)
    print("%d passed, %d failed" % (len(options.names or names) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
