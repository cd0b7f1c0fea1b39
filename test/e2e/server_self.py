# SPDX-License-Identifier: Apache-2.0
"""server_self.py - the lying server tested with clients that are known to be right: curl, openssl."""
import os
import shutil
import socket
import ssl
import subprocess
import time

import harness
import lying_head
import lying_http
from harness import Kit, case, check, run
from lying import only, raw
from lying_server import Server, parse_range

BODY = bytes(range(256)) * 40


def self_test(name):
    return case("server/" + name, "server")


def stage(bench, behaviour=None, tls=None):
    server = Server({"/app.bin": BODY}, behaviour, tls)
    server.lies, server.cuts = [], 0
    bench.servers.append(server)
    return server


def curl(server, *options, ok=True, path="/app.bin"):
    check(shutil.which("curl"), "curl is needed")
    return run(["curl", "-sS", "--max-time", "10", "--noproxy", "*", *options, server.url + path], ok=ok)


@self_test("whole-and-range")
def _(bench):
    server = stage(bench)
    check(curl(server).stdout == BODY, "body differs")
    check(curl(server, "-r", "100-199").stdout == BODY[100:200], "range differs")
    check(curl(server, "-r", "-5").stdout == BODY[-5:], "suffix range differs")
    etag = server.etag("/app.bin")
    head = curl(server, "-I", "-H", "If-None-Match: " + etag).stdout
    check(b" 304 " in head.splitlines()[0], "no 304: %s", head)
    check(curl(server, "-r", "100-199", "-H", 'If-Range: "x"').stdout == BODY, "If-Range ignored")
    check(curl(server, "-r", "999999-", "-o", "/dev/null", "-w", "%{http_code}").stdout == b"416", "no 416")
    check(curl(server, "-o", "/dev/null", "-w", "%{http_code}", path="/no").stdout == b"404", "no 404")
    check([e["sent"] for e in server.requests()][:2] == [len(BODY), 100], "log: %s", server.requests()[:2])


@self_test("ranges-parsed")
def _(_bench):
    for value, expected in (("bytes=0-", (0, 9)), ("bytes=3-4", (3, 4)), ("bytes=3-99", (3, 9)), ("bytes=-3", (7, 9)),
                            ("bytes=10-", False), ("bytes=1-2,4-5", None), ("bytes=x-", None), (None, None)):
        check(parse_range(value, 10) == expected, "%s: %s", value, parse_range(value, 10))


@self_test("short-body")
def _(bench):
    def lie(connection, request):
        connection.write(connection.honest(request), upto=1000)
        return False
    server = stage(bench, lie)
    done = curl(server, ok=False)
    check(done.returncode == 18 and len(done.stdout) == 1000, "curl: %d, %d bytes", done.returncode, len(done.stdout))
    check(server.requests()[0]["end"] == "cut" and server.requests()[0]["sent"] == 1000, "log")


@self_test("reset")
def _(bench):
    def lie(connection, request):
        connection.write(connection.honest(request), upto=1000)
        connection.reset()
        return False
    check(curl(stage(bench, lie), ok=False).returncode == 56, "no reset seen")


@self_test("chunked")
def _(bench):
    for name, encode in lying_http.GOOD_CHUNKS.items():
        check(curl(stage(bench, lying_http.chunked(encode))).stdout == BODY, "%s: body differs", name)
    for name in ("chunked-bad-size", "chunked-huge", "chunked-no-crlf"):
        encode = lying_http.BAD_CHUNKS[name][0]
        check(curl(stage(bench, lying_http.chunked(encode, close=True)), ok=False).returncode != 0, "%s accepted", name)


@self_test("only-one-path")
def _(bench):
    server = stage(bench, only("/app.bin", raw(b"junk\r\n\r\n")))
    check(curl(server, "-o", "/dev/null", "-w", "%{http_code}", path="/no").stdout == b"404", "wrong path lied")
    check(curl(server, ok=False).returncode != 0 and len(server.lies) >= 1, "no lie told")


@self_test("silence-ends-with-client")
def _(bench):
    server = stage(bench, lying_head.silent_at(None))
    begin = time.monotonic()
    check(curl(server, "--max-time", "1", ok=False).returncode == 28, "curl did not time out")
    check(time.monotonic() - begin < 20, "took too long")


@self_test("tls-versions")
def _(bench):
    """TLS 1.1 only is what it says."""
    pair = bench.kit.self_signed()
    server = stage(bench, tls=bench.kit.tls(pair, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1))

    def connect(version):
        args = ["openssl", "s_client", "-connect", "%s:%d" % (server.host, server.port), version, "-cipher",
                "ALL@SECLEVEL=0"]
        return subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
    check(b"Protocol  : TLSv1.1" in connect("-tls1_1").stdout, "TLS 1.1 does not work")
    check(connect("-tls1_2").returncode != 0, "TLS 1.2 works too")


@self_test("close-notify")
def _(bench):
    """With close_notify the client sees a clean end, without it a broken one."""
    client = ssl.create_default_context()
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)  # on by default in some versions
    for notify in (True, False):
        def lie(connection, request, notify=notify):
            connection.write(connection.honest(request).set("Content-Length", None))
            connection.close(notify=notify)
            return False
        server = stage(bench, lie, bench.kit.tls(bench.kit.self_signed()))
        with socket.create_connection((server.host, server.port)) as raw:
            with client.wrap_socket(raw, suppress_ragged_eofs=False) as sock:
                sock.sendall(b"GET /app.bin HTTP/1.1\r\n\r\n")
                clean = True
                got = b""
                try:
                    while data := sock.recv(65536):
                        got += data
                except ssl.SSLError:
                    clean = False
        check(got.endswith(BODY), "body differs")
        check(clean == notify, "notify %s: clean end %s", notify, clean)


@self_test("odd-certificates")
def _(bench):
    """The expired one has expired, the future one is not valid yet, the other CA is another."""
    kit = Kit(bench.folder, bench.kit.otter)
    kit.made["certs:certs"] = kit.other_ca().rsplit("/", 1)[0]
    base = kit.other_ca()
    for name, start, end, ok in (("old", -30, -1, False), ("new", 2, 30, False), ("now", -1, 30, True)):
        crt, _ = kit.odd_cert(name, start, end, issuer=base)
        done = run(["openssl", "verify", "-CAfile", base + ".crt", crt], ok=False)
        check((done.returncode == 0) == ok, "%s: %s", name, done.stderr)
    text = run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", crt]).stdout
    check(b"IP Address:127.0.0.1" in text, "no address: %s", text)


@self_test("every-part-is-registered")
def _(_bench):
    """Each part is a test of its own in CMakeLists.txt."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "CMakeLists.txt")) as f:
        registered = f.read().partition("set(parts")[2].partition(")")[0].split()
    parts = {part for part, _ in harness.CASES.values()}
    check(set(registered) == parts, "differ: %s", sorted(set(registered) ^ parts))
