#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""jose.py - signed job documents between `otter` and two JOSE libraries of PyPI, both ways.

jwcrypto and PyJWT each run in an environment of their own ($OTTER_CACHE/venv). What `otter publish`
and `otter rollout` sign, they verify; what they sign, `otter inspect` verifies and `otter rollout` builds upon;
what is changed or signed with another algorithm, all refuse.

Environment: OTTER, OTTER_CACHE. One line per case; the last is "N passed, N failed".
"""
import base64
import json
import os
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "images")]
from images import install  # noqa: E402
from vectors import Tally, run  # noqa: E402

# Each reads lines {"do": "sign" | "verify", ...} and answers with a line: the document, the payload, or null.
WORKERS = {
    "jwcrypto==1.5.6": """
from jwcrypto import jwk, jws
def sign(pem, payload, alg):
    made = jws.JWS(payload.encode())
    made.add_signature(jwk.JWK.from_pem(pem.encode()), None, json.dumps({"alg": alg}), None)
    return made.serialize(compact=True)
def verify(pem, text):
    read = jws.JWS()
    read.deserialize(text, jwk.JWK.from_pem(pem.encode()), alg="ES256")
    return read.payload.decode()
""",
    "PyJWT[crypto]==2.10.1": """
import jwt
def sign(pem, payload, alg):
    return jwt.api_jws.encode(payload.encode(), pem, algorithm=alg)
def verify(pem, text):
    return jwt.api_jws.decode(text, pem, algorithms=["ES256"]).decode()
"""}
LOOP = """
import json, sys
%s
for line in sys.stdin:
    ask = json.loads(line)
    try:
        said = sign(ask["key"], ask["payload"], ask["alg"]) if ask["do"] == "sign" else verify(ask["key"], ask["text"])
    except Exception:
        said = None
    print(json.dumps(said), flush=True)
"""


class Library:
    def __init__(self, folder, code):
        self.process = subprocess.Popen([os.path.join(folder, "python"), "-c", LOOP % code], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, otter, folder):
        self.otter, self.folder, self.random = otter, folder, random.Random(7515)
        for name in ("image", "job", "other"):
            self.good("keygen", "--type", "ecdsa-p256", name + ".pem")
            self.good("pubkey", "--key", name + ".pem", "-o", name + ".pub")
        with open(self.path("p.bin"), "wb") as file:
            file.write(bytes(3000))
        for version in ("1.0.0", "1.1.0"):
            self.good("sign", "--key", "image.pem", "--pad-header", "--version", version, "p.bin", "app-%s.bin" % version)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def run(self, *words):
        return run(self.otter, *words, cwd=self.folder)

    def good(self, *words):
        done = self.run(*words)
        if done.returncode != 0:
            raise RuntimeError("otter %s: %s" % (" ".join(words), done.stderr.strip()))
        return done.stdout


def ours_there(tally, bench, name, library):
    public, other = bench.read("job.pub"), bench.read("other.pub")
    www = "www-" + name
    bench.good("publish", "--image", "app-1.0.0.bin", "--folder", www, "--job-key", "job.pem", "--board", "B\u00e4r \"1\"", "--rollout",
               "1%", "--message", "gr\u00fc\u00dfe \\ \u2713")
    changes = [["raise", "%d%%" % share] for share in range(2, 14)] + [["halt"], ["renew"], ["resume"]]
    for words in [None] + changes:
        if words:
            bench.good("rollout", *words, "--folder", www, "--job-key", "job.pem")
        text = bench.read(www + "/ota_update.jws").strip()
        shown = json.loads(bench.good("inspect", "--json", www + "/ota_update.jws", "--job-key", "job.pem"))
        payload = library.ask(do="verify", key=public, text=text)
        good = payload is not None and json.loads(payload) == shown["payload"]
        tally.add("%s/verifies-%s" % (name, "-".join(words or ["publish"])), good)
    tally.add("%s/refuses-another-key" % name, library.ask(do="verify", key=other, text=text) is None)
    at = bench.random.randrange(40, len(text) - 100)
    changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]
    bench.write(www + "/changed.jws", changed)
    refused = bench.run("inspect", www + "/changed.jws", "--job-key", "job.pem").returncode == 1
    tally.add("%s/both-refuse-a-changed-letter" % name, refused and library.ask(do="verify", key=public, text=changed) is None)


def theirs_here(tally, bench, name, library):
    private = bench.read("job.pem")
    folder = "theirs-" + name
    for number in range(16):
        job = {"Version": "1.0.0", "File": "/app.bin", "Sequence": number + 1, "Issued": int(time.time()), "Expires": int(time.time()) + 9999,
               "Audience": {"Board": "B"}, "Rollout": {"Permille": 10}, "Message": "x\u00fc" * bench.random.randrange(9)}
        payload = json.dumps(job, indent=bench.random.choice([None, 1]), ensure_ascii=bench.random.random() < 0.5)
        text = library.ask(do="sign", key=private, payload=payload, alg="ES256")
        bench.write(folder + "/ota_update.jws", text)
        done = bench.run("inspect", "--json", folder + "/ota_update.jws", "--job-key", "job.pub")
        shown = json.loads(done.stdout) if done.stdout else {}
        tally.add("%s/signs-%d" % (name, number), done.returncode == 0 and shown["payload"] == job and shown["verified"], done.stderr)
    bench.write(folder + "/app.bin", "anything")
    bench.good("rollout", "raise", "20%", "--folder", folder, "--job-key", "job.pem")
    made = library.ask(do="verify", key=bench.read("job.pub"), text=bench.read(folder + "/ota_update.jws").strip())
    tally.add("%s/is-built-upon" % name, made is not None and json.loads(made)["Rollout"]["Permille"] == 200)
    secret = base64.urlsafe_b64encode(bytes(32)).decode()
    for alg, key in (("ES256", bench.read("other.pem")), ("HS256", secret)):
        text = library.ask(do="sign", key=key, payload="{}", alg=alg)
        if text:  # jwcrypto takes no such key
            bench.write(folder + "/wrong.jws", text)
            refused = bench.run("inspect", folder + "/wrong.jws", "--job-key", "job.pub").returncode == 1
            tally.add("%s/%s-of-another-key-is-refused" % (name, alg), refused)


def main():
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="otter-interop-") as folder:
        bench = Bench(os.path.abspath(os.environ.get("OTTER", "build/host/otter")), folder)
        for requirement, code in WORKERS.items():
            programs, said = install(requirement)
            tally.add("install/" + requirement, programs is not None, said)
            if programs:
                library = Library(programs, code)
                name = requirement.partition("=")[0].partition("[")[0]
                ours_there(tally, bench, name, library)
                theirs_here(tally, bench, name, library)
                library.close()
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
