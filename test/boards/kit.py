# SPDX-License-Identifier: Apache-2.0
"""kit.py - what the board tests share beside test/e2e/harness.py: firmware, signed images, boards.

A case gets a Bench with a BoardKit. Firmware comes from build/BOARD (or $OTTER_BOARDS/BOARD), made
by `make firmware`; it is copied once per run, so that a build meanwhile disturbs nothing.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))

import harness  # noqa: E402
from flash import FlashFile, Layout  # noqa: E402
from harness import check, run  # noqa: E402
from machine import HOST, Machine, settings_blob  # noqa: E402
from words import ROOT  # noqa: E402

BOARD_NAMES = {"qemu-psoc62": "APP_CY8CPROTO_062S2_43439", "qemu-xmc7200": "APP_KIT_XMC72_EVK_MUR_43439M2"}
HEADER_SIZE = 0x400
OLD, NEW, BAD = "1.0.0", "1.1.0", "1.2.0"
TIMES = {"initial-ms": 100, "poll-ms": 500, "retry-ms": 200, "retry-max-ms": 800, "stall-ms": 8000}  # of a board


class BoardKit(harness.Kit):
    def layout(self, map_name):
        return self.once("layout:" + map_name, lambda: Layout(self.otter, map_name))

    def firmware(self, map_name, file):
        """A copy of a file of the built firmware."""
        def make():
            builds = os.environ.get("OTTER_BOARDS", os.path.join(ROOT, "build"))
            source = os.path.join(builds, self.layout(map_name).board, file)
            check(os.path.exists(source), "no firmware at %s: `make firmware` builds it", source)
            return shutil.copy(source, self.path(file))
        return self.once("firmware:" + file, make)

    def bootloader(self, map_name):
        return self.firmware(map_name, "bootloader-%s.elf" % map_name)

    def program(self, map_name, version):
        return self.firmware(map_name, "ota-https-%s-%s.bin" % (map_name, version))

    def signed(self, program, version, name, key="key", extra=()):
        """`program` (a path) signed as `version` (key None: hash only); returns the path, named for `name`."""
        def make():
            room = [] if self.bytes(program).startswith(bytes(HEADER_SIZE)) else ["--pad-header"]
            run([self.otter, "sign", *(["--key", self.key(key)] if key else ["--unsigned"]), "--version", version,
                 *room, *extra, program, self.path(name + ".bin")])
            return self.path(name + ".bin")
        return self.once("signed:" + name, make)

    def code_off(self, map_name, version):
        """Where the vector table lies in the program's file."""
        return HEADER_SIZE if self.bytes(self.program(map_name, version)).startswith(bytes(HEADER_SIZE)) else 0

    def app(self, map_name, version, key="key", size=0):
        """The example application; a longer `size` (bytes) makes it so, with something to copy at its end."""
        name = "app-%s-%s-%s%s" % (map_name, version, key, "-%d" % size if size else "")
        program = self.longer(map_name, version, size) if size else self.program(map_name, version)
        return self.signed(program, version, name, key, ("--map", map_name))

    def longer(self, map_name, version, size):
        path = self.path("longer-%s-%s-%d.bin" % (map_name, version, size))

        def make():
            data = self.bytes(self.program(map_name, version))
            with open(path, "wb") as f:
                f.write(data + random.Random(version).randbytes(size - len(data)))
            return path
        return self.once(path, make)

    def key_der(self, name="key"):
        def make():
            return run(["openssl", "pkey", "-pubin", "-in", self.pub(name), "-outform", "DER"]).stdout
        return self.once("der:" + name, make)

    def certs(self, name="certs", extra=()):
        return super().certs(name, ("--server", HOST, *extra))

    def odd_cert(self, name, start=-1, end=30, san="IP:" + HOST, issuer=None):
        return super().odd_cert(name, start, end, san, issuer)

    def settings(self, map_name, port, secure=True, client_cert=False, **changes):
        """The factory settings of a device that asks 192.0.2.2:port; None leaves one out, lists repeat."""
        wanted = {"key": self.key_der(), "host": HOST, "port": port, "device-id": "board-under-test",
                  "board": BOARD_NAMES[self.layout(map_name).board], **TIMES}
        wanted.update({"ca": self.bytes(self.ca())} if secure else {"plain": 1})
        if client_cert:
            wanted.update({"cert": self.bytes(self.certs() + "/http_client.crt"),
                           "cert-key": self.bytes(self.certs() + "/http_client.key")})
        wanted.update((name.replace("_", "-"), value) for name, value in changes.items())
        return [(name, value if isinstance(value, bytes) else str(value)) for name, values in wanted.items()
                if values is not None for value in (values if isinstance(values, list) else [values])]


class Bench(harness.Bench):
    """One case on boards. `may_fault`: a program of this case crashes on purpose."""

    def __init__(self, kit, name):
        super().__init__(kit, name)
        self.may_fault = False

    def machine(self, map_name, image, port, **settings):
        """A board with `image` (a path) in its primary slot; not powered yet."""
        flash = FlashFile(os.path.join(self.folder, "flash%d.bin" % len(self.devices)), self.kit.layout(map_name))
        flash.make(self.kit.bytes(image) if image else None)
        otp = settings_blob(self.kit.settings(map_name, port, **settings))
        return Machine(self, self.kit.bootloader(map_name), flash, otp)

    def publish(self, map_name, image, folder="www"):
        folder = os.path.join(self.folder, folder)
        os.makedirs(folder, exist_ok=True)
        run([self.kit.otter, "publish", "--image", image, "--folder", folder, "--force",
             "--board", BOARD_NAMES[self.kit.layout(map_name).board]])
        return folder

    def otter_serve(self, folder, *options, secure=True):
        """`otter serve` on a free port; returns the port. Its log: self.served()."""
        certs = self.kit.certs()
        args = [self.kit.otter, "serve", "--folder", folder, "--port", "0", "--json",
                "--reports", os.path.join(self.folder, "reports.jsonl"), *options]
        if secure:
            args += ["--cert", certs + "/http_server.crt", "--key", certs + "/http_server.key"]
        with open(os.path.join(self.folder, "server.log"), "wb") as log:
            process = self.spawn(args, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and process.poll() is None:
            port = next((line["port"] for line in self.served() if "port" in line), None)
            if port:
                return port
            time.sleep(0.05)
        raise harness.Failed("`otter serve` does not serve")

    def json_lines(self, name):
        try:
            with open(os.path.join(self.folder, name), encoding="utf-8") as f:
                return [json.loads(line) for line in f if line.startswith("{") and line.endswith("}\n")]
        except FileNotFoundError:
            return []

    def served(self):
        return self.json_lines("server.log")

    def reports(self):
        return [line["report"] for line in self.json_lines("reports.jsonl")]

    def serve_image(self, map_name, image, version=NEW, secure=True):
        """The lying server of test/e2e with one image and its job; honest until told otherwise."""
        job = self.job(image, version, Board=BOARD_NAMES[self.kit.layout(map_name).board])
        return self.serve(image, job, secure=secure)

    def crash(self):
        for device in self.devices:
            misuse = [e for e in device.events if e.get("event") == "flash-misuse"]
            if misuse:
                return "the firmware misused its flash: %s" % misuse[0]
            faults = [e for e in device.events if e.get("event") == "fault" or e.get("cause") == "fault"]
            if faults and not self.may_fault:
                return "a program crashed: %s" % faults[0]
        return None

    def story(self):
        """The UART log of a failing case."""
        lines = []
        for device in self.devices:
            lines += ["  uart  " + line for line in getattr(device, "lines", [])[-40:] if "rogress" not in line]
            try:
                with open(device.folder + ".stderr", errors="replace") as f:
                    lines += ["  qemu  " + line for line in f.read().splitlines()[-5:]]
            except OSError:
                pass
        for server in self.servers:
            lines += ["  request %(method)s %(path)s range=%(range)s -> %(status)s, %(sent)s bytes, %(end)s" % e
                      for e in server.requests()[-12:]]
            lines += ["  handshake " + h for h in server.handshakes[-3:]]
        return "\n".join(lines)
