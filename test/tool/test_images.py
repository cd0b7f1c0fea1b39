# SPDX-License-Identifier: Apache-2.0
"""test_images.py - keygen, pubkey, sign, verify, inspect as a person meets them."""
import base64
import json
import os
import pathlib
import stat
import subprocess
import unittest

from tool import Folder

KEYS = pathlib.Path(__file__).resolve().parent.parent / "keys"
TYPES = ["ecdsa-p256", "ed25519", "rsa-2048", "rsa-3072"]


class Images(Folder):
    def setUp(self):
        super().setUp()
        (self.folder / "app.bin").write_bytes(os.urandom(5000))
        (self.folder / "k.pem").write_bytes((KEYS / "not-secret-ecdsa-p256.pem").read_bytes())

    def sign(self, *words, version="1.2.3+4", out="app.signed.bin"):
        return self.otter("sign", "--key", "k.pem", "--version", version, "--pad-header", *words, "app.bin", out)

    def shown(self, name="app.signed.bin", ok=True):
        return json.loads(self.otter("inspect", "--json", name, ok=ok).stdout)

    def judged(self, *words):
        done = self.otter("verify", "--json", *words, ok=False)
        return done.returncode, json.loads(done.stdout)


class Keys(Images):
    def test_a_key_is_its_owners_and_never_replaced_by_accident(self):
        for kind in TYPES:
            self.otter("keygen", "--type", kind, kind + ".pem")
            self.assertEqual(stat.S_IMODE((self.folder / (kind + ".pem")).stat().st_mode), 0o600)
            before = (self.folder / (kind + ".pem")).read_bytes()
            self.refused(1, "exists", "keygen", "--type", kind, kind + ".pem")
            self.assertEqual((self.folder / (kind + ".pem")).read_bytes(), before)
            self.otter("keygen", "--type", kind, "--force", kind + ".pem")
            self.assertNotEqual((self.folder / (kind + ".pem")).read_bytes(), before)

    def test_public_half_is_what_openssl_says(self):
        for kind in TYPES:
            self.otter("keygen", "--type", kind, "x.pem", "--force")
            wanted = subprocess.run(["openssl", "pkey", "-in", "x.pem", "-pubout"], cwd=self.folder, capture_output=True, check=True)
            self.assertEqual(self.otter("pubkey", "--key", "x.pem").stdout, wanted.stdout)
            (self.folder / "pub.pem").write_bytes(wanted.stdout)
            for form in ("pem", "der", "c"):
                self.assertEqual(self.otter("pubkey", "--key", "pub.pem", "--format", form).stdout,
                                 self.otter("pubkey", "--key", "x.pem", "--format", form).stdout)

    def test_keys_that_are_none_of_ours(self):
        for name, command in (("p384.pem", ["ecparam", "-genkey", "-noout", "-name", "secp384r1"]), ("rsa1024.pem", ["genrsa", "1024"]),
                              ("x25519.pem", ["genpkey", "-algorithm", "x25519"])):
            with open(self.folder / name, "wb") as out:
                subprocess.run(["openssl", *command], stdout=out, stderr=subprocess.DEVNULL, check=True)
            self.refused(1, "not a key for images", "pubkey", "--key", name)
        subprocess.run(["openssl", "pkey", "-in", "k.pem", "-aes128", "-passout", "pass:x", "-out", "locked.pem"], cwd=self.folder, check=True)
        self.refused(1, "passphrase", "pubkey", "--key", "locked.pem")
        self.refused(1, "not a PEM key", "pubkey", "--key", "app.bin")
        self.refused(2, "--format 'xml'", "pubkey", "--key", "k.pem", "--format", "xml")
        self.refused(2, "--type 'dsa'", "keygen", "--type", "dsa", "x.pem")
        self.refused(2, "--type is missing", "keygen", "x.pem")


    def spoil(self, name, other=None):
        """The key, its last bytes those of another one; or (RSA) private exponent and CRT numbers changed."""
        def der(pem):
            return base64.b64decode(b"".join(line for line in pem.splitlines() if not line.startswith(b"-")))
        raw = bytearray(der((self.folder / name).read_bytes()))
        if other:
            raw[-64:] = der((self.folder / other).read_bytes())[-64:]
        else:
            for at in (len(raw) * 3 // 10, len(raw) * 8 // 10):
                raw[at] ^= 1
        (self.folder / "damaged.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(raw) + b"-----END PRIVATE KEY-----\n")

    def test_a_damaged_private_key_signs_nothing(self):
        self.otter("sign", "--key", "k.pem", "--version", "1.0.0", "--pad-header", "--map", "psoc62_2m_ext_swap_single", "app.bin", "good.bin")
        self.otter("keygen", "--type", "ecdsa-p256", "other.pem")
        self.otter("keygen", "--type", "rsa-2048", "rsa.pem")
        for words in (("k.pem", "other.pem"), ("rsa.pem",)):
            self.spoil(*words)
            self.refused(1, "the private key is damaged", "sign", "--key", "damaged.pem", "--version", "1.0.0", "--pad-header",
                         "--map", "psoc62_2m_ext_swap_single", "app.bin", "out.bin")
            self.assertFalse((self.folder / "out.bin").exists())
        self.spoil("k.pem", "other.pem")
        self.refused(1, "the private key is damaged", "publish", "--image", "good.bin", "--folder", "www", "--board", "B", "--job-key", "damaged.pem")
        self.assertFalse(list((self.folder / "www").glob("*.json")))


class Sign(Images):
    def linked(self, address, *words):
        """The words of a command that signs 16 bytes linked for this address."""
        lines = [b"\x02\0\0\x04" + (address >> 16).to_bytes(2, "big"), b"\x10" + (address & 0xffff).to_bytes(2, "big") + b"\0" + bytes(16), b"\0\0\0\x01"]
        (self.folder / "linked.hex").write_text("".join(":%s%02X\n" % (line.hex().upper(), -sum(line) & 255) for line in lines))
        return ["sign", "--key", "k.pem", "--version", "1.0.0", "--pad-header", "--map", "psoc62_2m_ext_swap_single", *words, "linked.hex", "out.bin"]

    def test_a_program_linked_for_another_slot_is_refused(self):
        self.otter(*self.linked(0x10028400))
        self.otter(*self.linked(0x21028400, "--board", "qemu-psoc62"))
        self.otter(*self.linked(0x10028200, "--header-size", "0x200"))
        self.refused(1, "will lie at 0x10028400", *self.linked(0x10028000))
        self.refused(1, "linked for 0x21028400", *self.linked(0x21028400))
        self.refused(1, "will lie at 0x21028400", *self.linked(0x10028400, "--board", "qemu-psoc62"))
        self.refused(2, "--board 'qemu'", *self.linked(0x10028400, "--board", "qemu"))
        self.refused(2, "--board needs a --map", "sign", "--key", "k.pem", "--version", "1.0.0", "--board", "qemu-psoc62", "app.bin", "out.bin")

    def test_what_was_asked_for_is_in_the_image(self):
        said = self.sign("--header-size", "0x200", "--security-counter", "7", "--dependency", "(1,2.0.0)", "--custom-tlv", "0xa1=0xbeef",
                         "--custom-tlv", "0xa2=hello", "--load-addr", "0x10000000").stdout.decode()
        self.assertIn("version 1.2.3+4, ", said)
        self.assertIn("signed with ECDSA P-256 key 370b89212aa26363", said)
        image = self.shown()
        self.assertTrue(image["accepted"] and image["hash_good"])
        self.assertEqual((image["version"], image["header_size"], image["payload_size"], image["load_addr"], image["flags"]),
                         ("1.2.3+4", 0x200, 5000, 0x10000000, 0x20))
        self.assertEqual([(tlv["type"], tlv["hashed"], tlv["hex"]) for tlv in image["tlvs"][:4]],
                         [(0x50, True, "07000000"), (0x40, True, "010000000200000000000000"), (0xa1, True, "beef"), (0xa2, True, b"hello".hex())])
        self.assertEqual([tlv["type"] for tlv in image["tlvs"][4:]], [0x10, 0x01, 0x22])

    def test_the_same_image_from_bin_hex_and_elf_parts(self):
        self.sign("--hex-addr", "0x08000000", out="from-bin.hex")
        subprocess.run(["objcopy", "-I", "binary", "-O", "ihex", "--change-addresses", "0x08000400", "app.bin", "app.hex"],
                       cwd=self.folder, check=True)
        self.otter("sign", "--unsigned", "--version", "1.0.0", "--pad-header", "app.hex", "a.bin")
        self.otter("sign", "--unsigned", "--version", "1.0.0", "--pad-header", "app.bin", "b.bin")
        self.assertEqual((self.folder / "a.bin").read_bytes(), (self.folder / "b.bin").read_bytes())
        self.otter("sign", "--unsigned", "--version", "1.0.0", "--pad-header", "app.hex", "a.hex")
        self.otter("sign", "--unsigned", "--version", "1.0.0", "--pad-header", "--hex-addr", "0x08000000", "app.bin", "b.hex")
        self.assertEqual((self.folder / "a.hex").read_bytes(), (self.folder / "b.hex").read_bytes())
        self.refused(1, "--hex-addr", "sign", "--unsigned", "--version", "1.0.0", "--pad-header", "app.bin", "c.hex")
        self.assertNotIn("c.hex", self.files())

    def test_trailers(self):
        for align, words, image_ok in ((8, ["--confirm"], "set"), (16, ["--align", "16", "--pad"], "unset"), (32, ["--max-align", "32", "--test"], "unset")):
            self.sign("--slot-size", "0x10000", *words)
            self.assertEqual((self.folder / "app.signed.bin").stat().st_size, 0x10000)
            self.assertEqual(self.shown()["trailer"], {"max_align": align, "image_ok": image_ok, "copy_done": "unset", "swap": "none"})

    def test_a_slot_that_is_too_small(self):
        image = 0x400 + 5000
        fits = image + 4 + 36 + 36 + 4 + 72 + 3072 + 48  # TLVs with the longest signature, and the trailer
        self.sign("--slot-size", str(fits))
        self.refused(1, "do not fit the slot", "sign", "--key", "k.pem", "--version", "1.0.0", "--pad-header", "--slot-size",
                     str(fits - 8), "app.bin", "small.bin")
        (self.folder / "large.bin").write_bytes(bytes(0x1c0000))
        self.refused(1, "flash map takes at most", "sign", "--key", "k.pem", "--version", "1.0.0", "--pad-header", "--map",
                     "psoc62_2m_ext_swap_single", "large.bin", "small.bin")
        self.assertNotIn("small.bin", self.files())

    def test_wrong_words_are_usage_errors(self):
        good = ["sign", "--key", "k.pem", "--version", "1.0.0", "--pad-header"]
        for text, words in (("--align '3'", ["--align", "3"]), ("--max-align '64'", ["--max-align", "64"]), ("--erased '1'", ["--erased", "1"]),
                            ("--header-size '16'", ["--header-size", "16"]), ("--header-size '0x10000'", ["--header-size", "0x10000"]),
                            ("--slot-size '1k'", ["--slot-size", "1k"]), ("exclude each other", ["--load-addr", "1", "--rom-fixed", "2"]),
                            ("--security-counter '-1'", ["--security-counter", "-1"]), ("--dependency '1,2'", ["--dependency", "1,2"]),
                            ("--dependency '(256,1.0.0)'", ["--dependency", "(256,1.0.0)"]), ("--custom-tlv '0x50=1'", ["--custom-tlv", "0x50=1"]),
                            ("--custom-tlv 'x'", ["--custom-tlv", "x"]), ("--custom-tlv '0xa0=0x1'", ["--custom-tlv", "0xa0=0x1"]),
                            ("given before", ["--custom-tlv", "0xa0=1", "--custom-tlv", "0xa0=2"]), ("--public-key-format 'raw'", ["--public-key-format", "raw"]),
                            ("give --slot-size or --map", ["--pad"]), ("or --unsigned", ["--unsigned"])):
            self.refused(2, text, *good, *words, "app.bin", "out.bin")
        self.refused(2, "--version '1.2.3.4'", "sign", "--key", "k.pem", "--version", "1.2.3.4", "app.bin", "out.bin")
        self.refused(2, "--version is missing", "sign", "--key", "k.pem", "app.bin", "out.bin")
        self.refused(1, "--pad-header", "sign", "--key", "k.pem", "--version", "1.0.0", "app.bin", "out.bin")
        self.otter("pubkey", "--key", "k.pem", "-o", "pub.pem")
        self.refused(1, "public key", "sign", "--key", "pub.pem", "--version", "1.0.0", "--pad-header", "app.bin", "out.bin")
        self.assertEqual(self.files(), ["app.bin", "k.pem", "pub.pem"])


class Verify(Images):
    def test_right_key_wrong_key_no_key(self):
        self.sign()
        for kind in TYPES:
            self.otter("keygen", "--type", kind, kind + ".pem")
        self.otter("pubkey", "--key", "k.pem", "-o", "pub.pem")
        for words in (["--key", "k.pem"], ["--key", "pub.pem"], ["--key", "rsa-2048.pem", "--key", "pub.pem"]):
            code, found = self.judged(*words, "app.signed.bin")
            self.assertEqual((code, found["ok"], found["signature"], found["version"]), (0, True, "good", "1.2.3+4"))
        code, found = self.judged("--key", "ecdsa-p256.pem", "--key", "ed25519.pem", "app.signed.bin")
        self.assertEqual((code, found["ok"], found["fault"]), (1, False, "not-signed"))
        code, found = self.judged("app.signed.bin")
        self.assertEqual((code, found["signature"]), (0, "not-checked"))
        self.assertIn(b"signature NOT checked", self.otter("verify", "app.signed.bin").stdout)
        self.refused(1, "not signed by any of the keys given", "verify", "--key", "ed25519.pem", "app.signed.bin")

    def test_what_does_not_fit(self):
        self.sign()
        size = (self.folder / "app.signed.bin").stat().st_size
        self.otter("verify", "--slot-size", size, "app.signed.bin")
        self.refused(1, "the slot takes", "verify", "--slot-size", size - 1, "app.signed.bin")
        self.otter("verify", "--map", "psoc62_2m_ext_swap_single", "app.signed.bin")
        self.refused(2, "not both", "verify", "--map", "x", "--slot-size", "1", "app.signed.bin")

    def test_inspect_says_what_does_not_fit_a_map(self):
        (self.folder / "app.bin").write_bytes(bytes(0x1c0000))
        self.sign()
        self.otter("inspect", "app.signed.bin")
        done = self.otter("inspect", "--map", "psoc62_2m_ext_swap_single", "app.signed.bin", ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"the flash map takes", done.stderr)

    def test_damage_is_named(self):
        self.sign()
        body = bytearray((self.folder / "app.signed.bin").read_bytes())
        body[0x500] ^= 1
        (self.folder / "bad.bin").write_bytes(body)
        self.refused(1, "changed after signing", "verify", "--key", "k.pem", "bad.bin")
        self.assertEqual(self.shown("bad.bin", ok=False)["fault"], "hash-wrong")
        (self.folder / "cut.bin").write_bytes(body[:-1])
        self.refused(1, "beyond the end", "verify", "--key", "k.pem", "cut.bin")
        self.refused(1, "not an MCUboot image", "verify", "--key", "k.pem", "app.bin")
        self.refused(1, "not an MCUboot image", "inspect", "app.bin")


class Device(Images):
    def test_a_whole_device_is_shown(self):
        self.otter("device", "app", "--version", "1.0.0", "-o", "app.bin")
        self.sign(version="1.0.0")
        self.otter("device", "init", "dev", "--map", "psoc62_2m_ext_swap_single", "--key", "k.pem", "--image", "app.signed.bin",
                   "--server", "http://127.0.0.1:1")
        self.otter("device", "run", "dev", "--until", "polls=1", "--timeout", "20")
        for name in ("dev", "dev/flash.bin"):
            shown = self.shown(name)
            areas = {area["area"]: area for area in shown["areas"]}
            self.assertEqual((shown["kind"], shown["map"]), ("device", "psoc62_2m_ext_swap_single"))
            self.assertEqual((areas["primary"]["content"], areas["primary"]["version"], areas["primary"]["verified"]), ("image", "1.0.0", True))
            self.assertEqual(areas["secondary"]["content"], "blank")
            records = next(area["records"] for area in shown["areas"] if "records" in area)
            self.assertIn(("floor", "version 1.0.0, security counter 0"), [(record["type"], record["says"]) for record in records])
        self.assertIn(b"vouches for", self.otter("inspect", "dev").stdout)


if __name__ == "__main__":
    unittest.main()
