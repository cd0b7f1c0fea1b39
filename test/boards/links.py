# SPDX-License-Identifier: Apache-2.0
"""links.py - one update over every kind of link: TLS versions, tickets, client certificates, servers.

Each case is one board with 1.0.0, one server with 1.1.0, and what must come of it. The maps are
spread over the cases; the story plays the rest. The part "ws" needs npm and belongs to `make interop`.
"""
import os
import sys
import time

import kit  # noqa: F401  (finds test/e2e)
import harness
from flash import OVERWRITE, PSOC, XIP, XMC, XMC_OVERWRITE
from harness import Failed, case, check
from kit import HERE, NEW, OLD

sys.path.insert(0, os.path.join(HERE, "..", "interop"))

import web  # noqa: E402

BOTH = "ssl_protocols TLSv1.2 TLSv1.3;"
TICKETS = "ssl_session_tickets on; keepalive_requests 1;"
CACHE = "ssl_session_tickets off; ssl_session_cache shared:S:1m; keepalive_requests 1;"


class Nginx:
    """Debian's nginx with a configuration of its own."""

    def __init__(self, bench, folder, more="", secure=True):
        self.folder, self.port = os.path.join(bench.folder, "nginx"), web.free_port()
        os.makedirs(self.folder)
        user = "user root root;\n" if os.geteuid() == 0 else ""
        with open(self.folder + "/nginx.conf", "w") as f:
            f.write(user + web.NGINX % {"folder": self.folder, "port": self.port, "www": folder, "more": more,
                                            "certs": bench.kit.certs(), "ssl": " ssl" if secure else ""})
        self.args = [web.program("nginx"), "-p", self.folder, "-e", self.folder + "/error.log",
                     "-c", self.folder + "/nginx.conf"]
        self.process = web.launch(bench, self.args, self.port)

    def log(self):
        return web.log_of(self.folder)

    def expect(self, protocol):
        found = {entry[4] for entry in self.log()}
        check(found == {protocol}, "protocols: %s", found)


def update(bench, map_name, port, timeout=60, **settings):
    """1.0.0 becomes 1.1.0, checked in the flash file; returns the board, still powered."""
    old, new = bench.kit.app(map_name, OLD), bench.kit.app(map_name, NEW)
    board = bench.machine(map_name, old, port, **settings)
    board.expect_primary(old, "at the beginning")
    board.power_on()
    board.wait(outcome="installing", version=NEW, timeout=timeout)
    last = {"outcome": "confirmed"} if bench.kit.layout(map_name).swap else {"event": "started"}
    board.wait(version=NEW, timeout=timeout, **last)
    board.expect_primary(new, "after the update")
    return board


def wait_until(question, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            raise Failed("%s did not happen within %d s" % (what, seconds))
        time.sleep(0.05)


def published(bench, map_name):
    return bench.publish(map_name, bench.kit.app(map_name, NEW))


def nginx_update(name, map_name, more="", secure=True, protocol=None, resumed=False, **settings):
    @case("links/" + name, "links")
    def _(bench):
        demand = "ssl_client_certificate %s/http_ca.crt; ssl_verify_client on; " % bench.kit.certs()
        server = Nginx(bench, published(bench, map_name), (demand if settings.get("client_cert") else "") + more, secure)
        update(bench, map_name, server.port, secure=secure, **settings)
        if protocol:
            server.expect(protocol)
        if resumed:
            wait_until(lambda: any(e[5] == "r" for e in server.log()), "a resumed session")


nginx_update("nginx-tls-1.2-only-m4", PSOC, "ssl_protocols TLSv1.2; " + CACHE, protocol="TLSv1.2", resumed=True)
nginx_update("nginx-tls-1.3-tickets-m7", XMC, "ssl_protocols TLSv1.3; " + TICKETS, protocol="TLSv1.3", resumed=True)
nginx_update("nginx-tls-1.3-tickets-client-certificate-m4", XIP, "ssl_protocols TLSv1.3; " + TICKETS,
             protocol="TLSv1.3", resumed=True, client_cert=True)
nginx_update("nginx-tls-1.2-tickets-client-certificate-m7", XMC_OVERWRITE, "ssl_protocols TLSv1.2; " + TICKETS,
             protocol="TLSv1.2", resumed=True, client_cert=True)
nginx_update("device-tls-1.2-only", XMC, BOTH, protocol="TLSv1.2", tls="1.2")
nginx_update("device-tls-1.3-only", PSOC, BOTH, protocol="TLSv1.3", tls="1.3")
nginx_update("nginx-plain-m4", OVERWRITE, secure=False)
nginx_update("nginx-small-requests-m4", XIP, range=16384)


def serve_update(name, map_name, *options, secure=True, **settings):
    @case("links/" + name, "links")
    def _(bench):
        demand = ["--client-ca", bench.kit.ca()] if settings.get("client_cert") else []
        port = bench.otter_serve(published(bench, map_name), *demand, *options, secure=secure)
        update(bench, map_name, port, secure=secure, **settings)


serve_update("otter-serve-tls-1.2-m4", OVERWRITE, "--tls-max", "1.2")
serve_update("otter-serve-tls-1.3-client-certificate-m7", XMC, "--tls-min", "1.3", client_cert=True)
serve_update("otter-serve-plain-m7", XMC_OVERWRITE, secure=False)


# what must be refused

def refused(board, old, outcome, cause=""):
    """The outcome comes, twice, with a line that says why; nothing is installed."""
    board.power_on()
    first = board.wait(outcome=outcome, timeout=40)
    check(cause in first.get("cause", ""), "cause: %s", first)
    board.wait(outcome=outcome, timeout=20, after=board.events.index(first) + 1)
    check(not board.seen(event="swap") and not board.seen(outcome="installing"), "something was installed")
    board.expect_primary(old, "any more")


@case("links/nginx-client-certificate-missing", "links")
def _(bench):
    """nginx lets the handshake pass and answers 400 to everything."""
    demand = "ssl_client_certificate %s/http_ca.crt; ssl_verify_client on;" % bench.kit.certs()
    server, old = Nginx(bench, published(bench, PSOC), demand), bench.kit.app(PSOC, OLD)
    refused(bench.machine(PSOC, old, server.port), old, "server")
    check({entry[2] for entry in server.log()} == {"400"}, "log: %s", server.log())


for _version in ("1.2", "1.3"):
    def without(version=_version):
        @case("links/otter-serve-client-certificate-missing-tls-" + version, "links")
        def _(bench):
            """The handshake is refused, and the device says why (unless a TCP reset overtakes the alert)."""
            port = bench.otter_serve(published(bench, XMC), "--client-ca", bench.kit.ca(), "--tls-min", version,
                                     "--tls-max", version)
            old = bench.kit.app(XMC, OLD)
            refused(bench.machine(XMC, old, port), old, "untrusted", "client certificate")
            check(not [e for e in bench.served() if e.get("status") == 200], "something was served")
    without()


def impostor(name, map_name, pair_of, **settings):
    @case("links/impostor-" + name, "links")
    def _(bench):
        """The server shows a wrong certificate, gets no request; then it shows the right one."""
        old, new = bench.kit.app(map_name, OLD), bench.kit.app(map_name, NEW)
        server = bench.serve_image(map_name, new)
        good, server.tls = server.tls, bench.kit.tls(pair_of(bench.kit))
        board = bench.machine(map_name, old, server.port, **settings)
        refused(board, old, "untrusted")
        check(not server.requests(), "a request was sent to an impostor")
        server.tls = good
        board.wait(version=NEW, timeout=60, event="started")
        board.expect_primary(new, "once the server was the right one")


impostor("other-ca", PSOC, lambda k: k.odd_cert("other", issuer=k.other_ca()))
impostor("self-signed", XMC, lambda k: k.self_signed())
impostor("wrong-name", XIP, lambda k: k.odd_cert("name", san="DNS:example.invalid,IP:127.0.0.1"))
impostor("wrong-name-tls-1.2", XMC_OVERWRITE, lambda k: k.odd_cert("name", san="DNS:example.invalid,IP:127.0.0.1"),
         tls="1.2")
impostor("expired", XMC, lambda k: k.odd_cert("expired", start=-30, end=-1))
impostor("not-yet-valid", OVERWRITE, lambda k: k.odd_cert("future", start=2, end=30))


@case("links/expired-but-no-clock", "links")
def _(bench):
    """A device without a trusted clock cannot judge dates, and updates."""
    server = bench.serve_image(PSOC, bench.kit.app(PSOC, NEW))
    server.tls = bench.kit.tls(bench.kit.odd_cert("expired", start=-30, end=-1))
    update(bench, PSOC, server.port, no_clock=1)


# connections that break

def cutting(name, map_name, end, secure=True, times=3):
    @case("links/dropped-" + name, "links")
    def _(bench):
        """The connection ends in the middle, `times` times: no byte is fetched twice."""
        new = bench.kit.app(map_name, NEW)
        size = len(bench.kit.bytes(new))
        server = bench.serve_image(map_name, new, secure=secure)
        sent = []  # (offset that an answer began at, bytes sent)

        def behave(connection, request):
            answer = connection.honest(request)
            if request.path != harness.IMAGE or request.method != "GET":
                return connection.write(answer)
            first = int((request.headers.get("range") or "bytes=0-")[6:].partition("-")[0])
            stop = size * (len(sent) + 1) // (times + 1) if len(sent) < times else size
            sent.append((first, stop - first))
            connection.write(answer, upto=stop - first)
            if stop == size:
                return True
            connection.wait_taken()
            return end(connection)
        server.behaviour = behave
        board = update(bench, map_name, server.port, secure=secure)
        check(len(sent) == times + 1, "the image was asked for %d times: %s", len(sent), sent)
        check(len(board.seen(event="resumed")) <= times, "resumed: %s", board.seen(event="resumed"))
        check(all(b[0] == a[0] + a[1] for a, b in zip(sent, sent[1:])), "fetched twice or left out: %s", sent)


def fin(connection):
    connection.close(notify=False)
    return False


def close_notify(connection):
    connection.close(notify=True)
    return False


def mid_record(connection):
    """A TLS record that never ends."""
    raw = connection.sock.detach()
    os.write(raw, b"\x17\x03\x03\x10\x00" + b"\x77" * 1000)
    os.close(raw)
    return False


cutting("fin-m4", PSOC, fin)
cutting("close-notify-m7", XMC, close_notify)
cutting("mid-record-m4", XIP, mid_record)
cutting("plain-m7", XMC_OVERWRITE, fin, secure=False)


@case("links/dropped-reset-m4", "links")
def _(bench):
    """A TCP reset may destroy what was on its way: the update completes all the same."""
    new, cuts = bench.kit.app(OVERWRITE, NEW), []
    server = bench.serve_image(OVERWRITE, new)

    def behave(connection, request):
        answer = connection.honest(request)
        if request.path != harness.IMAGE or len(cuts) == 2:
            return connection.write(answer)
        cuts.append(request.path)
        connection.write(answer, upto=len(answer.body) // 2)
        connection.reset()
        return False
    server.behaviour = behave
    update(bench, OVERWRITE, server.port)
    check(len(cuts) == 2, "cut %d times", len(cuts))


@case("links/silence-m7", "links")
def _(bench):
    """The server falls silent in the middle: given up after stall-ms, then resumed."""
    new, silent = bench.kit.app(XMC, NEW), []
    server = bench.serve_image(XMC, new)

    def behave(connection, request):
        answer = connection.honest(request)
        if request.path != harness.IMAGE or silent:
            return connection.write(answer)
        silent.append(time.monotonic())
        connection.write(answer, upto=len(answer.body) // 2)
        connection.wait_closed(30)
        silent.append(time.monotonic())
        return False
    server.behaviour = behave
    update(bench, XMC, server.port, stall_ms=2000)
    check(len(silent) == 2 and 1.5 < silent[1] - silent[0] < 15, "given up after: %s", silent)


# local-web-server, as the replaced system's README starts it: `make interop` runs these

def ws_update(name, map_name, secure=True, **settings):
    @case("ws/" + name, "ws")
    def _(bench):
        try:
            program = web.local_web_server(bench)
        except web.Skipped as why:
            return harness.say("skip ws/%s: %s" % (name, why))
        certs, port = bench.kit.certs(), web.free_port()
        tls = ["--https", "--key", certs + "/http_server.key", "--cert", certs + "/http_server.crt"] if secure else []
        web.launch(bench, [*program, "-p", str(port), "--hostname", "127.0.0.1", *tls,
                               "--keep-alive-timeout", "50000", "-v"], port, folder=published(bench, map_name))
        update(bench, map_name, port, secure=secure, **settings)


ws_update("https-m4", PSOC)
ws_update("https-m7", XMC)
ws_update("https-tls-1.2-m4", XIP, tls="1.2")
ws_update("plain-m7", XMC_OVERWRITE, secure=False)
