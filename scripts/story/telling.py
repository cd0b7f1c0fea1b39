# SPDX-License-Identifier: Apache-2.0
"""telling.py - chapters, checks and commands as the demo shows them."""
import os
import re
import sys
import textwrap


class Failed(Exception):
    pass


class Telling:
    """Counts what it told; colours on a terminal only."""
    def __init__(self):
        self.on_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self.colours = self.on_terminal and not os.environ.get("NO_COLOR")
        self.checks = self.chapters = 0

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colours else text

    @staticmethod
    def say(text=""):
        print(text, flush=True)

    def title(self, text):
        self.say(self.paint("1", text))

    def chapter(self, title, *lines):
        self.chapters += 1
        self.say()
        self.title(f"{self.chapters}. {title}")
        for line in lines:
            self.say(f"   {line}")
        self.say()

    def check(self, good, text, why=""):
        if not good:
            self.say("   " + self.paint("31;1", f"NO   {text}"))
            if why:
                self.say(f"        {why}")
            raise Failed(text)
        self.checks += 1
        self.say("   " + self.paint("32", "yes") + f"  {text}")

    def show(self, text):
        """A command as one would type it, folded to the width of a terminal before an option."""
        whole = re.sub(r" (?!-)", "\0", "$ " + text)
        lines = textwrap.wrap(whole, 74, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        self.say(self.paint("2", "   " + " \\\n   ".join(lines).replace("\0", " ")))
