# SPDX-License-Identifier: Apache-2.0
"""machine.py - one emulated board as plain QEMU: power on, power cut (SIGKILL), UART lines as events.

It shares nothing with `otter emulate` but the firmware and board/words.def, so that each checks the
other. Factory settings are written here in the format of docs/boards.md.
"""
import ctypes
import os
import signal
import struct
import subprocess
import threading
import time
import zlib

import harness
from harness import check
from words import event_of

HOST = "192.0.2.2"  # what the guest calls the machine that QEMU runs on
OTP_ADDR = 0x300000
LOCKED_UP = 134  # QEMU aborts where a processor would stop for ever


def settings_blob(settings):
    """[(name, str or bytes)] as they lie in the board's read-only memory."""
    entries = b""
    for name, value in settings:
        name, value = name.encode(), value.encode() if isinstance(value, str) else value
        entry = struct.pack("<HH", len(name), len(value)) + name + b"\0" + value + b"\0"
        entries += entry + bytes(-len(entry) % 4)
    return b"OTTRSET1" + struct.pack("<II", len(entries), zlib.crc32(entries)) + entries


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Machine(harness.Device):
    """`flash`: a FlashFile; `otp`: bytes of the factory settings, None: nothing is there."""

    def __init__(self, bench, bootloader, flash, otp):  # pylint: disable=super-init-not-called
        self.bench, self.flash_file, self.otp = bench, flash, otp
        self.bootloader = bootloader
        self.folder = os.path.join(bench.folder, "board%d" % len(bench.devices))
        self.events, self.lines, self.process, self.boots = [], [], None, 0
        self.news = threading.Condition()
        bench.devices.append(self)

    def arguments(self):
        layout = self.flash_file.layout
        args = ["qemu-system-arm", "-M", layout.machine + ",memory-backend=mem",
                "-object", "memory-backend-file,id=mem,mem-path=%s,size=16M,share=on" % self.flash_file.path,
                "-nographic", "-monitor", "none", "-serial", "stdio", "-kernel", self.bootloader,
                "-nic", "user,net=192.0.2.0/24,host=" + HOST, "-semihosting-config", "enable=on,target=native"]
        if self.otp is not None:
            path = self.folder + ".otp"
            with open(path, "wb") as f:
                f.write(self.otp)
            args += ["-device", "loader,file=%s,addr=0x%x,force-raw=on" % (path, OTP_ADDR)]
        return args

    def power_on(self):
        """Returns the index of the first event of this power cycle."""
        begin = len(self.events)
        self.boots += 1
        with open(self.folder + ".stderr", "ab") as stderr:
            self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=stderr, preexec_fn=die_with_parent)
        self.reader = threading.Thread(target=self.read, args=(self.process,), daemon=True)
        self.reader.start()
        return begin

    def read(self, process):
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip("\r\n")
            event = {"t": time.monotonic(), **event_of(line)}
            with self.news:
                self.lines.append(line)
                self.events.append(event)
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def wait(self, timeout=30, after=0, **wanted):
        """The first event with all these values; what hangs or locks up instead fails the case."""
        try:
            return self.wait_event(lambda e: all(e.get(k) == v for k, v in wanted.items()), timeout, after)
        except harness.Failed:
            code = self.process.poll()
            if code == LOCKED_UP or code == -signal.SIGABRT:
                raise harness.Failed("locked up: a real board would be dead now (waited for %s)" % wanted) from None
            if code is not None:
                raise harness.Failed("QEMU ended with %d (waited for %s)" % (code, wanted)) from None
            raise harness.Failed("%s did not come within %g s" % (wanted, timeout)) from None

    def seen(self, after=0, **wanted):
        with self.news:
            return [e for e in self.events[after:] if all(e.get(k) == v for k, v in wanted.items())]

    def power_cut(self):
        self.kill()

    def primary_is(self, image):
        return self.flash_file.primary_is(self.bench.kit.bytes(image))

    def expect_primary(self, image, when):
        check(self.primary_is(image), "the primary slot does not hold %s %s", os.path.basename(image), when)
