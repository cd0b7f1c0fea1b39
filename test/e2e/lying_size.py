# SPDX-License-Identifier: Apache-2.0
"""lying_size.py - images of sizes at which things go wrong: 1 byte to one byte too many."""
import json

import harness
from harness import IMAGE, case, check, run
from lying import completes, lied


def size(name):
    return case("lying/size-" + name, "lying-size")


def honest(connection, request):
    return connection.write(connection.honest(request))


def limit(bench, map_name):
    """The largest image of this map, from the tool."""
    done = run([bench.kit.otter, "flashmap", "show", "--json", map_name])
    return find(json.loads(done.stdout), "image_size_max")


def find(tree, key):
    if isinstance(tree, dict):
        if key in tree:
            return tree[key]
        tree = list(tree.values())
    for part in tree if isinstance(tree, list) else ():
        found = find(part, key)
        if found is not None:
            return found
    return None


def bytes_only(count):
    """A file of `count` bytes that is no image: the length alone must not confuse anybody."""
    def plot(bench, options):
        path = bench.folder + "/small.bin"
        with open(path, "wb") as f:
            f.write(b"\x3d\xb8\xf3\x96"[:count] + b"\0" * max(0, count - 4))
        lied(bench, honest, ["bad-image"], job=bench.job(path), image=path, options=options,
             good=bench.kit.image("1.1.0", 60000))
    return plot


def exact(total):
    def plot(bench, options):
        image = bench.kit.image_of_total(total)
        completes(bench, honest, image=image, options=options)
    return plot


for _count in (1, 2, 31, 32, 33, 1023, 1024, 1025):
    def small(count=_count):
        @size("%d" % count)
        def _(bench):
            bytes_only(count)(bench, ())
    small()
for _total in (4095, 4096, 4097, 8191, 8192, 8193, 16 * 4096 + 1, 33 * 4096 + 1, 262143, 262144, 262145):
    def whole(total=_total):
        @size("%d" % total)
        def _(bench):
            exact(total)(bench, ())
    whole()
for _total in (4095, 4096, 4097, 16 * 4096 + 1):
    def in_ranges(total=_total):
        @size("%d-in-ranges" % total)
        def _(bench):
            """4096 bytes per request, as the replaced agent asks."""
            exact(total)(bench, ["--range", "4096"])
    in_ranges()


def at_limit(name, map_name, over, with_size):
    @size(name)
    def _(bench):
        most = limit(bench, map_name)
        check(most, "`otter flashmap show --json %s` names no image_size_max", map_name)
        image = bench.kit.image_of_total(most + over)
        job = bench.job(image) if with_size else bench.job(image, Size=None, SHA256=None)
        if over:
            lied(bench, honest, ["too-large"], job=job, image=image, map_name=map_name,
                 good=bench.kit.image("1.1.0", 60000))
        else:
            completes(bench, honest, job=job, image=image, map_name=map_name)


for _map, _short in ((harness.PSOC, "psoc62"), (harness.XMC, "xmc")):
    at_limit("slot-limit-" + _short, _map, 0, True)
    at_limit("slot-limit-no-size-" + _short, _map, 0, False)
    at_limit("one-over-" + _short, _map, 1, True)
    at_limit("one-over-no-size-" + _short, _map, 1, False)


@size("one-over-chunked")
def _(bench):
    """Nobody says how long it is: the slot's limit still holds."""
    most = limit(bench, harness.PSOC)
    image = bench.kit.image_of_total(most + 1)

    def lie(connection, request):
        answer = connection.honest(request).set("Content-Length", None).set("Transfer-Encoding", "chunked")
        body = answer.body
        answer.body = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 16000]), body[at:at + 16000])
                               for at in range(0, len(body), 16000)) + b"0\r\n\r\n"
        return connection.write(answer)
    lied(bench, lie, ["too-large"], path=IMAGE, job=bench.job(image, Size=None, SHA256=None),
         image=image, good=bench.kit.image("1.1.0", 60000))
