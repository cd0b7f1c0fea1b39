# SPDX-License-Identifier: Apache-2.0
"""lying_head.py - a server that lies before the body: statuses, heads, slowness and silence."""
import email.utils
import time

from harness import IMAGE, JOB, case, check
from lying import bent, completes, lied, only, raw, stage, status


def http(name, part):
    return case("lying/" + name, part)


# Statuses.

for _code in (400, 401, 403, 404, 405, 410, 500, 502, 504):
    def refuses(code=_code):
        @http("%d" % code, "lying-status")
        def _(bench):
            lied(bench, status(code), ["server"], http_status=code)

        @http("%d-job" % code, "lying-status")
        def _(bench):
            lied(bench, status(code), ["server"], path=JOB, http_status=code)
    refuses()
for _code in (101, 204, 205, 300, 303, 304, 305, 600, 999):
    def odd(code=_code):
        @http("%d" % code, "lying-status")
        def _(bench):
            lied(bench, status(code, body=b"" if code in (101, 204, 304) else b"x"), ["server"])
    odd()


def retry_after(name, code, path, value, least, most):
    @http(name, "lying-status")
    def _(bench):
        begin = []

        def lie(connection, request):
            if not begin:
                begin.append(time.monotonic())
                answer = connection.honest(request)
                answer.status, answer.reason, answer.body = code, "Later", b""
                answer.headers = [("Content-Length", "0"), ("Retry-After", value()),
                                  ("Date", email.utils.formatdate(usegmt=True))]
                return connection.write(answer)
            begin.append(time.monotonic())
            return connection.write(connection.honest(request))
        server, _ = completes(bench, lie, path=path, allow=["server"], options=["--retry-max-ms", 10000])
        gap = begin[1] - begin[0]
        check(least <= gap <= most, "came back after %.2f s, told to wait", gap)
        check(any(e["status"] == code for e in server.requests(path)), "the status was not given")


def in_two_seconds():
    return email.utils.formatdate(time.time() + 2.5, usegmt=True)


retry_after("429-retry-after-seconds", 429, IMAGE, lambda: "2", 1.9, 4)
retry_after("503-retry-after-seconds", 503, IMAGE, lambda: "2", 1.9, 4)
retry_after("429-retry-after-date", 429, IMAGE, in_two_seconds, 0.9, 5)
retry_after("503-retry-after-date", 503, IMAGE, in_two_seconds, 0.9, 5)
retry_after("429-retry-after-seconds-job", 429, JOB, lambda: "2", 1.9, 4)
retry_after("503-retry-after-date-job", 503, JOB, in_two_seconds, 0.9, 5)
retry_after("503-retry-after-junk", 503, IMAGE, lambda: "soon", 0, 2)
retry_after("503-retry-after-past", 503, IMAGE, lambda: "Sun, 06 Nov 1994 08:49:37 GMT", 0, 2)


@http("100-continue", "lying-status")
def _(bench):
    """Interim answers come before the real one."""
    def lie(connection, request):
        connection.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        return connection.write(connection.honest(request))
    completes(bench, lie)


@http("100-for-ever", "lying-status")
def _(bench):
    def lie(connection, _):
        while True:
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
    lied(bench, lie, ["server"])


# Heads.

BAD_HEADS = {
    "head-megabyte": b"HTTP/1.1 200 OK\r\n" + b"X-Filler: %s\r\n" % (b"y" * 90) * 10000,
    "head-endless-line": b"HTTP/1.1 200 OK\r\nX-Filler: " + b"y" * 1000000,
    "head-endless-status": b"HTTP/1.1 200 " + b"K" * 1000000,
    "head-not-http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "head-http2": b"HTTP/2.0 200 OK\r\nContent-Length: 4\r\n\r\nabcd",
    "head-http09": b"<html>hello</html>\n",
    "head-zeros": b"\0" * 4096,
    "head-no-status": b"HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd",
    "head-status-text": b"HTTP/1.1 abc OK\r\nContent-Length: 4\r\n\r\nabcd",
    "head-status-long": b"HTTP/1.1 2000 OK\r\nContent-Length: 4\r\n\r\nabcd",
    "head-no-colon": b"HTTP/1.1 200 OK\r\nContent-Length 4\r\n\r\nabcd",
    "head-zero-byte": b"HTTP/1.1 200 OK\r\nContent-\0Length: 4\r\n\r\nabcd",
    "head-space-colon": b"HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\nabcd",
    "head-folded": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n 0\r\n\r\nabcd",
}
for _name, _data in BAD_HEADS.items():
    def bad_head(name=_name, data=_data):
        @http(name, "lying-head")
        def _(bench):
            lied(bench, raw(data), ["server"])
    bad_head()


@http("head-http10", "lying-head")
def _(bench):
    def change(answer, _):
        answer.version = "HTTP/1.0"
        answer.set("Connection", "close")
    completes(bench, bent(change))


@http("head-no-reason", "lying-head")
def _(bench):
    def change(answer, _):
        answer.reason = ""
    completes(bench, bent(change))


@http("head-odd-case", "lying-head")
def _(bench):
    """Names in any case, space around values, many harmless headers."""
    def change(answer, _):
        answer.headers = [(n.upper(), "  %s\t" % v) for n, v in answer.headers]
        answer.headers += [("X-%d" % i, "v" * 60) for i in range(20)]
    completes(bench, bent(change))


def every_byte(bench, path, send):
    """Answer once for every position in the head; then the update completes."""
    done, whole = [], []

    def lie(connection, request):
        answer = connection.honest(request)
        head = answer.head()
        at = len(done) + 1
        if at >= len(head):
            whole.append(len(head))
            return connection.write(answer)
        done.append(at)
        return send(connection, answer, head, at)
    image, server, device, primary = stage(bench, lie, path, ("--retry-max-ms", 20), None, None, True)
    device.start(timeout=90)
    device.finish(100)
    check(whole and len(done) == whole[0] - 1 > 80, "only %d positions were reached", len(done))
    check(device.holds(primary, image), "the primary does not hold the new image")
    return device


def cut_head(connection, _answer, head, at):
    connection.send(head[:at])
    return False


for _name, _path in (("image", IMAGE), ("job", JOB)):
    def cut_everywhere(name=_name, path=_path):
        @http("head-cut-at-every-byte-" + name, "lying-every-byte")
        def _(bench):
            device = every_byte(bench, path, cut_head)
            odd = set(device.outcomes()) - {"unreachable", "installing", "confirmed", "current"}
            check(not odd, "outcomes: %s", odd)
    cut_everywhere()


@http("head-split-at-every-byte", "lying-every-byte")
def _(bench):
    """The head comes in two parts, split at every position: no outcome differs."""
    whole = []

    def lie(connection, request):
        server = connection.server
        answer = connection.honest(request).set("ETag", None)  # no 304: each poll has the whole head
        head = answer.head()
        if server.cuts + 1 >= len(head):
            whole.append(len(head))
            return connection.write(answer)
        server.cuts += 1
        connection.entry["status"] = answer.status
        connection.send(head[:server.cuts])
        time.sleep(0.002)
        connection.send(head[server.cuts:] + answer.body)
        return True
    job = bench.job(bench.kit.image("1.1.0", 60000), version="1.0.0")
    image, server, device, _ = stage(bench, only(JOB, lie), None, ["--poll-ms", 10], None, job, True)
    server.files[JOB] = job
    device.start("outcome=current,count=120", timeout=60).finish(70)
    check(set(device.outcomes()) <= {"current"}, "outcomes: %s", set(device.outcomes()))
    check(whole and server.cuts == whole[0] - 1 > 50, "only %d positions were reached", server.cuts)


# Slowness and silence, for a device that waits 0.7 s.
STALL = ("--stall-ms", 700)


def silent_at(fraction):
    def lie(connection, request):
        answer = connection.honest(request)
        if fraction is not None:
            connection.write(answer, upto=int(len(answer.body) * fraction))
        connection.wait_closed()
        return False
    return lie


for _name, _fraction, _path in (("silence", None, IMAGE), ("silence-job", None, JOB),
                                ("silence-after-head", 0, IMAGE), ("silence-in-body", 0.3, IMAGE)):
    def silence(name=_name, fraction=_fraction, path=_path):
        @http(name, "lying-slow")
        def _(bench):
            _, _, _, took = lied(bench, silent_at(fraction), ["unreachable"], path=path, options=STALL)
            check(0.6 <= took < 20, "noticed after %.1f s", took)
    silence()


def dripping(pause, piece=1):
    def lie(connection, request):
        answer = connection.honest(request)
        connection.entry["status"] = answer.status
        for data in (answer.head(), answer.body):
            for at in range(0, len(data), piece):
                connection.send(data[at:at + piece])
                connection.server.sleep(pause)
        return True
    return lie


@http("byte-a-second", "lying-slow")
def _(bench):
    """Slower than the stall time: given up."""
    lied(bench, dripping(1.0), ["unreachable"], options=STALL)


@http("byte-a-second-job", "lying-slow")
def _(bench):
    lied(bench, dripping(1.0), ["unreachable"], path=JOB, options=STALL)


@http("byte-a-second-for-ever", "lying-slow")
def _(bench):
    """Never silent for the stall time, but the head never ends: bounded too."""
    def lie(connection, _):
        connection.send(b"HTTP/1.1 200 OK\r\n")
        for _ in range(10000):
            connection.send(b"X-Slow: 12345\r\n")
            connection.server.sleep(0.005)
        return False
    lied(bench, lie, ["server"], within=30, options=STALL)


@http("job-byte-by-byte", "lying-slow")
def _(bench):
    """Every byte of the job document alone, at a pace that is no stall."""
    completes(bench, dripping(0.0005), path=JOB)


@http("image-byte-by-byte", "lying-slow")
def _(bench):
    completes(bench, dripping(0.0), image=bench.kit.image("1.1.0", 3000))
