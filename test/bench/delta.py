#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""delta.py - how small patches are, beside other tools; what making and applying them takes.

usage: delta.py [--document FILE] [--check] [--no-speed] [DIR...]

A DIR has pairs of firmware versions: a README.md whose table begins with | from | to | (file names) and
has the link address in a cell, or folders (at any depth) with old.bin, new.bin and a file `address`
("-": not Arm; none: it is guessed). A folder called held has pairs that nobody looked at while
the encoder was made. Always there, and all that there is without a DIR: the versions of our own firmware
(build/qemu-*, `make firmware`), signed as they are published. A file `limit` has the most bytes that
a pair's patch may have.

For each pair: `otter delta make`, applied again and compared; xz -9e of the whole new file, bsdiff,
xdelta3 -9, zstd -19 --patch-from; detools (from PyPI: DETOOLS names its command, else the one in PATH; else
what the README's table says) with and without --data-format arm-cortex-m4; instructions of the
decoder on an emulated Cortex-M4 (test/delta/speed.py). bsdiff+xz is what bsdiff says, its three
streams compressed by xz instead of bzip2.

--check: sizes and round trips only, beside bsdiff where it is installed and nothing is for Arm. Exit 1 when a target is missed.
--document: the tables as Markdown. Last line: "N passed, N failed" (targets and round trips).
"""
import argparse
import bz2
import lzma
import math
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "test", "delta"))
import speed as decoder  # noqa: E402

OTTER = os.path.abspath(os.environ.get("OTTER", os.path.join(ROOT, "build", "host", "otter")))
DETOOLS = os.environ.get("DETOOLS") or shutil.which("detools")
KEY = os.path.join(ROOT, "test", "keys", "not-secret-ecdsa-p256.pem")
SIZE_PROGRAM = os.path.join(ROOT, "build", "cm4-size", "size_delta")
# Of the public pairs everybody measures with: bytes of the patch, header included.
KNOWN = {"pybv11_1f5d945af_firmware1.bin": 1300, "shell_old.bin": 280}
UNSEEN_SHARE = 0.40          # of detools' cortex-m4 mode, geometric mean over all other Cortex-M pairs
TRIVIAL = 300                # bytes: where detools needs less, headers are compared and nothing else
INSTRUCTIONS_MAX = 1000      # a byte: 100 KB/s at 100 MHz
CODE_MAX = RAM_MAX = 4096
SECONDS_MAX, MEGABYTES_MAX = 10, 500
OWN_MAX = 400                # bytes: two of our versions differ in a number, a hash and a signature


class Pair:
    """Two files and where they run. `arm`: False when they are known not to be for Arm."""

    def __init__(self, name, old, new, address=None, arm=True, known=None, published=None):
        self.name, self.old, self.new, self.address = name, old, new, address
        self.arm, self.known, self.published = arm, known, published
        self.own = False
        self.sizes, self.failed = {}, []
        self.seconds = self.megabytes = self.speed = None
        self.new_size = os.path.getsize(new)


# ---- where pairs come from ----

def table_pairs(folder):
    path = os.path.join(folder, "README.md")
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as file:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in file if line.startswith("|")]
    for cells in rows:
        old, new = (os.path.join(folder, cell) for cell in cells[:2])
        if len(cells) > 3 and os.path.isfile(old) and os.path.isfile(new):
            address = next((cell for cell in cells if cell.startswith("0x")), None)
            published = re.search(r"[\d,]+", cells[5]) if len(cells) > 5 else None
            yield Pair(cells[0].split("_firmware")[0].removesuffix("_old.bin"), old, new, address, True, KNOWN.get(cells[0]),
                       int(published.group(0).replace(",", "")) if published else None)


def folder_pairs(folder):
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if "old.bin" not in files or "new.bin" not in files:
            continue
        address = None
        if "address" in files:
            with open(os.path.join(base, "address"), encoding="utf-8") as file:
                address = file.read().strip()
        limit = None
        if "limit" in files:
            with open(os.path.join(base, "limit"), encoding="utf-8") as file:
                limit = int(file.read())
        yield Pair(os.path.relpath(base, folder), os.path.join(base, "old.bin"), os.path.join(base, "new.bin"),
                   None if address == "-" else address, address != "-", limit)


def own_pairs(work):
    """Every version of our own firmware to every later one, signed."""
    for board in ("qemu-psoc62", "qemu-xmc7200"):
        build = os.path.join(ROOT, "build", board)
        names = sorted(os.listdir(build)) if os.path.isdir(build) else []
        found = [re.fullmatch(r"ota-https-(\w+)-(\d+\.\d+\.\d+)\.bin", name) for name in names]
        maps = {}
        for match in filter(None, found):
            maps.setdefault(match.group(1), []).append(match.group(2))
        for flash_map, versions in maps.items():
            signed = [sign(work, build, flash_map, version) for version in versions]
            for i, old in enumerate(signed):
                for j in range(i + 1, len(signed)):
                    pair = Pair("%s %s to %s" % (flash_map, versions[i], versions[j]), old, signed[j])
                    pair.own, pair.known = True, OWN_MAX
                    yield pair


def sign(work, build, flash_map, version):
    path = os.path.join(work, "%s-%s.bin" % (flash_map, version))
    run([OTTER, "sign", "--key", KEY, "--version", version, "--map", flash_map, "--pad-header",
         os.path.join(build, "ota-https-%s-%s.bin" % (flash_map, version)), path])
    return path


# ---- tools ----

class Failed(Exception):
    pass


def run(words, **options):
    """(bytes of stdout, processor seconds, peak megabytes)"""
    begun = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said, **options)
        output = process.stdout.read()
        process.stdout.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            raise Failed("%s: %s" % (os.path.basename(words[0]), said.read().decode("utf-8", "replace").strip()[-300:]))
    return output, max(usage.ru_utime + usage.ru_stime, min(0.01, time.monotonic() - begun)), usage.ru_maxrss / 1024


def by_otter(pair, work):
    patch, back = os.path.join(work, "patch"), os.path.join(work, "back")
    words = [OTTER, "delta", "make", pair.old, pair.new, "--output", patch]
    words += ["--address", pair.address] if pair.address else []
    words += [] if pair.arm else ["--filter", "none"]
    _, pair.seconds, pair.megabytes = run(words)
    run([OTTER, "delta", "apply", pair.old, patch, "--output", back])
    with open(back, "rb") as one, open(pair.new, "rb") as other:
        if one.read() != other.read():
            pair.failed.append("the patch gave another file back")
    pair.sizes["otter"] = os.path.getsize(patch)
    return patch


def by_xz(pair):
    return len(run(["xz", "-9e", "--keep", "--stdout", pair.new])[0])


def bsdiff(pair, work):
    patch = os.path.join(work, "bsdiff")
    run(["bsdiff", pair.old, pair.new, patch])
    with open(patch, "rb") as file:
        return file.read()


def with_xz(patch):
    """bsdiff's three streams, each by xz's coder without a container, and the 32 bytes of its header."""
    control, diff = struct.unpack_from("<QQ", patch, 8)
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]
    streams = patch[32:32 + control], patch[32 + control:32 + control + diff], patch[32 + control + diff:]
    return 32 + sum(len(lzma.compress(bz2.decompress(stream), lzma.FORMAT_RAW, filters=filters)) for stream in streams)


def by_xdelta3(pair):
    return len(run(["xdelta3", "-9", "-e", "-c", "-s", pair.old, pair.new])[0])


def by_zstd(pair):
    return len(run(["zstd", "-19", "-q", "-c", "--patch-from=" + pair.old, pair.new])[0])


def by_detools(pair, work, *options):
    patch = os.path.join(work, "detools")
    run([DETOOLS, "create_patch", *options, pair.old, pair.new, patch])
    return os.path.getsize(patch)


def by_bsdiff(pair, work):
    patch = bsdiff(pair, work)
    pair.sizes["bsdiff"], pair.sizes["bsdiff+xz"] = len(patch), with_xz(patch)


def by_others(pair, work):
    """Those that are installed."""
    sizes = pair.sizes
    if shutil.which("xz"):
        sizes["xz"] = by_xz(pair)
    if shutil.which("bsdiff"):
        by_bsdiff(pair, work)
    if shutil.which("xdelta3"):
        sizes["xdelta3"] = by_xdelta3(pair)
    if shutil.which("zstd"):
        sizes["zstd"] = by_zstd(pair)
    if DETOOLS:
        sizes["detools"] = by_detools(pair, work)
        if pair.arm:
            sizes["detools m4"] = by_detools(pair, work, "--data-format", "arm-cortex-m4")
    elif pair.published:
        sizes["detools m4"] = pair.published


def measure(pair, args):
    with tempfile.TemporaryDirectory(prefix="otter-delta-") as work:
        try:
            patch = by_otter(pair, work)
            if not args.check:
                by_others(pair, work)
            elif not pair.arm and shutil.which("bsdiff"):
                by_bsdiff(pair, work)
            if not args.no_speed and not args.check:
                pair.speed = decoder.measure(pair.old, pair.new, patch)
        except (Failed, decoder.Failed) as failure:
            pair.failed.append(str(failure))


def code_and_ram():
    """Of the decoder: code with its constants, and its one object (scripts/sizes.py has the rest)."""
    sys.path.insert(0, os.path.join(ROOT, "scripts"))
    import sizes
    firmware = sizes.Firmware(SIZE_PROGRAM, SIZE_PROGRAM + ".map")
    return firmware.flash("delta"), firmware.program.size_of("delta")


# ---- what comes out ----

COLUMNS = ("xz", "bsdiff", "bsdiff+xz", "xdelta3", "zstd", "detools", "detools m4", "otter")
HEADS = {"xz": "whole, xz -9e", "xdelta3": "xdelta3 -9", "zstd": "zstd -19", "detools m4": "detools cortex-m4", "otter": "**otter**"}


def group_of(pair):
    return ("Our own firmware, signed" if pair.own else "Not for Arm (plain mode)" if not pair.arm else
            "With a target of their own" if pair.known else
            "Unseen Cortex-M firmware" if is_held(pair) else "Other Cortex-M firmware")


def is_held(pair):
    return "held" in pair.name.split("/")


def number(value):
    return "-" if value is None else "{:,}".format(value).replace(",", " ")


def table(pairs):
    yield "| pair | new file | %s | of detools cortex-m4 | s to make | instructions a byte | longest row of 512 |" % " | ".join(HEADS.get(name, name) for name in COLUMNS)
    yield "|---|" + "---|" * (len(COLUMNS) + 5)
    for pair in pairs:
        other = pair.sizes.get("detools m4")
        cells = [number(pair.sizes.get(name)) for name in COLUMNS]
        cells[-1] = "**%s**" % cells[-1]
        cells.append("%.0f %%" % (100 * pair.sizes["otter"] / other) if other and "otter" in pair.sizes else "-")
        cells.append("-" if pair.seconds is None else "%.1f" % pair.seconds)
        cells += ["%.0f" % pair.speed.per_byte, number(pair.speed.longest_row)] if pair.speed else ["-", "-"]
        yield "| %s | %s | %s |" % (pair.name, number(pair.new_size), " | ".join(cells))


def geometric(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def unseen(pairs):
    """(what they are, pairs) that the share of detools' is wanted of."""
    others = [pair for pair in pairs if pair.arm and not pair.own and not pair.known and
              pair.sizes.get("detools m4", 0) > TRIVIAL and "otter" in pair.sizes]
    held = [pair for pair in others if is_held(pair)]
    return [(what, group) for what, group in (("unseen", held), ("other", others)) if group]


def targets(pairs, args):
    """(what, measured, at most, unit)"""
    for pair in pairs:
        if pair.known and not pair.own and "otter" in pair.sizes:
            yield "patch of " + pair.name, pair.sizes["otter"], pair.known, "bytes"
    own = [pair.sizes["otter"] for pair in pairs if pair.own and "otter" in pair.sizes]
    if own:
        yield "our own firmware, signed: the largest of %d patches" % len(own), max(own), OWN_MAX, "bytes"
    for what, others in unseen(pairs):
        share = geometric([pair.sizes["otter"] / pair.sizes["detools m4"] for pair in others])
        yield "%d %s Cortex-M pairs, of detools' cortex-m4 mode (geometric mean)" % (len(others), what), 100 * share, 100 * UNSEEN_SHARE, "%"
    for pair in pairs:
        if not pair.arm and "bsdiff+xz" in pair.sizes and "otter" in pair.sizes:
            yield "plain mode, %s: beside bsdiff with xz" % pair.name, pair.sizes["otter"], pair.sizes["bsdiff+xz"], "bytes"
    if args.check:
        return
    measured = [pair for pair in pairs if pair.speed]
    if measured:
        yield "decoding, the slowest pair", max(pair.speed.per_byte for pair in measured), INSTRUCTIONS_MAX, "instructions a byte"
    made = [pair for pair in pairs if pair.seconds is not None]
    if made:
        yield "making a patch, the slowest pair", max(pair.seconds for pair in made), SECONDS_MAX, "s"
        yield "making a patch, memory", max(pair.megabytes for pair in made), MEGABYTES_MAX, "MB"
    code, ram = code_and_ram()
    yield "decoder: code and constants, Cortex-M4 -Os", code, CODE_MAX, "bytes"
    yield "decoder: RAM", ram, RAM_MAX, "bytes"


HEAD = """# How small are patches?

Bytes to send for one update, whatever else goes over the wire. Written by `make bench-delta PAIRS=DIR`: everything here was
run on one machine, in one go. Firmware of others is not in this repository; the pairs are public (detools' test data, VESC,
Nitrokey Start, GreatFET, the micro:bit's MicroPython, Nordic's SoftDevices, TI's Z-Stack), each two versions that were released
one after the other or close to it. bsdiff, xdelta3, zstd and xz are Debian's; detools is PyPI's, with its default compression
(lzma; on a device it would be heatshrink, and larger). bsdiff+xz is bsdiff's patch with xz in place of bzip2.
Instructions are those of the decoder alone on an emulated Cortex-M4 (no wait states, no flash programming), for each byte of
the new file; the longest row is what 512 bytes took at most in one go. Times are processor seconds of a machine that had
other work as well.

Nobody looked at the pairs called held while format and encoder were made; tune are those that were looked at; own are older
states of our own firmware. Pairs for which detools needs less than %d bytes are in no mean: there only headers are compared.
""" % TRIVIAL


def document(pairs, judged):
    lines = HEAD.splitlines() + ["", "| target | measured | at most | |", "|---|---|---|---|"]
    for what, measured, limit, unit in judged:
        lines.append("| %s | %s | %s %s | %s |" % (what, shown(measured), shown(limit), unit, "ok" if measured <= limit else "missed"))
    for group in dict.fromkeys(group_of(pair) for pair in pairs):
        lines += ["", "## " + group, ""] + list(table([pair for pair in pairs if group_of(pair) == group]))
    return "\n".join(lines) + "\n"


def shown(value):
    return number(value) if isinstance(value, int) else "%.1f" % value


def collect(args, work):
    pairs = []
    for folder in args.folders:
        found = [*table_pairs(folder), *folder_pairs(folder)]
        if not found:
            sys.exit("delta.py: no pairs in %s: a README.md with a table | from | to |, or folders with old.bin and new.bin" % folder)
        pairs += found
    own = list(own_pairs(work))
    if not own and not args.check:
        print("no firmware of our own in build/: make firmware", file=sys.stderr)
    return pairs + own


def main():
    parser = argparse.ArgumentParser(description="patches beside other tools")
    parser.add_argument("--document", help="write the tables there")
    parser.add_argument("--check", action="store_true", help="only what is the same in every run")
    parser.add_argument("--no-speed", action="store_true", help="without QEMU")
    parser.add_argument("folders", nargs="*")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="otter-delta-") as work:
        pairs = collect(args, work)
        for pair in pairs:
            measure(pair, args)
            print("%-60s %s" % (pair.name, "  ".join("%s %s" % (name, pair.sizes[name]) for name in COLUMNS if name in pair.sizes)),
                  flush=True)
    judged = list(targets(pairs, args))
    passed, failed = sum(measured <= limit for _, measured, limit, _ in judged), 0
    for what, measured, limit, unit in judged:
        print("%-6s %s: %s, at most %s %s" % ("ok" if measured <= limit else "missed", what, shown(measured), shown(limit), unit))
    failed = len(judged) - passed
    for pair in pairs:
        passed, failed = passed + (not pair.failed), failed + bool(pair.failed)
        for what in pair.failed:
            print("FAILED: %s: %s" % (pair.name, what))
    if args.document and pairs:
        with open(args.document, "w", encoding="utf-8") as file:
            file.write(document(pairs, judged))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not pairs else 0


if __name__ == "__main__":
    sys.exit(main())
