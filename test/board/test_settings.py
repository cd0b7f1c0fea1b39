#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/boards.md lists the factory settings that programs and boards read, and no others."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
READERS = ["app/bootloader", "app/ota-https", "board/qemu-mps2"]


def read_by_code():
    found = set()
    for folder in READERS:
        for path in (ROOT / folder).glob("*.c"):
            text = path.read_text(encoding="utf-8")
            found |= set(re.findall(r'\b(?:board_setting|get)\("([\w-]+)"', text))
            if path.name == "config.c":  # its tables: {"name", where it goes}
                found |= set(re.findall(r'\{"([\w-]+)", ', text))
    return found


def listed():
    page = (ROOT / "docs/boards.md").read_text(encoding="utf-8")
    table = re.search(r"^## Settings\n(.*?)(?=^## |\Z)", page, re.M | re.S).group(1)
    names = [name for row in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`([\w-]+)`", row)]
    assert len(names) == len(set(names)), "a setting is listed twice"
    return set(names)


class Settings(unittest.TestCase):
    def test_the_list_is_that_of_the_code(self):
        code = read_by_code()
        self.assertGreater(len(code), 20)
        self.assertEqual(code - listed(), set(), "are read, but not in docs/boards.md")
        self.assertEqual(listed() - code, set(), "are in docs/boards.md, but nobody reads them")


if __name__ == "__main__":
    unittest.main()
