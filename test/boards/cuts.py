#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cuts.py - the power is cut for real: QEMU is killed in the middle of an update, and started anew.

usage: cuts.py [--cuts N] [--first SEED] [--jobs N] [--seed N]... [--keep]

A run is one board, one update and one SIGKILL (a quarter of the runs: a second one soon after), all
drawn from its seed: flash map, phase, and the moment in that phase. Good runs install 1.1.0, bad ones
a 1.2.0 that hangs and is reverted. Which phase a cut hit is read from the UART log, not from the plan;
a cut that came before or after its phase counts as a miss. After every cut the board must come back on
a whole image, old or new, compared with the signed files byte by byte in the flash file; in the end the
update must be complete, or taken back and refused. --seed runs one again.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import kit
import harness
from flash import OVERWRITE, PSOC, XIP, XMC, XMC_OVERWRITE
from harness import Failed, check
from kit import BAD, NEW, OLD

PHASES = ["download", "swap", "trial", "confirm", "revert"]
BOARDS = ["qemu-psoc62", "qemu-xmc7200"]
SWAPS = {"qemu-psoc62": [PSOC, XIP], "qemu-xmc7200": [XMC]}
OVERWRITES = {"qemu-psoc62": [OVERWRITE], "qemu-xmc7200": [XMC_OVERWRITE]}
PACE, PACE_LARGE = 1000, 400  # flash takes so many thousandths of the time of the real parts
TRIAL_SECONDS, HANG_SECONDS = 0.3, 4.2  # how long these phases last
CONFIRM_SECONDS = {"qemu-psoc62": 0.04, "qemu-xmc7200": 0.02}  # two journal records and a report
LIMIT = 120  # seconds for anything that a run waits for
LARGE = 528 * 1024  # bytes of an image that a swap moves in two units
ROUNDS = 4  # as planned, and more runs for a phase that every cut has missed
STEP = 0.05  # progress is told in steps of 5 %

# UART words that begin a phase, and what comes after them. While on trial the server's answer
# begins "confirm", which ends when the server was told.
NEXT = {"DOWNLOAD": "download", "DOWNLOAD_PATCH": "download", "RESUMED": "download", "INSTALLING": None,
        "SWAP": "swap", "OVERWRITE": "swap", "SWAP_RESUMED": "swap", "TRIAL": "trial", "CONFIRMED": "confirm",
        "REPORTED": None, "REPORTED_WHY": None, "REVERT": "revert", "RESTORE": "revert", "REVERT_RESUMED": "revert"}


class Plan:
    """What a seed means."""

    def __init__(self, seed):
        chooser = random.Random(seed)
        self.seed, self.phase = seed, PHASES[seed % len(PHASES)]
        self.board = BOARDS[seed // len(PHASES) % len(BOARDS)]
        maps = SWAPS[self.board] + (OVERWRITES[self.board] if self.phase in ("download", "swap") else [])
        self.map = maps[seed // (len(PHASES) * len(BOARDS)) % len(maps)]
        self.bad = self.phase == "revert" or (self.map in SWAPS[self.board] and self.phase != "confirm" and
                                              chooser.random() < 0.3)
        self.fraction, self.inside = chooser.random(), chooser.random()  # of the phase; of a step of it
        self.size = LARGE if self.phase in ("swap", "revert") and chooser.random() < 0.3 else 0
        self.again = chooser.random() * 1.5 if chooser.random() < 0.25 else None  # seconds after power-on

    def __str__(self):
        return "%s: %s%s, %s at %d %%%s" % (self.map, BAD + " hangs" if self.bad else NEW, ", large" if self.size else "",
                                            self.phase, 100 * self.fraction,
                                            ", cut again" if self.again is not None else "")


class Run:
    """One seed: a board, its server, and what became of it."""

    def __init__(self, bench, plan):
        self.bench, self.plan, self.hit = bench, plan, None
        self.version = BAD if plan.bad else NEW
        self.old, self.new = (bench.kit.app(plan.map, version, size=plan.size) for version in (OLD, self.version))
        self.server = bench.serve_image(plan.map, self.new, self.version)
        self.board = bench.machine(plan.map, self.old, self.server.port, pace=PACE_LARGE if plan.size else PACE)
        self.server.behaviour = self.answer
        self.cycle = 0  # index of the first event since power-on
        self.answered = False  # the server has answered a poll of this trial

    def answer(self, connection, request):
        on_trial = self.phase() == "trial"
        keep = connection.write(connection.honest(request))
        self.answered = self.answered or (on_trial and request.path == harness.JOB)
        return keep

    def phase(self):
        now = None
        for event in list(self.board.events[self.cycle:]):
            word = event.get("word")
            if word == "START" and now in ("swap", "revert"):
                now = None
            now = NEXT.get(word, now)
        return "confirm" if now == "trial" and self.answered else now

    def power_on(self):
        self.answered = False
        self.cycle = self.board.power_on()

    # the cut

    def wait_word(self, *words):
        return self.board.wait_event(lambda e: e.get("word") in words, LIMIT, self.cycle)

    def wait_moment(self):
        """Until the phase is there, and as far as the plan says."""
        plan = self.plan
        if plan.phase == "confirm":
            self.wait_answer()
            return time.sleep(plan.fraction * CONFIRM_SECONDS[plan.board])
        begin = self.wait_word(*[word for word, phase in NEXT.items() if phase == plan.phase])
        if plan.phase == "trial":
            return time.sleep(plan.fraction * (HANG_SECONDS if plan.bad else TRIAL_SECONDS))
        steps = int(plan.fraction / STEP)
        source = "app" if plan.phase == "download" else "boot"

        def far_enough(event):
            return (event.get("word") == "PROGRESS" and event["from"] == source and
                    int(event["done"]) >= steps * STEP * int(event["total"]))
        if steps > 0:
            self.board.wait_event(far_enough, LIMIT, self.board.events.index(begin))
        took = (time.monotonic() - begin["t"]) / steps if steps else 0.2
        return time.sleep(plan.inside * min(took, 0.5))

    def wait_answer(self):
        deadline = time.monotonic() + LIMIT
        while not self.answered:
            check(time.monotonic() < deadline and self.board.process.poll() is None, "no poll on trial")
            time.sleep(0.002)

    def cut(self):
        """Returns the phase that was hit, as far as the UART told by then."""
        self.board.power_cut()
        return self.phase()

    # what must hold

    def comes_back(self):
        """The board runs a whole image, old or new, and its flash file holds just that."""
        started = self.board.wait(event="started", after=self.cycle, timeout=LIMIT)
        image = {OLD: self.old, self.version: self.new}.get(started["version"])
        check(image, "%s started", started["version"])
        self.board.expect_primary(image, "though %s started" % started["version"])

    def completes(self):
        """1.1.0 is kept; or 1.2.0 is refused and 1.0.0 runs, across one more power cycle."""
        if not self.plan.bad:
            self.board.wait_event(lambda e: e.get("outcome") in ("confirmed", "current") and e.get("version") == NEW,
                                  LIMIT, self.cycle)
            return self.board.expect_primary(self.new, "in the end")
        self.board.wait(outcome="rejected", version=BAD, after=self.cycle, timeout=LIMIT)
        self.board.expect_primary(self.old, "in the end")
        self.board.power_cut()
        self.power_on()
        self.board.wait(outcome="rejected", version=BAD, after=self.cycle, timeout=LIMIT)
        return self.board.expect_primary(self.old, "after one more power cycle")

    def play(self):
        self.power_on()
        self.wait_moment()
        self.hit = self.cut()
        self.power_on()
        if self.plan.again is not None:
            time.sleep(self.plan.again)
            self.cut()
            self.power_on()
        self.comes_back()
        self.completes()


class Tally:
    """Every cut, by board and phase; a cut outside its phase is a miss."""

    def __init__(self):
        self.hits = {(board, phase): 0 for board in BOARDS for phase in PHASES}
        self.misses = dict(self.hits)
        self.again, self.failed, self.runs = 0, [], 0

    def add(self, plan, hit, verdict):
        self.runs += 1
        self.again += plan.again is not None
        (self.hits if hit == plan.phase else self.misses)[plan.board, plan.phase] += 1
        if verdict:
            self.failed.append(plan.seed)

    def never(self):
        """(board, phase) that were aimed at and never hit."""
        return [key for key in self.hits if self.misses[key] and not self.hits[key]]

    def more(self, seed):
        """A seed above this one for each of them."""
        seeds = []
        for key in self.never():
            seed += 1
            while (Plan(seed).board, Plan(seed).phase) != key:
                seed += 1
            seeds.append(seed)
        return seeds

    def table(self):
        lines = ["| cut during | %s | missed |" % " | ".join(BOARDS), "|---|" + "---|" * (len(BOARDS) + 1)]
        for phase in PHASES:
            missed = sum(self.misses[board, phase] for board in BOARDS)
            lines.append("| %s | %s | %d |" % (phase, " | ".join(str(self.hits[b, phase]) for b in BOARDS), missed))
        return "\n".join(lines)


def one_run(the_kit, seed, keep):
    plan = Plan(seed)
    bench, verdict, begin = kit.Bench(the_kit, "cut-%d" % seed), None, time.monotonic()
    harness.OPEN.add(bench)
    run = None
    try:
        run = Run(bench, plan)
        run.play()
    except Failed as error:
        verdict = str(error)
    except Exception:  # a fault of the test itself is a failure too
        verdict = traceback.format_exc()
    finally:
        harness.OPEN.discard(bench)
        bench.close()
    verdict = verdict or bench.crash()
    hit = run.hit if run else None
    note = "" if hit == plan.phase else " (missed: hit %s)" % (hit or "between phases")
    took = time.monotonic() - begin
    if verdict is None:
        harness.say("pass seed %d: %s%s (%.1f s)" % (seed, plan, note, took))
    else:
        harness.say("FAIL seed %d: %s%s (%.1f s): %s\n%s\n  again: %s --seed %d" %
                    (seed, plan, note, took, verdict, bench.story(), harness.AGAIN, seed))
    if not keep:
        shutil.rmtree(bench.folder, ignore_errors=True)
    return plan, hit, verdict


def parse():
    parser = argparse.ArgumentParser(description="power cuts on the emulated boards")
    parser.add_argument("--cuts", type=int, default=30, help="how many runs [30]")
    parser.add_argument("--first", type=int, help="seed of the first; the others follow [by the clock]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="runs at once [the cores]")
    parser.add_argument("--seed", type=int, action="append", help="only this one; may be repeated")
    parser.add_argument("--keep", action="store_true", help="keep the folders")
    args = parser.parse_args()
    first = args.first if args.first is not None else int(time.time()) % 1000000
    return args, args.seed or list(range(first, first + args.cuts))


def main():
    args, seeds = parse()
    tally, begin = Tally(), time.monotonic()
    folder = tempfile.mkdtemp(prefix="otter-cuts-")
    signal.signal(signal.SIGTERM, harness.stop)
    pool = ThreadPoolExecutor(args.jobs)
    print("%d power cuts, seeds %d to %d" % (len(seeds), seeds[0], seeds[-1]), flush=True)
    try:
        the_kit = kit.BoardKit(folder, harness.find_otter())
        for _ in range(ROUNDS):
            for result in pool.map(lambda seed: one_run(the_kit, seed, args.keep), seeds):
                tally.add(*result)
            seeds = tally.more(seeds[-1]) if seeds and not args.seed else []
    except (KeyboardInterrupt, harness.Stopped):
        pool.shutdown(wait=False, cancel_futures=True)
        for bench in list(harness.OPEN):
            bench.close()
        print(tally.table())
        raise SystemExit("stopped") from None
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    never = tally.never() if not args.seed else []
    print("\n%s\n\n%d of %d runs were cut a second time while they recovered." % (tally.table(), tally.again, tally.runs))
    for board, phase in never:
        print("FAIL %s: no cut hit the phase %s" % (board, phase))
    failed = len(tally.failed) + len(never)
    print("%d passed, %d failed (%.1f s)" % (tally.runs - len(tally.failed), failed, time.monotonic() - begin))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
