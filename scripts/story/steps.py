# SPDX-License-Identifier: Apache-2.0
"""steps.py - the story: one device, three firmwares, one of them bad; each step checked three ways.

By what the device said (the board's events), by the bytes in its flash file, and by what the
server saw.
"""
import json
import os
import re

from story.server import Server


class Story:
    def __init__(self, telling, folder, board):
        self.telling, self.folder, self.board = telling, folder, board
        self.server = Server(folder)
        self.chapter, self.check = telling.chapter, telling.check
        shown = folder.command("flashmap", "show", "--json", board.map, show=False)
        self.overwrite = json.loads(shown)["mode"] == "overwrite"

    def play(self):
        self.telling.title("Otter: one device, and an update over HTTPS" if self.overwrite else
                           "Otter: one device, three firmwares, and one of them is bad")
        self.telling.say(f"board {self.board.name}, flash map {self.board.map}, everything in {self.folder.root}")
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

    def happened(self, **wanted):
        return bool(self.board.happened(**wanted))

    def check_report(self, before, after, result, reason=None):
        reports = self.server.reports() or [{}]
        want = {"from": before, "to": after, "result": result, **({"reason": reason} if reason else {})}
        self.check(all(reports[-1].get(key) == value for key, value in want.items()),
                   f"the server was told: from {before} to {after}, {result}" + (f", and why: {reason}" if reason else ""),
                   json.dumps(reports[-1]))

    def check_led(self, version, period_ms):
        """The program says its period; what it has counted when it tells of it must agree with the time that passed."""
        started = self.board.happened(event="started", version=version, led_ms=period_ms)
        told = [event for event in self.board.happened(event="led") if "late_max_ms" in event]
        counted = int(told[0]["toggles"]) if told else 0
        periods = (float(told[0]["t"]) - float(started[0]["t"])) / period_ms if told and started else 0
        self.check(counted > 0 and 0.8 * periods - 1 <= counted <= 1.2 * periods + 1,
                   f"{version} toggles its LED every {period_ms} ms (toggles counted: {counted})")

    def make_keys(self):
        self.chapter("Keys and certificates",
                     "One key signs firmware, and the bootloader trusts nothing else. A small",
                     "certificate authority signs the server, and the device trusts no other.")
        self.folder.command("keygen", "--type", "ecdsa-p256", "signing.pem")
        self.folder.command("certs", "--server", self.board.address)
        self.check(os.stat(self.folder.path("signing.pem")).st_mode & 0o077 == 0, "only you can read the signing key")

    def sign(self, version, key, hangs):
        self.board.program(version, hangs)
        self.folder.command("sign", "--key", key, "--version", version, "--map", self.board.map,
                            *self.board.sign_options, "payload.bin", f"app-{version}.bin")

    def make_images(self):
        if self.overwrite:
            self.chapter("Two firmwares", "1.0.0 toggles an LED once a second, 1.1.0 ten times a second.")
        else:
            self.chapter("Three firmwares",
                         "1.0.0 toggles an LED once a second, 1.1.0 ten times a second.",
                         "1.2.0 is signed just as well, but it hangs as soon as it starts.")
        for version in ["1.0.0", "1.1.0"] + ([] if self.overwrite else ["1.2.0"]):
            self.sign(version, "signing.pem", version == "1.2.0")
            self.folder.command("verify", "--key", "signing.pem", f"app-{version}.bin", show=False)
            self.check(True, f"app-{version}.bin is signed with this key: {len(self.folder.image(version)):,} bytes")

    def make_device(self):
        self.chapter("A server, and a device with 1.0.0", *self.board.words["device"])
        self.server.start()
        self.board.make(self.server)
        self.check(self.board.running() == "1.0.0",
                   "1.0.0 is in the primary slot; the flash file holds every byte of it")
        self.server.publish("1.0.0", self.board.board)
        served = os.listdir(self.folder.path("public"))
        self.check(not [name for name in served if name.endswith((".key", ".pem"))], "no key lies in the served folder")

    def nothing_new(self):
        self.chapter("Nothing new", "The server offers 1.0.0, which the device already runs.")
        self.board.run("outcome=current")
        self.check(len(self.board.happened(event="outcome", outcome="current")) == 1, "the device says: up to date")
        self.check(not self.server.downloads("1.0.0"), "the server saw a question, and no download")
        self.check(self.board.phase() == "idle", "nothing is under way in its flash")

    def good_update(self):
        self.chapter("1.1.0 is published", "Fetched over HTTPS, checked, swapped in, tried, and kept."
                     if not self.overwrite else "Fetched over HTTPS, checked, and copied over 1.0.0.")
        self.server.publish("1.1.0", self.board.board)
        self.board.run("outcome=installing", *(["running=1.1.0"] if self.overwrite else ["confirmed=1.1.0", "reported"]))
        self.check_led("1.0.0", 1000)
        self.check(self.happened(event="outcome", outcome="installing"), "digest and signature were checked before the reset")
        if not self.overwrite:
            self.check(self.happened(event="trial", version="1.1.0"), "it was on trial first")
            self.check(self.happened(event="outcome", outcome="confirmed"),
                       "it was kept once it was healthy and had reached the server")
        self.check(self.happened(event="started", version="1.1.0", led_ms=100), "its LED toggles every 100 ms, not 1000")
        self.check(self.board.running() == "1.1.0" and self.board.phase() == "idle",
                   "1.1.0 is in the primary slot; the flash file holds every byte of it")
        self.check(len(self.server.downloads("1.1.0")) == 1, "the server sent the image once, in one piece")
        self.check_report("1.0.0", "1.1.0", "installing" if self.overwrite else "confirmed")

    def bad_update(self):
        self.chapter("1.2.0 is published, and it is bad",
                     "It is signed, so the bootloader lets it try. It hangs; the watchdog bites.")
        said = self.server.publish("1.2.0", self.board.board, "--delta-from", "app-1.1.0.bin")
        self.board.run("outcome=reverted", "reported", "outcome=rejected")
        self.check_led("1.1.0", 100)
        patch = re.search(r"patch from version 1\.1\.0, (\d+) bytes", said)
        if patch:  # the host board's programs have little in common
            self.check(all(".delta" in line for line in self.server.downloads("1.2.0")) and self.happened(event="phase", phase="download", via="delta"),
                       f"it came as a patch: {int(patch.group(1)):,} bytes in place of {len(self.folder.image('1.2.0')):,}")
        self.check(self.happened(event="trial", version="1.2.0") and self.happened(event="hang"), "1.2.0 was on trial, and hung")
        self.check(self.happened(event="reset", cause="watchdog"), "the watchdog reset the chip")
        self.check(self.happened(event="revert", reason="watchdog"), "the bootloader brought 1.1.0 back")
        self.check(self.board.running() == "1.1.0" and self.board.phase() == "idle",
                   "1.1.0 is in the primary slot again, every byte of it")
        self.check(self.board.rejected() == ["1.2.0"], "the journal in flash says: 1.2.0 is rejected")
        self.check_report("1.1.0", "1.2.0", "reverted", "watchdog")

    def never_again(self):
        self.chapter("Never again",
                     "The server still offers 1.2.0. Three more polls; then the plug is pulled",
                     self.board.words["plug"])
        before = len(self.server.downloads("1.2.0"))
        self.board.run("outcome=rejected,count=3")
        self.check(len(self.board.happened(event="outcome", outcome="rejected")) == 3, "three polls, three times: not that one")
        self.board.across_a_power_cut()
        self.check(self.happened(event="started", version="1.1.0") and
                   len(self.board.happened(event="outcome", outcome="rejected")) >= 3,  # four when the plug came early
                   "after the power cycle 1.1.0 starts, and refuses 1.2.0 three times more")
        self.check(before == 1 and len(self.server.downloads("1.2.0")) == 1,
                   "the server saw 1.2.0 being fetched once, and never again")
        self.check(self.board.running() == "1.1.0", "1.1.0 is in the primary slot")

    def no_way_back(self):
        self.chapter("What this map cannot do",
                     "An overwrite map keeps no fallback. An image that is signed and still bad",
                     "cannot be reverted, so no such image is published here: `make demo` with a",
                     "swap map plays that part. What this device does refuse is an image that",
                     "somebody else has signed.")
        self.folder.command("keygen", "--type", "ecdsa-p256", "stranger.pem")
        self.sign("1.2.0", "stranger.pem", self.board.name != "host")
        self.server.publish("1.2.0", self.board.board)
        self.board.run("outcome=bad-image")
        self.check(self.board.running() == "1.1.0", "the stranger's 1.2.0 was fetched and never copied; 1.1.0 is still there")
