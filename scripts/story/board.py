# SPDX-License-Identifier: Apache-2.0
"""board.py - what the story asks of a board, whether a process or an emulated processor.

A board has a `name`, the `address` of this machine as it sees it, `first_check_ms` after its start,
`words`, a dict of what differs in the telling, and these functions:
    program(version, hangs)   write payload.bin, the unsigned program of this version
    make(server)              the device as the factory delivers it, with 1.0.0; `board` is its Board string
    run(until...)             power on until all of these happened; `events` are those of this run
    across_a_power_cut()      rejected, power cut, rejected three times more
    running()                 "1.1.0" when every byte of that image is in the primary slot, else ""
    phase(), rejected()       what the journal in flash says
"""
import json
import os
import subprocess

from story.folder import die_with_parent
from story.telling import Failed

VERSIONS = ("1.0.0", "1.1.0", "1.2.0")


class Board:
    sign_options = []

    def __init__(self, folder, flash_map):
        self.folder, self.map = folder, flash_map
        self.board, self.events = "", []

    def start(self, shown, args, until, timeout):
        """Run one of `otter`'s devices; its output is the story's. Collects the events of the run."""
        conditions = [word for condition in until for word in ("--until", condition)]
        self.folder.telling.show(" ".join(["otter", *shown, *conditions]))
        log = self.folder.path("events.jsonl")
        before = os.path.getsize(log) if os.path.exists(log) else 0
        done = subprocess.run([self.folder.otter, *args, *conditions, "--timeout", str(timeout), "--events", log],
                              cwd=self.folder.root, check=False, timeout=timeout + 20, preexec_fn=die_with_parent)
        with open(log, encoding="utf-8") as file:
            file.seek(before)
            self.events = [json.loads(line) for line in file]
        self.folder.telling.say()
        if done.returncode != 0:
            raise Failed("the device did not get there")

    def happened(self, **wanted):
        """The events of the last run that have all these values."""
        return [e for e in self.events if all(str(e.get(k)) == str(v) for k, v in wanted.items())]
