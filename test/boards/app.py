#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""app.py - the application where something is missing: health, network, random numbers, settings.

Whatever it is: one plain line, the LED goes on, the watchdog stays fed, a confirmed image stays,
and an image on trial is taken back.
"""
import sys
import time

import kit
import harness
from flash import PSOC, XIP, XMC
from harness import case, check
from kit import NEW, OLD
from led import Watched, toggles_of

WATCHDOG_S = 4


def led_goes_on(board, trace, seconds):
    """Longer than the watchdog would wait: it is fed, and the LED toggles."""
    before, since = len(board.events), time.time()
    time.sleep(seconds)
    steps = len(toggles_of(trace, since))
    check(steps >= seconds - 2, "the LED of %s toggled %d times in %d s", OLD, steps, seconds)
    check(not board.seen(after=before, event="hello"), "the board was reset")


def watched(bench, map_name, image, port, *more, **settings):
    trace = bench.folder + "/led.trace"
    board = Watched(bench, map_name, image, port,
                    ["-msg", "timestamp=on", "-trace", "led_change_intensity", "-D", trace, *more], **settings)
    return board, trace


def install(bench, board, map_name, new):
    board.power_on()
    board.wait(outcome="current")
    bench.publish(map_name, new)
    board.wait(event="restart", why="update")


@case("app/sick", "app")
def _(bench):
    old, new = bench.kit.app(PSOC, OLD), bench.kit.app(PSOC, NEW)
    port = bench.otter_serve(bench.publish(PSOC, old))
    board = bench.machine(PSOC, old, port, sick=NEW, health_ms=300)
    install(bench, board, PSOC, new)
    board.wait(event="give-up")
    board.wait(event="restart", why="health")
    board.wait(event="revert", reason="health")
    board.wait(outcome="reverted", version=NEW, reason="health")
    board.wait(event="reported", version=NEW, result="reverted")
    board.wait(outcome="rejected", version=NEW)
    board.expect_primary(old, "after the health check failed")
    check(bench.reports()[-1]["reason"] == "health", "the server was told %s", bench.reports()[-1])
    check(not board.seen(outcome="confirmed"), "a sick image was confirmed")


@case("app/no-server-on-trial", "app")
def _(bench):
    old, new = bench.kit.app(XIP, OLD), bench.kit.app(XIP, NEW)
    port = bench.otter_serve(bench.publish(XIP, old))
    board = bench.machine(XIP, old, port, trial_ms=1500, trial_boots=2)
    install(bench, board, XIP, new)
    for process in bench.processes:
        process.terminate()
    for boot in ("1", "2"):
        board.wait(event="trial", attempt=boot)
    board.wait(event="revert", reason="not-confirmed")
    check(len(board.seen(event="restart", why="trial-time")) == 2, "it did not restart itself twice")
    board.wait(outcome="reverted", version=NEW, reason="not-confirmed")
    board.wait(outcome="unreachable")
    board.expect_primary(old, "after the trial was over")


@case("app/no-network", "app")
def _(bench):
    """No cable: tried again and again, the confirmed image stays, its LED goes on."""
    old = bench.kit.app(XMC, OLD)
    board, trace = watched(bench, XMC, old, 1, "-nic", "none", drop="-nic")
    board.power_on()
    board.wait(event="no-network", timeout=20)
    board.wait(outcome="unreachable")
    board.wait(event="retry")
    led_goes_on(board, trace, WATCHDOG_S + 2)
    check(len(board.seen(outcome="unreachable")) >= 2, "it does not try again")
    board.expect_primary(old, "after all")


def starts_nothing(bench, map_name, line, **settings):
    old = bench.kit.app(map_name, OLD)
    port = bench.otter_serve(bench.publish(map_name, old))
    board, trace = watched(bench, map_name, old, port, **settings)
    board.power_on()
    board.wait(event="no-start")
    led_goes_on(board, trace, WATCHDOG_S + 2)
    check(board.lines.count("app   " + line) == 1, "not said once: %s", line)
    check(not board.seen(event="outcome"), "it went to the server all the same")


@case("app/no-random-numbers", "app")
def _(bench):
    starts_nothing(bench, PSOC, "cannot start updates: this board has no source of random numbers",
                   drop="-semihosting-config")


@case("app/wrong-setting", "app")
def _(bench):
    starts_nothing(bench, XMC, "cannot start updates: the setting poll-ms is 'often', not a number from 1 to 2147483647",
                   poll_ms="often")


@case("app/missing-setting", "app")
def _(bench):
    starts_nothing(bench, PSOC, "cannot start updates: the setting host is missing", host=None)


@case("app/wrong-certificate", "app")
def _(bench):
    starts_nothing(bench, PSOC, "cannot start TLS: ca, cert or cert-key is not a certificate or its key",
                   ca="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")


if __name__ == "__main__":
    sys.exit(harness.main(sys.argv[1:] or ["--part", "app"], kit.BoardKit, kit.Bench))
