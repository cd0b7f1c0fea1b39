# SPDX-License-Identifier: Apache-2.0
"""emulated_board.py - the story on an emulated Cortex-M: real firmware in QEMU, by `otter emulate`."""
import json
import os
import shutil

from story.board import Board, VERSIONS
from story.flash_file import FlashFile
from story.telling import Failed


class EmulatedBoard(Board):
    address = "192.0.2.2"  # of this machine, as the emulated network shows it
    first_check_ms = 2200  # time for the slow LED to toggle twice
    sign_options = ["--pad-header"]
    words = {
        "device": ("The server is HTTPS over a folder of files. The device is an Arm processor in",
                   "QEMU: bootloader, application, TCP/IP and TLS run as they would on a part,",
                   "and flash takes as long as there."),
        "plug": "(QEMU is killed), and it refuses it again after that.",
    }

    def __init__(self, folder, flash_map, firmware):
        """`firmware`: folder with bootloader-MAP.elf and ota-https-MAP-VERSION.bin."""
        super().__init__(folder, flash_map)
        self.firmware = firmware
        self.name = os.path.basename(firmware)
        self.options = []
        header = folder.command("flashmap", "header", "--board", self.name, flash_map, show=False)
        self.flash = FlashFile(folder.path("board.flash"), header)

    def program(self, version, hangs):
        """The built one; 1.2.0 was built with TEST_REVERT, so it hangs."""
        built = os.path.join(self.firmware, f"ota-https-{self.map}-{version}.bin")
        if not os.path.exists(built):
            raise Failed(f"{built} is missing: run `make firmware`")
        if version not in VERSIONS or hangs != (version == VERSIONS[2]):
            raise Failed(f"no firmware {version} was built that {'hangs' if hangs else 'works'}")
        self.folder.telling.show(f"cp build/{self.name}/{os.path.basename(built)} payload.bin")
        shutil.copyfile(built, self.folder.path("payload.bin"))

    def make(self, server):
        kits = json.loads(self.folder.command("flashmap", "show", "--kits", "--json", show=False))
        self.board = next(kit["board"] for kit in kits if self.map in kit["maps"])
        self.options = ["--map", self.map, "--flash", "board.flash", "--key", "signing.pem",
                        "--server", f"https://{self.address}:{server.port}", "--ca", "http_ca.crt",
                        "--board", self.board, "--device-id", "demo", "--initial-ms", str(self.first_check_ms), "--poll-ms", "500", "--pace", "1"]
        self.folder.telling.show("device=\"" + " ".join(self.options) + "\"")
        self.emulate(["app-1.0.0.bin"], ["running=1.0.0"])

    def run(self, *until):
        self.emulate([], until)

    def emulate(self, more, until):
        self.start(["emulate", "$device", *more],
                   ["emulate", *self.options, "--firmware", self.firmware, "--uart", self.folder.path("uart.log"), *more],
                   until, 90)

    def across_a_power_cut(self):
        self.emulate(["--power-cut-at", "rejected+0.2"], ["outcome=rejected,count=5"])
        cuts = [i for i, event in enumerate(self.events) if event.get("event") == "power-cut"]
        if len(cuts) != 1:
            raise Failed(f"{len(cuts)} power cuts, not one")
        self.events = self.events[cuts[0]:]

    def running(self):
        return next((version for version in VERSIONS if os.path.exists(self.folder.path(f"app-{version}.bin"))
                     and self.flash.primary_is(self.folder.image(version))), "")

    def phase(self):
        return self.flash.phase()

    def rejected(self):
        return self.flash.rejected()
