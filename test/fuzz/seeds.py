#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""seeds.py - write the seeds of the harnesses, made from real things, into corpus/NAME/.

usage: seeds.py [FOLDER]      default: corpus/ beside this file

Images: the golden ones of test/images, their payload made short. Job documents, answers of servers,
flash maps, certificates: as tests and documents have them. What fuzzing found beside these is
in the same folders, in files named by their hash. Needs python3 and the openssl command.
"""
import base64
import hashlib
import json
import os
import pathlib
import struct
import subprocess
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "test" / "images"))
import build  # noqa: E402


class Corpus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def add(self, harness, name, *parts):
        data = b"".join(part.encode("utf-8") if isinstance(part, str) else bytes(part) for part in parts)
        path = self.folder / harness / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def shortened(image):
    """The image with 64 bytes of payload; hash and signature are then wrong, flag 2 of the harness
    mends the hash."""
    header = struct.unpack_from("<H", image, 8)[0]
    payload = struct.unpack_from("<I", image, 12)[0]
    if header > len(image) or payload + header > len(image):
        return image[:512]
    short = bytearray(image[:32])
    struct.pack_into("<H", short, 8, 32)
    struct.pack_into("<I", short, 12, 64)
    return bytes(short) + image[header:header + 64] + image[header + payload:][:1200]


def tlv(kind, value):
    return struct.pack("<HH", kind, len(value)) + value


def crafted(entries, protected=b""):
    """An image of 48 bytes payload with these unprotected entries."""
    head = struct.pack("<IIHHIIBBHII", 0x96f3b83d, 0, 32, len(protected) + 4 if protected else 0, 48, 0, 1, 2, 3, 4, 0)
    signed = head + bytes(range(48))
    if protected:
        signed += struct.pack("<HH", 0x6908, len(protected) + 4) + protected
    body = tlv(0x10, hashlib.sha256(signed).digest()) + entries
    return signed + struct.pack("<HH", 0x6907, len(body) + 4) + body


def image_seeds(corpus):
    source = build.sources()
    for image in build.load():
        if image.hex_address is None:
            data = build.image_bytes(image, source)
            corpus.add("image", image.name.replace("/", "-"), b"\2\0\0", shortened(data))
    good = tlv(0x02, b"A") + tlv(0x24, b"A!") + tlv(0x01, hashlib.sha256(b"Bb").digest()) + tlv(0x22, b"B")
    corpus.add("image", "two-signatures", b"\0\0\0", crafted(good))
    corpus.add("image", "two-pieces", b"\1\x28\0", crafted(good, tlv(0x50, b"\7\0\0\0") + tlv(0x40, bytes(12))))
    corpus.add("image", "read-fails", b"\4\x28\0", crafted(good))
    corpus.add("image", "no-keys", b"\x0a\0\0", crafted(good))
    corpus.add("image", "wrong-signature", b"\0\0\0", crafted(tlv(0x02, b"A") + tlv(0x24, b"x")))
    corpus.add("image", "many-signatures", b"\0\0\0", crafted((tlv(0x02, b"A") + tlv(0x24, b"A")) * 5))


def sign(key, algorithm, message):
    words = ["openssl", "pkeyutl", "-sign", "-inkey", str(key)] + algorithm
    path = HERE / ".message"
    path.write_bytes(message)
    done = subprocess.run(words + ["-in", str(path)], stdout=subprocess.PIPE, check=True)
    path.unlink()
    return done.stdout


def signature_seeds(corpus):
    message = b"thirty-two bytes to be signed..."
    pss = ["-pkeyopt", "digest:sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32"]
    kinds = [("ecdsa-p256", ["-pkeyopt", "digest:sha256"]), ("ed25519", ["-rawin"]), ("rsa-2048", pss), ("rsa-3072", pss)]
    for number, (name, words) in enumerate(kinds):
        sig = sign(ROOT / "test" / "keys" / ("not-secret-%s.pem" % name), words, message)
        corpus.add("signature", name, bytes([number]), sig)
        if number == 0:
            corpus.add("signature", name + "-padded", b"\0", sig, bytes(72 + 8 - len(sig)))
    corpus.add("signature", "ecdsa-largest", b"\0\x30\x46", b"\2\x21\0" + b"\xff" * 32, b"\2\x21\0" + b"\xff" * 32)
    corpus.add("signature", "ecdsa-zero", b"\0\x30\6\2\1\0\2\1\0")


def record(seq, kind, phase=0, verdict=0, body=b"", flags=1):
    raw = struct.pack("<IBBBB", seq, kind, flags, phase, verdict) + body.ljust(20, b"\0")
    return raw + struct.pack("<I", zlib.crc32(raw))


def state_body(out_count=0, in_count=0, old=0, new=0, unit=0):
    return struct.pack("<HHIII", out_count, in_count, old, new, unit)


def journal_seeds(corpus):
    live = [record(1, 3, body=b"requested hash" + bytes(6)), record(2, 5, body=bytes(12)), record(3, 2, body=state_body())]
    head = record(4, 1, body=struct.pack("<II", 1, 3) + bytes(12))
    after = record(5, 2, body=state_body(), flags=1)
    for geometry, cell, sector, erased in ((0, 32, 512, b"\xff"), (1, 512, 512, b"\0"), (3, 32, 1024, b"\xff"), (5, 64, 1024, b"\xff")):
        cells = [part.ljust(cell, erased) for part in live]
        if cell == 512:
            cells = [b"".join(live).ljust(512, erased)]
        first = b"".join(cells)
        first = first.ljust(-(-len(first) // sector) * sector, erased)
        data = first + head.ljust(sector, erased) + after.ljust(cell, erased)
        acts = bytes([0x80, 2, 0x84, 3, 0x86, 0x13, 0x81, 1, 0x87, 1, 0x85, 0, 0x82, 0, 0x83, 0])
        corpus.add("journal", "geometry-%d" % geometry, bytes([geometry, 1, 0, len(acts) // 2]), acts, data)
        corpus.add("journal", "geometry-%d-blank" % geometry, bytes([geometry, 0, 0, len(acts) // 2]), acts)
        corpus.add("journal", "geometry-%d-full" % geometry, bytes([geometry, 1, 0, 31]), bytes([0x06, 0x11, 0x85, 0x01] * 15 + [0x87, 1]), data)
        corpus.add("journal", "geometry-%d-breaks" % geometry, bytes([geometry, 3, 6, len(acts) // 2]), acts, data)
        corpus.add("journal", "geometry-%d-unreadable" % geometry, bytes([geometry, 5, 2, len(acts) // 2]), acts, data)
    corpus.add("journal", "other-map", bytes([0, 9, 0, 1, 0, 0]), b"".join(live).ljust(512, b"\xff"), head.ljust(512, b"\xff"), after)


TRAILER_MAGIC = bytes.fromhex("77c295f360d2ef7f3552500f2cb67980")
TRAILER_MAGIC_32 = bytes.fromhex("20002de15d29410b8d77679c110f1f8a")


def trailer_seeds(corpus):
    def end(image_ok, copy_done, swap, magic=TRAILER_MAGIC):
        return bytes([swap]).ljust(8, b"\xff") + bytes([copy_done]).ljust(8, b"\xff") + bytes([image_ok]).ljust(8, b"\xff") + magic
    cases = {"trial": end(0xff, 1, 2), "confirmed": end(1, 1, 2), "reverted": end(1, 1, 4), "torn": end(7, 9, 0x1f),
             "requested": end(0xff, 0xff, 2), "permanent": end(1, 0xff, 3)}
    for name, tail in cases.items():
        for what in (0, 1, 3, 4, 8, 0x0f):
            corpus.add("trailer", "%s-%d" % (name, what), bytes([0, what, 0, 0, 4]), b"\xff" * (128 - len(tail)) + tail,
                       end(0xff, 0xff, 2) if what == 0 else b"")
    for geometry in (1, 3, 4):
        corpus.add("trailer", "geometry-%d" % geometry, bytes([geometry, 0x0f, 0, 0, 4]))
        corpus.add("trailer", "geometry-%d-large" % geometry, bytes([geometry, 0x0f, 0, 0x80, 0x5f]))
    corpus.add("trailer", "breaks", bytes([0, 0x8f, 2, 0, 4]), end(0xff, 1, 2))
    corpus.add("trailer", "unreadable", bytes([0, 0x4f, 2, 0, 4]), end(0xff, 1, 2))
    image = crafted(b"")
    tail = end(1, 1, 4)
    slot = image.ljust(4096 - 40, b"\xff") + b"\xff" * 40
    corpus.add("trailer", "with-image", bytes([0, 0, 0, 0, 4]), b"\xff" * (128 - len(tail)) + tail, slot)


def boot_seeds(corpus):
    primary, secondary, journal = 0, 1, 2

    def put_image(where, which, displaced=False):
        return bytes([where, 4 * which + (128 if displaced else 0), 0, 0])

    def put(index, seq, kind, phase=0, verdict=0, body=b""):
        return bytes([journal, 1]) + struct.pack("<H", index) + bytes([seq, kind - 1, 1, phase, verdict]) + body.ljust(20, b"\0")

    def state(phase, verdict=0, out=0, inn=0, old=0, new=0, unit=0, image=1):
        return (put(0, 1, 3, body=bytes([image])) + put(1, 2, 5) + put(2, 3, 2, phase, verdict, state_body(out, inn, old, new, unit)) +
                put(16, 4, 1, body=struct.pack("<II", 1, 3)) + put(32, 5, 2, phase, verdict, state_body(out, inn, old, new, unit)) +
                put(33, 6, 2, phase, verdict, state_body(out, inn, old, new, unit)))
    for flags in (0, 1, 3):
        name = ("swap", "overwrite", "", "trailers")[flags]
        head = bytes([0, flags, 0, 0, 0])
        corpus.add("boot", name + "-empty", head)
        corpus.add("boot", name + "-runs", head, put_image(primary, 0))
        corpus.add("boot", name + "-bootstrap", head, put_image(secondary, 1))
        for image in (1, 2, 3, 4, 0):
            corpus.add("boot", "%s-requested-%d" % (name, image), head, put_image(primary, 0), put_image(secondary, image), state(1, image=image))
        corpus.add("boot", name + "-trial", head, put_image(primary, 1), put_image(secondary, 0, True), state(3, 1, 2, 2, 600, 3000, 2048))
        corpus.add("boot", name + "-watchdog", bytes([0, flags | 16, 0, 0, 0]), put_image(primary, 1), put_image(secondary, 0, True), state(3, 1, 2, 2, 600, 3000, 2048))
        corpus.add("boot", name + "-given-up", head, put_image(primary, 1), put_image(secondary, 0, True), state(3, 0x31, 2, 2, 600, 3000, 2048))
        corpus.add("boot", name + "-swapping", head, put_image(primary, 0), put_image(secondary, 1), state(2, 0, 0, 0, 600, 3000, 2048))
        corpus.add("boot", name + "-half", head, put_image(primary, 1), put_image(secondary, 0, True), state(2, 0, 1, 1, 600, 3000, 2048))
        corpus.add("boot", name + "-reverting", head, put_image(primary, 1), put_image(secondary, 0, True), state(4, 0x30, 2, 2, 600, 3000, 2048))
        corpus.add("boot", name + "-dead-trial", head, put_image(secondary, 0, True), state(3, 1, 2, 2, 600, 3000, 2048))
        corpus.add("boot", name + "-strange-phase", head, put_image(primary, 0), state(5))
        for fail in (3, 9, 40):
            corpus.add("boot", "%s-fails-%d" % (name, fail), bytes([0, flags | 4, fail, 0, 0]), put_image(primary, 0), put_image(secondary, 1), state(1, image=1))
            corpus.add("boot", "%s-unreadable-%d" % (name, fail), bytes([0, flags | 8, 5 * fail, 0, 0]), put_image(primary, 0), put_image(secondary, 1), state(1, image=1))
    areas = ((0, 48), (48, 48), (96, 2), (98, 6), (104, 6))  # in units of 512 bytes: slots, scratch, halves of the journal
    stories = (("requested", 1, 0, 0), ("swapping", 2, 1, 600), ("reverting", 4, 2, 600), ("bootstrap", 0, 0, 0))
    for flag, name in ((32, "dead"), (64, "worn")):
        for at, (start, count) in enumerate(areas):
            for size in (count, 1):
                head = bytes([0, flag, 0, 0, 0, start, size - 1])
                for what, phase, moved, old in stories if size > 1 else stories[:3]:
                    runs = b"" if what == "bootstrap" else put_image(primary, 0)
                    corpus.add("boot", "%s-%d-%d-%s" % (name, at, size, what), head, runs, put_image(secondary, 1),
                               state(phase, 0, moved, moved, old, 3000 if old else 0, 2048 if old else 0))
    for which in (0, 1):
        corpus.add("boot", "elsewhere-%d" % which, bytes([0, 128, 0, 0, 0]), put_image(primary, which), put_image(secondary, 1), state(1, image=1))
        corpus.add("boot", "elsewhere-only-%d" % which, bytes([0, 128, 0, 0, 0]), put_image(secondary, which))
    for geometry in range(1, 7):
        corpus.add("boot", "geometry-%d" % geometry, bytes([geometry, 0, 0, 0, 0]), put_image(primary, 0), put_image(secondary, 2))
        corpus.add("boot", "geometry-%d-bootstrap" % geometry, bytes([geometry, 0, 0, 0, 0]), put_image(secondary, 2))


JOBS = {
    "least": '{"Board":"B","Version":"1.1.0","File":"/image.bin"}',
    "vendor": '{"Message":"Update Available","Manufacturer":"Express Widgits Corporation","ManufacturerID":"EWCO",'
              '"Product":"Easy Widgit","SerialNumber":"ABC213450001","Version":"1.3.28","Board":"B",'
              '"Connection":"HTTPS","Server":"home.example","Port":"443","File":"/ota-update.tar"}',
    "all": '{"Board":"B","Version":"1.2.3+4","File":"/a/b?c=d","Server":"cdn.example","Connection":"https","Port":8443,'
           '"Size":4000,"SHA256":"%s","Report":"/r","PollSeconds":"60","Sequence":1,"Issued":1,"Expires":4000000000,'
           '"UniqueTopicName":"t","more":[1,{"a":[true,false,null]},-1.5e+3]}' % ("0a" * 32),
    "plain": '{"Board":"B","Version":"2.0.0","File":"/f","Connection":"HTTP","Port":""}',
    "mqtt": '{"Board":"B","Version":"2.0.0","File":"/f","Connection":"MQTT"}',
    "not-for-us": '{"Board":"C","Version":"2.0.0","File":"/f","SerialNumber":"S2"}',
    "expired": '{"Board":"B","Version":"2.0.0","File":"/f","Expires":1}',
    "v6": '{"Board":"B","Version":"2.0.0","File":"/f","Server":"::1"}',
    "escapes": '{"Bo\\u0061rd":"\\u0042","Version":"1.1.0","File":"\\/\\u00e9\\ud83d\\ude00\\b\\f\\n\\r\\t\\"\\\\"}',
    "twice": '{"Board":"B","board":"B","Version":"1.1.0","File":"/f"}',
    "depth": '{"a":[[[[[1]]]]]}', "deeper": '{"a":[[[[[[1]]]]]]}', "empty": "{}", "array": "[]", "nothing": "",
    "utf8": '{"Board":"B","Version":"1.1.0","File":"/f","Message":"\u00e9\u20ac\U0001f600"}',
    "bad-utf8": b'{"a":"\xc0\x80\xed\xa0\x80\xf8"}', "no-report": '{"Board":"B","Version":"1.1.0","File":"/f","Report":""}',
    "long-path": '{"Board":"B","Version":"1.1.0","File":"/%s"}' % ("x" * 300),
    "numbers": '{"Port":4294967296,"Size":-0,"a":0.1,"b":1e9,"c":01}',
}


def job_seeds(corpus):
    for name, text in JOBS.items():
        for flags in (0, 2, 14):
            corpus.add("job", "%s-%d" % (name, flags), bytes([flags]), text)
    corpus.add("job", "small-work", b"\x10", JOBS["all"])
    entry = '{"From":"%s","File":"%s","Size":%s,"SHA256":"%s"}'
    for name, items in {"ours": entry % ("11" * 32, "/p.otd", 77, "22" * 32), "other": entry % ("12" * 32, "/p.otd", '"77"', "22" * 32),
                        "two": entry % ("12" * 32, "/a", 1, "22" * 32) + "," + entry % ("11" * 32, "/b", 2, "22" * 32),
                        "lacks": '{"From":"%s","Size":7},{}' % ("11" * 32), "wrong": "1", "nested": "[[{}]]", "path": entry % ("11" * 32, "p", 1, "22" * 32),
                        "digits": entry % ("1" * 63, "/p", 1, "22" * 32)}.items():
        corpus.add("job", "deltas-" + name, b"\x80", '{"Board":"B","Version":"1.2.3","File":"/f","Deltas":[%s]}' % items)
    bound = '"Size":4000,"SHA256":"%s","Sequence":7,"Issued":1600000000,"Expires":1800000000,"Audience":{"Board":"B"%%s}%%s}' % ("0a" * 32)
    rollout = ',"Rollout":{"Permille":%s,"Salt":"s","Start":1600000000,"RampSeconds":%s,"Rings":"%s"}'
    job = '{"Version":"1.2.3","MinVersion":"1.0.0","Board":"B","File":"/f",'
    documents = {"bound": bound % ("", ""), "audience": bound % (',"Product":"P","HardwareMin":2,"HardwareMax":4', ""),
                 "other-hardware": bound % (',"HardwareMax":2', ""), "rollout": bound % ("", rollout % (500, 86400, "late")),
                 "ring": bound % ("", rollout % (0, 0, "first, early")), "none-yet": bound % ("", rollout % (0, 0, "")),
                 "whole": bound % ("", rollout % (1000, 4294967295, "")), "too-much": bound % ("", rollout % (1001, 1, "")),
                 "unbound": '"Size":4000}', "other-board": bound.replace('"B"', '"C"') % ("", "")}
    for name, text in documents.items():
        corpus.add("job", "signed-" + name, b"\xe0", '{"alg":"ES256","kid":"k"}\n', job + text)
        corpus.add("job", "plain-" + name, b"\x88", job + text)
    for name, header in (("alg", '{"alg":"none"}'), ("crit", '{"alg":"ES256","crit":["x"]}'), ("twice", '{"alg":"none","alg":"ES256"}'), ("list", "[]"), ("empty", "")):
        corpus.add("job", "signed-header-" + name, b"\x60", header + "\n", job + documents["bound"])
    for name, text in (("parts", "a.b"), ("more", "a.b.c.d"), ("padded", "eyJhbGciOiJFUzI1NiJ9.e30.%s==" % ("A" * 86)), ("bits", "eyJhbGciOiJFUzI1NiJ9.e30.%s" % ("A" * 85 + "B")),
                       ("bare", "eyJhbGciOiJFUzI1NiJ9.e30.%sQQ\n" % ("A" * 84)), ("other", "eyJhbGciOiJFUzI1NiJ9.e30.%s" % ("A" * 86)), ("letter", "e!.e30.%s" % ("A" * 86))):
        corpus.add("job", "jws-" + name, b"\x20", text)


ROLLOUTS = {
    "none": "", "share": ',"Rollout":{"Permille":25,"Salt":"s"}', "halted": ',"Rollout":{"Permille":0,"Salt":"s"}',
    "rings": ',"Rollout":{"Permille":"0","Rings":"a,b"}', "ramp": ',"Rollout":{"Permille":500,"Start":1799999000,"RampSeconds":86400}',
    "later": ',"rollout":{"permille":1000,"START":"1900000000"}', "empty": ',"Rollout":{"Permille":"","Start":"","RampSeconds":"","Salt":"","Rings":""}',
    "nothing": ',"Rollout":{}', "much": ',"Rollout":{"Permille":1001}', "list": ',"Rollout":[]', "expiring": ',"Issued":1790000000,"Expires":"1800000001"',
    "highest": ',"Rollout":{"Permille":1000,"RampSeconds":4294967295,"Start":4294967295}',
}


def rollout_seeds(corpus):
    for name, more in ROLLOUTS.items():
        corpus.add("rollout", name, b"\x35", '{"Version":"1.1.0","File":"/f.bin","Size":5,"Sequence":3%s}' % more)
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"ES256"}', JOBS["least"].encode(), bytes(range(64))))
    corpus.add("rollout", "signed-by-nobody", b"\0", signed, b"\n")
    corpus.add("rollout", "signed-by-none", b"\0", signed.replace(signed.split(b".")[0], b"eyJhbGciOiJub25lIn0"))


def jws_seeds(corpus):
    def b64(data):
        return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode("utf-8")).rstrip(b"=")
    es256 = '{"alg":"ES256"}'
    job = ('{"Version":"1.1.0","File":"/f","Size":5,"SHA256":"%s","Sequence":7,"Issued":1800000000,"Expires":1900000000,'
           '"Audience":{"Board":"B"}%%s}' % ("0a" * 32))
    r_s = bytes(range(64, 128))
    rollout = ',"MinVersion":"1.0.0","Rollout":{"Permille":500,"Salt":"x","Start":1800000000,"RampSeconds":3600,"Rings":"a,beta"}'

    def add(name, header=es256, payload=job % "", signature=r_s, flags=0, end=b""):
        corpus.add("jws", name, bytes([flags]), b64(header), b".", b64(payload), b".", b64(signature), end)
    add("good")
    add("newline", end=b"\n")
    add("refused", flags=1)
    add("clock", flags=2)
    add("rollout", payload=job % rollout, flags=4)
    add("hardware", payload=(job % "").replace('"B"', '"B","HardwareMin":2,"HardwareMax":"3"'), flags=0x20)
    add("replayed", payload=(job % "").replace('"Sequence":7', '"Sequence":4'))
    add("issued-later", payload=(job % "").replace("1900000000", "1799999999"))
    add("others", payload=(job % "").replace('"B"', '"C"'))
    add("open", payload=(job % "").replace("Expires", "Expire"))
    add("high-bits", signature=b"\xff" * 64)
    add("zeros", signature=bytes(64))
    add("small", signature=bytes(31) + b"\x80" + bytes(31) + b"\1")
    add("short", signature=r_s[:-1])
    add("none", header='{"alg":"none"}', signature=b"")
    add("hs256", header='{"alg":"HS256"}')
    add("crit", header='{"alg":"ES256","crit":["b64"],"b64":false}')
    add("kid", header='{"typ":"JOSE","alg":"ES256","kid":"0123456789abcdef","x":[{"alg":"none"}]}')
    add("twice", header='{"alg":"ES256","ALG":"ES256"}')
    add("no-json", payload="plain")
    corpus.add("jws", "dots", b"\0....")
    corpus.add("jws", "plain", b"\0", job % "")


def url_seeds(corpus):
    paths = ["/f", "/a/b/c.bin?x=y", "/"]
    locations = ["https://cdn.example/x", "http://home.example/", "//cdn.example:8443/y?z", "/abs", "rel", "../up", "./here", "?q", "#f", "",
                 "https://[::1]:99/v6", "https://[::1", "https://home.example:0/", "https://home.example:65536/", "ftp://home.example/",
                 "https://home.example?query", "https://user@home.example/", "https://evil.example/", "../../../../x", "HTTPS://HOME.EXAMPLE:443",
                 "https://home.example/\tx", "/" + "x" * 1300]
    for number, location in enumerate(locations):
        corpus.add("url", "%02d" % number, bytes([number % 4]), paths[number % 3], b"\0", location)


HTTP = {
    "length": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n",
    "close": b"HTTP/1.0 200 OK\r\n\r\nuntil the end\xfec",
    "keep-1.0": "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    "no-content": "HTTP/1.1 204 No Content\r\nConnection: close, x\r\n\r\n",
    "not-modified": "HTTP/1.1 304 Not Modified\r\nETag: \"abc\"\r\nContent-Length: 5\r\n\r\n",
    "part": "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/100\r\nContent-Length: 5\r\nETag: W/\"x\"\r\n\r\nhello",
    "unsatisfied": "HTTP/1.1 416 No\r\nContent-Range: bytes */100\r\nContent-Length: 0\r\n\r\n",
    "retry": "HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
    "retry-date": "HTTP/1.1 429 Busy\r\nRetry-After: Sun, 06 Nov 2094 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n",
    "interim": "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: https://cdn.example/x\r\nContent-Length: 2\r\n\r\nno\xfenHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny",
    "redirect-here": b"HTTP/1.1 308 P\r\nLocation: ../y?z\r\nContent-Length: 0\r\n\r\n\xfenHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ny",
    "redirect-loop": b"HTTP/1.1 307 T\r\nLocation: /f\r\nContent-Length: 0\r\n\r\n\xfen" * 7,
    "modified": "HTTP/1.1 200 OK\r\nLast-Modified: Tue, 29 Feb 2028 23:59:60 GMT\r\nContent-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
    "encoded": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
    "two-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "both": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "folded": "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "bare-lf": "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "http2": "HTTP/2 200\r\n\r\n",
    "switching": "HTTP/1.1 101 S\r\n\r\n", "long-header": "HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: 1\r\n\r\nz" % ("x" * 1500),
    "long-own": "HTTP/1.1 200 OK\r\nETag: \"%s\"\r\n\r\n" % ("x" * 1500), "huge-chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
    "long-extension": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;%s\r\n" % ("x" * 5000), "status-only": "HTTP/1.1 404 \r\n\r\n",
    "waits": b"HTTP/1.1 20\xfew0 OK\r\nContent-\xfewLength: 2\r\n\r\nh\xfewi", "escaped": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xfe\xfe",
    "redirect-pause": b"HTTP/1.1 307 T\r\nLocation: /f\r\nContent-Length: 0\r\n\r\n\xfezHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n\xfen",
    "redirect-open-end": b"HTTP/1.1 308 P\r\nLocation: /y\r\n\r\nb\xfefH\xfenHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb\xfen",
    "long-head": "HTTP/1.1 200 OK\r\n" + "X: %s\r\n" % ("x" * 900) * 20 + "\r\n",
}


def http_seeds(corpus):
    for name, text in HTTP.items():
        corpus.add("http", name, b"\2\xff\0", text)
        corpus.add("http", name + "-small", b"\x08\xff\3", text)
    corpus.add("http", "post", b"\1\xff\0", HTTP["redirect-here"])
    corpus.add("http", "post-see-other", b"\1\xff\0", b"HTTP/1.1 303 See\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")


def agent_seeds(corpus):
    def head(flags=0, geometry=0, piece=0, fail=0):
        return struct.pack("<HBBB", flags, geometry, piece, fail)
    job = b"HTTP/1.1 200 OK\r\nETag: \"j\"\r\nContent-Length: 51\r\n\r\n\xfej\xfen"
    image = b"HTTP/1.1 200 OK\r\nETag: \"i\"\r\nContent-Length: 1500\r\n\r\n\xfe1\xfen"
    report = b"HTTP/1.1 204 No\r\n\r\n\xfen"
    current = b"HTTP/1.1 304 Not Modified\r\n\r\n\xfen"
    whole = job + image + report + job + report + current
    rest = b"HTTP/1.1 206 P\r\nETag: \"i\"\r\nContent-Range: bytes 512-1499/1500\r\nContent-Length: 988\r\n\r\n\xfer\0\2\xfen"
    for geometry in range(6):
        corpus.add("agent", "update-%d" % geometry, head(0, geometry), whole)
        corpus.add("agent", "update-%d-pieces" % geometry, head(64, geometry, 100), whole)
    for bit in range(12):
        corpus.add("agent", "flag-%d" % bit, head(1 << bit, 0, 0, 5), whole)
        corpus.add("agent", "direct-%d" % bit, head(1 | 1 << bit, 0, 0, 12), image + image + report)
    part = b"HTTP/1.1 206 P\r\nETag: \"i\"\r\nContent-Range: bytes %d-%d/1500\r\nContent-Length: %d\r\n\r\n\xfer%s\xfen"
    parts = b"".join(part % (at, min(at + 511, 1499), min(512, 1500 - at), struct.pack("<H", at)[:2]) for at in (0, 512, 1024))
    cut = b"HTTP/1.1 200 OK\r\nETag: \"i\"\r\nContent-Length: 1500\r\n\r\n"
    corpus.add("agent", "cut", head(), job, cut, b"x" * 100, b"\xfec", rest)
    corpus.add("agent", "cut-resumed", head(), job, cut, b"\xfe1\xfec", rest, report)
    corpus.add("agent", "ranges", head(4), job, parts, report)
    corpus.add("agent", "reset", head(), job, cut, b"\xfez", job, image, report)
    corpus.add("agent", "other-file", head(), job, cut.replace(b"1500", b"4000"), b"\xfe2\xfen", job)
    corpus.add("agent", "not-genuine", head(1), b"HTTP/1.1 200 OK\r\nETag: \"i\"\r\nContent-Length: 1500\r\n\r\n\xfe3\xfen" * 3, report)
    corpus.add("agent", "too-large", head(), job, cut.replace(b"1500", b"99999"), b"x" * 50)
    corpus.add("agent", "trial-fails", head(32), whole)
    corpus.add("agent", "chunked", head(), job, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5dc\r\n\xfe1\r\n0\r\n\r\n\xfen", report)
    corpus.add("agent", "until-close", head(), job, b"HTTP/1.0 200 OK\r\n\r\n\xfe1\xfec", report)
    corpus.add("agent", "waits", head(), b"\xfex\3\xfew\xfet\xff\0", job, b"\xfes", job, image)
    corpus.add("agent", "unavailable", head(), b"HTTP/1.1 503 B\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n\xfen" * 3, job, image)
    corpus.add("agent", "gone", head(), job, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n\xfen", job, b"HTTP/1.1 416 No\r\nContent-Range: bytes */9\r\n\r\n\xfen")
    for name in ("all", "not-for-us", "expired", "mqtt", "twice", "no-report"):
        text = JOBS[name].encode("utf-8")
        corpus.add("agent", "job-" + name, head(512), b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text), text, b"\xfen", image, report)
    for name in ("redirect", "interim", "both", "retry-date"):
        corpus.add("agent", "http-" + name, head(), HTTP[name])
    digest = JOBS["least"][:-1] + ',"Size":1500,"SHA256":"%s"}' % ("00" * 32)
    corpus.add("agent", "wrong-digest", head(), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(digest), digest), b"\xfen", image, report)
    judged_seeds(corpus, head, job, image, report, current)


def judged_seeds(corpus, head, job, image, report, current):
    """What else a check may end with."""
    def put(name, *parts, flags=0):
        corpus.add("agent", "judged-" + name, head(flags), *parts)
    def other_job(more, version="1.1.0"):
        text = '{"Board":"B","Version":"%s","File":"/image.bin"%s}' % (version, more)
        return b"HTTP/1.1 200 OK\r\nETag: \"j\"\r\nContent-Length: %d\r\n\r\n%s\xfen" % (len(text), text.encode("utf-8"))
    put("older", other_job("", "0.9.0"), current)
    put("too-old", other_job(',"MinVersion":"9.0.0"'), current)
    put("waiting", other_job(',"Rollout":{"Permille":1000,"Start":2000000000}'), current,
        b"HTTP/1.1 304 N\r\nDate: Fri, 06 Nov 2043 08:49:37 GMT\r\n\r\n\xfen", job, image, report)
    put("rejected", job, image, report, report, job, current, flags=32)
    put("long-job", b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 5000, b"\xfec")
    put("header", job, image.replace(b"\xfe1", b"\xfef\x0f\0\x7f\xfe1"))
    put("cut", job, b"HTTP/1.0 200 OK\r\n\r\n\xfel\xbc\2\xfe1\xfec", job, image)
    put("direct-current", image.replace(b"1500", b"600").replace(b"\xfe1", b"\xfe0"), current, flags=1)
    put("changing", job, image.replace(b"\xfe1\xfen", b"\xfel\x90\1\xfe1\xfec") +
        b"".join(b"HTTP/1.1 206 P\r\nETag: \"%d\"\r\nContent-Range: bytes 400-1499/1500\r\n\r\n\xfen" % i +
                 (b"HTTP/1.1 200 OK\r\nETag: \"%d\"\r\nContent-Length: 1500\r\n\r\n\xfel\x90\1\xfe1\xfec" % i) for i in range(5)))


def patch_seeds(corpus):
    """Jobs with a patch, and what can become of it."""
    def put(name, *parts, flags=0, geometry=0, piece=0, fail=0):
        corpus.add("agent", "patch-" + name, struct.pack("<HBBB", 0x8000 | flags, geometry, piece, fail), *parts)
    def u16(value):
        return struct.pack("<H", value)
    def wrong(at, bits=1):
        return b"\xfef" + u16(at) + bytes([bits])
    small = 4096
    job = b"HTTP/1.1 200 OK\r\nETag: \"j\"\r\nContent-Length: 512\r\n\r\n\xfed\xfen"
    head = b"HTTP/1.1 200 OK\r\nETag: \"p\"\r\nContent-Length: \xfek\0\0\r\n\r\n"
    patch = b"\xfeq\0\0\xfen"
    image = b"HTTP/1.1 200 OK\r\nETag: \"i\"\r\nContent-Length: 5000\r\n\r\n\xfe1\xfen"
    report = b"HTTP/1.1 204 No\r\n\r\n\xfen"
    busy = b"HTTP/1.1 503 B\r\nContent-Length: 0\r\n\r\n\xfen"
    whole = job + image + report
    def first(count):
        return head + b"\xfel" + u16(count) + b"\xfeq\0\0\xfec"
    def rest(at):
        return (b"HTTP/1.1 206 P\r\nETag: \"p\"\r\nContent-Range: bytes %d-\xfek\1\0/\xfek\0\0\r\nContent-Length: \xfek%s\r\n\r\n\xfeq%s\xfen"
                % (at, u16(at), u16(at)))
    for geometry in range(7):
        put("geometry-%d" % geometry, job, head, patch, report, job, report, flags=small, geometry=geometry, piece=200)
    put("room", job, head, patch, report)
    put("bytes", job, head, patch, report, flags=small, piece=1)
    for at in (20, 47, 300):
        put("resumed-%d" % at, job, first(at), rest(at), report, flags=small)
    put("ranges", job, b"HTTP/1.1 206 P\r\nETag: \"p\"\r\nContent-Range: bytes 0-\xfek\1\0/\xfek\0\0\r\n\r\n", patch, report, flags=small | 4)
    put("wrong-bit", job, head, wrong(200), patch, whole, flags=small)
    put("wrong-map", job, head, wrong(50, 0xff), patch, whole, flags=small)
    put("wrong-end", job, head, wrong(300, 0x80), patch, whole)
    put("wrong-tail", job, head, wrong(356), patch, whole, flags=small)
    for name, at in (("base", 15), ("magic", 0), ("filter", 1), ("size", 5), ("patch-size", 8), ("result", 40)):
        put("other-" + name, job, head, wrong(at), patch, whole)
    put("reset", job, first(300)[:-2] + b"\xfew\xfez\xfec", job, head, patch, report, flags=small)
    far = 0x4000
    lost = first(470)[:-2] + b"\xfew\xfez\xfec"
    for geometry in (0, 1, 3, 5):
        put("far-reset-%d" % geometry, job, lost, job, head, patch, report, report, flags=far | small, geometry=geometry)
    put("far-reset-wrong", job, lost, job, head, wrong(120, 0x10), patch, head, patch, report, flags=far | small)
    whole_far = image.replace(b"5000", b"40000")
    plain = job.replace(b"\xfed", wrong(21) + b"\xfed") # for who runs another image
    put("far-image", plain, whole_far[:-4], wrong(100), b"\xfel\x10\x8f\xfe1\xfew\xfez\xfec", plain, whole_far, whole_far, report, flags=far)
    put("compared", job, first(300), busy, job, head, patch, report, flags=small)
    put("compared-wrong", job, first(300), busy, job, head, wrong(120, 0x10), patch, head, patch, report, flags=small)
    put("unreachable", job, first(300), b"\xfec" * 7, job, head, patch, report, flags=small)
    put("busy", (job + busy) * 9, whole)
    put("gone", job, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n\xfen", whole)
    put("too-long", job, head.replace(b"\xfek\0\0", b"5000"), patch, whole)
    put("too-short", job, head.replace(b"\0\0", b"\1\0"), patch, whole)
    put("breaks-flash", job, head, patch, job, head, patch, flags=small | 128, fail=9)
    put("other-from", b"HTTP/1.1 200 OK\r\nContent-Length: 512\r\n\r\n", wrong(21), b"\xfed\xfen", image, report)
    for number, deltas in enumerate(("5", "[5]", '[{"From":5}]', '[{"SHA256":"00"}]', '[{"File":"x y"}]', '[{"Size":"z"}]', '[{"New":{"a":[1]}}],"X":{"Y":1}')):
        text = JOBS["least"][:-1] + ',"Deltas":%s}' % deltas
        put("job-%d" % number, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text), text, b"\xfen", image, report)


def push_seeds(corpus):
    def call(what, much=0, data=b""):
        return bytes([what]) + struct.pack("<H", much) + data
    for geometry in range(6):
        for number, piece in ((1, 100), (2, 4000), (3, 7)):
            corpus.add("push", "geometry-%d-%d" % (geometry, number), bytes([geometry, 0, 0]), call(0x80 | 8 * number),
                       call(2 | 8 * number, piece), call(4))
    corpus.add("push", "unknown-size", b"\0\0\0", call(0, 0), call(2 | 8, 512), call(4))
    corpus.add("push", "stopped", b"\0\2\0", call(6), call(0x88), call(2 | 8, 512), call(4), call(7))
    corpus.add("push", "too-much", b"\0\0\0", call(0, 100), call(2 | 8, 512), call(4))
    corpus.add("push", "too-large", b"\0\0\0", call(0, 65535), call(4))
    corpus.add("push", "too-little", b"\0\0\0", call(0x88), call(1, 20, b"x" * 20), call(4), call(0, 0), call(4))
    corpus.add("push", "other-bytes", b"\0\0\0", call(0x88), call(1, 40, b"x" * 40))
    corpus.add("push", "older", b"\0\0\0", call(0x80), call(2, 100), call(4))
    for fail in (0, 2, 5):
        corpus.add("push", "breaks-%d" % fail, bytes([0, 1, fail]), call(0x88), call(2 | 8, 512), call(4))


def flashmap_seeds(corpus):
    for path in sorted((ROOT / "flashmap").glob("*.json")):
        text = json.dumps(json.loads(path.read_text(encoding="utf-8")), separators=(",", ":"))
        for flags in (0, 2):
            corpus.add("flashmap", "%s-%d" % (path.stem, flags), bytes([flags]), text)
    corpus.add("flashmap", "kit", b"\x08", (ROOT / "flashmap" / "psoc62_2m_ext_swap_single.json").read_bytes())
    corpus.add("flashmap", "platform", b"\x20", (ROOT / "flashmap" / "psoc62_512k_xip_swap_single.json").read_bytes())


def elf(sections):
    """A program of one segment, with these (address, flags, bytes) as its sections."""
    head = 52 + 32
    body = b"".join(data for _, _, data in sections)
    segment = struct.pack("<8I", 1, head, 0x10000000, 0x10000000, len(body), len(body), 5, 4)
    table, at = b"", head
    for address, flags, data in sections:
        table += struct.pack("<10I", 0, 1, flags, address, at, len(data), 0, 0, 4, 0)
        at += len(data)
    ident = b"\x7fELF\1\1\1" + bytes(9)
    return ident + struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 0x10000000, 52, head + len(body), 0, 52, 32, 1, 40, len(sections), 0) + segment + body + table


def firmware_seeds(corpus):
    runs = [(0, bytearray(range(40))), (100, bytearray(b"tail"))]
    for name, address in (("low", 0x100), ("high", 0x1000FFF0)):
        corpus.add("firmware", "hex-" + name, b"\0", build.intel_hex(runs, address))
    corpus.add("firmware", "hex-segment", b"\0:020000021000EC\r\n:0400000001020304F2\n:0400000300003800C1\n:00000001FF\n")
    corpus.add("firmware", "hex-down", b"\0:01001000AA45\n:0100000055AA\n:00000001FF\n\n")
    corpus.add("firmware", "elf", b"\1", elf([(0x10000000, 6, b"vectors."), (0x10000020, 2, b"more"), (0, 0, b"debug")]))
    corpus.add("firmware", "image", b"\2", crafted(tlv(0x01, bytes(32)) + tlv(0x22, b"sig"), tlv(0x50, bytes(4)) + tlv(0x40, bytes(12))))
    corpus.add("firmware", "image-slot", b"\2", crafted(b"").ljust(400, b"\xff"), b"\2".ljust(8, b"\xff"), b"\1".ljust(8, b"\xff"),
               b"\1".ljust(8, b"\xff"), TRAILER_MAGIC)
    source = build.sources()
    for image in build.load():
        if image.name in ("ecdsa-custom-tlv.bin", "ecdsa-bootrecord.bin", "ecdsa-dep1.bin", "ecdsa-vidcid.bin", "ecdsa-bigendian.bin",
                          "ecdsa-lzma2.bin", "ecdsa-enc-ec256.bin"):
            corpus.add("firmware", image.name, b"\2", shortened(build.image_bytes(image, source)))


def openssl(*words):
    return subprocess.run(["openssl", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def der_of(pem):
    return base64.b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"-----")))


def certificate_seeds(corpus):
    def put(name, ca=b"", cert=b"", key=b"", server=b"", flags=0):
        corpus.add("certificate", name, struct.pack("<BHHH", flags, len(ca), len(cert), len(key)), ca, cert, key, server)
    key_path = str(ROOT / "test" / "keys" / "not-secret-ecdsa-p256.pem")
    rsa_path = str(ROOT / "test" / "keys" / "not-secret-rsa-2048.pem")
    more = ["-subj", "/CN=x", "-days", "9000", "-addext", "subjectAltName=DNS:home.example,IP:192.0.2.7"]
    ec = openssl("req", "-x509", "-key", key_path, *more)
    rsa = openssl("req", "-x509", "-key", rsa_path, *more)
    key, rsa_key = pathlib.Path(key_path).read_bytes(), openssl("rsa", "-in", rsa_path, "-outform", "DER", "-traditional")
    put("pem", ec, ec, key)
    put("pem-nul", ec + b"\0", ec + b"\0", key + b"\0")
    put("der", der_of(ec), der_of(ec), der_of(key))
    put("two", ec + rsa)
    put("rsa", rsa, der_of(rsa), rsa_key)
    put("other-key", ec, rsa, key)
    put("no-key", ec, ec)
    put("small", ec, rsa, rsa_key, flags=4)
    put("no-random", ec, flags=16)
    put("nothing")
    alert = bytes.fromhex("15030300020228")
    hello = bytes.fromhex("16030300310200002d0303") + bytes(range(32)) + bytes.fromhex("00c02b0000050017000000")
    for flags in (0, 1, 2):
        put("alert-%d" % flags, der_of(ec), server=alert, flags=flags)
        put("hello-%d" % flags, der_of(ec), server=hello, flags=flags)
        put("http-%d" % flags, der_of(ec), server=b"HTTP/1.1 400 Bad Request\r\n\r\n", flags=flags)


def serve_seeds(corpus):
    def put(name, text, *headers, body=b"", flags=0):
        lines = [text + " HTTP/1.1", "Host: h", *headers] + (["Content-Length: %d" % len(body)] if body else [])
        corpus.add("serve", name, bytes([flags]), "\r\n".join(lines) + "\r\n\r\n", body)
    for flags in (0, 1):
        put("get-%d" % flags, "GET /job.json", flags=flags)
        put("range-%d" % flags, "GET /f.bin?x=y", "Range: bytes=3-9", flags=flags)
        put("report-%d" % flags, "POST /report", "Content-Type: application/json", body=b'{"device":"d","result":"confirmed","n":1.5}', flags=2 | flags)
        put("report-strange-%d" % flags, "POST /report", body='{"device":"\u009b2J\u202e\x7f\\u0000","a":[[[]]]}'.encode("utf-8"), flags=2 | flags)
        put("report-controls-%d" % flags, "POST /report", body='{"d":"\u009b2J\u202e\x7f"}'.encode("utf-8"), flags=2 | flags)
    put("suffix", "GET /f.bin", "Range: bytes=-5", "If-Range: \"x\"")
    put("ranges", "GET /f.bin", "Range: bytes=0-1,3-4")
    put("beyond", "GET /f.bin", "Range: bytes=100-")
    put("not-modified", "GET /f.bin", "If-None-Match: W/\"x\", *", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT")
    put("if-match", "GET /f.bin", "If-Match: \"no\", \"nor this\"")
    for name, path in (("up", "/../secret.txt"), ("encoded-up", "/%2e%2e/secret.txt"), ("key", "/key.pem"), ("hidden", "/.hidden"), ("link", "/out"),
                       ("folder", "/"), ("nul", "/job.json%00"), ("none", "/none"), ("absolute", "http://h/job.json"), ("bad", "/%zz"),
                       ("control", "/%1b[2J"), ("double", "//job.json"), ("dot", "/./job.json")):
        put("path-" + name, "GET " + path)
    for name, client in (("", "203.0.113.7"), ("-list", "10.0.0.1,\t2001:db8::1 "), ("-strange", "\x1b[2J, ::ffff:1.2.3.4%eth0")):
        put("proxy" + name, "POST /report", "X-Forwarded-For: " + client, "User-Agent: app/1.2.3", "Authorization: Bearer abc", body=b'{"device":"d"}', flags=6)
    put("often", "GET /f.bin", "X-Forwarded-For: 203.0.113.7", flags=12)
    put("health", "GET /health")
    put("head", "HEAD /f.bin")
    put("delete", "DELETE /report")
    put("report-list", "POST /report", body=b"[1]")
    put("report-twice", "POST /report", body=b'{"a":1,"a":2}')
    put("report-depth", "POST /report", body=b"[" * 3000)
    put("report-large", "POST /report", body=b"x" * 17000)
    corpus.add("serve", "report-chunked", b"\2POST /report HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"a\":1}\n\r\n0\r\n\r\n")
    corpus.add("serve", "two", b"\0GET /job.json HTTP/1.1\r\nHost: h\r\n\r\nGET /f.bin HTTP/1.0\r\n\r\n")
    corpus.add("serve", "garbage", b"\0\x16\x03\x01\2\0\1\0\r\n\r\n")


def page_seeds(corpus):
    def put(name, query="", rest="", *fields):
        corpus.add("page", name, "\n".join([query, rest, *fields]).encode("utf-8"))
    put("plain", "span=1d&q=kit&state=ok&version=1.0.0&after=&limit=5", "kit-1", "kit-1", "B", "1.0.0", "1.1.0", "confirmed", "none", "delta", "halt")
    put("failed", "state=reverted&span=1h", "kit-1", "kit-1", "B", "1.0.0", "1.1.0", "reverted", "watchdog", "early,late", "raise")
    put("html", "q=%3Cscript%3E&version=%22%3E", "%3Cb%3E", "<img src=x onerror=stolen=1>", "<b>", "\"'><i", "</title><script>", "<x>&amp;", "--><svg onload=1>",
        "' onclick='x", "\" style=\"x")
    put("odd", "q=%00&q=%zz&after=%ff%fe&&=&limit=-1&span", "%2e%2e%2f", "Ger\u00e4t \u8a2d\u5099", "", "0.0.0", "", "installing", "", "", "")
    put("long", "q=" + "%41" * 300 + "&limit=99999999999999999999", "x" * 300, "n" * 64, "b" * 64, "1" * 40, "2" * 40, "r" * 40, "s" * 64, "t" * 250, "u" * 250)


def key_seeds(corpus):
    folder = HERE.parent / "keys"
    for path in sorted(folder.glob("*.pem")):
        for flags in (0, 1, 2, 3):
            corpus.add("key", "%s-%d" % (path.stem.removeprefix("not-secret-"), flags), bytes([flags]), path.read_bytes())
    private = (folder / "not-secret-ecdsa-p256.pem").read_bytes()
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=private, capture_output=True, check=True).stdout
    corpus.add("key", "public", b"\0", public)
    corpus.add("key", "both", b"\1", public, private)
    corpus.add("key", "half", b"\0", private[:100])
    corpus.add("key", "encrypted", b"\0", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n")
    damaged = bytearray(base64.b64decode(b"".join((folder / "not-secret-rsa-2048.pem").read_bytes().splitlines()[1:-1])))
    damaged[len(damaged) * 3 // 10] ^= 1  # the private exponent
    damaged[len(damaged) * 8 // 10] ^= 1  # what CRT needs
    corpus.add("key", "damaged", b"\1-----BEGIN PRIVATE KEY-----\n", base64.encodebytes(damaged), b"-----END PRIVATE KEY-----\n")
    corpus.add("key", "text", b"\0hello\n")


def otp(entries):
    body = b""
    for name, value in entries:
        one = struct.pack("<HH", len(name), len(value)) + name + b"\0" + value + b"\0"
        body += one.ljust(-(-len(one) // 4) * 4, b"\0")
    return b"OTTRSET1" + struct.pack("<II", len(body), zlib.crc32(body)) + body


def settings_seeds(corpus):
    least = [(b"board", b"B"), (b"host", b"home.example"), (b"ca", b"-----BEGIN CERTIFICATE-----")]
    more = [(b"port", b"8443"), (b"product", b"P"), (b"manufacturer", b"M"), (b"manufacturer-id", b"I"), (b"serial", b"S"), (b"device-id", b"d"),
            (b"job-path", b"/j"), (b"image-path", b"/i"), (b"allow-host", b"cdn.example"), (b"allow-host", b"192.0.2.7"), (b"cert", b"c"),
            (b"cert-key", b"k"), (b"tls", b"1.3"), (b"initial-ms", b"5"), (b"poll-ms", b"10"), (b"retry-ms", b"1"), (b"retry-max-ms", b"9"),
            (b"stall-ms", b"100"), (b"range", b"4096"), (b"health-ms", b"1"), (b"trial-ms", b"1"), (b"trial-boots", b"3"), (b"permanent", b"1"),
            (b"no-report", b"1"), (b"no-clock", b"1"), (b"pace", b"1000"), (b"mac", b"02:00:00:00:00:01"), (b"key", b"k" * 91), (b"key", b"j" * 91)]
    bad = [(b"board", b"\n"), (b"host", b""), (b"allow-host", b"a b"), (b"port", b"65536"), (b"tls", b"1.1"), (b"poll-ms", b"0"), (b"range", b"99999999999"),
           (b"job-path", b"x"), (b"permanent", b"2"), (b"plain", b"1"), (b"cert", b"c")]
    corpus.add("settings", "least", b"\0", otp(least))
    corpus.add("settings", "all", b"\0", otp(least + more))
    corpus.add("settings", "plain", b"\0", otp(least[:2] + [(b"plain", b"1")]))
    corpus.add("settings", "wrong", b"\1", otp(bad))
    corpus.add("settings", "hosts", b"\1", otp(least + [(b"allow-host", b"h%d" % i) for i in range(6)]))
    corpus.add("settings", "wrong-crc", b"\0", otp(least)[:-1], b"x")
    corpus.add("settings", "short-entry", b"\1", otp(least)[:-9])
    corpus.add("settings", "no-nul", b"\1", otp(least).replace(b"host\0", b"host!"))
    corpus.add("settings", "blank", b"\0")


def uart_seeds(corpus):
    words = (ROOT / "board" / "words.def").read_text(encoding="utf-8").splitlines()
    lines = []
    for line in words:
        if line.startswith(("BOOT_WORD(", "APP_WORD(")):
            text = line.rsplit('"', 2)[1]
            lines.append(("boot  " if line.startswith("BOOT") else "app   ") + text.replace("%s", "12"))
    corpus.add("uart", "all", "\n".join(lines))
    for number, line in enumerate(lines):
        if number % 6 == 0:
            corpus.add("uart", "word-%d" % number, "\n".join(lines[number:number + 6]))
    corpus.add("uart", "strange", b"hello\r\nboot  \x1b[2J\n\xfe\napp   unknown\n", b"x" * 1500)


def device_seeds(corpus):
    whole = {"server": {"host": "127.0.0.1", "port": 8443, "plain": False}, "map": "psoc62_2m_ext_swap_single", "board": "B", "mode": "swap",
             "poll_ms": 1, "initial_ms": 1, "retry_ms": 1, "retry_max_ms": 1, "stall_ms": 1, "trial_ms": 1, "health_ms": 0, "trial_boots": 3,
             "watchdog_ms": 1000, "range_size": 0, "permanent": False, "no_report": False, "no_clock": False}
    more = dict(whole, product="P", manufacturer="M", manufacturer_id="I", serial="S", device_id="d", ca="ca.crt", hosts=["a", "b", 1, "c", "d", "e"])
    wrong = dict(whole, trial_boots=16, poll_ms=-1)
    for name, value in (("whole", whole), ("more", more), ("wrong", wrong), ("empty", {}), ("other-map", dict(whole, map="none")),
                        ("overwrite", dict(whole, map="xmc7200_int_overwrite_single", mode="overwrite")), ("no-file", dict(whole, ca="none.crt"))):
        corpus.add("device", name, json.dumps(value))


def main(folder):
    corpus = Corpus(folder)
    for seeds in (push_seeds, flashmap_seeds, firmware_seeds, certificate_seeds, serve_seeds, page_seeds, key_seeds, settings_seeds, uart_seeds, device_seeds,
                  image_seeds, signature_seeds, journal_seeds, trailer_seeds, boot_seeds, job_seeds, jws_seeds, rollout_seeds, url_seeds, http_seeds, agent_seeds, patch_seeds):
        seeds(corpus)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else HERE / "corpus")
