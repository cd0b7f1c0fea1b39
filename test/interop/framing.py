#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""framing.py - answers of servers, good and broken: the device's HTTP client beside h11.

Generated answers (a fixed seed) and the seeds of test/fuzz go to both. Where both take one, status
and every byte of the body must be the same. What the device takes, h11 must take; what the device refuses alone
must break one of the rules of STRICTER, which are docs/spec/60-http.md's. h11 is the HTTP
parser of the Python world, from PyPI, kept in $OTTER_CACHE/venv.

Environment: OTTER (build/host/otter: http_verdict is beside it), OTTER_CACHE. The last line is
"N passed, N failed".
"""
import json
import os
import pathlib
import random
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
import images  # noqa: E402
from vectors import Tally  # noqa: E402

H11 = "h11==0.14.0"
COUNT = 6000

# Runs under the virtual environment's Python: answers as hex lines in, JSON lines out.
READER = r'''
import sys, json, h11
for line in sys.stdin:
    data = bytes.fromhex(line.strip())
    connection = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method="GET", target="/f", headers=[("Host", "h")]))
    connection.send(h11.EndOfMessage())
    status, body, error = None, b"", None
    try:
        connection.receive_data(data)
        closed = False
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if closed:
                    error = "needs more"
                    break
                connection.receive_data(b"")
                closed = True
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, (h11.ConnectionClosed,)) or event is h11.PAUSED:
                error = "ended"
                break
    except h11.RemoteProtocolError as problem:
        error = str(problem)
    print(json.dumps({"status": status, "body": body.hex(), "error": error}))
'''


def head_of(answer):
    return answer.split(b"\r\n\r\n", 1)[0]


def fields(answer, name):
    return [value.strip() for value in re.findall(rb"(?im)^" + name + rb"[ \t]*:([^\r\n]*)", answer)]


def follows_redirect(answer):
    return re.match(rb"HTTP/1\.[01] 30[12378]", final(answer)) and fields(head_of(final(answer)), b"location")


def final(answer):
    """Without the interim answers in front."""
    while re.match(rb"HTTP/1\.1 1\d\d", answer) and b"\r\n\r\n" in answer:
        answer = answer.split(b"\r\n\r\n", 1)[1]
    return answer


# Why the device refuses what h11 takes. Each is a rule of docs/spec/60-http.md.
STRICTER = {
    "a bare LF ends no line": lambda a: re.search(rb"(?<!\r)\n", head_of(a)) or b"\r\n\r\n" not in a or re.search(rb"(?<!\r)\n", a.split(b"\r\n\r\n", 1)[1]),
    "no folded lines": lambda a: re.search(rb"\r\n[ \t]", head_of(a)),
    "a length is one number of 32 bits": lambda a: any(not re.fullmatch(rb"\d+", v) or int(v) >= 1 << 32 for v in fields(head_of(final(a)), b"content-length")),
    "no length beside a transfer coding": lambda a: fields(head_of(final(a)), b"content-length") and fields(head_of(final(a)), b"transfer-encoding"),
    "HTTP/1.0 has no transfer coding": lambda a: final(a).startswith(b"HTTP/1.0") and fields(head_of(final(a)), b"transfer-encoding"),
    "no content coding that was not asked for": lambda a: [v for v in fields(head_of(final(a)), b"content-encoding") if v.lower() != b"identity"],
    "a redirect is followed": follows_redirect,
    "a range says what it is, once": lambda a: fields(head_of(final(a)), b"content-range"),
    "only HTTP/1.0 and HTTP/1.1, and three digits from 100 to 599": lambda a: not re.match(rb"HTTP/1\.[01] [1-5]\d\d( |\r\n)", final(a)),
    "a head has at most 16384 bytes, a line of ours fits the buffer": lambda a: len(head_of(a)) > 1900,
}

def numbers(rng):
    return rng.choice(["0", "1", "5", "12", "007", "+5", "-1", "5 ", "0x5", "4294967295", "4294967296", "99999999999999999999", "", "5, 5", "5;"])


def header(rng):
    return rng.choice([
        lambda: "Content-Length: %s" % numbers(rng), lambda: "Content-Length: 5", lambda: "Transfer-Encoding: chunked",
        lambda: "Transfer-Encoding: %s" % rng.choice(["gzip, chunked", "CHUNKED", "identity", "chunked, chunked", "chunked;q=1", ""]),
        lambda: "Connection: %s" % rng.choice(["close", "keep-alive", "Keep-Alive, Upgrade", ""]),
        lambda: "Content-Range: bytes %s" % rng.choice(["0-4/10", "*/10", "4-0/10", "0-4/*", "0-4/4", "x"]),
        lambda: "Content-Encoding: %s" % rng.choice(["identity", "gzip"]), lambda: "ETag: \"%s\"" % ("e" * rng.randrange(90)),
        lambda: "Server: some/1.0 (thing)", lambda: "X-Long: %s" % ("y" * rng.choice([10, 300, 1500])), lambda: "X:", lambda: "X :y", lambda: ": y", lambda: "no colon",
        lambda: " folded", lambda: "X: tab\there", lambda: "X: nul\0", lambda: "X\x80: y", lambda: "Date: Sun, 06 Nov 1994 08:49:37 GMT"])()


def chunks(rng):
    parts = []
    for _ in range(rng.randrange(4)):
        data = "d" * rng.choice([1, 3, 15, 16, 40])
        size = rng.choice(["%x", "%X", "0%x", "%x ", "%x;a=b", "%x;a=\"b;c\"", "%x\t"]) % len(data)
        parts.append("%s\r\n%s%s" % (size, data, rng.choice(["\r\n"] * 9 + ["\n", "", "x\r\n"])))
    end = rng.choice(["0\r\n\r\n"] * 6 + ["0\r\nX: y\r\n\r\n", "00\r\n\r\n", "0;x\r\n\r\n", "0\r\n", "", "0\n\n", "ffffffff\r\n", "100000000\r\n", "g\r\n", "-1\r\n"])
    return "".join(parts) + end


def make(rng):
    version = rng.choice(["HTTP/1.1"] * 8 + ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "ICY"])
    status = rng.choice(["200 OK"] * 6 + ["200", "200 ", "206 Partial", "204 No", "304 Not", "404 No", "999 X", "20 OK", "2000 OK", "302 F", "503 B", "99 X", "600 X"])
    lines = [header(rng) for _ in range(rng.choice([0, 1, 1, 2, 3, 4]))]
    text = "\r\n".join(["%s %s" % (version, status), *lines]) + "\r\n\r\n"
    if rng.random() < 0.08:
        text = "HTTP/1.1 %s\r\n\r\n" % rng.choice(["100 Continue", "103 Hints", "101 S"]) + text
    text += chunks(rng) if "chunked" in text.lower() and rng.random() < 0.95 else rng.choice(["hello", "", "hello world, and more", "hell"])
    data = bytearray(text.encode("latin-1"))
    for _ in range(rng.choice([0, 0, 0, 0, 1, 2])):
        at = rng.randrange(len(data))
        data[at:at + rng.randrange(2)] = rng.choice([b"", b"\r", b"\n", b"\0", b" ", b":", b"0", b"\xff", b"\r\n"])
    return bytes(data)


def answers():
    rng = random.Random(2026)
    for path in sorted((ROOT / "test" / "fuzz" / "corpus" / "http").iterdir()):
        data = path.read_bytes()[3:]
        if b"\xfe" not in data:
            yield data
    for _ in range(COUNT):
        yield make(rng)


def ours(program, all_answers):
    text = b"".join(b"%d\n" % len(data) + data for data in all_answers)
    done = subprocess.run([program], input=text, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode("ascii").splitlines()


def theirs(python, all_answers):
    text = "\n".join(data.hex() or "00" for data in all_answers) + "\n"
    done = subprocess.run([python, "-c", READER], input=text, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare(data, own, other, counts):
    """None, or what is wrong."""
    taken = own.startswith("OK ")
    if taken and other["error"] is None:
        _, status, _, *body = own.split(" ")
        counts["both take it"] = counts.get("both take it", 0) + 1
        same = int(status) == other["status"] and "".join(body) == other["body"]
        return None if same else "read differently: %s beside %s" % (own[:80], other)
    if not taken and other["error"] is not None:
        counts["both refuse it"] = counts.get("both refuse it", 0) + 1
        return None
    for why, holds in STRICTER.items():
        if not taken and holds(data):
            counts[why] = counts.get(why, 0) + 1
            return None
    return "no rule explains it: %s beside %s" % (own[:80], other)


def main():
    tally = Tally()
    otter = pathlib.Path(os.environ.get("OTTER", "build/host/otter")).resolve()
    folder, said = images.install(H11)
    tally.add("install/" + H11, folder is not None, said)
    if folder:
        everything = list(answers())
        counts, wrong = {}, []
        for data, own, other in zip(everything, ours(str(otter.parent / "test" / "fuzz" / "http_verdict"), everything),
                                    theirs(os.path.join(folder, "python3"), everything)):
            problem = compare(data, own, other, counts)
            if problem:
                wrong.append("%r: %s" % (data[:200], problem))
        for why, count in sorted(counts.items(), key=lambda item: -item[1]):
            print("%6d  %s" % (count, why))
        tally.add("framing/%d answers" % len(everything), not wrong, "" if not wrong else "%d; %s" % (len(wrong), "; ".join(wrong[:8])))
        tally.add("framing/both take many", counts.get("both take it", 0) > 800)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
