# SPDX-License-Identifier: Apache-2.0
"""tool.py - run `otter` in a folder of its own; start and stop `otter serve`."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

OTTER = os.environ.get("OTTER", "otter")


def run(*words, cwd, ok=True):
    done = subprocess.run([word if isinstance(word, bytes) else str(word) for word in words], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    if ok and done.returncode != 0:
        raise AssertionError(f"{words}: exit {done.returncode}: {done.stderr.decode()}")
    return done


class Folder(unittest.TestCase):
    """Each test has an empty folder, removed afterwards."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="otter-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def otter(self, *words, ok=True):
        return run(OTTER, *words, cwd=self.folder, ok=ok)

    def refused(self, code, text, *words):
        """One plain line, this exit code, and the text in it."""
        done = self.otter(*words, ok=False)
        message = done.stderr.decode()
        self.assertEqual(done.returncode, code, message)
        self.assertEqual(message.count("\n"), 1, message)
        self.assertTrue(message.startswith((f"otter {words[0]}: ", f"otter {words[0]} {(*words, '')[1]}: ")), message)
        self.assertIn(text, message)
        self.assertEqual(done.stdout, b"")

    def files(self, name="."):
        return sorted(path.name for path in (self.folder / name).iterdir())


class Serve:
    """`otter serve --json` on a free port; `log` grows while it runs."""

    def __init__(self, folder, *words, program=OTTER):
        self.process = subprocess.Popen([program, "serve", "--json", "--port", "0", *[str(word) for word in words]],
                                        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = self.process.stdout.readline()
        if not first:
            raise AssertionError(self.process.stderr.read().decode())
        said = json.loads(first)
        self.port, self.url = said["port"], said["url"]
        self.log = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.log.append(json.loads(line))

    def requests(self):
        return [entry for entry in self.log if entry["event"] == "request"]

    def notes(self):
        return [entry["text"] for entry in self.log if entry["event"] == "note"]

    def kill(self):
        """As a power cut would."""
        self.process.kill()
        self.stop()

    def stop(self):
        """Ask it to end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=20)
        self.reader.join()
        self.errors = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return code
