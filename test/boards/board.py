#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""board.py - the emulated boards themselves: start, faults, watchdog, flash rules, factory settings.

The application is blink (test/boards/blink), which does what its factory settings tell it. Build it
with `make firmware`. Options: those of test/e2e/run.py (--list, --jobs N, an id, ...).
"""
import os
import random
import re
import struct
import sys
import time
import zlib

import kit
import harness
from flash import MAPS, OVERWRITE, PSOC, USED_OFF, XIP, XMC
from harness import case, check, run
from machine import Machine, settings_blob

OLD, NEW = "1.0.0", "1.1.0"
BOTH = [PSOC, XMC]  # one map for each processor
PART = "board"
RUNS = 3
FLASH_MS = {PSOC: (520, 11), OVERWRITE: (520, 11), XIP: (520, 11), XMC: (45, 1)}  # sector; 32 units, rounded


class Bench(kit.Bench):
    """`may_misuse`: a program of this case breaks the flash's rules on purpose."""

    def __init__(self, boards, name):
        super().__init__(boards, name)
        self.may_misuse = False

    def crash(self):
        found = super().crash()
        return None if found and "misused" in found and self.may_misuse else found

    def blink(self, map_name, *acts, image=None, **settings):
        """A board with blink 1.0.0 in its primary slot that does `acts`."""
        image = image or self.blink_image(map_name, OLD)
        return self.machine(map_name, image, 9, **{"blink-1.0.0": list(acts)}, **settings)

    def blink_program(self, map_name):
        return self.kit.firmware(map_name, "blink-%s.bin" % map_name)

    def blink_image(self, map_name, version):
        return self.kit.signed(self.blink_program(map_name), version, "blink-%s-%s" % (map_name, version))

    def function(self, map_name, name):
        """[first, last) address of a function of blink, by its symbols."""
        elf = self.kit.firmware(map_name, "blink-%s.elf" % map_name)
        lines = run(["arm-none-eabi-nm", "-S", elf]).stdout.decode().splitlines()
        sizes = {line.split()[3]: line.split()[:2] for line in lines if len(line.split()) == 4}
        check(name in sizes, "blink has no function %s", name)
        start, size = (int(word, 16) for word in sizes[name])
        return start, start + size


def line(board, text, after=0, timeout=20):
    """Wait for a line that blink says beside the words of words.def; returns the match."""
    pattern = re.compile("app   " + text + r"\Z")
    event = board.wait_event(lambda e: e["event"] == "uart" and pattern.match(e["line"]), timeout, after)
    return pattern.match(event["line"])


def rests(board, after=0, timeout=20):
    line(board, "rests", after, timeout)


def on_maps(name, maps, *more):
    """A case for each of the maps."""
    def register(plot):
        for map_name in maps:
            def one(map_name=map_name):
                @case("board/%s-%s" % (name, map_name), PART)
                def _(bench):
                    plot(bench, map_name, *more)
            one()
        return plot
    return register


@on_maps("starts", MAPS)
def _(bench, map_name):
    """Power on to application; what the host lends; sleep; memory."""
    board = bench.blink(map_name, "entropy", "rest", "doze")
    board.power_on()
    check(board.wait(event="hello")["map"] == map_name, "%s", board.lines[0])
    check(board.wait(event="cause")["cause"] == "power-on", "%s", board.lines[1])
    board.wait(event="journal-new")
    check(board.wait(event="start")["version"] == OLD, "%s", board.lines)
    rests(board)
    random_words = line(board, r"random: (0x\w+) (0x\w+)")
    check(random_words[1] != random_words[2], "%s", random_words[0])
    check(abs(int(line(board, r"clock: (\d+)")[1]) - time.time()) < 60, "the clock is wrong")
    dozed = int(line(board, r"doze: (\d+) ms")[1])
    check(300 <= dozed < 4000, "it dozed %d ms of 300", dozed)
    size, peak = int(line(board, r"memory: stack (\d+)")[1]), int(line(board, r"memory: peak (\d+)")[1])
    check(size == 16384 and 200 < peak < 2048, "stack of %d bytes, %d in use", size, peak)


@on_maps("ticks", MAPS)
def _(bench, map_name):
    """The LED's timer ticks every 100 ms, and the processor sleeps in between. A busy machine wakes it late, and loses
    ticks of a board that it holds up as a whole: so what is too few is counted again."""
    board = bench.blink(map_name, "rest")
    for _ in range(RUNS):
        after = board.power_on()
        rests(board, after)
        took, ticks, sleeps = (int(line(board, r"rest: (\d+) " + what, after)[1]) for what in ("ms", "ticks", "sleeps"))
        board.kill()
        check(1050 <= took < 5000, "it slept %d ms of 1050", took)
        check(ticks <= sleeps <= ticks + 3, "%d sleeps for %d ticks", sleeps, ticks)
        check(ticks <= took // 100 + 5, "%d ticks of 100 ms in %d ms", ticks, took)
        if ticks >= 7:
            return
    check(False, "%d ticks of 100 ms in %d ms, the last of %d times", ticks, took, RUNS)


@on_maps("swaps", MAPS)
def _(bench, map_name):
    """A request of the application; trial and confirmation where the map has them."""
    board = bench.blink(map_name, "request", **{"blink-1.1.0": ["confirm", "reset"]})
    new = bench.blink_image(map_name, NEW)
    board.flash_file.write("SECONDARY", 0, bench.kit.bytes(new))
    board.power_on()
    board.wait(event="swap", version=NEW, previous=OLD)
    if board.flash_file.layout.swap:
        board.wait(event="trial", version=NEW, attempt="1", attempts_allowed="3")
        line(board, "confirm: ok")
    before = board.events.index(board.wait(event="started", version=NEW))
    board.wait(event="cause", cause="software", after=before)
    rests(board, after=before)
    check(not board.seen(event="trial", after=before + 1), "a confirmed image is on trial")
    board.expect_primary(new, "after the swap")
    check(board.flash_file.layout.swap == board.flash_file.contains(bench.kit.bytes(bench.blink_image(map_name, OLD))),
          "the old image is %s the flash", "not in" if board.flash_file.layout.swap else "still in")


@on_maps("hang-on-trial", [XIP])
def _(bench, map_name):
    board = bench.blink(map_name, "request", **{"blink-1.1.0": ["hang"]})
    board.flash_file.write("SECONDARY", 0, bench.kit.bytes(bench.blink_image(map_name, NEW)))
    board.power_on()
    board.wait(event="trial", version=NEW)
    board.wait(event="cause", cause="watchdog")
    back = board.events.index(board.wait(event="revert", reason="watchdog"))
    board.wait(event="started", version=OLD, after=back)
    rests(board, after=back)
    board.expect_primary(bench.blink_image(map_name, OLD), "after the revert")


@on_maps("three-trial-boots", [XMC])
def _(bench, map_name):
    """Resets by the program use up the trial; so does the factory setting's number of boots."""
    board = bench.blink(map_name, "request", **{"blink-1.1.0": ["reset"] * 5, "trial-boots": 2})
    board.flash_file.write("SECONDARY", 0, bench.kit.bytes(bench.blink_image(map_name, NEW)))
    board.power_on()
    board.wait(event="trial", attempt="1", attempts_allowed="2")
    board.wait(event="trial", attempt="2", attempts_allowed="2")
    board.wait(event="revert", reason="not-confirmed")
    rests(board)
    check(len(board.seen(event="trial")) == 2, "%d trial boots", len(board.seen(event="trial")))


# What each fault says: where it happened (a function of blink, or nothing), and what it was.
FAULTS = {
    "null-write": ("write_at", "0x0"), "null-read": ("null_read", "0x4"), "rom-write": ("write_at", "0x200000"),
    "flash-write": ("write_at", "PRIMARY"), "notes-write": ("write_at", "NOTES"),
    "far-ram": ("write_at", "0x20040000"), "run-data": ("run_data", "jump into nowhere"),
    "jump-null": ("jump_null", "jump into nowhere"), "even-address": (None, "jump into nowhere"),
    "undefined": ("undefined", "bad instruction"), "supervisor": ("supervisor", "bad instruction"),
    "overflow": (None, "stack overflow"), "overflow-interrupt": (None, "stack overflow"),
    "wild-stack": (None, "stack overflow"),
}


@on_maps("faults", BOTH)
def _(bench, map_name):
    """Each is said, noted and reset from: no lock-up, and the flash is as it was."""
    bench.may_fault = True
    board = bench.blink(map_name, *FAULTS)
    layout = board.flash_file.layout
    named = {"PRIMARY": hex(layout.values["PRIMARY_ADDR"]), "NOTES": hex(layout.flash_addr + USED_OFF)}
    board.power_on()
    board.wait(event="start")
    primary, after = board.flash_file.read("PRIMARY"), 0
    for act, (function, what) in FAULTS.items():
        line(board, "does: " + act, after)
        fault = board.wait(event="fault", after=after)
        check(fault["what"].lower() == named.get(what, what), "%s: %s", act, fault)
        after = board.events.index(fault) + 1
        check(board.wait(event="cause", cause="fault", after=after)["pc"] == fault["pc"], "%s: another pc", act)
        if function:
            first, last = bench.function(map_name, function)
            check(first <= int(fault["pc"], 16) <= last, "%s: pc %s is not in %s", act, fault["pc"], function)
    rests(board, after)
    check(board.flash_file.read("PRIMARY") == primary, "a stray write changed the primary slot")


@on_maps("watchdog", BOTH)
def _(bench, map_name):
    """It bites after 4 s, and says where the program hung; fed after 3 s, it does not."""
    board = bench.blink(map_name, "hang-masked", "slow", "reset")
    board.power_on()
    line(board, "does: hang-masked")
    begin = time.monotonic()
    cause = board.wait(event="cause", cause="watchdog")
    check(3.5 < time.monotonic() - begin < 12, "it bit after %.1f s", time.monotonic() - begin)
    first, last = bench.function(map_name, "hang")
    check(first <= int(cause["pc"], 16) < last, "pc %s is not in hang()", cause["pc"])
    line(board, "slow: fed in time")
    board.wait(event="cause", cause="software")
    rests(board)
    check(len(board.seen(event="cause")) == 3, "%s", board.seen(event="cause"))


RULES = [("erase", "ok"), ("program", "ok"), ("program again", "input/output"), ("erased value", "ok"),
         ("over it", "input/output"), ("half a unit", "input/output"), ("outside", "bad argument"),
         ("half a sector", "input/output")]


@on_maps("flash-rules", [PSOC, XIP, XMC])
def _(bench, map_name):
    """Programmed once between erases, whole units only: a line, an error, nothing changed."""
    bench.may_misuse = True
    board = bench.blink(map_name, "rules")
    layout = board.flash_file.layout
    device = layout.devices[layout.values["SECONDARY_DEVICE"]]
    unit, sector = layout.values[device + "_PROG_SIZE"], layout.sector_of("SECONDARY")
    board.power_on()
    rests(board)
    for what, result in RULES:
        said = line(board, "rules: %s (.*)" % what)[1]
        check(said == result, "%s: %s", what, said)
    check(len(board.seen(event="flash-misuse")) == 4, "%s", board.seen(event="flash-misuse"))
    base = layout.values["SECONDARY_BASE"] + sector
    at = layout.device(device)[0] + base - base % sector
    with open(board.flash_file.path, "rb") as f:
        data = f.read()
    check(data[at:at + 3 * unit] == b"\x5a" * unit + b"\xff" * 2 * unit, "%s", data[at:at + 3 * unit])
    notes = int.from_bytes(data[USED_OFF + at // 32:USED_OFF + at // 32 + 64], "little") >> at // 4 % 8
    check(notes == (1 << 2 * unit // 4) - 1, "the notes are %x", notes)


class Counted(Machine):
    """Time goes by the instructions: the same on a busy computer."""

    def arguments(self):
        return super().arguments() + ["-icount", "shift=3,sleep=off"]


@on_maps("pace", BOTH)
def _(bench, map_name):
    """Operations take the time of the real part, or so many thousandths of it."""
    for pace in (None, 1000, 500):
        board = bench.blink(map_name, "timing", pace=pace)
        board = Counted(bench, board.bootloader, board.flash_file, board.otp)
        board.power_on()
        rests(board)
        for what, real in zip(("erase", "32 units"), FLASH_MS[map_name]):
            want = real * (pace or 0) / 1000
            took = int(line(board, r"timing: %s (\d+) ms" % what)[1])
            check(want - 2 <= took <= want * 1.02 + 25, "pace %s: %s took %d ms, not %g", pace, what, took, want)
        board.kill()


def wear_and_cut(bench, map_name, pace):
    """Six SIGKILLs amid erase and program; returns at how many the sector was a mixture. Every store
    before it is in the file; what may have been programmed is noted, so that nothing is programmed
    over it."""
    board = bench.blink(map_name, "wear", pace=pace)
    layout = board.flash_file.layout
    sector = layout.sector_of("SECONDARY")
    device = layout.devices[layout.values["SECONDARY_DEVICE"]]
    erased = layout.device(device)[2]
    base = layout.values["SECONDARY_BASE"] + sector
    at = layout.device(device)[0] + base - base % sector
    seed, mixtures = random.randrange(10**6), 0
    for cut in range(6):
        after = board.power_on()
        line(board, "wear: ok", after)
        time.sleep(random.Random(seed + cut).random() * 0.1)
        board.kill()
        with open(board.flash_file.path, "rb") as f:
            data = f.read()
        held = [data[off:off + 4] for off in range(at, at + sector, 4)]
        for off in range(0, sector, 4):
            noted = data[USED_OFF + (at + off) // 32] >> (at + off) // 4 % 8 & 1
            check(noted or held[off // 4] == bytes([erased]) * 4,
                  "seed %d, cut %d: 0x%x of the sector holds what is not noted", seed, cut, off)
        check(len(set(held)) <= 3, "seed %d, cut %d: %d different words", seed, cut, len(set(held)))
        mixtures += len(set(held)) > 1
    return mixtures


@on_maps("power-cut", BOTH)
def _(bench, map_name):
    wear_and_cut(bench, map_name, None)


@on_maps("paced-power-cut", BOTH)
def _(bench, map_name):
    """With the time of the real part a cut finds an operation half done."""
    mixtures = wear_and_cut(bench, map_name, 200)
    check(mixtures >= 2, "%d of 6 cuts left a mixture", mixtures)


# factory settings

def entry(name, value, name_len=None, value_len=None):
    raw = struct.pack("<HH", len(name) if name_len is None else name_len, len(value) if value_len is None else value_len)
    raw += name + b"\0" + value + b"\0"
    return raw + bytes(-len(raw) % 4)


def blob(entries, size=None, crc=None, magic=b"OTTRSET1"):
    return magic + struct.pack("<II", len(entries) if size is None else size,
                               zlib.crc32(entries) if crc is None else crc) + entries


def settings_that_are_none(key):
    good = entry(b"key", key)
    return {
        "nothing": None,
        "zeros": bytes(65536),
        "0xff": b"\xff" * 65536,
        "random": random.Random(1).randbytes(65536),
        "magic": blob(good, magic=b"OTTRSET2"),
        "crc": blob(good, crc=zlib.crc32(good) ^ 1),
        "too-long": blob(good, size=65536),
        "longer-than-memory": blob(good, size=0xffffffff),
        "value-overruns": blob(entry(b"key", key, value_len=len(key) + 8)),
        "name-overruns": blob(entry(b"key", key, name_len=0xffff)),
        "value-without-end": blob(entry(b"key", key + b"!", value_len=len(key))),
        "name-without-end": blob(entry(b"key\0--", key, name_len=5)[:4 + 6] + entry(b"", key)[5:]),
        "cut-entry": blob(good[:2]),
        "short-key": blob(entry(b"key", key[:-1])),
        "no-key": blob(entry(b"keys", key) + entry(b"host", b"key")),
    }


@on_maps("bad-settings", [PSOC])
def _(bench, map_name):
    """Settings that are none are as if there were none: no key, a line, and nothing is started."""
    for name, otp in settings_that_are_none(bench.kit.key_der()).items():
        board = bench.blink(map_name)
        board.otp = otp
        board.power_on()
        board.wait(event="no-boot", err="no-key")
        check(len(board.lines) == 3, "%s: %s", name, board.lines)
        board.kill()


@on_maps("settings", BOTH)
def _(bench, map_name):
    """A second key counts, too; a full memory is read to its end; values that repeat keep their order."""
    key, image = bench.kit.key_der(), bench.blink_image(map_name, OLD)
    entries = entry(b"key", bench.kit.key_der("stranger")) + entry(b"key", b"short") + entry(b"key", key)
    tail = entry(b"blink-1.0.0", b"entropy") + entry(b"blink-1.0.0", b"reset")
    room = 65536 - 16 - len(entries) - len(tail)
    board = bench.blink(map_name, image=image)
    board.otp = blob(entries + entry(b"ca", bytes(room - 8)) + tail)
    check(len(board.otp) == 65536, "%d bytes", len(board.otp))
    board.power_on()
    line(board, "did: entropy")
    board.wait(event="cause", cause="software")
    rests(board)


@on_maps("no-key-stops", [XMC])
def _(bench, map_name):
    """The watchdog is fed where nothing can be started: no reset, no further line, hardly any work."""
    board = bench.blink(map_name)
    board.otp = None
    board.power_on()
    board.wait(event="no-boot")
    used = cpu_seconds(board.process.pid)
    time.sleep(6)
    check(board.process.poll() is None and len(board.lines) == 3, "%s", board.lines)
    used = cpu_seconds(board.process.pid) - used
    check(used < 1, "a halted board used %.1f s of the processor in 6 s", used)


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# images that the processor cannot start

RAM, RAM_END = 0x20000000, 0x20040000
VECTORS = {  # stack pointer, first instruction; +: relative to the payload, of 1024 bytes
    "zeros": (0, 0), "erased": (0xffffffff, 0xffffffff),
    "stack-0": (0, "+101"), "stack-odd": (RAM + 0x1004, "+101"), "stack-at-start": (RAM, "+101"),
    "stack-above": (RAM_END + 8, "+101"), "stack-in-flash": ("+100", "+101"),
    "even": (RAM_END, "+100"), "before": (RAM_END, "-3"), "behind": (RAM_END, "+401"), "nowhere": (RAM_END, 0x1),
    "in-ram": (RAM_END, RAM + 0x101),
}


@on_maps("vectors", BOTH)
def _(bench, map_name):
    """A jump to any of these would lock the processor up for ever: refused, with a line."""
    layout = bench.kit.layout(map_name)
    base = layout.values["PRIMARY_ADDR"] + kit.HEADER_SIZE
    board = bench.blink(map_name)
    for name, words in VECTORS.items():
        stack, first = (base + int(w, 16) if isinstance(w, str) else w for w in words)
        path = bench.kit.path("vectors-%s-%s.bin" % (name, map_name))
        with open(path, "wb") as f:
            f.write(struct.pack("<II", stack, first) + b"\xbf" * 1016)
        image = bench.kit.signed(path, OLD, "signed-vectors-%s-%s" % (name, map_name))
        board.flash_file.make(bench.kit.bytes(image))
        after = board.power_on()
        bad = board.wait(event="primary-bad", after=after)
        check(bad.get("reason") == "wrong-place", "%s: %s", name, bad)
        board.wait(event="nothing", after=after)
        board.kill()


@on_maps("unaligned-vectors", [PSOC])
def _(bench, map_name):
    """Behind a header of 32 bytes the vector table is where the processor cannot have it."""
    program = bench.blink_program(map_name)
    path = bench.kit.path("small-header.bin")
    run([bench.kit.otter, "sign", "--key", bench.kit.key(), "--version", OLD, "--header-size", "0x20", "--pad-header",
         program, path])
    board = bench.blink(map_name, image=path)
    board.power_on()
    board.wait(event="primary-bad", reason="wrong-place")
    board.wait(event="nothing")


class Lonely(Machine):
    """QEMU without semihosting."""

    def arguments(self):
        args = super().arguments()
        at = args.index("-semihosting-config")
        return args[:at] + args[at + 2:]


@on_maps("no-semihosting", BOTH)
def _(bench, map_name):
    """No random bytes and no time then, and no fault either."""
    board = bench.blink(map_name, "entropy")
    board = Lonely(bench, board.bootloader, board.flash_file, board.otp)
    board.power_on()
    rests(board)
    line(board, "random: input/output")
    line(board, "random: 0x0 0x0")
    line(board, "clock: none")
    check(len(board.seen(event="cause")) == 1, "%s", board.lines)


@on_maps("no-clock", [PSOC])
def _(bench, map_name):
    board = bench.blink(map_name, "entropy", no_clock=1)
    board.power_on()
    rests(board)
    line(board, "clock: none")
    line(board, "random: ok")


@on_maps("other-map", [PSOC])
def _(bench, map_name):
    """Flash with the journal of another map: nothing is changed, nothing is started."""
    first = bench.blink(XIP)
    first.power_on()
    rests(first)
    first.kill()
    board = bench.blink(map_name)
    image = bench.kit.bytes(bench.blink_image(map_name, OLD))
    board.flash_file.make(image)
    board.flash_file.write("JOURNAL", 0, first.flash_file.read("JOURNAL"))
    with open(board.flash_file.path, "rb") as f:
        before = f.read()
    board.power_on()
    board.wait(event="other-map")
    time.sleep(0.3)
    check(board.lines[-1].startswith("boot  the journal"), "%s", board.lines)
    with open(board.flash_file.path, "rb") as f:
        check(f.read() == before, "the flash has changed")


def main(arguments):
    jobs = [] if "--jobs" in arguments else ["--jobs", str(os.cpu_count() or 2)]
    return harness.main(jobs + arguments, kit.BoardKit, Bench)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
