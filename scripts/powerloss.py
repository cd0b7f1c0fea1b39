#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""powerloss.py - cut power at every operation, in every way, and make flash fail; one table of it all.

usage: scripts/powerloss.py [--full] [--seed N] [--jobs N] [--out FOLDER] [--list] [RUNNER [PART...]]

RUNNER  the runner of test/powerloss [build/host/test/powerloss/powerloss]
PART    only these parts; --list names them with what they run

Without --full: minutes. With it: hours, and other second cuts and campaigns for each seed. Each part
writes FOLDER/PART.txt [build/powerloss/SEED, with --full build/powerloss-full/SEED]: a part that is
there, complete, and of the same program is not run again, so an interrupted run goes on where it was.
docs/power-cuts.md says what the columns are. Exits 1 when something did not hold, or a part did not end.
"""
import argparse
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIVE = ["psoc62_2m_ext_overwrite_single", "psoc62_2m_ext_swap_single", "psoc62_512k_xip_swap_single",
        "xmc7200_int_overwrite_single", "xmc7200_int_swap_single"]
SMALL = ["psoc62_2m_unit_1", "psoc62_2m_subsector", "nor_4k", "nor_4k_trailers", "xmc7200_int_overwrite_trailers",
         "unequal_no_scratch", "rows_tiny_journal", "rows_small_journal"]
SECTORS = [512 << n for n in range(10)]
TOTAL = re.compile(r"^(\d+) trials, (\d+) failures$")
HARMS = ["bricks", "wrong image", "lost confirm", "lost reject", "other"]


def maps(names, prefix=""):
    return " ".join("--map " + prefix + name for name in names)


def short_parts():
    return {
        "five": maps(FIVE) + " --every-outcome --double 8 --campaigns 300",
        "small": maps(SMALL) + " --every-outcome --double 3 --campaigns 200",
        "every-second-cut": maps(["nor_4k_trailers"]) + " --scenario counter-falls --double-all",
        "true-size": maps(FIVE, "true-size/") + " --samples 3",
        "generated": "--map generated --scenario chain-25 --samples 1",
        "faults": "--faults " + maps(FIVE + SMALL) + " --samples 24",
    }


def full_parts():
    parts = {}
    for name in FIVE:
        parts[name] = maps([name]) + " --every-outcome --double 100 --campaigns 20000"
    for name in SMALL:
        parts[name] = maps([name]) + " --every-outcome --double-all --campaigns 20000"
    for name in FIVE:
        parts["true-size-" + name] = maps(["true-size/" + name]) + " --every-outcome --samples 60 --double 2 --campaigns 20"
    for sector in SECTORS:
        parts["generated-%d" % sector] = "--map generated/%d --samples 6 --double 1 --campaigns 2" % sector
    for name in FIVE + SMALL:
        parts["faults-" + name] = "--faults " + maps([name])
    return parts


def total(text):
    """(trials, failures) of a complete part; None: it did not end."""
    found = TOTAL.match(text.rstrip("\n").split("\n")[-1])
    return (int(found.group(1)), int(found.group(2))) if found else None


def run_part(path, command):
    """The text of a part: what this very program printed before, or what it prints now."""
    program = hashlib.sha256(pathlib.Path(command[0]).read_bytes()).hexdigest()[:16]
    head = "# %s, by program %s\n" % (" ".join(command[1:]), program)
    if path.exists():
        text = path.read_text(encoding="utf-8")
        if text.startswith(head) and total(text) is not None:
            return text
    with open(path, "w", encoding="utf-8") as out:
        out.write(head)
        out.flush()
        subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False)
    return path.read_text(encoding="utf-8")


def sums(text):
    """Of a part's cuts: [operations, cuts, double, many, harms..., longest, most boots]; None: it cut nothing."""
    for line in text.split("\n"):
        words = line.split()
        if line.startswith("all ") and len(words) == 12:
            return [int(word) for word in words[1:]]
    return None


def print_totals(cuts, faults):
    names = ["operations", "cuts", "double cuts", "3 to 10 cuts", *HARMS, "longest recovery", "most boots to rest"]
    whole = [max(column) if n >= 9 else sum(column) for n, column in enumerate(zip(*cuts))] if cuts else []
    for name, number in zip(names, whole):
        print("%-20s %14s" % (name, "{:,}".format(number)))
    print("%-20s %14s" % ("flash that fails", "{:,}".format(faults)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out")
    parser.add_argument("runner", nargs="?", default=str(ROOT / "build/host/test/powerloss/powerloss"))
    parser.add_argument("parts", nargs="*")
    o = parser.parse_args()
    parts = full_parts() if o.full else short_parts()
    unknown = [name for name in o.parts if name not in parts]
    if unknown:
        parser.error("no part is called " + unknown[0])
    if not o.list and not os.access(o.runner, os.X_OK):
        parser.error("%s is not there: `make build` builds it" % o.runner)
    if o.list:
        for name, words in parts.items():
            print("%-40s %s" % (name, words))
        return 0
    folder = pathlib.Path(o.out or ROOT / ("build/powerloss-full" if o.full else "build/powerloss") / str(o.seed))
    folder.mkdir(parents=True, exist_ok=True)
    cuts, faults, trials, failures = [], 0, 0, 0
    for name in o.parts or parts:
        begin = time.monotonic()
        text = run_part(folder / (name + ".txt"), [o.runner, *parts[name].split(), "--seed", str(o.seed), "--jobs", str(o.jobs)])
        done = total(text) or (0, 1)
        trials, failures = trials + done[0], failures + done[1]
        faults += done[0] if sums(text) is None else 0
        cuts += [sums(text)] if sums(text) else []
        print("== %s: %d trials, %d failures, %.0f s\n%s" % (name, *done, time.monotonic() - begin, text), flush=True)
        if total(text) is None:
            print("%s did not end" % name)
    print_totals(cuts, faults)
    print("seed %d: %s trials, %d failures (%s)" % (o.seed, "{:,}".format(trials), failures, folder))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
