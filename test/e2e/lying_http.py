# SPDX-License-Identifier: Apache-2.0
"""lying_http.py - a server that lies about the body: ranges, changed images, lengths, chunks."""
from harness import IMAGE, JOB, case, check
from lying import after_cut, bent, completes, lied, status


def http(name, part):
    return case("lying/" + name, part)


# Ranges. The first answer breaks off, so that the device asks for the rest.

@http("200-for-range", "lying-range")
def _(bench):
    def whole(answer, request):
        del request.headers["range"]
        return bench.servers[0].honest(request)
    server, _ = completes(bench, after_cut(bent(whole)), allow=["unreachable"])
    check(any(e["range"] and e["status"] == 200 for e in server.requests(IMAGE)), "no 200 for a range was given")


@http("200-for-range-each-time", "lying-range")
def _(bench):
    """Every answer is whole, and the first three break off: no byte of one is taken for another's."""
    def lie(connection, request):
        request.headers.pop("range", None)
        answer = connection.honest(request)
        connection.server.cuts += 1
        cut = connection.server.cuts
        connection.write(answer, upto=len(answer.body) * cut // 5 if cut <= 3 else None)
        return cut > 3
    completes(bench, lie, allow=["unreachable"])


WRONG_RANGES = {
    "206-wrong-range": lambda first, last, total: "bytes %d-%d/%d" % (first + 1, last, total),
    "206-earlier-range": lambda first, last, total: "bytes %d-%d/%d" % (first - 512, last, total),
    "206-from-zero": lambda first, last, total: "bytes 0-%d/%d" % (last - first, total),
    "206-wrong-total": lambda first, last, total: "bytes %d-%d/%d" % (first, last, total + 4096),
    "206-total-below-range": lambda first, last, total: "bytes %d-%d/%d" % (first, last, first),
    "206-backwards": lambda first, last, total: "bytes %d-%d/%d" % (last, first, total),
    "206-star": lambda first, last, total: "bytes */%d" % total,
    "206-no-content-range": lambda first, last, total: None,
    "206-junk-content-range": lambda first, last, total: "bites %d-%d/%d" % (first, last, total),
    "206-huge-content-range": lambda first, last, total: "bytes %d-%d/%d" % (first + 2**32, last + 2**32, total + 2**32),
    "206-unfinished-content-range": lambda first, last, total: "bytes %d-" % first,
}


def wrong_range(name, make):
    @http(name, "lying-range")
    def _(bench):
        def change(answer, request):
            first = int(request.headers["range"][6:].partition("-")[0])
            total = len(bench.servers[0].files[IMAGE])
            answer.set("Content-Range", make(first, total - 1, total))
        lied(bench, after_cut(bent(change)), ["server"], skip=["unreachable"])


for _name, _make in WRONG_RANGES.items():
    wrong_range(_name, _make)


@http("206-multipart", "lying-range")
def _(bench):
    def change(answer, _):
        answer.set("Content-Type", "multipart/byteranges; boundary=x").set("Content-Range", None)
        answer.body = b"--x\r\nContent-Range: bytes 0-3/4\r\n\r\nabcd\r\n--x--\r\n"
        answer.set("Content-Length", str(len(answer.body)))
    lied(bench, after_cut(bent(change)), ["server"], skip=["unreachable"])


@http("206-shorter-than-asked", "lying-range")
def _(bench):
    """A server may give less than was asked for; the device asks again."""
    def lie(connection, request):
        first = int(request.headers["range"][6:].partition("-")[0])
        request.headers["range"] = "bytes=%d-%d" % (first, first + 8191)
        return connection.write(connection.honest(request))
    server, _ = completes(bench, after_cut(lie), allow=["unreachable"])
    starts = [int(e["range"][6:].partition("-")[0]) for e in server.requests(IMAGE) if e["range"]]
    check(starts == sorted(starts) and len(set(starts)) == len(starts), "ranges asked for: %s", starts)


@http("206-unasked", "lying-range")
def _(bench):
    """206 to a request without a Range: not an answer to what was asked."""
    def change(answer, request):
        if "range" not in request.headers:
            answer.status, total = 206, len(answer.body)
            answer.body = answer.body[100:]
            answer.set("Content-Range", "bytes 100-%d/%d" % (total - 1, total)).set("Content-Length", str(total - 100))
    lied(bench, bent(change), ["server"])


@http("416", "lying-range")
def _(bench):
    """416 to a resumption: forget the progress, begin again."""
    def change(answer, _):
        answer.status, answer.body = 416, b""
        answer.set("Content-Length", "0").set("Content-Range", "bytes */%d" % len(bench.servers[0].files[IMAGE]))
    server, _ = completes(bench, after_cut(bent(change)), allow=["unreachable", "server"])
    check(any(e["status"] == 416 for e in server.requests(IMAGE)), "no 416 was given")


@http("416-always", "lying-range")
def _(bench):
    """To a request without a range."""
    lied(bench, status(416), ["server"], http_status=416)


# A new image on the server in the middle of a download: one of the two, never a mix.

def changed_image(name, with_digest, ignore_if_range, etag):
    @http(name, "lying-range")
    def _(bench):
        new = bench.kit.image("1.1.0", 60000, seed=2)

        def lie(connection, request):
            server = connection.server
            if server.cuts == 0:
                server.cuts += 1
                server.etags = etag
                answer = connection.honest(request)
                connection.write(answer, upto=len(answer.body) // 2)
                server.files[IMAGE], server.files[JOB] = bench.kit.bytes(new), new_job
                return False
            if ignore_if_range:
                request.headers.pop("if-range", None)
            return connection.write(connection.honest(request))
        old = bench.kit.image("1.1.0", 60000)
        nothing = {} if with_digest else {"Size": None, "SHA256": None}
        job, new_job = bench.job(old, **nothing), bench.job(new, **nothing)
        completes(bench, lie, allow=["unreachable", "server", "bad-image"], image=old, job=job, good=new)


changed_image("etag-changed", True, False, {})
changed_image("etag-changed-no-digest", False, False, {})
changed_image("etag-changed-206", True, True, {})
changed_image("etag-changed-206-no-digest", False, True, {})
changed_image("etag-weak-image-changed", False, False, {IMAGE: 'W/"same"'})


@http("etag-missing", "lying-range")
def _(bench):
    """No validator: what was fetched cannot be continued safely, but the update completes."""
    lie = bent(lambda answer, _: answer.set("ETag", None))

    def first(connection, request):
        if connection.server.cuts == 0:
            connection.server.cuts += 1
            answer = connection.honest(request).set("ETag", None)
            connection.write(answer, upto=len(answer.body) // 2)
            return False
        return lie(connection, request)
    completes(bench, first, allow=["unreachable"])


@http("etag-too-long", "lying-range")
def _(bench):
    """A validator longer than the device keeps is as good as none."""
    long = '"%s"' % ("e" * 1000)

    def first(connection, request):
        connection.server.etags = {IMAGE: long}
        return after_cut(lambda c, r: c.write(c.honest(r)))(connection, request)
    completes(bench, first, allow=["unreachable"])


# Lengths.

@http("short-body", "lying-length")
def _(bench):
    """Every answer breaks off half way of what is left: each one counts."""
    def lie(connection, request):
        answer = connection.honest(request)
        half = len(answer.body) // 2 if len(answer.body) > 1000 else None
        connection.write(answer, upto=half)
        return half is None
    server, _ = completes(bench, lie, allow=["unreachable"])
    check(len(server.requests(IMAGE)) >= 5, "only %d requests", len(server.requests(IMAGE)))


@http("no-body", "lying-length")
def _(bench):
    """The head announces a body, then the connection ends."""
    def lie(connection, request):
        connection.write(connection.honest(request), upto=0)
        return False
    lied(bench, lie, ["unreachable"])


@http("long-body", "lying-length")
def _(bench):
    """More bytes than announced: they belong to nothing, the connection is not used again."""
    def lie(connection, request):
        connection.write(connection.honest(request))
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad" * 3)
        return True
    completes(bench, lie, allow=["server", "unreachable"])


@http("long-body-job", "lying-length")
def _(bench):
    def lie(connection, request):
        connection.write(connection.honest(request))
        connection.send(b"HTTP/1.1 404 Junk\r\nContent-Length: 0\r\n\r\n" * 3)
        return True
    completes(bench, lie, path=JOB, allow=["server", "unreachable"])


@http("longer-than-the-job-says", "lying-length")
def _(bench):
    lied(bench, bent(lambda answer, _: longer(answer, 4096)), ["bad-image"])


@http("shorter-than-the-job-says", "lying-length")
def _(bench):
    lied(bench, bent(lambda answer, _: longer(answer, -4096)), ["bad-image"])


def longer(answer, by):
    answer.body = answer.body + b"\xa5" * by if by > 0 else answer.body[:by]
    answer.set("Content-Length", str(len(answer.body)))


@http("no-length", "lying-length")
def _(bench):
    """No Content-Length: the body ends with the connection."""
    def lie(connection, request):
        connection.write(connection.honest(request).set("Content-Length", None).set("Connection", "close"))
        connection.close(notify=True)
        return False
    completes(bench, lie)


@http("no-length-job", "lying-length")
def _(bench):
    def lie(connection, request):
        connection.write(connection.honest(request).set("Content-Length", None).set("Connection", "close"))
        connection.close(notify=True)
        return False
    completes(bench, lie, path=JOB)


@http("no-length-plain", "lying-length")
def _(bench):
    def lie(connection, request):
        connection.write(connection.honest(request).set("Content-Length", None).set("Connection", "close"))
        return False
    completes(bench, lie, secure=False)


@http("no-length-endless", "lying-length")
def _(bench):
    """A body without a length that never ends stops at the size that the job names."""
    def lie(connection, request):
        answer = connection.honest(request).set("Content-Length", None)
        connection.write(answer)
        for _ in range(2000):
            connection.send(b"\x5a" * 16384)
        return False
    lied(bench, lie, ["bad-image"])


@http("no-length-endless-no-size", "lying-length")
def _(bench):
    """Nor does it pass the end of the slot when the job names none."""
    def lie(connection, request):
        connection.send(b"HTTP/1.1 200 OK\r\nETag: \"x\"\r\n\r\n")
        connection.send(bench.servers[0].files[IMAGE])
        for _ in range(2000):
            connection.send(b"\x5a" * 16384)
        return False
    image = bench.kit.image("1.1.0", 60000)
    lied(bench, lie, ["too-large"], job=bench.job(image, Size=None, SHA256=None), within=30)


for _name, _value in (("negative", "-1"), ("text", "many"), ("huge", "18446744073709551617"), ("empty", ""),
                      ("plus", "+60"), ("hex", "0x100"), ("list", "10, 20")):
    def bad_length(name=_name, value=_value):
        @http("length-" + name, "lying-length")
        def _(bench):
            lied(bench, bent(lambda answer, _: answer.set("Content-Length", value)), ["server"])
    bad_length()


@http("length-twice", "lying-length")
def _(bench):
    def change(answer, _):
        answer.headers.append(("Content-Length", str(len(answer.body) + 5)))
    lied(bench, bent(change), ["server"])


# Chunks.

def chunks(body, size, extension=b""):
    out = [b"%x%s\r\n%s\r\n" % (len(body[at:at + size]), extension, body[at:at + size])
           for at in range(0, len(body), size)]
    return b"".join(out)


def chunked(encode, close=False):
    def lie(connection, request):
        answer = connection.honest(request).set("Content-Length", None).set("Transfer-Encoding", "chunked")
        answer.body = encode(answer.body)
        connection.write(answer)
        return not close
    return lie


GOOD_CHUNKS = {
    "chunked": lambda body: chunks(body, 4096) + b"0\r\n\r\n",
    "chunked-tiny": lambda body: chunks(body, 7) + b"0\r\n\r\n",
    "chunked-one": lambda body: chunks(body, len(body)) + b"0\r\n\r\n",
    "chunked-extension": lambda body: chunks(body, 1000, b";a=b;c=\"d\"") + b"0;last\r\n\r\n",
    "chunked-trailer": lambda body: chunks(body, 1000) + b"0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
    "chunked-leading-zeros": lambda body: b"000" + chunks(body, len(body)) + b"000\r\n\r\n",
}
BAD_CHUNKS = {
    "chunked-bad-size": (lambda body: b"zz\r\n" + body, ["server"]),
    "chunked-negative": (lambda body: b"-5\r\n" + body, ["server"]),
    "chunked-huge": (lambda body: b"FFFFFFFFFFFFFFFF1\r\n" + body, ["server"]),
    "chunked-wraps": (lambda body: b"100000010\r\n" + body, ["server"]),
    "chunked-no-crlf": (lambda body: b"10\r\n" + body[:16] + b"XX" + body[16:], ["server"]),
    "chunked-empty-size": (lambda body: b"\r\n" + body, ["server"]),
    "chunked-endless-extension": (lambda body: b"10;" + b"x" * 1000000, ["server"]),
    "chunked-endless-trailer": (lambda body: chunks(body, 4096) + b"0\r\n" + b"X-Y: z\r\n" * 150000,
                                ["server", "installing"]),
}
for _name, _encode in GOOD_CHUNKS.items():
    def good_chunks(name=_name, encode=_encode):
        @http(name, "lying-chunk")
        def _(bench):
            completes(bench, chunked(encode))
    good_chunks()
for _name, (_encode, _expect) in BAD_CHUNKS.items():
    def bad_chunks(name=_name, encode=_encode, expect=_expect):
        @http(name, "lying-chunk")
        def _(bench):
            if "installing" in expect:  # every byte of the image came before the lie
                completes(bench, chunked(encode, close=True), allow=["server", "unreachable"])
            else:
                lied(bench, chunked(encode, close=True), expect)
    bad_chunks()


@http("chunked-job", "lying-chunk")
def _(bench):
    completes(bench, chunked(GOOD_CHUNKS["chunked-tiny"]), path=JOB)


@http("chunked-cut", "lying-chunk")
def _(bench):
    """The connection ends inside a chunk, once; the rest is fetched."""
    def lie(connection, request):
        if connection.server.cuts:
            return connection.write(connection.honest(request))
        connection.server.cuts += 1
        return chunked(lambda body: chunks(body, 1000)[:30000], close=True)(connection, request)
    completes(bench, lie, allow=["unreachable"])


@http("chunked-and-length", "lying-chunk")
def _(bench):
    """Both framings at once: refused, as request smuggling would begin so."""
    def lie(connection, request):
        answer = connection.honest(request)
        length = answer.get("Content-Length")
        answer.set("Transfer-Encoding", "chunked").set("Content-Length", length)
        answer.body = chunks(answer.body, 4096) + b"0\r\n\r\n"
        return connection.write(answer)
    lied(bench, lie, ["server"])


@http("transfer-coding-unknown", "lying-chunk")
def _(bench):
    lied(bench, bent(lambda a, _: a.set("Transfer-Encoding", "gzip, chunked").set("Content-Length", None)), ["server"])


@http("content-encoding", "lying-chunk")
def _(bench):
    """A compressed body nobody asked for."""
    lied(bench, bent(lambda answer, _: answer.set("Content-Encoding", "gzip")), ["server"])
