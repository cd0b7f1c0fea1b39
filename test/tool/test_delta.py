# SPDX-License-Identifier: Apache-2.0
"""test_delta.py - `otter delta`, and the patches that `otter publish` makes and `otter rollout` keeps."""
import fcntl
import hashlib
import json
import os
import pty
import random
import re
import struct
import subprocess
import termios
import unittest
import xml.dom.minidom

from put_server import PutServer
from releases import parts
from tool import OTTER, Folder

SIZE = 24000


def edited(data, seed):
    """A few places changed, some bytes put in, some taken out."""
    chance = random.Random(seed)
    data = bytearray(data)
    for _ in range(6):
        at = chance.randrange(1000, len(data) - 1000)
        data[at] ^= 1 + chance.randrange(255)
    at = chance.randrange(2000, len(data) - 2000)
    data[at:at] = chance.randbytes(40)
    del data[at // 2:at // 2 + 24]
    return bytes(data)


def elf(path, program, address):
    """One section, one segment; 32 bits, little endian, for Arm."""
    at, names = 0x54, b"\0.text\0.shstrtab\0"
    head = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, 40, 1, address, 0x34, at + len(program) + len(names), 0, 0x34, 0x20, 1,
                       0x28, 3, 2)
    segment = struct.pack("<8I", 1, at, address, address, len(program), len(program), 5, 4)
    text = struct.pack("<10I", 1, 1, 6, address, at, len(program), 0, 0, 4, 0)
    strings = struct.pack("<10I", 7, 3, 0, 0, at + len(program), len(names), 0, 0, 1, 0)
    path.write_bytes(head + segment + program + names + bytes(0x28) + text + strings)


class Patches(Folder):
    """Signed images app-1.0.0, 1.1.0 and 1.2.0 that differ little, and their programs."""

    def setUp(self):
        super().setUp()
        for key in ("k.pem", "job.pem"):
            self.otter("keygen", "--type", "ecdsa-p256", key)
        program = random.Random(1).randbytes(SIZE)
        for number in range(3):
            self.sign(f"1.{number}.0", program)
            program = edited(program, number)

    def sign(self, version, program, name=None, *words):
        (self.folder / f"p-{version}.bin").write_bytes(program)
        name = name or f"app-{version}.bin"
        self.otter("sign", "--key", "k.pem", "--version", version, "--pad-header", "--header-size", "0x400", "--slot-size", "0x20000",
                   *words, f"p-{version}.bin", name)
        return self.folder / name

    def read(self, name):
        return (self.folder / name).read_bytes()

    def make(self, old="app-1.0.0.bin", new="app-1.1.0.bin", *words, output="d.delta"):
        return json.loads(self.otter("delta", "make", old, new, "-o", output, "--json", *words).stdout)


class Command(Patches):
    def test_an_image_comes_back_byte_for_byte(self):
        said = self.make()
        self.assertEqual(said["size"], len(self.read("d.delta")))
        self.assertLess(said["size"], 1500)
        self.assertEqual(sum(said["bytes"].values()), said["size"])
        self.assertEqual(said["result"], hashlib.sha256(self.read("app-1.1.0.bin")).hexdigest()[:32])
        image = json.loads(self.otter("inspect", "--json", "app-1.0.0.bin").stdout)
        self.assertIn(said["base"], json.dumps(image))  # the image's own hash, which a device knows
        self.otter("delta", "apply", "app-1.0.0.bin", "d.delta", "-o", "new.bin")
        self.assertEqual(self.read("new.bin"), self.read("app-1.1.0.bin"))
        self.otter("verify", "--key", "k.pem", "new.bin")
        again = self.make(output="e.delta")
        self.assertEqual(self.read("d.delta"), self.read("e.delta"))
        self.assertEqual({**again, "patch": ""}, {**said, "patch": ""})

    def test_a_base_signed_twice_or_in_a_padded_slot_is_the_same_base(self):
        size = self.make()["base_size"]
        image = self.read("app-1.0.0.bin")
        for _ in range(64):  # until the signature is as long: the TLVs' length lies in front of it
            self.sign("1.0.0", self.read("p-1.0.0.bin"), "slot.bin", "--pad", "--confirm")
            if self.read("slot.bin")[:size] == image[:size]:
                break
        self.assertNotIn(self.read("app-1.0.0.bin"), self.read("slot.bin"))  # signatures differ from call to call
        said = [self.make(name, "app-1.1.0.bin", output=f"{name}.delta") for name in ("slot.bin", "app-1.0.0.bin")]
        self.assertEqual(said[0]["base"], said[1]["base"])
        self.assertEqual(self.read("slot.bin.delta"), self.read("app-1.0.0.bin.delta"))
        self.otter("delta", "apply", "app-1.0.0.bin", "slot.bin.delta", "-o", "new.bin")
        self.assertEqual(self.read("new.bin"), self.read("app-1.1.0.bin"))

    def test_any_other_files(self):
        for old, new in ((b"", b"x"), (b"abc" * 99, b""), (b"x", b"x"), (os.urandom(301), os.urandom(977))):
            (self.folder / "old.bin").write_bytes(old)
            (self.folder / "new.bin").write_bytes(new)
            said = self.make("old.bin", "new.bin")
            self.assertEqual((said["filter"], said["base"]), ("none", hashlib.sha256(old).hexdigest()[:32]))
            self.otter("delta", "apply", "old.bin", "d.delta", "-o", "out.bin")
            self.assertEqual(self.read("out.bin"), new)
        done = self.otter("delta", "make", "old.bin", "new.bin", "-o", "d.delta")
        self.assertIn("no smaller than 'new.bin' itself", done.stdout.decode())

    def test_hex_in_and_out(self):
        for version in ("1.0.0", "1.1.0"):
            program = self.read(f"p-{version}.bin")
            lines = [":020000041000EA"]
            for at in range(0, len(program), 16):
                piece = program[at:at + 16]
                record = bytes([len(piece), at >> 8 & 255, at & 255, 0]) + piece
                lines.append(":" + (record + bytes([-sum(record) & 255])).hex().upper())
            (self.folder / f"{version}.hex").write_text("\n".join([*lines, ":00000001FF"]) + "\n")
        self.make("1.0.0.hex", "1.1.0.hex")
        self.otter("delta", "apply", "1.0.0.hex", "d.delta", "-o", "new.bin")
        self.assertEqual(self.read("new.bin"), self.read("p-1.1.0.bin"))
        self.otter("delta", "apply", "p-1.0.0.bin", "d.delta", "-o", "new.hex")
        self.make("1.0.0.hex", "new.hex", output="e.delta")
        self.otter("delta", "apply", "1.0.0.hex", "e.delta", "-o", "again.bin")
        self.assertEqual(self.read("again.bin"), self.read("p-1.1.0.bin"))

    def test_inspect_knows_a_patch(self):
        said = self.make()
        shown = json.loads(self.otter("inspect", "--json", "d.delta").stdout)
        self.assertEqual((shown["base"], shown["result"], shown["size"]), (said["base"], said["result"], said["size"]))
        self.assertEqual(self.otter("inspect", "d.delta").stdout, self.otter("delta", "info", "d.delta").stdout.rpartition(b"  give")[0])

    def test_what_does_not_belong_together_is_refused(self):
        self.make()
        before = self.files()
        self.refused(1, "for another base: it wants", "delta", "apply", "app-1.1.0.bin", "d.delta", "-o", "new.bin")
        self.refused(1, "for another base", "delta", "info", "d.delta", "p-1.0.0.bin")
        image = bytearray(self.read("app-1.0.0.bin"))
        image[5000] ^= 1
        (self.folder / "bad.bin").write_bytes(image)
        self.refused(1, "changed after signing, or damaged", "delta", "apply", "bad.bin", "d.delta", "-o", "new.bin")
        self.refused(1, "changed after signing, or damaged", "delta", "make", "bad.bin", "app-1.1.0.bin", "-o", "e.delta")
        self.refused(1, "is no patch", "delta", "apply", "app-1.0.0.bin", "app-1.1.0.bin", "-o", "new.bin")
        self.refused(1, "is no patch", "delta", "info", "k.pem")
        self.refused(1, "cannot read", "delta", "info", "nowhere")
        self.assertEqual(self.files(), sorted([*before, "bad.bin"]))

    def test_a_damaged_patch_makes_no_file(self):
        self.make()
        patch = self.read("d.delta")
        for length in (0, 46, 47, len(patch) - 1):
            (self.folder / "x.delta").write_bytes(patch[:length])
            self.refused(1, "x.delta", "delta", "apply", "app-1.0.0.bin", "x.delta", "-o", "new.bin")
        (self.folder / "x.delta").write_bytes(patch + b"x")
        self.refused(1, "x.delta", "delta", "apply", "app-1.0.0.bin", "x.delta", "-o", "new.bin")
        chance = random.Random(3)
        for _ in range(12):
            bad = bytearray(patch)
            bad[chance.randrange(47, len(bad))] ^= 1 << chance.randrange(8)
            (self.folder / "x.delta").write_bytes(bad)
            done = self.otter("delta", "apply", "app-1.0.0.bin", "x.delta", "-o", "new.bin", ok=False)
            self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1), done.stderr)
        self.assertNotIn("new.bin", self.files())

    def test_what_is_never_written_over(self):
        self.make()
        key = self.read("k.pem")
        self.refused(1, "private key", "delta", "apply", "app-1.0.0.bin", "d.delta", "-o", "k.pem")
        self.refused(1, "private key", "delta", "make", "app-1.0.0.bin", "app-1.1.0.bin", "-o", "k.pem")
        self.assertEqual(self.read("k.pem"), key)
        self.refused(2, "one of the inputs", "delta", "apply", "app-1.0.0.bin", "d.delta", "-o", "./d.delta")
        os.link(self.folder / "app-1.1.0.bin", self.folder / "same.bin")
        self.refused(2, "one of the inputs", "delta", "make", "app-1.0.0.bin", "app-1.1.0.bin", "-o", "same.bin")

    def test_wrong_use(self):
        self.refused(2, "two files are needed", "delta", "make", "app-1.0.0.bin", "-o", "x")
        self.refused(2, "--output PATCH is needed", "delta", "make", "app-1.0.0.bin", "app-1.1.0.bin")
        self.refused(2, "which patch?", "delta", "info")
        self.refused(2, "--svg needs the base", "delta", "info", "d.delta", "--svg", "x.svg")
        self.refused(2, "ELF file cannot be made", "delta", "apply", "app-1.0.0.bin", "d.delta", "-o", "x.elf")
        self.refused(2, "no command 'melt'", "delta", "melt")
        make = ("delta", "make", "app-1.0.0.bin", "app-1.1.0.bin", "-o", "d.delta")
        self.refused(2, "use auto, none or thumb", *make, "--filter", "riscv")
        self.refused(2, "no address such as", *make, "--address", "0x10000002")
        self.refused(2, "one of them", *make, "--address", "0x10000000", "--map", "psoc62_2m_ext_swap_single")
        self.refused(2, "--board needs a --map", *make, "--board", "qemu-psoc62")
        self.refused(1, "nowhere.json", *make, "--map", "nowhere.json")
        self.assertNotIn("d.delta", self.files())
        self.assertEqual(self.otter("delta", ok=False).returncode, 2)
        self.assertIn(b"make", self.otter("delta", "--help").stdout)

    def test_where_the_image_runs(self):
        said = self.make("app-1.0.0.bin", "app-1.1.0.bin", "--filter", "thumb", "--address", "0x10010000")
        self.assertEqual((said["address"], said["address_source"], said["filter"]), (0x10010000, "from --address", "thumb"))
        said = self.make("app-1.0.0.bin", "app-1.1.0.bin", "--filter", "thumb", "--map", "psoc62_2m_ext_swap_single")
        self.assertEqual((said["address"], said["address_source"]), (0x10028000, "the map's primary slot"))
        self.sign("1.1.0", self.read("p-1.1.0.bin"), "fixed.bin", "--rom-fixed", "0x10020000")
        said = self.make("app-1.0.0.bin", "fixed.bin", "--filter", "thumb")
        self.assertEqual((said["address"], said["address_source"]), (0x10020000, "said by the file"))
        self.otter("delta", "apply", "app-1.0.0.bin", "d.delta", "-o", "new.bin")
        self.assertEqual(self.read("new.bin"), self.read("fixed.bin"))


    def test_the_elf_file_says_where_it_runs(self):
        program = self.read("p-1.1.0.bin")
        elf(self.folder / "app.elf", program, 0x10020400)
        elf(self.folder / "other.elf", program[:-1] + b"x", 0x10020400)
        elf(self.folder / "room.elf", bytes(0x400) + program, 0x10030000)
        elf(self.folder / "low.elf", program, 0x200)
        thumb = ("app-1.0.0.bin", "app-1.1.0.bin", "--filter", "thumb", "--elf")
        self.assertEqual((self.make(*thumb, "app.elf")["address"], self.make(*thumb, "room.elf")["address"]), (0x10020000, 0x10030000))
        for text, name in (("is not the program in 'app-1.1.0.bin'", "other.elf"), ("no room for the image's header", "low.elf"),
                           ("cannot read", "nowhere.elf"), ("k.pem", "k.pem")):
            self.refused(1, text, "delta", "make", *thumb, name, "-o", "e.delta")
        self.make("p-1.0.0.bin", "app.elf", output="raw.delta")  # as NEW itself
        self.otter("delta", "apply", "p-1.0.0.bin", "raw.delta", "-o", "new.bin")
        self.assertEqual(self.read("new.bin"), program)


def shown(terminal):
    """All that is written to it, until nobody has its other end any more."""
    text = b""
    try:
        while piece := os.read(terminal, 65536):
            text += piece
    except OSError:
        pass
    os.close(terminal)
    return text


class Picture(Patches):
    def test_bars_fit_the_terminal(self):
        self.make()
        for columns in (60, 100):
            parent, child = pty.openpty()
            fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
            subprocess.run([OTTER, "delta", "info", "d.delta", "app-1.0.0.bin"], cwd=self.folder, stdout=child, stdin=subprocess.DEVNULL,
                           env={**os.environ, "LC_ALL": "C.UTF-8"}, check=True, timeout=60)
            os.close(child)
            text = shown(parent)
            bars = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text.decode()).splitlines() if " % " in line and "█" in line]
            self.assertTrue(bars)
            self.assertLessEqual(max(len(line) for line in bars), columns)
            self.assertGreater(max(len(line) for line in bars), columns - 12)

    def test_svg_holds_the_same_numbers(self):
        said = self.make()
        self.otter("delta", "info", "d.delta", "app-1.0.0.bin", "--svg", "d.svg")
        text = self.read("d.svg").decode()
        xml.dom.minidom.parseString(text)
        for name, count in said["bytes"].items():
            self.assertIn(f">{name}</text>", text)
            self.assertIn(f">{count}</text>", text)
        os.rename(self.folder / "d.delta", self.folder / "<&'.delta")
        self.otter("delta", "info", "<&'.delta", "app-1.0.0.bin", "--svg", "e.svg")
        xml.dom.minidom.parseString(self.read("e.svg").decode())

    def test_a_bar_while_it_takes_time(self):
        parent, child = pty.openpty()
        with subprocess.Popen([OTTER, "delta", "make", "./app-1.0.0.bin", "./app-1.1.0.bin", "-o", "d.delta"], cwd=self.folder, stderr=child,
                              stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"}) as process:
            os.close(child)
            text = shown(parent)
            self.assertEqual(process.wait(60), 0)
        self.assertRegex(text.decode(), r"^\rapp-1\.1\.0\.bin \[[# ]{32}\] +\d+ %")
        self.assertTrue(text.endswith(b"\r\x1b[K"), text[-40:])

    def test_no_bar_in_a_pipe(self):
        done = self.otter("delta", "make", "app-1.0.0.bin", "app-1.1.0.bin", "-o", "d.delta")
        self.assertEqual(done.stderr, b"")
        self.assertNotIn(b"\x1b", done.stdout)
        self.assertIn("give the base as well", self.otter("delta", "info", "d.delta").stdout.decode())


class Publish(Patches):
    def publish(self, version="1.2.0", *words, place=("--folder", "www"), signed=True, ok=True):
        key = ["--job-key", "job.pem", "--board", "B"] if signed else []
        return self.otter("publish", "--image", f"app-{version}.bin", *place, *key, *words, ok=ok)

    def job(self, name="www/ota_update.jws"):
        text = (self.folder / name).read_text()
        return parts(text)[1] if name.endswith(".jws") else json.loads(text)

    def check(self, job, versions, folder="www"):
        """Each entry gives back the image from the base that it names."""
        self.assertEqual(len(job.get("Deltas", [])), len(versions))
        for entry, version in zip(job.get("Deltas", []), versions):
            self.assertEqual(list(entry), ["From", "File", "Size", "SHA256"])
            name = f"{folder}{entry['File']}"
            body = self.read(name)
            digest = hashlib.sha256(body).hexdigest()
            self.assertEqual((entry["Size"], entry["SHA256"]), (len(body), digest))
            self.assertTrue(name.endswith(f"-{digest[:8]}.delta"))
            self.assertIn(entry["From"], self.otter("inspect", "--json", f"app-{version}.bin").stdout.decode())
            self.otter("delta", "apply", f"app-{version}.bin", name, "-o", "got.bin")
            self.assertEqual(hashlib.sha256(self.read("got.bin")).hexdigest(), job["SHA256"])

    def test_patches_from_a_folder_of_releases(self):
        for signed in (True, False):
            folder = f"www-{signed}"
            self.publish("1.2.0", "--delta-from", ".", place=("--folder", folder), signed=signed)
            job = self.job(f"{folder}/ota_update.{'jws' if signed else 'json'}")
            self.check(job, ["1.1.0", "1.0.0"], folder)
            self.assertEqual(len(self.files(folder)), 4)
        self.assertEqual(list(self.job("www-False/ota_update.json"))[-1], "Deltas")

    def test_the_served_folder_is_a_folder_of_releases(self):
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            self.publish(version, "--delta-from", "www")
        self.check(self.job(), ["1.1.0", "1.0.0"])

    def test_the_newest_bases_and_no_others(self):
        said = json.loads(self.publish("1.2.0", "--delta-from", ".", "--deltas", "1", "--json").stdout)
        self.check(self.job(), ["1.1.0"])
        self.assertEqual([(entry["from"], entry["published"]) for entry in said["deltas"]], [("1.1.0", True)])
        self.publish("1.2.0", "--force", "--delta-from", "app-1.0.0.bin")
        self.check(self.job(), ["1.0.0"])
        self.publish("1.2.0", "--force", "--delta-from", ".", "--min-version", "1.1.0")
        self.check(self.job(), ["1.1.0"])
        self.publish("1.2.0", "--force")
        self.assertNotIn("Deltas", self.job())

    def test_images_of_another_name_are_others(self):
        os.mkdir(self.folder / "old")
        for name in ("other-1.1.0.bin", "app-1.0.0.bin"):
            (self.folder / "old" / name).write_bytes(self.read("app-1.0.0.bin" if "app" in name else "app-1.1.0.bin"))
        (self.folder / "old/app-0.1.0.bin").write_bytes(self.read("app-1.0.0.bin")[:3000])
        (self.folder / "old/README").write_text("not an image")
        text = self.publish("1.2.0", "--delta-from", "old").stdout.decode()
        self.assertIn("not used: 1 older image of another name, such as 'other'", text)
        self.check(self.job(), ["1.0.0"])

    def test_a_patch_that_saves_too_little_is_dropped_and_it_says_so(self):
        self.sign("1.3.0", random.Random(99).randbytes(SIZE))
        done = self.publish("1.3.0", "--delta-from", "app-1.2.0.bin")
        self.assertIn("no patch from version 1.2.0: it would save too little", done.stdout.decode())
        self.assertNotIn("Deltas", self.job())
        self.assertEqual(len(self.files("www")), 2)

    def test_the_oldest_give_way_where_the_document_is_full(self):
        program = self.read("p-1.2.0.bin")
        for number in range(3, 12):
            program = edited(program, number)
            self.sign(f"1.{number}.0", program)
        text = self.publish("1.11.0", "--delta-from", ".", "--deltas", "16", "--rollout", "1%").stdout.decode()
        kept = len(self.job()["Deltas"])
        self.assertGreater(kept, 1)
        self.assertEqual(text.count("no room in the job document"), 11 - kept)
        self.check(self.job(), [f"1.{10 - i}.0" for i in range(kept)])
        for words in (["raise", "10%"], ["raise", "50%", "--ramp", "7d"], ["halt"], ["resume"], ["renew"]):
            self.otter("rollout", *words, "--folder", "www", "--job-key", "job.pem")
            self.assertEqual(len(self.job()["Deltas"]), kept, words)
            self.assertLessEqual(len(self.read("www/ota_update.jws")), 2048)
        self.publish("1.11.0", "--force", "--delta-from", ".", "--deltas", "16", "--job-size-max", "8192")
        self.assertEqual(len(self.job()["Deltas"]), 11)

    def test_rollouts_keep_what_is_there(self):
        self.publish("1.2.0", "--delta-from", ".", "--rollout", "1%")
        before = self.job()["Deltas"]
        self.assertIn("from image " + before[0]["From"][:12], self.otter("rollout", "status", "--folder", "www").stdout.decode())
        os.remove(self.folder / ("www" + before[0]["File"]))
        self.otter("rollout", "halt", "--folder", "www", "--job-key", "job.pem")
        self.assertEqual(self.job()["Deltas"], before)
        text = self.otter("rollout", "resume", "--folder", "www", "--job-key", "job.pem").stdout.decode()
        self.assertIn("1 patch left out", text)
        self.assertEqual(self.job()["Deltas"], before[1:])

    def test_onto_a_server(self):
        server = PutServer(None)
        self.addCleanup(server.stop)
        self.publish("1.2.0", "--delta-from", ".", place=("--to", server.url, "--history", "h.jsonl"))
        job = parts(server.files["/ota/ota_update.jws"][0].decode())[1]
        for entry in job["Deltas"]:
            body, headers = server.files["/ota" + entry["File"]]
            self.assertEqual(hashlib.sha256(body).hexdigest(), entry["SHA256"])
            self.assertEqual(headers["Cache-Control"], "public, max-age=31536000, immutable")
        puts = [path for method, path, _ in server.log if method == "PUT"]
        self.assertEqual((len(puts), puts[0], puts[-1]), (4, "/ota" + job["File"], "/ota/ota_update.jws"))

    def test_wrong_use(self):
        for code, text, words in ((2, "--deltas takes 1 to 16", ["--deltas", "0"]), (2, "--job-size-max takes", ["--job-size-max", "100"]),
                                  (2, "give --delta-from", ["--delta-address", "0x0"]), (1, "cannot read", ["--delta-from", "nowhere"]),
                                  (1, "not a signed image", ["--delta-from", "p-1.0.0.bin"]),
                                  (1, "no device goes from there to 1.1.0", ["--delta-from", "app-1.2.0.bin"]),
                                  (1, "no-map", ["--delta-from", ".", "--delta-address", "no-map"])):
            self.refused(code, text, "publish", "--image", "app-1.1.0.bin", "--folder", "www", *words)
        self.assertNotIn("www", self.files())


if __name__ == "__main__":
    unittest.main()
