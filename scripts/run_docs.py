#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run_docs.py - run what the how-tos tell the reader to type.

usage: scripts/run_docs.py [--boards] OTTER FILE.md...

All blocks marked ```sh of a file are run in their order, as one shell script, in an empty
folder of its own with OTTER on the PATH. Port 4443 stands for a free one. The script must end
with 0; what it left running is ended with it. Blocks marked otherwise are not run; with --boards,
those marked ```sh boards are, beside the built firmware (build/).
"""
import ctypes
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
PORT = "4443"
TIMEOUT = 300
PRELUDE = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


def script_of(path, mark):
    text = pathlib.Path(path).read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{mark}\n(.*?)^```$", text, re.M | re.S)
    return PRELUDE + "\n".join(blocks).replace(PORT, free_port()) if blocks else ""


def run_script(script, otter):
    with tempfile.TemporaryDirectory(prefix="otter-docs-") as folder:
        binaries = os.path.join(folder, "bin")
        work = os.path.join(folder, "work")
        os.mkdir(binaries)
        os.mkdir(work)
        os.symlink(otter, os.path.join(binaries, "otter"))
        os.symlink(ROOT / "build", os.path.join(work, "build"))
        environment = dict(os.environ, PATH=binaries + os.pathsep + os.environ["PATH"])
        process = subprocess.Popen(["bash", "-x", "-c", script], cwd=work, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                                   preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
        try:
            output = process.communicate(timeout=TIMEOUT)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()[0] + b"\n(ended after %d s)\n" % TIMEOUT
        return process.returncode, output.decode(errors="replace")


def main():
    mark = "sh boards" if sys.argv[1:2] == ["--boards"] else "sh"
    args = sys.argv[2:] if mark == "sh boards" else sys.argv[1:]
    if len(args) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    otter = os.path.abspath(args[0])
    failed = 0
    for path in args[1:]:
        script = script_of(path, mark)
        if not script:
            print(f"{path}: nothing to run")
            continue
        code, output = run_script(script, otter)
        print(f"{path}: {'ok' if code == 0 else 'FAILED'}")
        if code != 0:
            failed += 1
            print("\n".join("    " + line for line in output.splitlines()[-40:]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
