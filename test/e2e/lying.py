# SPDX-License-Identifier: Apache-2.0
"""lying.py - the two plots of a lying-server case.

`lied`: the server lies until the device names the expected outcome; nothing of the lie is installed;
then the server turns honest and the update completes, checked by the hash of the primary in flash.
`completes`: the server is odd but the update is possible, and happens with no other outcome than the
ones allowed. A behaviour is (connection, request) -> keep?; see lying_server.py.
"""
import time

import harness
from harness import IMAGE, JOB, check

FINE = {"none", "current", "installing", "confirmed", "deferred"}
SIZE = 60000


def only(path, lie):
    """Lie about one path, be honest about the rest."""
    def behave(connection, request):
        if request.path.partition("?")[0] != path or request.method == "POST":
            return connection.write(connection.honest(request))
        connection.server.lies.append(time.monotonic())
        return lie(connection, request)
    return behave


def bent(change):
    """The honest answer after `change(answer, request)`."""
    def lie(connection, request):
        answer = connection.honest(request)
        changed = change(answer, request)
        return connection.write(changed if changed is not None else answer)
    return lie


def status(code, *headers, body=b"sorry"):
    """Always this status."""
    def change(answer, _):
        answer.status, answer.reason, answer.body = code, "As asked", body
        answer.headers = [("Content-Length", str(len(body))), *headers]
    return bent(change)


def raw(data, close=True):
    """These bytes in place of an answer."""
    def lie(connection, _):
        connection.send(data)
        return not close
    return lie


def after_cut(lie, at=0.5, close=True):
    """The first answer breaks off at `at` of the body; requests with a Range are lied to."""
    def whole(connection, request):
        server = connection.server
        answer = connection.honest(request)
        if "range" in request.headers:
            server.lies.append(time.monotonic())
            return lie(connection, request)
        if server.cuts >= 1:
            return connection.write(answer)
        server.cuts += 1
        connection.write(answer, upto=int(len(answer.body) * at))
        return False
    return whole


def named(event):
    return event.get("event") in ("outcome", "retry") and event.get("outcome") not in (None, "none")


def stage(bench, lie, path, options, image, job, secure, map_name=harness.PSOC):
    image = image or bench.kit.image("1.1.0", SIZE)
    server = bench.serve(image, job, secure=secure)
    server.lies, server.cuts = [], 0
    server.behaviour = only(path, lie) if path else lie
    device = bench.device(server, *options, map_name=map_name)
    return image, server, device, device.find_primary()


def installed(events):
    """Did the bootloader begin to install something?"""
    return any(e.get("from") == "boot" and e.get("event") in ("swap", "overwrite", "trial") for e in events)


def lied(bench, lie, expect, path=IMAGE, options=(), image=None, job=None, secure=True, skip=(), good=None,
         http_status=None, heal=None, within=15, map_name=harness.PSOC):
    """`skip`: outcomes that may come before the expected one. `good`: the image served after healing."""
    image, server, device, primary = stage(bench, lie, path, options, image, job, secure, map_name)
    begin = time.monotonic()
    device.start()
    event = device.wait_event(lambda e: named(e) and e["outcome"] not in skip, timeout=within)
    took = time.monotonic() - begin
    check(event["outcome"] in expect, "outcome %s, expected %s", event["outcome"], " or ".join(expect))
    check(http_status is None or event.get("http_status") == http_status,
          "http_status %s, expected %s", event.get("http_status"), http_status)
    check(not installed(device.events), "something was installed during the lie")
    check(device.holds(primary, device.image), "the old image is not in the primary any more")
    good = good or image
    server.files[IMAGE], server.files[JOB] = bench.kit.bytes(good), bench.job(good)
    (heal or server.heal)()
    device.finish()
    check(device.holds(primary, good), "the primary does not hold the new image")
    return server, device, event, took


def completes(bench, lie, path=IMAGE, allow=(), options=(), image=None, job=None, secure=True, good=None,
              map_name=harness.PSOC):
    image, server, device, primary = stage(bench, lie, path, options, image, job, secure, map_name)
    device.start()
    device.finish()
    odd = [o for o in device.outcomes() if o not in FINE and o not in allow]
    check(not odd, "outcomes on the way: %s", " ".join(odd))
    check(device.holds(primary, good or image), "the primary does not hold the new image")
    return server, device


def never(bench, expect, job=None, image=None, options=(), honest=None, count=3):
    """What this device must not take is offered: `expect`, `count` times, nothing written; then an honest job."""
    image = image or bench.kit.image("1.1.0", SIZE)
    server = bench.serve(image, job)
    device = bench.device(server, *options)
    primary = device.find_primary()
    device.start("outcome=%s,count=%d" % (expect, count)).finish()
    check(set(device.outcomes()) <= {expect}, "outcomes: %s", " ".join(device.outcomes()))
    check(not installed(device.events), "something was installed")
    check(device.holds(primary, device.image), "the old image is not in the primary any more")
    fetched = len(server.requests(IMAGE))
    server.files[JOB] = bench.job(image, **(honest or {}))
    device.start().finish()
    check(device.holds(primary, image), "the primary does not hold the new image")
    return fetched
