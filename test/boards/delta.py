# SPDX-License-Identifier: Apache-2.0
"""delta.py - 1.1.0 as a patch of 1.0.0: real programs, `otter publish --delta-from`, HTTPS, emulated boards.

The server must not have sent the image, and what is in flash must be the signed file, byte by byte; then the same with
the power cut while the patch is decoded, while it is swapped in or copied, and on trial. A patch that was spoilt on the server costs a
request, and the whole image follows. Each case prints the bytes that went over the wire beside those of the image.
"""
import os
import shutil

from flash import OVERWRITE, PSOC, XIP, XMC, XMC_OVERWRITE
from harness import case, check, run
from kit import BOARD_NAMES, NEW, OLD
from story import Emulated, downloads, told

# Seconds behind that event, at the pace of real flash. A swap is short here: rows that are right already are left.
CUTS = ["download+0.15", "swap+0.1", "trial+0.05"]
TRIAL_LASTS = ["--health-ms", "2000"]  # nothing is confirmed before the cut, however slow the machine


def offer(bench, map_name, old, new, folder="www"):
    """Both releases are in the folder in turn; the second one with a patch."""
    releases = os.path.join(bench.folder, "releases")
    os.makedirs(releases, exist_ok=True)
    shutil.copy(old, os.path.join(releases, "app-%s.bin" % OLD))
    image = shutil.copy(new, os.path.join(bench.folder, "app-%s.bin" % NEW))
    run([bench.kit.otter, "publish", "--image", image, "--folder", os.path.join(bench.folder, folder), "--force", "--board",
         BOARD_NAMES[bench.kit.layout(map_name).board], "--delta-from", releases])


def sent(bench, end):
    return sum(line["bytes"] for line in bench.served() if line.get("method") == "GET" and line.get("path", "").endswith(end))


def finish(bench, board, old, new, extra=()):
    swap = board.layout.swap
    board.run("outcome=installing", "running=" + NEW if not swap else "confirmed=" + NEW, *(["reported"] if swap else []),
              image=old, extra=extra, timeout=240)
    check(board.holds(new), "the primary does not hold %s", NEW)
    check(not swap or board.keeps(old), "no fallback")


def update(bench, map_name, extra=(), pace=None):
    kit = bench.kit
    old, new = kit.app(map_name, OLD), kit.app(map_name, NEW)
    port = bench.otter_serve(bench.publish(map_name, old), "--client-ca", kit.ca())
    offer(bench, map_name, old, new)
    board = Emulated(bench, map_name, port, *(["--pace", pace] if pace else []))
    finish(bench, board, old, new, extra)
    check(board.seen(event="phase", phase="download", via="delta"), "no patch was fetched")
    check(not downloads(bench, NEW), "the whole image was fetched")
    size = len(kit.bytes(new))
    print("    %s: %d bytes of patch for an image of %d (%.1f %%)" % (map_name, sent(bench, ".delta"), size,
                                                                   100 * sent(bench, ".delta") / size), flush=True)
    return board


for _map in (PSOC, XIP, OVERWRITE, XMC, XMC_OVERWRITE):
    def telling(map_name=_map):
        @case("delta/" + map_name, "delta")
        def _(bench):
            update(bench, map_name)
            report = next(r for r in bench.reports() if r["result"] == "installing")
            check(report["via"] == "delta" and report["bytes"] == sent(bench, ".delta"), "the server was told %s", report)
    telling()

for _map in (PSOC, XIP, OVERWRITE):
    for _cut in CUTS if _map != OVERWRITE else CUTS[:2]:  # no trial there
        def cutting(map_name=_map, cut=_cut):
            @case("delta/%s/cut-%s" % (map_name, cut.split("+", maxsplit=1)[0]), "delta")
            def _(bench):
                board = update(bench, map_name, ["--power-cut-at", cut, *TRIAL_LASTS], pace="1")
                check(board.seen(event="power-cut"), "the power was not cut")
                again = len(board.seen(event="phase", phase="download", via="delta"))
                check(again == (2 if cut.startswith("download") else 1), "%d patches were fetched", again)
        cutting()


@case("delta/spoilt", "delta")
def _(bench):
    kit = bench.kit
    old, new = kit.app(PSOC, OLD), kit.app(PSOC, NEW)
    folder = bench.publish(PSOC, old)
    port = bench.otter_serve(folder, "--client-ca", kit.ca())
    offer(bench, PSOC, old, new)
    patch = next(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".delta"))
    with open(patch, "r+b") as f:
        f.seek(os.path.getsize(patch) // 2)
        byte = f.read(1)[0]
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte ^ 0x40]))
    board = Emulated(bench, PSOC, port)
    finish(bench, board, old, new)
    check([e["via"] for e in board.seen(event="phase", phase="download")] == ["delta", "image"], "no patch, then the image")
    check(len(board.seen(event="retry", via="delta")) == 1, "the patch was not given up once")
    check(len(downloads(bench, NEW)) == 1, "fetched %d times", len(downloads(bench, NEW)))
    told(bench, OLD, NEW, "confirmed")
    check([r["via"] for r in bench.reports()] == ["image", ""], "the server was told %s", bench.reports())
