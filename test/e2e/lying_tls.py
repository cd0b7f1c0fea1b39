# SPDX-License-Identifier: Apache-2.0
"""lying_tls.py - servers that are not who they should be, and TLS that ends badly."""
import ssl

from harness import JOB, case, check
from lying import FINE, bent, completes, lied, stage


def tls(name):
    return case("lying/tls-" + name, "lying-tls")


def impostor(bench, pair, expect=("untrusted",), options=(), context=None, on_accept=None):
    """The server shows `pair`, is refused, and gets no request; then it shows the right one."""
    image = bench.kit.image("1.1.0", 60000)
    image, server, device, primary = stage(bench, lambda c, r: c.write(c.honest(r)), None, options,
                                           image, None, True)
    good, server.tls = server.tls, context or bench.kit.tls(pair)
    server.on_accept = on_accept
    device.start()
    event = device.wait_event(lambda e: e.get("outcome") not in (None, "none"))
    check(event["outcome"] in expect, "outcome %s, expected %s", event["outcome"], " or ".join(expect))
    check(not server.requests(), "a request was sent to an impostor")
    server.tls = good
    server.heal()
    device.finish()
    check(device.holds(primary, image), "the primary does not hold the new image")
    odd = set(device.outcomes()) - FINE - set(expect)
    check(not odd, "outcomes: %s", odd)


@tls("wrong-name")
def _(bench):
    impostor(bench, bench.kit.odd_cert("name", san="DNS:example.invalid,IP:127.0.0.2"))


@tls("name-in-cn-only")
def _(bench):
    """CN=127.0.0.1 does not count; only subjectAltName does."""
    impostor(bench, bench.kit.odd_cert("cn", san="DNS:leaf"))


@tls("address-as-dns-name")
def _(bench):
    """What the replaced system's script made: DNS:IP:127.0.0.1."""
    impostor(bench, bench.kit.odd_cert("dnsip", san="DNS:IP:127.0.0.1"))


@tls("expired")
def _(bench):
    impostor(bench, bench.kit.odd_cert("expired", start=-30, end=-1))


@tls("not-yet-valid")
def _(bench):
    impostor(bench, bench.kit.odd_cert("future", start=2, end=30))


@tls("expired-clock-not-trusted")
def _(bench):
    """A device without a trusted clock cannot judge dates, and updates."""
    server = bench.serve(bench.kit.image("1.1.0", 60000))
    server.tls = bench.kit.tls(bench.kit.odd_cert("expired", start=-30, end=-1))
    device = bench.device(server, "--no-clock")
    device.start().finish()


@tls("unknown-ca")
def _(bench):
    impostor(bench, bench.kit.odd_cert("other", issuer=bench.kit.other_ca()))


@tls("self-signed")
def _(bench):
    impostor(bench, bench.kit.self_signed())


@tls("1.1-only")
def _(bench):
    context = bench.kit.tls(low=ssl.TLSVersion.TLSv1_1, high=ssl.TLSVersion.TLSv1_1)
    impostor(bench, None, context=context)


def server_hello_1_1(sock):
    """A TLS 1.1 ServerHello to whatever was offered."""
    sock.settimeout(5)
    sock.recv(4096)
    hello = b"\x03\x02" + b"\x11" * 32 + b"\x00" + b"\xc0\x13" + b"\x00"
    body = b"\x02" + len(hello).to_bytes(3, "big") + hello
    sock.sendall(b"\x16\x03\x02" + len(body).to_bytes(2, "big") + body)
    sock.recv(4096)
    return True


@tls("1.1-insisted")
def _(bench):
    impostor(bench, None, context=bench.kit.tls(), on_accept=server_hello_1_1)


def plain_http(sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    return True


def junk(sock):
    sock.settimeout(2)
    sock.recv(4096)
    sock.sendall(b"\x16\x03\x03\xff\xff" + b"\xee" * 70000)
    return True


def silent(sock):
    sock.settimeout(10)
    try:
        while sock.recv(4096):
            pass
    except OSError:
        pass
    return True


def hang_up(_sock):
    return True


for _name, _accept in (("plain-http-instead", plain_http), ("junk", junk), ("silence", silent),
                       ("hang-up", hang_up)):
    def below(name=_name, accept=_accept):
        @tls(name)
        def _(bench):
            impostor(bench, None, context=bench.kit.tls(), on_accept=accept, expect=("unreachable",))
    below()


@tls("client-certificate-missing")
def _(bench):
    """The server wants a client certificate, and the device has none."""
    context = bench.kit.tls()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(bench.kit.ca())
    impostor(bench, None, context=context)


@tls("client-certificate")
def _(bench):
    image = bench.kit.image("1.1.0", 60000)
    server = bench.serve(image)
    server.tls.verify_mode = ssl.CERT_REQUIRED
    server.tls.load_verify_locations(bench.kit.ca())
    certs = bench.kit.certs()
    device = bench.device(server, "--cert", certs + "/http_client.crt", "--key-file", certs + "/http_client.key")
    primary = device.find_primary()
    device.start().finish()
    check(device.holds(primary, image), "the primary does not hold the new image")


for _version in ("TLSv1_2", "TLSv1_3"):
    def one_version(version=getattr(ssl.TLSVersion, _version), name=_version[4:].replace("_", ".")):
        @tls(name + "-only")
        def _(bench):
            """Works, and the second connection resumes the first one's session."""
            server = bench.serve(bench.kit.image("1.1.0", 60000))
            server.tls = bench.kit.tls(low=version, high=version)

            def one_request(connection, request):
                connection.write(connection.honest(request).set("Connection", "close"))
                connection.close(notify=True)
                return False
            server.behaviour = one_request
            bench.device(server).start().finish()
            check(any("resumed" in h for h in server.handshakes), "no session was resumed: %s", server.handshakes)
            others = [h for h in server.handshakes if h.startswith("TLSv") and not h.startswith("TLSv" + name)]
            check(not others, "handshakes: %s", server.handshakes)
    one_version()


# Ends without close_notify: what is complete counts, what is not is not.

def ends_raw(answer_of):
    def lie(connection, request):
        connection.write(answer_of(connection.honest(request)))
        connection.close(notify=False)
        return False
    return lie


@tls("no-close-notify")
def _(bench):
    """The announced length came in full: the end does not matter."""
    completes(bench, ends_raw(lambda answer: answer))


@tls("no-close-notify-job")
def _(bench):
    completes(bench, ends_raw(lambda answer: answer), path=JOB)


@tls("truncated-no-length")
def _(bench):
    """No length, half the bytes, no close_notify: an attacker's cut. The image does not pass."""
    def half(answer):
        answer.body = answer.body[:len(answer.body) // 2]
        return answer.set("Content-Length", None).set("Connection", "close")
    lied(bench, ends_raw(half), ["unreachable"])


@tls("truncated-no-length-job")
def _(bench):
    def half(answer):
        answer.body = answer.body[:len(answer.body) // 2]
        return answer.set("Content-Length", None).set("Connection", "close")
    lied(bench, ends_raw(half), ["unreachable"], path=JOB)


@tls("close-notify-mid-body")
def _(bench):
    """A proper TLS end, but before the announced length: a drop like any other."""
    def lie(connection, request):
        answer = connection.honest(request)
        upto = len(answer.body) // 2 if connection.server.cuts < 3 else None
        connection.server.cuts += 1
        connection.write(answer, upto=upto)
        connection.close(notify=True)
        return False
    completes(bench, lie, allow=["unreachable"])


@tls("reset-mid-body")
def _(bench):
    def lie(connection, request):
        answer = connection.honest(request)
        upto = len(answer.body) // 2 if connection.server.cuts < 3 else None
        connection.server.cuts += 1
        connection.write(answer, upto=upto)
        if upto is not None:
            connection.wait_taken()
            connection.reset()
        return upto is None
    completes(bench, lie, allow=["unreachable"])


@tls("large-records-small-records")
def _(bench):
    """Records of one byte and of 16 KiB in one answer."""
    def lie(connection, request):
        answer = connection.honest(request)
        connection.send(answer.head(), piece=1)
        connection.send_body(answer.body[:300], piece=1)
        connection.send_body(answer.body[300:])
        return True
    completes(bench, lie, image=bench.kit.image("1.1.0", 100000))


@tls("connection-close-each")
def _(bench):
    """HTTP keep-alive off."""
    completes(bench, bent(lambda answer, _: answer.set("Connection", "close")), path=JOB)
