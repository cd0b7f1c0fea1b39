# SPDX-License-Identifier: Apache-2.0
"""host_board.py - the story on the host board: a device as processes of this machine."""
import json
import subprocess

from story.board import Board, VERSIONS
from story.folder import die_with_parent

SIZES = dict(zip(VERSIONS, (160 * 1024 + 211, 184 * 1024 + 77, 172 * 1024 + 5)))
LED_MS = dict(zip(VERSIONS, ("1000", "100", "50")))
PACE = "0.2"  # of the time that flash takes on a real part; for eyes only


class HostBoard(Board):
    name = "host"
    address = "localhost"
    first_check_ms = 1300  # time for the slow LED to toggle once
    words = {
        "device": ("The server is HTTPS over a folder of files. The device is a bootloader and an",
                   "agent over simulated flash, laid out as the flash map says."),
        "plug": "(the device's process is killed), and three more polls after that.",
    }

    def program(self, version, hangs):
        self.folder.command("device", "app", "--version", version, "--led", LED_MS[version],
                            "--behave", "hang" if hangs else "healthy", "--size", str(SIZES[version]), "-o", "payload.bin")

    def make(self, server):
        self.folder.command("device", "init", "device", "--map", self.map, "--key", "signing.pem", "--image", "app-1.0.0.bin",
                            "--server", f"https://localhost:{server.port}", "--ca", "http_ca.crt", "--device-id", "demo",
                            "--initial-ms", str(self.first_check_ms), "--poll-seconds", "0.4", "--watchdog-ms", "1500")
        self.board = self.status()["board"]

    def status(self):
        return json.loads(self.folder.command("device", "status", "--json", "device", show=False))

    def run(self, *until):
        args = ["device", "run", "device"]
        pace = PACE if self.folder.telling.on_terminal else "0"
        self.start(args, [*args, "--pace", pace], until, 40)

    def across_a_power_cut(self):
        self.folder.telling.show("otter device run device &   kill -9 $!")
        with subprocess.Popen([self.folder.otter, "device", "run", "device", "--json"], cwd=self.folder.root,
                              stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent) as device:
            for line in device.stdout:
                if json.loads(line).get("event") == "started":
                    break
            device.kill()
        self.folder.telling.say()
        self.run("outcome=rejected,count=3")

    def running(self):
        """Planes of the flash file hold bytes XOR the erased value."""
        primary = self.status()["primary"]
        image = self.folder.image(primary["version"])
        flash = self.folder.bytes("device", "flash.bin")
        whole = any(flash.find(bytes(b ^ erased for b in image)) >= 0 for erased in (0x00, 0xFF))
        return primary["version"] if primary["verified"] and whole else ""

    def phase(self):
        return self.status()["phase"]

    def rejected(self):
        return [image["version"] for image in self.status()["rejected"]]
