#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""vectors.py - imgtool's golden images, through the commands of the tool.

Each is taken or refused as recipes.txt has it, and `otter sign` makes the same bytes from the
same inputs (ECDSA and RSA-PSS signatures are random: all else is compared, and they verify).

Environment: OTTER, the tool. Prints one line per case; the last is "N passed, N failed".
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import build  # noqa: E402
import compare  # noqa: E402

KEYS = os.path.join(os.path.dirname(HERE), "keys")
TRUSTED = ["ecdsa-p256", "ed25519", "rsa-2048", "rsa-3072"]
# What `otter sign` does not make.
NOT_OURS = ("-E ", "--sha", "--pure", "--compression", "p384", "--boot-record", "--vid", "-e big",
            "--non-bootable", "--pad-sig")


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, name, good, detail=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print("%s %s%s" % ("ok  " if good else "FAIL", name, " (%s)" % detail if detail else ""), flush=True)

    def finish(self):
        print("%d passed, %d failed" % (self.passed, self.failed))
        return 1 if self.failed else 0


def run(*words, cwd=None):
    return subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)


def key(name):
    return os.path.join(KEYS, "not-secret-%s.pem" % name)


def check_verdicts(tally, otter, folder):
    trust = [word for name in TRUSTED for word in ("--key", key(name))]
    for image in build.load():
        path = os.path.join(folder, image.name)
        done = run(otter, "verify", "--json", *trust, path)
        found = json.loads(done.stdout)
        verdict = "accept" if found["ok"] else found["fault"]
        good = verdict == image.ours and done.returncode == (0 if verdict == "accept" else 1)
        note = verdict if (verdict == "accept") == (image.upstream == "accept") else "%s; MCUboot: %s" % (verdict, image.upstream)
        tally.add("verdict/" + image.name, good, note)
        shown = run(otter, "inspect", "--json", path)
        json.loads(shown.stdout)
        tally.add("inspect/" + image.name, shown.returncode in (0, 1) and not shown.stderr)


def sign_words(why, output):
    """The `otter sign` command of an `imgtool sign` command."""
    words = shlex.split(why)[2:]
    out = [] if "--align" in words else ["--align", "1"]
    if "-k" not in words:
        out.append("--unsigned")
    while words:
        word = words.pop(0)
        if word == "-k":
            out += ["--key", os.path.join(KEYS, words.pop(0))]
        elif word == "--custom-tlv":
            out += ["--custom-tlv", words.pop(0) + "=" + words.pop(0)]
        else:
            out.append(word)
    out[-1] = output
    return out


def check_signing(tally, otter, folder):
    with tempfile.TemporaryDirectory(prefix="otter-images-") as scratch:
        for image in build.load():
            if not image.why.startswith("imgtool sign") or any(word in image.why for word in NOT_OURS):
                continue
            output = os.path.join(scratch, "out." + image.name.rsplit(".", 1)[1])
            with open(os.path.join(folder, image.name), "rb") as golden:
                wanted = golden.read()
            same = None
            for _ in range(200):
                done = run(otter, "sign", *sign_words(image.why, output), cwd=folder)
                if done.returncode != 0:
                    same = False
                    break
                with open(output, "rb") as made:
                    same = compare.same_but_signature(output, wanted, made.read())
                if same is not None:
                    break
            tally.add("sign/" + image.name, same, done.stderr.strip())


def check_vectors(tally, otter):
    with tempfile.TemporaryDirectory(prefix="otter-images-") as folder:
        build.main(folder)
        check_verdicts(tally, otter, folder)
        check_signing(tally, otter, folder)


def main():
    tally = Tally()
    check_vectors(tally, os.path.abspath(os.environ["OTTER"]))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
