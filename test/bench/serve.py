#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""serve.py - `make bench-serve`: `otter serve` beside nginx, the same files, the same machine, in turn.

usage: serve.py [--seconds N] [--rounds N]

wrk asks both for the same: polls whose answer is 304, and ranges of 1 MiB; plain and over TLS.
Both write an access log. Rounds alternate, the best one of each counts (other work on the machine
only ever takes away). Exit 1 when `otter serve` has less than a third of nginx anywhere.
"""
import argparse
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tool"))
os.environ.setdefault("OTTER", str(HERE.parents[1] / "build/host/otter"))

from tool import OTTER, run  # noqa: E402

NGINX = """daemon off;
worker_processes auto;
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log;
events { worker_connections 8192; }
http {
    access_log %(folder)s/nginx.log;
    client_body_temp_path %(folder)s/t1; proxy_temp_path %(folder)s/t2; fastcgi_temp_path %(folder)s/t3;
    uwsgi_temp_path %(folder)s/t4; scgi_temp_path %(folder)s/t5;
    sendfile on;
    keepalive_requests 100000000;
    ssl_certificate %(folder)s/pki/http_server.crt;
    ssl_certificate_key %(folder)s/pki/http_server.key;
    ssl_session_cache shared:s:10m;
    server { listen 127.0.0.1:%(plain)d; listen 127.0.0.1:%(tls)d ssl; root %(folder)s/www; }
}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


def etag(scheme, port):
    if scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/ota_update.json")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.getheader("ETag")


def wrk(scheme, port, path, header, connections, seconds):
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-H", header, f"{scheme}://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True, timeout=seconds + 60, check=True)
    if re.search(r"Non-2xx|Socket errors", done.stdout):
        raise SystemExit(f"wrk: {done.stdout}")
    return float(re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not nginx or not shutil.which("wrk"):
        raise SystemExit("nginx and wrk are needed: scripts/setup.sh load")
    worst = 1e9
    started = []
    with tempfile.TemporaryDirectory(prefix="otter-bench-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        (folder / "www").mkdir()
        (folder / "www/ota_update.json").write_text('{"Version": "1.1.0", "File": "/app.bin", "Sequence": 1}\n')
        (folder / "www/app.bin").write_bytes(os.urandom(8 << 20))
        run(OTTER, "certs", "--out", "pki", cwd=folder)
        ports = {(who, scheme): free_port() for who in ("nginx", "otter") for scheme in ("http", "https")}
        config = "user root root;\n" if os.geteuid() == 0 else ""
        config += NGINX % {"folder": folder, "plain": ports["nginx", "http"], "tls": ports["nginx", "https"]}
        (folder / "nginx.conf").write_text(config)
        tls = ["--cert", "pki/http_server.crt", "--key", "pki/http_server.key"]
        try:
            started.append(subprocess.Popen([nginx, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"]))
            for scheme, words in (("http", []), ("https", tls)):
                with open(folder / f"otter-{scheme}.log", "wb") as log:
                    started.append(subprocess.Popen([OTTER, "serve", "--folder", "www", "--port", str(ports["otter", scheme]),
                                                     "--database", f"{scheme}.db", *words], cwd=folder, stdout=log))
            for port in ports.values():
                wait_for(port)
            print(f"{'':28} {'nginx':>10} {'otter':>10}  share", flush=True)
            for what, path, header, connections in (("304 polls/s", "/ota_update.json", "If-None-Match: %s", 64),
                                                    ("MiB/s in 1 MiB ranges", "/app.bin", "Range: bytes=1048576-2097151", 16)):
                for scheme in ("http", "https"):
                    best = {"nginx": 0.0, "otter": 0.0}
                    for _ in range(options.rounds):
                        for who in best:
                            port = ports[who, scheme]
                            value = header % etag(scheme, port) if "%s" in header else header
                            best[who] = max(best[who], wrk(scheme, port, path, value, connections, options.seconds))
                    share = best["otter"] / best["nginx"]
                    worst = min(worst, share)
                    print(f"{what + ', ' + scheme:28} {best['nginx']:10.0f} {best['otter']:10.0f}  {share:.2f}", flush=True)
        finally:
            for process in started:
                process.terminate()
            for process in started:
                process.wait(timeout=30)
    return 0 if worst >= 1 / 3 else 1


if __name__ == "__main__":
    sys.exit(main())
