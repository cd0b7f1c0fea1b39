# SPDX-License-Identifier: Apache-2.0
"""harness.py - what the end-to-end tests share: cases, keys and images, a device, a runner.

A case is a function with an id ("lying/206-wrong-range"). It gets a Bench: a folder of its own, the
Kit (keys, certificates and signed images, made once per run with `otter` and openssl), and methods
that start servers and a device. What a case starts, the Bench ends. A failing case prints its id;
`run.py ID` runs it alone.
"""
import datetime
import hashlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import lying_server

BOARD = "APP_CY8CPROTO_062S2_43439"
AGAIN = os.path.relpath(sys.argv[0], os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PSOC, XMC = "psoc62_2m_ext_swap_single", "xmc7200_int_swap_single"
JOB = "/ota_update.json"
IMAGE = "/app.bin"
INVERT = bytes(255 - i for i in range(256))
OPEN = set()  # benches of running cases
CASES = {}  # id -> (part, function)


def case(name, part):
    """Register a case; ctest runs one part per test."""
    def register(function):
        assert name not in CASES, name
        CASES[name] = (part, function)
        return function
    return register


class Stopped(Exception):
    """SIGTERM: end what was started, remove the folder."""


class Failed(Exception):
    """The test's own verdict."""


def check(condition, text, *values):
    if not condition:
        raise Failed(text % values if values else text)


def find_otter():
    found = os.environ.get("OTTER")
    if not found:
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        found = os.path.join(root, "build", "host", "otter")
    if not os.access(found, os.X_OK):
        raise SystemExit("no otter at '%s': build it, or set OTTER" % found)
    return os.path.abspath(found)


def run(args, folder=None, ok=True, timeout=60, **options):
    done = subprocess.run(args, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=timeout, **options)
    if ok and done.returncode != 0:
        raise Failed("%s: exit %d: %s" % (" ".join(args), done.returncode,
                                          done.stderr.decode(errors="replace").strip()))
    return done


def put_program(source, path):
    """A copy that can be run, made by a process of its own: one that another thread starts meanwhile would
    inherit the open file from us, and until that is closed the system runs it for nobody (ETXTBSY)."""
    run(["install", "-m", "755", source, path])
    return path


def sha256(data):
    return hashlib.sha256(data).hexdigest()


CA_CONFIG = """[ca]
default_ca = here
[here]
database = %(folder)s/index
serial = %(folder)s/serial
new_certs_dir = %(folder)s
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
subjectAltName = %(san)s
"""


class Kit:
    """Keys, certificates and images in one folder; everything is made on first use, once."""

    def __init__(self, folder, otter):
        self.folder, self.otter = folder, otter
        self.lock = threading.RLock()
        self.made = {}

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def once(self, name, make):
        with self.lock:
            if name not in self.made:
                self.made[name] = make()
            return self.made[name]

    def key(self, name="key", kind="ecdsa-p256"):
        def make():
            run([self.otter, "keygen", "--type", kind, self.path(name + ".pem")])
            return self.path(name + ".pem")
        return self.once("key:" + name, make)

    def pub(self, name="key"):
        def make():
            run([self.otter, "pubkey", "--key", self.key(name), "-o", self.path(name + ".pub.pem")])
            return self.path(name + ".pub.pem")
        return self.once("pub:" + name, make)

    def payload(self, version, size, behave="healthy", seed=1):
        name = "payload-%s-%d-%s-%d.bin" % (version, size, behave, seed)

        def make():
            run([self.otter, "device", "app", "--version", version, "--behave", behave,
                 "--size", str(size), "--seed", str(seed), "-o", self.path(name)])
            return self.path(name)
        return self.once(name, make)

    def image(self, version="1.1.0", size=20000, behave="healthy", key="key", seed=1, extra=()):
        """A signed image; returns its path."""
        name = "image-%s-%d-%s-%s-%d%s.bin" % (version, size, behave, key, seed, "".join(extra).replace("/", "_"))

        def make():
            run([self.otter, "sign", "--key", self.key(key), "--version", version, *extra,
                 self.payload(version, size, behave, seed), self.path(name)])
            return self.path(name)
        return self.once(name, make)

    def image_of_total(self, total, version="1.1.0"):
        """A signed image of exactly `total` bytes (ECDSA signatures vary by a few bytes)."""
        def make():
            size = total - 160
            for _ in range(200):
                payload, out = self.payload(version, size), self.path("total-%d.bin" % total)
                run([self.otter, "sign", "--key", self.key(), "--version", version, payload, out])
                got = os.path.getsize(out)
                if got == total:
                    return out
                size += total - got if abs(total - got) > 4 else 0
            raise Failed("no image of %d bytes" % total)
        return self.once("total:%d:%s" % (total, version), make)

    def bytes(self, path):
        with open(path, "rb") as f:
            return f.read()

    # certificates: `otter certs` makes the good ones, openssl the bad ones

    def certs(self, name="certs", extra=()):
        def make():
            run([self.otter, "certs", "--server", "127.0.0.1", "--server", "localhost",
                 *extra, "--out", self.path(name)])
            return self.path(name)
        return self.once("certs:" + name, make)

    def ca(self):
        return os.path.join(self.certs(), "http_ca.crt")

    def odd_cert(self, name, start=-1, end=30, san="IP:127.0.0.1,DNS:localhost", issuer=None):
        """(certificate, key) signed by our CA, valid from `start` to `end` days from now."""
        folder = self.path("odd-" + name)

        def make():
            os.makedirs(folder)
            for file, text in (("index", ""), ("serial", "1000\n"),
                               ("ca.cnf", CA_CONFIG % {"folder": folder, "san": san})):
                with open(os.path.join(folder, file), "w") as f:
                    f.write(text)
            self.new_key(folder, "leaf", "/CN=leaf")
            now = datetime.datetime.now(datetime.timezone.utc)
            dates = [(now + datetime.timedelta(days=d)).strftime("%y%m%d%H%M%SZ") for d in (start, end)]
            base = issuer or os.path.join(self.certs(), "http_ca")
            run(["openssl", "ca", "-batch", "-notext", "-config", os.path.join(folder, "ca.cnf"),
                 "-extensions", "leaf", "-startdate", dates[0], "-enddate", dates[1],
                 "-cert", base + ".crt", "-keyfile", base + ".key",
                 "-in", os.path.join(folder, "leaf.csr"), "-out", os.path.join(folder, "leaf.crt")])
            return os.path.join(folder, "leaf.crt"), os.path.join(folder, "leaf.key")
        return self.once("odd:" + name, make)

    def new_key(self, folder, name, subject, *extra):
        base = os.path.join(folder, name)
        kind = ["-x509", "-days", "30", "-out", base + ".crt"] if extra else ["-out", base + ".csr"]
        run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", subject, "-keyout", base + ".key", *kind, *extra])
        return base

    def self_signed(self):
        def make():
            os.makedirs(self.path("self"))
            base = self.new_key(self.path("self"), "leaf", "/CN=127.0.0.1", "-addext",
                                "subjectAltName=IP:127.0.0.1,DNS:localhost")
            return base + ".crt", base + ".key"
        return self.once("self", make)

    def other_ca(self):
        """A CA that no device trusts; returns the path without suffix."""
        def make():
            os.makedirs(self.path("other"))
            return self.new_key(self.path("other"), "ca", "/CN=other CA", "-addext",
                                "basicConstraints=critical,CA:TRUE")
        return self.once("other", make)

    def tls(self, pair=None, low=ssl.TLSVersion.TLSv1_2, high=ssl.TLSVersion.MAXIMUM_SUPPORTED):
        """A server context; `pair` defaults to the good certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if low < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL@SECLEVEL=0")
        context.minimum_version, context.maximum_version = low, high
        pair = pair or [os.path.join(self.certs(), "http_server." + end) for end in ("crt", "key")]
        context.load_cert_chain(*pair)
        return context


class Device:
    """One host board: `otter device init`, then `run` in the background, with its events."""

    def __init__(self, bench, url, *options, image=None, map_name=PSOC):
        kit = bench.kit
        self.bench, self.folder = bench, os.path.join(bench.folder, "device%d" % len(bench.devices))
        self.image = image or kit.image("1.0.0", 6000)
        self.events, self.process = [], None
        self.news = threading.Condition()
        bench.devices.append(self)
        args = [kit.otter, "device", "init", self.folder, "--map", map_name, "--key", kit.pub(),
                "--image", self.image, "--server", url, "--board", BOARD]
        if url.startswith("https"):
            args += ["--ca", kit.ca()]
        for option, value in (("--initial-ms", 1), ("--poll-ms", 100), ("--retry-ms", 20),
                              ("--retry-max-ms", 80), ("--stall-ms", 3000), ("--watchdog-ms", 4000)):
            if option not in options:
                args += [option, str(value)]
        run(args + [str(o) for o in options])

    def start(self, until="confirmed=1.1.0", timeout=25, extra=()):
        """`device run` in the background; events arrive in self.events."""
        args = [self.bench.kit.otter, "device", "run", self.folder, "--json", "--until", until,
                "--timeout", str(timeout), *extra]
        self.stderr = open(self.folder + ".stderr", "ab")
        self.process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.stderr)
        self.reader = threading.Thread(target=self.read, args=(self.process,), daemon=True)
        self.reader.start()
        return self

    def read(self, process):
        for line in process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                event = {"event": "unreadable", "line": line.decode(errors="replace")}
            with self.news:
                self.events.append(event)
                self.news.notify_all()
        with self.news:
            self.news.notify_all()

    def wait_event(self, match, timeout=20, after=0):
        """The first event from index `after` on that `match` likes; fails at the end of the run."""
        deadline = time.monotonic() + timeout
        with self.news:
            at = after
            while True:
                for event in self.events[at:]:
                    if match(event):
                        return event
                at = len(self.events)
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self.reader.is_alive()):
                    raise Failed("the event waited for did not come")
                self.news.wait(min(left, 0.2))

    def outcomes(self):
        with self.news:
            return [e["outcome"] for e in self.events if e.get("outcome") not in (None, "none")]

    def wait_exit(self, timeout=40):
        """Exit code of `device run`; its events are complete afterwards."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed("`otter device run` did not end in %d s" % timeout)
        self.reader.join(5)
        check(code >= 0, "`otter device run` died of signal %d", -code)
        return code

    def finish(self, timeout=40):
        code = self.wait_exit(timeout)
        check(code == 0, "`otter device run` ended with %d; outcomes: %s", code, self.outcomes()[-8:])

    def kill(self):
        """kill -9, as a power cut that nobody announced."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.reader.join(5)

    def flash(self):
        """All bytes of the flash file or files. The simulator keeps them XOR their erased value."""
        found = []
        for base, _, names in sorted(os.walk(self.folder)):
            found += [os.path.join(base, n) for n in sorted(names) if "flash" in n]
        check(found, "no flash file in the device's folder")
        return b"".join(self.bench.kit.bytes(path) for path in found)

    def find_primary(self):
        """Where the first image lies: (place of the primary in the flash bytes, inverted?)."""
        flash, data = self.flash(), self.bench.kit.bytes(self.image)
        for inverted in (False, True):
            at = flash.find(data.translate(INVERT) if inverted else data)
            if at >= 0:
                return at, inverted
        raise Failed("the first image is not in flash")

    def holds(self, primary, image):
        """Is `image` (a path) in the primary, whole, by its hash?"""
        at, inverted = primary
        size = os.path.getsize(image)
        got = self.flash()[at:at + size]
        return sha256(got.translate(INVERT) if inverted else got) == sha256(self.bench.kit.bytes(image))


class Bench:
    """One case's folder, servers and devices; everything ends with it."""

    def __init__(self, kit, name):
        self.kit, self.name = kit, name
        self.folder = tempfile.mkdtemp(prefix=name.replace("/", "-") + "-", dir=kit.folder)
        self.devices, self.servers, self.processes = [], [], []

    def job(self, image, version="1.1.0", path=IMAGE, **changes):
        """A job document; a change to None removes the key."""
        data = self.kit.bytes(image)
        job = {"Message": "Update Available", "Manufacturer": "Infineon", "ManufacturerId": "ABC",
               "Product": "PSoC 6", "SerialNumber": "ABC213450001", "Board": BOARD, "Version": version,
               "Connection": None, "Server": None, "Port": None, "File": path,
               "UniqueTopicName": "replace", "Size": len(data), "SHA256": sha256(data)}
        job.update(changes)
        return json.dumps({k: v for k, v in job.items() if v is not None}).encode()

    def serve(self, image, job=None, secure=True, **changes):
        """The lying server with an image and its job; honest until told otherwise."""
        files = {IMAGE: self.kit.bytes(image), JOB: job or self.job(image, **changes)}
        server = lying_server.Server(files, tls=self.kit.tls() if secure else None)
        self.servers.append(server)
        return server

    def device(self, server, *options, **more):
        return Device(self, server if isinstance(server, str) else server.url, *options, **more)

    def spawn(self, args, **options):
        """A process that ends with the case."""
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, **options)
        self.processes.append(process)
        return process

    def close(self):
        for device in self.devices:
            if device.process:
                device.kill()
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        for server in self.servers:
            server.__exit__()

    def crash(self):
        """A program on the chip that died (a sanitizer's report too), in any device of this case."""
        for device in self.devices:
            said = ""
            if os.path.exists(device.folder + ".stderr"):
                said = self.kit.bytes(device.folder + ".stderr").decode(errors="replace")
            if any(e.get("cause") == "fault" for e in device.events) or "Sanitizer" in said or "runtime error" in said:
                return "a program crashed: %s" % said[:1500]
        return None

    def story(self):
        """What happened, for a failing case."""
        lines = []
        for device in self.devices:
            lines += ["  event " + json.dumps(e) for e in device.events[-25:] if e.get("event") != "progress"]
            try:
                lines += ["  " + l for l in open(device.folder + ".stderr", errors="replace").read().splitlines()[-5:]]
            except OSError:
                pass
        for server in self.servers:
            lines += ["  request %(method)s %(path)s range=%(range)s -> %(status)s, %(sent)s bytes, %(end)s" % e
                      for e in server.requests()[-12:]]
            lines += ["  handshake " + h for h in server.handshakes[-3:]]
        return "\n".join(lines)


def say(text):
    """One write, so that lines of cases that run at once do not mix."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run_case(make_bench, kit, name, keep):
    begin = time.monotonic()
    bench, verdict = make_bench(kit, name), None
    OPEN.add(bench)
    try:
        CASES[name][1](bench)
    except Failed as error:
        verdict = str(error)
    except Exception:  # a fault of the test itself is a failure too
        verdict = traceback.format_exc()
    finally:
        OPEN.discard(bench)
        bench.close()
    verdict = verdict or bench.crash()
    took = time.monotonic() - begin
    if verdict is None:
        say("pass %s (%.1f s)" % (name, took))
    else:
        say("FAIL %s (%.1f s): %s\n%s\n  again: %s %s" % (name, took, verdict, bench.story(), AGAIN, name))
    if not keep:
        shutil.rmtree(bench.folder, ignore_errors=True)
    return verdict is None


def stop(_signal, _frame):
    raise Stopped


def main(argv, make_kit=Kit, make_bench=Bench):
    """run.py [--list] [--jobs N] [--keep] [--part PART | ID...]; exit 0 when all passed."""
    jobs, keep, names, parts, only_list = 2, False, [], [], False
    args = iter(argv)
    for arg in args:
        if arg == "--jobs":
            jobs = int(next(args))
        elif arg == "--part":
            parts.append(next(args))
        elif arg == "--keep":
            keep = True
        elif arg == "--list":
            only_list = True
        elif arg == "--help":
            print("usage: run.py [--list] [--jobs N] [--keep] [--part PART] [ID...]")
            return 0
        elif arg.startswith("-"):
            raise SystemExit("usage: run.py [--list] [--jobs N] [--keep] [--part PART] [ID...]")
        else:
            names.append(arg)
    chosen = [n for n, (part, _) in CASES.items()
              if (not names and not parts) or n in names or part in parts
              or any(n.startswith(want + "/") for want in names)]
    missing = [n for n in names if not any(c == n or c.startswith(n + "/") for c in chosen)]
    if missing or not chosen:
        raise SystemExit("no such case: %s (--list shows them)" % " ".join(missing or parts))
    if only_list:
        print("\n".join("%-48s %s" % (n, CASES[n][0]) for n in chosen))
        return 0
    folder = tempfile.mkdtemp(prefix="otter-e2e-")
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, stop)
    try:
        kit = make_kit(folder, find_otter())
        pool = ThreadPoolExecutor(jobs)
        results = list(pool.map(lambda n: run_case(make_bench, kit, n, keep), chosen))
    except (KeyboardInterrupt, Stopped):
        pool.shutdown(wait=False, cancel_futures=True)
        for bench in list(OPEN):
            bench.close()
        raise SystemExit("stopped")
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print("kept: %s" % folder)
    print("%d passed, %d failed (%.1f s)" % (sum(results), results.count(False), time.monotonic() - begin))
    return 0 if all(results) else 1
