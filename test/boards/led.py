#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""led.py - updates do not disturb the application: the LED keeps its time, measured twice.

From inside, in a processor of 31 million instructions a second whose clock counts them (QEMU's
-icount shift=5): a full handshake and a download of TLS 1.2 and of 1.3 move no step of the LED by
10 ms or more, at 1000 and at 100 ms. What it computes takes the same time in every run; only when it
sleeps does this machine's own clock decide when it wakes, and a busy one wakes it late. So a run that
is late is played again, twice at most: what the program itself does to the LED is in every run.
From outside, at full speed: QEMU's trace of the LED says 1000 and 100 ms, and no toggle is missing; measured again, too,
where it is not so.
"""
import re
import statistics
import sys
import time

import kit
import harness
from flash import PSOC, XMC
from harness import case, check
from kit import NEW, OLD
from machine import Machine

LATE_MS = 10  # less than this
RUNS = 3
NEXT = "1.3.0"  # the program of 1.1.0 once more: it is the one whose LED is watched during the download
TOGGLE = re.compile(r"@(\d+\.\d+):led_change_intensity LED desc:'USERLED0'")
SLOW = ["-icount", "shift=5"]


class Watched(Machine):
    """A board with `more` options for QEMU, and without one of the usual ones (`drop`)."""

    def __init__(self, bench, map_name, image, port, more, drop=None, **settings):
        plain = bench.machine(map_name, image, port, **settings)
        bench.devices.remove(plain)
        super().__init__(bench, plain.bootloader, plain.flash_file, plain.otp)
        self.more, self.drop = more, drop

    def arguments(self):
        usual = super().arguments()
        if self.drop:
            at = usual.index(self.drop)
            usual = usual[:at] + usual[at + 2:]
        return usual + self.more


def install(bench, board, map_name, version, image, after):
    """Offer `image`; returns what the LED of the version before it did, and where the log stands."""
    bench.publish(map_name, image)
    board.wait(outcome="installing", version=version, timeout=180, after=after)
    led = board.wait(event="led", word="LED", timeout=30, after=last_of(board, outcome="installing"))
    board.wait(outcome="confirmed", version=version, timeout=180, after=after)
    return led, len(board.events)


def last_of(board, **wanted):
    return max(i for i, event in enumerate(list(board.events)) if wanted.items() <= event.items())


def play(bench, map_name, tls):
    """[(LED's period, toggles, late_max_ms)] of 1.0.0 while it fetches 1.1.0, and of 1.1.0 after."""
    old, new = bench.kit.app(map_name, OLD), bench.kit.app(map_name, NEW)
    newer = bench.kit.signed(bench.kit.program(map_name, NEW), NEXT, "led-%s-%s" % (map_name, NEXT), "key",
                             ("--map", map_name))
    port = bench.otter_serve(bench.publish(map_name, old))
    board = Watched(bench, map_name, old, port, SLOW, tls=tls)
    board.power_on()
    board.wait(outcome="current", timeout=120)
    after, found = len(board.events), []
    for version, image, led_ms in ((NEW, new, 1000), (NEXT, newer, 100)):
        led, after = install(bench, board, map_name, version, image, after)
        found.append((led_ms, int(led["toggles"]), int(led["late_max_ms"])))
    board.kill()
    return found


def keeps_its_time(bench, map_name, tls):
    for _ in range(RUNS):
        found = play(bench, map_name, tls)
        for led_ms, toggles, late in found:
            print("       LED %4d ms, TLS %s, %s: %d toggles, at most %d ms off"
                  % (led_ms, tls, map_name, toggles, late), flush=True)
            check(toggles * led_ms >= 2000, "only %d toggles: too few to tell", toggles)
        if max(late for _, _, late in found) < LATE_MS:
            return
    check(False, "a step of the LED was %d ms off, the last of %d times", max(late for _, _, late in found), RUNS)


def toggles_of(path, since):
    """Times in seconds of the LED's toggles since then."""
    with open(path, encoding="utf-8", errors="replace") as f:
        times = [float(found) for found in TOGGLE.findall(f.read())]
    return [t for t in times if t >= since]


def period(name, path, period_s, count):
    """The mean step, in seconds, of so many toggles from now on."""
    since, deadline = time.time(), time.monotonic() + (count + 5) * period_s + 10
    while len(toggles_of(path, since)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    times = toggles_of(path, since)
    check(len(times) >= count, "%s: only %d toggles", name, len(times))
    steps = [b - a for a, b in zip(times, times[1:])]
    mean = (times[-1] - times[0]) / len(steps)
    print("       %s: %d steps of %.2f ms, median %.2f, worst %+.1f ms off" % (
        name, len(steps), mean * 1e3, statistics.median(steps) * 1e3,
        max((s - period_s for s in steps), key=abs) * 1e3), flush=True)
    return mean


def check_period(name, path, period_s, count):
    """In the best of RUNS: a busy machine holds QEMU up as a whole, now and then."""
    for _ in range(RUNS):
        mean = period(name, path, period_s, count)
        if abs(mean - period_s) < period_s / 50 + 0.002:
            return
    check(False, "%s: the LED toggles every %.1f ms, the last of %d times", name, mean * 1e3, RUNS)


def seen_from_outside(bench, map_name):
    old, new = bench.kit.app(map_name, OLD), bench.kit.app(map_name, NEW)
    port = bench.otter_serve(bench.publish(map_name, old))
    trace = bench.folder + "/led.trace"
    board = Watched(bench, map_name, old, port,
                    ["-msg", "timestamp=on", "-trace", "led_change_intensity", "-D", trace])
    board.power_on()
    board.wait(outcome="current")
    check_period("%s %s" % (map_name, OLD), trace, 1.0, 6)
    bench.publish(map_name, new)
    board.wait(outcome="confirmed", version=NEW)
    check_period("%s %s" % (map_name, NEW), trace, 0.1, 40)


for _map in (PSOC, XMC):
    def watching(map_name=_map):
        @case("led/outside/" + map_name, "led")
        def _(bench):
            seen_from_outside(bench, map_name)
        for tls in ("1.2", "1.3"):
            @case("led/late/%s/tls-%s" % (map_name, tls), "led")
            def _(bench, tls=tls):
                keeps_its_time(bench, map_name, tls)
    watching()


if __name__ == "__main__":
    sys.exit(harness.main(["--jobs", "1"] + (sys.argv[1:] or ["--part", "led"]), kit.BoardKit, kit.Bench))
