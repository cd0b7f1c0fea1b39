# SPDX-License-Identifier: Apache-2.0
"""folder.py - the folder in which the demo happens: `otter` runs in it, images lie in it."""
import ctypes
import os
import pathlib
import signal
import subprocess

from story.telling import Failed


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Folder:
    def __init__(self, telling, otter, path):
        self.telling, self.otter, self.root = telling, otter, path

    def path(self, *names):
        return os.path.join(self.root, *names)

    def bytes(self, *names):
        return pathlib.Path(self.path(*names)).read_bytes()

    def text(self, *names):
        path = pathlib.Path(self.path(*names))
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def image(self, version):
        """The signed image of a version, whole."""
        return self.bytes(f"app-{version}.bin")

    def command(self, *args, show=True):
        """Run `otter ARGS`, quietly; return its output."""
        if show:
            self.telling.show("otter " + " ".join(args))
        done = subprocess.run([self.otter, *args], cwd=self.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=60)
        if done.returncode != 0:
            raise Failed(f"`otter {' '.join(args)}` ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout
