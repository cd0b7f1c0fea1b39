#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - `make glitch`: the Cortex-M4 bootloader, one instruction disturbed, a wrong image in a slot.

usage: run.py [--short | --last] [--samples N] [--jobs N] [--how WAY,...] [SCENE...]     the campaign, and its table
       run.py --trial SCENE:WAY:INDEX                             one trial, again

First the emulator of this folder is held against QEMU: undisturbed, each scene must print the same
lines and leave the same flash. Then the trials. WAY: skip (the instruction does nothing), invert
(a condition is taken for its opposite), zero, ones, flip (its result becomes 0, all ones, or has one wrong bit).
Each instruction is skipped wherever it is executed, and disturbed in the other ways where it is executed last (they are
four times as many); --last: skipped there only as well. --short: skipped there only, in two scenes.
Needs the built firmware (make firmware). OTTER: the host command [build/host/otter]. The last line is
"N passed, N failed": scenes that QEMU runs alike, and rows of the table where nothing
wrong started, neither in the disturbed boot nor in the next, and where the next starts the right image if there is one.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import images

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTTER = os.environ.get("OTTER", str(ROOT / "build/host/otter"))
GLITCH = os.path.join(os.path.dirname(OTTER), "test/glitch/glitch")
BOOTLOADER = str(ROOT / "build/qemu-psoc62/bootloader-psoc62_2m_ext_swap_single.elf")
SCENES = ["good", "flipped", "zero-byte", "forged", "other-key", "our-name", "unsigned", "zeros", "elsewhere", "asked-forged",
          "asked-rejected", "asked-older", "not-asked", "dead-rejected", "dead-older", "dead-forged"]
SHORT = ["flipped", "forged"]
WAYS = "skip,invert,zero,ones,flip"
QEMU_S = 30


def fail(text):
    print("glitch: " + text, file=sys.stderr)
    sys.exit(2)


class Work:
    """Images and factory settings. Kept, so that a trial can be run again: signatures differ each time they are made."""

    def __init__(self, again):
        self.folder = ROOT / "build" / "glitch"
        self.otp = str(self.folder / "otp")
        if again and not os.path.exists(self.otp):
            fail("no campaign has run here yet: `make glitch`")
        if not again:
            self.folder.mkdir(parents=True, exist_ok=True)
            maker = images.Maker(OTTER, str(ROOT / "test/keys"), str(self.folder))
            maker.all()
            with open(self.otp, "wb") as file:
                file.write(images.settings(maker))

    def glitch(self, *options, scenes=()):
        return [GLITCH, *options, BOOTLOADER, self.otp, str(self.folder), *scenes]


def qemu_lines(flash, otp, wanted):
    """What the board prints, until a line with one of the wanted words, or silence."""
    process = subprocess.Popen(
        ["qemu-system-arm", "-M", "mps2-an386,memory-backend=mem", "-nographic", "-monitor", "none", "-serial", "stdio",
         "-object", "memory-backend-file,id=mem,mem-path=%s,size=16M,share=on" % flash, "-kernel", BOOTLOADER,
         "-device", "loader,file=%s,addr=0x%x,force-raw=on" % (otp, 0x300000)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    timer = threading.Timer(QEMU_S, process.kill)
    timer.start()
    lines = []
    for raw in process.stdout:
        lines.append(raw.decode(errors="replace").strip("\r\n\0"))
        if any(word in lines[-1] for word in wanted):
            break
    timer.cancel()
    process.kill()
    process.wait()
    return lines


def like_qemu(work, scene):
    """None, or how the two differ."""
    with tempfile.TemporaryDirectory(prefix="otter-glitch-") as folder:
        before, after = folder + "/before", folder + "/after"
        done = subprocess.run(work.glitch("--show=" + scene, "--dump=" + before, "--after=" + after), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            return done.stderr
        ours = done.stdout.splitlines()
        starts = "starts it" in ours[-1]
        theirs = qemu_lines(before, work.otp, ["app   "] if starts else ["; stops"])
        if starts:
            ours.append("app   good")
        if ours != theirs:
            return "\n".join(["here:"] + ours + ["QEMU:"] + theirs)
        with open(before, "rb") as left, open(after, "rb") as right:
            return None if left.read() == right.read() else "flash differs afterwards"


def instruction(addr):
    """A line of disassembly."""
    done = subprocess.run(["arm-none-eabi-objdump", "-d", "-l", "--start-address=0x%x" % addr, "--stop-address=0x%x" % (addr + 4),
                           BOOTLOADER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    code = [line.split("\t", 2)[-1].strip() for line in done.stdout.splitlines() if re.match(r"\s+%x:" % addr, line)]
    place = [line for line in done.stdout.splitlines() if re.match(r"/.*:\d+", line)]
    return "%s  %s" % (re.sub(r"\s+", " ", code[0]) if code else "?", os.path.relpath(place[-1], ROOT) if place else "")


def told(line):
    """A line of the program; where it names a trial, with the instruction."""
    found = re.search(r" at ([0-9a-f]{8}) ", line)
    return line + (":  " + instruction(int(found.group(1), 16)) if found else "")


def passes(arguments):
    """Options of each run of the program: ways, and where."""
    ways = (arguments.how or ("skip" if arguments.short else WAYS)).split(",")
    samples = ["--crypto=%d" % arguments.samples, "--long=%d" % arguments.samples]
    if arguments.short:
        return [["--how=" + ",".join(ways), "--last", "--crypto=10", "--long=10"]]
    everywhere = [way for way in ways if way == "skip" and not arguments.last]
    rest = [way for way in ways if way not in everywhere]
    return ([["--how=" + ",".join(rest), "--last"] + samples] if rest else []) + ([["--how=skip"] + samples] if everywhere else [])


def campaign(work, options, scenes):
    """(rows without a wrong image, rows with one)."""
    good = bad = 0
    process = subprocess.Popen(work.glitch(*options, scenes=scenes), stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        print(told(line.rstrip("\n")), flush=True)
        cells = line.split()
        if cells and cells[0] in scenes:
            good, bad = (good + 1, bad) if cells[10] == cells[12] == "0" else (good, bad + 1)
    process.wait()
    return good, bad + int(process.returncode != 0 and bad == 0)


def main():
    parser = argparse.ArgumentParser(description="one instruction of the bootloader disturbed, a wrong image in a slot")
    parser.add_argument("--short", action="store_true", help="a minute of it")
    parser.add_argument("--last", action="store_true", help="each instruction only where it is executed last")
    parser.add_argument("--samples", type=int, default=1000, metavar="N", help="in cryptography, and in long repetitions, in each scene [1000]")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--how", metavar="WAY,...", help="only these of %s" % WAYS)
    parser.add_argument("--trial", help="SCENE:WAY:INDEX, again")
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=", ".join(SCENES))
    arguments = parser.parse_args()
    for kind, words, known in (("scene", arguments.scenes, SCENES), ("way", (arguments.how or WAYS).split(","), WAYS.split(","))):
        unknown = [word for word in words if word not in known]
        if unknown:
            fail("there is no %s %s; there are: %s" % (kind, unknown[0], ", ".join(known)))
    for path in (GLITCH, BOOTLOADER):
        if not os.path.exists(path):
            fail("%s is not there: `make glitch` builds it" % path)
    work = Work(again=arguments.trial is not None)
    if arguments.trial:
        done = subprocess.run(work.glitch("--trial=" + arguments.trial), stdout=subprocess.PIPE, text=True, check=False)
        print("\n".join(told(line) for line in done.stdout.splitlines()))
        return done.returncode
    scenes = arguments.scenes or (SHORT if arguments.short else SCENES)
    alike = 0
    for scene in scenes:
        difference = like_qemu(work, scene)
        alike += difference is None
        print("%-15s %s" % (scene, "as in QEMU" if difference is None else "NOT as in QEMU:\n" + difference), flush=True)
    passed, failed = alike, len(scenes) - alike
    for options in passes(arguments):
        good, bad = campaign(work, ["--jobs=%d" % arguments.jobs] + options, scenes)
        passed, failed = passed + good, failed + bad
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
