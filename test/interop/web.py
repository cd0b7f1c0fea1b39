# SPDX-License-Identifier: Apache-2.0
"""web.py - the web servers of this machine as programs: find them, configure them, start them.

Each runs as the current user, on a free port, with its own configuration in the case's folder.
local-web-server comes from npm into $OTTER_CACHE, once.
"""
import os
import socket
import time

import harness
import npm
from harness import check
from npm import Skipped, program  # noqa: F401 - the servers' cases take them from here

LWS_VERSION = "5.4.0"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def launch(bench, args, port, folder=None):
    """Start a server and wait until it accepts; its output goes to a file."""
    log_path = os.path.join(bench.folder, "server.log")
    with open(log_path, "ab") as log:
        process = bench.spawn(args, stdout=log, stderr=log, cwd=folder or bench.folder)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            time.sleep(0.05)
    with open(log_path, errors="replace") as log:
        raise harness.Failed("%s does not serve: %s" % (args[0], log.read()[-600:]))


NGINX = """daemon off;
master_process off;
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log;
events {}
http {
    log_format short '$request_method $uri $status $body_bytes_sent $ssl_protocol $ssl_session_reused $connection';
    access_log %(folder)s/access.log short;
    client_body_temp_path %(folder)s/t1;
    proxy_temp_path %(folder)s/t2;
    fastcgi_temp_path %(folder)s/t3;
    uwsgi_temp_path %(folder)s/t4;
    scgi_temp_path %(folder)s/t5;
    server {
        listen 127.0.0.1:%(port)d%(ssl)s;
        root %(www)s;
        ssl_certificate %(certs)s/http_server.crt;
        ssl_certificate_key %(certs)s/http_server.key;
        %(more)s
    }
}
"""


def log_of(folder):
    with open(folder + "/access.log") as f:
        return [line.split() for line in f]


def local_web_server(bench):
    """The `ws` program, from npm into the cache on first use."""
    with bench.kit.lock:
        folder = npm.package("local-web-server", LWS_VERSION)
    node = program("node")
    script = os.path.join(folder, "node_modules", "local-web-server", "bin", "cli.js")
    check(os.path.exists(script), "no %s in the npm package", script)
    return [node, script]
