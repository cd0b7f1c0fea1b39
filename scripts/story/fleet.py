# SPDX-License-Identifier: Apache-2.0
"""fleet.py - `otter fleet` under way: its newest line, and waiting for what it is to show."""
import json
import subprocess
import threading
import time

from story.folder import die_with_parent
from story.telling import Failed

SHOWN = (("updated", "updated"), ("updating", "updating"), ("waiting", "waiting"), ("current", "up to date"), ("failed", "failed"),
         ("silent", "not in touch"))


class Fleet:
    def __init__(self, folder, *options):
        self.folder, self.last, self.end, self.told = folder, {}, {}, ""
        folder.telling.show("otter " + " ".join(["fleet", *options]) + " &")
        self.process = subprocess.Popen([folder.otter, "fleet", *options, "--json"], cwd=folder.root, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            self.last = said
            self.end = said if said["event"] == "end" else {}

    def count(self, state):
        return self.last.get("states", {}).get(state, 0)

    def runs(self, version):
        return self.last.get("versions", {}).get(version, 0)

    def tell(self):
        """How it stands, when that has changed."""
        words = [f"{self.count(state):,} {name}" for state, name in SHOWN if self.count(state)]
        versions = [f"{count:,} on {version}" for version, count in self.last.get("versions", {}).items() if count]
        text = ", ".join(words) + ("; " if versions else "") + ", ".join(versions)
        if self.last and text != self.told:
            self.told = text
            self.folder.telling.say(f"   {self.last['seconds']:5.1f} s  {text}")

    def wait(self, what, met, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tell()
            if self.last and met():
                self.folder.telling.say()
                return
            if self.process.poll() is not None:
                raise Failed("the fleet ended by itself")
            time.sleep(0.1)
        raise Failed(f"it did not come to pass within {seconds} s: {what}")

    def rest(self, seconds):
        """Until nothing is under way and nothing has changed for so long."""
        since = [time.monotonic(), None]

        def quiet():
            states = self.last["states"]
            if states != since[1] or states["updating"] or states["silent"]:
                since[0], since[1] = time.monotonic(), states
            return time.monotonic() - since[0] > seconds
        self.wait("the fleet comes to rest", quiet)

    def stop(self):
        """Off; everything that was counted."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(20)
        self.reader.join(5)
        return self.end
