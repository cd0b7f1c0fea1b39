#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""coverage.py - which lines and branches of the device code the tests reach.

usage: scripts/coverage.py [--tests REGEX] [--report] [--all]
       scripts/coverage.py --check

Runs the tests of build/cov (preset cov: gcc --coverage -O0) whose names match REGEX, then prints
lines and branches of every file of slot/, boot/ and agent/, and each one of slot/ and boot/ that was
never reached, with its source text. Each of these must have its reason in test/coverage/reasons.txt;
a reason for something that is reached is as wrong as a missing one. Exit 1 then, or when a test fails.

--report   no run: read what earlier runs left in build/cov
--all      list what is missing in agent/ as well
--check    no build needed: every reason still names one line of its function (a test of `make test`)

A branch is an outcome of one condition as gcc compiles it without optimisation: `a && b` has
four, a switch one for each case. Tests with a host board of their own (e2e, demo) add nothing:
its programs end as a board does, at once, and gcc's counts with them.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "cov"
REASONS = ROOT / "test" / "coverage" / "reasons.txt"
TESTS = "^(unit|sim)/"
JUDGED, SHOWN = ("slot", "boot"), ("slot", "boot", "agent")
KEYS = ("file", "function", "source", "missing", "reason")


def fail(text):
    print(f"coverage: {text}", file=sys.stderr)
    sys.exit(1)


def read_reasons():
    """Paragraphs of `key: value` lines; an indented line goes on with the last value."""
    reasons = []
    text = REASONS.read_text(encoding="utf-8")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", body):
        entry, key = {}, None
        for line in paragraph.splitlines():
            if line.startswith(" ") and key:
                entry[key] += " " + line.strip()
            elif line.strip():
                key, _, value = line.partition(":")
                entry[key] = value.strip()
        if not entry:
            continue
        if tuple(entry) != KEYS or not all(entry.values()):
            fail(f"{REASONS.relative_to(ROOT)}: a reason has {', '.join(KEYS)}, in this order:\n{paragraph}")
        if not re.fullmatch(r"line|[1-9][0-9]* branch(es)?", entry["missing"]):
            fail(f"{REASONS.relative_to(ROOT)}: missing: line, 1 branch or N branches, not '{entry['missing']}'")
        reasons.append(entry)
    return reasons


def function_lines(path, name):
    """Lines of a function as numbers; house style: it begins and ends in the first column."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    for begin, line in enumerate(lines):
        if not re.match(rf"[a-z].*\b{re.escape(name)}\(", line) or line.endswith(";"):
            continue
        for end in range(begin, len(lines)):
            if lines[end] == "}":
                return {number + 1: lines[number].strip() for number in range(begin, end)}
            if lines[end].endswith(";") and not lines[end].startswith(" "):
                break
    return {}


def check(reasons):
    """What is wrong with the reasons, without knowing what the tests reach."""
    wrong = []
    for entry in reasons:
        path, name = entry["file"], entry["function"]
        lines = function_lines(path, name) if (ROOT / path).is_file() else {}
        found = list(lines.values()).count(entry["source"])
        if not lines:
            wrong.append(f"{path} has no function {name}")
        elif found != 1:
            wrong.append(f"{path}: {name} has {found} lines, not one, that read: {entry['source']}")
    return wrong


def run_tests(pattern):
    if not (BUILD / "build.ninja").exists():
        fail("no build/cov: use make coverage")
    for counts in BUILD.rglob("*.gcda"):
        counts.unlink()
    report = BUILD / "coverage-tests.xml"
    done = subprocess.run(["ctest", "--test-dir", BUILD, "-R", pattern, "-j", str(os.cpu_count() or 2), "--output-on-failure",
                           "--no-tests=error", "--output-junit", report], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout)
        fail("a test failed")
    print(f"{len(xml.parse(report).getroot().findall('testcase'))} tests of build/cov ran")


def notes():
    """gcc's notes about each object; a file that is gone may have left some."""
    for folder in SHOWN:
        objects = BUILD / "CMakeFiles" / f"otter_{folder}.dir"
        for path in sorted(objects.rglob("*.gcno")):
            if (ROOT / path.relative_to(objects).with_suffix("")).exists():
                yield path


def gcov():
    """{file: {line: [function, count, [count of each branch]]}} of the device code."""
    found = collections.defaultdict(dict)
    for path in notes():
        done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True, cwd=ROOT)
        for source in json.loads(done.stdout)["files"]:
            name = os.path.relpath(os.path.join(ROOT, source["file"]), ROOT)
            if name.split("/")[0] in SHOWN:
                add(found[name], source["lines"])
    return found


def add(lines, more):
    """One object's counts: a header's functions are in several."""
    for line in more:
        branches = [branch["count"] for branch in line["branches"]]
        old = lines.setdefault(line["line_number"], [line.get("function_name", ""), 0, [0] * len(branches)])
        old[1] += line["count"]
        old[2] = [a + b for a, b in zip(old[2], branches)]


def missing_of(lines):
    """(line number, function, "line" or number of branches never taken)."""
    for number, (function, count, branches) in sorted(lines.items()):
        if count == 0:
            yield number, function, "line"
        elif 0 in branches:
            yield number, function, branches.count(0)


def table(found):
    total = collections.Counter()
    print(f"{'file':22} {'lines':>6} {'missing':>8} {'%':>6} {'branches':>9} {'missing':>8} {'%':>6}")

    def row(name, lines, lines_missing, branches, branches_missing):
        print(f"{name:22} {lines:6} {lines_missing:8} {share(lines, lines_missing):>6} "
              f"{branches:9} {branches_missing:8} {share(branches, branches_missing):>6}")

    for folder in SHOWN:
        total.clear()
        for name in sorted(name for name in found if name.startswith(folder + "/")):
            counts = found[name].values()
            branches = [branch for _, _, taken in counts for branch in taken]
            figures = (len(counts), sum(count == 0 for _, count, _ in counts), len(branches), branches.count(0))
            row(name, *figures)
            total.update(dict(enumerate(figures)))
        row(f"all of {folder}/", *(total[i] for i in range(4)))


def share(whole, part):
    return f"{100.0 * (whole - part) / whole:.1f}" if whole else "-"


def judge(found, reasons, everything):
    """List what is missing with its reason; how many have none."""
    unexplained = 0
    open_reasons = {(entry["file"], entry["function"], entry["source"]): entry for entry in reasons}
    for name in sorted(found):
        judged = name.split("/")[0] in JUDGED
        if not judged and not everything:
            continue
        source = (ROOT / name).read_text(encoding="utf-8").splitlines()
        for number, function, what in missing_of(found[name]):
            text = source[number - 1].strip()
            branches = found[name][number][2]
            said = "line" if what == "line" else f"{what} of {len(branches)} branches"
            print(f"{name}:{number}: {function}: {said} never reached: {text}")
            entry = open_reasons.get((name, function, text))
            want = "line" if what == "line" else f"{what} branch{'' if what == 1 else 'es'}"
            if entry and entry["missing"] == want:
                del open_reasons[name, function, text]
                print(f"    reason: {entry['reason']}")
            elif judged:
                unexplained += 1
                print(f"    NO REASON{' FOR ' + want if entry else ''}")
    for entry in open_reasons.values():
        unexplained += 1
        print(f"{entry['file']}: {entry['function']}: has a reason for {entry['missing']}, but that is not what "
              f"was missing: {entry['source']}")
    return unexplained


def main():
    parser = argparse.ArgumentParser(description="lines and branches that the tests reach")
    parser.add_argument("--tests", default=TESTS, metavar="REGEX", help="tests to run (default %(default)s)")
    parser.add_argument("--report", action="store_true", help="no run")
    parser.add_argument("--all", action="store_true", help="what is missing in agent/ as well")
    parser.add_argument("--check", action="store_true", help="only: do the reasons match the source?")
    args = parser.parse_args()
    reasons = read_reasons()
    wrong = check(reasons)
    for line in wrong:
        print(line)
    if args.check or wrong:
        print(f"coverage: {len(reasons)} reasons, {len(wrong)} of them do not match the source")
        return 1 if wrong else 0
    if not args.report:
        run_tests(args.tests)
    found = gcov()
    if not found:
        fail("no build/cov: use make coverage")
    table(found)
    unexplained = judge(found, reasons, args.all)
    print(f"coverage: {unexplained} missing without a reason in {' and '.join(JUDGED)}, {len(reasons)} reasons")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
