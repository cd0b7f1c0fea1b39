# SPDX-License-Identifier: Apache-2.0
"""rollout.py - an operator's day: `otter publish`, `otter rollout` and `otter serve`, and devices that follow.

docs/rollouts.md tells it. Places among a thousand are worked out here from salt and device id, as anybody can.
"""
import hashlib
import json
import os
import time

from harness import BOARD, Failed, case, check, run

SALT = "an operator's day"


def device_id(low, high):
    """A name whose place among a thousand is from low to below high."""
    number = 0
    while not low <= int.from_bytes(hashlib.sha256((SALT + "d%d" % number).encode()).digest()[:4], "big") % 1000 < high:
        number += 1
    return "d%d" % number


class Operator:
    """A folder, a server for it, and the commands."""

    def __init__(self, bench):
        self.bench, self.www = bench, os.path.join(bench.folder, "www")
        os.makedirs(self.www)
        self.url = self.serve(bench.kit.certs())

    def serve(self, certs):
        log = os.path.join(self.bench.folder, "serve.log")
        with open(log, "wb") as out:
            self.bench.spawn([self.bench.kit.otter, "serve", "--json", "--port", "0", "--folder", self.www, "--cert",
                              certs + "/http_server.crt", "--key", certs + "/http_server.key"], stdout=out, stderr=out)
        for _ in range(200):
            with open(log, encoding="utf-8") as said:
                first = said.readline()
            if first.endswith("\n"):
                return "https://127.0.0.1:%d" % json.loads(first)["port"]
            time.sleep(0.05)
        raise Failed("`otter serve` did not start: %s" % first)

    def publish(self, image, *words):
        run([self.bench.kit.otter, "publish", "--image", image, "--folder", self.www, "--job-key", self.bench.kit.key("job"),
             "--board", BOARD, "--salt", SALT, *words])

    def rollout(self, *words, ok=True):
        return run([self.bench.kit.otter, "rollout", *words, "--folder", self.www, "--job-key", self.bench.kit.key("job")], ok=ok)

    def device(self, place, *options):
        made = self.bench.device(self.url, "--job-key", self.bench.kit.pub("job"), "--device-id", device_id(*place), *options)
        made.primary = made.find_primary()
        return made.start(until="confirmed=1.1.0", timeout=60)


def waits(device):
    """Twice from now on: the first may be of the document before."""
    after = len(device.events)
    for _ in range(2):
        device.wait_event(lambda e: e.get("outcome") == "waiting", after=after)
        after = len(device.events)


@case("rollout/an-operator-s-day", "rollout")
def _(bench):
    image = bench.kit.image("1.1.0", 9000)
    operator = Operator(bench)

    def updated(device):
        device.finish(60)
        check(device.holds(device.primary, image), "the primary does not hold the new image")

    operator.publish(image, "--rollout", "1%", "--ring", "office")
    office = operator.device((900, 1000), "--ring", "office")
    early = operator.device((10, 100))
    late = operator.device((500, 900))
    updated(office)
    waits(early)
    waits(late)
    operator.rollout("raise", "10%")
    updated(early)
    waits(late)
    operator.rollout("halt", "--message", "a smell of smoke")
    another = operator.device((0, 10))
    waits(another)
    refused = operator.rollout("raise", "50%", ok=False)
    check(refused.returncode == 1, "a halted rollout was raised")
    operator.rollout("resume")
    updated(another)
    waits(late)
    operator.rollout("raise", "100%")
    updated(late)
    check(not set(late.outcomes()) - {"waiting", "installing", "confirmed"}, "outcomes: %s", set(late.outcomes()))


@case("rollout/halt-before-the-first-and-a-fixed-release", "rollout")
def _(bench):
    """A halted release is replaced by a fixed one; devices go there straight away."""
    operator = Operator(bench)
    operator.publish(bench.kit.image("1.1.0", 9000), "--rollout", "50%")
    operator.rollout("halt")
    device = operator.device((0, 10))
    waits(device)
    check(device.find_primary() == device.primary, "a halted release was taken")
    device.kill()
    fixed = bench.kit.image("1.2.0", 9000)
    operator.publish(fixed, "--rollout", "50%")
    device.start(until="confirmed=1.2.0", timeout=60).finish(60)
    check(device.holds(device.primary, fixed), "the primary does not hold the fixed image")
