#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - `make test-boards`: real firmware on emulated boards. All, one part (--part), or by id.

Without arguments: the cases of story.py, delta.py, links.py, network.py and hostile.py, then the scripts beside this one,
test/delta/firmware.py and test/glitch/run.py, each of which prints "N passed, N failed" as its last such line; the sum of all is the last line.
"""
import os
import re
import subprocess
import sys

import kit
import delta  # noqa: F401
import harness
import hostile  # noqa: F401
import links  # noqa: F401
import network  # noqa: F401
import story  # noqa: F401

SCRIPTS = ["board.py", "demo.py", "gdb.py", "app.py", "led.py", "bench.py", "cuts.py"]
PARTS = ["story", "delta", "links", "network", "hostile"]


def one_script(name, *arguments):
    """(passed, failed) of a script; one without a count, or that fails without one, has failed."""
    print("== %s" % name, flush=True)
    counted = None
    with subprocess.Popen([sys.executable, os.path.join(kit.HERE, name), *arguments], stdout=subprocess.PIPE, text=True,
                          errors="replace") as child:
        for line in child.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            counted = re.match(r"(\d+) passed, (\d+) failed", line) or counted
    bad = child.returncode != 0
    passed, failed = map(int, counted.groups()) if counted else (0, 1)
    return passed, max(failed, int(bad))


def cases(arguments):
    jobs = [] if "--jobs" in arguments else ["--jobs", str(os.cpu_count() or 2)]
    return harness.main(jobs + arguments, kit.BoardKit, kit.Bench)


def main(arguments):
    if arguments:
        return cases(arguments)
    counts = [one_script("run.py", *[word for part in PARTS for word in ("--part", part)])]
    counts += [one_script(name) for name in SCRIPTS if os.path.exists(os.path.join(kit.HERE, name))]
    counts.append(one_script("../delta/firmware.py"))
    counts.append(one_script("../glitch/run.py", "--short"))
    passed, failed = map(sum, zip(*counts))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
