# SPDX-License-Identifier: Apache-2.0
"""signed.py - signed jobs through real TLS: the story, and the attacks of SECURITY.md's table.

Documents are made with openssl and base64, as docs/signing-jobs.md shows it; test/unit/test_jws.c and
test_signed_job.c go through many more of each kind.
"""
import base64
import json
import os
import time

from harness import BOARD, IMAGE, case, check, run, sha256

SIGNED = "/ota_update.jws"
NOW = int(time.time())


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def raw_signature(der):
    """r and s, 32 bytes each, of what openssl writes."""
    def integer(at):
        size = der[at + 1]
        return der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0"), at + 2 + size
    r, at = integer(2)
    s, _ = integer(at)
    return r + s


class Signer:
    def __init__(self, bench):
        self.bench = bench
        self.number = 0

    def sign(self, payload, key="job", header=b'{"alg":"ES256"}'):
        self.number += 1
        text = b64(header) + b"." + b64(payload)
        path = os.path.join(self.bench.folder, "signed-%d" % self.number)
        with open(path, "wb") as file:
            file.write(text)
        der = run(["openssl", "dgst", "-sha256", "-sign", self.bench.kit.key(key), path]).stdout
        return text + b"." + b64(raw_signature(der)) + b"\n"

    def job(self, image, version="1.1.0", **changes):
        data = self.bench.kit.bytes(image)
        job = {"Version": version, "File": IMAGE, "Size": len(data), "SHA256": sha256(data), "Sequence": 10,
               "Issued": NOW, "Expires": NOW + 86400, "Audience": {"Board": BOARD}}
        job.update(changes)
        return json.dumps({key: value for key, value in job.items() if value is not None}).encode()


class Stage:
    """A device that takes signed jobs only, and a server with a document for it."""

    def __init__(self, bench, image, *options):
        self.signer = Signer(bench)
        self.server = bench.serve(image)
        self.device = bench.device(self.server, "--job-key", bench.kit.pub("job"), *options)

    def offer(self, document, image=None):
        if image:
            self.server.files[IMAGE] = self.device.bench.kit.bytes(image)
        self.server.files[SIGNED] = document
        return len(self.device.events)

    def expect(self, outcome, document, image=None):
        after = self.offer(document, image)
        event = self.device.wait_event(lambda e: e.get("event") == "outcome" and e["outcome"] == outcome, after=after)
        check(event, "%s did not come", outcome)

    def fetched(self):
        return [r for r in self.server.requests() if r["path"] == IMAGE]


@case("signed/story", "signed")
def _(bench):
    """Installed, confirmed, and neither the same version's old job nor an older one goes back."""
    image = bench.kit.image("1.1.0", 9000)
    stage = Stage(bench, image, "--hardware-revision", 3)
    sign, job = stage.signer.sign, stage.signer.job
    stage.offer(sign(job(image, Audience={"Board": BOARD, "HardwareMin": 2, "HardwareMax": 3})))
    stage.device.start(until="outcome=current,count=2").finish()
    check(any(b'"result":"confirmed"' in body and b'"sequence":10}' in body for body in stage.server.reports),
          "reports: %s", stage.server.reports)
    ids = [json.loads(body)["id"] for body in stage.server.reports]
    check(len(set(ids)) == len(ids), "reports with one id: %s", ids)
    other = bench.kit.image("1.2.0", 9000)
    stage.offer(sign(job(other, "1.2.0", Sequence=9)), other)
    stage.device.start(until="outcome=replayed,count=2").finish()
    check("installing" not in stage.device.outcomes()[-4:], "outcomes: %s", stage.device.outcomes())


@case("signed/attacks", "signed")
def _(bench):
    image = bench.kit.image("1.1.0", 9000)
    stage = Stage(bench, image)
    sign, job = stage.signer.sign, stage.signer.job
    good = sign(job(image))
    header, payload, signature = good.strip().split(b".")
    stage.offer(b"")
    stage.device.start(until="confirmed=1.1.0", timeout=60)
    for document in (job(image), sign(job(image), key="key"), sign(job(image), header=b'{"alg":"none"}'),
                     b64(b'{"alg":"none"}') + b"." + payload + b".", header + b"." + payload + b".",
                     sign(job(image), header=b'{"alg":"ES256","crit":["b64"],"b64":false}'),
                     sign(job(image), header=b'{"alg":"HS256"}'), good[:-20], good[:100] + b"A" + good[101:],
                     header + b"." + b64(job(image, Sequence=11)) + b"." + signature):
        stage.expect("unsigned", document)
    stage.expect("not-for-us", sign(job(image, Audience={"Board": "other"}, Sequence=4000000000)))
    stage.expect("expired", sign(job(image, Issued=NOW - 200, Expires=NOW - 100, Sequence=4000000000)))
    stage.expect("bad-job", sign(job(image, Expires=None)))
    stage.expect("bad-job", sign(job(image)) + b"A" * 100000)
    check(not stage.fetched(), "an image was fetched: %s", stage.fetched())
    stage.expect("older", sign(job(image, "0.9.0", Sequence=12)))
    stage.expect("replayed", good)
    other = bench.kit.image("1.1.0", 9000, seed=2)  # genuine, another file than the job's
    stage.expect("bad-image", sign(job(image, Sequence=13)), other)
    misused = bench.kit.image("1.1.0", 9000, key="job")  # the job's key signs no image
    stage.expect("bad-image", sign(job(misused, Sequence=14)), misused)
    stage.offer(sign(job(image, Sequence=15)), image)
    stage.device.finish()


@case("signed/rollout", "signed")
def _(bench):
    """Nobody's turn; a ring's; a time's; and a halt that comes before."""
    image = bench.kit.image("1.1.0", 9000)
    stage = Stage(bench, image, "--ring", "beta", "--device-id", "d")
    sign, job = stage.signer.sign, stage.signer.job
    stage.offer(sign(job(image, Rollout={"Permille": 0, "Salt": "x"})))
    stage.device.start()
    stage.expect("waiting", sign(job(image, Sequence=11, Rollout={"Permille": 0, "Salt": "x", "Rings": "alpha"})))
    stage.expect("waiting", sign(job(image, Sequence=12, Rollout={"Permille": 1000, "Salt": "x", "Start": NOW + 9000})))
    stage.expect("too-old", sign(job(image, Sequence=13, MinVersion="1.0.1")))
    check(not stage.fetched(), "an image was fetched: %s", stage.fetched())
    stage.offer(sign(job(image, Sequence=14, Rollout={"Permille": 0, "Salt": "x", "Rings": "alpha,beta"})))
    stage.device.finish()


@case("signed/who-asks", "signed")
def _(bench):
    """The token and the running version are in every request; the token stays out of the log of events."""
    image = bench.kit.image("1.1.0", 9000)
    token = os.path.join(bench.folder, "token")
    with open(token, "w", encoding="ascii") as file:
        file.write("s3cret-of-this-device\n")
    stage = Stage(bench, image, "--token-file", token)
    stage.offer(stage.signer.sign(stage.signer.job(image)))
    stage.device.start(until="confirmed=1.1.0").finish()
    requests = stage.server.requests()
    check(all(r["headers"].get("authorization") == "Bearer s3cret-of-this-device" for r in requests), "%s", requests)
    agents = [r["headers"].get("user-agent") for r in requests]
    check(set(agents) == {"otter app/1.0.0", "otter app/1.1.0"}, "user agents: %s", set(agents))
    check("s3cret" not in json.dumps(stage.device.events), "the token is in the events")
