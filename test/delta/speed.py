#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""speed.py - instructions that the decoder takes for a byte of the result, on an emulated Cortex-M4.

usage: speed.py OLD NEW PATCH...      (three files a patch)

Runs build/cm4-size/delta_speed (test/delta/speed.c, the -Os code whose size is measured) in QEMU's
mps2-an386 with -icount shift=0, where an instruction takes 1 ns of the timer's time. The device itself
compares the result with NEW. Instructions are not cycles: flash wait states and stalls come on top.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("DELTA_SPEED", os.path.join(ROOT, "build", "cm4-size", "delta_speed"))
PSRAM, FILE_ROOM = 0x21000000, 4 << 20
TICK_INSTRUCTIONS = 40
TIME_LIMIT_S = 300


class Failed(Exception):
    pass


class Speed:
    """What one patch took: instructions a byte, instructions of the longest row of 512 bytes."""

    def __init__(self, said):
        numbers = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", said)}
        self.bytes = numbers["bytes"]
        self.per_byte = numbers["ticks"] * TICK_INSTRUCTIONS / max(self.bytes, 1)
        self.longest_row = numbers["longest"] * TICK_INSTRUCTIONS


def measure(old, new, patch):
    """Paths of the three files; Failed when the device did not get `new`."""
    words = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none", "-nic", "none",
             "-icount", "shift=0", "-semihosting-config", "enable=on,target=native", "-kernel", PROGRAM]
    with tempfile.TemporaryDirectory(prefix="otter-delta-") as folder:
        for i, path in enumerate((old, patch, new)):
            with open(path, "rb") as file:
                data = file.read()
            if len(data) + 4 > FILE_ROOM:
                raise Failed("%s is too large for the emulated memory" % path)
            placed = os.path.join(folder, str(i))
            with open(placed, "wb") as file:
                file.write(struct.pack("<I", len(data)) + data)
            words += ["-device", "loader,file=%s,addr=0x%x,force-raw=on" % (placed, PSRAM + i * FILE_ROOM)]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                              timeout=TIME_LIMIT_S, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("delta ")), "")
    if not line or line.startswith("delta failed"):
        raise Failed("the emulated decoder: %s" % (line or done.stdout.strip() or "said nothing"))
    return Speed(line)


def main(files):
    if not files or len(files) % 3 != 0:
        sys.exit(__doc__)
    for old, new, patch in zip(files[::3], files[1::3], files[2::3]):
        speed = measure(old, new, patch)
        print("%s: %d bytes, %.1f instructions a byte, the longest row %d" % (patch, speed.bytes, speed.per_byte, speed.longest_row))


if __name__ == "__main__":
    main(sys.argv[1:])
