#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""images.py - images of imgtool and cysecuretools here, images of `otter sign` there.

Golden images first (no network). Then the real tools from PyPI, with fresh random keys: what they
sign is verified by `otter verify` (slot/image.c itself), what we sign by `imgtool verify`, and from
the same inputs both make the same bytes. cysecuretools is the signing tool of the replaced system
for XMC7000. The tools are kept in $OTTER_CACHE/venv; a mirror of PyPI is pip's own business.

Environment: OTTER, OTTER_CACHE. One line per case; the last is "N passed, N failed".
"""
import fcntl
import json
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "images"))
import compare  # noqa: E402
import vectors  # noqa: E402
from vectors import Tally, run  # noqa: E402

IMGTOOL = "imgtool==2.5.0"
CYSECURETOOLS = "cysecuretools==6.1.0"
TYPES = ["ecdsa-p256", "ed25519", "rsa-2048", "rsa-3072"]
SLOT = "0x14000"


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("OTTER_CACHE") or os.path.join(base, "otter")


def install(requirement):
    """The folder of a tool's programs, or None and what pip said."""
    folder = os.path.join(cache_folder(), "venv", requirement.replace("==", "-"))
    done = os.path.join(folder, ".complete")
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    with open(folder + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return install_locked(requirement, folder, done)


def install_locked(requirement, folder, done):
    if not os.path.exists(done):
        for command in ([sys.executable, "-m", "venv", "--clear", folder],
                        [os.path.join(folder, "bin", "pip"), "install", "--quiet",
                         "--disable-pip-version-check", requirement]):
            step = run(*command)
            if step.returncode != 0:
                return None, (step.stderr or step.stdout).strip().splitlines()[-1]
        with open(done, "w", encoding="ascii"):
            pass
    return os.path.join(folder, "bin"), ""


class Bench:
    """The two tools and a folder of keys and payloads."""

    def __init__(self, otter, bin_folder, folder):
        self.otter, self.imgtool, self.folder = otter, os.path.join(bin_folder, "imgtool"), folder
        self.random = random.Random(2026)
        self.write("payload.bin", self.random.randbytes(20000))

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as out:
            out.write(data)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def run(self, tool, *words):
        return run(tool, *words, cwd=self.folder)

    def good(self, tool, *words):
        done = self.run(tool, *words)
        if done.returncode != 0:
            raise RuntimeError("%s %s: %s" % (os.path.basename(tool), " ".join(words), done.stderr.strip()))
        return done


def check_keys(tally, bench):
    """A key of either tool is a key of the other, with the same public bytes."""
    for kind in TYPES:
        bench.good(bench.imgtool, "keygen", "-k", "theirs-%s.pem" % kind, "-t", kind)
        bench.good(bench.otter, "keygen", "--type", kind, "ours-%s.pem" % kind)
        for whose in ("ours", "theirs"):
            name = "%s-%s.pem" % (whose, kind)
            for ours, theirs in (("c", "lang-c"), ("pem", "pem"), ("der", "raw")):
                bench.good(bench.otter, "pubkey", "--key", name, "--format", ours, "-o", "public.a")
                bench.good(bench.imgtool, "getpub", "-k", name, "-e", theirs, "-o", "public.b")
                one, other = bench.read("public.a"), bench.read("public.b")
                if ours == "c":  # the first line says which tool wrote it
                    one, other = (text.split(b"\n", 1)[1] for text in (one, other))
                tally.add("getpub/%s-%s" % (name, ours), one == other)


def check_both_ways(tally, bench):
    for kind in TYPES:
        for whose in ("ours", "theirs"):
            key, public = "%s-%s.pem" % (whose, kind), "%s-%s.pub" % (whose, kind)
            bench.good(bench.otter, "pubkey", "--key", key, "-o", public)
            bench.good(bench.imgtool, "sign", "-k", key, "-H", "0x400", "--pad-header", "-S", SLOT, "-v", "1.2.3+4",
                       "--align", "8", "payload.bin", "theirs.bin")
            bench.good(bench.otter, "sign", "--key", key, "--pad-header", "--version", "1.2.3+4", "payload.bin", "ours.bin")
            verdict = bench.run(bench.otter, "verify", "--key", public, "theirs.bin")
            tally.add("imgtool-signs/%s" % key, verdict.returncode == 0, verdict.stderr.strip())
            verdict = bench.run(bench.imgtool, "verify", "-k", key, "ours.bin")
            tally.add("imgtool-verifies/%s" % key, verdict.returncode == 0, verdict.stdout.strip().split("\n")[-1])
            stranger = "ours-%s.pem" % kind if whose == "theirs" else "theirs-%s.pem" % kind
            verdict = bench.run(bench.otter, "verify", "--key", stranger, "theirs.bin")
            tally.add("stranger-refused/%s" % key, verdict.returncode == 1, verdict.stderr.strip())


def check_boot(tally, bench):
    """A device whose images imgtool signed: its bootloader starts them, and updates to them."""
    for kind in TYPES:
        key = "theirs-%s.pem" % kind
        for version in ("1.0.0", "1.1.0"):
            bench.good(bench.otter, "device", "app", "--version", version, "-o", "app.bin")
            bench.good(bench.imgtool, "sign", "-k", key, "-H", "0x400", "--pad-header", "-S", "0x1c0000", "-v", version,
                       "--align", "8", "app.bin", "app-%s.bin" % version)
        update(tally, bench, kind, key)


def update(tally, bench, kind, key):
    folder, device = bench.path("www-" + kind), bench.path("device-" + kind)
    bench.good(bench.otter, "publish", "--image", "app-1.1.0.bin", "--folder", folder, "--board",
               "APP_CY8CPROTO_062S2_43439")
    server = subprocess.Popen([bench.otter, "serve", "--folder", folder, "--port", "0", "--json"], stdout=subprocess.PIPE)
    try:
        url = "http://127.0.0.1:%d" % json.loads(server.stdout.readline())["port"]
        bench.good(bench.otter, "device", "init", device, "--map", "psoc62_2m_ext_swap_single", "--key", key, "--image",
                   "app-1.0.0.bin", "--server", url)
        done = bench.run(bench.otter, "device", "run", device, "--until", "confirmed=1.1.0", "--timeout", "60", "--json")
    finally:
        server.terminate()
        server.communicate()
    said = [json.loads(line) for line in done.stdout.splitlines()]
    started = [line["version"] for line in said if (line["from"], line["event"]) == ("boot", "start")]
    tally.add("boots-and-updates/" + kind, done.returncode == 0 and started == ["1.0.0", "1.1.0"], " ".join(started))


def random_options(bench):
    """Options of both tools, as (imgtool's words, ours)."""
    pick, theirs = bench.random.choice, []
    header = pick([0x20, 0x80, 0x200, 0x400])
    theirs += ["-H", hex(header), "-S", SLOT, "--align", pick(["1", "2", "4", "8", "16", "32"]), "-v",
               pick(["0.0.0", "1.2", "1.2.3+4", "255.255.65535+4294967295"]), "--pad-header"]
    theirs += pick([[], ["--pad"], ["--test"], ["--confirm"], ["--overwrite-only", "--pad"]])
    theirs += pick([[], ["-s", "auto"], ["-s", "0x10"], ["-s", "4294967295"]])
    theirs += pick([[], ["-d", "(0, 1.0.0), (1, 2.3.4+5)"], ["-d", "(1,0.0.1)"]])
    theirs += pick([[], ["-R", "0"], ["-R", "0xff"]])
    theirs += pick([[], ["-L", "0x20000000"], ["-F", "0x10000000"]])
    theirs += pick([[], ["-M", "64"], ["--max-align", "32"]])
    theirs += pick([[], ["--public-key-format", "full"]])
    ours = list(theirs)
    for kind, value in bench.random.sample([("0xa0", "0xdeadbeef"), ("0x01b2", "hello"), ("0xfffe", "0x")], pick([0, 1, 3])):
        theirs += ["--custom-tlv", kind, value]
        ours += ["--custom-tlv", "%s=%s" % (kind, value)]
    return theirs, ours


def same_bytes(bench, key, theirs, ours, source, target):
    for _ in range(100):
        bench.good(bench.imgtool, "sign", "-k", key, *theirs, source, "a." + target)
        done = bench.run(bench.otter, "sign", "--key", key, *ours, source, "b." + target)
        if done.returncode != 0:
            return False
        same = compare.same_but_signature("a." + target, bench.read("a." + target), bench.read("b." + target))
        if same is not None:
            return same
    return False


def check_same_bytes(tally, bench):
    bench.good("objcopy", "-I", "binary", "-O", "ihex", "--change-addresses", "0x10018123", "payload.bin", "payload.hex")
    for number in range(24):
        key = "theirs-%s.pem" % TYPES[number % len(TYPES)]
        theirs, ours = random_options(bench)
        source = bench.random.choice(["payload.bin", "payload.hex"])
        target = bench.random.choice(["bin", "hex"])
        if target == "hex" and (source == "payload.bin" or bench.random.random() < 0.5):
            theirs, ours = theirs + ["-x", "0x1001fff8"], ours + ["-x", "0x1001fff8"]
        same = same_bytes(bench, key, theirs, ours, source, target)
        tally.add("same-bytes/%d" % number, same, "" if same else "%s %s -> %s" % (" ".join(ours), source, target))


def check_cysecuretools(tally, bench, bin_folder):
    tool = os.path.join(bin_folder, "cysecuretools")
    common = ["--header-size", "0x400", "--align", "8", "-v", "1.2.3", "-S", "0xC0000", "-R", "0xff"]
    for kind in TYPES:
        key = "theirs-%s.pem" % kind
        for name, more in (("boot.hex", ["--hex-addr", "0x10000000"]), ("upgrade.bin", ["--overwrite-only"]),
                           ("padded.hex", ["--hex-addr", "0x10000000", "--pad", "-d", "(1,1.2.3)"])):
            done = bench.run(tool, "--logfile-off", "-t", "XMC7200", "sign-image", *common, *more, "--key-path",
                             bench.path(key), "--image", bench.path("payload.bin"), "--output", bench.path(name))
            case = "cysecuretools/%s-%s" % (kind, name)
            if kind == "ed25519":
                tally.add(case, done.returncode != 0, "does not sign with Ed25519, as expected")
                continue
            verdict = bench.run(bench.otter, "verify", "--key", key, name)
            tally.add(case, done.returncode == 0 and verdict.returncode == 0, verdict.stderr.strip())


def main():
    otter = os.path.abspath(os.environ.get("OTTER", "build/host/otter"))
    tally = Tally()
    vectors.check_vectors(tally, otter)
    imgtool, said = install(IMGTOOL)
    tally.add("install/" + IMGTOOL, imgtool is not None, said)
    with tempfile.TemporaryDirectory(prefix="otter-interop-") as folder:
        if imgtool:
            bench = Bench(otter, imgtool, folder)
            check_keys(tally, bench)
            check_both_ways(tally, bench)
            check_boot(tally, bench)
            check_same_bytes(tally, bench)
            cysecuretools, said = install(CYSECURETOOLS)
            if cysecuretools:
                check_cysecuretools(tally, bench, cysecuretools)
            else:
                print("skip cysecuretools: %s" % said)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
