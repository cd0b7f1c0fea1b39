#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/uart-log.md explains every line of board/words.def, every reason and error, and nothing else."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/uart-log.md").read_text(encoding="utf-8")


def section(title):
    """{first cell without its backquotes: other cells} of the table of a section."""
    text = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S).group(1)
    rows = re.findall(r"^\| `(.+?)` \| (.*) \|$", text, re.M)
    assert len(rows) == len(dict(rows)), f"a line is explained twice in {title}"
    return {line: [cell.strip() for cell in rest.split("|")] for line, rest in rows}


def words(prefix):
    """Every line of words.def as the page shows it: each value is its key in capitals."""
    found = []
    text = (ROOT / "board/words.def").read_text(encoding="utf-8")
    for keys, line in re.findall(rf'^{prefix}_WORD\(\w+, "[\w-]+",\s*"([^"]*)",\s*"([^"]*)"\)', text, re.M):
        names = [key.upper() for key in keys.split() if "=" not in key]
        assert line.count("%s") == len(names), line
        for name in names:
            line = line.replace("%s", name, 1)
        found.append(line)
    assert len(found) == len(re.findall(rf"^{prefix}_WORD\(", text, re.M)), "a line of words.def was not understood"
    return found


class Words(unittest.TestCase):
    def compare(self, title, wanted):
        shown = section(title)
        self.assertEqual(set(wanted) - set(shown), set(), "are not explained in docs/uart-log.md")
        self.assertEqual(set(shown) - set(wanted), set(), "are explained there, but never said")
        for line, cells in shown.items():
            self.assertGreater(len(cells[0]), 5, f"{line}: what does it mean?")

    def test_every_line_of_the_bootloader_is_explained(self):
        self.compare("The bootloader", words("BOOT"))

    def test_every_line_of_the_application_is_explained(self):
        self.compare("The application", words("APP"))

    def test_every_reason_is_explained(self):
        text = (ROOT / "slot/state.c").read_text(encoding="utf-8")
        names = re.findall(r'\[OTTER_REASON_\w+\] = "([\w-]+)"', text)
        self.assertGreater(len(names), 5)
        self.compare("Reasons", [name for name in names if name != "none"])

    def test_every_error_is_explained(self):
        text = (ROOT / "slot/result.c").read_text(encoding="utf-8")
        names = re.findall(r'return "([\w/ ]+)";', text)
        self.compare("Errors", [name for name in names if name not in ("ok", "unknown error", "unknown")])


if __name__ == "__main__":
    unittest.main()
