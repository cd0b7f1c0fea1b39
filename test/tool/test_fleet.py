# SPDX-License-Identifier: Apache-2.0
"""test_fleet.py - `otter fleet` against `otter serve`: everybody ends as they should, and the counts agree."""
import collections
import contextlib
import json
import pathlib
import sqlite3
import subprocess
import unittest
import xml.etree.ElementTree as xml

from tool import OTTER, Folder, Serve

KEY = pathlib.Path(__file__).resolve().parents[1] / "keys" / "not-secret-ecdsa-p256.pem"
BOARD = "APP_CY8CPROTO_062S2_43439"


class Fleet(Folder):
    def publish(self, version="1.1.0", behave="healthy", size=8192, board=BOARD, folder="www", words=(), seed=None):
        filler = [] if seed is None else ["--seed", seed]
        self.otter("device", "app", "--version", version, "--behave", behave, "--size", size, "-o", "app.bin", *filler)
        self.otter("sign", "--key", KEY, "--version", version, "--header-size", "0x400", "app.bin", f"app-{version}.bin")
        (self.folder / folder).mkdir(exist_ok=True)
        self.otter("publish", "--image", f"app-{version}.bin", "--folder", folder, "--board", board, *words)

    def serve(self, *words, tls=False):
        identity = ()
        if tls:
            self.otter("certs", "--out", "pki")
            identity = ("--cert", "pki/http_server.crt", "--key", "pki/http_server.key")
        server = Serve(self.folder, "--folder", "www", "--reports", "reports.jsonl", *identity, *words)
        self.addCleanup(lambda: server.process.returncode is None and server.stop())
        return server

    def start(self, server, devices, *words):
        ca = ("--ca", "pki/http_ca.crt") if server.url.startswith("https") else ()
        return subprocess.Popen([OTTER, "fleet", "--server", server.url, *ca, "--devices", str(devices), "--json",
                                 *[str(word) for word in words]], cwd=self.folder, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def fleet(self, server, devices, *words, code=0):
        """The last line of --json."""
        process = self.start(server, devices, "--duration", 100, *words)
        out, err = process.communicate(timeout=150)
        self.assertEqual(process.returncode, code, err.decode())
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([line["event"] for line in lines], ["fleet"] * (len(lines) - 1) + ["end"])
        self.assertEqual(sum(lines[-1]["states"].values()), devices)
        return lines[-1]

    def reports(self):
        lines = (self.folder / "reports.jsonl").read_text().splitlines()
        return [json.loads(line)["report"] for line in lines]

    def list(self, name="list.jsonl"):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]


class Updates(Fleet):
    def test_all_update_and_the_server_counts_the_same_reports(self):
        self.publish()
        end = self.fleet(self.serve(), 60, "--poll-seconds", 1, "--start-spread", 0.5, "--until", "updated=100%", "--plot", "plot.svg",
                         "--list", "list.jsonl")
        self.assertEqual(end["states"]["updated"], 60)
        self.assertEqual(end["versions"], {"1.0.0": 0, "1.1.0": 60})
        self.assertEqual(end["reports"], {"installing": 60, "confirmed": 60})
        self.assertEqual(dict(collections.Counter(report["result"] for report in self.reports())), end["reports"])
        self.assertEqual({report["device"] for report in self.reports()}, {f"fleet-{i:06}" for i in range(1, 61)})
        self.assertEqual({(one["version"], one["state"]) for one in self.list()}, {("1.1.0", "updated")})
        self.assertGreater(end["received"], 60 * 8192)
        self.assertLessEqual(end["update_seconds"]["p50"], end["update_seconds"]["p99"])
        self.assertTrue(xml.parse(self.folder / "plot.svg").getroot().tag.endswith("svg"))

    def test_drops_power_cuts_and_failures_over_tls(self):
        self.publish(size=24000)
        server = self.serve(tls=True)
        words = ("--poll-seconds", 1, "--seed", 7, "--fail", "20%", "--drop", "15%", "--power-cut", "50%", "--until", "done=100%")
        end = self.fleet(server, 80, *words, "--list", "first.jsonl")
        failed = end["states"]["failed"]
        self.assertEqual(end["states"]["updated"] + failed, 80)
        self.assertLessEqual(set(end["failures"]), {"health", "watchdog"})
        self.assertEqual(sum(end["failures"].values()), failed)
        self.assertTrue(5 <= failed <= 30 and end["drops"] > 10 and end["power_cuts"] > 10, end)
        self.assertEqual(end["versions"], {"1.0.0": failed, "1.1.0": 80 - failed})
        # an answer may get lost: then the server has a report that its device does not know to be there
        told = collections.Counter(result for _, result in {(report["device"], report["result"]) for report in self.reports()})
        self.assertTrue(end["reports"]["confirmed"] <= told["confirmed"] <= end["states"]["updated"], (end, told))
        self.assertEqual(told["reverted"], failed)
        again = self.fleet(server, 80, *words, "--list", "second.jsonl")
        self.assertEqual(again["failures"], end["failures"])
        self.assertEqual(self.list("first.jsonl"), self.list("second.jsonl"))

    def test_patches_from_the_image_that_runs(self):
        self.publish("1.0.0", size=24000, words=("--prefix", "/old"), seed=3, folder="old")
        self.publish("1.1.0", size=24000, words=("--delta-from", "app-1.0.0.bin"), seed=3)
        server = self.serve()
        words = ("--poll-seconds", 0.5, "--image", "app-1.0.0.bin", "--key", KEY, "--until", "updated=100%")
        end = self.fleet(server, 40, *words, "--drop", "10%", "--power-cut", "30%")
        self.assertEqual((end["states"]["updated"], end["deltas"] + end["images"] >= 40), (40, True))
        self.assertGreater(end["deltas"], 36)  # nearly always: a device that gave a patch up took the image
        self.assertLess(end["delta_bytes"], end["deltas"] * 1500)
        self.assertEqual({report["via"] for report in self.reports() if report["result"] == "installing"} - {"image"}, {"delta"})
        for patch in (self.folder / "www").glob("*.delta"):
            patch.unlink()
        end = self.fleet(server, 10, *words)
        self.assertEqual((end["states"]["updated"], end["deltas"], end["images"]), (10, 0, 10))
        end = self.fleet(server, 10, *words[:2], *words[4:])  # they run another 1.0.0
        self.assertEqual((end["states"]["updated"], end["deltas"], end["images"]), (10, 0, 10))

    def test_an_image_of_its_own_is_judged(self):
        self.publish("1.0.0")
        self.otter("keygen", "--type", "ecdsa-p256", "other.pem")
        base = ("fleet", "--server", "http://127.0.0.1:9", "--devices", "1", "--image")
        self.refused(1, "not signed by any of the keys", *base, "app-1.0.0.bin", "--key", "other.pem")
        self.refused(1, "not an MCUboot image", *base, "app.bin", "--key", KEY)
        self.refused(2, "one of them", *base, "app-1.0.0.bin", "--key", KEY, "--version", "1.0.0")

    def test_a_sick_image_comes_back_from_every_device(self):
        self.publish("1.2.0", "sick")
        end = self.fleet(self.serve(), 30, "--poll-seconds", 0.5, "--until", "failed=100%")
        self.assertEqual(end["failures"], {"health": 30})
        self.assertEqual(end["versions"], {"1.0.0": 30, "1.2.0": 0})
        self.assertEqual(dict(collections.Counter((r["result"], r["reason"]) for r in self.reports())),
                         {("installing", "none"): 30, ("reverted", "health"): 30})

    def test_boards_versions_and_rings_have_their_shares(self):
        self.publish(board="ONE")
        end = self.fleet(self.serve(), 200, "--poll-seconds", 0.5, "--boards", "ONE:25%,TWO", "--version", "1.0.0:50%,1.1.0:50%",
                         "--rings", "beta:10%", "--until", "idle", "--list", "list.jsonl")
        devices = self.list()
        count = collections.Counter((one["board"], one["state"]) for one in devices)
        self.assertEqual(set(count), {("ONE", "updated"), ("ONE", "current"), ("TWO", "not-for-us")})
        self.assertTrue(100 <= count["TWO", "not-for-us"] <= 185, count)
        self.assertTrue(5 <= sum(one["ring"] == "beta" for one in devices) <= 40)
        self.assertEqual(end["states"]["not-for-us"], count["TWO", "not-for-us"])

    def test_the_server_goes_away_and_comes_back(self):
        self.publish()
        server = self.serve()
        port = server.port
        fleet = self.start(server, 20, "--poll-seconds", 0.5, "--retry-ms", 100, "--until", "updated=100%", "--duration", 60)
        fleet.stdout.readline()
        server.stop()
        self.publish("1.2.0")
        again = Serve(self.folder, "--folder", "www", "--reports", "reports.jsonl", "--port", port)
        self.addCleanup(again.stop)
        out, err = fleet.communicate(timeout=90)
        self.assertEqual(fleet.returncode, 0, err.decode())
        self.assertEqual(json.loads(out.splitlines()[-1])["states"]["updated"], 20)


class Rollouts(Fleet):
    def setUp(self):
        super().setUp()
        self.otter("keygen", "--type", "ecdsa-p256", "job.pem")
        self.otter("keygen", "--type", "ecdsa-p256", "other.pem")

    def test_rings_come_first_and_the_rest_when_its_turn_has_come(self):
        self.publish(words=("--job-key", "job.pem", "--rollout", "0%", "--ring", "beta"))
        server = self.serve()
        words = ("--job-key", "job.pem", "--rings", "beta:20%", "--poll-seconds", 0.5)
        end = self.fleet(server, 60, *words, "--until", "idle", "--list", "list.jsonl")
        self.assertEqual({(one["ring"], one["state"]) for one in self.list()}, {("beta", "updated"), ("", "waiting")})
        fleet = self.start(server, 60, *words, "--until", "updated=100%", "--duration", 60)
        while json.loads(fleet.stdout.readline())["states"]["waiting"] < end["states"]["waiting"]:
            pass
        self.otter("rollout", "raise", "100%", "--folder", "www", "--job-key", "job.pem")
        out, err = fleet.communicate(timeout=90)
        self.assertEqual(fleet.returncode, 0, err.decode())
        self.assertEqual(json.loads(out.splitlines()[-1])["versions"]["1.1.0"], 60)

    def test_a_job_of_another_key_is_taken_by_nobody(self):
        self.publish(words=("--job-key", "other.pem"))
        end = self.fleet(self.serve(), 10, "--job-key", "job.pem", "--poll-seconds", 0.5, "--until", "failed=100%")
        self.assertEqual((end["failures"], end["reports"]), ({"unsigned": 10}, {}))

    def test_a_bad_image_halts_itself_and_the_database_has_every_report(self):
        names = [f"unit-{i}" for i in range(40)]
        (self.folder / "names").write_text("\n".join(names) + "\n")
        self.otter("device", "enrol", "--list", "names", "--database", "fleet.db", "--out", "tokens")
        self.publish("1.2.0", "sick", words=("--job-key", "job.pem", "--rollout", "100%"))
        server = self.serve("--database", "fleet.db", "--job-key", "job.pem", "--halt-after", "2")
        process = self.start(server, 40, "--tokens", "tokens", "--job-key", "job.pem", "--poll-seconds", 1, "--start-spread", 3,
                             "--until", "idle", "--duration", 60, "--list", "list.jsonl")
        out, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, err.decode())
        end = json.loads(out.splitlines()[-1])
        self.assertEqual({one["device"] for one in self.list()}, set(names))
        self.assertEqual(set(end["failures"]), {"health"})
        self.assertTrue(2 <= end["failures"]["health"] < 30, end)
        self.assertEqual(end["states"]["waiting"], 40 - end["failures"]["health"])
        server.stop()
        with contextlib.closing(sqlite3.connect(self.folder / "fleet.db")) as db:
            told = dict(db.execute("SELECT result, count(*) FROM reports GROUP BY result").fetchall())
            failed = {name for name, in db.execute("SELECT device FROM devices WHERE state = 'reverted'")}
        self.assertEqual(told, end["reports"])
        self.assertEqual(failed, {one["device"] for one in self.list() if one["state"] == "failed"})


class Said(Fleet):
    def test_the_table(self):
        self.publish()
        server = self.serve()
        done = self.otter("fleet", "--server", server.url, "--devices", 12, "--poll-seconds", 0.5, "--until", "updated=100%")
        text = done.stdout.decode()
        self.assertTrue(text.startswith("12 devices, "), text)
        self.assertRegex(text, r"\n  updated +12\n")
        self.assertRegex(text, r"\n  reports taken +installing 12, confirmed 12\n")
        self.assertNotIn("\r", text)

    def test_not_met_is_refused(self):
        self.publish()
        server = self.serve()
        done = self.otter("fleet", "--server", server.url, "--devices", 3, "--until", "failed=1", "--duration", 1, ok=False)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1))
        self.assertIn(b"--until failed=1 was not met", done.stderr)

    def test_nobody_answers(self):
        end = json.loads(self.otter("fleet", "--server", "http://127.0.0.1:1", "--devices", 5, "--json", "--duration", 1).stdout.splitlines()[-1])
        self.assertEqual((end["states"]["silent"], end["failures"]), (5, {"unreachable": 5}))

    def test_wrong_options(self):
        server = ("--server", "http://127.0.0.1:1")
        for text, *words in (("--server is needed", "--devices", 3),
                             ("--devices 0", *server),
                             ("--devices 100001", *server, "--devices", 100001),
                             ("--fail 'x'", *server, "--devices", 3, "--fail", "x"),
                             ("--drop '101%'", *server, "--devices", 3, "--drop", "101%"),
                             ("--until 'gone'", *server, "--devices", 3, "--until", "gone"),
                             ("--rings 'beta'", *server, "--devices", 3, "--rings", "beta"),
                             ("--boards 'A:60%,B:60%'", *server, "--devices", 3, "--boards", "A:60%,B:60%"),
                             ("--version 'x'", *server, "--devices", 3, "--version", "x"),
                             ("--ca is needed", "--server", "https://localhost", "--devices", 3),
                             ("--size 9", *server, "--devices", 3, "--size", 9)):
            self.refused(2, text, "fleet", *words)
        (self.folder / "tokens").write_text("device-1 secret\ndevice-2\n")
        self.refused(1, "line 2 is not 'ID TOKEN'", "fleet", *server, "--tokens", "tokens")
        self.refused(1, "tokens for 2 devices", "fleet", *server, "--tokens", "tokens", "--devices", 3)


if __name__ == "__main__":
    unittest.main()
