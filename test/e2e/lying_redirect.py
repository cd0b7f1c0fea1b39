# SPDX-License-Identifier: Apache-2.0
"""lying_redirect.py - 301, 302, 307, 308: followed, within limits, and never out of TLS."""
from harness import IMAGE, JOB, case, check
from lying import completes, lied, status
from lying_server import Server


def redirect(name):
    return case("lying/redirect-" + name, "lying-redirect")


def to(code, target):
    """A redirect to `target`, which may be a function of the request."""
    def lie(connection, request):
        where = target(request) if callable(target) else target
        return status(code, ("Location", where))(connection, request)
    return lie


def chain(code, hops):
    """/app.bin -> /app.bin?1 -> ... `hops` times, then the file."""
    def lie(connection, request):
        at = int(request.path.partition("?")[2] or 0)
        if at >= hops:
            return connection.write(connection.honest(request))
        path = request.path.partition("?")[0]
        return status(code, ("Location", "%s?%d" % (path, at + 1)))(connection, request)
    return lie


for _code in (301, 302, 307, 308):
    def each(code=_code):
        @redirect("%d-chain" % code)
        def _(bench):
            server, _ = completes(bench, chain(code, 3))
            check(len([e for e in server.requests() if e["status"] == code]) >= 3, "not redirected")

        @redirect("%d-chain-job" % code)
        def _(bench):
            completes(bench, chain(code, 3), path=JOB)

        @redirect("%d-absolute" % code)
        def _(bench):
            """To another port of the same host: another server, the same CA."""
            image = bench.kit.image("1.1.0", 60000)
            other = bench.serve(image)
            completes(bench, to(code, lambda _: other.url + IMAGE), image=image)
            check(other.requests(IMAGE), "the second server was not asked")

        @redirect("%d-to-plain" % code)
        def _(bench):
            """From https to http: never."""
            image = bench.kit.image("1.1.0", 60000)
            other = Server({IMAGE: bench.kit.bytes(image)})
            bench.servers.append(other)
            lied(bench, to(code, other.url + IMAGE), ["forbidden"], image=image)
            check(not other.requests(), "the plain server was asked")
    each()


SIGNED = "X-Signature=" + "0123456789abcdef" * 64  # as object stores sign what they hand out


@redirect("signed-url")
def _(bench):
    """A query of a thousand characters goes out again as it came in."""
    def lie(connection, request):
        if request.path.endswith(SIGNED):
            return connection.write(connection.honest(request))
        return status(302, ("Location", IMAGE + "?" + SIGNED))(connection, request)
    completes(bench, lie)


@redirect("endless-url")
def _(bench):
    lied(bench, to(302, IMAGE + "?" + "a" * 1400), ["server"])


@redirect("loop")
def _(bench):
    server, _, _, _ = lied(bench, to(302, lambda request: request.path), ["server"])
    check(len(server.lies) < 100, "%d requests in a loop", len(server.lies))


@redirect("loop-of-two")
def _(bench):
    lied(bench, to(301, lambda r: IMAGE + "?b" if r.path == IMAGE else IMAGE), ["server"])


@redirect("loop-job")
def _(bench):
    lied(bench, to(308, lambda request: request.path), ["server"], path=JOB)


@redirect("chain-too-long")
def _(bench):
    lied(bench, chain(302, 50), ["server"])


@redirect("other-host")
def _(bench):
    """`localhost` is not the configured host, and on no list."""
    image = bench.kit.image("1.1.0", 60000)
    other = bench.serve(image)
    lied(bench, to(302, "https://localhost:%d%s" % (other.port, IMAGE)), ["forbidden"], image=image)
    check(not other.requests(), "the other host was asked")


@redirect("other-host-job")
def _(bench):
    other = bench.serve(bench.kit.image("1.1.0", 60000))
    lied(bench, to(307, "https://localhost:%d%s" % (other.port, JOB)), ["forbidden"], path=JOB)
    check(not other.requests(), "the other host was asked")


@redirect("allowed-host")
def _(bench):
    image = bench.kit.image("1.1.0", 60000)
    other = bench.serve(image)
    completes(bench, to(302, "https://localhost:%d%s" % (other.port, IMAGE)), image=image,
              options=["--allow-host", "localhost"])
    check(other.requests(IMAGE), "the allowed host was not asked")


@redirect("port-moves-back")
def _(bench):
    """A redirect lasts for one request: the next job comes from the configured server."""
    image = bench.kit.image("1.1.0", 60000)
    other = bench.serve(image)
    server, _ = completes(bench, to(302, lambda _: other.url + IMAGE), image=image)
    check(not other.requests(JOB), "the job was fetched from the other server")
    check(server.requests(JOB), "no job was fetched")


BAD_LOCATIONS = {
    "no-location": (None, "server"),
    "empty-location": ("", "server"),
    "long-location": ("/" + "a" * 5000, "server"),
    "other-scheme": ("ftp://127.0.0.1/app.bin", "forbidden"),
    "userinfo": ("https://127.0.0.1@localhost/app.bin", "forbidden"),
    "bad-port": ("https://127.0.0.1:99999/app.bin", "server"),
    "text-port": ("https://127.0.0.1:http/app.bin", "server"),
    "no-host": ("https:///app.bin", "forbidden"),
    "space": ("/app .bin HTTP/1.1", "server"),
}
for _name, (_where, _expect) in BAD_LOCATIONS.items():
    def bad(name=_name, where=_where, expect=_expect):
        @redirect(name)
        def _(bench):
            headers = [("Location", where)] if where is not None else []
            lied(bench, status(302, *headers), [expect])
    bad()


@redirect("scheme-relative")
def _(bench):
    """//host/path names another host too."""
    other = bench.serve(bench.kit.image("1.1.0", 60000))
    lied(bench, to(302, "//localhost:%d%s" % (other.port, IMAGE)), ["forbidden"])
    check(not other.requests(), "the other host was asked")


@redirect("capital-scheme")
def _(bench):
    """HTTP: is http: in any case."""
    other = Server({IMAGE: bench.kit.bytes(bench.kit.image("1.1.0", 60000))})
    bench.servers.append(other)
    lied(bench, to(302, "HTTP://127.0.0.1:%d%s" % (other.port, IMAGE)), ["forbidden"])
    check(not other.requests(), "the plain server was asked")
