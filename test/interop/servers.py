#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""servers.py - real updates from real web servers, checked by the hash of what is in flash.

Each server runs as the current user, on a free port, with its own configuration in the case's
folder, and is ended by its process id. Nothing of the system's own servers is used but the
programs. local-web-server comes from npm into $OTTER_CACHE, once. What cannot be had on this machine
is skipped with one line that says why; `--need-all` makes a skip a failure.
"""
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import harness  # noqa: E402
from harness import BOARD, JOB, case, check, run, sha256  # noqa: E402
from web import NGINX, Skipped, free_port, launch, local_web_server, log_of, program  # noqa: E402

SIZE = 742607
NEED_ALL = False


def server_case(name, part="servers"):
    def register(plot):
        def whole(bench):
            try:
                plot(bench)
            except Skipped as why:
                check(not NEED_ALL, "skipped: %s", why)
                harness.say("skip servers/%s: %s" % (name, why))
        return case("servers/" + name, part)(whole)
    return register


def publish(bench, version="1.1.0"):
    """A folder as `otter publish` makes it; returns (folder, image)."""
    image = bench.kit.image(version, SIZE, seed=11)
    folder = os.path.join(bench.folder, "www")
    os.makedirs(folder, exist_ok=True)
    run([bench.kit.otter, "publish", "--image", image, "--folder", folder, "--board", BOARD])
    keys = [n for n in os.listdir(folder) if n.endswith((".key", ".pem"))]
    check(not keys, "keys in the served folder: %s", keys)
    return folder, image


def update(bench, url, image, *options, until="confirmed=1.1.0"):
    device = bench.device(url, "--stall-ms", 5000, *options)
    primary = device.find_primary()
    device.start(until=until, timeout=40).finish(50)
    check(device.holds(primary, image), "the primary does not hold the new image")
    return device


def idle_polls(device, count=3):
    """The device asks again: nothing new, no error."""
    device.start("polls=%d" % count, timeout=30).finish(40)
    odd = set(device.outcomes()) - {"installing", "confirmed", "current"}
    check(not odd, "outcomes: %s", odd)


# nginx

def start_nginx(bench, more, secure=True):
    """Returns (url, image, folder, the process, what started it)."""
    binary = program("nginx")
    www, image = publish(bench)
    folder, port = os.path.join(bench.folder, "nginx"), free_port()
    os.makedirs(folder)
    # A server that root starts would drop to another user, who may not read the temp folder.
    config = "user root root;\n" if os.geteuid() == 0 else ""
    config += NGINX % {"folder": folder, "port": port, "www": www, "certs": bench.kit.certs(), "more": more,
                       "ssl": " ssl" if secure else ""}
    with open(os.path.join(folder, "nginx.conf"), "w") as f:
        f.write(config)
    args = [binary, "-p", folder, "-e", folder + "/error.log", "-c", folder + "/nginx.conf"]
    process = launch(bench, args, port)
    return "%s://127.0.0.1:%d" % ("https" if secure else "http", port), image, folder, process, args


def nginx(bench, more, secure=True, options=()):
    url, image, folder, _, _ = start_nginx(bench, more, secure)
    device = update(bench, url, image, *options)
    return device, log_of(folder), image, folder


def resumed(folder):
    return [entry for entry in log_of(folder) if entry[5] == "r"]


@server_case("nginx-tls-1.2-only")
def _(bench):
    device, log, _, folder = nginx(bench, "ssl_protocols TLSv1.2; keepalive_requests 1; ssl_session_cache shared:S:1m;")
    check({entry[4] for entry in log} == {"TLSv1.2"}, "protocols: %s", {entry[4] for entry in log})
    idle_polls(device)
    check(resumed(folder), "no session was resumed")


@server_case("nginx-tls-1.3-only-with-tickets")
def _(bench):
    device, log, _, folder = nginx(bench, "ssl_protocols TLSv1.3; ssl_session_tickets on; keepalive_requests 1;")
    check({entry[4] for entry in log} == {"TLSv1.3"}, "protocols: %s", {entry[4] for entry in log})
    idle_polls(device)
    check(resumed(folder), "no session was resumed")


@server_case("nginx-client-certificate")
def _(bench):
    certs = bench.kit.certs()
    nginx(bench, "ssl_client_certificate %s/http_ca.crt; ssl_verify_client on;" % certs,
          options=["--cert", certs + "/http_client.crt", "--key-file", certs + "/http_client.key"])


@server_case("nginx-client-certificate-missing")
def _(bench):
    """Without one, nginx answers 400 to everything: an outcome, not an update."""
    certs = bench.kit.certs()
    url, image, folder, _, _ = start_nginx(
        bench, "ssl_client_certificate %s/http_ca.crt; ssl_verify_client on;" % certs)
    device = bench.device(url)
    primary = device.find_primary()
    device.start("outcome=server,count=2").finish()
    check({entry[2] for entry in log_of(folder)} == {"400"}, "log: %s", log_of(folder))
    check(device.holds(primary, device.image) and not device.holds(primary, image), "the primary changed")


@server_case("nginx-no-ranges")
def _(bench):
    nginx(bench, "max_ranges 0;")


@server_case("nginx-no-ranges-small-requests")
def _(bench):
    """The device asks for 4096-byte ranges, and gets the whole file."""
    nginx(bench, "max_ranges 0;", options=["--range", "4096"])


@server_case("nginx-small-requests")
def _(bench):
    _, log, _, _ = nginx(bench, "", options=["--range", "65536"])
    check(len([e for e in log if e[2] == "206"]) >= 10, "no ranges were asked for")


@server_case("nginx-keep-alive-off")
def _(bench):
    _, log, _, _ = nginx(bench, "keepalive_timeout 0;")
    check(len({entry[6] for entry in log}) == len(log), "a connection was used twice")


@server_case("nginx-keep-alive")
def _(bench):
    """Job and image come over one connection."""
    _, log, image, _ = nginx(bench, "")
    size = os.path.getsize(image)
    big = [e for e in log if e[3] == str(size)]
    check(len(big) == 1 and any(e[6] == big[0][6] and e[1] == JOB for e in log), "log: %s", log)


@server_case("nginx-plain")
def _(bench):
    nginx(bench, "", secure=False)


@server_case("nginx-chunked-gzip-offered")
def _(bench):
    """gzip on, chunked answers: the device does not ask for gzip, so nothing is compressed."""
    nginx(bench, "gzip on; gzip_types *; gzip_proxied any; etag off;")


@server_case("nginx-cut-and-resume")
def _(bench):
    """The server is killed in the middle of the download and started again: If-Range works with its ETag."""
    url, image, folder, process, args = start_nginx(bench, "limit_rate 400k;")
    device = bench.device(url, "--stall-ms", 3000)
    primary = device.find_primary()
    device.start(timeout=60)
    device.wait_event(lambda e: e.get("event") == "progress" and e.get("done", 0) > 200000)
    process.kill()
    process.wait()
    launch(bench, args, int(url.rpartition(":")[2]))
    device.finish(60)
    check(device.holds(primary, image), "the primary does not hold the new image")
    check(any(entry[2] == "206" for entry in log_of(folder)), "the download was not resumed")


# Apache httpd

APACHE = """ServerName 127.0.0.1
ServerRoot %(folder)s
DefaultRuntimeDir %(folder)s
PidFile %(folder)s/apache.pid
ErrorLog %(folder)s/error.log
Listen 127.0.0.1:%(port)d
%(modules)s
<IfModule unixd_module>
%(user)s
</IfModule>
TypesConfig /dev/null
LogFormat "%%m %%U %%s %%B%(more_log)s" short
CustomLog %(folder)s/access.log short
DocumentRoot %(www)s
<Directory %(www)s>
    Require all granted
</Directory>
%(more)s
"""


def apache(bench, more, secure=True, options=()):
    binary = program("apache2", "httpd")
    modules = "/usr/lib/apache2/modules"
    if not os.path.isdir(modules):
        raise Skipped("no Apache modules in %s" % modules)
    www, image = publish(bench)
    folder, port = os.path.join(bench.folder, "apache"), free_port()
    os.makedirs(folder)
    names = ["mpm_event", "authz_core", "mime", "log_config", "unixd", "socache_shmcb"] + (["ssl"] if secure else [])
    loads = ["LoadModule %s_module %s/mod_%s.so" % (n, modules, n) for n in names
             if os.path.exists("%s/mod_%s.so" % (modules, n))]
    certs = bench.kit.certs()
    if secure:
        more = ("SSLEngine on\nSSLCertificateFile %s/http_server.crt\nSSLCertificateKeyFile %s/http_server.key\n"
                "SSLSessionCache shmcb:%s/cache(512000)\n%s" % (certs, certs, folder, more))
    # Apache will not serve as root: its children become the owner that may read the folder.
    user = "User nobody\nGroup nogroup" if os.geteuid() == 0 else ""
    if user:
        opened(bench, www)
    with open(os.path.join(folder, "apache.conf"), "w") as f:
        f.write(APACHE % {"folder": folder, "port": port, "www": www, "modules": "\n".join(loads), "user": user,
                          "more": more, "more_log": " %{SSL_PROTOCOL}x" if secure else ""})
    launch(bench, [binary, "-X", "-f", folder + "/apache.conf"], port)
    update(bench, "%s://127.0.0.1:%d" % ("https" if secure else "http", port), image, *options)
    with open(folder + "/access.log") as f:
        return [line.split() for line in f]


def opened(bench, www):
    """Let another user read the served folder, and nothing else of the test's folder."""
    os.chmod(bench.kit.folder, 0o711)
    os.chmod(bench.folder, 0o711)
    os.chmod(www, 0o755)
    for name in os.listdir(www):
        os.chmod(os.path.join(www, name), 0o644)


@server_case("apache-https")
def _(bench):
    log = apache(bench, "")
    check({e[4] for e in log} <= {"TLSv1.3", "TLSv1.2"}, "log: %s", log)


@server_case("apache-tls-1.2-client-certificate")
def _(bench):
    certs = bench.kit.certs()
    log = apache(bench, "SSLProtocol TLSv1.2\nSSLVerifyClient require\nSSLCACertificateFile %s/http_ca.crt" % certs,
                 options=["--cert", certs + "/http_client.crt", "--key-file", certs + "/http_client.key"])
    check({e[4] for e in log} == {"TLSv1.2"}, "log: %s", log)


@server_case("apache-keep-alive-off")
def _(bench):
    apache(bench, "KeepAlive Off")


@server_case("apache-plain-in-ranges")
def _(bench):
    apache(bench, "", secure=False, options=["--range", "65536"])


# Python

@server_case("python-http.server")
def _(bench):
    """HTTP/1.0, no ranges, no ETag."""
    www, image = publish(bench)
    port = free_port()
    launch(bench, [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", www, str(port)], port)
    update(bench, "http://127.0.0.1:%d" % port, image)


@server_case("python-http.server-small-requests")
def _(bench):
    www, image = publish(bench)
    port = free_port()
    launch(bench, [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", www, str(port)], port)
    update(bench, "http://127.0.0.1:%d" % port, image, "--range", "4096")


# openssl's own server: HTTP/1.0, one connection per request, no length

@server_case("openssl-s_server-WWW")
def _(bench):
    """The barest HTTPS server there is: no Content-Length, no ranges, the end is the end."""
    www, image = publish(bench)
    port, certs = free_port(), bench.kit.certs()
    launch(bench, ["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", certs + "/http_server.crt",
                   "-key", certs + "/http_server.key", "-WWW", "-quiet"], port, folder=www)
    update(bench, "https://127.0.0.1:%d" % port, image)


# local-web-server, as the replaced system's README starts it

@server_case("local-web-server-https")
def _(bench):
    """ws -p 443 --hostname IP --https --key http_server.key --cert http_server.crt --keep-alive-timeout 50000 -v"""
    ws = local_web_server(bench)
    www, image = publish(bench)
    certs, port = bench.kit.certs(), free_port()
    launch(bench, [*ws, "-p", str(port), "--hostname", "127.0.0.1", "--https", "--key", certs + "/http_server.key",
                   "--cert", certs + "/http_server.crt", "--keep-alive-timeout", "50000", "-v"], port, folder=www)
    device = update(bench, "https://127.0.0.1:%d" % port, image)
    idle_polls(device)


@server_case("local-web-server-plain")
def _(bench):
    """ws -p 8080 --hostname IP --keep-alive-timeout 50000 -v"""
    ws = local_web_server(bench)
    www, image = publish(bench)
    port = free_port()
    launch(bench, [*ws, "-p", str(port), "--hostname", "127.0.0.1", "--keep-alive-timeout", "50000", "-v"], port,
           folder=www)
    update(bench, "http://127.0.0.1:%d" % port, image)


@server_case("local-web-server-small-requests")
def _(bench):
    """4096-byte ranges, as the replaced agent asked for them."""
    ws = local_web_server(bench)
    www, image = publish(bench)
    certs, port = bench.kit.certs(), free_port()
    launch(bench, [*ws, "-p", str(port), "--hostname", "127.0.0.1", "--https", "--key", certs + "/http_server.key",
                   "--cert", certs + "/http_server.crt", "--keep-alive-timeout", "50000", "-v"], port, folder=www)
    update(bench, "https://127.0.0.1:%d" % port, image, "--range", "4096")


# otter serve, seen by curl and by the device

def otter_serve(bench, *options, secure=True):
    www, image = publish(bench)
    certs, port = bench.kit.certs(), free_port()
    args = [bench.kit.otter, "serve", "--folder", www, "--port", str(port), *options]
    if secure:
        args += ["--cert", certs + "/http_server.crt", "--key", certs + "/http_server.key"]
    launch(bench, args, port)
    return "%s://127.0.0.1:%d" % ("https" if secure else "http", port), www, image


@server_case("otter-serve-curl")
def _(bench):
    """Ranges, If-Range, If-None-Match, HEAD."""
    curl = program("curl")
    url, www, image = otter_serve(bench)
    name = next(n for n in os.listdir(www) if n.endswith(".bin"))
    data = bench.kit.bytes(image)

    def get(*options, path="/" + name):
        done = run([curl, "-sS", "--noproxy", "*", "--cacert", bench.kit.ca(), "-D", "-", *options, url + path])
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        return int(lines[0].split()[1]), {k.lower(): v.strip() for k, _, v in (l.partition(":") for l in lines[1:])}, body
    code, headers, body = get()
    check((code, sha256(body)) == (200, sha256(data)), "whole: %d, %d bytes", code, len(body))
    etag = headers.get("etag", "")
    check(etag.startswith('"'), "ETag: %s", etag)
    total = len(data)
    for wanted, first, last in (("0-0", 0, 0), ("100-4195", 100, 4195), ("%d-" % (total - 1), total - 1, total - 1),
                                ("-10", total - 10, total - 1), ("5-%d" % (2 * total), 5, total - 1)):
        code, headers, body = get("-r", wanted)
        check(code == 206 and body == data[first:last + 1], "range %s: %d, %d bytes", wanted, code, len(body))
        check(headers["content-range"] == "bytes %d-%d/%d" % (first, last, total), "range %s: %s", wanted, headers)
    check(get("-r", "%d-" % total)[0] == 416, "no 416")
    check(get("-r", "10-19", "-H", "If-Range: " + etag)[0] == 206, "If-Range with the right ETag")
    check(get("-r", "10-19", "-H", 'If-Range: "other"')[0] == 200, "If-Range with a wrong ETag")
    check(get("-H", "If-None-Match: " + etag)[0] == 304, "no 304")
    check(get("-H", 'If-None-Match: "other"')[0] == 200, "304 for another ETag")
    code, headers, body = get("-I", "-o", "/dev/null")
    check(code == 200 and headers["content-length"] == str(total) and not body, "HEAD: %d %s", code, headers)
    for path in ("/missing", "/../certs/http_server.key", "/%2e%2e/certs/http_server.key", "//etc/passwd"):
        code = get("--path-as-is", path=path)[0]
        check(code in (400, 403, 404), "%s: %d", path, code)


@server_case("otter-serve-update")
def _(bench):
    reports = os.path.join(bench.folder, "reports.jsonl")
    url, _, image = otter_serve(bench, "--reports", reports)
    update(bench, url, image, until="polls=4")
    with open(reports) as f:
        lines = f.read().splitlines()
    check([word for word in ("installing", "confirmed") if any(word in line and "1.1.0" in line for line in lines)]
          == ["installing", "confirmed"], "reports: %s", lines)


@server_case("otter-serve-plain")
def _(bench):
    url, _, image = otter_serve(bench, secure=False)
    update(bench, url, image)


@server_case("otter-serve-client-certificate")
def _(bench):
    certs = bench.kit.certs()
    url, _, image = otter_serve(bench, "--client-ca", certs + "/http_ca.crt")
    context = ssl.create_default_context(cafile=certs + "/http_ca.crt")
    refused = False
    try:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as raw:
            with context.wrap_socket(raw, server_hostname="127.0.0.1") as sock:
                sock.sendall(b"GET /ota_update.json HTTP/1.1\r\nHost: x\r\n\r\n")
                refused = not sock.recv(100)
    except OSError:
        refused = True
    check(refused, "a client without a certificate was served")
    update(bench, url, image, "--cert", certs + "/http_client.crt", "--key-file", certs + "/http_client.key")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--need-all" in arguments:
        arguments.remove("--need-all")
        NEED_ALL = True
    try:
        sys.exit(harness.main(arguments))
    except subprocess.TimeoutExpired as error:
        sys.exit("timed out: %s" % error)
