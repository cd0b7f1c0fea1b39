# SPDX-License-Identifier: Apache-2.0
"""images.py - the images of the glitch campaign: three genuine ones, and what an attacker makes of them.

Signed by `otter sign`, then changed here byte by byte; the format is docs/spec/10-image.md.
"""
import hashlib
import os
import struct
import subprocess
import zlib

PRIMARY, HEADER, RAM_TOP, UART = 0x21028000, 0x400, 0x20040000, 0x40004000
CODE, ZEROS = 0x100, 0x200  # payload offsets: behind the vectors; of bytes that are 0 in the genuine image
SIZE = 0x300
KEY_HASH, SHA256, SIGNATURE = 0x01, 0x10, 0x22
# ldr r0, =UART; adr r1, text; next: ldrb r2, [r1]; adds r1, #1; str r2, [r0]; cmp r2, #0; bne next; b .
PROGRAM = [0x4803, 0xA104, 0x780A, 0x1C49, 0x6002, 0x2A00, 0xD1FA, 0xE7FE]


def payload(name):
    """A program that says which image it is, and stays."""
    first = PRIMARY + HEADER + CODE + 1
    vectors = struct.pack("<II", RAM_TOP, first) + struct.pack("<I", first) * (CODE // 4 - 2)
    code = struct.pack("<8HI", *PROGRAM, UART) + b"app   " + name.encode() + b"\r\n\0"
    body = (vectors + code).ljust(ZEROS, b"\x5a") + bytes(0x40)
    return body.ljust(SIZE, b"\xa5")


def tlvs_of(image):
    """The bytes under the hash, and the unprotected TLVs as {type: value}."""
    header_size, protected, size = struct.unpack_from("<HHI", image, 8)
    off = header_size + size + protected
    body, tlvs, (_, total) = image[:off], {}, struct.unpack_from("<HH", image, off)
    end, off = off + total, off + 4
    while off < end:
        kind, length = struct.unpack_from("<HH", image, off)
        tlvs[kind] = image[off + 4:off + 4 + length]
        off += 4 + length
    return body, tlvs


def built(body, tlvs):
    entries = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in tlvs.items())
    return body + struct.pack("<HH", 0x6907, 4 + len(entries)) + entries


def changed(image, off, value):
    return image[:off] + bytes([value]) + image[off + 1:]


class Maker:
    def __init__(self, otter, keys, folder):
        self.otter, self.keys, self.folder = otter, keys, folder

    def key(self, name):
        return os.path.join(self.keys, "not-secret-ecdsa-p256%s.pem" % name)

    def signed(self, name, version, key="", extra=()):
        program, path = (os.path.join(self.folder, name + suffix) for suffix in (".program", ".bin"))
        with open(program, "wb") as file:
            file.write(payload(name))
        signer = ["--unsigned"] if key is None else ["--key", self.key(key)]
        subprocess.run([self.otter, "sign", *signer, "--version", version, "--pad-header", *extra, program, path],
                       check=True, stdout=subprocess.DEVNULL)
        with open(path, "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(os.path.join(self.folder, name + ".bin"), "wb") as file:
            file.write(data)

    def forged(self, name, signature, key_hash):
        """Newer, the hash right, and a header whose first two words would do as vectors, if they were taken for some."""
        body, tlvs = tlvs_of(self.signed(name, "1.3.0", "-other"))
        body = body[:4] + struct.pack("<I", PRIMARY + HEADER + CODE + 1) + body[8:]
        tlvs.update({SHA256: hashlib.sha256(body).digest(), SIGNATURE: signature, KEY_HASH: key_hash})
        self.write(name, built(body, tlvs))

    def all(self):
        good = self.signed("good", "1.1.0")
        self.signed("next", "1.2.0")
        self.signed("old", "1.0.0")
        _, tlvs = tlvs_of(good)
        text = good.index(b"good")
        self.write("flipped", changed(good, text, good[text] ^ 1))
        self.write("zero-byte", changed(good, HEADER + ZEROS + 5, 0xFF))
        self.forged("forged", tlvs[SIGNATURE], tlvs[KEY_HASH])
        self.forged("zeros", bytes([0x30, 6, 2, 1, 0, 2, 1, 0]), tlvs[KEY_HASH])
        self.signed("other-key", "1.3.0", "-other")
        body, others = tlvs_of(self.signed("our-name", "1.3.0", "-other"))
        self.write("our-name", built(body, {**others, KEY_HASH: tlvs[KEY_HASH]}))
        self.signed("unsigned", "1.3.0", None)
        self.signed("elsewhere", "1.3.0", "", ("--rom-fixed", "0x%x" % (PRIMARY + 0x100000)))


def settings(maker):
    """Factory settings with one key, as they lie in the board's read-only memory (docs/boards.md)."""
    key = subprocess.run(["openssl", "pkey", "-in", maker.key(""), "-pubout", "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    entry = struct.pack("<HH", 3, len(key)) + b"key\0" + key + b"\0"
    entry += bytes(-len(entry) % 4)
    return b"OTTRSET1" + struct.pack("<II", len(entry), zlib.crc32(entry)) + entry
