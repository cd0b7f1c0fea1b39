#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mutants.py - put deliberate faults into boot/, slot/ and the way of patches, and see tests catch them.

usage: scripts/mutants.py [--check | --refresh | --short] [BUILD_FOLDER [NAME...]]

--check        only ask whether every patch of test/mutants still applies, at one place only
--refresh      write the patches anew: few lines of context, the line numbers of this tree
--short        only those that single cuts and short tests catch
BUILD_FOLDER   a host build with the programs that the patches name [build/host]
NAME           only these patches

A patch begins with what is wrong, in a line, and "Caught by: " with the shortest call that must
fail on it: arguments of the runner (test/powerloss); or "model" or "journal" and those of the model
check or of journal_cuts (test/model); or "round_trip" and its (test/delta); or a test of test/unit. Each
patch is applied to a copy of boot/, slot/, agent/ and delta/; what it changes is compiled and linked with the
rest of the program as built (of delta/ the decoder, not the tool's encoder). The program is ended at
its first failure. Exits 1 when a patch does not apply, does not compile, or is not caught, or when the
program without a fault fails in the same call.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "test" / "mutants"
LIMIT_S = 300
CONTEXTS = (1, 2, 4, 8) # lines around a change: as few as tell its place
PARTS = ("boot", "slot", "agent", "delta")
PROGRAMS = {"powerloss": "test/powerloss/powerloss", "model": "test/model/model", "journal": "test/model/journal_cuts",
            "round_trip": "test/delta/round_trip"}
FAILURE = re.compile(r"(FAIL|FAILED|\[  FAILED  \]) ") # of the runners; of round_trip; of cmocka


def run(command, cwd=ROOT):
    return subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)


def program_of(word):
    return PROGRAMS.get(word, "test/" + word if word.startswith("test_") else None)


def head_of(patch):
    """What is wrong; the program, and its arguments."""
    lines = patch.read_text(encoding="utf-8").split("\n")
    words = lines[1].removeprefix("Caught by: ").split()
    if program_of(words[0]) is None:
        words.insert(0, "powerloss")
    return lines[0], words


def files_of(patch):
    return re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(encoding="utf-8"), re.M)


def places_of(diff):
    """For each hunk, how often the lines that it looks for are in the file."""
    name, counts, old = None, [], []

    def close():
        if name is not None and old:
            text = "\n" + (ROOT / name).read_text(encoding="utf-8")
            counts.append(text.count("\n" + "".join(old)))
    for line in diff.split("\n"):
        if line.startswith(("--- ", "@@ ")):
            close()
            old = []
        elif line.startswith("+++ b/"):
            name = line[6:]
        elif line[:1] in (" ", "-") and name is not None:
            old.append(line[1:] + "\n")
    close()
    return counts


def check(patches):
    bad = 0
    for patch in patches:
        reason = ""
        if run(["git", "apply", "--check", str(patch)]).returncode != 0:
            reason = "does not apply any more"
        elif set(places_of(patch.read_text(encoding="utf-8"))) != {1}:
            reason = "applies at more than one place"
        if reason:
            bad += 1
            print(f"{patch.relative_to(ROOT)} {reason}")
    if bad:
        print("CONTRIBUTING.md, Mutants, says how to write one anew.")
    print(f"{len(patches) - bad} of {len(patches)} mutants apply")
    return 1 if bad or not patches else 0


def apply(patch, folder):
    """A copy of the sources with this fault in it; false: the patch does not apply."""
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part)
    return run(["patch", "-p1", "-s", "-f", "--no-backup-if-mismatch", "-i", str(patch)], cwd=folder).returncode == 0


def difference(name, folder, context):
    diff = run(["diff", f"-U{context}", "--label", "a/" + name, "--label", "b/" + name, str(ROOT / name),
                str(folder / name)]).stdout
    return re.sub(r"^(@@ .* @@).*$", r"\1", diff, flags=re.M)


def refresh(patches):
    bad = 0
    for patch in patches:
        lines = patch.read_text(encoding="utf-8").split("\n")
        with tempfile.TemporaryDirectory(prefix="otter-mutant-") as folder:
            there = pathlib.Path(folder)
            if not apply(patch, there):
                print(f"{patch.relative_to(ROOT)}: make this fault again by hand")
                bad += 1
                continue
            for context in CONTEXTS:
                text = "".join(difference(name, there, context) for name in sorted(set(files_of(patch))))
                if set(places_of(text)) == {1}:
                    break
        patch.write_text("\n".join([*lines[:2], "", text]), encoding="utf-8")
    return 1 if bad else check(patches)


def compile_calls(build, names):
    """Source -> its compiler call, as for the program's libraries; all of them where a header changes."""
    every = any(name.endswith(".h") for name in names)
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        source = pathlib.Path(entry["file"])
        if not source.is_relative_to(ROOT):
            continue
        name = source.relative_to(ROOT).as_posix()
        library = "otter_" + name.split("/", maxsplit=1)[0]
        if f"CMakeFiles/{library}.dir" in entry["command"] and (name in names or (every and name.split("/")[0] in PARTS)):
            found[name] = shlex.split(entry["command"])
    return found


def build_mutant(patch, folder, build, program):
    """The program with this fault; None and the reason where it cannot be built."""
    if not apply(patch, folder):
        return None, "does not apply"
    objects = []
    for name, words in compile_calls(build, files_of(patch)).items():
        target = folder / (name.replace("/", "-") + ".o")
        words = [str(folder / name) if word == str(ROOT / name) else word for word in words if word != "-Werror"]
        words[words.index("-o") + 1] = str(target)
        words.insert(next(i for i, word in enumerate(words) if word[:2] in ("-I", "-o")), "-I" + str(folder))
        done = run(words, cwd=build)
        if done.returncode != 0:
            return None, "does not compile:\n" + done.stdout
        objects.append(str(target))
    lines = run(["ninja", "-C", str(build), "-t", "commands", program]).stdout.split("\n")
    words = shlex.split([line for line in lines if f" -o {program} " in line][-1].split("&&")[1])
    at = words.index("-o")
    words[at:at + 2] = [*objects, "-o", str(folder / "mutant")] # before the libraries: these are taken
    done = run(words, cwd=build)
    return (folder / "mutant", "") if done.returncode == 0 else (None, "does not link:\n" + done.stdout)


def first_failure(command, until):
    """The first line that tells of a failure, or "" and the exit code; ends the program there."""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as child:
        line = ""
        for line in child.stdout:
            if FAILURE.match(line) or time.monotonic() > until:
                child.kill()
                break
        child.wait()
        return (line.strip() if FAILURE.match(line) else ""), child.returncode


def attempt(patch, build):
    """(name, what is wrong, verdict, seconds, first failure); "caught" where all is well."""
    what, words = head_of(patch)
    with tempfile.TemporaryDirectory(prefix="otter-mutant-") as folder:
        program, reason = build_mutant(patch, pathlib.Path(folder), build, program_of(words[0]))
        if program is None:
            return patch.stem, what, reason, 0, ""
        begin = time.monotonic()
        failure, code = first_failure(["timeout", str(LIMIT_S), str(program), *words[1:]], begin + LIMIT_S)
        seconds = time.monotonic() - begin
        verdict = "caught" if failure else f"no end in {LIMIT_S} s" if code == 124 else f"NOT CAUGHT (exit {code})"
        return patch.stem, what, verdict, seconds, failure


def report(patches, build):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = list(pool.map(lambda patch: attempt(patch, build), patches))
        calls = sorted({" ".join(head_of(patch)[1]) for patch in patches})
        clean = list(pool.map(lambda call: run([str(build / program_of(call.split()[0])), *call.split()[1:]]), calls))
    caught = 0
    for name, what, verdict, seconds, failure in results:
        caught += verdict == "caught"
        print(f"{verdict:<8} {seconds:6.1f} s  {name:<32} {what}")
        if failure:
            print(f"{'':<19} {failure}")
    wrong = [call for call, done in zip(calls, clean) if done.returncode != 0]
    for call in wrong:
        print(f"fails without a fault as well: {call}")
    print(f"{caught} of {len(results)} mutants caught; {len(calls) - len(wrong)} of {len(calls)} calls pass without a fault")
    return 0 if caught == len(results) and not wrong and results else 1


def main():
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    options = [word for word in sys.argv[1:] if word.startswith("--")]
    if "--help" in options:
        print(__doc__)
        return 0
    if any(option not in ("--check", "--refresh", "--short") for option in options):
        print(__doc__, file=sys.stderr)
        return 2
    build = ROOT / (arguments[0] if arguments else "build/host")
    patches = [p for p in sorted(FOLDER.glob("*.patch")) if not arguments[1:] or p.stem in arguments[1:]]
    unknown = sorted(set(arguments[1:]) - {p.stem for p in patches})
    if unknown:
        print(f"there is no test/mutants/{unknown[0]}.patch", file=sys.stderr)
        return 2
    if "--check" in options:
        return check(patches)
    if "--refresh" in options:
        return refresh(patches)
    if not (build / "compile_commands.json").exists():
        print(f"{build} is no folder of a build: `make build` makes build/host", file=sys.stderr)
        return 2
    if "--short" in options:
        patches = [p for p in patches if not {"--campaigns", "--double", "10000", "test_patch_resume"} & set(head_of(p)[1])]
    return report(patches, build)


if __name__ == "__main__":
    sys.exit(main())
