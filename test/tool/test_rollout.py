# SPDX-License-Identifier: Apache-2.0
"""test_rollout.py - signed jobs, and what becomes of them: raise, halt, resume, renew, history."""
import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import unittest

from releases import Releases, parts

DAY = 86400
KEYS = pathlib.Path(__file__).resolve().parents[1] / "keys"


class Signed(Releases):
    def test_document(self):
        before = int(time.time())
        said = json.loads(self.publish("1.0.0", "--json").stdout)
        body = (self.folder / "app-1.0.0.bin").read_bytes()
        digest = hashlib.sha256(body).hexdigest()
        name = f"app-1.0.0-{digest[:8]}.bin"
        self.assertEqual(self.files("www"), [name, "ota_update.jws"])
        self.assertEqual((said["signed"], said["sequence"], said["job"]), (True, 1, "www/ota_update.jws"))
        text = (self.folder / "www/ota_update.jws").read_text()
        self.assertRegex(text, r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}\n$")
        head, job = parts(text)
        public = subprocess.run(["openssl", "pkey", "-in", "job.pem", "-pubout", "-outform", "DER"], cwd=self.folder,
                                capture_output=True, check=True).stdout
        key_id = hashlib.sha256(public).hexdigest()[:16]
        self.assertEqual(head, {"alg": "ES256", "kid": key_id})
        self.assertGreaterEqual(job["Issued"], before)
        self.assertEqual(job["Expires"] - job["Issued"], 30 * DAY)
        self.assertEqual({k: job[k] for k in job if k not in ("Issued", "Expires")},
                         {"Board": "B", "Version": "1.0.0", "File": "/" + name, "Size": len(body), "SHA256": digest,
                          "Sequence": 1, "Audience": {"Board": "B"}})

    def test_audience_and_terms(self):
        self.publish("1.1.0", "--product", "P", "--manufacturer", "M", "--manufacturer-id", "I", "--serial", "S",
                     "--hardware-min", "2", "--hardware-max", "0x10", "--min-version", "1.0", "--rollout", "2.5%",
                     "--ring", "a", "--ring", "b-1", "--salt", "s", "--start", "2026-12-01T08:00Z", "--ramp", "7d",
                     "--expires", "500w", "--sequence", "77")
        job = self.job()
        self.assertEqual(job["Audience"], {"Manufacturer": "M", "ManufacturerID": "I", "Product": "P", "SerialNumber": "S",
                                           "Board": "B", "HardwareMin": 2, "HardwareMax": 16})
        self.assertEqual((job["Board"], job["Product"], job["SerialNumber"]), ("B", "P", "S"))
        self.assertEqual(job["MinVersion"], "1.0.0")
        self.assertEqual(job["Rollout"], {"Permille": 25, "Salt": "s", "Rings": "a,b-1", "Start": 1796112000,
                                          "RampSeconds": 7 * DAY})
        self.assertEqual(job["Sequence"], 77)

    def test_rings_ramps_and_salts_by_default(self):
        salt = hashlib.sha256((self.folder / "app-1.0.0.bin").read_bytes()).hexdigest()[:16]
        for words, wanted in (
                (["--ring", "a"], {"Permille": 0, "Salt": salt, "Rings": "a"}),
                (["--rollout", "1%"], {"Permille": 10, "Salt": salt}),
                (["--rollout", "100%"], {"Permille": 1000, "Salt": salt}),
                (["--rollout", "0%", "--ring", "a"], {"Permille": 0, "Salt": salt, "Rings": "a"})):
            self.publish("1.0.0", "--force", *words)
            self.assertEqual(self.job()["Rollout"], wanted)
        before = int(time.time())
        self.publish("1.0.0", "--force", "--ramp", "1h")
        rollout = self.job()["Rollout"]
        self.assertTrue(before <= rollout.pop("Start") <= before + 5)
        self.assertEqual(rollout, {"Permille": 1000, "Salt": salt, "RampSeconds": 3600})

    def test_plain_documents_may_have_a_rollout_too(self):
        self.publish("1.0.0", "--rollout", "10%", "--hardware-min", "2", "--expires", "1d", key=None)
        job = json.loads((self.folder / "www/ota_update.json").read_text())
        self.assertEqual((job["Rollout"]["Permille"], job["Audience"]), (100, {"HardwareMin": 2}))
        self.assertEqual(job["Expires"] - job["Issued"], DAY)
        self.rollout("raise", "50%", key=None)
        self.assertEqual(json.loads((self.folder / "www/ota_update.json").read_text())["Rollout"]["Permille"], 500)

    def test_sequence_is_never_given_twice(self):
        self.publish("1.0.0")
        self.publish("1.1.0")
        os.remove(self.folder / "www/ota_update.jws")
        self.publish("1.0.0")
        self.assertEqual(self.job()["Sequence"], 3)  # the history knows
        self.publish("1.1.0", key=None)
        self.assertEqual(json.loads((self.folder / "www/ota_update.json").read_text())["Sequence"], 4)
        os.remove(self.folder / "www.history.jsonl")
        self.publish("1.1.0")
        self.assertEqual(self.job()["Sequence"], 4)  # the document does
        self.refused(1, "--sequence 4 was given away: the next one is 5", "publish", "--image", "app-1.1.0.bin", "--folder",
                     "www", "--job-key", "job.pem", "--board", "B", "--force", "--sequence", "4")
        os.remove(self.folder / "www/ota_update.jws")
        self.refused(1, "devices never go back", "publish", "--image", "app-1.1.0.bin", "--folder", "www", "--job-key", "job.pem",
                     "--board", "B", "--sequence", "1000006")
        self.publish("1.1.0", "--sequence", "1000005")
        self.publish("1.1.0", "--force", "--sequence", "4294967295")
        self.refused(1, "leaves no next one", "publish", "--image", "app-1.1.0.bin", "--folder", "www", "--job-key", "job.pem",
                     "--board", "B", "--force")

    def test_a_spare_key_goes_on_with_the_sequence(self):
        """docs/signing-jobs.md, "When a key is lost or stolen"."""
        self.publish("1.0.0", "--rollout", "1%")
        self.otter("keygen", "--type", "ecdsa-p256", "spare.pem")
        self.refused(1, "publish --force", "publish", "--image", "app-1.1.0.bin", "--folder", "www", "--job-key", "spare.pem", "--board", "B")
        self.publish("1.1.0", "--force", "--rollout", "1%", key="spare.pem")
        self.assertEqual(self.job()["Sequence"], 2)
        self.rollout("raise", "2%", key="spare.pem")
        self.refused(1, "is not signed with this", "rollout", "halt", "--folder", "www", "--job-key", "job.pem")
        self.assertEqual(self.status(key="spare.pem")["sequence"], 3)

    def test_openssl_verifies_it(self):
        self.publish("1.0.0")
        text = (self.folder / "www/ota_update.jws").read_text().strip()
        signed, _, sig = text.rpartition(".")
        raw = base64.urlsafe_b64decode(sig + "==")
        der = b""
        for half in (raw[:32], raw[32:]):
            number = half.lstrip(b"\0")
            number = b"\0" + number if number[0] & 0x80 else number
            der += bytes([2, len(number)]) + number
        (self.folder / "sig").write_bytes(bytes([0x30, len(der)]) + der)
        (self.folder / "signed").write_text(signed)
        self.otter("pubkey", "--key", "job.pem", "-o", "job.pub")
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", "job.pub", "-signature", "sig", "signed"], cwd=self.folder,
                              capture_output=True)
        self.assertEqual(done.stdout, b"Verified OK\n", done.stderr)


class Rollout(Releases):
    def setUp(self):
        super().setUp()
        self.publish("1.0.0", "--rollout", "1%", "--ring", "beta", "--expires", "10d")

    def test_each_change_is_a_new_signed_document_of_the_same_image(self):
        first = self.job()
        steps = [(["raise", "10%"], 100, "beta"), (["raise", "2.5%", "--force"], 25, "beta"), (["halt"], 0, None),
                 (["renew"], 0, None), (["resume"], 25, "beta"), (["raise", "--ring", "x", "--ring", "y"], 25, "x,y"),
                 (["raise", "100%", "--no-rings"], 1000, None)]
        for number, (words, permille, rings) in enumerate(steps, 2):
            self.rollout(*words, "--message", f"step {number}")
            job, status = self.job(), self.status()
            self.assertEqual((status["sequence"], status["permille"], status["verified"]), (number, permille, True))
            self.assertEqual(status["halted"], permille == 0)
            self.assertEqual(job["Rollout"].get("Rings"), rings)
            self.assertEqual(job["Rollout"]["Salt"], first["Rollout"]["Salt"])
            for key in ("File", "SHA256", "Size", "Version", "Audience", "Board"):
                self.assertEqual(job[key], first[key])
            self.assertEqual(job["Expires"] - job["Issued"], 10 * DAY)
        lines = self.history()
        self.assertEqual([line["action"] for line in lines],
                         ["publish", "raise", "raise", "halt", "renew", "resume", "raise", "raise"])
        self.assertEqual([line["sequence"] for line in lines], list(range(1, 9)))
        self.assertEqual(lines[3]["message"], "step 4")
        for key in ("time", "who", "action", "sequence", "version", "permille", "rings", "file", "message"):
            self.assertIn(key, lines[3])
        shown = self.otter("rollout", "history", "--folder", "www").stdout.decode().splitlines()
        self.assertEqual(len(shown), 8)
        self.assertRegex(shown[3], r"^20\S+Z +4  halt  1\.0\.0  0%  by \S+: step 4$")
        self.assertEqual(json.loads(self.otter("rollout", "history", "--folder", "www", "--json").stdout), lines)

    def test_status_for_people(self):
        said = self.rollout("status").stdout.decode()
        self.assertRegex(said, r"job 1, version 1\.0\.0, signed with this key\n  rollout   1% of devices; ring beta\n")
        self.assertIn("Board B", said)
        self.assertRegex(said, r"in (10|9)d")
        self.assertIn("--job-key checks it", self.rollout("status", key=None).stdout.decode())
        self.otter("keygen", "--type", "ecdsa-p256", "other.pem")
        done = self.rollout("status", key="other.pem", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"NOT SIGNED WITH THIS KEY", done.stdout)
        self.otter("pubkey", "--key", "job.pem", "-o", "job.pub")
        self.assertIn("signed with this key", self.rollout("status", key="job.pub").stdout.decode())
        self.rollout("renew", "--expires", "1s")
        time.sleep(1.1)
        self.assertIn("IT IS OVER", self.rollout("status").stdout.decode())

    def test_ramp(self):
        self.rollout("raise", "50%", "--ramp", "7d")
        status = self.status()
        self.assertEqual((status["permille"], status["permille_now"]), (500, 10))
        self.assertAlmostEqual(status["start"] + status["ramp_seconds"], time.time() + 7 * DAY, delta=60)
        self.rollout("halt")
        self.rollout("resume")
        again = self.status()
        self.assertEqual((again["permille"], again["permille_now"]), (500, 10))
        self.assertAlmostEqual(again["start"], status["start"], delta=5)

    def test_what_somebody_else_signed_is_not_built_upon(self):
        self.otter("keygen", "--type", "ecdsa-p256", "other.pem")
        path = self.folder / "www/ota_update.jws"
        good = path.read_bytes()
        for verb in (["raise", "50%"], ["halt"], ["renew"]):
            self.refused(1, "is not signed with this --job-key", "rollout", *verb, "--folder", "www", "--job-key", "other.pem")
            self.refused(1, "--job-key is needed", "rollout", *verb, "--folder", "www")
        head, body, sig = good.decode().strip().split(".")
        for forged, why in ((f"{head}.{body[:-4]}AAAA.{sig}\n", ""), (f"eyJhbGciOiJub25lIn0.{body}.{sig}", "another algorithm"),
                            (f"eyJhbGciOiJub25lIn0.{body}.", "64 bytes"), (f"{head}.{body}", ""),
                            (json.dumps(self.job()), "is not signed")):
            path.write_text(forged)
            self.refused(1, why, "rollout", "raise", "50%", "--folder", "www", "--job-key", "job.pem")
            self.assertEqual(path.read_text(), forged)
        self.refused(1, "publish --force", "publish", "--image", "app-1.1.0.bin", "--folder", "www", "--job-key", "job.pem",
                     "--board", "B")
        self.publish("1.1.0", "--force")
        self.assertEqual(self.status()["sequence"], 2)

    def test_refusals(self):
        here = ["--folder", "www", "--job-key", "job.pem"]
        for code, text, words in (
                (1, "less than the 1%", ["raise", "0.5%"]), (2, "more than 0%", ["raise", "0%"]), (2, "2.5%", ["raise", "10"]),
                (2, "2.5%", ["raise", "101%"]), (2, "raise to what?", ["raise"]), (2, "one word too many", ["raise", "10%", "x"]),
                (2, "one word too many", ["halt", "now"]), (2, "what is to be done", []), (2, "use status, raise", ["lower"]),
                (2, "are for raise", ["halt", "--ramp", "7d"]), (2, "are for raise", ["renew", "--force"]),
                (2, "are for raise", ["status", "--expires", "7d"]), (2, "--ramp takes a duration", ["raise", "50%", "--ramp", "7"]),
                (2, "--ramp takes a duration", ["raise", "50%", "--ramp", "0d"]), (2, "--expires takes", ["renew", "--expires", "month"]),
                (2, "and a share to go to", ["raise", "--ring", "a", "--ramp", "7d"]), (2, "--ring 'a,b'", ["raise", "--ring", "a,b"]),
                (2, "one of them", ["raise", "--ring", "a", "--no-rings"]), (1, "not halted", ["resume"]),
                (1, "nowhere to go", ["raise", "1%", "--ramp", "7d"])):
            before = (self.folder / "www/ota_update.jws").read_bytes(), self.history()
            self.refused(code, text, "rollout", *words, *here)
            self.assertEqual(before, ((self.folder / "www/ota_update.jws").read_bytes(), self.history()))
        self.refused(2, "not for history", "rollout", "history", *here)
        self.refused(1, "there is no ota_update.json yet", "rollout", "halt", "--folder", "www", "--job", "ota_update.json")
        self.refused(1, "No such file", "rollout", "halt", "--folder", "nowhere", "--job-key", "job.pem")
        self.rollout("halt")
        self.refused(1, "halted already", "rollout", "halt", *here)
        self.refused(1, "is halted", "rollout", "raise", "50%", *here)
        os.rename(self.folder / "www.history.jsonl", self.folder / "elsewhere.jsonl")
        self.refused(1, "does not say what was halted", "rollout", "resume", *here)
        self.rollout("resume", "--history", "elsewhere.jsonl")
        self.assertEqual(self.status()["permille"], 10)

    def test_no_device_is_sent_to_an_image_that_is_not_there(self):
        image = self.folder / "www" / self.job()["File"][1:]
        whole = image.read_bytes()
        image.write_bytes(whole[:-1])
        self.refused(1, f"should have {len(whole)} bytes, and has {len(whole) - 1}", "rollout", "raise", "50%", "--folder", "www",
                     "--job-key", "job.pem")
        image.unlink()
        self.refused(1, "should be there, and is not", "rollout", "raise", "50%", "--folder", "www", "--job-key", "job.pem")
        self.rollout("halt")  # that must work in any case
        self.refused(1, "should be there", "rollout", "resume", "--folder", "www", "--job-key", "job.pem")
        image.write_bytes(whole)
        self.rollout("resume")
        self.assertEqual([line["action"] for line in self.history()], ["publish", "halt", "resume"])

    def test_two_documents_are_not_mixed_up(self):
        self.publish("1.0.0", "--rollout", "1%", key=None)
        self.refused(2, "--job says which", "rollout", "halt", "--folder", "www")
        said = self.rollout("halt").stdout.decode()
        self.assertIn("ota_update.json is there too", said)
        self.rollout("halt", "--job", "ota_update.json", key=None)
        self.assertEqual([line["action"] for line in self.history()], ["publish", "publish", "halt", "halt"])

    def test_a_history_without_a_place(self):
        os.mkdir(self.folder / "closed")
        os.rename(self.folder / "www", self.folder / "closed/www")
        self.refused(1, "--history FILE puts it elsewhere", "rollout", "halt", "--folder", "closed/www", "--job-key", "job.pem",
                     "--history", "nowhere/h")
        if os.geteuid() != 0:
            os.chmod(self.folder / "closed", 0o555)
            self.refused(1, "--history FILE puts it elsewhere", "rollout", "halt", "--folder", "closed/www", "--job-key", "job.pem")
            os.chmod(self.folder / "closed", 0o755)

    def test_the_history_is_not_handed_out(self):
        for place in ("www/history", "www/../www/history"):
            self.refused(1, "lies in the served folder", "rollout", "halt", "--folder", "www", "--job-key", "job.pem", "--history", place)
        self.rollout("halt", place=("--folder", "www/"))
        self.assertEqual(len(self.history()), 2)

    def test_a_history_that_is_none(self):
        path = self.folder / "www.history.jsonl"
        good = path.read_text()
        for bad in (good + "x\n", good + "{}\n", good + "\n", "[1]\n" + good, good + '{"sequence":-1}\n', "\0"):
            path.write_text(bad)
            self.refused(1, "history", "rollout", "halt", "--folder", "www", "--job-key", "job.pem")
            self.assertEqual((path.read_text(), self.job()["Sequence"]), (bad, 1))

    def test_a_clock_that_runs_behind(self):
        text = self.jws(dict(self.job(), Issued=int(time.time()) + 2 * DAY, Expires=int(time.time()) + 9 * DAY))
        (self.folder / "www/ota_update.jws").write_text(text)
        self.refused(1, "set this machine's clock", "rollout", "halt", "--folder", "www", "--job-key", "job.pem")
        ahead = int(time.time()) + 3600
        (self.folder / "www/ota_update.jws").write_text(self.jws(dict(self.job(), Issued=ahead, Expires=ahead + DAY)))
        self.rollout("halt")
        self.assertEqual((self.job()["Issued"], self.job()["Expires"]), (ahead, ahead + DAY))

    def jws(self, job):
        """Sign by hand: openssl and this test's own base64."""
        coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in ({"alg": "ES256"}, job)]
        signed = b".".join(coded)
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "job.pem"], cwd=self.folder, input=signed, capture_output=True).stdout
        raw, at = b"", 2
        for _ in range(2):
            size = der[at + 1]
            raw += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
            at += 2 + size
        return (signed + b"." + base64.urlsafe_b64encode(raw).rstrip(b"=")).decode() + "\n"

    def test_a_document_made_by_hand_is_taken_up(self):
        """Keys in other cases, numbers in quotes: what devices take, we do."""
        job = {key.lower(): value for key, value in self.job().items()}
        job["sequence"] = "41"
        job["rollout"] = {"permille": "20", "salt": "x"}
        (self.folder / "www/ota_update.jws").write_text(self.jws(job))
        self.rollout("raise", "50%")
        made = self.job()
        self.assertEqual((made["sequence"], made["rollout"]), (42, {"permille": 500, "salt": "x"}))
        self.assertNotIn("Sequence", made)


class Misuse(Releases):
    def test_a_key_has_one_purpose(self):
        self.refused(1, "signed the image: a job needs a key of its own", "publish", "--image", "app-1.0.0.bin", "--folder", "www",
                     "--job-key", "k.pem", "--board", "B")
        self.assertFalse((self.folder / "www").exists())
        for kind in ("ed25519", "rsa-2048"):
            self.otter("keygen", "--type", kind, f"{kind}.pem")
            self.refused(1, "jobs are signed with ECDSA P-256", "publish", "--image", "app-1.0.0.bin", "--folder", "www",
                         "--job-key", f"{kind}.pem", "--board", "B")
        self.otter("pubkey", "--key", "job.pem", "-o", "job.pub")
        self.refused(1, "public key", "publish", "--image", "app-1.0.0.bin", "--folder", "www", "--job-key", "job.pub", "--board", "B")

    def test_keys_are_not_published(self):
        self.publish("1.0.0")
        before = self.job()
        shutil.copy(self.folder / "job.pem", self.folder / "www/job.txt")
        self.refused(1, "job.txt' is a private key", "publish", "--image", "app-1.1.0.bin", "--folder", "www", "--job-key",
                     "www/job.txt", "--board", "B")
        self.refused(1, "job.txt' is a private key", "rollout", "halt", "--folder", "www", "--job-key", "job.pem")
        self.assertEqual(self.job(), before)
        os.remove(self.folder / "www/job.txt")
        (self.folder / "p.bin").write_bytes(b"firmware" + (self.folder / "job.pem").read_bytes())
        self.image("2.0.0")
        self.refused(1, "holds a private key", "publish", "--image", "app-2.0.0.bin", "--folder", "www", "--job-key", "job.pem", "--board", "B")

    def test_keys_that_everybody_has_are_named(self):
        said = self.publish("1.0.0", key=KEYS / "not-secret-ecdsa-p256.pem").stdout.decode()
        self.assertIn("for tests only: the job key is Otter's", said)

    def test_options_are_read_strictly(self):
        base = ["publish", "--image", "app-1.0.0.bin", "--folder", "www", "--job-key", "job.pem", "--board", "B"]
        for text, words in (
                ("--rollout takes 0% to 100%, e.g. 2.5%", ["--rollout", "10"]), ("--rollout takes", ["--rollout", "100.5%"]),
                ("--rollout takes", ["--rollout", "1.25%"]), ("--rollout takes", ["--rollout", "-1%"]), ("--rollout takes", ["--rollout", ""]),
                ("lets nobody in", ["--rollout", "0%"]), ("--start takes a time in UTC", ["--start", "tomorrow"]),
                ("--start takes", ["--start", "2026-12-01"]), ("--start takes", ["--start", "2026-02-30T08:00Z"]),
                ("--ramp takes a duration", ["--ramp", "7"]), ("--ramp takes", ["--ramp", "0d"]), ("--ramp takes", ["--ramp", "1.5d"]),
                ("--expires takes a duration", ["--expires", "30"]), ("--expires takes", ["--expires", "0d"]),
                ("devices count to 2106", ["--expires", "49710d"]), ("over before its rollout is complete", ["--ramp", "30d"]),
                ("over before its rollout is complete", ["--start", "+2w", "--expires", "1w"]),
                ("need a --rollout of more", ["--ring", "a", "--rollout", "0%", "--ramp", "1d"]),
                ("--ring 'a b'", ["--ring", "a b"]), ("--ring ''", ["--ring", ""]), ("--ring 'x", ["--ring", "x" * 33]),
                ("--ring: all names", [w for n in range(5) for w in ("--ring", str(n) * 32)]),
                ("--salt takes 1 to 64", ["--rollout", "1%", "--salt", "x" * 65]), ("--salt takes", ["--rollout", "1%", "--salt", ""]),
                ("--salt needs", ["--salt", "x"]), ("--min-version takes", ["--min-version", "new"]),
                ("--hardware-min takes", ["--hardware-min", "0"]), ("--hardware-max takes", ["--hardware-max", "4294967296"]),
                ("no device is in between", ["--hardware-min", "3", "--hardware-max", "2"]), ("--sequence takes", ["--sequence", "0"]),
                ("--board is empty", ["--board", ""]), ("--product is no UTF-8", ["--product", b"\xff"]),
                ("--message is no UTF-8", ["--message", b"a\xc3"]), ("--prefix is a path of visible", ["--prefix", "/a b"]),
                ("--prefix has at most", ["--prefix", "/" + "x" * 96]), ("--prefix starts", ["--prefix", ""]),
                ("--folder and --to", ["--to", "https://x/"]), ("for a server", ["--user", "u"]), ("for a server", ["--ca", "x"]),
                ("ends in .jws", ["--job", "job.json"])):
            self.refused(2, text, *(base[:-2] if words[0] == "--board" else base), *words)  # popt forgets the first of two
        self.refused(2, "ends in .jws", "publish", "--image", "app-1.0.0.bin", "--folder", "www", "--job", "x.jws")
        self.refused(2, "--board or --product", "publish", "--image", "app-1.0.0.bin", "--folder", "www", "--job-key", "job.pem")
        self.refused(1, "no device could take it", *base, "--min-version", "1.0.0")
        self.assertFalse((self.folder / "www").exists())
        server = ["publish", "--image", "app-1.0.0.bin"]
        for text, words in (
                ("--to is a URL", ["--to", "ftp://x/"]), ("--to is a URL", ["--to", "x"]), ("no name or password", ["--to", "https://u:p@x/"]),
                ("no name or password", ["--to", "https://x/?a"]), ("--history FILE is needed", ["--to", "https://x/"]),
                ("--user and --password-file", ["--to", "https://x/", "--history", "h", "--user", "u"]),
                ("--client-cert and --client-key", ["--to", "https://x/", "--history", "h", "--client-key", "u"]),
                ("choose one of", ["--to", "https://x/", "--history", "h", "--token-file", "t", "--s3-region", "r"])):
            self.refused(2, text, *server, *words)


class Inspect(Releases):
    def test_shows_a_signed_document(self):
        self.publish("1.0.0", "--rollout", "1%")
        path = "www/ota_update.jws"
        said = self.otter("inspect", path).stdout.decode()
        for text in ('"alg": "ES256"', '"Version": "1.0.0"', "not checked"):
            self.assertIn(text, said)
        self.assertIn("made with this key", self.otter("inspect", path, "--job-key", "job.pem").stdout.decode())
        shown = json.loads(self.otter("inspect", "--json", path, "--job-key", "job.pem").stdout)
        self.assertEqual((shown["header"]["alg"], shown["payload"], shown["verified"]), ("ES256", self.job(), True))
        self.assertIsNone(json.loads(self.otter("inspect", "--json", path).stdout)["verified"])
        self.otter("keygen", "--type", "ecdsa-p256", "other.pem")
        done = self.otter("inspect", path, "--job-key", "other.pem", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"NOT made with this key", done.stdout)
        head, body, sig = (self.folder / path).read_text().strip().split(".")
        (self.folder / "none.jws").write_text(f"eyJhbGciOiJub25lIn0.{body}.{sig}")
        done = self.otter("inspect", "none.jws", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'"alg": "none"', done.stdout)
        self.assertIn(b"another algorithm than ES256", done.stdout)
        self.refused(2, "--job-key is for a signed job document", "inspect", "app-1.0.0.bin", "--job-key", "job.pem")


if __name__ == "__main__":
    unittest.main()
