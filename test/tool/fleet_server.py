# SPDX-License-Identifier: Apache-2.0
"""fleet_server.py - what tests of `otter serve --database` share: enrolled devices, reports, the database."""
import http.client
import json
import os
import sqlite3
import time

from tool import Folder, Serve

DATABASE = os.environ.get("OTTER_TEST_DATABASE")  # an empty PostgreSQL database, or nothing: SQLite


class Device:
    """One device with a token, on a connection that it keeps."""

    def __init__(self, port, name, token):
        self.port, self.name, self.token = port, name, token
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def request(self, method, path, body=None, **headers):
        if self.token:
            headers.setdefault("Authorization", "Bearer " + self.token)
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        self.body = answer.read()
        self.headers = {key.lower(): value for key, value in answer.getheaders()}
        return answer.status

    def report(self, number, result="confirmed", to="1.1.0", **more):
        said = {"id": f"{number:016x}", "device": self.name, "board": "kit", "from": "1.0.0", "to": to, "result": result,
                "reason": "none", "attempts": 1, "bytes": 1000, "seconds": 2, "sequence": 1, **more}
        return self.request("POST", "/report", json.dumps(said))

    def close(self):
        self.connection.close()


class FleetServer(Folder):
    """A folder `www`, a database, and servers that end with the test."""

    def setUp(self):
        super().setUp()
        self.database = DATABASE or "fleet.db"
        self.www = self.folder / "www"
        self.www.mkdir()
        (self.www / "ota_update.json").write_text('{"Version": "1.1.0", "Sequence": 1, "Report": "/told"}\n')
        (self.www / "app.bin").write_bytes(bytes(1000))

    def serve(self, *words, port=0):
        server = Serve(self.folder, "--folder", "www", "--database", self.database, "--port", port, *words)
        self.addCleanup(lambda: server.process.returncode is None and server.stop())
        return server

    def enrol(self, *names, words=()):
        out = self.otter("device", "enrol", *names, "--database", self.database, *words).stdout.decode()
        return dict(line.split() for line in out.splitlines())

    def device(self, server, name, token):
        device = Device(server.port, name, token)
        self.addCleanup(device.close)
        return device

    def rows(self, sql):
        with sqlite3.connect(self.folder / "fleet.db", timeout=20) as db:
            return db.execute(sql).fetchall()

    def wait_for(self, what, seconds=10):
        end = time.monotonic() + seconds
        while not (value := what()):
            self.assertLess(time.monotonic(), end, "it did not come to pass")
            time.sleep(0.05)
        return value
