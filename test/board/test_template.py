#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/check_board.py on board/template: whole, and with each function taken out or changed.

Environment: OTTER names the built command. Needs arm-none-eabi-gcc.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import check_board  # noqa: E402  (its list of functions; a second list could only fall behind)

FUNCTIONS = check_board.declared(check_board.HEADER)


def check(folder):
    done = subprocess.run([sys.executable, ROOT / "scripts/check_board.py", "--otter", os.environ["OTTER"], str(folder)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120)
    return done.returncode, done.stdout


def definition(text, name):
    """Where a function of a C file begins and ends, its comment left alone."""
    return re.search(rf"^[\w][\w \*]*?\b{name}\((.*?)\)\n{{\n.*?^}}\n", text, re.M | re.S)


class Copy:
    """A copy of the template in which one function was changed."""
    def __init__(self, change, name):
        self.holder = tempfile.TemporaryDirectory(prefix="otter-template-")
        self.folder = pathlib.Path(self.holder.name) / "mine"
        shutil.copytree(ROOT / "board/template", self.folder)
        hits = 0
        for path in self.folder.glob("*.c"):
            text = path.read_text(encoding="utf-8")
            found = definition(text, name)
            if found:
                hits += 1
                path.write_text(text[:found.start()] + change(found.group(0), name) + text[found.end():], encoding="utf-8")
        assert hits == 1, f"the template defines {name} {hits} times"

    def check(self):
        try:
            return check(self.folder)
        finally:
            self.holder.cleanup()


def take_out(_text, _name):
    return ""


def add_parameter(text, name):
    before, parameters, rest = re.match(rf"(.*?\b{name}\()(.*?)(\)\n.*)", text, re.S).groups()
    return before + "int extra" + ("" if parameters == "void" else ", " + parameters) + rest


def every_function(change):
    """The verdict over a copy for each function, two at a time."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(zip(FUNCTIONS, pool.map(lambda f: Copy(change, f.name).check(), FUNCTIONS)))


class Template(unittest.TestCase):
    def test_the_template_is_whole(self):
        code, output = check(ROOT / "board/template")
        self.assertEqual(code, 0, output)
        self.assertIn(f"all {len(FUNCTIONS)} functions", output)

    def test_each_missing_function_is_named(self):
        for function, (code, output) in every_function(take_out):
            with self.subTest(function.name):
                self.assertEqual(code, 1, output)
                self.assertEqual(re.findall(r"lacks (\w+)", output), [function.name], output)
                self.assertIn(f"({function.users}): {function.purpose}; see board/board.h:{function.line}", output)

    def test_each_wrong_signature_is_named(self):
        for function, (code, output) in every_function(add_parameter):
            with self.subTest(function.name):
                self.assertEqual(code, 1, output)
                self.assertIn(f"{function.name} is not as board/board.h:{function.line} declares it", output)
                self.assertNotIn("lacks", output)

    def test_the_header_says_what_each_function_is_for(self):
        lines = (ROOT / "board/board.h").read_text(encoding="utf-8").splitlines()
        named = set(re.findall(r"\b(board_\w+)\(", re.sub(r"/\*.*?\*/", "", "\n".join(lines), flags=re.S)))
        self.assertEqual({function.name for function in FUNCTIONS}, named)
        for function in FUNCTIONS:
            self.assertGreater(len(function.purpose), 15, function.name)
            self.assertIn(function.name + "(", lines[function.line - 1])

    def test_the_header_says_who_needs_each_function(self):
        for program, word in (("bootloader", "bootloader"), ("ota-https", "application")):
            code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "app" / program).glob("*.c"))
            for function in FUNCTIONS:
                if re.search(rf"\b{function.name}\b", code):
                    self.assertIn(word, function.users, function.name)

    def test_the_emulated_boards_are_whole(self):
        for name in ("qemu-psoc62", "qemu-xmc7200"):
            code, output = check(ROOT / "board" / name)
            self.assertEqual(code, 0, output)

    def test_a_misspelt_function_is_recognised(self):
        code, output = Copy(lambda text, name: text.replace(name, "board_lunch"), "board_launch").check()
        self.assertEqual(code, 1, output)
        self.assertIn("lacks board_launch", output)
        self.assertIn("is board_lunch meant to be it?", output)

    def test_the_page_shows_what_is_said(self):
        page = re.sub(r":\d+\b", "", (ROOT / "docs/porting.md").read_text(encoding="utf-8"))
        self.assertIn(f"{len(FUNCTIONS)} functions", page)
        copy = Copy(lambda text, name: text.replace("bool on", "int on"), "board_led")
        path = copy.folder / "launch.c"
        path.write_text(path.read_text(encoding="utf-8").replace("board_launch", "board_lunch"), encoding="utf-8")
        folder = str(copy.folder)
        said = copy.check()[1].replace(folder, "board/mine").splitlines()[:-1]
        self.assertEqual(len(said), 2)
        for line in said:
            self.assertIn("    " + re.sub(r":\d+\b", "", line) + "\n", page)

    def test_no_folder_is_one_plain_line(self):
        code, output = check("board/nothing-here")
        self.assertEqual(code, 1)
        self.assertEqual(output.strip().count("\n"), 0)
        self.assertIn("there is no folder board/nothing-here", output)

    def test_no_unfinished_place_says_success(self):
        """From the line of a marked place to the end of its function: an error, a stop, nothing to tell."""
        for path in sorted((ROOT / "board/template").glob("*.c")):
            text = path.read_text(encoding="utf-8")
            for found in re.finditer(r"^[^\n]*UNFINISHED:.*?^}", text, re.M | re.S):
                code = re.sub(r"/\*.*?\*/", "", found.group(0), flags=re.S)
                with self.subTest(f"{path.name}: {found.group(0)[:60]}"):
                    self.assertNotRegex(code, r"return (OTTER_OK|true|1)\b")
                    self.assertRegex(code, r"return (OTTER_ERR_IO|0|false|NULL);|unfinished\(")


if __name__ == "__main__":
    unittest.main()
