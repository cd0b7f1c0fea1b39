# SPDX-License-Identifier: Apache-2.0
"""story.py - the story of `make demo` on every flash map, played with `otter emulate`.

1.0.0 is up to date; 1.1.0 is installed and confirmed; 1.2.0 hangs, the watchdog bites, the
bootloader reverts, the server hears why; 1.2.0 is refused from then on, across a power cycle. An
overwrite map keeps no fallback: there, a stranger's 1.2.0 is fetched and never copied. What is in
flash is compared with the signed files, byte by byte, after each step.
"""
import json
import os
import subprocess

from flash import FlashFile, MAPS
from harness import Failed, case, check
from kit import BAD, BOARD_NAMES, HOST, NEW, OLD


class Emulated:
    """`otter emulate` on one flash file; `last`: the events of the last run."""

    def __init__(self, bench, map_name, port, *options):
        self.bench, self.layout = bench, bench.kit.layout(map_name)
        self.flash = FlashFile(os.path.join(bench.folder, "flash.bin"), self.layout)
        self.folder = os.path.join(bench.folder, "emulated")
        self.events, self.last, self.lines, self.process = [], [], [], None
        certs = bench.kit.certs()
        self.options = ["--map", map_name, "--flash", self.flash.path, "--key", bench.kit.pub(),
                        "--firmware", os.path.dirname(bench.kit.bootloader(map_name)),
                        "--server", "https://%s:%d" % (HOST, port), "--ca", bench.kit.ca(),
                        "--cert", certs + "/http_client.crt", "--key-file", certs + "/http_client.key",
                        "--board", BOARD_NAMES[self.layout.board], "--device-id", "emulated",
                        "--uart", self.folder + ".uart", "--initial-ms", "100", "--poll-ms", "500", "--json", *options]
        bench.devices.append(self)

    def run(self, *until, image=None, timeout=90, extra=()):
        """Power on until all conditions are met in turn, then off."""
        args = [self.bench.kit.otter, "emulate", *self.options, "--timeout", str(timeout), *extra]
        for condition in until:
            args += ["--until", condition]
        with open(self.folder + ".stderr", "ab") as stderr:
            self.process = subprocess.Popen(args + ([image] if image else []), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=stderr)
        try:
            out, _ = self.process.communicate(timeout=timeout + 30)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait()
            raise Failed("`otter emulate` did not end in time") from None
        self.last = [json.loads(line) for line in out.decode(errors="replace").splitlines() if line.startswith("{")]
        self.events += self.last
        self.lines += [json.dumps(event) for event in self.last]
        check(self.process.returncode == 0, "`otter emulate` ended with %d before %s", self.process.returncode, until)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def seen(self, **wanted):
        return [e for e in self.last if all(str(e.get(k)) == v for k, v in wanted.items())]

    def holds(self, image):
        return self.flash.primary_is(self.bench.kit.bytes(image))

    def keeps(self, image):
        return self.flash.contains(self.bench.kit.bytes(image))


def downloads(bench, version):
    return [line for line in bench.served() if line.get("method") == "GET" and version in line.get("path", "")
            and line["path"].endswith(".bin")]


def told(bench, before, after, result, reason=None):
    """The server's last report."""
    last = (bench.reports() or [{}])[-1]
    want = {"from": before, "to": after, "result": result}
    check(all(last.get(k) == v for k, v in want.items()) and (reason is None or last.get("reason") == reason),
          "the server was told %s, not %s %s", last, want, reason)


def up_to_date(bench, board, image):
    board.run("outcome=current", image=image)
    check(board.seen(event="started", version=OLD, led_ms="1000"), "%s did not start with its slow LED", OLD)
    check(board.holds(image), "the primary does not hold %s", OLD)
    check(not downloads(bench, OLD), "what runs already was fetched")


def good_update(bench, board, old, new):
    swap = board.layout.swap
    board.run("outcome=installing", "running=" + NEW if not swap else "confirmed=" + NEW, *(["reported"] if swap else []))
    check(board.seen(event="started", version=NEW, led_ms="100"), "%s did not start with its fast LED", NEW)
    check(board.holds(new), "the primary does not hold %s", NEW)
    check(not swap or (board.seen(event="trial", version=NEW) and board.keeps(old)), "no trial, or no fallback")
    check(len(downloads(bench, NEW)) == 1, "fetched %d times", len(downloads(bench, NEW)))
    told(bench, OLD, NEW, "confirmed" if swap else "installing")


def bad_update(bench, board, new, bad):
    board.run("outcome=reverted", "reported", "outcome=rejected")
    check(board.seen(event="trial", version=BAD) and board.seen(event="hang"), "%s was not on trial", BAD)
    bites = board.seen(event="cause", cause="watchdog")
    start, size = (board.layout.values["PRIMARY_" + what] for what in ("ADDR", "SIZE"))
    check(bites and start <= int(bites[0]["pc"], 16) < start + size, "the watchdog did not bite in the image: %s", bites)
    check(board.seen(event="revert", reason="watchdog"), "the bootloader did not revert")
    check(board.holds(new) and not board.holds(bad), "the primary does not hold %s", NEW)
    told(bench, NEW, BAD, "reverted", "watchdog")


def never_again(bench, board, new):
    board.run("outcome=rejected,count=3")
    # QEMU is killed and started anew; polls are so far apart that on a slow machine, too, the second comes after the cut.
    board.run("outcome=rejected,count=2", extra=["--power-cut-at", "rejected+0.1", "--poll-ms", "20000"])
    check(board.seen(event="power-cut") and board.seen(event="started", version=NEW), "no power cycle, or not %s", NEW)
    check(len(downloads(bench, BAD)) == 1, "fetched %d times", len(downloads(bench, BAD)))
    check(board.holds(new), "the primary does not hold %s", NEW)


def strangers_update(bench, board, new):
    """What overwrite maps refuse: an image that somebody else has signed."""
    board.run("outcome=bad-image", "reported")
    check(not board.seen(event="swap") and board.holds(new), "the primary does not hold %s", NEW)
    told(bench, NEW, BAD, "bad-image")
    board.run("outcome=bad-image")
    check(board.seen(event="started", version=NEW) and board.holds(new), "after a power cycle: not %s", NEW)


def play(bench, map_name):
    kit = bench.kit
    old, new = kit.app(map_name, OLD), kit.app(map_name, NEW)
    port = bench.otter_serve(bench.publish(map_name, old), "--client-ca", kit.ca())
    board = Emulated(bench, map_name, port)
    up_to_date(bench, board, old)
    bench.publish(map_name, new)
    good_update(bench, board, old, new)
    bad = kit.app(map_name, BAD, key="key" if board.layout.swap else "stranger")
    bench.publish(map_name, bad)
    if board.layout.swap:
        bad_update(bench, board, new, bad)
        never_again(bench, board, new)
    else:
        strangers_update(bench, board, new)


for _map in MAPS:
    def telling(map_name=_map):
        @case("story/" + map_name, "story")
        def _(bench):
            play(bench, map_name)
    telling()
