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
        (self.folder / "job.jws").write_text("eyJhbGciOiJFUzI1NiJ9.e30." + "A" * 86)
        done = self.otter("doctor", "--report", "report.json", "--job", "job.jws", ok=False)
        self.assertIn("bad-job", done.stdout.decode())
        self.assertIn("the device has no job key", done.stdout.decode())
        for text in ("", "[]", "{", '{"result":"confirmed"}'):
            (self.folder / "report.json").write_text(text)
            self.refused(1, "report.json", "doctor", "--report", "report.json")


class Asks(Folder):
    def base_of(self, name):
        """The image's own hash."""
        text = self.otter("inspect", "--json", name).stdout.decode()
        self.otter("delta", "make", name, name, "-o", "same.delta")
        return re.search(json.loads(self.otter("delta", "info", "same.delta", "--json").stdout)["base"] + "[0-9a-f]{32}", text).group()


class Patches(Asks):
    """What becomes of a job's patch. The image is taken in each case."""

    def setUp(self):
        super().setUp()
        self.otter("keygen", "--type", "ecdsa-p256", "k.pem")
        for version in ("0.9.0", "1.0.0", "1.1.0"):
            self.otter("device", "app", "--version", version, "--seed", "7", "-o", "raw.bin")
            self.otter("sign", "--key", "k.pem", "--version", version, "raw.bin", f"app-{version}.bin")
        self.otter("publish", "--image", "app-1.1.0.bin", "--folder", "www", "--board", "B", "--delta-from", "app-1.0.0.bin")
        self.otter("device", "init", "--map", MAPS[0], "--key", "k.pem", "--image", "app-1.0.0.bin", "--server", "http://127.0.0.1:9", "--board", "B", "d")
        self.job = self.folder / "www/ota_update.json"
        self.patch = self.folder / ("www" + json.loads(self.job.read_text())["Deltas"][0]["File"])

    def ask(self, *words, device=("--device", "d"), image=("--image", "app-1.1.0.bin")):
        said = json.loads(self.otter("doctor", *device, "--job", "www/ota_update.json", *image, "--json", *words).stdout)
        self.assertEqual(said["verdict"], "takes" if image else "fetches")
        return said["patch"]["state"]

    def change(self, **members):
        job = json.loads(self.job.read_text())
        job["Deltas"][0].update(members)
        self.job.write_text(json.dumps(job))

    def use(self, patch):
        self.patch.write_bytes(patch)
        self.change(Size=len(patch), SHA256=hashlib.sha256(patch).hexdigest())

    def test_taken(self):
        self.assertEqual(self.ask(), "takes")
        text = self.otter("doctor", "--device", "d", "--job", "www/ota_update.json", "--image", "app-1.1.0.bin").stdout.decode()
        self.assertIn(f"patch      takes: the image comes by this patch\n           {self.patch.name}, {self.patch.stat().st_size} bytes\n", text)
        self.assertEqual(self.ask(image=()), "offered")

    def test_another_base(self):
        self.change(From=self.base_of("app-0.9.0.bin"))
        self.assertEqual(self.ask(), "other-base")

    def test_not_there(self):
        self.patch.unlink()
        self.assertEqual(self.ask(), "missing")

    def test_damaged(self):
        patch = bytearray(self.patch.read_bytes())
        patch[-9] ^= 1
        self.patch.write_bytes(patch)
        self.assertEqual(self.ask(), "damaged")

    def test_not_a_patch_from_this_base_to_this_image(self):
        for old, new in (("app-0.9.0.bin", "app-1.1.0.bin"), ("app-1.0.0.bin", "app-0.9.0.bin")):
            self.otter("delta", "make", old, new, "-o", "x.delta")
            self.use((self.folder / "x.delta").read_bytes())
            self.assertEqual(self.ask(), "fails")
        self.use(b"no patch at all, and longer than the head of one would have to be")
        self.assertEqual(self.ask(), "fails")

    def test_far_away(self):
        (self.folder / "s.json").write_bytes(self.otter("device", "status", "--json", "d").stdout)
        self.assertEqual(self.ask(device=("--status", "s.json", "--key", "k.pem")), "offered")
        self.change(From=self.base_of("app-0.9.0.bin"))
        self.assertEqual(self.ask(device=("--status", "s.json", "--key", "k.pem")), "other-base")
        (self.folder / "r.json").write_text(json.dumps({"board": "B", "from": "1.0.0", "to": "1.0.0", "result": "confirmed"}))
        self.assertEqual(self.ask(device=("--report", "r.json", "--key", "k.pem")), "unknown")


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
        self.make_patches()
        self.server = Serve(self.folder, "--folder", "www")
        test.addCleanup(self.server.stop)

    def make_patches(self):
        """From what the devices run to every image, and one from another base."""
        for name, _ in self.images:
            self.test.otter("delta", "make", "www/i1-1.0.0.bin", "www/" + name, "-o", f"www/{name}.delta")
        self.test.otter("delta", "make", "www/i0-0.9.0.bin", "www/i2-1.1.0.bin", "-o", "www/other.delta")
        broken = bytearray((self.folder / "www/i2-1.1.0.bin.delta").read_bytes())
        broken[len(broken) // 2] ^= 4
        (self.folder / "www/broken.delta").write_bytes(broken)
        self.bases = [self.test.base_of(f"www/{name}.bin") for name in ("i1-1.0.0", "i0-0.9.0")]

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
        if self.chance.random() < 0.7:
            job["Deltas"] = self.often([self.make_delta() for _ in range(self.chance.randrange(1, 3))], [], {}, 7, [7], part=0.97)
        payload = json.dumps(job).encode()
        if self.chance.random() < 0.05:
            payload = payload[:-self.chance.randrange(1, 20)]
        signs = self.chance.random() < (0.9 if self.takes_signed else 0.1)
        self.job = self.bench.sign(payload, self.often("job.pem", "foreign.pem", "image.pem")) if signs else payload
        (self.bench.folder / "www" / self.name).write_bytes(self.job)

    def make_delta(self):
        name = self.often(f"{self.image}.delta", "other.delta", "broken.delta", "nowhere.delta", self.image, part=0.7)
        path = self.bench.folder / "www" / name
        patch = path.read_bytes() if path.exists() else b""
        return {"From": self.often(self.bench.bases[0], self.bench.bases[1], "00" * 32, self.often("00" * 32, "x"), part=0.8),
                "File": self.often("/" + name, "x", part=0.99), "Size": self.often(len(patch), len(patch) + 1, str(len(patch)), part=0.9),
                "SHA256": self.often(hashlib.sha256(patch).hexdigest(), "00" * 32, self.often("00" * 32, "zz"), part=0.9)}

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


class Agreement(Asks):
    def test_the_device_then_does_what_was_said(self):
        bench = Bench(self)
        seen, ways = {}, {}
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
                if said["patch"]["state"] != "none":
                    ways[said["patch"]["state"]] = ways.get(said["patch"]["state"], 0) + 1
                seen[said["verdict"]] = seen.get(said["verdict"], 0) + 1
        print(f"\n{sum(seen.values())} of {len(seeds)} agree:", ", ".join(f"{word} {seen[word]}" for word in sorted(seen)),
              "; patches:", ", ".join(f"{word} {ways[word]}" for word in sorted(ways)))


if __name__ == "__main__":
    unittest.main()
