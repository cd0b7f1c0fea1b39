#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The entries of .vscode: every make target, task and path that they name exists, and the debugger
does what `make gdb` does."""
import json
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import debug  # noqa: E402

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BOARDS = (ROOT / "cmake/boards.cmake").read_text(encoding="utf-8")


def read(name):
    return json.loads((ROOT / ".vscode" / name).read_text(encoding="utf-8"))


def strings(value):
    """Every string in a JSON value."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in strings(part)]


def is_built(path):
    """Is this path of build/ one that a preset, a board's flash map and the list of versions make?"""
    found = re.fullmatch(r"build/([\w-]+)/(bootloader|ota-https)-(\w+?)(?:-(\d\.\d\.\d))?\.elf", path)
    if not found:
        return path == "build/host/otter"
    board, program, flash_map, version = found.groups()
    maps = re.search(r"set\(BOARD_MAPS ([^)]*)\)", (ROOT / "board" / board / "board.cmake").read_text(encoding="utf-8"))
    versions = re.search(r'OTTER_APP_VERSIONS "([^"]*)"', BOARDS).group(1)
    known = version is None if program == "bootloader" else f"{version}:" in versions
    return flash_map in maps.group(1).split() and known


class VsCode(unittest.TestCase):
    def test_every_task_is_a_make_target(self):
        tasks = {task["label"]: task["command"] for task in read("tasks.json")["tasks"]}
        self.assertLessEqual({"build", "test", "firmware", "demo", "emulate"}, set(tasks))
        for label, command in tasks.items():
            target = re.fullmatch(r"make ([\w-]+)", command)
            self.assertTrue(target, label)
            self.assertRegex(MAKEFILE, rf"(?m)^(?:[\w -]+ )?{target.group(1)}(?: [\w -]+)?:", label)

    def test_every_launch_entry_names_a_task_and_a_debugger(self):
        labels = [task["label"] for task in read("tasks.json")["tasks"]]
        for entry in read("launch.json")["configurations"]:
            self.assertIn(entry["preLaunchTask"], labels)
            self.assertEqual((entry["type"], entry["miDebuggerPath"]), ("cppdbg", "gdb-multiarch"))

    def test_every_path_exists_or_is_built(self):
        paths = [path for name in ("tasks.json", "launch.json") for text in strings(read(name))
                 for path in re.findall(r"\$\{workspaceFolder\}/([\w./-]+)", text)]
        self.assertGreater(len(paths), 2)
        for path in paths:
            self.assertTrue(is_built(path) if path.startswith("build/") else (ROOT / path).exists(), path)

    def test_the_debugger_does_what_make_gdb_does(self):
        entry = read("launch.json")["configurations"][0]
        bootloader, application = debug.programs("${workspaceFolder}/build/qemu-psoc62", "psoc62_2m_ext_swap_single", "1.0.0")
        self.assertEqual(entry["program"], bootloader)
        self.assertEqual([command["text"] for command in entry["setupCommands"]], [f"add-symbol-file {application}"])
        self.assertEqual([command["text"] for command in entry["postRemoteConnectCommands"]], debug.BREAKPOINTS)
        self.assertIn(f"localhost:{debug.PORT}", entry["miDebuggerServerAddress"])

    def test_the_task_ends_its_start_when_the_board_waits(self):
        task = next(task for task in read("tasks.json")["tasks"] if task["label"] == "emulate")
        pattern = task["problemMatcher"]["background"]["endsPattern"]
        self.assertRegex((ROOT / "scripts/debug.py").read_text(encoding="utf-8"), rf'print\(f".*{pattern}')


if __name__ == "__main__":
    unittest.main()
