# SPDX-License-Identifier: Apache-2.0
"""test_publish_to.py - publishing onto a server; two at once; kill -9 at every call that changes something."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import unittest

from put_server import PutServer, tls_context
from releases import Releases, parts
from tool import OTTER

HERE = pathlib.Path(__file__).resolve().parent


class Server(Releases):
    def setUp(self):
        super().setUp()
        self.server = self.start()

    def start(self, tls=None):
        server = PutServer(tls)
        self.addCleanup(server.stop)
        return server

    def to(self, *words, server=None):
        return ("--to", (server or self.server).url, "--history", "h.jsonl", *words)

    def put(self, version="1.0.0", *words, ok=True, server=None, place=()):
        return self.publish(version, *words, ok=ok, place=self.to(*place, server=server))

    def job(self, name="/ota/ota_update.jws", server=None):
        return parts((server or self.server).files[name][0].decode())[1]


class Put(Server):
    def test_image_and_job_with_their_headers(self):
        self.put("1.0.0", "--rollout", "1%")
        job = self.job()
        body, image = self.server.files["/ota" + job["File"]]
        self.assertEqual(body, (self.folder / "app-1.0.0.bin").read_bytes())
        self.assertEqual((image["Cache-Control"], image["Content-Type"]), ("public, max-age=31536000, immutable", "application/octet-stream"))
        document = self.server.files["/ota/ota_update.jws"][1]
        self.assertEqual((document["Cache-Control"], document["Content-Type"]), ("no-cache", "application/jose"))
        puts = [path for method, path, _ in self.server.log if method == "PUT"]
        self.assertEqual(puts, ["/ota" + job["File"], "/ota/ota_update.jws"])  # the image first
        self.assertTrue(all("Expect" not in headers for _, _, headers in self.server.log))
        self.assertEqual([line["sequence"] for line in self.history("h.jsonl")], [1])

    def test_plain_job(self):
        self.publish("1.0.0", place=self.to(), key=None)
        body, headers = self.server.files["/ota/ota_update.json"]
        self.assertEqual((json.loads(body)["Sequence"], headers["Content-Type"]), (1, "application/json"))

    def test_rollout_over_there(self):
        self.put("1.0.0", "--rollout", "1%")
        for number, words in enumerate((["raise", "10%"], ["halt"], ["resume"], ["renew"]), 2):
            self.rollout(*words, place=self.to())
            self.assertEqual(self.job()["Sequence"], number)
        self.assertEqual(self.status(place=("--to", self.server.url))["permille"], 100)
        self.assertEqual(len(self.history("h.jsonl")), 5)
        self.put("1.1.0", "--rollout", "1%")
        self.assertEqual(self.job()["Sequence"], 6)
        self.refused(1, "offers version 1.1.0 already", "publish", "--image", "app-1.1.0.bin", *self.to(), "--job-key", "job.pem",
                     "--board", "B")
        image = self.server.files.pop("/ota" + self.job()["File"])
        self.refused(1, "it should be there", "rollout", "raise", "50%", *self.to(), "--job-key", "job.pem")
        self.assertEqual(self.job()["Sequence"], 6)
        self.server.files["/ota" + self.job()["File"]] = image
        self.refused(2, "--history FILE is needed", "rollout", "history", "--to", self.server.url)
        self.refused(1, "there is no", "rollout", "status", "--to", self.server.url + "/deeper")

    def test_slash_at_the_end_or_not(self):
        self.publish("1.0.0", place=("--to", self.server.url + "/", "--history", "h.jsonl"))
        self.assertIn("/ota/ota_update.jws", self.server.files)

    def test_passwords_and_tokens(self):
        self.server.basic("anna", "se cret")
        (self.folder / "password").write_text("se cret\n")
        (self.folder / "wrong").write_text("secret\n")
        (self.folder / "empty").write_text("\nsecret\n")
        base = ["publish", "--image", "app-1.0.0.bin", "--job-key", "job.pem", "--board", "B", *self.to()]
        self.refused(1, "status 401 (the server wants to know who you are", *base)
        self.refused(1, "status 403 (the server does not let you", *base, "--user", "anna", "--password-file", "wrong")
        self.refused(1, "empty first line", *base, "--user", "anna", "--password-file", "empty")
        self.refused(1, "cannot read", *base, "--user", "anna", "--password-file", "missing")
        self.assertEqual(self.server.files, {})
        self.assertFalse((self.folder / "h.jsonl").exists())
        self.put(place=("--user", "anna", "--password-file", "password"))
        self.server.wanted = "Bearer t-o.k~en"
        (self.folder / "token").write_text("t-o.k~en")
        self.put("1.1.0", place=("--token-file", "token"))
        self.assertEqual(self.job()["Sequence"], 2)

    def test_secrets_only_where_nobody_listens(self):
        (self.folder / "password").write_text("x")
        for host in ("example.test", "127.0.0.1.example.test", "localhost.example.test", "192.0.2.1"):
            self.refused(1, "everybody on the way reads the password", "rollout", "status", "--to", f"http://{host}/", "--user", "u",
                         "--password-file", "password")

    def test_tls_and_client_certificates(self):
        pki = self.folder / "pki"
        self.otter("certs", "--server", "127.0.0.1", "--client", "publisher", "--out", "pki")
        client = next(pki.glob("*client*.crt"), None) or next(pki.glob("publisher*.crt"))
        plain = self.start(tls_context(pki))
        self.refused(1, "certificate", "rollout", "status", "--to", plain.url)
        self.put(server=plain, place=("--ca", "pki/http_ca.crt"))
        strict = self.start(tls_context(pki, clients=True))
        self.refused(1, strict.url, "rollout", "status", "--to", strict.url, "--ca", "pki/http_ca.crt")
        os.remove(self.folder / "h.jsonl")
        self.put(server=strict, place=("--ca", "pki/http_ca.crt", "--client-cert", client, "--client-key", client.with_suffix(".key")))
        self.assertEqual(self.job(server=strict)["Sequence"], 1)

    def test_the_wrong_name_in_a_certificate(self):
        self.otter("certs", "--server", "ota.example", "--out", "pki")
        server = self.start(tls_context(self.folder / "pki"))
        self.refused(1, "127.0.0.1", "rollout", "status", "--to", server.url, "--ca", "pki/http_ca.crt")
        self.assertEqual(server.log, [])

    def test_servers_that_go_wrong(self):
        self.put("1.0.0")
        good = self.server.files["/ota/ota_update.jws"]
        base = ["publish", "--image", "app-1.1.0.bin", "--job-key", "job.pem", "--board", "B", *self.to()]
        for fault, text in (("moved", "status 301 to PUT (it moved"), (405, "takes no PUT"), (501, "takes no PUT"), (413, "client_max_body_size"),
                            (507, "the server is full"), (409, "is there a folder"), (500, "server's log"), (302, "it moved"),
                            ("lies", "status 404, and it should be there"), ("get-error", "status 500"), ("get-huge", "is larger than"),
                            ("loses-a-byte", "")):
            self.server.fault = fault
            self.refused(1, text, *base)
            self.assertEqual(self.server.files["/ota/ota_update.jws"], good, fault)
            self.assertEqual(len(self.history("h.jsonl")), 1, fault)

    def test_a_job_that_did_not_get_there_is_told_of(self):
        self.put("1.0.0")
        for fault, text in (("job-refused", "the server is full"), ("hangs-up", ""), ("job-lies", "hands out another")):
            self.server.fault = fault
            before = self.server.files["/ota/ota_update.jws"]
            lines = len(self.history("h.jsonl"))
            self.refused(1, text, "publish", "--image", "app-1.1.0.bin", "--job-key", "job.pem", "--board", "B", *self.to())
            self.assertEqual(self.server.files["/ota/ota_update.jws"], before)
            told, failed = self.history("h.jsonl")[lines:]
            self.assertEqual((told["action"], failed["action"]), ("publish", "failed"))
            self.assertEqual(told["sequence"], failed["sequence"])
        self.server.fault = "no-head"
        self.put("1.1.0")
        self.assertEqual(self.job()["Sequence"], 5)

    def test_nobody_there(self):
        self.refused(1, "onnect", "rollout", "status", "--to", "http://127.0.0.1:1/")
        self.refused(1, "", "rollout", "status", "--to", "http://name.invalid/")

    def test_the_environment_s_keys_for_s3(self):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.pop(name, None)
        self.refused(1, "AWS_ACCESS_KEY_ID", "rollout", "status", "--to", self.server.url, "--s3-region", "eu-central-1")


class AtOnce(Server):
    def together(self, *commands):
        started = [subprocess.Popen([OTTER, *map(str, words)], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE) for words in commands]
        return [(child.communicate(timeout=60)[1].decode(), child.returncode) for child in started]

    def check(self, place, history):
        words = ["--image", "app-1.1.0.bin", "--job-key", "job.pem", "--board", "B", "--force", "--rollout", "1%", *place]
        ends = self.together(*[["publish", *words, "--message", f"number {n}"] for n in range(8)])
        self.assertEqual([code for _, code in ends], [0] * 8, ends)
        self.assertEqual([line["sequence"] for line in self.history(history)], list(range(1, 9)))
        self.assertEqual(len({line["message"] for line in self.history(history)}), 8)
        ends = self.together(*[["rollout", "raise", "10%", "--job-key", "job.pem", *place] for _ in range(4)],
                             ["rollout", "halt", "--job-key", "job.pem", *place])
        said = self.history(history)
        self.assertEqual([line["sequence"] for line in said], list(range(1, len(said) + 1)))
        self.assertIn("halt", [line["action"] for line in said])
        self.assertEqual(len(said), 8 + sum(code == 0 for _, code in ends))  # who came after the halt was refused
        return said[-1]["sequence"]

    def test_folder(self):
        last = self.check(("--folder", "www"), "www.history.jsonl")
        self.assertEqual(parts((self.folder / "www/ota_update.jws").read_text())[1]["Sequence"], last)
        self.assertEqual(len(self.files("www")), 2)

    def test_server(self):
        self.assertEqual(self.check(self.to(), "h.jsonl"), self.job()["Sequence"])


class Killed(Server):
    """Ended before, or in the middle of, every call that changes something outside."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shim = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"otter-kill-at-{os.getpid()}.so"
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", cls.shim, HERE / "kill_at.c", "-ldl"], check=True)
        cls.addClassCleanup(os.remove, cls.shim)

    def killed(self, at, torn, words):
        more = {"LD_PRELOAD": str(self.shim), "KILL_AT": str(at),
                "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:handle_segv=0"}
        if torn:
            more["KILL_TORN"] = "1"
        done = subprocess.run([OTTER, *map(str, words)], cwd=self.folder, env=dict(os.environ, **more), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60)
        self.assertIn(done.returncode, (0, -9), done.stderr)
        return done.returncode != 0

    def sweep(self, words, look, least):
        """Each point once; `look` gives (job document or None, files by name) of what devices see."""
        points = 0
        for torn in (False, True):
            at = 1
            while self.killed(at, torn, words):
                self.whole(*look())
                at += 1
                points += 1
            self.whole(*look())
            self.assertGreaterEqual(at, least)
        return points

    def whole(self, text, files):
        """The document is one, its image and patches are there, and no file has other content than its name says."""
        for name, content in files.items():
            if name.endswith((".bin", ".delta")):
                self.assertEqual(name.rpartition("-")[2].partition(".")[0], hashlib.sha256(content).hexdigest()[:8])
        if text is None:
            return
        (self.folder / "seen.jws").write_bytes(text)
        self.otter("inspect", "seen.jws", "--job-key", "job.pem")
        job = parts(text.decode())[1]
        self.assertEqual(hashlib.sha256(files[job["File"][1:]]).hexdigest(), job["SHA256"])
        for delta in job.get("Deltas", []):
            self.assertEqual(hashlib.sha256(files[delta["File"][1:]]).hexdigest(), delta["SHA256"])
        self.assertGreaterEqual(job["Sequence"], self.highest)
        self.highest = job["Sequence"]

    highest = 0

    def folder_seen(self):
        www = self.folder / "www"
        files = {path.name: path.read_bytes() for path in www.iterdir()} if www.exists() else {}
        return files.get("ota_update.jws"), files

    def server_seen(self):
        files = {name.rpartition("/")[2]: content for name, (content, _) in self.server.files.items()}
        return files.get("ota_update.jws"), files

    def sequences(self, history):
        """What the history holds was given away once each, and what failed is told of."""
        lines = self.history(history)
        given = [line["sequence"] for line in lines if line["action"] != "failed"]
        self.assertEqual(given, sorted(set(given)))
        return given

    def test_first_publish_into_a_folder(self):
        words = ["publish", "--image", "app-1.0.0.bin", "--folder", "www", "--job-key", "job.pem", "--board", "B", "--force"]
        points = 0
        for torn in (False, True):
            at = 1
            while self.killed(at, torn, words):
                self.whole(*self.folder_seen())
                shutil.rmtree(self.folder / "www", ignore_errors=True)
                (self.folder / "www.history.jsonl").unlink(missing_ok=True)
                self.highest = 0
                at, points = at + 1, points + 1
        self.assertGreater(points, 20)

    def test_publish_and_rollout_in_a_folder(self):
        self.publish("1.0.0", "--rollout", "1%")
        place = ["--folder", "www", "--job-key", "job.pem"]
        self.sweep(["publish", "--image", "app-1.1.0.bin", *place, "--board", "B", "--rollout", "1%", "--force", "--delta-from", "www"],
                   self.folder_seen, 18)
        self.assertEqual(len(parts(self.folder_seen()[0].decode())[1]["Deltas"]), 1)
        self.sweep(["rollout", "raise", "10%", *place], self.folder_seen, 9)
        self.sequences("www.history.jsonl")
        self.assertTrue(self.killed(7, True, ["rollout", "halt", *place]))
        self.assertEqual(len([name for name in self.files("www") if ".aside-" in name]), 1)
        (self.folder / "www/mine.aside-1").write_text("kept")
        self.rollout("halt")
        self.assertEqual([name for name in self.files("www") if ".aside-" in name], ["mine.aside-1"])
        self.assertEqual(self.status()["sequence"], self.history()[-1]["sequence"])
        shown = self.rollout("resume")
        self.assertEqual(shown.returncode, 0)
        self.assertEqual(self.status()["permille"], 100)

    def test_publish_and_rollout_on_a_server(self):
        self.put("1.0.0", "--rollout", "1%")
        place = [*self.to(), "--job-key", "job.pem"]
        self.sweep(["publish", "--image", "app-1.1.0.bin", *place, "--board", "B", "--rollout", "1%", "--force", "--delta-from", "."],
                   self.server_seen, 10)
        self.assertEqual(len(self.job()["Deltas"]), 1)
        self.sweep(["rollout", "raise", "10%", *place], self.server_seen, 7)
        self.sequences("h.jsonl")
        self.rollout("halt", place=self.to())
        self.rollout("resume", place=self.to())
        self.assertEqual(self.job()["Rollout"]["Permille"], 100)


if __name__ == "__main__":
    unittest.main()
