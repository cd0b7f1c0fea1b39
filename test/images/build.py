#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""build.py - write the test images from recipes.txt, each checked against its SHA-256.

usage: build.py FOLDER

Also writes payload.bin, payload-odd.bin, payload-small.bin and payload-z400.bin.
Needs python3 and, for the encrypted images, the openssl command.
"""
import hashlib
import os
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Image:
    """One entry of recipes.txt."""

    def __init__(self, fields):
        self.name, size, self.sha256, self.upstream, self.ours = fields
        self.size = int(size)
        self.why = ""
        self.hex_address = None
        self.pieces = []


def load(path=os.path.join(HERE, "recipes.txt")):
    """The entries of recipes.txt, in order."""
    images = []
    with open(path, encoding="ascii") as recipes:
        for line in recipes:
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "image":
                images.append(Image(rest.split()))
            elif word == "why":
                images[-1].why = rest
            elif word == "ihex":
                images[-1].hex_address = int(rest, 16)
            elif word and not word.startswith("#"):
                images[-1].pieces.append([word, *rest.split()])
    return images


def sources():
    payload = b"".join(hashlib.sha256(b"mcuboot-vec" + struct.pack("<I", i)).digest()
                       for i in range(2048))
    with open(os.path.join(HERE, "lzma2.body"), "rb") as body:
        lzma2 = body.read()
    return {"payload": payload, "payload-odd": payload[:65521] + bytes(15),
            "comp": bytes(byte & 0x0F for byte in payload), "lzma2": lzma2}


def encrypted(source, key):
    cipher = "-aes-%d-ctr" % (len(key) * 4)
    padded = source + bytes(-len(source) % 16)
    return subprocess.run(["openssl", "enc", cipher, "-K", key, "-iv", "0" * 32], input=padded,
                          stdout=subprocess.PIPE, check=True).stdout


def segments(image, source):
    """The bytes between gaps, each run with its offset."""
    runs = [(0, bytearray())]
    for word, *args in image.pieces:
        off, run = runs[-1]
        if word == "gap":
            runs.append((off + len(run) + int(args[0]), bytearray()))
        elif word == "hex":
            run += bytes.fromhex(args[0])
        elif word == "fill":
            run += bytes.fromhex(args[0]) * int(args[1])
        else:
            data = source[word] if word != "aes" else encrypted(source[args[1]], args[0])
            first, count = int(args[-2]), int(args[-1])
            run += data[first:first + count]
    return runs


def intel_hex(runs, address):
    """As the intelhex package writes it: 16 bytes a record, none across a 64 KiB boundary."""
    lines = []

    def record(offset, kind, body):
        raw = struct.pack(">BHB", len(body), offset, kind) + body
        lines.append(":%s%02X\n" % (raw.hex().upper(), -sum(raw) & 0xFF))

    high = None
    for off, run in runs:
        at = address + off
        end = at + len(run)
        while at < end:
            if at >> 16 != high:
                high = at >> 16
                record(0, 4, struct.pack(">H", high))
            count = min(16, end - at, 0x10000 - (at & 0xFFFF))
            first = at - address - off
            record(at & 0xFFFF, 0, bytes(run[first:first + count]))
            at += count
    return ("".join(lines) + ":00000001FF\n").encode("ascii")


def image_bytes(image, source):
    runs = segments(image, source)
    return bytes(runs[0][1]) if image.hex_address is None else intel_hex(runs, image.hex_address)


def write(folder, name, data, sha256=None):
    if sha256 and hashlib.sha256(data).hexdigest() != sha256:
        sys.exit("build.py: %s does not come out as recorded" % name)
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(data)


def main(folder):
    source = sources()
    payload = source["payload"]
    for name, data in (("payload.bin", payload), ("payload-odd.bin", payload[:65521]),
                       ("payload-small.bin", payload[:4096]),
                       ("payload-z400.bin", bytes(0x400) + payload)):
        write(folder, name, data)
    for image in load():
        data = image_bytes(image, source)
        write(folder, image.name, data, image.sha256)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
