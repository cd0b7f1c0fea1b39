# SPDX-License-Identifier: Apache-2.0
"""lying_direct.py - direct flow: no job document, the image's own header decides."""
from harness import IMAGE, JOB, case, check
from lying import completes, lied, status


def direct(name):
    return case("lying/direct-" + name, "lying-direct")


OPTIONS = ["--image-path", IMAGE]


def honest(connection, request):
    return connection.write(connection.honest(request))


@direct("update")
def _(bench):
    server, device = completes(bench, honest, options=OPTIONS)
    check(not server.requests(JOB), "a job document was asked for")
    device.start("outcome=current,count=2").finish()


@direct("update-in-ranges")
def _(bench):
    completes(bench, honest, options=[*OPTIONS, "--range", "4096"])


def offered(name, expect, make):
    """Instead of the right image, `make(bench)` (a path) lies there, until it has been refused."""
    @direct(name)
    def _(bench):
        wrong = make(bench)
        server, _, _, _ = lied(bench, honest, expect, image=wrong, good=bench.kit.image("1.1.0", 60000), options=OPTIONS)
        check(not server.requests(JOB), "a job document was asked for")


def junk(bench):
    path = bench.folder + "/junk.bin"
    with open(path, "wb") as f:
        f.write(b"not an image " * 5000)
    return path


def cut(bench):
    path = bench.folder + "/cut.bin"
    with open(path, "wb") as f:
        f.write(bench.kit.bytes(bench.kit.image("1.1.0", 60000))[:-100])
    return path


offered("older", ["older"], lambda b: b.kit.image("0.9.0", 60000))
offered("equal", ["current"], lambda b: b.kit.image("1.0.0", 60000))
offered("other-key", ["bad-image"], lambda b: b.kit.image("1.1.0", 60000, key="stranger"))
offered("junk", ["bad-image"], junk)
offered("cut", ["bad-image"], cut)


@direct("404")
def _(bench):
    lied(bench, status(404), ["server"], options=OPTIONS, http_status=404)


@direct("rejected")
def _(bench):
    """A bad image is reverted, and its header is enough not to fetch it again."""
    bad = bench.kit.image("1.1.0", 600000, behave="hang")
    server = bench.serve(bad)
    device = bench.device(server, *OPTIONS)
    primary = device.find_primary()
    device.start("outcome=rejected,count=3", timeout=40).finish(50)
    check(device.holds(primary, device.image), "the old image is not back")
