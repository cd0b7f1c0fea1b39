# SPDX-License-Identifier: Apache-2.0
"""flash.py - a board's flash file, seen from outside: where slots lie in it, and what they hold.

Addresses come from `otter flashmap header --board`, as the firmware's do. Bytes are those that the
processor sees; an image is "in" a slot when every byte of the signed file is there.
"""
import re
import subprocess

FILE_SIZE = 0x1000000
USED_OFF = 0xE00000  # from here on: the drivers' notes, no device

# Each board: QEMU's machine, and where the processor sees the flash file.
BOARDS = {"qemu-psoc62": ("mps2-an386", 0x21000000), "qemu-xmc7200": ("mps2-an500", 0x60000000)}
PSOC, OVERWRITE, XIP = "psoc62_2m_ext_swap_single", "psoc62_2m_ext_overwrite_single", "psoc62_512k_xip_swap_single"
XMC, XMC_OVERWRITE = "xmc7200_int_swap_single", "xmc7200_int_overwrite_single"
MAPS = [PSOC, OVERWRITE, XIP, XMC, XMC_OVERWRITE]


class Layout:
    """One flash map on its board."""

    def __init__(self, otter, name):
        self.name = name
        self.board = "qemu-xmc7200" if name.startswith("xmc") else "qemu-psoc62"
        self.machine, self.flash_addr = BOARDS[self.board]
        text = subprocess.run([otter, "flashmap", "header", "--board", self.board, name], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        found = re.findall(r"#define OTTER_MAP_(\w+) (0x[0-9A-F]+|\d+)u?\b", text)
        self.values = {key: int(value, 0) for key, value in found}
        self.devices = re.findall(r"#define OTTER_MAP_(\w+)_INDEX ", text)
        self.swap = bool(self.values["SWAP"])

    def device(self, name):
        """(offset in the flash file, size, erased value)."""
        of = self.values
        return of[name + "_ADDR"] - self.flash_addr, of[name + "_SIZE"], of[name + "_ERASED"]

    def area(self, name):
        """(offset in the flash file, size) of PRIMARY, SECONDARY, JOURNAL, SCRATCH."""
        return self.values[name + "_ADDR"] - self.flash_addr, self.values[name + "_SIZE"]

    def erased_of(self, area):
        return self.device(self.devices[self.values[area + "_DEVICE"]])[2]

    def sector_of(self, area):
        return self.values[self.devices[self.values[area + "_DEVICE"]] + "_SECTOR_SIZE"]


class FlashFile:
    """`path` may not exist yet."""

    def __init__(self, path, layout):
        self.path, self.layout = path, layout

    def make(self, primary=None, secondary=None):
        """Erased flash, as from the shop, with images (bytes) put into its slots."""
        with open(self.path, "wb") as f:
            f.truncate(FILE_SIZE)
            for name in self.layout.devices:
                off, size, erased = self.layout.device(name)
                f.seek(off)
                f.write(bytes([erased]) * size)
        for area, image in (("PRIMARY", primary), ("SECONDARY", secondary)):
            if image is not None:
                self.write(area, 0, image)
        return self

    def fill(self, data_of):
        """Every byte of the file, the drivers' notes too: data_of(size) gives them."""
        with open(self.path, "wb") as f:
            f.write(data_of(FILE_SIZE))
        return self

    def read(self, area, off=0, size=None):
        at, whole = self.layout.area(area)
        with open(self.path, "rb") as f:
            f.seek(at + off)
            return f.read(whole - off if size is None else size)

    def write(self, area, off, data):
        at, whole = self.layout.area(area)
        assert off + len(data) <= whole, "%s has no room for %d bytes at %d" % (area, len(data), off)
        with open(self.path, "r+b") as f:
            f.seek(at + off)
            f.write(data)

    def primary_is(self, image):
        return self.read("PRIMARY", 0, len(image)) == image

    def contains(self, image):
        """Anywhere in the file: the fallback of a swap lies displaced by a unit."""
        with open(self.path, "rb") as f:
            return f.read(USED_OFF).find(image) >= 0
