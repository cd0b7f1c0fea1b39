#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""download.py - a device's download beside curl's, and what updates and polls cost on the wire.

usage: download.py [--markdown FILE] [--runs N] [--quick]        OTTER=path of the tool

--quick is for a test on a busy machine: one size, one run, the shaped link only, and 0.8 of
curl's rate is enough.

The server is `otter serve` over TLS 1.3; both clients fetch the job document, then the image,
on one connection, through the same relay (link.py). Time runs from the connection to the last
byte of the image at the client. The processor time is that of the whole client process: the
device's includes its flash, its boot, and the verification of two images.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tool"))
from link import Link  # noqa: E402
from tool import OTTER, Serve, run  # noqa: E402

MAP, BOARD = "psoc62_2m_ext_swap_single", "BENCH"
SLOT = 0x1c0000
SIZES = (742607, SLOT - 3136)  # the replaced system's example; what a slot of 1.75 MiB takes
LINKS = (("10 Mbit/s, 40 ms", 10, 0.040), ("unshaped", 0, 0.0))
TARGET, QUICK_TARGET = 0.95, 0.8
POLL_TARGET = 1500


class Stage:
    """Keys, certificates, images of exact sizes and a server, in a folder of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.otter("keygen", "--type", "ecdsa-p256", "k.pem")
        self.otter("certs", "--out", "pki")
        self.image("1.0.0", 50000)
        self.server = None

    def otter(self, *words):
        return run(OTTER, *words, cwd=self.folder)

    def image(self, version, size):
        """A signed image of exactly this many bytes (an ECDSA signature varies by some)."""
        payload = size - 1024 - 151
        for _ in range(200):
            self.otter("device", "app", "--version", version, "--size", payload, "-o", "p.bin")
            self.otter("sign", "--key", "k.pem", "--version", version, "--slot-size", SLOT, "p.bin", f"{version}.bin")
            over = (self.folder / f"{version}.bin").stat().st_size - size
            if over == 0:
                return
            payload -= over if abs(over) > 4 else 0
        raise AssertionError(f"no image of {size} bytes: {over} over")

    def serve(self, megabits, round_trip, *words):
        self.server = Serve(self.folder, "--folder", "www", "--cert", "pki/http_server.crt", "--key", "pki/http_server.key",
                            "--reports", "reports.jsonl", *words)
        return Link(self.server.port, megabits, round_trip)

    def publish(self, version):
        shutil.rmtree(self.folder / "www", ignore_errors=True)
        self.otter("publish", "--image", f"{version}.bin", "--folder", "www", "--board", BOARD)
        return json.loads((self.folder / "www/ota_update.json").read_text())["File"]

    def device(self, port, *words):
        shutil.rmtree(self.folder / "dev", ignore_errors=True)
        self.otter("device", "init", "--map", MAP, "--key", "k.pem", "--image", "1.0.0.bin", "--server",
                   f"https://127.0.0.1:{port}", "--ca", "pki/http_ca.crt", "--board", BOARD, "--initial-ms", "1", *words, "dev")


def timed(words, cwd):
    """Run it; (exit code, processor seconds of it and its children)."""
    with open(cwd / "client.log", "wb") as log:
        process = subprocess.Popen([str(word) for word in words], cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_utime + usage.ru_stime


def need(ok, what, stage):
    if not ok:
        log = (stage.folder / "client.log").read_text(errors="replace")
        raise AssertionError(f"{what}\n{log[-2000:]}")


def download_curl(stage, link, file):
    base = f"https://127.0.0.1:{link.port}"
    code, cpu = timed(["curl", "-sS", "--noproxy", "*", "--cacert", "pki/http_ca.crt", "-o", "job", base + "/ota_update.json",
                       "-o", "got", base + file], stage.folder)
    need(code == 0 and (stage.folder / "got").read_bytes() == (stage.folder / "www" / file[1:]).read_bytes(), "curl failed", stage)
    return cpu


def download_device(stage, link, _file):
    stage.device(link.port, "--no-report")
    link.reset()
    code, cpu = timed([OTTER, "device", "run", "dev", "--json", "--until", "outcome=installing", "--timeout", "120"], stage.folder)
    need(code == 0, "the device did not update", stage)
    return cpu


def measure(stage, link, size, file, client, runs):
    """Median of the runs: bytes per second, and processor seconds."""
    rates, cpus = [], []
    for _ in range(runs):
        link.reset()
        cpus.append(client(stage, link, file))
        need(len(link.connections) == 1, f"{len(link.connections)} connections, not one", stage)
        connection = link.connections[0]
        rates.append(size / connection.seconds())
    return statistics.median(rates), statistics.median(cpus)


def downloads(stage, runs, quick):
    rows = []
    for size in SIZES[:1] if quick else SIZES:
        stage.image("1.1.0", size)
        file = stage.publish("1.1.0")
        for name, megabits, round_trip in LINKS[:1] if quick else LINKS:
            link = stage.serve(megabits, round_trip)
            curl = measure(stage, link, size, file, download_curl, runs)
            device = measure(stage, link, size, file, download_device, runs)
            rows.append((size, name, curl, device, megabits != 0))
            link.close()
            stage.server.stop()
    return rows


def handshakes(requests):
    """(full, resumed) connections of these log lines."""
    seen = {entry["client"]: entry["resumed"] for entry in requests}
    return sum(not resumed for resumed in seen.values()), sum(seen.values())


def wire(stage, *until):
    """Run the device until then: requests, full and resumed handshakes, bytes up and down."""
    done = len(stage.server.requests())
    stage.link.reset()
    code, _ = timed([OTTER, "device", "run", "dev", "--json", *[w for u in until for w in ("--until", u)], "--timeout", "120"],
                    stage.folder)
    need(code == 0, f"the device did not reach {until}", stage)
    entries = stage.server.requests()[done:]
    return (len(entries), *handshakes(entries), *stage.link.totals())


def update_cost(stage):
    """One whole update: job, image, report, reset, trial, confirmation, report."""
    stage.image("1.1.0", SIZES[0])
    stage.publish("1.1.0")
    stage.link = stage.serve(10, 0.040)
    stage.device(stage.link.port, "--poll-ms", "300")
    row = ("one update, 742,607 bytes, with its reports", wire(stage, "confirmed=1.1.0", "reported"))
    stage.link.close()
    stage.server.stop()
    return row


def poll_cost(stage, what, polls, poll_ms, serve=(), identity=()):
    """The first poll after power-on, and the mean of those after it."""
    stage.publish("1.0.0")
    stage.link = stage.serve(10, 0.040, *serve)
    stage.device(stage.link.port, "--poll-ms", poll_ms, *identity)
    first = wire(stage, "polls=1")
    many = wire(stage, f"polls={polls + 1}")
    stage.link.close()
    stage.server.stop()
    return [(f"first poll{what[0]}", first),
            (f"each later poll{what[1]}", tuple((b - a) / polls for a, b in zip(first, many)))]


def costs(stage):
    asks = ("--client-ca", "pki/http_ca.crt")
    has = ("--cert", "pki/http_client.crt", "--key-file", "pki/http_client.key")
    closed = ("--timeout", "1")  # the server closes what is idle for a second: polls 2 s apart need a handshake
    return [update_cost(stage),
            *poll_cost(stage, ("", ", connection still open"), 10, 300),
            *poll_cost(stage, ("", ", connection closed meanwhile"), 3, 2000, closed)[1:],
            *poll_cost(stage, (", client certificates", ", client certificates, closed meanwhile"), 3, 2000, (*closed, *asks), has)]


def table(title, head, rows):
    lines = [title, "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def number(value):
    return f"{value:,.0f}" if float(value).is_integer() or value >= 100 else f"{value:.1f}"


def report(speed, cost, target):
    """The tables as text, and the misses."""
    misses, rows = [], []
    for size, name, (curl, curl_cpu), (device, device_cpu), shaped in speed:
        ratio = device / curl
        rows.append((f"{size:,}", name, f"{curl / 1000:,.0f}", f"{device / 1000:,.0f}", f"{ratio:.3f}",
                     f"{curl_cpu * 1000:.0f}", f"{device_cpu * 1000:.0f}"))
        if shaped and ratio < target:
            misses.append(f"{size} bytes, {name}: {ratio:.3f} of curl, target {target}")
    text = table("### Download", ("bytes", "link", "curl kB/s", "device kB/s", "device / curl", "curl CPU ms", "device CPU ms"), rows)
    rows = [(what, *[number(v) for v in values], number(values[3] + values[4])) for what, values in cost]
    text += "\n" + table("### On the wire", ("what", "requests", "full handshakes", "resumed", "bytes up", "bytes down", "in all"), rows)
    for what, (_, full, resumed, up, down) in cost:
        if what.startswith("each later poll") and (full > 0 or resumed > 1 or up + down >= POLL_TARGET):
            misses.append(f"{what}: {full:.1f} full and {resumed:.1f} resumed handshakes, {up + down:.0f} bytes; "
                          f"target: none or one resumed, below {POLL_TARGET}")
    return text, misses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--markdown", metavar="FILE", help="write the tables there, between the text that stands")
    parser.add_argument("--runs", type=int, default=3, help="the median of so many [3]")
    parser.add_argument("--quick", action="store_true", help="less of everything, and 0.8 of curl's rate is enough")
    options = parser.parse_args()
    target = QUICK_TARGET if options.quick else TARGET
    with tempfile.TemporaryDirectory(prefix="otter-bench-") as name:
        stage = Stage(pathlib.Path(name))
        text, misses = report(downloads(stage, 1 if options.quick else options.runs, options.quick), costs(stage), target)
    print(text)
    print("targets: at least %.2f of curl's rate on the shaped link; an idle poll with one resumed handshake or none, "
          "below %d bytes: %s" % (target, POLL_TARGET, "met" if not misses else "MISSED"))
    for miss in misses:
        print("missed:", miss)
    if options.markdown:
        write_markdown(pathlib.Path(options.markdown), text)
    return 1 if misses else 0


def write_markdown(path, text):
    mark = "<!-- tables: test/bench/download.py --markdown -->"
    before = path.read_text().split(mark)[0] if path.exists() else "# Download bench\n\n"
    path.write_text(before + mark + "\n\n" + text)


if __name__ == "__main__":
    sys.exit(main())
