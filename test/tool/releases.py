# SPDX-License-Identifier: Apache-2.0
"""releases.py - a folder with an image key, a job key and signed images to publish."""
import base64
import json
import os

from tool import Folder


def parts(text):
    """Header and payload of a signed document, as JSON; nothing is verified."""
    head, body, _ = text.strip().split(".")
    return [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, body)]


class Releases(Folder):
    def setUp(self):
        super().setUp()
        self.otter("keygen", "--type", "ecdsa-p256", "k.pem")
        self.otter("keygen", "--type", "ecdsa-p256", "job.pem")
        (self.folder / "p.bin").write_bytes(os.urandom(5000))
        self.image("1.0.0")
        self.image("1.1.0")

    def image(self, version, name=None):
        self.otter("sign", "--key", "k.pem", "--version", version, "--pad-header", "--header-size", "0x400",
                   "--slot-size", "0x20000", "p.bin", name or f"app-{version}.bin")

    def publish(self, version="1.0.0", *words, ok=True, place=("--folder", "www"), key="job.pem"):
        signed = ["--job-key", key, "--board", "B"] if key else []
        return self.otter("publish", "--image", f"app-{version}.bin", *place, *signed, *words, ok=ok)

    def rollout(self, *words, place=("--folder", "www"), key="job.pem", ok=True):
        return self.otter("rollout", *words, *place, *(["--job-key", key] if key else []), ok=ok)

    def job(self, name="www/ota_update.jws"):
        return parts((self.folder / name).read_text())[1]

    def status(self, *words, **more):
        return json.loads(self.rollout("status", "--json", *words, **more).stdout)

    def history(self, name="www.history.jsonl"):
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]
