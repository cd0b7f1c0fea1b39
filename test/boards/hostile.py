# SPDX-License-Identifier: Apache-2.0
"""hostile.py - flash, factory settings and images that are not as they should be.

Each has its line on the UART and its outcome: what is still genuine runs, what is not is named, and a
board with nothing to start says so and stops. Silence, reset loops and lock-ups fail. The bytes are
drawn from the seed in the case's id.
"""
import os
import random
import shutil
import struct

import harness
from flash import FILE_SIZE, MAPS, OVERWRITE, PSOC, XIP, XMC, XMC_OVERWRITE, FlashFile
from harness import IMAGE, JOB, case, check
from kit import BAD, BOARD_NAMES, NEW, OLD
from machine import settings_blob

LONGER_THAN_WATCHDOG = 4.6  # seconds
VECTORS = 48
NOWHERE = 9  # a port that nobody listens on


def other_place(bench, map_name, version, extra=()):
    """The firmware as if linked for a slot 64 KiB below this one: every vector points there."""
    layout = bench.kit.layout(map_name)
    start, size = layout.values["PRIMARY_ADDR"], layout.values["PRIMARY_SIZE"]
    name = "moved-%s-%s%s" % (map_name, version, "-fixed" if extra else "")

    def make():
        data = bytearray(bench.kit.bytes(bench.kit.program(map_name, version)))
        table = bench.kit.code_off(map_name, version)
        for at in range(table, table + 4 * VECTORS, 4):
            word = struct.unpack_from("<I", data, at)[0]
            if start <= word < start + size:
                struct.pack_into("<I", data, at, word - 0x10000)
        with open(bench.kit.path(name + ".payload"), "wb") as f:
            f.write(data)
        return bench.kit.path(name + ".payload")
    return bench.kit.signed(bench.kit.once(name, make), version, name, extra=extra)


def other_slot(bench, map_name, version):
    """Signed and flagged for another slot address, though its code would run here."""
    return bench.kit.signed(bench.kit.program(map_name, version), version, "fixed-%s-%s" % (map_name, version),
                            extra=("--rom-fixed", "0x10000000"))


def other_board(bench, map_name, version):
    other = XMC if map_name.startswith("psoc") else PSOC
    return bench.kit.signed(bench.kit.program(other, version), version, "for-%s-%s" % (other, version))


def bent(bench, map_name, name, change):
    """A signed 1.1.0 after change(bytearray)."""
    def make():
        data = bytearray(bench.kit.bytes(bench.kit.app(map_name, NEW)))
        with open(bench.kit.path("%s-%s.bin" % (name, map_name)), "wb") as f:
            f.write(change(data) or data)
        return f.name
    return bench.kit.once("bent:%s:%s" % (name, map_name), make)


def truncated(bench, map_name, _):
    return bent(bench, map_name, "truncated", lambda data: data[:len(data) * 2 // 3])


def flipped(bench, map_name, _):
    def change(data):
        data[len(data) // 2] ^= 0x10
    return bent(bench, map_name, "flipped", change)


def unsigned(bench, map_name, version):
    return bench.kit.signed(bench.kit.program(map_name, version), version,
                            "unsigned-%s-%s" % (map_name, version), key=None)


def strangers(bench, map_name, version):
    return bench.kit.app(map_name, version, key="stranger")


WRONG_PLACE = {"wrong-address": other_place, "fixed-elsewhere": other_slot, "other-board": other_board}
NOT_GENUINE = {"truncated": truncated, "flipped-bit": flipped, "unsigned": unsigned, "other-key": strangers}


def stops(board, after, **line):
    """The line comes, then nothing more: no reset, no lock-up, for longer than the watchdog waits."""
    last = board.wait(after=after, **line)
    at = board.events.index(last) + 1
    try:
        board.wait_event(lambda e: e["event"] in ("hello", "cause", "started"), LONGER_THAN_WATCHDOG, at)
    except harness.Failed:
        check(board.process.poll() is None, "QEMU ended with %s", board.process.poll())
        return
    raise harness.Failed("the board did not stop: %s" % board.lines[-3:])


def family(part, table, plot):
    for name, maps in table:
        for map_name in maps:
            def one(name=name, map_name=map_name):
                @case("hostile/%s/%s-%s" % (part, name, map_name), "hostile")
                def _(bench):
                    plot(bench, name, map_name)
            one()


# images in the primary slot of a new board: nothing starts, and the line says why

def factory_wrong_place(bench, name, map_name):
    board = bench.machine(map_name, WRONG_PLACE[name](bench, map_name, OLD), NOWHERE)
    board.power_on()
    board.wait(event="primary-bad", reason="wrong-place")
    stops(board, 0, event="nothing")


def factory_not_genuine(bench, name, map_name):
    board = bench.machine(map_name, NOT_GENUINE[name](bench, map_name, OLD), NOWHERE)
    board.power_on()
    bad = board.wait(event="primary-bad")
    check("reason" not in bad, "%s", bad)
    stops(board, 0, event="nothing")


family("factory", [("wrong-address", [PSOC, XMC]), ("fixed-elsewhere", [XMC_OVERWRITE]), ("other-board", [XIP, XMC])],
       factory_wrong_place)
family("factory", [("flipped-bit", [OVERWRITE]), ("other-key", [XMC]), ("unsigned", [PSOC]), ("truncated", [XIP])],
       factory_not_genuine)


@case("hostile/factory/other-map-firmware-" + PSOC, "hostile")
def _(bench):
    """The firmware of another flash map of the same board, really linked for its slot."""
    image = bench.kit.signed(bench.kit.program(OVERWRITE, OLD), OLD, "app-of-other-map")
    board = bench.machine(PSOC, image, NOWHERE)
    board.power_on()
    board.wait(event="primary-bad", reason="wrong-place")
    stops(board, 0, event="nothing")


# the same as updates: fetched, refused before the primary is touched; then an honest update

def as_update(bench, name, map_name):
    kit, old, new = bench.kit, bench.kit.app(map_name, OLD), bench.kit.app(map_name, NEW)
    offered = (WRONG_PLACE.get(name) or NOT_GENUINE[name])(bench, map_name, NEW)
    server = bench.serve_image(map_name, offered)
    board = bench.machine(map_name, old, server.port)
    board.power_on()
    expected = "not-for-us" if name in WRONG_PLACE else "bad-image"
    board.wait(outcome=expected, timeout=60)
    report = board.wait(event="reported", timeout=20)
    check(report.get("result") == expected, "told the server: %s", report)
    check(not board.seen(outcome="installing") and not board.seen(event="restart"), "it was asked for")
    board.expect_primary(old, "any more")
    board.power_cut()
    begin = board.power_on()
    board.wait(event="started", version=OLD, after=begin)
    server.files[IMAGE] = kit.bytes(new)
    server.files[JOB] = bench.job(new, NEW, Board=BOARD_NAMES[kit.layout(map_name).board])
    last = {"outcome": "confirmed"} if kit.layout(map_name).swap else {"event": "started"}
    board.wait(version=NEW, after=begin, timeout=60, **last)
    board.expect_primary(new, "after the honest update")


family("update", [("wrong-address", [PSOC, XMC]), ("fixed-elsewhere", [XIP]), ("other-board", [OVERWRITE, XMC_OVERWRITE]),
                  ("truncated", [XMC]), ("flipped-bit", [XIP]), ("unsigned", [XMC_OVERWRITE]), ("other-key", [PSOC])],
       as_update)


# the whole flash file

FILLS = {"zeros": lambda _: bytes, "ones": lambda _: lambda size: b"\xff" * size,
         "random-1": lambda _: lambda size: random.Random(1).randbytes(size),
         "random-2": lambda _: lambda size: random.Random(2).randbytes(size)}


def filled(bench, name, map_name, secondary=None):
    board = bench.machine(map_name, None, NOWHERE)
    board.flash_file.fill(FILLS[name](map_name))
    if secondary:
        board.flash_file.write("SECONDARY", 0, bench.kit.bytes(secondary))
    board.power_on()
    board.wait(event="journal-new")
    board.wait(event="primary-bad")
    return board


def nothing_there(bench, name, map_name):
    stops(filled(bench, name, map_name), 0, event="nothing")


def bootstrap(bench, name, map_name):
    """Only the secondary holds an image: it is installed, runs, and is there at the next power-on."""
    image = bench.kit.app(map_name, OLD)
    board = filled(bench, name, map_name, image)
    board.wait(event="bootstrap", version=OLD)
    board.wait(event="started", version=OLD, timeout=60)
    board.expect_primary(image, "after the bootstrap")
    board.power_cut()
    begin = board.power_on()
    board.wait(event="started", version=OLD, after=begin)
    check(not board.seen(after=begin, event="journal-new"), "the journal was not kept")


family("nothing-in", [("zeros", [PSOC, XMC]), ("ones", [XIP, XMC_OVERWRITE]), ("random-1", [OVERWRITE, XMC]),
                      ("random-2", [PSOC])], nothing_there)
family("bootstrap-in", [("zeros", [OVERWRITE, XMC_OVERWRITE]), ("ones", [PSOC, XMC]), ("random-1", [PSOC, XMC]),
                        ("random-2", [XIP, XMC_OVERWRITE])], bootstrap)


@case("hostile/bootstrap-of-wrong-address-" + XMC, "hostile")
def _(bench):
    board = filled(bench, "ones", XMC, other_place(bench, XMC, OLD))
    stops(board, 0, event="nothing")
    check(not board.seen(event="bootstrap"), "it was installed")


# the journal

def lived(bench, map_name):
    """A flash file after an update from 1.0.0 to 1.1.0 (confirmed); made once, copied for each case."""
    kit = bench.kit
    old, new = kit.app(map_name, OLD), kit.app(map_name, NEW)

    def make():
        server = bench.serve_image(map_name, new)
        board = bench.machine(map_name, old, server.port)
        board.power_on()
        last = {"outcome": "confirmed"} if kit.layout(map_name).swap else {"event": "started"}
        board.wait(version=NEW, timeout=90, **last)
        board.wait(event="reported", timeout=20)
        board.power_cut()
        return shutil.copy(board.flash_file.path, kit.path("lived-%s.flash" % map_name))
    path = kit.once("lived:" + map_name, make)
    server = bench.serve_image(map_name, new)
    board = bench.machine(map_name, None, server.port)
    shutil.copy(path, board.flash_file.path)
    return board, new


def random_journal(_, journal, chooser):
    return chooser.randbytes(len(journal))


def half_erased(layout, journal, chooser):
    half, erased = len(journal) // 2, bytes([layout.erased_of("JOURNAL")]) * (len(journal) // 2)
    return chooser.choice([journal[:half] + erased, erased + journal[half:]])


def flipped_bits(_, journal, chooser):
    """One to 200 bits, most of them where records lie."""
    data = bytearray(journal)
    used = [at for at in range(len(data)) if data[at] not in (0, 0xFF)] or [0]
    for _ in range(chooser.choice([1, 5, 20, 200])):
        at = chooser.choice(used) if chooser.random() < 0.8 else chooser.randrange(len(data))
        data[at] ^= 1 << chooser.randrange(8)
    return bytes(data)


def torn_tail(layout, journal, chooser):
    """Everything from somewhere on erased, as a journal that lost its newest records."""
    at = chooser.randrange(len(journal))
    return journal[:at] + bytes([layout.erased_of("JOURNAL")]) * (len(journal) - at)


SPOILED = {"random": random_journal, "half-erased": half_erased, "flipped-bits": flipped_bits, "torn": torn_tail}
SEEDS = 6


def spoiled_journal(bench, name, map_name):
    """Whatever the journal holds, the confirmed image runs, and the board keeps asking for updates."""
    board, new = lived(bench, map_name)
    journal, layout = board.flash_file.read("JOURNAL"), board.flash_file.layout
    for seed in range(1, SEEDS + 1):
        board.flash_file.write("JOURNAL", 0, SPOILED[name](layout, journal, random.Random(seed)))
        begin = board.power_on()
        try:
            board.wait(event="started", version=NEW, after=begin)
            board.wait(outcome="current", version=NEW, after=begin)
            check(name != "random" or board.seen(after=begin, event="journal-new"), "no line tells of the new journal")
            board.expect_primary(new, "any more")
        except harness.Failed as error:
            raise harness.Failed("seed %d: %s" % (seed, error)) from None
        board.power_cut()


family("journal", [("random", [PSOC, XMC]), ("half-erased", [XIP, XMC]), ("flipped-bits", MAPS), ("torn", [OVERWRITE, XMC])],
       spoiled_journal)


def foreign_journal(bench, _, map_name):
    """The journal of another flash map at the same place: nothing is touched."""
    other = {PSOC: OVERWRITE, XMC: XMC_OVERWRITE}[map_name]
    foreign, _ = lived(bench, other)
    board, new = lived(bench, map_name)
    check(board.flash_file.layout.area("JOURNAL") == foreign.flash_file.layout.area("JOURNAL"), "not at the same place")
    board.flash_file.write("JOURNAL", 0, foreign.flash_file.read("JOURNAL"))
    with open(board.flash_file.path, "rb") as f:
        before = f.read(FILE_SIZE)
    board.power_on()
    stops(board, 0, event="other-map")
    with open(board.flash_file.path, "rb") as f:
        check(f.read(FILE_SIZE) == before, "something was written")
    board.expect_primary(new, "any more")


def lost_in_swap(bench, _, map_name):
    """Cut in the middle of a swap, and the journal is gone, too: the download is still whole, and is installed."""
    kit = bench.kit
    server = bench.serve_image(map_name, kit.app(map_name, NEW))
    board = bench.machine(map_name, kit.app(map_name, OLD), server.port, pace=1000)
    board.power_on()
    board.wait_event(lambda e: e.get("word") == "PROGRESS" and e["from"] == "boot" and
                     int(e["done"]) > 0.55 * int(e["total"]), 60)
    board.power_cut()
    board.flash_file.write("JOURNAL", 0, random.Random(4).randbytes(board.flash_file.layout.area("JOURNAL")[1]))
    begin = board.power_on()
    board.wait(event="journal-new", after=begin)
    board.wait(event="started", version=NEW, after=begin, timeout=60)
    board.expect_primary(kit.app(map_name, NEW), "after all")


family("journal", [("lost-in-swap", [PSOC, XIP, XMC, OVERWRITE])], lost_in_swap)
family("journal", [("of-another-map", [PSOC, XMC])], foreign_journal)


# a bit that falls over in the primary of a running board

def dead_primary(bench, by, map_name):
    """One bit of the image that runs: at the next power-on the board helps itself, or says that it cannot."""
    board, new = lived(bench, map_name)
    begin = board.power_on()
    board.wait(event="started", version=NEW, after=begin)
    at = len(bench.kit.bytes(new)) - 600
    board.power_cut()
    for area in ["PRIMARY"] + (["SECONDARY"] if by != "bootstrap" else []):
        board.flash_file.write(area, at, bytes([board.flash_file.read(area, at, 1)[0] ^ 1]))
    begin = board.power_on()
    board.wait(event="primary-bad", after=begin)
    if by == "nothing":
        return stops(board, begin, event="nothing")
    comes_back = NEW if by == "bootstrap" else OLD
    board.wait(event=by, after=begin)
    board.wait(event="started", version=comes_back, after=begin, timeout=60)
    board.expect_primary(bench.kit.app(map_name, comes_back), "after the repair")
    return board.wait(outcome="current" if comes_back == NEW else "installing", after=begin, timeout=60)


# The secondary still holds the download; if that is damaged as well, the image before it, if the map keeps one.
family("primary-bit", [("bootstrap", [PSOC, XMC_OVERWRITE]), ("revert", [XIP, XMC]), ("nothing", [OVERWRITE])],
       dead_primary)


# factory settings

def settings_case(name, map_name, make, plot):
    @case("hostile/settings/%s-%s" % (name, map_name), "hostile")
    def _(bench):
        image = bench.kit.app(map_name, OLD)
        board = bench.machine(map_name, image, NOWHERE)
        board.otp = make(bench, bytearray(board.otp))
        board.power_on()
        plot(bench, board)
        board.expect_primary(image, "any more")


def no_key(_, board):
    stops(board, 0, event="no-boot", err="no-key")


def damaged(_, otp):
    otp[40] ^= 1
    return bytes(otp)


def short_by(count):
    return lambda _, otp: bytes(otp[:len(otp) - count])


def no_start(bench, board):
    """The image runs, but cannot look for updates, and says which setting is missing; the LED blinks on."""
    board.wait(event="started", version=OLD)
    board.wait(event="no-start", what="updates")
    at = len(board.events)
    try:
        board.wait_event(lambda e: e["event"] in ("hello", "cause", "fault"), LONGER_THAN_WATCHDOG, at)
    except harness.Failed:
        return
    raise harness.Failed("the board reset itself: %s" % board.lines[-3:])


def without(*names, **changes):
    def make(bench, _):
        settings = bench.kit.settings(PSOC, NOWHERE, **changes)
        return settings_blob([(name, value) for name, value in settings if name not in names])
    return make


settings_case("missing", PSOC, lambda *_: None, no_key)
settings_case("missing", XMC, lambda *_: None, no_key)
settings_case("damaged", PSOC, damaged, no_key)
settings_case("truncated", XMC, short_by(9), no_key)
settings_case("random", XIP, lambda _, otp: random.Random(3).randbytes(len(otp)), no_key)
settings_case("no-key", OVERWRITE, without("key"), no_key)
settings_case("garbage-key", PSOC, without(key=b"not a key at all"), no_key)
settings_case("no-host", PSOC, without("host"), no_start)
settings_case("no-ca", PSOC, without("ca"), no_start)


@case("hostile/settings/two-keys-" + PSOC, "hostile")
def _(bench):
    """Any of several keys may have signed."""
    keys = [bench.kit.key_der("stranger"), bench.kit.key_der()]
    board = bench.machine(PSOC, bench.kit.app(PSOC, OLD), NOWHERE, key=keys)
    board.power_on()
    board.wait(event="started", version=OLD)


# images that are genuine and still no good

def crash_image(bench, map_name, version):
    """Its vectors are right, its code is not: every halfword is an undefined instruction."""
    name = "crash-%s-%s" % (map_name, version)

    def make():
        data = bytearray(bench.kit.bytes(bench.kit.program(map_name, version)))
        for at in range(bench.kit.code_off(map_name, version) + 4 * VECTORS, len(data) - 1, 2):
            struct.pack_into("<H", data, at, 0xDE00)
        with open(bench.kit.path(name + ".payload"), "wb") as f:
            f.write(data)
        return f.name
    return bench.kit.signed(bench.kit.once(name, make), version, name)


def crashing_update(bench, _, map_name):
    """An image that locks the processor up costs a power cycle for each attempt, then it is taken back."""
    bench.may_fault = True
    old = bench.kit.app(map_name, OLD)
    server = bench.serve_image(map_name, crash_image(bench, map_name, BAD), BAD)
    board = bench.machine(map_name, old, server.port)
    board.power_on()
    board.wait(outcome="installing", version=BAD, timeout=60)
    for _ in range(6):
        try:
            board.wait(outcome="rejected", version=BAD, timeout=40)
            break
        except harness.Failed as error:
            check("locked up" in str(error), "%s", error)
            board.reader.join(5)
            board.power_on()
    check(board.seen(event="trial", version=BAD) and board.seen(event="revert"), "no trial, or no revert")
    board.expect_primary(old, "after the revert")


family("update", [("crash", [PSOC, XMC])], crashing_update)
