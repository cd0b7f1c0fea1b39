#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo.py - one device, three firmwares, one of them bad: told step by step, and checked.

usage: scripts/demo.py OTTER [MAP]

OTTER is the built command, MAP one of the flash maps. Everything happens in a folder of its
own and on free ports; it is removed at the end (and kept when a check fails). Each step is
checked three times: by what the device said, by the bytes in its flash file, and by what the
server saw. Exit 0 only if every check held.
"""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

POLL_SECONDS = "0.4"
WATCHDOG_MS = "1500"
PACE = "0.2"  # of the time that flash takes on a real part; for eyes only
SIZES = {"1.0.0": 160 * 1024 + 211, "1.1.0": 184 * 1024 + 77, "1.2.0": 172 * 1024 + 5}


class Failed(Exception):
    pass


class Paint:
    """Colours, on a terminal only."""
    def __init__(self):
        self.on = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("NO_COLOR")

    def __call__(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.on else text


paint = Paint()


def say(text=""):
    print(text, flush=True)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Demo:
    def __init__(self, otter, flash_map, folder):
        self.otter, self.map, self.folder = otter, flash_map, folder
        self.checks = 0
        self.chapters = 0
        self.server = None
        self.port = 0
        self.overwrite = False
        self.board = ""
        self.events = []

    # ---- telling ----

    def chapter(self, title, *lines):
        self.chapters += 1
        say()
        say(paint("1", f"{self.chapters}. {title}"))
        for line in lines:
            say(f"   {line}")
        say()

    def check(self, good, text, why=""):
        if not good:
            say("   " + paint("31;1", f"NO   {text}"))
            if why:
                say(f"        {why}")
            raise Failed(text)
        self.checks += 1
        say("   " + paint("32", "yes") + f"  {text}")

    @staticmethod
    def show(args):
        """A command as one would type it, folded to the width of a terminal."""
        text = re.sub(r" (?!-)", "\0", "$ otter " + " ".join(args)).replace("otter\0", "otter ")
        lines = textwrap.wrap(text, 74, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        say(paint("2", "   " + " \\\n   ".join(lines).replace("\0", " ")))

    # ---- doing ----

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def command(self, *args, show=True):
        """Run `otter ARGS` in the folder, quietly; return its output."""
        if show:
            self.show(args)
        done = subprocess.run([self.otter, *args], cwd=self.folder, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise Failed(f"`otter {' '.join(args)}` ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def status(self):
        return json.loads(self.command("device", "status", "--json", "device", show=False))

    def run_device(self, *until, timeout=40):
        """Power the device on until all conditions are met; self.events are this run's."""
        args = ["device", "run", "device"]
        for condition in until:
            args += ["--until", condition]
        self.show(args)
        events = self.path("events.jsonl")
        before = os.path.getsize(events) if os.path.exists(events) else 0
        pace = PACE if paint.on else "0"
        done = subprocess.run([self.otter, *args, "--timeout", str(timeout), "--events", events, "--pace", pace],
                              cwd=self.folder, check=False, timeout=timeout + 20,
                              preexec_fn=die_with_parent)
        with open(events, encoding="utf-8") as file:
            file.seek(before)
            self.events = [json.loads(line) for line in file]
        say()
        if done.returncode != 0:
            raise Failed("the device did not get there")

    def happened(self, **wanted):
        """The events of the last run that have all these values."""
        return [e for e in self.events if all(e.get(k) == v for k, v in wanted.items())]

    # ---- what the outside says ----

    def image(self, version):
        return pathlib.Path(self.path(f"app-{version}.bin")).read_bytes()

    def in_flash(self, version):
        """Is the whole signed image in the flash file? Planes hold bytes XOR the erased value."""
        image = self.image(version)
        flash = pathlib.Path(self.path("device", "flash.bin")).read_bytes()
        return any(flash.find(bytes(b ^ erased for b in image)) >= 0 for erased in (0x00, 0xFF))

    def reports(self):
        path = self.path("reports.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as file:
            return [json.loads(line)["report"] for line in file if line.strip()]

    def requests(self):
        """The server's access log: every request line."""
        with open(self.path("server.log"), encoding="utf-8") as file:
            return [line for line in file if re.search(r"\b(GET|HEAD|POST)\b", line)]

    def downloads(self, version):
        return [line for line in self.requests() if re.search(rf"\bGET\b.*\b{re.escape(version)}\b.*\.bin", line)]

    # ---- the server ----

    def start_server(self):
        args = ["serve", "--folder", "public", "--cert", "http_server.crt", "--key", "http_server.key",
                "--reports", "reports.jsonl", "--port", "0", "--json"]
        self.show(args)
        with open(self.path("server.log"), "w", encoding="utf-8") as log:
            self.server = subprocess.Popen([self.otter, *args], cwd=self.folder, stdout=log,
                                           stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        for _ in range(200):
            time.sleep(0.05)
            text = pathlib.Path(self.path("server.log")).read_text(encoding="utf-8")
            found = re.search(r'"port"\s*:\s*(\d+)', text)
            if found:
                self.port = int(found.group(1))
                return
            if self.server.poll() is not None:
                raise Failed("the server ended: " + text.strip())
        raise Failed("the server did not start within 10 s")

    def stop_server(self):
        if self.server and self.server.poll() is None:
            self.server.terminate()
            try:
                self.server.wait(5)
            except subprocess.TimeoutExpired:
                self.server.kill()
                self.server.wait()

    def publish(self, version):
        self.command("publish", "--image", f"app-{version}.bin", "--folder", "public",
                     "--board", self.board)

    # ---- the story ----

    def make_keys(self):
        self.chapter("Keys and certificates",
                     "One key signs firmware, and the bootloader trusts nothing else. A small",
                     "certificate authority signs the server, and the device trusts no other.")
        self.command("keygen", "--type", "ecdsa-p256", "signing.pem")
        self.command("certs", "--server", "localhost")
        self.check(os.stat(self.path("signing.pem")).st_mode & 0o077 == 0, "only you can read the signing key")

    def make_images(self):
        firmwares = [("1.0.0", "1000", "healthy"), ("1.1.0", "100", "healthy")]
        if self.overwrite:
            self.chapter("Two firmwares", "1.0.0 toggles an LED once a second, 1.1.0 ten times a second.")
        else:
            firmwares.append(("1.2.0", "50", "hang"))
            self.chapter("Three firmwares",
                         "1.0.0 toggles an LED once a second, 1.1.0 ten times a second.",
                         "1.2.0 is signed just as well, but it hangs as soon as it starts.")
        for version, led, behave in firmwares:
            self.command("device", "app", "--version", version, "--led", led, "--behave", behave,
                         "--size", str(SIZES[version]), "-o", "payload.bin")
            self.command("sign", "--key", "signing.pem", "--version", version, "--map", self.map, "payload.bin",
                         f"app-{version}.bin")
            self.command("verify", "--key", "signing.pem", f"app-{version}.bin", show=False)
            self.check(True, f"app-{version}.bin is signed with this key: {len(self.image(version)):,} bytes")

    def make_device(self):
        self.chapter("A server, and a device with 1.0.0",
                     "The server is HTTPS over a folder of files. The device is a bootloader and an",
                     "agent over simulated flash, laid out as the flash map says.")
        os.mkdir(self.path("public"))
        self.start_server()
        self.command("device", "init", "device", "--map", self.map, "--key", "signing.pem", "--image", "app-1.0.0.bin",
                     "--server", f"https://localhost:{self.port}", "--ca", "http_ca.crt", "--device-id", "demo",
                     "--poll-seconds", POLL_SECONDS, "--watchdog-ms", WATCHDOG_MS)
        status = self.status()
        self.board = status["board"]
        self.check(status["primary"]["version"] == "1.0.0" and self.in_flash("1.0.0"),
                   "1.0.0 is in the primary slot; the flash file holds every byte of it")
        self.publish("1.0.0")
        served = os.listdir(self.path("public"))
        self.check(not [name for name in served if name.endswith((".key", ".pem"))], "no key lies in the served folder")

    def nothing_new(self):
        self.chapter("Nothing new", "The server offers 1.0.0, which the device already runs.")
        self.run_device("outcome=current")
        self.check(len(self.happened(event="outcome", outcome="current")) == 1, "the device says: up to date")
        self.check(not self.downloads("1.0.0"), "the server saw a question, and no download")
        self.check(self.status()["phase"] == "idle", "nothing is under way in its flash")

    def good_update(self):
        self.chapter("1.1.0 is published", "Fetched over HTTPS, checked, swapped in, tried, and kept."
                     if not self.overwrite else "Fetched over HTTPS, checked, and copied over 1.0.0.")
        self.publish("1.1.0")
        self.run_device("outcome=installing", "confirmed=1.1.0", *([] if self.overwrite else ["reported"]))
        self.check(bool(self.happened(event="outcome", outcome="installing")),
                   "digest and signature were checked before the reset")
        if not self.overwrite:
            self.check(bool(self.happened(event="trial", version="1.1.0")), "it was on trial first")
            self.check(bool(self.happened(event="outcome", outcome="confirmed")),
                       "it was kept once it was healthy and had reached the server")
        status = self.status()
        self.check(status["primary"]["version"] == "1.1.0" and status["primary"]["verified"] and status["phase"] == "idle"
                   and self.in_flash("1.1.0"), "1.1.0 is in the primary slot; the flash file holds every byte of it")
        self.check(len(self.downloads("1.1.0")) == 1, "the server sent the image once, in one piece")
        report = self.reports()[-1]
        self.check(self.tells(report, "1.0.0", "1.1.0", "installing" if self.overwrite else "confirmed"),
                   f"the server was told: from 1.0.0 to 1.1.0, {report['result']}", json.dumps(report))

    @staticmethod
    def tells(report, before, after, result):
        return report.get("from") == before and report.get("to") == after and report.get("result") == result

    def bad_update(self):
        self.chapter("1.2.0 is published, and it is bad",
                     "It is signed, so the bootloader lets it try. It hangs; the watchdog bites.")
        self.publish("1.2.0")
        self.run_device("outcome=reverted", "reported", "outcome=rejected")
        self.check(bool(self.happened(event="trial", version="1.2.0")) and bool(self.happened(event="hang")),
                   "1.2.0 was on trial, and hung")
        self.check(bool(self.happened(event="reset", cause="watchdog")), "the watchdog reset the chip")
        self.check(bool(self.happened(event="revert", reason="watchdog")), "the bootloader brought 1.1.0 back")
        status = self.status()
        self.check(status["primary"]["version"] == "1.1.0" and status["primary"]["verified"] and status["phase"] == "idle"
                   and self.in_flash("1.1.0"), "1.1.0 is in the primary slot again, every byte of it")
        self.check([r["version"] for r in status["rejected"]] == ["1.2.0"], "the journal in flash says: 1.2.0 is rejected")
        report = self.reports()[-1]
        self.check(self.tells(report, "1.1.0", "1.2.0", "reverted") and report.get("reason") == "watchdog",
                   "the server was told: from 1.1.0 to 1.2.0, reverted, and why: watchdog", json.dumps(report))

    def never_again(self):
        self.chapter("Never again",
                     "The server still offers 1.2.0. Three more polls; then the plug is pulled",
                     "(the device's process is killed), and three more polls after that.")
        before = len(self.downloads("1.2.0"))
        self.run_device("outcome=rejected,count=3")
        self.check(len(self.happened(event="outcome", outcome="rejected")) == 3, "three polls, three times: not that one")
        self.pull_the_plug()
        self.run_device("outcome=rejected,count=3")
        self.check(bool(self.happened(event="started", version="1.1.0")) and
                   len(self.happened(event="outcome", outcome="rejected")) == 3,
                   "after the power cycle 1.1.0 starts, and refuses 1.2.0 three times more")
        self.check(before == 1 and len(self.downloads("1.2.0")) == 1,
                   "the server saw 1.2.0 being fetched once, and never again")
        self.check(self.status()["primary"]["version"] == "1.1.0", "1.1.0 is in the primary slot")

    def pull_the_plug(self):
        say(paint("2", "   $ otter device run device &   kill -9 $!"))
        with subprocess.Popen([self.otter, "device", "run", "device", "--json"], cwd=self.folder,
                              stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent) as device:
            for line in device.stdout:
                if json.loads(line).get("event") == "started":
                    break
            device.kill()
        say()

    def no_way_back(self):
        self.chapter("What this map cannot do",
                     "An overwrite map keeps no fallback. An image that is signed and still bad",
                     "cannot be reverted, so no such image is published here: `make demo` with a",
                     "swap map plays that part. What this device does refuse is an image that",
                     "somebody else has signed.")
        self.command("device", "app", "--version", "1.2.0", "--size", str(SIZES["1.2.0"]), "-o", "payload.bin")
        self.command("keygen", "--type", "ecdsa-p256", "stranger.pem")
        self.command("sign", "--key", "stranger.pem", "--version", "1.2.0", "--map", self.map, "payload.bin", "app-1.2.0.bin")
        self.publish("1.2.0")
        self.run_device("outcome=bad-image")
        status = self.status()
        self.check(status["primary"]["version"] == "1.1.0" and self.in_flash("1.1.0"),
                   "the stranger's 1.2.0 was fetched and never copied; 1.1.0 is still there")

    def play(self):
        self.overwrite = json.loads(self.command("flashmap", "show", "--json", self.map, show=False))["mode"] == "overwrite"
        say(paint("1", "Otter: one device, and an update over HTTPS" if self.overwrite else
                  "Otter: one device, three firmwares, and one of them is bad"))
        say(f"flash map {self.map}, everything in {self.folder}")
        self.make_keys()
        self.make_images()
        self.make_device()
        self.nothing_new()
        self.good_update()
        if self.overwrite:
            self.no_way_back()
        else:
            self.bad_update()
            self.never_again()


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1] == "--help":
        say(__doc__)
        return 0 if "--help" in sys.argv else 2
    flash_map = sys.argv[2] if len(sys.argv) == 3 else "psoc62_2m_ext_swap_single"
    folder = tempfile.mkdtemp(prefix="otter-demo-")
    demo = Demo(os.path.abspath(sys.argv[1]), flash_map, folder)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    begin = time.monotonic()
    keep = False
    try:
        demo.play()
        say()
        say(paint("32;1", f"Done: {demo.checks} checks, and all of them held, in {time.monotonic() - begin:.0f} s."))
        say("The device runs 1.1.0" + ("; this map has no revert to show." if demo.overwrite
                                        else ", and 1.2.0 will not come back."))
        return 0
    except (Failed, OSError, KeyError, IndexError, ValueError, subprocess.TimeoutExpired) as error:
        keep = True
        say()
        say(paint("31;1", "The demo stopped: ") + f"{error}" if isinstance(error, Failed) else f"{error!r}")
        say(f"Its folder is kept for you to look at: {folder}")
        return 1
    except KeyboardInterrupt:
        say()
        return 130
    finally:
        demo.stop_server()
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
