# SPDX-License-Identifier: Apache-2.0
"""emulate.py - `otter emulate` around a QEMU that plays a script: cuts, ends, locks, leftovers.

A program named qemu-system-arm stands first in PATH. It says on its stdout what a board's UART
would, and writes down how it was called. test/boards has the real boards.
"""
import json
import os
import pty
import signal
import struct
import subprocess
import time

import harness
from harness import case, check, put_program, run

FAKE = r"""#!/usr/bin/env python3
import json, os, re, socket, sys, time
folder = os.path.dirname(os.path.abspath(__file__))
count = len([n for n in os.listdir(folder) if n.startswith("call-")])
words = " ".join(sys.argv)
named = {name: int(re.search(name + r"[^ ]*?/dev/fd/(\d+)", words).group(1)) for name in ("memory-backend-file", "loader")}
with open("/dev/fd/%d" % named["loader"], "rb") as f:
    settings = f.read().hex()
with open(os.path.join(folder, "call-%d" % count), "w") as f:
    json.dump({"args": sys.argv[1:], "pid": os.getpid(), "settings": settings}, f)
monitor = socket.socket(fileno=int(re.search(r"id=monitor,fd=(\d+)", words).group(1)))
flash = os.open("/dev/fd/%d" % named["memory-backend-file"], os.O_RDWR)
with open(os.path.join(folder, "script")) as f:
    script = f.read().split("\n")
for line in script:
    word, _, rest = line.partition(" ")
    if word == "say":
        sys.stdout.write(rest + "\r\n")
        sys.stdout.flush()
    elif word == "led":
        sys.stderr.write("led_change_intensity LED desc:'USERLED0' color:green intensity 0%% -> %s%%\n" % rest)
    elif word == "stderr":
        sys.stderr.write(rest + "\n")
    elif word == "watchdog":
        monitor.sendall(b'{"event": "WATCHDOG", "data": {"action": "reset"}}\r\n')
    elif word == "sleep":
        time.sleep(float(rest))
    elif word == "mark":
        os.pwrite(flash, rest.encode(), 0x900000)
    elif word == "exit":
        os._exit(int(rest))
    elif word == "abort":
        os.abort()
time.sleep(60)
"""
BOOT = """say boot  otter bootloader, flash map m
say boot  power on
say boot  1.0.0 verifies: signature and digest are right; starts it
say app   1.0.0 runs; the LED toggles every 1000 ms"""


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pid, seconds=5.0):
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


class Board:
    """A fake QEMU with a script, and `otter emulate` over it."""

    def __init__(self, bench, script):
        self.bench = bench
        self.folder = os.path.join(bench.folder, "fake-%d" % len(os.listdir(bench.folder)))
        os.makedirs(self.folder)
        self.write("fake", FAKE)
        put_program(self.path("fake"), self.path("qemu-system-arm"))
        self.write("script", script)
        with open(self.path("boot.elf"), "wb") as f:
            f.write(elf_of(bytes(64)))
        self.environment = dict(os.environ, PATH=self.folder + os.pathsep + os.environ["PATH"])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def args(self, *options, image=True):
        kit = self.bench.kit
        return [kit.otter, "emulate", "--bootloader", self.path("boot.elf"), "--key", kit.pub(), *options,
                *([kit.image("1.0.0", 3000)] if image else [])]

    def run(self, *options, ok=False, **more):
        return run(self.args(*options, **more), env=self.environment, ok=ok, timeout=30)

    def start(self, *options):
        return self.bench.spawn(self.args(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)

    def calls(self):
        names = sorted((n for n in os.listdir(self.folder) if n.startswith("call-")), key=lambda n: int(n[5:]))
        return [json.load(open(self.path(name), encoding="utf-8")) for name in names]

    def wait_call(self):
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                return self.calls()[0]["pid"]
            except (IndexError, json.JSONDecodeError):
                time.sleep(0.01)
        raise harness.Failed("QEMU was not started")


def elf_of(data):
    """An Arm program of one section and segment, at address 0."""
    head = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 40, 1, 0, 52, 84 + len(data), 0, 52, 32, 1, 40, 2, 0)
    segment = struct.pack("<8I", 1, 84, 0, 0, len(data), len(data), 5, 1)
    return head + segment + data + bytes(40) + struct.pack("<10I", 0, 1, 6, 0, 84, len(data), 0, 0, 1, 0)


def events(done):
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def named(told, event):
    return [e for e in told if e["event"] == event]


ENDS = {
    "until-is-met": (BOOT, ["--until", "running=1.0.0"], 0, ""),
    "time-without-until": (BOOT, ["--timeout", "0.5"], 0, ""),
    "time-with-until": (BOOT, ["--timeout", "0.5", "--until", "reported"], 1, "--until was not met within 0.5 s"),
    "locked-up": (BOOT + "\nstderr qemu: fatal: Lockup: can't escalate 3 to HardFault (current priority -1)\n"
                  "stderr R12=00000000 R13=20003ff8 R14=fffffff9 R15=0000abcc\nabort", [], 1, "bricked: the processor locked up at 0x0000abcc"),
    "locked-up-by-its-exit-code": (BOOT + "\nexit 134", [], 1, "bricked: the processor locked up"),
    "qemu-refuses": ("stderr qemu-system-arm: -gdb tcp:127.0.0.1:1: Address already in use\nexit 1", [], 1,
                     "qemu-system-arm ended by itself: -gdb tcp:127.0.0.1:1: Address already in use"),
    "nothing-to-start": ("say boot  no bootable image in either slot (corrupt); stops", [], 1,
                         "the device stopped: there is nothing that it can run"),
    "no-key": ("say boot  no key was provisioned: nothing can be verified; stops", [], 1, "the device stopped"),
    "other-map": ("say boot  the journal was written under another flash map; stops", [], 1, "the device stopped"),
    "flash-misuse": (BOOT + "\nsay app   flash: programmed twice at 0x21028000", [], 1,
                     "the firmware misused the flash: programmed twice at 0x21028000"),
}


def end_case(name, script, options, code, said):
    @case("emulate/%s" % name, "emulate")
    def _(bench):
        board = Board(bench, script)
        done = board.run("--json", *options)
        stderr = done.stderr.decode()
        check(done.returncode == code, "exit %d: %s", done.returncode, stderr)
        check(said in stderr and stderr.count("\n") == (1 if said else 0), "stderr: %r", stderr)
        check(named(events(done), "off"), "no last event: %s", done.stdout)
        check(gone(board.calls()[0]["pid"]), "QEMU runs on")


for _name, _end in ENDS.items():
    end_case(_name, *_end)


@case("emulate/power-cuts", "emulate")
def _(bench):
    """Each cut kills QEMU and starts it again on the same flash; what was written stays."""
    board = Board(bench, BOOT + "\nmark hello\nsleep 1.5\nsay app   asked the server: 1.0.0 is up to date")
    flash = board.path("flash.bin")
    done = board.run("--json", "--flash", flash, "--power-cut-at", "started+0.05", "--power-cut-at", "1.0",
                     "--until", "polls=1", "--events", board.path("events"))
    told = events(done)
    check(done.returncode == 0, "exit %d: %s", done.returncode, done.stderr)
    cuts = named(told, "power-cut")
    check([(c["after"], c["ms"], c["cut"], c["cuts"]) for c in cuts] == [("started", 50, 1, 2), ("power-on", 1000, 2, 2)],
          "cuts: %s", cuts)
    check(len(named(told, "power-on")) == 3 and not named(told, "reset"), "a cut is no reset: %s", told)
    check(len(board.calls()) == 3 and all(gone(c["pid"]) for c in board.calls()), "processes: %s", board.calls())
    with open(flash, "rb") as f:
        data = f.read()
    check(data[0x900000:0x900005] == b"hello", "the flash forgot")
    with open(board.path("events"), encoding="utf-8") as f:
        check([json.loads(line) for line in f] == told, "--events differs from --json")


@case("emulate/random-cuts-replay", "emulate")
def _(bench):
    """The same seed, the same moments; a seed of its own is told, so that it can be given again."""
    board = Board(bench, BOOT + "\nsay boot  1.1.0 is on trial: boot 1 of 3")
    options = ["--json", "--power-cut-at", "random", "--cuts", "2", "--timeout", "20", "--until", "polls=1"]

    def plan(*more):
        process = board.start(*options, *more)
        told = []
        while len(named(told, "power-cut")) < 2:
            told.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        return named(told, "cuts")[0]["seed"], [(e["after"], e["ms"]) for e in named(told, "power-cut")]
    seed, first = plan()
    again, second = plan("--cuts-seed", str(seed))
    check(seed == again and first == second, "seed %s: %s, then %s", seed, first, second)


@case("emulate/resets", "emulate")
def _(bench):
    """A reset is told with the bootloader's cause, and QEMU's own word for it."""
    board = Board(bench, BOOT + "\nled 100\nled 0\nled 100\nwatchdog\nsleep 0.2\nsay boot  otter bootloader, flash map m\n"
                  "say boot  reset by the watchdog: the program hung at 0x21028B3C\nsay app   network is up: 192.0.2.15\n"
                  "say boot  otter bootloader, flash map m\nsay boot  reset by the program\nsleep 0.2")
    told = events(board.run("--json", "--timeout", "1.5"))
    resets = [(e["cause"], e.get("qemu")) for e in named(told, "reset")]
    check(resets == [("watchdog", "watchdog"), ("software", None)], "resets: %s", resets)
    check(named(told, "cause")[1]["pc"] == "0x21028B3C", "causes: %s", named(told, "cause"))
    check([e["toggles"] for e in named(told, "led")] == [3], "LED: %s", named(told, "led"))
    check([e["event"] for e in told if e["from"] == "board"] == ["power-on", "reset", "reset", "led", "off"], "%s", told)


def ended_by(number, group):
    def body(bench):
        board = Board(bench, BOOT)
        process = bench.spawn(board.args("--json", "--flash", board.path("flash.bin")), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=board.environment, start_new_session=group)
        pid = board.wait_call()
        while b"started" not in process.stdout.readline():
            pass
        if group:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        process.communicate(timeout=10)
        wanted = -number if number == signal.SIGKILL else 0
        check(process.returncode == wanted, "exit %d, not %d", process.returncode, wanted)
        check(gone(pid), "QEMU runs on")
        done = board.run("--json", "--flash", board.path("flash.bin"), "--until", "running=1.0.0")
        check(done.returncode == 0, "not again: %s", done.stderr)
    return body


for _number, _label, _group in ((signal.SIGINT, "ctrl-c", True), (signal.SIGTERM, "sigterm", False),
                                (signal.SIGKILL, "sigkill", False)):
    case("emulate/nothing-runs-on-after-%s" % _label, "emulate")(ended_by(_number, _group))


@case("emulate/stopped-before-until", "emulate")
def _(bench):
    board = Board(bench, BOOT)
    process = board.start("--until", "polls=1")
    board.wait_call()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    check(process.returncode == 1, "exit %d", process.returncode)


@case("emulate/one-board-per-flash", "emulate")
def _(bench):
    board = Board(bench, BOOT)
    flash = board.path("flash.bin")
    first = board.start("--flash", flash)
    board.wait_call()
    done = board.run("--flash", flash)
    check(done.returncode == 1 and b"in use by another board" in done.stderr, "second: %d %r", done.returncode, done.stderr)
    check(done.stdout == b"", "stdout: %r", done.stdout)
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=10)


@case("emulate/an-image-goes-into-a-new-flash-only", "emulate")
def _(bench):
    board = Board(bench, BOOT)
    flash, until = board.path("flash.bin"), ("--until", "running=1.0.0")
    check(board.run("--flash", flash, *until).returncode == 0, "no start")
    image = bench.kit.bytes(bench.kit.image("1.0.0", 3000))
    with open(flash, "rb+") as f:
        data = f.read()
        check(data.count(image) == 1, "the image is not in the flash")
        at = data.index(image)
        f.seek(at)
        f.write(b"gone")
    check(board.run("--flash", flash, *until).returncode == 0, "no start with the old flash")
    check(board.run("--flash", flash, *until, image=False).returncode == 0, "no start without an image")
    with open(flash, "rb") as f:
        check(f.read()[at:at + 4] == b"gone", "the flash was made anew")
    check(os.listdir(board.folder).count("flash.bin") == 1, "left behind: %s", os.listdir(board.folder))


def settings(blob):
    """The one-time memory's entries, in order; zlib checks them."""
    import zlib
    magic, length, crc = struct.unpack_from("<8sII", blob)
    check(magic == b"OTTRSET1" and len(blob) == 16 + length and zlib.crc32(blob[16:]) == crc, "head: %r", blob[:16])
    found, at = [], 16
    while at < len(blob):
        name_len, value_len = struct.unpack_from("<HH", blob, at)
        name = blob[at + 4:at + 4 + name_len]
        value = blob[at + 5 + name_len:at + 5 + name_len + value_len]
        found.append((name.decode(), value))
        at += (4 + name_len + 1 + value_len + 1 + 3) & ~3
    return found


@case("emulate/qemu-is-called-right", "emulate")
def _(bench):
    """Machine, files, network; and every option of the device as a factory setting."""
    certs = bench.kit.certs()
    board = Board(bench, BOOT)
    done = board.run("--until", "running=1.0.0", "--map", harness.XMC, "--server", "https://192.0.2.2:4443", "--ca",
                     certs + "/http_ca.crt", "--cert", certs + "/http_client.crt", "--key-file", certs + "/http_client.key",
                     "--tls", "1.3", "--pace", "0.25", "--poll-ms", "77", "--allow-host", "a.example", "--allow-host", "b.example",
                     "--no-report", "--sick", "1.1.0", "--serial", "S1", "--icount", "5", "--gdb", "14321")
    check(done.returncode == 0, "exit %d: %s", done.returncode, done.stderr)
    call = board.calls()[0]
    line = " ".join(call["args"])
    for part in ("-M mps2-an500,memory-backend=", "share=on", "-kernel " + board.path("boot.elf"), "addr=0x300000,force-raw=on",
                 "-nic user,net=192.0.2.0/24,host=192.0.2.2", "-icount shift=5", "-gdb tcp:127.0.0.1:14321 -S"):
        check(part in line, "no '%s' in %s", part, line)
    found = settings(bytes.fromhex(call["settings"]))
    wanted = {"host": b"192.0.2.2", "port": b"4443", "tls": b"1.3", "pace": b"250", "poll-ms": b"77", "no-report": b"1",
              "sick": b"1.1.0", "serial": b"S1", "ca": bench.kit.bytes(certs + "/http_ca.crt"), "trial-boots": b"3",
              "cert": bench.kit.bytes(certs + "/http_client.crt"), "cert-key": bench.kit.bytes(certs + "/http_client.key")}
    for name, value in wanted.items():
        check(dict(found).get(name) == value, "%s is %r, not %r", name, dict(found).get(name), value)
    check([v for n, v in found if n == "allow-host"] == [b"a.example", b"b.example"], "hosts: %s", found)
    der = run(["openssl", "pkey", "-pubin", "-in", bench.kit.pub(), "-outform", "DER"]).stdout
    check(dict(found)["key"] == der, "the key is another one")
    check(not {"plain", "permanent", "no-clock", "product"} & dict(found).keys(), "not asked for: %s", found)


@case("emulate/no-qemu", "emulate")
def _(bench):
    board = Board(bench, BOOT)
    empty = board.path("empty")
    os.makedirs(empty)
    done = run(board.args("--flash", board.path("flash.bin")), env=dict(os.environ, PATH=empty), ok=False)
    check(done.returncode == 1 and done.stdout == b"", "exit %d", done.returncode)
    check(done.stderr == b"otter emulate: qemu-system-arm is not installed: run scripts/setup.sh boards\n", "%r", done.stderr)
    check(not os.path.exists(board.path("flash.bin")), "a flash file was made")


@case("emulate/live-view-on-a-terminal-only", "emulate")
def _(bench):
    script = BOOT + "\nled 100\nsay app   server offers 1.1.0: fetches it\nsay app   received 50 of 100 bytes\nsleep 0.3\n" \
        "say app   asked the server: 1.0.0 is up to date"
    board = Board(bench, script)
    plain = board.run("--until", "polls=1").stdout.decode()
    check("\033" not in plain and "\r" not in plain and "#" not in plain, "into a pipe: %r", plain)
    check("app    1.0.0 runs; the LED toggles every 1000 ms\n" in plain, "into a pipe: %r", plain)
    ours, theirs = pty.openpty()
    process = bench.spawn(board.args("--until", "polls=1"), stdout=theirs, stderr=theirs,
                          env=dict(board.environment, TERM="xterm", LC_ALL="C.UTF-8"))
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        text += piece
    os.close(ours)
    check(process.wait(10) == 0, "exit %d: %s", process.returncode, text)
    lively = text.decode()
    check("\u25cf" in lively and "LED" in lively and "1.1.0 download  [##########" in lively, "on a terminal: %r", lively)


@case("emulate/uart-file", "emulate")
def _(bench):
    board = Board(bench, BOOT + "\nsay noise")
    for _ in range(2):
        board.run("--uart", board.path("uart"), "--until", "running=1.0.0", ok=True)
    with open(board.path("uart"), encoding="utf-8") as f:
        lines = f.read().splitlines()
    check(lines.count("app   1.0.0 runs; the LED toggles every 1000 ms") == 2, "appended: %s", lines)
