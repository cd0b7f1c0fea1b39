#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""testssl.py - `make test-tls`: testssl.sh looks at `otter serve`; nothing above "low" may turn up.

The certificate itself is left out: a CA of one's own has no revocation lists, and testssl.sh would
say so. Prints what it found and "N passed, N failed".
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tool"))
os.environ.setdefault("OTTER", str(HERE.parents[1] / "build/host/otter"))
os.environ["OTTER"] = str(pathlib.Path(os.environ["OTTER"]).resolve())

from tool import OTTER, Serve, run  # noqa: E402

CHECKS = ["-p", "-s", "-f", "-P", "-h", "-U"]  # protocols, ciphers, secrecy, preferences, headers, vulnerabilities
GOOD = {"OK", "INFO", "LOW"}


def findings(folder, program, words, name):
    server = Serve(folder, "--folder", "www", "--cert", "pki/http_server.crt", "--key", "pki/http_server.key", *words)
    out = folder / (name + ".json")
    try:
        subprocess.run([program, "--quiet", "--color", "0", "--warnings", "off", *CHECKS, "--add-ca", "pki/http_ca.crt",
                        "--jsonfile", out, f"https://localhost:{server.port}/"], cwd=folder, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900, check=False)
    finally:
        server.stop()
    found = json.loads(out.read_text())
    if len(found) < 40:
        raise AssertionError(f"testssl.sh looked at little: {found}")
    return found


def main():
    program = shutil.which("testssl") or shutil.which("testssl.sh")
    if not program:
        print("skipped: testssl.sh is not installed (scripts/setup.sh load)\n0 passed, 1 failed")
        return 1
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="otter-test-") as name:
        folder = pathlib.Path(name)
        (folder / "www").mkdir()
        (folder / "www/ota_update.json").write_text("{}\n")
        run(OTTER, "certs", "--out", "pki", cwd=folder)
        for what, words in (("files", ()), ("page", ("--database", "fleet.db"))):
            found = findings(folder, program, words, what)
            for finding in found:
                severity = finding["severity"]
                # WARN: testssl.sh could not look, for lack of something (ciphers that old, engines) in its own OpenSSL
                bad = severity not in GOOD and not (severity == "WARN" and re.search(r"local OpenSSL|/openssl", finding["finding"]))
                passed, failed = passed + (not bad), failed + bad
                if severity not in ("OK", "INFO"):
                    print(f"{what}: {finding['id']} {severity}: {finding['finding']}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
