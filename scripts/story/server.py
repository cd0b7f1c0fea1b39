# SPDX-License-Identifier: Apache-2.0
"""server.py - `otter serve` over the folder `public`, and what it saw."""
import json
import os
import re
import subprocess
import time

from story.folder import die_with_parent
from story.telling import Failed


class Server:
    def __init__(self, folder):
        self.folder, self.process, self.port = folder, None, 0

    def start(self):
        args = ["serve", "--folder", "public", "--cert", "http_server.crt", "--key", "http_server.key",
                "--reports", "reports.jsonl", "--port", "0", "--json"]
        os.mkdir(self.folder.path("public"))
        self.folder.telling.show("otter " + " ".join(args))
        with open(self.folder.path("server.log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([self.folder.otter, *args], cwd=self.folder.root, stdout=log,
                                            stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        for _ in range(200):
            time.sleep(0.05)
            found = re.search(r'"port"\s*:\s*(\d+)', self.folder.text("server.log"))
            if found:
                self.port = int(found.group(1))
                return
            if self.process.poll() is not None:
                raise Failed("the server ended: " + self.folder.text("server.log").strip())
        raise Failed("the server did not start within 10 s")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def publish(self, version, board, *words):
        return self.folder.command("publish", "--image", f"app-{version}.bin", "--folder", "public", "--board", board, *words)

    def downloads(self, version):
        """The requests for the image of a version, or for a patch that makes it, by the server's own log."""
        return [line for line in self.folder.text("server.log").splitlines()
                if re.search(rf"\bGET\b.*\b{re.escape(version)}-\w+\.(bin|delta)", line)]

    def reports(self):
        return [json.loads(line)["report"] for line in self.folder.text("reports.jsonl").splitlines() if line.strip()]
