# SPDX-License-Identifier: Apache-2.0
"""errors.py - every command of `otter`, given what it cannot use.

The table says, for each command, a line that works, and which words of it are inputs and outputs.
Each one in turn is replaced by a missing file, a directory, garbage, ...; outputs by a folder that
is not there, a file in the way, a read-only folder, a full disk. Each time: exit 1 or 2, nothing on
stdout, one plain line on stderr, and the folder exactly as it was.
"""
import os
import resource
import shutil
import signal
import stat
import subprocess

import emulate
import harness
from harness import case, check, run, sha256

NOBODY = 65534


class Command:
    """`line`: words; IN:x is an input of kind x, OUT:x an output, X:x something the test prepares."""

    def __init__(self, name, line, any_bytes=False, daemon=False, tells=False):
        self.name, self.words = name, line.split()
        self.any_bytes, self.daemon = any_bytes, daemon  # any_bytes: there is no wrong content
        self.tells = tells  # stdout has the result whatever became of the files


COMMANDS = [
    Command("keygen", "--type ecdsa-p256 OUT:new.pem"),
    Command("pubkey", "--key IN:key.pem -o OUT:pub.pem"),
    Command("sign", "--key IN:key.pem --version 1.0.0 IN:app.hex OUT:signed.bin"),
    Command("verify", "--key IN:pub.pem.in IN:signed.bin.in"),
    Command("inspect", "IN:signed.bin.in"),
    Command("flashmap check", "IN:map.json"),
    Command("flashmap show", "IN:map.json --svg OUT:map.svg"),
    Command("flashmap header", "IN:map.json -o OUT:map.h"),
    Command("certs", "--server 127.0.0.1 --out OUT:certs"),
    Command("cert-string", "IN:ca.crt"),
    Command("publish", "--image IN:signed.bin.in --board B --job-key IN:job.pem --folder OUT:www"),
    Command("rollout", "halt --folder IN:published --job-key IN:job.pem"),
    Command("serve", "--folder IN:served --cert IN:server.crt --key IN:server.key", daemon=True),
    Command("device app", "--version 1.0.0 -o OUT:app.bin"),
    Command("device init", "OUT:device --map psoc62_2m_ext_swap_single --key IN:pub.pem.in "
                           "--image IN:signed.bin.in --server https://127.0.0.1:1 --ca IN:ca.crt "
                           "--cert IN:client.crt --key-file IN:client.key --job-key IN:job.pem"),
    Command("device run", "IN:device.in --until polls=1 --timeout 5", daemon=True),
    Command("device status", "IN:device.in"),
    Command("device enrol", "unit-1 --database OUT:fleet.db"),
    Command("emulate", "--bootloader IN:boot.elf.in --key IN:pub.pem.in --flash OUT:flash.bin --server https://192.0.2.2:1 "
                       "--ca IN:ca.crt --cert IN:client.crt --key-file IN:client.key --timeout 5 IN:signed.bin.in"),
    Command("fleet", "--server https://127.0.0.1:1 --ca IN:ca.crt --cert IN:client.crt --key-file IN:client.key --key IN:pub.pem.in "
                     "--devices 2 --duration 1 --plot OUT:fleet.svg --list OUT:fleet.jsonl", tells=True),
    Command("doctor", "--device IN:device.in"),
    Command("delta make", "IN:app.bin.in IN:signed.bin.in --output OUT:made.delta", any_bytes=True),
    Command("delta apply", "IN:signed.bin.in IN:patch.in --output OUT:applied.bin"),
    Command("delta info", "IN:patch.in"),
]
NO_COMMANDS = {"no-such-command", "", "device no-such-command", "flashmap no-such-command", "delta no-such-command"}
BY_NAME = {command.name: command for command in COMMANDS}


def prepare(bench):
    """A folder with a good file for each input; returns its path."""
    kit, folder = bench.kit, os.path.join(bench.folder, "work")
    os.makedirs(folder)
    certs = kit.certs()
    payload = kit.payload("1.0.0", 3000)
    image = kit.image("1.0.0", 3000)
    for source, name in ((kit.key(), "key.pem"), (kit.key("job"), "job.pem"), (kit.pub(), "pub.pem.in"), (image, "signed.bin.in"),
                         (certs + "/http_ca.crt", "ca.crt"), (certs + "/http_server.crt", "server.crt"),
                         (certs + "/http_server.key", "server.key"),
                         (certs + "/http_client.crt", "client.crt"), (certs + "/http_client.key", "client.key"), (payload, "app.bin.in")):
        shutil.copy(source, os.path.join(folder, name))
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    shutil.copy(os.path.join(root, "flashmap", harness.PSOC + ".json"), os.path.join(folder, "map.json"))
    with open(os.path.join(folder, "app.hex"), "w") as f:
        f.write(intel_hex(kit.bytes(payload)))
    with open(os.path.join(folder, "boot.elf.in"), "wb") as f:
        f.write(emulate.elf_of(bytes(64)))
    os.makedirs(os.path.join(folder, "served"))
    run([kit.otter, "device", "init", os.path.join(folder, "device.in"), "--map", harness.PSOC, "--key",
         kit.pub(), "--image", image, "--server", "http://127.0.0.1:1"])
    run([kit.otter, "publish", "--image", image, "--folder", os.path.join(folder, "published"), "--board", "B", "--job-key",
         kit.key("job")])
    run([kit.otter, "delta", "make", image, kit.image("1.1.0", 3000), "--output", os.path.join(folder, "patch.in")])
    return folder


def intel_hex(data):
    def record(kind, address, body):
        raw = bytes([len(body), address >> 8 & 255, address & 255, kind]) + body
        return ":%s%02X\n" % (raw.hex().upper(), -sum(raw) & 255)
    lines = [record(4, 0, b"\x10\x00")]
    lines += [record(0, at, data[at:at + 32]) for at in range(0, len(data), 32)]
    return "".join(lines) + record(1, 0, b"")


def words_of(command, replace=None, by=None):
    words = []
    for at, word in enumerate(command.words):
        if at == replace:
            word = by
        else:
            word = word.partition(":")[2] if word.startswith(("IN:", "OUT:")) else word
        words.append(word)
    return command.name.split() + words


def listing(folder):
    """Every path with its kind, mode and content."""
    found = {}
    for base, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(base, name)
            info = os.lstat(path)
            key = os.path.relpath(path, folder)
            found[key] = (info.st_mode, None)
            if stat.S_ISREG(info.st_mode) and info.st_size < 1 << 24:
                with open(path, "rb") as f:
                    found[key] = (info.st_mode, sha256(f.read()))
    return found


def refused(bench, folder, words, codes=(1, 2), limit=None, what="", otter=None, user=None):
    """Run it, expect a plain refusal and an untouched folder."""
    def prepare_child():
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    before = listing(folder)
    args = [otter or bench.kit.otter, *words]
    options = {"user": user, "group": user, "extra_groups": []} if user else {}
    shown = "otter %s%s" % (" ".join(words), " [%s]" % what if what else "")
    try:
        done = subprocess.run(args, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=15,
                              preexec_fn=prepare_child, **options)
    except subprocess.TimeoutExpired:
        return ["%s: did not end" % shown]
    said = done.stderr.decode(errors="replace")
    faults = []
    if done.returncode not in codes:
        faults.append("exit %d, expected %s" % (done.returncode, " or ".join(map(str, codes))))
    if said.count("\n") != 1 or not said.startswith("otter") or not said.endswith("\n"):
        faults.append("stderr is not one line of ours: %r" % said[:400])
    if not said.isprintable() and any(not c.isprintable() and c != "\n" for c in said):
        faults.append("unprintable bytes on stderr")
    if len(said) > 500:
        faults.append("the line is %d characters long" % len(said))
    if ": no command" in said and " ".join(words[:2]) not in NO_COMMANDS and words[0] not in NO_COMMANDS:
        faults.append("there is no such command")
    if done.stdout:
        faults.append("stdout: %r" % done.stdout[:100])
    after = listing(folder)
    if after != before:
        changed = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
        faults.append("left behind or changed: %s" % " ".join(changed[:5]))
        for name in changed:
            if name not in before:
                path = os.path.join(folder, name)
                shutil.rmtree(path) if os.path.isdir(path) else os.path.lexists(path) and os.unlink(path)
    return ["%s: %s" % (shown, fault) for fault in faults]


def verdict(faults):
    check(not faults, "%d faults\n    %s", len(faults), "\n    ".join(faults))


def places(command, kind):
    return [(at, word.partition(":")[2]) for at, word in enumerate(command.words) if word.startswith(kind)]


def bad_inputs(bench, folder):
    """Files that no command can use, by what they are; .hex as well, where the name decides the format."""
    def write(name, data):
        for end in ("", ".hex", ".elf"):
            with open(os.path.join(folder, name + end), "wb") as f:
                f.write(data)
        return name
    garbage = bytes((i * 197 + (i >> 5) * 31) & 255 for i in range(5000))
    os.makedirs(os.path.join(folder, "a-directory"))
    os.symlink("loop", os.path.join(folder, "loop"))
    found = {"missing": "missing.file", "directory": "a-directory", "garbage": write("garbage", garbage),
             "empty": write("empty", b""), "text": write("text", b"hello\n" * 40), "zeros": write("zeros", b"\0" * 3000),
             "loop": "loop", "under-a-file": "empty/x",
             "half-pem": write("half", bench.kit.bytes(bench.kit.key())[:60]),
             "no-name": ""}
    with open(os.path.join(folder, "huge"), "wb") as f:
        f.truncate(6 << 30)  # sparse
    return dict(found, huge="huge")


CONTENTS = ("garbage", "empty", "text", "zeros", "half-pem")


def inputs_case(command):
    @case("errors/inputs-%s" % command.name.replace(" ", "-"), "errors")
    def _(bench):
        folder = prepare(bench)
        faults = []
        for kind, name in bad_inputs(bench, folder).items():
            if command.any_bytes and kind in CONTENTS:
                continue
            for at, good in places(command, "IN:"):
                if good in ("served", "device.in") and kind == "directory" and command.name == "serve":
                    continue  # an empty folder may be served
                for end in (".hex", ".elf") if good.endswith(".hex") and os.path.isfile(folder + "/" + name) else ("",):
                    by = name + end if os.path.exists(folder + "/" + name + end) else name
                    faults += refused(bench, folder, words_of(command, at, by), what="%s for %s" % (kind, good))
        verdict(faults)


def outputs_case(command):
    @case("errors/outputs-%s" % command.name.replace(" ", "-"), "errors")
    def _(bench):
        folder = prepare(bench)
        os.makedirs(os.path.join(folder, "in-the-way", "full"))
        faults = []
        for at, name in places(command, "OUT:"):
            file_kinds = {"folder-missing": "none/there/" + name, "under-a-file": "ca.crt/" + name,
                          "name-too-long": "n" * 300, "no-name": ""}
            if name not in ("certs", "www", "device"):
                file_kinds["directory"] = "in-the-way"
            else:
                file_kinds = {k: v for k, v in file_kinds.items() if k != "folder-missing"}
                file_kinds["file-in-the-way"] = "ca.crt"
            for kind, by in file_kinds.items():
                faults += refused(bench, folder, words_of(command, at, by), what=kind)
            for limit in (0, 100):
                faults += refused(bench, folder, words_of(command), limit=limit, what="disk full at %d" % limit)
        verdict(faults)


def read_only_case(command):
    @case("errors/read-only-%s" % command.name.replace(" ", "-"), "errors")
    def _(bench):
        """As a user whom permissions bind: nobody, when root runs the tests."""
        folder = prepare(bench)
        otter = harness.put_program(bench.kit.otter, os.path.join(bench.folder, "otter"))
        for base, folders, files in os.walk(folder):
            for name in files:
                os.chmod(os.path.join(base, name), 0o444)
            os.chmod(base, 0o555)
        for path in (bench.folder, bench.kit.folder):
            os.chmod(path, 0o755)
        try:
            verdict(refused(bench, folder, words_of(command), what="read-only folder", otter=otter,
                            user=NOBODY if os.geteuid() == 0 else None))
        finally:
            for base, _, _ in os.walk(folder):
                os.chmod(base, 0o755)


for _command in COMMANDS:
    if places(_command, "IN:"):
        inputs_case(_command)
    if places(_command, "OUT:"):
        outputs_case(_command)
        read_only_case(_command)


@case("errors/usage", "errors")
def _(bench):
    """Unknown options, missing and surplus arguments: exit 2."""
    folder = prepare(bench)
    faults = []
    for command in COMMANDS:
        name = command.name.split()
        faults += refused(bench, folder, name + ["--no-such-option"], codes=(2,))
        if command.name not in ("certs", "emulate"):  # these know what to do
            faults += refused(bench, folder, name, codes=(2,), what="no arguments")
        faults += refused(bench, folder, words_of(command) + ["--no-such-option"], codes=(2,))
        if command.name not in ("cert-string", "flashmap check", "device enrol"):  # these take several
            faults += refused(bench, folder, words_of(command) + ["surplus", "surplus2"], codes=(2, 1))
    for words in (["no-such-command"], ["device", "no-such-command"], ["flashmap", "no-such-command"],
                  ["delta", "no-such-command"], [""]):
        faults += refused(bench, folder, words, codes=(2,))
    verdict(faults)


BAD_VALUES = [
    ("keygen", ["--type", "rot13", "x.pem"]), ("keygen", ["--type", "", "x.pem"]),
    ("pubkey", ["--key", "key.pem", "--format", "gif", "-o", "x"]),
    ("sign", ["--key", "key.pem", "--version", "one", "app.bin.in", "x.bin"]),
    ("sign", ["--key", "key.pem", "--version", "1.0.0", "--header-size", "3", "app.bin.in", "x.bin"]),
    ("sign", ["--key", "key.pem", "--version", "1.0.0", "--slot-size", "-1", "app.bin.in", "x.bin"]),
    ("sign", ["--key", "key.pem", "--version", "1.0.0", "--slot-size", "1000", "app.bin.in", "x.bin"]),
    ("sign", ["--key", "key.pem", "--version", "1.0.0", "--align", "5", "app.bin.in", "x.bin"]),
    ("sign", ["--key", "key.pem", "--version", "1.0.0", "--dependency", "junk", "app.bin.in", "x.bin"]),
    ("sign", ["--key", "key.pem", "--version", "1.0.0", "--custom-tlv", "junk", "app.bin.in", "x.bin"]),
    ("sign", ["--key", "pub.pem.in", "--version", "1.0.0", "app.bin.in", "x.bin"]),
    ("sign", ["--key", "ca.crt", "--version", "1.0.0", "app.bin.in", "x.bin"]),
    ("verify", ["--key", "ca.crt", "signed.bin.in"]), ("verify", ["--slot-size", "10", "signed.bin.in"]),
    ("verify", ["--map", "no-such-map", "signed.bin.in"]),
    ("flashmap check", ["no_such_map"]), ("flashmap show", ["--kit", "NO-SUCH-KIT", "map.json"]),
    ("certs", ["--server", "", "--out", "x"]), ("certs", ["--days", "-5", "--server", "a", "--out", "x"]),
    ("certs", ["--days", "0", "--server", "a", "--out", "x"]),
    ("certs", ["--server", "bad name\n", "--out", "x"]),
    ("publish", ["--image", "signed.bin.in", "--folder", "x", "--board", "B", "--port", "99999", "--server", "h"]),
    ("publish", ["--image", "signed.bin.in", "--folder", "x", "--board", "B", "--rollout", "many"]),
    ("publish", ["--image", "signed.bin.in", "--folder", "x", "--board", "B", "--job-key", "key.pem"]),
    ("publish", ["--image", "signed.bin.in", "--to", "http://127.0.0.1:1/", "--history", "h", "--board", "B"]),
    ("publish", ["--image", "signed.bin.in", "--to", "http://no host/", "--history", "h", "--board", "B"]),
    ("rollout", ["raise", "10%", "--folder", "published", "--job-key", "job.pem"]), ("rollout", ["status"]),
    ("rollout", ["halt", "--folder", "published", "--job-key", "key.pem"]), ("rollout", ["history", "--folder", "nowhere"]),
    ("rollout", ["halt", "--folder", "published"]), ("rollout", ["resume", "--folder", "published", "--job-key", "job.pem"]),
    ("rollout", ["status", "--to", "http://127.0.0.1:1/"]), ("rollout", ["stop", "--folder", "published"]),
    ("serve", ["--folder", "served", "--port", "70000"]), ("serve", ["--folder", "served", "--listen", "nowhere.invalid"]),
    ("serve", ["--folder", "served", "--cert", "server.crt"]),
    ("serve", ["operator", "list", "--database", "nowhere.db"]), ("serve", ["operator", "remove", "me", "--database", "nowhere.db"]),
    ("serve", ["--folder", "served", "--cert", "server.crt", "--key", "key.pem"]),
    ("serve", ["--folder", "served", "--cert", "server.crt", "--key", "server.key", "--tls-min", "1.0"]),
    ("device app", ["--version", "1", "-o", "x"]), ("device app", ["--version", "1.0.0", "--size", "0", "-o", "x"]),
    ("device app", ["--version", "1.0.0", "--behave", "odd", "-o", "x"]),
    ("device init", ["x", "--map", "no-map", "--key", "pub.pem.in", "--image", "signed.bin.in", "--server", "http://a:1"]),
    ("device init", ["x", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server", "gopher"]),
    ("device init", ["x", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server",
                     "https://a:0"]),
    ("device init", ["device.in", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server",
                     "http://a:1"]),
    ("device init", ["x", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server", "https://a:1",
                     "--ca", "ca.crt", "--cert", "client.crt", "--key-file", "server.key"]),
    ("device init", ["x", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server", "http://a:1",
                     "--image-path", "app.bin"]),
    ("device init", ["x", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server", "http://a:1",
                     "--job-key", "key.pem"]),  # the key of the images
    ("device init", ["x", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server", "http://a:1",
                     "--job-key", "ca.crt"]),
    ("device init", ["x", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server", "http://a:1",
                     "--ring", "a b"]),
    ("device init", ["x", "--map", harness.PSOC, "--key", "pub.pem.in", "--image", "signed.bin.in", "--server", "http://a:1",
                     "--token-file", "ca.crt"]),
    ("doctor", ["measles"]), ("doctor", []), ("doctor", ["--device", "device.in", "--status", "map.json"]),
    ("doctor", ["--report", "map.json"]), ("doctor", ["--status", "map.json"]), ("doctor", ["--device", "device.in", "--job", "nowhere"]),
    ("doctor", ["--device", "device.in", "--image", "nowhere"]),
    ("fleet", ["--server", "gopher", "--devices", "1"]), ("fleet", ["--server", "http://a:1", "--devices", "-1"]),
    ("fleet", ["--server", "http://a:1", "--devices", "1", "--fail", "most"]),
    ("device run", ["device.in", "--until", "nonsense"]), ("device run", ["device.in", "--timeout", "soon"]),
    ("device run", ["device.in", "--cut-after", "many"]),
    ("emulate", ["--map", "no-map"]), ("emulate", ["--server", "https://127.0.0.1:1", "--ca", "ca.crt"]),
    ("emulate", ["--server", "https://192.0.2.2:1"]), ("emulate", ["--tls", "1.1"]), ("emulate", ["--pace", "11"]),
    ("emulate", ["--power-cut-at", "soon"]), ("emulate", ["--power-cut-at", "noon+1"]), ("emulate", ["--power-cut-at", "swap+"]),
    ("emulate", ["--power-cut-at", "random", "--power-cut-at", "1"]), ("emulate", ["--power-cut-at", "random", "--cuts", "0"]),
    ("emulate", ["--power-cut-at", "random", "--cuts-seed", "-5"]), ("emulate", ["--until", "nonsense"]),
    ("emulate", ["--icount", "11"]), ("emulate", ["--gdb", "70000"]), ("emulate", ["--sick", "one"]),
    ("emulate", ["--log", "loud"]), ("emulate", ["--firmware", "no-folder"]), ("emulate", ["--key", "ca.crt"]),
    ("emulate", ["--bootloader", "boot.elf.in", "--flash", "signed.bin.in"]),
    ("emulate", ["--bootloader", "boot.elf.in", "--flash", "x"]),
]


@case("errors/values", "errors")
def _(bench):
    """Options with values that mean nothing, and keys of the wrong kind."""
    folder = prepare(bench)
    faults = []
    for name, words in BAD_VALUES:
        faults += refused(bench, folder, name.split() + words)
    verdict(faults)


@case("errors/flash-that-is-none", "errors")
def _(bench):
    """A device's folder whose flash file is empty, garbage, or gone."""
    folder = prepare(bench)
    flash = os.path.join(folder, "device.in", "flash.bin")
    faults = []
    for data in (b"", b"x" * 100000, None):
        os.unlink(flash)
        if data is not None:
            with open(flash, "wb") as f:
                f.write(data)
        for words in (["device", "run", "device.in"], ["device", "status", "device.in"], ["inspect", "device.in"],
                      ["doctor", "--device", "device.in"]):
            faults += refused(bench, folder, words, codes=(1,))
    verdict(faults)


@case("errors/wrong-key", "errors")
def _(bench):
    """An image signed by another key: verify says so; no device is made from it."""
    folder = prepare(bench)
    shutil.copy(bench.kit.pub("stranger"), os.path.join(folder, "stranger.pem"))
    verdict(refused(bench, folder, ["verify", "--key", "stranger.pem", "signed.bin.in"], codes=(1,)) +
            refused(bench, folder, ["device", "init", "d", "--map", harness.PSOC, "--key", "stranger.pem", "--image",
                                    "signed.bin.in", "--server", "http://a:1"], codes=(1,)))


@case("errors/stdout-full", "errors")
def _(bench):
    """What cannot be written to stdout is an error too."""
    folder = prepare(bench)
    faults = []
    for words in (["inspect", "signed.bin.in"], ["inspect", "--json", "signed.bin.in"], ["cert-string", "ca.crt"],
                  ["pubkey", "--key", "key.pem"], ["flashmap", "show", "map.json"], ["flashmap", "header", "map.json"],
                  ["device", "status", "device.in"], ["--help"], ["--version"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([bench.kit.otter, *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=full,
                                  stderr=subprocess.PIPE, timeout=15)
        said = done.stderr.decode(errors="replace")
        if done.returncode not in (1, 2) or said.count("\n") != 1:
            faults.append("otter %s >/dev/full: exit %d, %r" % (" ".join(words), done.returncode, said[:200]))
    verdict(faults)


@case("errors/every-command-is-here", "errors")
def _(bench):
    """A new command of the tool must get a row in this table; all of them explain themselves."""
    def commands(*words):
        text = run([bench.kit.otter, *words, "--help"]).stdout.decode()
        return [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line[2] not in " -"]
    names = []
    for name in commands():
        names += ["%s %s" % (name, sub) for sub in commands(name)] if name in ("device", "flashmap", "delta") else [name]
    missing = [name for name in names if name not in BY_NAME]
    gone = [name for name in BY_NAME if name not in names]
    check(not missing and not gone, "without a row: %s; rows without a command: %s", missing, gone)
    for name in names:
        done = run([bench.kit.otter, *name.split(), "--help"])
        check(("otter " + name).encode() in done.stdout.splitlines()[0] and not done.stderr, "`otter %s --help` does not explain it", name)


FULL_DISK = """set -e
mount -t tmpfs -o size=%(size)s,mode=755 none "$1"
cd "$1"
head -c %(fill)d /dev/zero >filler || true
ls -lARn --time-style=+ >"$2/before"
shift
out=$1
shift
set +e
"$@" >"$out/stdout" 2>"$out/stderr" </dev/null
echo $? >"$out/code"
ls -lARn --time-style=+ >"$out/after"
"""


def full_disk_case(command):
    @case("errors/full-disk-%s" % command.name.replace(" ", "-"), "errors")
    def _(bench):
        """A real ENOSPC: a tiny tmpfs in a mount namespace of its own, filled to the last page but some."""
        folder = prepare(bench)
        mount, out = os.path.join(bench.folder, "full"), os.path.join(bench.folder, "out")
        os.makedirs(mount)
        os.makedirs(out)
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode != 0:
            print("skip errors/full-disk-%s: no mount namespaces here; outputs-* has a limited file size"
                  % command.name.replace(" ", "-"))
            return
        faults = []
        words = command.name.split() + [os.path.join(mount if word.startswith("OUT:") else folder, word.partition(":")[2])
                                        if word.startswith(("IN:", "OUT:")) else word for word in command.words]
        for room in (0, 4096):
            script = FULL_DISK % {"size": 65536, "fill": 65536 - room}
            run([*unshare, "sh", "-c", script, "sh", mount, out, bench.kit.otter, *words], timeout=30)
            said = {name: open(os.path.join(out, name)).read() for name in ("stdout", "stderr", "code", "before", "after")}
            shown = "otter %s [%d bytes of room]" % (" ".join(words), room)
            check(": no command" not in said["stderr"], "there is no command %s", command.name)
            small = room and said["code"] == "0\n"  # a key fits into one page
            if not small and (said["code"] not in ("1\n", "2\n") or said["stderr"].count("\n") != 1 or
                              (said["stdout"] and not command.tells)):
                faults.append("%s: exit %s, %r" % (shown, said["code"].strip(), said["stderr"][:200]))
            if not small and said["before"] != said["after"]:
                faults.append("%s: left behind:\n%s" % (shown, said["after"]))
        verdict(faults)


for _command in COMMANDS:
    if places(_command, "OUT:"):
        full_disk_case(_command)


FULL_FOLDER = """set -e
mount -t tmpfs -o size=262144,mode=755 none "$1"
cd "$1"
"$3" publish --image "$4" --folder www --board B --job-key "$5" --rollout 1% >/dev/null
head -c 1000000 /dev/zero >filler 2>/dev/null || true
look() { sha256sum www/* www.history.jsonl; }
look >"$2/before"
set +e
"$3" rollout halt --folder www --job-key "$5" >"$2/stdout" 2>"$2/stderr"
echo $? >"$2/code"
look >"$2/after"
rm filler
"$3" rollout halt --folder www --job-key "$5" >"$2/then"
"$3" rollout status --json --folder www --job-key "$5" >"$2/status"
"""


@case("errors/full-disk-rollout", "errors")
def _(bench):
    """A real ENOSPC under a rollout that is there: it stays as it was, and goes on when there is room again."""
    mount, out = os.path.join(bench.folder, "full"), os.path.join(bench.folder, "out")
    os.makedirs(mount)
    os.makedirs(out)
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        print("skip errors/full-disk-rollout: no mount namespaces here; full-disk-over-existing has a limited file size")
        return
    run([*unshare, "sh", "-c", FULL_FOLDER, "sh", mount, out, bench.kit.otter, bench.kit.image("1.0.0", 3000),
         bench.kit.key("job")], timeout=30)
    said = {name: open(os.path.join(out, name)).read() for name in ("stdout", "stderr", "code", "before", "after", "status")}
    check(said["code"] == "1\n" and said["stderr"].count("\n") == 1 and "No space" in said["stderr"] and not said["stdout"], "%s", said)
    check(said["before"] == said["after"] and said["before"].count("\n") == 3, "changed: %s", said)
    check('"sequence":2' in said["status"] and '"halted":true' in said["status"], "%s", said["status"])


@case("errors/full-disk-over-existing", "errors")
def _(bench):
    """What is there stays as it is: no new key beside an old certificate, no job without its image."""
    folder = prepare(bench)
    for words in (["certs", "--server", "a", "--out", "set"],
                  ["publish", "--image", "signed.bin.in", "--board", "B", "--folder", "www"]):
        run([bench.kit.otter, *words], folder=folder)
    shutil.copy(bench.kit.image("1.1.0", 3000), os.path.join(folder, "newer.bin"))
    faults = []
    for limit in (0, 100, 300):  # 300: a key fits, a certificate does not
        faults += refused(bench, folder, ["certs", "--server", "b", "--out", "set", "--force"], limit=limit)
        faults += refused(bench, folder, ["publish", "--image", "newer.bin", "--board", "B", "--folder", "www"],
                          limit=limit)
        faults += refused(bench, folder, ["rollout", "halt", "--job-key", "job.pem", "--folder", "published"], limit=limit)
    verdict(faults)
