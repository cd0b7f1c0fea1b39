#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""fleet.py - a whole fleet updates over TLS: from `otter serve`, with a database too, and from nginx.

usage: fleet.py [--devices N] [--size BYTES] [--markdown FILE] [otter] [database] [nginx]        OTTER=path of the tool

Every device makes a full handshake, fetches the image, resets, makes another full handshake (the
session was in RAM), confirms, and reports twice. With a database the devices have tokens, and take
signed jobs. nginx serves the same folder and hands reports on
to an `otter serve`. Server and fleet share this machine's processors. Exit 1 unless all succeed.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tool"))
from tool import OTTER, Serve, run  # noqa: E402

BOARD = "APP_CY8CPROTO_062S2_43439"
TICKS = os.sysconf("SC_CLK_TCK")
NGINX = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes auto;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/t1;
    proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    upstream reports {{ server 127.0.0.1:{reports}; keepalive 32; }}
    server {{
        listen 127.0.0.1:{port} ssl backlog=4096;
        ssl_certificate {folder}/pki/http_server.crt;
        ssl_certificate_key {folder}/pki/http_server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:otter:10m;
        root {folder}/www;
        location = /report {{
            proxy_pass http://reports;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


def cpu_of(pid):
    """Seconds of processor time that a process and its children took so far."""
    total = 0.0
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.name) == pid or int(fields[1]) == pid:
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def memory_of(pid):
    """The most memory, in bytes, that a process had."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def confirmed_in(path):
    """How many devices said that they confirmed, by a file of reports."""
    told = [json.loads(line)["report"] for line in path.read_text().splitlines()]
    return len({report["device"] for report in told if report["result"] == "confirmed"})


class Otter:
    name = "otter serve"
    options = ()

    def __init__(self, folder, _devices):
        self.reports = folder / "reports-otter.jsonl"
        self.start(folder, "--reports", self.reports)

    def start(self, folder, *words):
        self.serve = Serve(folder, "--folder", "www", "--cert", "pki/http_server.crt", "--key", "pki/http_server.key", *words)
        self.port, self.pid = self.serve.port, self.serve.process.pid

    def confirmed(self):
        return confirmed_in(self.reports)

    def stop(self):
        self.serve.stop()


class Database(Otter):
    name = "otter serve, SQLite, tokens, signed jobs"
    options = ("--tokens", "tokens", "--job-key", "job.pem")

    def __init__(self, folder, devices):
        self.database = folder / "fleet.db"
        (folder / "names").write_text("".join(f"unit-{i:05}\n" for i in range(devices)))
        run(OTTER, "device", "enrol", "--list", "names", "--database", "fleet.db", "--out", "tokens", cwd=folder)
        self.start(folder, "--database", "fleet.db")

    def confirmed(self):
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as db:
            return db.execute("SELECT count(DISTINCT device) FROM reports WHERE result = 'confirmed'").fetchone()[0]


class Nginx:
    name = "nginx, reports to otter serve"
    options = ()

    def __init__(self, folder, _devices):
        self.serve = Serve(folder, "--folder", "www", "--reports", "reports-nginx.jsonl")
        self.reports = folder / "reports-nginx.jsonl"
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=self.port, reports=self.serve.port))
        user = ["-g", "daemon off; user root;"] if os.geteuid() == 0 else ["-g", "daemon off;"]
        self.process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", *user], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.wait_until_up()

    def wait_until_up(self):
        for _ in range(100):
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("nginx does not start")

    def confirmed(self):
        return confirmed_in(self.reports)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        self.serve.stop()


def prepare(folder, size):
    def otter(*words):
        run(OTTER, *words, cwd=folder)
    otter("keygen", "--type", "ecdsa-p256", "key.pem")
    otter("certs", "--server", "localhost", "--out", "pki")
    otter("device", "app", "--version", "1.1.0", "--size", size, "-o", "app.bin")
    otter("sign", "--key", "key.pem", "--version", "1.1.0", "--header-size", "0x400", "app.bin", "app-1.1.0.bin")
    otter("publish", "--image", "app-1.1.0.bin", "--folder", "www", "--board", BOARD)
    otter("keygen", "--type", "ecdsa-p256", "job.pem")
    otter("publish", "--image", "app-1.1.0.bin", "--folder", "www", "--board", BOARD, "--job-key", "job.pem")


def measure(folder, kind, devices):
    server = kind(folder, devices)
    try:
        process = subprocess.Popen([OTTER, "fleet", "--server", f"https://localhost:{server.port}", "--ca", "pki/http_ca.crt", "--key", "key.pem",
                                    "--devices", str(devices), *server.options, "--poll-seconds", "30", "--start-spread", "5", "--until", "done=100%",
                                    "--duration", "600", "--json", "--plot", f"{kind.__name__.lower()}.svg"],
                                   cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        end = json.loads(out.splitlines()[-1])
        return {"name": kind.name, "end": end, "code": process.returncode, "fleet_cpu": usage.ru_utime + usage.ru_stime,
                "fleet_memory": usage.ru_maxrss * 1024, "cpu": cpu_of(server.pid), "memory": memory_of(server.pid),
                "told": server.confirmed()}
    finally:
        server.stop()


def mib(size):
    return f"{size / 1024 / 1024:,.0f}"


def row(got):
    end = got["end"]
    times = end["update_seconds"]
    return (got["name"], f"{end['states']['updated']:,}", f"{end['seconds']:.1f}", f"{end['states']['updated'] / end['seconds']:.0f}",
            f"{times['p50']:.1f}", f"{times['p99']:.1f}", f"{end['full_handshakes']:,}", f"{got['told']:,}",
            f"{got['cpu']:.1f}", f"{got['fleet_cpu']:.1f}", mib(got["memory"]), mib(got["fleet_memory"]))


def report(results):
    head = ("server", "updated", "seconds", "updates a second", "p50 s", "p99 s", "full handshakes", "confirmations reported",
            "server CPU s", "fleet CPU s", "server MiB", "fleet MiB")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row(got)) + " |" for got in results]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--devices", type=int, default=2000)
    parser.add_argument("--size", type=int, default=60000, help="of the image [60000]")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there, behind the text that stands")
    parser.add_argument("servers", nargs="*", choices=["otter", "database", "nginx", []], help="[all]")
    options = parser.parse_args()
    kinds = {"otter": Otter, "database": Database, "nginx": Nginx}
    if not shutil.which("nginx"):
        print("nginx is not installed: without it")
        kinds.pop("nginx")
    results = []
    with tempfile.TemporaryDirectory(prefix="otter-fleet-bench-") as name:
        os.chmod(name, 0o755)
        prepare(pathlib.Path(name), options.size)
        for word in options.servers or kinds:
            results.append(measure(pathlib.Path(name), kinds[word], options.devices))
    text = report(results)
    print(text)
    missed = [got["name"] for got in results if got["code"] != 0 or got["end"]["states"]["updated"] != options.devices
              or got["told"] != options.devices]
    print(f"all {options.devices:,} devices updated, and the server was told so by each: {'no: ' + ', '.join(missed) if missed else 'yes'}")
    if options.markdown:
        path = pathlib.Path(options.markdown)
        mark = "<!-- table: test/bench/fleet.py --markdown -->"
        path.write_text(path.read_text().split(mark)[0] + mark + "\n\n" + text)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
