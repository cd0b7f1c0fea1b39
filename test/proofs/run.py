#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py - `make proofs`: CBMC follows each proof of this folder for every input at once.

usage: run.py [NAME...]

Checked besides what the proofs claim: bounds of every array and pointer, division by zero, shifts,
signed overflow, and that the loops' bounds given below are enough (so every loop ends). CBMC is the
one in PATH, or what `scripts/setup.sh proofs` put into OTTER_CACHE. The last line is
"N passed, N failed".
"""
import concurrent.futures
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIMIT_SECONDS = 1800
LIMIT_BYTES = 6 << 30

# name: (proof, sources, definitions, functions left out: they return anything, CBMC's options)
AREA, JOURNAL, CRC, TEXT = "slot/area.c", "slot/journal.c", "slot/crc.c", "agent/text.c"
NO_WRAP = "--unsigned-overflow-check"
PROOFS = {
    "area-access": ("area_access", [AREA], [], [], [NO_WRAP]),
    "area-erase-512": ("area_erase", [AREA], ["SECTOR=512", "SECTORS_MAX=8388606"], [], [NO_WRAP]),
    "area-erase-32768": ("area_erase", [AREA], ["SECTOR=32768", "SECTORS_MAX=131000"], [], [NO_WRAP]),
    "area-erase-640": ("area_erase", [AREA], ["SECTOR=640", "SECTORS_MAX=200"], [], [NO_WRAP]),
    "view-read": ("view_read", [AREA], [], [], [NO_WRAP]),
    "record": ("record", [JOURNAL, CRC], [], ["otter_crc32"], ["--unwind", "33"]),
    "journal-open": ("journal_open", [JOURNAL, CRC, AREA], [], ["otter_crc32"], ["--unwind", "14", "--unwindset", "is_blank.0:34", "--object-bits", "12"]),
    "number": ("number", [TEXT], ['PREFIX=""', "DIGITS=5"], [], ["--unwind", "13"]),
    "number-edge": ("number", [TEXT], ['PREFIX="42949672"', "DIGITS=3"], [], ["--unwind", "13"]),
    "http-body": ("http_body", ["agent/body.c", TEXT], [], ["otter_text_hex"], ["--unwind", "70", NO_WRAP]),
    "image-tlv": ("image_tlv", ["slot/image.c", AREA], ["SIZE=64"], [], ["--unwind", "16", "--sat-solver", "cadical"]),
    "range-ask": ("range_ask", [], [], [], ["--unwind", "4"]),
    "range-read": ("range_read", [TEXT], ['PREFIX=""', "CHARS=14"], [], ["--unwind", "30"]),
    "range-read-edge": ("range_read", [TEXT], ['PREFIX="4294967290-42949672"', "CHARS=14"], [], ["--unwind", "50"]),
    "delta-window": ("delta_window", [], [], ["step"], ["--unwind", "1"]),
    "back-off": ("back_off", ["agent/wait.c"], [], [], ["--unwind", "33"]),
}


def tool(name):
    """The words that start one of CBMC's programs; None: there is none."""
    if shutil.which(name):
        return [name]
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    root = pathlib.Path(os.environ.get("OTTER_CACHE") or os.path.join(base, "otter")) / "cbmc"
    program = root / "usr" / "bin" / name
    if not program.exists():
        return None
    libraries = "%s/usr/lib/x86_64-linux-gnu:%s/usr/lib" % (root, root)
    return [str(root / "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", libraries, str(program)]


def bound_memory():
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))


def step(words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                          timeout=LIMIT_SECONDS, preexec_fn=bound_memory)
    return done.returncode == 0, "\n".join(line for line in done.stdout.splitlines() if "SUCCESS" not in line or "VERIFICATION" in line)[-4000:]


def prove(name):
    """(proven, seconds, what was said)"""
    proof, sources, defines, left_out, options = PROOFS[name]
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="otter-proof-") as folder:
        model = os.path.join(folder, "0.gb")
        good, said = step(tool("goto-cc") + ["-I", str(ROOT / "include"), "-I", str(ROOT), *("-D" + text for text in defines), "-o", model,
                                             str(HERE / (proof + ".c")), *(str(ROOT / source) for source in sources)])
        for number, function in enumerate(left_out):
            bare, model_before = os.path.join(folder, "bare.gb"), model
            model = os.path.join(folder, "%d.gb" % (number + 1))
            if good:
                good, said = step(tool("goto-instrument") + ["--remove-function-body", function, model_before, bare])
            if good:
                good, said = step(tool("goto-instrument") + ["--generate-function-body", function, "--generate-function-body-options",
                                                             "nondet-return", bare, model])
        if good:
            try:
                good, said = step(tool("cbmc") + [model, "--drop-unused-functions", "--slice-formula", "--pointer-overflow-check", *options])
                good = good and "VERIFICATION SUCCESSFUL" in said
            except subprocess.TimeoutExpired:
                good, said = False, "not decided within %d s" % LIMIT_SECONDS
    return good, time.monotonic() - begin, said


def checks(said):
    for line in said.splitlines():
        if line.startswith("** 0 of "):
            return line.split()[3]
    return "?"


def main(names):
    if "--help" in names:
        print(__doc__)
        print("proofs: %s" % ", ".join(PROOFS))
        return 0
    unknown = [name for name in names if name not in PROOFS]
    if unknown:
        print("there is no proof %s; there are: %s" % (unknown[0], ", ".join(PROOFS)), file=sys.stderr)
        return 2
    if tool("cbmc") is None:
        print("CBMC is not here: run scripts/setup.sh proofs")
        print("0 passed, 1 failed")
        return 1
    passed, failed = 0, 0
    names = names or list(PROOFS)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, (good, seconds, said) in zip(names, pool.map(prove, names)):
            passed, failed = passed + good, failed + (not good)
            print("%s %-18s %6.1f s  %s" % ("ok  " if good else "FAIL", name, seconds, "%s checks" % checks(said) if good else "\n" + said), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
