# SPDX-License-Identifier: Apache-2.0
"""words.py - UART lines read back into events, by board/words.def."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ENTRY = re.compile(r'^(BOOT|APP)_WORD\((\w+), "([^"]*)", "([^"]*)", "([^"]*)"\)', re.M)


def load():
    words = []
    with open(os.path.join(ROOT, "board", "words.def"), encoding="utf-8") as f:
        for who, word, event, keys, text in ENTRY.findall(f.read()):
            said = dict(key.split("=") for key in keys.split() if "=" in key)
            names = [key for key in keys.split() if "=" not in key]
            pattern = "(.*?)".join(re.escape(part) for part in text.split("%s"))
            words.append((who.lower(), word, event, said, names, re.compile(pattern + r"\Z")))
    return words


WORDS = load()


def event_of(line):
    """{"from", "event", "word", ...values as text}; a line that is not one of ours: event "uart"."""
    who, text = line[:6].strip(), line[6:]
    for source, word, event, said, names, pattern in WORDS:
        found = pattern.match(text) if source == who else None
        if found:
            return {"from": source, "event": event, "word": word, **said, **dict(zip(names, found.groups()))}
    return {"from": "board", "event": "uart", "line": line}
