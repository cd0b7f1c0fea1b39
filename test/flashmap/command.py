#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""command.py - `otter flashmap` from outside: what it prints, draws, refuses.

usage: command.py OTTER
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MAPS = ["psoc62_2m_ext_overwrite_single", "psoc62_2m_ext_swap_single", "psoc62_512k_xip_swap_single",
        "xmc7200_int_overwrite_single", "xmc7200_int_swap_single"]
SVG = "{http://www.w3.org/2000/svg}"
OTTER = sys.argv[1]
faults = []


def otter(*words, code=0, **environment):
    done = subprocess.run([OTTER, "flashmap", *map(str, words)], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    expect(done.returncode == code, f"flashmap {' '.join(map(str, words))}: exit {done.returncode}, not {code}: "
                                    f"{done.stderr}")
    return done


def expect(good, what):
    if not good:
        faults.append(what)


def boxes_and_texts(path):
    """Rectangles (x, y, right, bottom) and estimated text extents of a drawing."""
    boxes, texts = [], []
    for node in xml.parse(path).getroot():
        if node.tag == SVG + "rect" and node.get("rx"):
            x, y = float(node.get("x")), float(node.get("y"))
            boxes.append((x, y, x + float(node.get("width")), y + float(node.get("height"))))
        if node.tag == SVG + "text":
            size = float(node.get("font-size"))
            width = 0.0
            for part in node.iter():  # 0.62 em a letter: wider than these fonts are on average
                width += 0.62 * float(part.get("font-size") or size) * len(part.text or "")
                width += float(part.get("dx") or 0)
            x, y = float(node.get("x")), float(node.get("y"))
            left = x - width if node.get("text-anchor") == "end" else x
            texts.append((left, y - 0.75 * size, left + width, y + 0.2 * size, "".join(node.itertext())))
    return boxes, texts


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_drawings_are_readable(folder):
    """Well-formed; no label on another; every label of a box inside it; nothing beyond the edge."""
    tiny = json.loads((ROOT / "flashmap" / "xmc7200_int_overwrite_single.json").read_text())
    tiny["state"] = {"address": "0x14030100", "size": "0x600"}
    tiny["application_2"] = {"slots": {"boot": "0x10020000", "upgrade": "0x105F8000", "size": "0x10000"}}
    (folder / "tiny.json").write_text(json.dumps(tiny))
    for name in [*MAPS, folder / "tiny.json"]:
        path = folder / "map.svg"
        otter("show", "--svg", path, name)
        boxes, texts = boxes_and_texts(path)
        view = [float(v) for v in xml.parse(path).getroot().get("viewBox").split()]
        expect(len(boxes) >= 4 and len(texts) > 3 * len(boxes), f"{name}: drawing is empty")
        for i, text in enumerate(texts):
            expect(text[2] <= view[2] and text[3] <= view[3], f"{name}: '{text[4]}' leaves the picture")
            for other in texts[i + 1:]:
                expect(not overlap(text, other), f"{name}: '{text[4]}' lies on '{other[4]}'")
            for box in boxes:
                inside = box[0] <= text[0] and text[2] <= box[2] and box[1] <= text[1] and text[3] <= box[3]
                expect(inside or not overlap(text, box), f"{name}: '{text[4]}' crosses the edge of its box")
        for i, box in enumerate(boxes):
            expect(not any(overlap(box, other) for other in boxes[i + 1:]), f"{name}: boxes overlap")


def test_drawing_of_the_how_to_is_current(folder):
    otter("show", "--svg", folder / "map.svg", MAPS[1])
    same = (folder / "map.svg").read_bytes() == (ROOT / "docs" / "flash-map.svg").read_bytes()
    expect(same, "docs/flash-map.svg: make it anew with `otter flashmap show --svg`")


def test_terminal_drawing(_):
    """UTF-8 where the locale says so, else ASCII; every area with address and size."""
    for name in MAPS:
        plain = otter("show", name, LC_ALL="C").stdout
        wide = otter("show", name, LC_ALL="C.UTF-8").stdout
        expect(plain.isascii() and not wide.isascii(), f"{name}: wrong character set")
        expect("\033" not in wide, f"{name}: colours in a pipe")
        expect(all(len(line) < 120 for line in wide.splitlines() if "note:" not in line), f"{name}: long lines")
        for area in json.loads(otter("show", "--json", name).stdout)["areas"]:
            start = f"  0x{int(area['address'], 16):08X} "
            expect(start in plain and f" {area['size']}\n" in plain, f"{name}: {area['name']} is not drawn")


def test_json_is_complete(_):
    for name in MAPS:
        shown = json.loads(otter("show", "--json", name).stdout)
        checked = json.loads(otter("check", "--json", name).stdout)
        expect(shown == checked and shown["ok"] and shown["errors"] == [], f"{name}: show and check differ")
        pieces = [(int(p["address"], 16), int(p["size"], 16)) for p in shown["areas"] + shown["gaps"]]
        expect(len(pieces) == len(set(pieces)), f"{name}: pieces twice")
        same = json.loads(otter("show", "--json", ROOT / "flashmap" / f"{name}.json").stdout)
        expect(shown == same, f"{name}: built in and file differ")


def test_kits_are_listed(_):
    text = otter("show", "--kits").stdout
    kits = json.loads(otter("show", "--kits", "--json").stdout)
    expect(len(kits) == 12, f"{len(kits)} kits, not 12")
    for kit in kits:
        expect(kit["board"] == "APP_" + kit["target"].replace("-", "_"), f"{kit['target']}: Board {kit['board']}")
        expect(re.search(f"{re.escape(kit['target'])} +Board {kit['board']}\n", text), f"{kit['target']}: not listed")
        expect(kit["map"] in kit["maps"] and set(kit["maps"]) <= set(MAPS), f"{kit['target']}: maps")
        shown = json.loads(otter("show", "--json", "--kit", kit["target"]).stdout)
        expect(shown["name"] == kit["map"] and shown["platform"] == kit["platform"], f"{kit['target']}: --kit")
    platforms = {platform: sum(kit["platform"] == platform for kit in kits)
                 for platform in ("PSOC_062_2M", "PSOC_062_512K", "XMC7200")}
    expect(list(platforms.values()) == [10, 1, 1], f"platforms: {platforms}")


def test_every_mistake_is_listed(folder):
    """Two areas wrong: one line each, all naming file and key; exit 1; a good map beside it is still told."""
    wrong = json.loads((ROOT / "flashmap" / "psoc62_2m_ext_swap_single.json").read_text())
    boot = wrong["boot_and_upgrade"]["bootloader"]
    boot["scratch_address"]["value"], boot["status_size"]["value"] = "0x18450000", "0x200"
    path = folder / "wrong.json"
    path.write_text(json.dumps(wrong))
    done = otter("check", path, "psoc62_2m_ext_swap_single", code=1)
    lines = done.stderr.splitlines()
    expect(len(lines) == 2 and all(line.startswith(f"otter flashmap check: {path}: boot_and_upgrade.bootloader.")
                                   for line in lines), f"messages: {lines}")
    expect("suggested address for scratch: 0x18480000" in lines[0], lines[0])
    expect("suggested size: 0x3000" in lines[1], lines[1])
    expect(done.stdout.startswith("psoc62_2m_ext_swap_single: good"), "the good map is not told")
    told = json.loads(otter("check", "--json", path, code=1).stdout)
    expect(told["ok"] is False and len(told["errors"]) == 2, f"JSON of errors: {told}")
    for words in (["show", path], ["show", "--svg", folder / "none.svg", path], ["header", path, "-o", folder / "none.h"]):
        expect(len(otter(*words, code=1).stderr.splitlines()) == 2, f"{words}: not two lines")
    expect(not (folder / "none.svg").exists() and not (folder / "none.h").exists(), "half-made files")


def test_bad_inputs_are_one_line(folder):
    (folder / "garbage.json").write_bytes(os.urandom(5000))
    (folder / "empty.json").write_bytes(b"")
    (folder / "large.json").write_bytes(b" " * ((1 << 20) + 1))
    psoc, xmc = MAPS[1], MAPS[4]
    refused = [(["check", folder / "missing.json"], 1), (["check", folder], 1), (["check", folder / "garbage.json"], 1),
               (["check", folder / "empty.json"], 1), (["check", folder / "large.json"], 1), (["check", "no_such_map"], 1),
               (["check", "xmc7200_platform"], 1), (["check", ""], 1), (["show", folder], 1),
               (["check", "--platform", folder / "garbage.json", xmc], 1), (["check", "--platform", folder / "no.json", xmc], 1),
               (["check", "--platform", "PSOC_9", psoc], 1),
               (["check", "--platform", ROOT / "flashmap" / "xmc7200_platform.json", psoc], 1), (["check", "--platform", "XMC7200", psoc], 1),
               (["header", "--linker", "--header-size", "0x1C0000", psoc], 1),
               (["header", psoc, "-o", folder], 1), (["header", psoc, "-o", folder / "no" / "map.h"], 1),
               (["show", "--svg", "/proc/map.svg", psoc], 1),
               (["check"], 2), (["show"], 2), (["header"], 2), (["show", psoc, xmc], 2), (["check", "--mode", "both", psoc], 2),
               (["show", "--kit", "NO-KIT"], 2), (["header", "--header-size", "many", psoc], 2), (["check", "--wide", psoc], 2)]
    for words, code in refused:
        done = otter(*words, code=code)
        expect(done.stdout == "" and len(done.stderr.splitlines()) == 1 and done.stderr.startswith("otter flashmap "),
               f"flashmap {words}: {done.stdout!r} {done.stderr!r}")
        expect(done.stderr.isprintable() or done.stderr[:-1].isprintable(), f"flashmap {words}: control characters")


def test_bad_platform_files(folder):
    """One thing wrong in a region each, and the message that says so."""
    good = json.loads((ROOT / "flashmap" / "xmc7200_platform.json").read_text())
    wrong = [({"type": "FLASH"}, "memory_regions[1].type 'FLASH' is not known"),
             ({"type": None}, "memory_regions[1].type is missing"),
             ({"mem_type": "INTERNAL_FLASH_CODE_SMALL"}, "memory_regions[1] has both type and mem_type"),
             ({"type": "INTERNAL_FLASH_CODE_LARGE"}, "memory_regions[1]: a second region of type code_large"),
             ({"erase_size": "0x0"}, "memory_regions[1].erase_size 0x0 must be a multiple of 0x20"),
             ({"erase_size": "0x30"}, "memory_regions[1].erase_size 0x30 must be a multiple of 0x20"),
             ({"size": "0x41000"}, "memory_regions[1].size 0x41000 must be a multiple of erase_size 0x2000"),
             ({"size": "0x0"}, "memory_regions[1].size 0x0 must be a multiple"),
             ({"erase_value": "0x7F"}, "memory_regions[1].erase_value 0x7F must be 0xFF or 0x00"),
             ({"erase_value": 255}, "memory_regions[1].erase_value must be a string"),
             ({"address": "0x107E0000"}, "memory_regions[1]: the region at 0x107E0000 overlaps memory_regions[0]"),
             ({"address": "0xFFFFE000"}, "memory_regions[1] reaches beyond 32-bit addresses"),
             ({"colour": "red"}, "unknown key 'colour' in memory_regions[1]")]
    path = folder / "platform.json"
    for change, message in wrong:
        platform = json.loads(json.dumps(good))
        platform["memory_regions"][1].update(change)
        platform["memory_regions"][1] = {k: v for k, v in platform["memory_regions"][1].items() if v is not None}
        path.write_text(json.dumps(platform))
        done = otter("check", "--platform", path, MAPS[4], code=1)
        expect(message in done.stderr.splitlines()[0], f"platform with {change}: {done.stderr}")
    for platform, message in (({"memory_regions": {}}, "memory_regions must be an array"),
                              ({"memory_regions": [7]}, "memory_regions[0] must be an object"),
                              ({"memory_regions": good["memory_regions"] * 3}, "12 memory_regions, at most 8"),
                              ({**good, "core_list": 7}, "core_list must be an array"), ([], "must hold a JSON object")):
        path.write_text(json.dumps(platform))
        done = otter("check", "--platform", path, MAPS[4], code=1)
        expect(message in done.stderr.splitlines()[0], f"platform: {done.stderr}")


def test_mode_can_be_set_by_hand(_):
    shown = json.loads(otter("show", "--json", "--mode", "overwrite", MAPS[1]).stdout)
    expect(shown["mode"] == "overwrite" and "swap_units" not in shown, "--mode overwrite")
    shown = json.loads(otter("show", "--json", "--mode", "swap", MAPS[3]).stdout)
    expect(shown["mode"] == "swap" and shown["image_size_max"] == 0x1F8000, "--mode swap without scratch")


def main():
    tests = [value for name, value in globals().items() if name.startswith("test_")]
    for test in tests:
        before = len(faults)
        with tempfile.TemporaryDirectory() as folder:
            test(pathlib.Path(folder))
        print(f"{'ok    ' if len(faults) == before else 'FAILED'} {test.__name__}")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
