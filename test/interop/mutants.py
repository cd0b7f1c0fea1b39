#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutants.py - changed images: the verdict of slot/image.c beside imgtool's.

Images of both tools, with every key type, are changed in header, TLVs and payload by a fixed seed.
What Otter takes, imgtool must take; what Otter alone refuses must break a rule that
docs/spec/10-image.md calls stricter: RULES names them by fault. imgtool is asked in one process,
through `imgtool.image.Image.verify`, which `imgtool verify` is made of.

Environment: OTTER, OTTER_CACHE. The last line is "N passed, N failed".
"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import images  # noqa: E402
import vectors  # noqa: E402
from vectors import Tally, run  # noqa: E402

COUNT = 80   # of each image

# Under the tool's own Python: "key image" lines in, one verdict each out.
READER = r'''
import sys
from imgtool import image, keys
loaded = {}
for line in sys.stdin:
    key, path = line.rstrip("\n").split("\t")
    loaded[key] = loaded.get(key) or keys.load(key)
    try:
        verdict = image.Image.verify(path, loaded[key])[0].name
    except Exception as problem:
        verdict = "broken: %s" % type(problem).__name__
    print(verdict, flush=True)
'''

# Faults of 10-image.md where it says that Otter is stricter than MCUboot, or that imgtool does not look at.
RULES = {
    "no-payload": "I3", "too-large": "I4: imgtool reads what there is", "flags": "I5: imgtool does not look at flags",
    "no-tlvs": "I6: imgtool does not compare both sizes", "tlv-overrun": "I7", "tlv-place": "I8", "tlv-length": "I9", "tlv-twice": "I10",
    "other-hash": "I11", "no-hash": "I12: imgtool is content with a signature", "header-size": "I2: imgtool does not need a whole header", "not-signed": "I14: imgtool does not ask whose name stands before a signature",
    "signature-wrong": "I15", "signatures-many": "I16",
}


def mutate(rng, image):
    """A changed copy: mostly where a reader decides something."""
    data = bytearray(image)
    header, protected = struct.unpack_from("<HH", data, 8)
    tail = header + struct.unpack_from("<I", data, 12)[0]
    for _ in range(rng.choice([1, 1, 1, 2])):
        place = rng.choice(["header", "tail", "tail", "tail", "payload", "length", "entry"])
        at = {"header": rng.randrange(32), "payload": rng.randrange(header, tail)}.get(place, rng.randrange(tail, max(tail + 1, len(data))))
        if place == "length" and len(data) > tail + 8:
            data = data[:rng.randrange(tail, len(data))] if rng.random() < 0.5 else data + bytes(rng.randrange(1, 64))
        elif place == "entry":
            entry = struct.pack("<HH", rng.choice([0x01, 0x02, 0x10, 0x11, 0x20, 0x22, 0x24, 0x40, 0x50, 0xa0]), 4) + bytes(4)
            area = tail + protected
            if area + 4 <= len(data):  # with the size put right, so that it is seen
                size = struct.unpack_from("<H", data, area + 2)[0]
                struct.pack_into("<H", data, area + 2, (size + len(entry)) & 0xffff)
                where = rng.choice([area + 4, area + size])
                data[where:where] = entry
        elif at < len(data):
            data[at] = rng.choice([data[at] ^ 1 << rng.randrange(8), 0, 1, 0xff, rng.randrange(256)])
    return bytes(data)


def make_images(bench):
    """(key, image) of both tools."""
    made = []
    for kind in images.TYPES:
        key = vectors.key(kind)
        for name, more in (("plain", []), ("counter", ["-s", "7", "-d", "(1, 1.2.3)"]), ("full", ["--public-key-format", "full"])):
            path = "%s-%s.bin" % (kind, name)
            bench.good(bench.imgtool, "sign", "-k", key, "-H", "0x20", "--pad-header", "-S", images.SLOT, "-v", "1.2.3+4", "--align", "8", *more,
                       "small.bin", path)
            made.append((key, bench.read(path)))
        bench.good(bench.otter, "sign", "--key", key, "--header-size", "0x20", "--pad-header", "--version", "2.0.0", "small.bin", "ours.bin")
        made.append((key, bench.read("ours.bin")))
    return made


def ask_imgtool(bench, python, work):
    text = "".join("%s\t%s\n" % (key, path) for key, path in work)
    done = subprocess.run([python, "-c", READER], input=text, stdout=subprocess.PIPE, text=True, cwd=bench.folder, check=True)
    return done.stdout.splitlines()


def ask_otter(bench, key, path):
    done = run(bench.otter, "verify", "--json", "--key", key, path, cwd=bench.folder)
    found = json.loads(done.stdout)
    return "accept" if found["ok"] else found["fault"]


def main():
    otter = os.path.abspath(os.environ.get("OTTER", "build/host/otter"))
    tally = Tally()
    folder, said = images.install(images.IMGTOOL)
    tally.add("install/" + images.IMGTOOL, folder is not None, said)
    if not folder:
        return tally.finish()
    with tempfile.TemporaryDirectory(prefix="otter-mutants-") as place:
        bench = images.Bench(otter, folder, place)
        rng = bench.random
        bench.write("small.bin", rng.randbytes(200))
        work = []
        for number, (key, image) in enumerate(make_images(bench)):
            for copy in range(COUNT):
                name = "%d-%d.bin" % (number, copy)
                bench.write(name, image if copy == 0 else mutate(rng, image))
                work.append((key, name))
        counts, wrong, taken = {}, [], 0
        for (key, name), theirs in zip(work, ask_imgtool(bench, os.path.join(folder, "python3"), work)):
            ours = ask_otter(bench, key, name)
            taken += ours == "accept"
            if (ours == "accept") == (theirs == "OK"):
                why = "the same verdict"
            elif ours == "accept" and theirs == "broken: TypeError":
                why = "no verdict of imgtool: it stumbles over a signature in front of the hash"
            elif ours == "accept" or ours not in RULES:
                wrong.append("%s: %s, imgtool: %s" % (name, ours, theirs))
                continue
            else:
                why = "%s (%s)" % (RULES[ours], ours)
            counts[why] = counts.get(why, 0) + 1
        for why, count in sorted(counts.items(), key=lambda item: -item[1]):
            print("%6d  %s" % (count, why))
        tally.add("mutants/%d images" % len(work), not wrong, "; ".join(wrong[:10]))
        tally.add("mutants/unchanged ones are taken", taken >= len(work) // COUNT)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
