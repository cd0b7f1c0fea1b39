#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - `make fuzz`: every harness for its part of the time, on all cores; then what of the
parsers' lines was reached.

usage: run.py [--seconds N] [--no-coverage] [--seeds] [NAME...]      NAME: only these harnesses

--seeds: no fuzzing, only what the seeds alone reach (needs the build of the preset cov). Needs the builds of the presets fuzz (clang, libFuzzer, sanitizers) and cov (gcov): `make fuzz`
makes them. What is found goes to build/fuzz/corpus/NAME and helps the next run; an input that
fails is left in build/fuzz/failed/. Prints executions and line coverage; exit code 1 when an input
failed, hung, leaked, or a file of the parsers is below its mark. The last line is
"N passed, N failed".
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "fuzz"
COVERAGE = ROOT / "build" / "cov"
INPUT_MAX = 8192
HANG_SECONDS = 25  # one input, under the sanitizers, on a machine that has other work
MARK = 95.0        # per cent of lines, of each folder
FOLDERS = ("agent", "slot", "boot", "delta")


def harnesses():
    return sorted(path.name for path in (HERE / "corpus").iterdir() if path.is_dir())


def fuzz(name, seconds):
    """One harness; (executions, what went wrong)."""
    corpus, failed = BUILD / "corpus" / name, BUILD / "failed"
    corpus.mkdir(parents=True, exist_ok=True)
    failed.mkdir(parents=True, exist_ok=True)
    words = [str(BUILD / "test" / "fuzz" / ("fuzz_" + name)), "-max_total_time=%d" % seconds, "-timeout=%d" % HANG_SECONDS,
             "-rss_limit_mb=3000", "-max_len=%d" % INPUT_MAX, "-print_final_stats=1", "-artifact_prefix=%s/%s-" % (failed, name)]
    dictionary = HERE / "dict" / (name + ".dict")
    if dictionary.exists():
        words.append("-dict=%s" % dictionary)
    words += [str(corpus), str(HERE / "corpus" / name)]
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    said = done.stderr.decode("utf-8", "replace")
    count = re.search(r"number_of_executed_units: (\d+)", said)
    wrong = ""
    if done.returncode != 0:
        lines = [line for line in said.splitlines() if "does not hold" in line or "ERROR" in line or "runtime error" in line or
                 "Test unit written" in line or "SUMMARY" in line]
        wrong = "\n".join(lines[:6]) or "exit code %d" % done.returncode
    return int(count.group(1)) if count else 0, wrong


def replay(name, seeds_only):
    """Seeds and what was found, in the coverage build."""
    folders = [str(HERE / "corpus" / name)]
    if not seeds_only and (BUILD / "corpus" / name).is_dir():
        folders.append(str(BUILD / "corpus" / name))
    return subprocess.run([str(COVERAGE / "test" / "fuzz" / ("fuzz_" + name)), *folders], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0


def forget_counts():
    for path in COVERAGE.rglob("*.gcda"):
        path.unlink()


def lines_of(folder):
    """{file: (lines reached, lines, [missed])} of the sources in a folder, by gcov."""
    found = {}
    notes = sorted((COVERAGE / "CMakeFiles" / ("otter_%s.dir" % folder)).rglob("*.gcda"))
    with tempfile.TemporaryDirectory(prefix="otter-gcov-") as work:
        for note in notes:
            done = subprocess.run(["gcov", "--json-format", "--stdout", str(note)], cwd=work, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, check=True)
            for file in json.loads(done.stdout)["files"]:
                path = os.path.normpath(os.path.join(json.loads(done.stdout)["current_working_directory"], file["file"]))
                path = os.path.relpath(path, ROOT)
                if path.startswith(folder + "/"):
                    counts = found.setdefault(path, {})
                    for line in file["lines"]:
                        number = line["line_number"]
                        counts[number] = counts.get(number, 0) + line["count"]
    return {path: (sum(n > 0 for n in counts.values()), len(counts), sorted(k for k, n in counts.items() if n == 0))
            for path, counts in found.items()}


def spans(numbers):
    text, start, last = [], None, None
    for number in numbers + [None]:
        if start is not None and number != last + 1:
            text.append(str(start) if start == last else "%d-%d" % (start, last))
            start = None
        if start is None:
            start = number
        last = number
    return " ".join(text)


def coverage(names, seeds_only):
    """Print the lines reached; the folders below the mark."""
    forget_counts()
    lost = [name for name in names if not replay(name, seeds_only)]
    low = []
    print("\nlines reached, of all in the file (not reached)")
    for folder in FOLDERS:
        total = [0, 0]
        for path, (reached, lines, missed) in sorted(lines_of(folder).items()):
            total[0], total[1] = total[0] + reached, total[1] + lines
            print("  %-22s %4d of %4d  %5.1f %%  %s" % (path, reached, lines, 100 * reached / lines, spans(missed)))
        share = 100 * total[0] / max(total[1], 1)
        print("  %-22s %4d of %4d  %5.1f %%" % (folder + "/", *total, share))
        if share < MARK:
            low.append(folder)
    return lost, low


def main():
    parser = argparse.ArgumentParser(description="fuzz every harness, then count lines")
    parser.add_argument("--seconds", type=int, default=600, help="in all [600]")
    parser.add_argument("--no-coverage", action="store_true")
    parser.add_argument("--seeds", action="store_true", help="no fuzzing: lines that the seeds alone reach")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    names = args.names or harnesses()
    unknown = sorted(set(names) - set(harnesses()))
    if unknown:
        parser.error("there is no harness %s; there are: %s" % (unknown[0], ", ".join(harnesses())))
    builds = [BUILD] * (not args.seeds) + [COVERAGE] * (not args.no_coverage)
    missing = [path for path in (build / "test/fuzz" / ("fuzz_" + name) for build in builds for name in names) if not path.exists()]
    if missing:
        parser.error("%s is not there: `make fuzz` builds it" % missing[0])
    cores = os.cpu_count() or 1
    share = max(1, args.seconds * cores // len(names))
    passed, failed, executions = 0, 0, 0
    if not args.seeds:
        print("%d harnesses, %d s each, %d at a time" % (len(names), share, cores), flush=True)
        with concurrent.futures.ThreadPoolExecutor(cores) as pool:
            for name, (count, wrong) in zip(names, pool.map(lambda one: fuzz(one, share), names)):
                executions += count
                passed, failed = passed + (not wrong), failed + bool(wrong)
                print("  %-12s %10d executions  %s" % (name, count, "no crash, no hang, no leak" if not wrong else "FAILED\n" + wrong), flush=True)
        print("  %-12s %10d executions" % ("all", executions))
    if not args.no_coverage:
        lost, low = coverage(names, args.seeds)
        for what in ["%s does not replay in the coverage build" % name for name in lost] + ["%s/ is below %.0f %%" % (name, MARK) for name in low]:
            print("FAILED: " + what)
        failed += len(lost) + len(low)
        passed += len(FOLDERS) - len(low)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
