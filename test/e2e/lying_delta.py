# SPDX-License-Identifier: Apache-2.0
"""lying_delta.py - a server that lies about a patch: a device takes it, or the whole image, never anything else."""
import hashlib
import struct

from harness import IMAGE, case, check, run, sha256
from lying import SIZE, after_cut, bent, named, only, raw, status

PATCH = "/app.delta"


def image_hash(data):
    header, protected, payload = struct.unpack_from("<HHI", data, 8)
    return hashlib.sha256(data[:header + payload + protected]).hexdigest()


def offered(bench, seed, change):
    """(old image, new image, server): both ways are offered. Another seed: nothing is alike, a long patch."""
    kit = bench.kit
    old, new = kit.image("1.0.0", SIZE), kit.image("1.1.0", SIZE, seed=seed)

    def make():
        run([kit.otter, "delta", "make", old, new, "--output", kit.path("patch-%d.delta" % seed)])
        return kit.path("patch-%d.delta" % seed)
    patch = kit.bytes(kit.once("patch:%d" % seed, make))
    entry = {"From": image_hash(kit.bytes(old)), "File": PATCH, "Size": len(patch), "SHA256": sha256(patch)}
    entry.update(change)
    server = bench.serve(new, bench.job(new, Deltas=[{"From": "0" * 64, "File": "/x", "Size": 1}, entry]))
    server.files[PATCH] = patch
    return old, new, server


def update(bench, lie, via, seed=1, change=(), allow=(), options=()):
    old, new, server = offered(bench, seed, dict(change))
    server.lies, server.cuts = [], 0
    server.behaviour = only(PATCH, lie) if lie else None
    device = bench.device(server, *options, image=old)
    primary = device.find_primary()
    device.start()
    device.finish()
    check(device.holds(primary, new), "the primary does not hold the new image")
    came = [e["via"] for e in device.events if e.get("outcome") == "installing"]
    check(came == [via], "it came by %s, not by %s", came, via)
    fetched = len(server.requests(IMAGE))
    check(fetched == (via == "image"), "the whole image was asked for %d times", fetched)
    odd = {e["outcome"] for e in device.events if named(e) and e.get("event") == "retry"} - set(allow)
    check(not odd, "outcomes on the way: %s", odd)


def delta(name):
    return case("lying/delta-" + name, "lying-delta")


def given_up(name, lie, outcome="bad-image", **more):
    @delta(name)
    def _(bench):
        update(bench, lie, "image", allow=[outcome], **more)


def taken(name, lie, allow=(), **more):
    @delta(name)
    def _(bench):
        update(bench, lie, "delta", allow=allow, **more)


def body(change):
    def changed(answer, _):
        answer.body = change(answer.body)
        answer.headers = [(k, v) for k, v in answer.headers if k != "Content-Length"] + [("Content-Length", str(len(answer.body)))]
    return bent(changed)


taken("honest", None)
taken("honest-long", None, seed=2)
taken("ranges", None, seed=2, options=["--range", "5000"])
for _code in (400, 403, 404, 410):
    given_up("status-%d" % _code, status(_code), "server")
given_up("page", body(lambda b: b"<html>not found</html>"))
given_up("noise-of-its-size", body(lambda b: bytes((i * 37) & 255 for i in range(len(b)))))
given_up("one-bit", body(lambda b: b[:len(b) // 2] + bytes([b[len(b) // 2] ^ 1]) + b[len(b) // 2 + 1:]))
given_up("one-bit-of-a-long-one", body(lambda b: b[:len(b) // 2] + bytes([b[len(b) // 2] ^ 1]) + b[len(b) // 2 + 1:]), seed=2)
given_up("cut-short", body(lambda b: b[:-5]))
given_up("longer", body(lambda b: b + b"more"))
given_up("no-http", raw(b"hello\r\n\r\n"), "server")
given_up("another-size-in-the-job", None, change={"Size": 100})


def honest(connection, request):
    return connection.write(connection.honest(request))


for _at in (0.0, 0.1, 0.5, 0.99):
    taken("break-at-%d" % (100 * _at), after_cut(honest, _at), ["unreachable"], seed=2)


def whole_again(connection, request):
    """200 and everything, where a range was asked for."""
    request.headers.pop("range", None)
    return connection.write(connection.honest(request))


taken("200-in-place-of-206", after_cut(whole_again), ["unreachable"], seed=2)
