# SPDX-License-Identifier: Apache-2.0
"""compare.py - are two signed files the same but for a signature that is random?"""
import struct

SIGNATURES = range(0x20, 0x25)


def signature_span(image):
    """Offset and end of the signature's bytes, or None."""
    header, protected, payload = struct.unpack("<HHI", image[8:16])
    at = header + payload + protected
    end = at + struct.unpack("<H", image[at + 2:at + 4])[0]
    at += 4
    while at < end:
        kind, length = struct.unpack("<HH", image[at:at + 4])
        if kind in SIGNATURES:
            return at + 4, at + 4 + length
        at += 4 + length
    return None


def records(text):
    """An Intel HEX file as (type, address, length) of each record, and its bytes by address."""
    shape, memory, base = [], {}, 0
    for line in text.decode("ascii").split():
        raw = bytes.fromhex(line[1:])
        kind, address, data = raw[3], raw[1] << 8 | raw[2], raw[4:-1]
        assert raw[0] == len(data) and sum(raw) & 0xFF == 0, line
        shape.append((kind, address, len(data)))
        if kind == 4:
            base = int.from_bytes(data, "big") << 16
        elif kind == 0:
            memory.update(zip(range(base + address, base + address + len(data)), data))
    return shape, memory


def masked(image):
    span = signature_span(image)
    return image if span is None else image[:span[0]] + bytes(span[1] - span[0]) + image[span[1]:]


def same_but_signature(name, one, other):
    """True, False, or None: the signatures differ in length, so try again."""
    if len(one) != len(other):
        return None
    if not name.endswith(".hex"):
        if signature_span(one) != signature_span(other):
            return None
        return masked(one) == masked(other)
    (shape_one, memory_one), (shape_other, memory_other) = records(one), records(other)
    flat = [bytes(memory.get(at, 0xFF) for at in range(min(memory), max(memory) + 1))
            for memory in (memory_one, memory_other)]
    return shape_one == shape_other and memory_one.keys() == memory_other.keys() and masked(flat[0]) == masked(flat[1])
