# SPDX-License-Identifier: Apache-2.0
"""test_serve_fleet.py - `otter serve --database`: who may report what, and that nothing answered is lost."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import socket
import sqlite3
import ssl
import threading
import time
import unittest

from fleet_server import Device, FleetServer
from tool import OTTER, run


class Reports(FleetServer):
    def test_a_device_reports_once_for_itself(self):
        tokens = self.enrol("d1", "d2")
        server = self.serve()
        d1 = self.device(server, "d1", tokens["d1"])
        self.assertEqual(d1.report(1, "reverted", reason="watchdog"), 204)
        self.assertEqual(d1.report(1, "reverted", reason="watchdog"), 204)
        self.assertEqual(d1.report(2), 204)
        self.assertEqual(d1.report(3, device="d2"), 403)
        self.assertEqual(d1.report(4, device=""), 204)  # the token says who
        self.assertEqual(d1.request("POST", "/told", json.dumps({"result": "confirmed", "to": "1.1.0"})), 204)
        self.assertEqual(self.rows("SELECT device, id, result, reason FROM reports ORDER BY serial")[:3],
                         [("d1", f"{1:016x}", "reverted", "watchdog"), ("d1", f"{2:016x}", "confirmed", "none"),
                          ("d1", f"{4:016x}", "confirmed", "none")])
        self.assertEqual(self.rows("SELECT COUNT(*), COUNT(DISTINCT device) FROM reports"), [(4, 1)])
        self.assertEqual(self.rows("SELECT state, version, board FROM devices WHERE device = 'd1'"), [("ok", "1.1.0", "kit")])
        self.assertEqual(server.stop(), 0)
        self.assertEqual(len([entry for entry in server.log if entry["event"] == "report"]), 4)

    def test_the_documents_paths_are_known_from_the_first_request_on(self):
        """A device takes a 405 for "wants no reports" and forgets what it had to tell."""
        tokens = self.enrol("d1")
        job = {"Version": "1.1.0", "Sequence": 1, "Report": "/told?by=all", "Padding": list(range(100000))}
        (self.www / "ota_update.json").write_text(json.dumps(job))
        server = self.serve()
        d1 = self.device(server, "d1", tokens["d1"])

        def tell(path, number):
            return d1.request("POST", path, json.dumps({"id": str(number), "result": "confirmed", "to": "1.1.0"}))
        self.assertEqual(tell("/told", 1), 204)
        self.assertEqual(tell("/elsewhere", 2), 405)
        new = self.www / ".new"
        new.write_text(json.dumps({"Version": "1.1.0", "Sequence": 2, "Report": "/elsewhere"}))
        os.replace(new, self.www / "ota_update.json")
        self.wait_for(lambda: tell("/elsewhere", 3) == 204)
        self.assertEqual(tell("/told", 4), 204)  # a device that has the document before
        self.assertEqual(self.rows("SELECT id FROM reports ORDER BY serial"), [("1",), ("3",), ("4",)])

    def test_strangers_are_refused(self):
        tokens = self.enrol("d1")
        server = self.serve()
        for token, status in ((None, 401), ("x", 401), (tokens["d1"][:-1], 401), (tokens["d1"] + "x", 401), (tokens["d1"], 204)):
            device = self.device(server, "d1", token)
            self.assertEqual(device.report(1), status, token)
            self.assertEqual(status == 401, "www-authenticate" in device.headers)
        self.otter("device", "enrol", "--revoke", "d1", "--database", self.database)
        self.assertEqual(device.report(2), 401)
        new = self.enrol("d1")["d1"]
        self.assertEqual(device.report(3), 401)
        self.assertEqual(self.device(server, "d1", new).report(4), 204)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM reports"), [(2,)])
        self.assertEqual(self.rows("SELECT COUNT(*) FROM tokens WHERE hash LIKE '%" + new + "%'"), [(0,)])

    def test_certificates_say_who(self):
        self.otter("certs", "--out", "pki")
        self.otter("certs", "--client", "d1", "--client", "d2", "--out", "pki")
        server = self.serve("--cert", "pki/http_server.crt", "--key", "pki/http_server.key", "--client-ca", "pki/http_ca.crt",
                            "--client-ca-optional")

        def report(name, claimed, number):
            context = ssl.create_default_context(cafile=self.folder / "pki/http_ca.crt")
            if name:
                context.load_cert_chain(self.folder / f"pki/{name}.crt", self.folder / f"pki/{name}.key")
            connection = http.client.HTTPSConnection("localhost", server.port, timeout=20, context=context)
            connection.request("POST", "/report", json.dumps({"device": claimed, "id": str(number), "result": "confirmed"}))
            status = connection.getresponse().status
            connection.close()
            return status
        self.assertEqual(report("d1", "d1", 1), 204)
        self.assertEqual(report("d1", "", 2), 204)
        self.assertEqual(report("d1", "d2", 3), 403)
        self.assertEqual(report("d2", "d2", 1), 204)
        self.assertEqual(report(None, "d2", 2), 401)
        self.otter("device", "enrol", "--revoke", "d2", "--database", self.database)
        self.assertEqual(report("d2", "d2", 3), 403)
        self.assertEqual(self.rows("SELECT device, COUNT(*) FROM reports GROUP BY device ORDER BY device"), [("d1", 2), ("d2", 1)])

    def test_open_reports_are_taken_as_they_claim(self):
        server = self.serve("--open-reports")
        device = self.device(server, "anyone", None)
        self.assertEqual(device.report(1), 204)
        self.assertEqual(device.report(2, device=""), 400)
        server.stop()
        self.assertTrue([note for note in server.notes() if "--open-reports" in note])

    def test_odd_reports(self):
        tokens = self.enrol("d1")
        server = self.serve("--device-rate", 0)
        device = self.device(server, "d1", tokens["d1"])
        for body in ("", "[]", "{", '{"device":"d1"}', '{"device":"d1","result":""}', '{"device":"d1","result":5}',
                     json.dumps({"device": "x" * 65, "result": "confirmed"}),
                     json.dumps({"id": "x" * 65, "result": "confirmed"}), '{"result":"a\\u0000b"}', '{"result":"\\ud800"}'):
            self.assertEqual(device.request("POST", "/report", body), 400, body)
        self.assertEqual(device.request("POST", "/report", json.dumps({"device": "d1\n", "result": "confirmed"})), 403)
        inert = "<script>alert(1)</script>'; DROP TABLE reports; -- \x1b[2J\u202e&\"\\"
        body = {key: inert for key in ("id", "board", "from", "to", "result", "reason")}
        body["id"] = body["id"][:60]
        self.assertEqual(device.request("POST", "/report", json.dumps({**body, "attempts": -5, "bytes": 2**62, "seconds": "x"})), 204)
        self.assertEqual(device.request("POST", "/report", json.dumps({"result": "€" * 100, "reason": "ok", "id": "2"})), 204)
        got = self.rows("SELECT board, result, attempts, bytes, seconds FROM reports ORDER BY serial")
        self.assertEqual(got[0][2:], (0, 2**62, 0))
        self.assertEqual(got[0][0], inert.replace("\x1b", "?")[:64])
        self.assertEqual(got[1][1], "€" * 13)  # cut between characters
        status = device.request("POST", "/report", "x" * 20000)
        self.assertIn(status, (400, 413))

    def test_polls_are_noted_and_written_down(self):
        tokens = self.enrol("d1", "d2")
        server = self.serve()
        device = self.device(server, "d1", tokens["d1"])
        self.assertEqual(device.request("GET", "/ota_update.json", User_Agent="otter app/1.0.0"), 200)
        self.assertEqual(self.device(server, "d2", "wrong").request("GET", "/ota_update.json", User_Agent="otter app/6.6.6"), 200)
        state = "SELECT state, version FROM devices WHERE device = 'd1'"
        self.wait_for(lambda: self.rows(state) == [("ok", "1.0.0")])
        time.sleep(1.1)
        device.request("GET", "/app.bin", User_Agent="otter app/1.0.0")
        self.wait_for(lambda: self.rows(state) == [("updating", "1.0.0")])
        time.sleep(1.1)
        device.request("GET", "/ota_update.json", User_Agent="otter app/1.1.0+2")
        self.assertEqual(server.stop(), 0)  # writes down what it has
        self.assertEqual(self.rows(state), [("ok", "1.1.0+2")])
        self.assertEqual(self.rows("SELECT state, last_seen FROM devices WHERE device = 'd2'"), [("enrolled", 0)])
        self.assertIn(("1.1.0+2", 1), self.rows("SELECT version, devices FROM versions WHERE at = (SELECT MAX(at) FROM versions)"))

    def test_what_was_never_told_is_settled_by_later_polls(self):
        """Power was cut between the confirmation and its report."""
        tokens = self.enrol("d1", "d2")
        server = self.serve()
        rows = "SELECT device, result, source, from_version, to_version FROM reports ORDER BY serial"
        state = "SELECT state, version, target FROM devices WHERE device = 'd1'"
        d1 = self.device(server, "d1", tokens["d1"])
        self.assertEqual(d1.report(1, "installing"), 204)
        time.sleep(1.1)
        self.assertEqual(d1.request("GET", "/ota_update.json", User_Agent="otter app/1.1.0"), 200)  # on trial
        etag = d1.headers["etag"]
        self.wait_for(lambda: self.rows(state) == [("updating", "1.1.0", "1.1.0")])
        stranger = self.device(server, "d1", "wrong")
        stranger.request("GET", "/ota_update.json", User_Agent="otter app/1.1.0", If_None_Match=etag)
        time.sleep(1.1)
        self.assertEqual(self.rows(state), [("updating", "1.1.0", "1.1.0")])
        self.assertEqual(d1.request("GET", "/ota_update.json", User_Agent="otter app/1.1.0", If_None_Match=etag), 304)
        self.wait_for(lambda: self.rows(state) == [("ok", "1.1.0", "")])
        told = ("d1", "installing", "report", "1.0.0", "1.1.0")
        self.assertEqual(self.rows(rows), [told, ("d1", "confirmed", "poll", "1.0.0", "1.1.0")])
        seen = json.loads((d1.request("GET", "/api/devices/d1"), d1.body)[1])["reports"][0]
        self.assertEqual((seen["result"], seen["source"]), ("confirmed", "poll"))
        d1.request("GET", "/devices/d1")
        self.assertIn(b"confirmed, not told", d1.body)
        self.assertEqual(d1.report(2), 204)  # late after all
        self.assertEqual(self.rows(rows), [told, ("d1", "confirmed", "report", "1.0.0", "1.1.0")])

    def test_old_reports_go(self):
        tokens = self.enrol("d1", "d2")
        server = self.serve()
        for name in ("d1", "d2"):
            device = self.device(server, name, tokens[name])
            self.assertEqual([device.report(number) for number in range(3)], [204] * 3)
        self.assertEqual(server.stop(), 0)
        with sqlite3.connect(self.folder / "fleet.db") as db:
            db.execute("UPDATE reports SET at = at - 86400 * (10 - serial)")  # nine days old, eight, ...
        ages = "SELECT serial FROM reports ORDER BY serial"
        self.serve("--keep", "ever")
        server = self.serve("--keep", "8d")
        self.wait_for(lambda: self.rows(ages) == [(3,), (4,), (5,), (6,)])
        server.stop()
        self.serve("--keep", "36h")
        self.wait_for(lambda: self.rows(ages) == [(3,), (6,)])  # the newest of each

    def test_the_job_and_its_history_are_followed(self):
        server = self.serve()
        self.wait_for(lambda: self.rows("SELECT sequence, action, version, permille FROM rollouts") == [(1, "seen", "1.1.0", 1000)])
        (self.folder / "www.history.jsonl").write_text(
            '{"time":1800000000,"who":"ann","action":"publish","sequence":1,"version":"1.1.0","permille":1000,"rings":"","message":"first"}\n'
            '{"time":1800000100,"who":"bob","action":"raise","sequence":2,"version":"1.1.0","permille":100,"rings":"early","message":""}\n'
            '{"time":1800000190,"who":"bob","action":"raise","sequence":3,"version":"1.1.0","permille":500,"rings":"","message":""}\n'
            '{"time":1800000200,"who":"bob","action":"failed","sequence":3,"message":""}\n'
            '{"time":1800000300,"who":"bob","action":"raise","sequence":4,"version":"1.1.0","permille":100,"rings":"early","message":""}\n')
        new = self.www / ".new"
        new.write_text(json.dumps({"Version": "1.1.0", "Sequence": 4, "Rollout": {"Permille": 100, "Salt": "s", "Rings": "early"}}))
        os.replace(new, self.www / "ota_update.json")
        self.wait_for(lambda: self.rows("SELECT sequence, action, permille, rings, who, message FROM rollouts ORDER BY sequence") ==
                      [(1, "publish", 1000, "", "ann", "first"), (2, "raise", 100, "early", "bob", ""), (4, "raise", 100, "early", "bob", "")])
        server.stop()
        self.assertTrue([note for note in server.notes() if "sequence 4" in note], server.notes())


class Away(FleetServer):
    def test_nothing_answered_is_lost_by_kill_9(self):
        names = [f"d{i}" for i in range(8)]
        tokens = self.enrol(*names)
        server = self.serve("--device-rate", 0)
        answered, stop = [], threading.Event()

        def work(name):
            device = Device(server.port, name, tokens[name])
            try:
                for number in range(100000):
                    if stop.is_set() or device.report(number) != 204:
                        return
                    answered.append((name, f"{number:016x}"))
            except (OSError, http.client.HTTPException):
                pass  # killed
            finally:
                device.close()
        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        time.sleep(1.0)
        server.kill()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertGreater(len(answered), 50)
        there = self.rows("SELECT device, id FROM reports")
        self.assertEqual(len(there), len(set(there)))
        self.assertFalse(set(answered) - set(there))
        self.assertLessEqual(len(set(there) - set(answered)), len(names))  # stored, the answer cut off

    def test_503_while_the_database_is_away_and_files_go_on(self):
        tokens = self.enrol("d1")
        server = self.serve()
        device = self.device(server, "d1", tokens["d1"])
        self.assertEqual(device.report(1), 204)
        os.rename(self.folder / "fleet.db", self.folder / "away.db")
        self.assertEqual(device.report(2), 503)
        self.assertIn("retry-after", device.headers)
        self.assertEqual(device.request("GET", "/app.bin"), 200)
        self.assertEqual(device.request("GET", "/health"), 200)
        self.assertFalse((self.folder / "fleet.db").exists())  # no new one made in its place
        os.rename(self.folder / "away.db", self.folder / "fleet.db")
        self.wait_for(lambda: device.report(2) == 204)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM reports"), [(2,)])
        server.stop()
        self.assertIn("is away", server.errors)
        self.assertIn("is back", server.errors)

    def test_what_waits_is_written_at_the_end(self):
        names = [f"d{i}" for i in range(20)]
        tokens = self.enrol(*names)
        server = self.serve()
        sockets = []
        for name in names:
            body = json.dumps({"device": name, "id": "1", "result": "confirmed"}).encode()
            raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
            raw.sendall(b"POST /report HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b" %
                        (tokens[name].encode(), len(body), body))
            sockets.append(raw)
        heads = [raw.recv(1000).split(b" ", 2)[1] for raw in sockets]
        self.assertEqual(server.stop(), 0)
        for raw in sockets:
            raw.close()
        self.assertEqual(heads, [b"204"] * 20)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM reports"), [(20,)])


class Limits(FleetServer):
    def test_one_device_and_one_address_have_limits(self):
        tokens = self.enrol("d1", "d2")
        server = self.serve("--device-rate", 60)
        d1, d2 = (self.device(server, name, tokens[name]) for name in ("d1", "d2"))
        statuses = [d1.report(number) for number in range(30)]
        self.assertIn(429, statuses)
        self.assertGreaterEqual(statuses.count(204), 20)
        d1.report(99)
        self.assertRegex(d1.headers["retry-after"], r"^\d+$")
        self.assertEqual(d2.report(1), 204)
        server.stop()
        server = self.serve("--peer-rate", 5)
        device = self.device(server, "d1", None)
        statuses = [device.request("GET", "/ota_update.json") for _ in range(80)]
        self.assertIn(429, statuses)
        self.assertGreaterEqual(statuses.count(200), 50)
        self.assertEqual(statuses[0], 200)

    def trickle(self, port, first):
        """Send these, then a byte now and then; how long until it is let go."""
        with socket.create_connection(("127.0.0.1", port), timeout=0.3) as raw:
            begin = time.monotonic()
            raw.sendall(first)
            while time.monotonic() - begin < 25:
                try:
                    if raw.recv(100) == b"":
                        break
                except TimeoutError:
                    pass
                except OSError:
                    break
                try:
                    raw.sendall(b"x" if first else b"")
                except OSError:
                    break
            return time.monotonic() - begin

    def test_clients_that_trickle_are_let_go(self):
        server = self.serve("--request-timeout", "1")
        device = self.device(server, "d1", None)  # idle between requests is no trickle
        self.assertEqual(device.request("GET", "/health"), 200)
        head = b"POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n"
        with concurrent.futures.ThreadPoolExecutor() as pool:  # slow in the head, in the body; silent
            times = list(pool.map(lambda first: self.trickle(server.port, first), (b"P", head, head + b"\r\nx", b"")))
        self.assertLess(max(times), 20, times)
        self.assertGreater(min(times), 0.5, times)
        time.sleep(max(0, 2.5 - max(times)))
        self.assertEqual(device.request("GET", "/health"), 200)
        server.stop()
        self.assertEqual(len({entry["client"] for entry in server.requests() if entry["path"] == "/health"}), 1)

    def test_thousands_of_idle_connections(self):
        server = self.serve()
        count = 2000
        sockets = []
        try:
            for _ in range(count):
                raw = socket.create_connection(("127.0.0.1", server.port), timeout=10)
                raw.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                sockets.append(raw)
            for raw in sockets:
                self.assertIn(b"200 OK", raw.recv(500))
            device = self.device(server, "d1", None)
            begin = time.monotonic()
            for _ in range(20):
                self.assertEqual(device.request("GET", "/app.bin"), 200)
            self.assertLess(time.monotonic() - begin, 20)
            sockets[7].sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertIn(b"200 OK", sockets[7].recv(500))
            memory = int(pathlib.Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
            if "asan" not in OTTER:
                self.assertLess(memory, 64 << 20)
        finally:
            for raw in sockets:
                raw.close()

    def test_behind_a_proxy_its_word_counts(self):
        server = self.serve("--behind-proxy", "--peer-rate", 5)
        device = self.device(server, "d1", None)
        a = [device.request("GET", "/health", X_Forwarded_For="6.6.6.6, 192.0.2.1") for _ in range(60)]
        self.assertIn(429, a)
        self.assertEqual(device.request("GET", "/health", X_Forwarded_For="192.0.2.1, 192.0.2.2"), 200)
        server.stop()
        self.assertEqual(server.requests()[-1]["client"], "192.0.2.2")


class Halts(FleetServer):
    """--halt-after: the server itself signs the halt."""

    def setUp(self):
        super().setUp()
        os.unlink(self.www / "ota_update.json")
        self.otter("keygen", "--type", "ecdsa-p256", "sign.pem")
        self.otter("keygen", "--type", "ecdsa-p256", "job.pem")
        (self.folder / "payload").write_bytes(bytes(3000))
        self.publish("1.1.0")

    def publish(self, version, *words):
        self.otter("sign", "--key", "sign.pem", "--version", version, "--map", "psoc62_2m_ext_swap_single", "payload", "app.bin")
        self.otter("publish", "--image", "app.bin", "--folder", "www", "--job-key", "job.pem", "--board", "B", "--rollout", "10%", *words)

    def state(self):
        return json.loads(self.otter("rollout", "status", "--folder", "www", "--job-key", "job.pem", "--json").stdout)

    def test_a_rollout_halts_by_itself(self):
        names = [f"d{i}" for i in range(6)]
        tokens = self.enrol(*names)
        server = self.serve("--job-key", "job.pem", "--halt-after", "3")
        devices = [self.device(server, name, tokens[name]) for name in names]
        self.wait_for(lambda: self.rows("SELECT version, permille FROM rollouts") == [("1.1.0", 100)])
        for _ in range(2):  # the same device twice is one device; other versions and results do not count
            self.assertEqual(devices[0].report(1, "reverted"), 204)
        self.assertEqual(devices[0].report(2, "reverted"), 204)
        self.assertEqual(devices[1].report(1, "reverted", to="1.0.5"), 204)
        self.assertEqual(devices[2].report(1, "unreachable"), 204)
        self.assertEqual(devices[3].report(1, "bad-image"), 204)
        time.sleep(0.7)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM rollouts"), [(1,)])
        self.assertEqual(devices[4].report(1, "reverted"), 204)
        self.wait_for(lambda: self.rows("SELECT sequence, action, permille, who FROM rollouts ORDER BY sequence")[1:] ==
                      [(2, "halt", 0, "otter serve")])
        self.assertIn("halted", json.dumps(self.state()).lower())
        self.otter("rollout", "resume", "--folder", "www", "--job-key", "job.pem")
        self.wait_for(lambda: self.rows("SELECT COUNT(*) FROM rollouts") == [(3,)])
        self.assertEqual(devices[5].report(1, "reverted", sequence=3), 204)  # those before the resume do not count again
        time.sleep(0.7)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM rollouts"), [(3,)])
        self.assertEqual(server.stop(), 0)
        self.assertTrue([note for note in server.notes() if "halted" in note], server.notes())

    def test_another_key_cannot_halt_and_it_is_said(self):
        tokens = self.enrol("d1")
        self.otter("keygen", "--type", "ecdsa-p256", "other.pem")
        server = self.serve("--job-key", "other.pem", "--halt-after", "1")
        self.wait_for(lambda: [note for note in server.notes() if "is not signed with --job-key" in note])
        self.assertEqual(self.device(server, "d1", tokens["d1"]).report(1, "reverted"), 204)
        self.wait_for(lambda: [note for note in server.notes() if "could not be halted" in note])
        self.assertEqual(self.rows("SELECT COUNT(*) FROM rollouts"), [(1,)])


class Agents(FleetServer):
    def setUp(self):
        super().setUp()
        os.unlink(self.www / "ota_update.json")
        self.otter("certs", "--out", "pki")
        self.otter("certs", "--client", "kit-1", "--out", "pki")
        for name in ("sign.pem", "job.pem"):
            self.otter("keygen", "--type", "ecdsa-p256", name)
        for version in ("1.0.0", "1.1.0"):
            self.otter("device", "app", "--version", version, "-o", "payload")
            self.otter("sign", "--key", "sign.pem", "--version", version, "--map", "psoc62_2m_ext_swap_single", "payload", version + ".bin")

    def follow(self, served, published, given):
        self.otter("publish", "--image", "1.1.0.bin", "--folder", "www", "--board", "APP_CY8CPROTO_062S2_43439", *published)
        server = self.serve("--cert", "pki/http_server.crt", "--key", "pki/http_server.key", *served)
        self.otter("device", "init", "kit", "--map", "psoc62_2m_ext_swap_single", "--key", "sign.pem", "--image", "1.0.0.bin", "--server",
                   f"https://localhost:{server.port}", "--ca", "pki/http_ca.crt", "--device-id", "kit-1", "--poll-seconds", "1", *given)
        self.otter("device", "run", "kit", "--until", "confirmed=1.1.0", "--until", "reported", "--timeout", "50")
        self.assertEqual(self.rows("SELECT device, result, from_version, to_version, board FROM reports ORDER BY serial"),
                         [("kit-1", result, "1.0.0", "1.1.0", "APP_CY8CPROTO_062S2_43439") for result in ("installing", "confirmed")])
        self.assertEqual(self.rows("SELECT device, state, version FROM devices"), [("kit-1", "ok", "1.1.0")])
        self.assertTrue(all(len(row[0]) == 16 for row in self.rows("SELECT id FROM reports")))
        seen = self.rows("SELECT last_seen FROM devices")
        time.sleep(1.1)
        self.otter("device", "run", "kit", "--until", "polls=2", "--timeout", "20")
        self.wait_for(lambda: self.rows("SELECT last_seen FROM devices") > seen)

    def test_a_real_device_is_followed_through_its_update(self):
        self.follow(("--client-ca", "pki/http_ca.crt"), (), ("--cert", "pki/kit-1.crt", "--key-file", "pki/kit-1.key"))

    def test_a_real_device_with_a_token_and_signed_jobs(self):
        token = self.enrol("kit-1")["kit-1"]
        (self.folder / "token").write_text(token + "\n")
        self.follow((), ("--job-key", "job.pem"), ("--token-file", "token", "--job-key", "job.pem"))
        self.assertEqual(self.rows("SELECT DISTINCT sequence FROM reports"), [(1,)])


class Commands(FleetServer):
    def test_enrol(self):
        tokens = self.enrol("a", "b")
        self.assertEqual(sorted(tokens), ["a", "b"])
        self.assertEqual((self.folder / "fleet.db").stat().st_mode & 0o777, 0o600)
        self.assertRegex(tokens["a"], r"^[A-Za-z0-9_-]{43}$")
        (self.folder / "names").write_text("c\n\nd\r\n")
        self.otter("device", "enrol", "--list", "names", "--out", "tokens", "--ring", "early", "--database", self.database)
        self.assertEqual((self.folder / "tokens").stat().st_mode & 0o777, 0o600)
        self.assertEqual([line.split()[0] for line in (self.folder / "tokens").read_text().splitlines()], ["c", "d"])
        self.assertEqual(self.rows("SELECT device, ring FROM devices ORDER BY device"), [("a", ""), ("b", ""), ("c", "early"), ("d", "early")])
        for code, text, words in ((2, "which devices", ()), (1, "no device name", ("x y",)), (1, "no device name", ("ok", "x" * 65)),
                                  (1, "'e' is named twice", ("e", "f", "e")), (1, "no device 'z'", ("--revoke", "a", "z")), (2, "makes no tokens", ("--revoke", "a", "--ring", "r")),
                                  (1, "cannot write", ("e", "--out", "/dev/full")), (1, "No such file", ("--list", "nothing"))):
            with self.subTest(words=words):
                done = run(OTTER, "device", "enrol", *words, "--database", self.database, cwd=self.folder, ok=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(text, done.stderr.decode())
        self.assertEqual(self.rows("SELECT COUNT(*) FROM devices"), [(4,)])
        self.assertEqual(self.rows("SELECT COUNT(*) FROM tokens WHERE revoked > 0"), [(0,)])

    def test_operators(self):
        (self.folder / "word").write_text("correct horse\n")
        (self.folder / "short").write_text("short\n")
        words = ("--database", self.database)
        self.otter("serve", "operator", "add", "ann", "--password-file", "word", *words)
        self.otter("serve", "operator", "add", "bob", "--password-file", "word", *words)
        self.otter("serve", "operator", "remove", "bob", *words)
        self.assertEqual(self.otter("serve", "operator", "list", *words).stdout, b"ann\n")
        stored = self.rows("SELECT password FROM operators")[0][0]
        self.assertRegex(stored, r"^scrypt\$32768\$8\$1\$[0-9a-f]{32}\$[0-9a-f]{64}$")
        for code, text, more in ((1, "no operator 'bob'", ("remove", "bob")), (1, "at least 8", ("add", "c", "--password-file", "short")),
                                 (1, "no password", ("add", "c")), (2, "add NAME", ("other",)), (2, "takes one name", ("add",)),
                                 (1, "is no name", ("add", "", "--password-file", "word"))):
            with self.subTest(words=more):
                done = run(OTTER, "serve", "operator", *more, *words, cwd=self.folder, ok=False)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(text, done.stderr.decode())

    def test_bad_options_say_so_in_one_line(self):
        (self.folder / "garbage").write_bytes(b"garbage" * 100)
        (self.folder / "garbage.pem").write_bytes(b"garbage")
        base = ("--folder", "www")
        for code, text, words in (
                (1, "cannot use the database garbage", (*base, "--database", "garbage")),
                (1, "cannot use the database nothing/x", (*base, "--database", "nothing/x")),
                (1, "served folder", (*base, "--database", "www/fleet.db")),
                (1, "cannot use the database PostgreSQL", (*base, "--database", "postgresql://127.0.0.1:1/x?password=secret")),
                (2, "need --database", (*base, "--open-reports")),
                (2, "needs --job-key", (*base, "--database", "f.db", "--halt-after", "2")),
                (1, "garbage.pem", (*base, "--database", "f.db", "--job-key", "garbage.pem")),
                (2, "--keep takes a time", (*base, "--database", "f.db", "--keep", "400")),
                (2, "need --database", (*base, "--keep", "400d")),
                (2, "needs --client-ca", (*base, "--client-ca-optional")),
                (2, "no limit", (*base, "--device-rate", "-1"))):
            with self.subTest(words=words):
                self.refused(code, text, "serve", "--port", "0", *words)


if __name__ == "__main__":
    unittest.main()
