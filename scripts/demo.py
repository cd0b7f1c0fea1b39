#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo.py - one device, three firmwares, one of them bad: told step by step, and checked.

usage: scripts/demo.py [--board host] OTTER [MAP]
       scripts/demo.py --board FIRMWARE OTTER [MAP]

OTTER is the built command, MAP one of the flash maps. FIRMWARE is the folder of a board's built
firmware (build/qemu-psoc62, build/qemu-xmc7200): the story is then played on that emulated board,
else on the host board. Everything happens in a folder of its own and on free ports; it is removed
at the end (and kept when a check fails). Each step is checked three times: by what the device
said, by the bytes in its flash file, and by what the server saw. Exit 0 only if every check held.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from story.emulated_board import EmulatedBoard
from story.folder import Folder
from story.host_board import HostBoard
from story.steps import Story
from story.telling import Failed, Telling


def play(telling, otter, board, flash_map, root):
    """0: every check held. 1: not, and `root` should be kept."""
    begin = time.monotonic()
    story = None
    try:
        folder = Folder(telling, otter, root)
        device = HostBoard(folder, flash_map) if board == "host" else EmulatedBoard(folder, flash_map, board)
        story = Story(telling, folder, device)
        story.play()
        telling.say()
        telling.say(telling.paint("32;1", f"Done: {telling.checks} checks, and all of them held, "
                                          f"in {time.monotonic() - begin:.0f} s."))
        telling.say("The device runs 1.1.0" + ("; this map has no revert to show." if story.overwrite
                                               else ", and 1.2.0 will not come back."))
        return 0
    except (Failed, OSError, KeyError, IndexError, ValueError, StopIteration, subprocess.TimeoutExpired) as error:
        telling.say()
        telling.say(telling.paint("31;1", "The demo stopped: ") + (str(error) if isinstance(error, Failed) else repr(error)))
        telling.say(f"Its folder is kept for you to look at: {root}")
        return 1
    finally:
        if story:
            story.server.stop()


def main():
    args = sys.argv[1:]
    board = "host"
    if args[:1] == ["--board"] and len(args) > 1:
        board = args[1] if args[1] == "host" else os.path.abspath(args[1])
        args = args[2:]
    if len(args) not in (1, 2) or args[0].startswith("-"):
        print(__doc__)
        return 0 if "--help" in args else 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    flash_map = args[1] if len(args) == 2 else "psoc62_2m_ext_swap_single"
    root = tempfile.mkdtemp(prefix="otter-demo-")
    keep = False
    try:
        code = play(Telling(), os.path.abspath(args[0]), board, flash_map, root)
        keep = code == 1
        return code
    except KeyboardInterrupt:
        print()
        return 130
    finally:
        if not keep:
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
