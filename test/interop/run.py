#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - `make interop`: every interop script in turn, and the sum of what they counted.

Each script prints "N passed, N failed" as its last such line and says in its exit code whether
all went well; one that prints no count, or fails without one, counts as a failure.
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = ["images.py", "mutants.py", "framing.py", "jose.py", "put.py", "servers.py", "page.py", "databases.py", "../boards/run.py --part ws"]


def main():
    passed = failed = 0
    for name in SCRIPTS:
        print("== %s" % name, flush=True)
        script, *arguments = name.split()
        child = subprocess.Popen([sys.executable, os.path.join(HERE, script), *arguments], stdout=subprocess.PIPE, text=True,
                                 errors="replace")
        counted = None
        for line in child.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            counted = re.match(r"(\d+) passed, (\d+) failed", line) or counted
        bad = child.wait() != 0
        good, wrong = map(int, counted.groups()) if counted else (0, 1)
        passed, failed = passed + good, failed + max(wrong, int(bad))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
