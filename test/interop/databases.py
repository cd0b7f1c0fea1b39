#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""databases.py - several `otter serve` on one PostgreSQL behind nginx, sharing nothing else.

PostgreSQL and nginx are Debian's programs, each with a temporary folder of its own, ended by its
process id. Prints "N passed, N failed".
"""
import http.client
import json
import os
import pathlib
import queue
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tool"))
os.environ.setdefault("OTTER", str(HERE.parents[1] / "build/host/otter"))
os.environ["OTTER"] = str(pathlib.Path(os.environ["OTTER"]).resolve())

from postgres import Missing, Postgres  # noqa: E402
from tool import OTTER, Serve, run  # noqa: E402

DEVICES, REPORTS_EACH, WORKERS = 500, 2, 16
NGINX = """daemon off;
master_process off;
pid %(folder)s/nginx.pid;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path %(folder)s/t1; proxy_temp_path %(folder)s/t2; fastcgi_temp_path %(folder)s/t3;
    uwsgi_temp_path %(folder)s/t4; scgi_temp_path %(folder)s/t5;
    upstream otter { %(servers)s keepalive 16; }
    server {
        listen 127.0.0.1:%(port)d;
        root %(www)s;
        location = /report {
            proxy_pass http://otter;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
    }
}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


class Databases(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.addClassCleanup(cls.postgres.remove)

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="otter-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.folder.chmod(0o755)
        (self.folder / "www").mkdir()
        (self.folder / "www/ota_update.json").write_text('{"Version": "1.1.0", "Sequence": 1}\n')

    def serve(self, url, *words):
        server = Serve(self.folder, "--folder", "www", "--database", url, *words)
        self.addCleanup(lambda: server.process.returncode is None and server.stop())
        return server

    def enrol(self, url, count):
        (self.folder / "names").write_text("".join(f"d{i}\n" for i in range(count)))
        out = run(OTTER, "device", "enrol", "--list", "names", "--database", url, cwd=self.folder).stdout.decode()
        return dict(line.split() for line in out.splitlines())

    def nginx(self, servers):
        path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not path:
            raise Missing("nginx is not installed (scripts/setup.sh interop)")
        folder, port = self.folder / "nginx", free_port()
        folder.mkdir()
        config = "user root root;\n" if os.geteuid() == 0 else ""
        lines = " ".join(f"server 127.0.0.1:{server.port} max_fails=1 fail_timeout=1s;" for server in servers)
        config += NGINX % {"folder": folder, "port": port, "www": self.folder / "www", "servers": lines}
        (folder / "nginx.conf").write_text(config)
        process = subprocess.Popen([path, "-p", folder, "-e", folder / "error.log", "-c", folder / "nginx.conf"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.terminate)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return port
            except OSError:
                time.sleep(0.05)
        raise AssertionError((folder / "error.log").read_text())

    def test_the_same_questions_have_the_same_answers(self):
        """The unit tests of the database's interface, on PostgreSQL."""
        program = pathlib.Path(OTTER).parent / "test/test_fleet_db"
        done = subprocess.run([program], env={**os.environ, "OTTER_TEST_DATABASE": self.postgres.database("unit")},
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_two_that_start_at_once_on_an_empty_database(self):
        url = self.postgres.database("several")
        words = [OTTER, "serve", "operator", "list", "--database", url]
        both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(6)]
        for process in both:
            _, error = process.communicate(timeout=60)
            self.assertEqual((process.returncode, error), (0, b""))
        self.assertEqual(self.postgres.query("SELECT COUNT(*) FROM meta WHERE version > 0", "several"), [["1"]])

    def report_all(self, port, tokens, on_half):
        """Every device reports until each report was answered 204; on_half() is called in the middle."""
        work = queue.Queue()
        jobs = [(name, number) for name in tokens for number in range(REPORTS_EACH)]
        random.Random(3).shuffle(jobs)
        for job in jobs:
            work.put(job)
        answered, statuses, lock = [], {}, threading.Lock()
        deadline = time.monotonic() + 120

        def ask(connection, name, number):
            body = json.dumps({"id": f"{number:016x}", "device": name, "board": "kit", "from": "1.0.0", "to": "1.1.0",
                               "result": "confirmed", "sequence": 1})
            try:
                connection.request("POST", "/report", body, {"Authorization": "Bearer " + tokens[name]})
                answer = connection.getresponse()
                answer.read()
                return answer.status
            except (OSError, http.client.HTTPException):
                connection.close()
                return 0

        def worker():
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            while time.monotonic() < deadline:
                try:
                    name, number = work.get_nowait()
                except queue.Empty:
                    break
                status = ask(connection, name, number)
                with lock:
                    statuses[status] = statuses.get(status, 0) + 1
                    if status == 204:
                        answered.append((name, f"{number:016x}"))
                        if len(answered) == len(jobs) // 2:
                            on_half()
                if status != 204:
                    time.sleep(0.05)
                    work.put((name, number))  # as a device does, under the same id
            connection.close()
        threads = [threading.Thread(target=worker) for _ in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answered), len(jobs), statuses)
        return answered, statuses

    def test_one_of_two_is_killed_and_every_report_is_there_once(self):
        url = self.postgres.database("killed")
        tokens = self.enrol(url, DEVICES)
        servers = [self.serve(url, "--behind-proxy", "--no-page") for _ in range(2)]
        port = self.nginx(servers)
        begin = time.monotonic()
        answered, statuses = self.report_all(port, tokens, servers[0].process.kill)
        seconds = time.monotonic() - begin
        servers[0].stop()
        rows = [tuple(row) for row in self.postgres.query("SELECT device, id FROM reports", "killed")]
        self.assertEqual(len(rows), len(set(rows)))
        self.assertEqual(set(rows), set(answered))
        self.assertEqual(self.postgres.query("SELECT state, version, COUNT(*) FROM devices GROUP BY state, version", "killed"),
                         [["ok", "1.1.0", str(DEVICES)]])
        taken = [len([entry for entry in server.requests() if entry["status"] == 204]) for server in servers]
        self.assertGreater(min(taken), 50)
        print(f"{DEVICES} devices, {len(rows)} reports through nginx to two servers ({taken[0]} until it was killed, {taken[1]}), "
              f"each there once; {len(rows) / seconds:.0f} a second; answers {dict(sorted(statuses.items()))}", flush=True)

    def test_the_database_goes_and_comes_back(self):
        url = self.postgres.database("away")
        tokens = self.enrol(url, 1)
        server = self.serve(url)

        def ask(method, path, number=0):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            body = json.dumps({"id": str(number), "result": "confirmed"}) if method == "POST" else None
            connection.request(method, path, body, {"Authorization": "Bearer " + tokens["d0"]})
            status = connection.getresponse().status
            connection.close()
            return status
        self.assertEqual(ask("POST", "/report", 1), 204)
        self.postgres.stop()
        try:
            self.assertEqual(ask("POST", "/report", 2), 503)
            self.assertEqual(ask("GET", "/ota_update.json"), 200)
        finally:
            self.postgres.start()
        for _ in range(50):
            if ask("POST", "/report", 2) == 204:
                break
            time.sleep(0.2)
        self.assertEqual(self.postgres.query("SELECT id FROM reports ORDER BY serial", "away"), [["1"], ["2"]])
        self.assertEqual(server.stop(), 0)
        self.assertIn("is away", server.errors)
        self.assertIn("is back", server.errors)
        self.assertNotIn("password", server.errors)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Databases)
    try:
        result = unittest.TextTestRunner(verbosity=0).run(suite)
    except Missing as why:
        print(f"skipped: {why}\n0 passed, 1 failed")
        return 1
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - min(bad, result.testsRun)} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
