# SPDX-License-Identifier: Apache-2.0
"""test_publish.py - `otter publish`: what lies in the folder afterwards, and before."""
import hashlib
import json
import os
import shutil
import unittest

from tool import Folder


class Publish(Folder):
    def setUp(self):
        super().setUp()
        self.otter("keygen", "--type", "ecdsa-p256", "k.pem")
        (self.folder / "p.bin").write_bytes(os.urandom(5000))
        self.image("1.0.0")
        self.image("1.1.0")

    def image(self, version, name=None):
        self.otter("sign", "--key", "k.pem", "--version", version, "--pad-header", "--header-size", "0x400",
                   "--slot-size", "0x20000", "p.bin", name or f"app-{version}.bin")

    def job(self, name="www/ota_update.json"):
        return json.loads((self.folder / name).read_text())

    def test_image_and_job_agree(self):
        said = json.loads(self.otter("publish", "--json", "--image", "app-1.0.0.bin", "--folder", "www").stdout)
        body = (self.folder / "app-1.0.0.bin").read_bytes()
        digest = hashlib.sha256(body).hexdigest()
        name = f"app-1.0.0-{digest[:8]}.bin"
        self.assertEqual(self.files("www"), [name, "ota_update.json"])
        self.assertEqual((self.folder / "www" / name).read_bytes(), body)
        job = self.job()
        self.assertEqual(job, {"Message": "Update Available", "Version": "1.0.0", "File": "/" + name, "Size": len(body),
                               "SHA256": digest, "Sequence": 1})
        self.assertEqual((said["image"], said["sha256"], said["sequence"]), (name, digest, 1))

    def test_keys_and_their_order(self):
        self.otter("publish", "--image", "app-1.0.0.bin", "--folder", "www", "--message", "m", "--manufacturer", "Infineon",
                   "--manufacturer-id", "ABC", "--product", "PSoC 6", "--serial", "S1", "--board", "APP_X", "--server",
                   "192.168.0.10", "--port", "443", "--report", "/r", "--poll-seconds", "60", "--prefix", "/up")
        job = self.job()
        self.assertEqual(list(job), ["Message", "Manufacturer", "ManufacturerId", "Product", "SerialNumber", "Board",
                                     "Version", "Connection", "Server", "Port", "File", "Size", "SHA256", "Sequence",
                                     "Report", "PollSeconds"])
        self.assertEqual((job["Connection"], job["Port"], job["PollSeconds"]), ("HTTPS", "443", 60))
        self.assertTrue(job["File"].startswith("/up/app-1.0.0-"))

    def test_sequence_goes_up_and_versions_must(self):
        self.otter("publish", "--image", "app-1.0.0.bin", "--folder", "www")
        self.otter("publish", "--image", "app-1.1.0.bin", "--folder", "www")
        self.assertEqual((self.job()["Sequence"], self.job()["Version"]), (2, "1.1.0"))
        before = self.files("www")
        self.refused(1, "offers version 1.1.0 already", "publish", "--image", "app-1.1.0.bin", "--folder", "www")
        self.refused(1, "offers version 1.1.0 already", "publish", "--image", "app-1.0.0.bin", "--folder", "www")
        self.assertEqual(self.files("www"), before)
        self.otter("publish", "--image", "app-1.0.0.bin", "--folder", "www", "--force")
        self.assertEqual((self.job()["Sequence"], self.job()["Version"]), (3, "1.0.0"))
        self.assertEqual(len(self.files("www")), 3)

    def test_build_number(self):
        self.image("2.0.0+7", "fw.bin")
        self.otter("publish", "--image", "fw.bin", "--folder", "www")
        self.assertEqual(self.job()["Version"], "2.0.0+7")
        self.assertIn("fw-2.0.0_7-", self.job()["File"])

    def test_private_keys_in_the_folder_are_named(self):
        self.otter("publish", "--image", "app-1.0.0.bin", "--folder", "www")
        before = (self.folder / "www/ota_update.json").read_bytes()
        (self.folder / "www/deep/er").mkdir(parents=True)
        shutil.copy(self.folder / "k.pem", self.folder / "www/deep/er/notes.txt")
        self.refused(1, "notes.txt' is a private key", "publish", "--image", "app-1.1.0.bin", "--folder", "www")
        os.remove(self.folder / "www/deep/er/notes.txt")
        (self.folder / "www/x.key").write_text("anything")
        self.refused(1, "x.key' is a private key", "publish", "--image", "app-1.1.0.bin", "--folder", "www")
        self.assertEqual((self.folder / "www/ota_update.json").read_bytes(), before)

    def test_key_far_inside_a_file_is_found(self):
        os.mkdir(self.folder / "www")
        key = (self.folder / "k.pem").read_bytes()
        for at in (0, *range(65536 - 40, 65537), 200000):
            (self.folder / "www/blob").write_bytes(b"\n" * at + key)
            self.refused(1, "blob' is a private key", "publish", "--image", "app-1.0.0.bin", "--folder", "www")

    def test_firmware_that_can_read_keys_is_no_key(self):
        text = b"-----BEGIN EC PRIVATE KEY-----\0-----END EC PRIVATE KEY-----\0-----BEGIN PRIVATE KEY-----\0"
        (self.folder / "p.bin").write_bytes((self.folder / "p.bin").read_bytes() + text * 1200)  # over a piece of 64 KiB
        self.image("3.0.0", "tls.bin")
        self.otter("publish", "--image", "tls.bin", "--folder", "www")
        self.assertIn("tls-3.0.0-", self.job()["File"])

    def test_refusals(self):
        os.mkdir(self.folder / "www")
        self.refused(1, "four bytes", "publish", "--image", "p.bin", "--folder", "www")
        self.refused(2, "--image and --folder", "publish", "--image", "app-1.0.0.bin")
        self.refused(2, "--job", "publish", "--image", "app-1.0.0.bin", "--folder", "www", "--job", "../x")
        self.refused(2, "--prefix", "publish", "--image", "app-1.0.0.bin", "--folder", "www", "--prefix", "x/")
        self.refused(2, "--connection", "publish", "--image", "app-1.0.0.bin", "--folder", "www", "--connection", "MQTT")
        self.otter("keygen", "--type", "ecdsa-p256", "other.pem")
        self.refused(1, "", "publish", "--image", "app-1.0.0.bin", "--folder", "www", "--key", "other.pem")
        self.assertEqual(self.files("www"), [])
        (self.folder / "www/ota_update.json").write_text("not json")
        self.refused(1, "no job document", "publish", "--image", "app-1.0.0.bin", "--folder", "www")
        self.assertEqual((self.folder / "www/ota_update.json").read_text(), "not json")
        self.otter("publish", "--image", "app-1.0.0.bin", "--folder", "www", "--force", "--key", "k.pem")
        self.assertEqual(self.job()["Sequence"], 1)


if __name__ == "__main__":
    unittest.main()
