#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo_fleet.py - a release for 200 devices: 10 % first, then all; and a bad one that halts itself.

usage: scripts/demo_fleet.py OTTER [FOLDER]

OTTER is the built command. The devices are `otter fleet`: real agents and bootloaders over real TLS.
Everything happens in a folder of its own and on a free port; it is removed at the end (and kept when
a check fails). FOLDER [demo-output] gets fleet.svg, what the fleet did, and fleet.png, the server's page, if
a Chromium is installed. Exit 0 only if every check held.
"""
import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time

from story.fleet import Fleet
from story.folder import Folder, die_with_parent
from story.telling import Failed, Telling

DEVICES, BOARD = 200, "APP_CY8CPROTO_062S2_43439"
POLL = 2  # seconds
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "headless_shell")


def take_picture(browser, url, path):
    """The page is live, so it never ends loading: what is there after some seconds counts."""
    with tempfile.TemporaryDirectory(prefix="otter-browser-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-proxy-server",
                                    "--ignore-certificate-errors", "--window-size=1280,1620", "--timeout=5000",
                                    f"--user-data-dir={profile}", f"--screenshot={path}", url],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its own session: the browser and what it started
            process.wait()


class Demo:
    def __init__(self, folder, output):
        self.folder, self.output, self.telling = folder, output, folder.telling
        self.server = self.fleet = None
        self.port = 0

    def play(self):
        self.telling.title(f"Otter: {DEVICES} devices, a release to some of them first, and a bad one that halts itself")
        self.telling.say(f"everything in {self.folder.root}")
        self.keys()
        self.images()
        self.serve()
        self.first_tenth()
        self.everybody()
        self.bad_one()
        self.the_end()

    def keys(self):
        self.telling.chapter("Keys", "One key signs firmware, another signs what is to be installed where: who may",
                             "roll out need not be who may sign code. A certificate authority signs the server.")
        self.folder.command("keygen", "--type", "ecdsa-p256", "signing.pem")
        self.folder.command("keygen", "--type", "ecdsa-p256", "job.pem")
        self.folder.command("certs", "--server", "localhost", "--out", "pki")

    def images(self):
        self.telling.chapter("Two releases", "1.1.0 is good. 1.2.0 is signed like it, but fails its health check.")
        for version, behave in (("1.1.0", "healthy"), ("1.2.0", "sick")):
            self.folder.command("device", "app", "--version", version, "--behave", behave, "--size", "20000", "-o", "app.bin")
            self.folder.command("sign", "--key", "signing.pem", "--version", version, "--header-size", "0x400", "app.bin",
                                f"app-{version}.bin")

    def serve(self):
        self.telling.chapter("The server", f"{DEVICES} devices get a name and a token each. The server keeps what they report,",
                             "and may halt a rollout by itself: here, once three devices came back from it.")
        with open(self.folder.path("names"), "w", encoding="ascii") as names:
            names.writelines(f"unit-{i:03}\n" for i in range(1, DEVICES + 1))
        self.folder.command("device", "enrol", "--list", "names", "--database", "fleet.db", "--out", "tokens")
        self.publish("1.1.0", "10%")
        args = ["serve", "--folder", "public", "--cert", "pki/http_server.crt", "--key", "pki/http_server.key", "--database", "fleet.db",
                "--job-key", "job.pem", "--halt-after", "3", "--port", "0", "--json"]
        self.telling.show("otter " + " ".join(args) + " &")
        with open(self.folder.path("server.log"), "w", encoding="utf-8") as log:
            self.server = subprocess.Popen([self.folder.otter, *args], cwd=self.folder.root, stdout=log, stderr=subprocess.STDOUT,
                                           preexec_fn=die_with_parent)
        for _ in range(100):
            time.sleep(0.05)
            found = re.search(r'"port"\s*:\s*(\d+)', self.folder.text("server.log"))
            if found:
                self.port = int(found.group(1))
                return
        raise Failed("the server did not start: " + self.folder.text("server.log").strip())

    def publish(self, version, share):
        self.folder.command("publish", "--image", f"app-{version}.bin", "--folder", "public", "--board", BOARD, "--job-key",
                            "job.pem", "--rollout", share)

    def first_tenth(self):
        self.telling.chapter("1.1.0 for a tenth", f"Each device decides by itself whether it is among the first; {DEVICES} are switched on.")
        self.fleet = Fleet(self.folder, "--server", f"https://localhost:{self.port}", "--ca", "pki/http_ca.crt", "--key", "signing.pem",
                           "--job-key", "job.pem", "--tokens", "tokens", "--poll-seconds", str(POLL), "--start-spread", str(POLL),
                           "--plot", "fleet.svg", "--list", "fleet.jsonl")
        self.fleet.rest(POLL + 1)
        count = self.fleet.runs("1.1.0")
        self.telling.check(DEVICES * 0.04 <= count <= DEVICES * 0.16, f"about a tenth has 1.1.0: {count} of {DEVICES}")
        self.telling.check(self.fleet.count("waiting") == DEVICES - count, "all others know of it, and wait")

    def everybody(self):
        self.telling.chapter("1.1.0 for everybody", "It does well: the rollout is raised.")
        self.folder.command("rollout", "raise", "100%", "--folder", "public", "--job-key", "job.pem")
        self.fleet.wait("all run 1.1.0", lambda: self.fleet.runs("1.1.0") == DEVICES and not self.fleet.count("updating"))
        self.telling.check(True, f"all {DEVICES} devices run 1.1.0, confirmed")

    def bad_one(self):
        self.telling.chapter("1.2.0 for a tenth, and it is bad", "The first devices try it, bring the old image back, and say so.")
        self.publish("1.2.0", "10%")
        self.fleet.wait("devices fail", lambda: self.fleet.count("failed") >= 3)
        self.fleet.rest(POLL + 1)
        self.telling.check('"halt"' in self.folder.text("public.history.jsonl"), "the server halted the rollout by itself, in a signed job")
        failed = self.fleet.count("failed")
        self.telling.check(3 <= failed <= DEVICES * 0.16, f"{failed} devices had tried it by then")
        self.telling.check(self.fleet.runs("1.2.0") == 0 and self.fleet.runs("1.1.0") == DEVICES, "all run 1.1.0, those that tried it too")

    def the_end(self):
        self.telling.chapter("What remains to be seen")
        os.makedirs(self.output, exist_ok=True)
        self.output = os.path.abspath(self.output)
        if os.path.exists(os.path.join(self.output, "fleet.png")):
            os.unlink(os.path.join(self.output, "fleet.png"))
        self.screenshot(os.path.join(self.output, "fleet.png"))
        end = self.fleet.stop()
        told = end.get("reports", {})
        self.telling.check(told.get("confirmed") == DEVICES and told.get("reverted") == self.fleet.count("failed"),
                           f"the server took {told.get('confirmed', 0)} reports of success, {told.get('reverted', 0)} of a revert")
        shutil.copy(self.folder.path("fleet.svg"), os.path.join(self.output, "fleet.svg"))
        self.telling.say(f"        {os.path.join(self.output, 'fleet.svg')} shows the whole run")

    def has_page(self):
        context = ssl.create_default_context(cafile=self.folder.path("pki", "http_ca.crt"))
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=10)
        connection.request("GET", "/")
        good = connection.getresponse().status == 200
        connection.close()
        return good

    def screenshot(self, path):
        browser = next((found for found in map(shutil.which, BROWSERS) if found), None)
        if not browser:
            self.telling.say("        no Chromium is installed: no picture of the server's page")
            return
        if not self.has_page():
            self.telling.say("        the server has no page to take a picture of")
            return
        for _ in range(2):  # a browser on a busy machine may need a second start
            if not os.path.exists(path):
                take_picture(browser, f"https://localhost:{self.port}/", path)
        self.telling.check(os.path.exists(path) and os.path.getsize(path) > 0, f"{path} shows the server's page")

    def stop(self):
        for process in (self.fleet and self.fleet.process, self.server):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def play(telling, otter, root, output):
    begin = time.monotonic()
    demo = Demo(Folder(telling, otter, root), output)
    try:
        demo.play()
        telling.say()
        telling.say(telling.paint("32;1", f"Done: {telling.checks} checks, and all of them held, in {time.monotonic() - begin:.0f} s."))
        return 0
    except (Failed, OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
        telling.say()
        telling.say(telling.paint("31;1", "The demo stopped: ") + (str(error) if isinstance(error, Failed) else repr(error)))
        telling.say(f"Its folder is kept for you to look at: {root}")
        return 1
    finally:
        demo.stop()


def main():
    args = sys.argv[1:]
    if len(args) not in (1, 2) or args[0].startswith("-"):
        print(__doc__)
        return 0 if "--help" in args else 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    root = tempfile.mkdtemp(prefix="otter-demo-")
    code = 0
    try:
        code = play(Telling(), os.path.abspath(args[0]), root, args[1] if len(args) == 2 else "demo-output")
        return code
    except KeyboardInterrupt:
        print()
        return 130
    finally:
        if code != 1:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
