# SPDX-License-Identifier: Apache-2.0
"""web.py - the web servers of this machine as programs: find them, configure them, start them.

Each runs as the current user, on a free port, with its own configuration in the case's folder.
local-web-server comes from npm into $OTTER_CACHE, once.
"""
import os
import shutil
import socket
import time

import harness
from harness import check, run

LWS_VERSION = "5.4.0"


class Skipped(Exception):
    """Not on this machine."""


def program(*names):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise Skipped("%s is not installed (scripts/setup.sh interop)" % names[0])


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
    npm, node = program("npm"), program("node")
    cache = os.environ.get("OTTER_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "otter")
    folder = os.path.join(cache, "local-web-server-" + LWS_VERSION)
    script = os.path.join(folder, "node_modules", "local-web-server", "bin", "cli.js")
    with bench.kit.lock:
        if not os.path.exists(script):
            aside = "%s.%d" % (folder, os.getpid())
            try:
                os.makedirs(aside)
            except OSError as why:
                raise Skipped("local-web-server has no place: %s" % why) from why
            done = run([npm, "install", "--prefix", aside, "--no-audit", "--no-fund", "--ignore-scripts",
                        "--loglevel=error", "local-web-server@" + LWS_VERSION], ok=False, timeout=240)
            if done.returncode != 0:
                shutil.rmtree(aside, ignore_errors=True)
                last = done.stderr.decode(errors="replace").strip().splitlines() or ["npm failed"]
                raise Skipped("npm cannot install local-web-server: %s" % last[-1])
            try:
                os.rename(aside, folder)
            except OSError:  # another run was faster
                shutil.rmtree(aside, ignore_errors=True)
    check(os.path.exists(script), "no %s in the npm package", script)
    return [node, script]
