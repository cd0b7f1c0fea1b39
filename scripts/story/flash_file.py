# SPDX-License-Identifier: Apache-2.0
"""flash_file.py - the flash file of an emulated board, read without the board's or the tool's code.

Addresses come from the header that the firmware was built with; the flash file begins where the
address has 24 zero bits. Journal records: docs/spec/30-journal.md.
"""
import pathlib
import re
import struct
import zlib

RECORD = 32
STATE, REJECT = 2, 4
PHASES = ("idle", "requested", "swap", "trial", "revert")


class FlashFile:
    def __init__(self, path, header):
        """`header`: text of `otter flashmap header --board`."""
        self.path = pathlib.Path(path)
        self.values = {name: int(value, 0) for name, value in
                       re.findall(r"^#define OTTER_MAP_(\w+) (0x[0-9A-F]+|\d+)u?\b", header, re.M)}

    def area(self, name):
        off = self.values[f"{name}_ADDR"] & 0xFFFFFF
        with open(self.path, "rb") as file:
            file.seek(off)
            return file.read(self.values[f"{name}_SIZE"])

    def primary_is(self, image):
        return self.area("PRIMARY")[:len(image)] == image

    def records(self):
        """(seq, type, phase, body) of every record with a right CRC, oldest first."""
        journal, found = self.area("JOURNAL"), set()
        for off in range(0, len(journal) - RECORD + 1, RECORD):
            raw = journal[off:off + RECORD]
            seq, kind, _flags, phase, _verdict = struct.unpack_from("<IBBBB", raw)
            if 1 <= kind <= 6 and zlib.crc32(raw[:28]) == struct.unpack_from("<I", raw, 28)[0]:
                found.add((seq, kind, phase, raw[8:28]))
        return sorted(found)

    def phase(self):
        states = [phase for _seq, kind, phase, _body in self.records() if kind == STATE]
        return PHASES[states[-1]] if states else ""

    def rejected(self):
        """Versions, in order, each once."""
        versions = [struct.unpack_from("<BBH", body, 12) for _seq, kind, _phase, body in self.records() if kind == REJECT]
        return list(dict.fromkeys("%d.%d.%d" % version for version in versions))
