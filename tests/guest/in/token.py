"""Reads and writes the resume tokens of `zfs send -t`, to forge some.

    token.py show TOKEN
    token.py forge TOKEN KEY=VALUE...      prints TOKEN with these values; KEY= takes the key out

A token is `1-CHECKSUM-LENGTH-HEX`: an nvlist in the byte order of the host, compressed by zlib,
with the first word of a fletcher-4 sum over the compressed bytes. Nothing in it is signed.
"""

import struct
import sys
import zlib

BOOLEAN, UINT64, STRING = 1, 8, 9


def align(n):
    return (n + 7) & ~7


def decode(token):
    version, _checksum, length, payload = token.split("-")
    data = zlib.decompress(bytes.fromhex(payload))
    assert version == "1" and len(data) == int(length, 16) and data[:2] == b"\0\1"
    pairs, at = {}, 12
    while (size := struct.unpack_from("<i", data, at)[0]) != 0:
        name_size, _, _count, kind = struct.unpack_from("<hhii", data, at + 4)
        name = data[at + 16 : at + 16 + name_size - 1].decode()
        value = data[at + align(16 + name_size) : at + size]
        if kind == UINT64:
            pairs[name] = struct.unpack("<Q", value)[0]
        elif kind == STRING:
            pairs[name] = value.split(b"\0")[0].decode()
        else:
            assert kind == BOOLEAN, kind
            pairs[name] = True
        at += size
    return pairs


def encode(pairs):
    data = b"\0\1\0\0" + struct.pack("<iI", 0, 1)
    for name, value in pairs.items():
        if value is True:
            kind, count, body = BOOLEAN, 0, b""
        elif isinstance(value, int):
            kind, count, body = UINT64, 1, struct.pack("<Q", value)
        else:
            kind, count, body = STRING, 1, value.encode() + b"\0"
        key = name.encode() + b"\0"
        head = align(16 + len(key))
        size = head + align(len(body))
        pair = struct.pack("<ihhii", size, len(key), 0, count, kind) + key
        data += pair.ljust(head, b"\0") + body.ljust(size - head, b"\0")
    data += struct.pack("<i", 0)
    packed = zlib.compress(data, 6)
    whole = len(packed) // 4 * 4
    checksum = sum(struct.unpack(f"<{whole // 4}I", packed[:whole])) & (2**64 - 1)
    return f"1-{checksum:x}-{len(data):x}-{packed.hex()}"


def main(words):
    pairs = decode(words[1])
    if words[0] == "show":
        for name, value in pairs.items():
            print(f"{name} = {value}")
        return
    assert encode(pairs) == words[1], "not the same after a round trip"
    for change in words[2:]:
        name, value = change.split("=", 1)
        if value == "":
            pairs.pop(name, None)
        elif name == "toname":
            pairs[name] = value
        elif value == "true":
            pairs[name] = True
        else:
            pairs[name] = int(value, 0)
    print(encode(pairs))


main(sys.argv[1:])
