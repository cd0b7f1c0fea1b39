# SPDX-License-Identifier: Apache-2.0
"""test_doctor.py - `otter doctor`: its words, and that a device then does what it said.

The cases of the second part are random: a device, a job document, an image. The doctor is asked
first, then the device itself runs against a server. OTTER_DOCTOR_CASES (default 40) says how many,
OTTER_DOCTOR_SEED which; a failing one prints the seed that makes it alone.
"""
import base64
import hashlib
import json
import os
import random
import re
import subprocess
import time
import unittest

from tool import OTTER, Folder, Serve

CASES = int(os.environ.get("OTTER_DOCTOR_CASES", "40"))
SEED = int(os.environ.get("OTTER_DOCTOR_SEED", "1"))
MAPS = ["psoc62_2m_ext_swap_single", "psoc62_512k_xip_swap_single", "xmc7200_int_overwrite_single"]


class Words(Folder):
    def test_every_word_has_its_entry(self):
        lines = self.otter("doctor", "--list").stdout.decode().splitlines()
        words = [line.split()[0] for line in lines]
        self.assertGreater(len(words), 50)
        for word in set(words):
            text = self.otter("doctor", word).stdout.decode()
            self.assertRegex(text, rf"^{re.escape(word)}: .+\ndo +\S.+\n$")
        self.refused(1, "otter doctor --list", "doctor", "measles")
        self.refused(2, "one of --device", "doctor")
        self.refused(2, "one of --device", "doctor", "--device", "a", "--report", "b")

    def test_a_report_is_enough(self):
        report = {"id": "1", "device": "d", "board": "B", "from": "1.0.0", "to": "1.1.0", "result": "reverted", "reason": "watchdog"}
        (self.folder / "report.json").write_text(json.dumps(report))
        said = self.otter("doctor", "--report", "report.json").stdout.decode()
        self.assertIn("watchdog", said)
        (self.folder / "job.json").write_text('{"Board":"B","Version":"1.1.0","File":"/a.bin"}')
        done = self.otter("doctor", "--report", "report.json", "--job", "job.json", "--json", ok=False)
        self.assertEqual((done.returncode, json.loads(done.stdout)["verdict"]), (1, "rejected"))
        (self.folder / "job.json").write_text('{"Board":"B","Version":"1.2.0","File":"/a.bin"}')
        self.assertEqual(json.loads(self.otter("doctor", "--report", "report.json", "--job", "job.json", "--json").stdout)["verdict"], "fetches")
        for text in ("", "[]", "{", '{"result":"confirmed"}'):
            (self.folder / "report.json").write_text(text)
            self.refused(1, "report.json", "doctor", "--report", "report.json")


class Bench:
    """Keys and images that all cases share."""

    def __init__(self, test):
        self.test, self.folder = test, test.folder
        for key in ("image.pem", "other.pem", "job.pem", "foreign.pem"):
            test.otter("keygen", "--type", "ecdsa-p256", key)
        (self.folder / "www").mkdir()
        self.images = []
        for version, counter, key, size in (("0.9.0", 0, "image", 0), ("1.0.0", 2, "image", 0), ("1.1.0", 2, "image", 0), ("1.1.0", 1, "image", 0),
                                            ("1.2.0", 3, "image", 0), ("1.1.0", 2, "other", 0), ("1.1.0", 2, "image", 600000)):
            name = f"i{len(self.images)}-{version}.bin"
            words = ["--size", str(size)] if size else []
            test.otter("device", "app", "--version", version, "-o", "raw.bin", *words)
            test.otter("sign", "--key", key + ".pem", "--version", version, "--security-counter", str(counter), "raw.bin", "www/" + name)
            self.images.append((name, version))
        bad = bytearray((self.folder / "www/i2-1.1.0.bin").read_bytes())
        bad[5000] ^= 1
        (self.folder / "www/i7-1.1.0.bin").write_bytes(bad)
        (self.folder / "www/i8-1.1.0.bin").write_bytes(bad[:40000])
        self.images += [("i7-1.1.0.bin", "1.1.0"), ("i8-1.1.0.bin", "1.1.0")]
        self.server = Serve(self.folder, "--folder", "www")
        test.addCleanup(self.server.stop)

    def sign(self, payload, key):
        def b64(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        text = b64(b'{"alg":"ES256"}') + b"." + b64(payload)
        der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.folder / key], input=text, capture_output=True, check=True).stdout
        numbers, at = [], 2
        for _ in range(2):
            length = der[at + 1]
            numbers.append(int.from_bytes(der[at + 2:at + 2 + length], "big").to_bytes(32, "big"))
            at += 2 + length
        return text + b"." + b64(b"".join(numbers))


class Case:
    """One device, one job, one image, all by the seed."""

    def __init__(self, bench, seed):
        self.bench, self.seed = bench, seed
        self.chance = random.Random(seed)
        self.image, self.version = self.chance.choice(bench.images)
        self.takes_signed = self.chance.random() < 0.4
        self.name = f"case-{seed}"
        self.make_device()
        self.make_job()

    def often(self, right, *wrong, part=0.93):
        return right if self.chance.random() < part else self.chance.choice(wrong)

    def make_device(self):
        words = ["--map", self.chance.choice(MAPS), "--key", "image.pem", "--image", "www/i1-1.0.0.bin", "--server", self.bench.server.url.rstrip("/"),
                 "--board", "B", "--device-id", f"d{self.seed}", "--job-path", f"/{self.name}", "--initial-ms", "1", "--no-report"]
        self.product = self.chance.random() < 0.3
        self.hardware = self.chance.choice([0, 0, 3])
        words += ["--product", "P"] if self.product else []
        words += ["--hardware-revision", str(self.hardware)] if self.hardware else []
        words += ["--ring", "staff"] if self.chance.random() < 0.3 else []
        words += ["--no-clock"] if self.chance.random() < 0.2 else []
        words += ["--permanent"] if self.chance.random() < 0.2 else []
        words += ["--job-key", "job.pem"] if self.takes_signed else []
        self.bench.test.otter("device", "init", *words, self.name)

    def make_job(self):
        image = (self.bench.folder / "www" / self.image).read_bytes()
        now = int(time.time())
        job = {"Board": self.often("B", "C", "", 7, part=0.93), "Version": self.often(self.version, "1.1.0", "1.3.0", "x", part=0.93), "File": self.often("/" + self.image, "x", part=0.97)}
        if self.chance.random() < 0.95:
            job["Size"] = self.often(len(image), len(image) + 1, 10, str(len(image)), part=0.9)
        if self.chance.random() < 0.95:
            job["SHA256"] = self.often(hashlib.sha256(image).hexdigest(), "00" * 32, "zz", part=0.9)
        if self.chance.random() < 0.5:
            job["Product"] = self.often("P", "Q")
        for key, part, values in (("Connection", 0.1, ["HTTP", "HTTPS", "MQTT", ""]), ("Server", 0.1, ["127.0.0.1", "203.0.113.7", ""]),
                                  ("MinVersion", 0.3, ["1.0.0", "0.5.0", "0.5.0", "1.0.1"]), ("Expires", 0.3, [now + 9999, now - 9999])):
            if self.chance.random() < part:
                job[key] = self.chance.choice(values)
        if self.chance.random() < 0.4:
            job["Rollout"] = {"Permille": self.chance.choice([0, 500, 500, 1000]), "Salt": "s",
                              **self.chance.choice([{}, {"Rings": "staff"}, {"Start": now - 50, "RampSeconds": 100}, {"Start": now + 9999}])}
        if self.takes_signed or self.chance.random() < 0.1:
            job.update({"Sequence": 5, "Issued": now - 10, "Expires": job.get("Expires", now + 9999)})
            job["Audience"] = {"Board": job["Board"], **({"Product": "P"} if self.product else {}),
                               **self.chance.choice([{}, {}, {"HardwareMin": 2}, {"HardwareMin": 4}, {"HardwareMax": 3}])}
            if self.chance.random() < 0.1:
                del job[self.chance.choice(["Sequence", "Issued", "Expires", "Audience"])]
        payload = json.dumps(job).encode()
        if self.chance.random() < 0.05:
            payload = payload[:-self.chance.randrange(1, 20)]
        signs = self.chance.random() < (0.9 if self.takes_signed else 0.1)
        self.job = self.bench.sign(payload, self.often("job.pem", "foreign.pem", "image.pem")) if signs else payload
        (self.bench.folder / "www" / self.name).write_bytes(self.job)

    def ask(self):
        done = self.bench.test.otter("doctor", "--device", self.name, "--job", "www/" + self.name, "--image", "www/" + self.image, "--json", ok=False)
        said = json.loads(done.stdout)
        good = said["verdict"] in ("takes", "current")
        if done.returncode != (0 if good else 1):
            raise AssertionError(f"exit code {done.returncode} with {said}")
        return said

    def run(self):
        """The device's own first outcome, and what then runs."""
        outcome = started = None
        with subprocess.Popen([OTTER, "device", "run", "--json", "--timeout", "60", self.name], cwd=self.bench.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "outcome" and outcome is None:
                    outcome = event["outcome"]
                    if outcome != "installing":
                        break
                elif event["event"] == "started" and outcome:
                    started = event["version"]
                    break
            process.terminate()
        return outcome, started


class Agreement(Folder):
    def test_the_device_then_does_what_was_said(self):
        bench = Bench(self)
        seen = {}
        seeds = [SEED * 1000003 + i for i in range(CASES)] if CASES > 1 else [SEED]
        for seed in seeds:
            with self.subTest(f"OTTER_DOCTOR_CASES=1 OTTER_DOCTOR_SEED={seed}"):
                case = Case(bench, seed)
                said = case.ask()
                outcome, started = case.run()
                self.assertEqual(said["outcome"], outcome, said)
                self.assertEqual(said["verdict"] == "takes", started is not None and started != "1.0.0", said)
                if said["verdict"] not in ("takes", "current", "server"):
                    self.assertTrue(said["values"] or said["outcome"] == "installing", said)
                seen[said["verdict"]] = seen.get(said["verdict"], 0) + 1
        print(f"\n{sum(seen.values())} of {len(seeds)} agree:", ", ".join(f"{word} {seen[word]}" for word in sorted(seen)))


if __name__ == "__main__":
    unittest.main()
