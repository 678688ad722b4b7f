"""Forges send streams out of real ones, from standard input to standard output, with good checksums.

    forge.py show                           what the begin records say, a line each
    forge.py begin WHICH KEY=VALUE...       with these values in begin record WHICH (0 is the first; all)
        toname TEXT   toguid fromguid creation magic payloadlen NUMBER   flag feature header NUMBER of a bit
    forge.py history NAME=SECONDS...        a package: the full stream, then nothing new for each further NAME, made at
                                            that second; the first NAME is for the stream itself
    forge.py arrivals NAME=SECONDS...       the same, on from the one snapshot of an incremental stream
    forge.py write size=NUMBER              the first record with data announces so many bytes
    forge.py swap                           a volume's stream as a host of the other byte order would send it

A record is 312 bytes (include/sys/zfs_ioctl.h); all but the begin record end in a fletcher-4 sum over what came
before, which starts anew with each begin record.
"""

import itertools
import struct
import sys

BEGIN, OBJECT, FREEOBJECTS, WRITE, FREE, END, SPILL, EMBEDDED = 0, 1, 2, 3, 4, 5, 7, 8
SIZE, SUM = 312, 280
MAGIC = 0x2F5BACBAC
SUBSTREAM, COMPOUND = 1, 2
FIELDS = {"magic": ("<Q", 8), "creation": ("<Q", 24), "toguid": ("<Q", 40), "fromguid": ("<Q", 48), "payloadlen": ("<I", 4)}
GUIDS = {OBJECT: 40, FREEOBJECTS: 24, WRITE: 40, FREE: 32, END: 40, SPILL: 24, EMBEDDED: 32}
# Where numbers stand in the records of a volume, for the other byte order.
NUMBERS = {
    BEGIN: ["Q8", "Q16", "Q24", "I32", "I36", "Q40", "Q48"],
    OBJECT: ["Q8", "I16", "I20", "I24", "I28", "I36", "Q40", "Q48"],
    FREEOBJECTS: ["Q8", "Q16", "Q24"],
    WRITE: ["Q8", "I16", "Q24", "Q32", "Q40", "Q56", "Q64", "Q72", "Q80", "Q88", "Q96"],
    FREE: ["Q8", "Q16", "Q24", "Q32"],
    END: ["Q40"],
}
ZAP = 24  # DMU_OT_ZVOL_PROP


def kind(record):
    return struct.unpack_from("<I", record)[0]


def field(record, form, at):
    return struct.unpack_from(form, record, at)[0]


def payload_size(record):
    what = kind(record)
    if what == BEGIN:
        return field(record, "<I", 4)
    if what == OBJECT:
        return field(record, "<I", 36) or (field(record, "<I", 28) + 7) & ~7
    if what == WRITE:
        return field(record, "<Q", 96) if record[50] else field(record, "<Q", 32)
    if what == SPILL:
        return field(record, "<Q", 40) or field(record, "<Q", 16)
    if what == EMBEDDED:
        return (field(record, "<I", 52) + 7) & ~7
    return 0


def read(data):
    """The records of a stream with their payloads."""
    at, records = 0, []
    while at < len(data):
        record = bytearray(data[at : at + SIZE])
        size = payload_size(record)
        records.append((record, data[at + SIZE : at + SIZE + size]))
        at += SIZE + size
    assert at == len(data), "a stream that ends between two records"
    return records


class Fletcher:
    def __init__(self, order):
        self.order, self.sums = order, (0, 0, 0, 0)

    def add(self, data):
        numbers = struct.unpack(f"{self.order}{len(data) // 4}I", data)
        for place, start in enumerate(self.sums):
            # Each sum runs over the one before it.
            numbers = list(itertools.accumulate(numbers, initial=start))[1:]
            self.sums = (*self.sums[:place], numbers[-1] & (2**64 - 1), *self.sums[place + 1 :])

    def bytes(self):
        return struct.pack(f"{self.order}4Q", *self.sums)


def write(records, order="<"):
    """The stream, with the sums that these records need."""
    out, total, package = [], Fletcher(order), False
    for record, payload in records:
        what = kind(record) if order == "<" else field(record, ">I", 0)
        if what == BEGIN:
            total = Fletcher(order)
            package = field(record, order + "Q", 16) & 3 == COMPOUND
        if what == END and any(record[8:40]):
            record[8:40] = total.bytes()
        total.add(bytes(record[:SUM]))
        # libzfs writes the end of a package's head without a sum, and that of the package with nothing at all.
        if what not in (BEGIN, END) or (what == END and not package and any(record[8:40])):
            record[SUM:] = total.bytes()
        total.add(bytes(record[SUM:]))
        if payload:
            total.add(bytes(payload))
        out += [bytes(record), payload]
    return b"".join(out)


def name(record, value):
    record[56 : 56 + 256] = value.encode().ljust(256, b"\0")


def toname(record):
    return bytes(record[56 : 56 + 256]).split(b"\0")[0].decode()


def begins(records):
    return [record for record, _ in records if kind(record) == BEGIN]


def show(records):
    for record in begins(records):
        info, flags = field(record, "<Q", 16), field(record, "<I", 36)
        text = f"{toname(record)} header={info & 3} features={info >> 2:#x} flags={flags:#x} payload={payload_size(record)}"
        print(text, *(f"{key}={field(record, *FIELDS[key])}" for key in ("toguid", "fromguid", "creation")))


def edit(records, which, changes):
    found = begins(records)
    for record in found if which == "all" else [found[int(which)]]:
        for change in changes:
            key, value = change.split("=", 1)
            if key == "toname":
                name(record, value)
            elif key == "flag":
                struct.pack_into("<I", record, 36, field(record, "<I", 36) | 1 << int(value))
            elif key == "feature":
                struct.pack_into("<Q", record, 16, field(record, "<Q", 16) | 1 << int(value) + 2)
            elif key == "header":
                struct.pack_into("<Q", record, 16, field(record, "<Q", 16) & ~3 | int(value))
            else:
                form, at = FIELDS[key]
                struct.pack_into(form, record, at, int(value, 0))
    # Every record of a stream carries the guid of its begin record, but the one that closes a package.
    guid = 0
    for record, _ in records:
        if kind(record) == BEGIN:
            guid = field(record, "<Q", 40)
        elif (at := GUIDS.get(kind(record))) and any(record[8:]):
            struct.pack_into("<Q", record, at, guid)
    return records


def arrivals(records, snapshots, whole):
    """A package of snapshots, each from the one before it; with nothing new but what the first brings, if that is whole."""
    first, last = records[0][0], records[-1][0]
    dataset, guid = toname(first).split("@")[0], field(first, "<Q", 40 if whole else 48)
    head = bytearray(SIZE)
    struct.pack_into("<Q", head, 8, MAGIC)
    struct.pack_into("<Q", head, 16, COMPOUND)
    name(head, f"{dataset}@{snapshots[-1][0]}")
    end = bytearray(SIZE)
    struct.pack_into("<I", end, 0, END)
    end[8] = 1
    package = [(head, b""), (end, b"")]
    for count, (snapshot, second) in enumerate(snapshots):
        parts = records if whole and count == 0 else [(first, b""), (last, b"")]
        parts = [(bytearray(record), payload) for record, payload in parts]
        begin = parts[0][0]
        name(begin, f"{dataset}@{snapshot}")
        struct.pack_into("<Q", begin, 24, int(second))
        if not (whole and count == 0):
            struct.pack_into("<Q", begin, 48, guid)
            guid = guid + 1 & (2**64 - 1)
            struct.pack_into("<Q", begin, 40, guid)
        package += edit(parts, "all", [])
    closing = bytearray(SIZE)
    struct.pack_into("<I", closing, 0, END)
    return [*package, (closing, b"")]


def oversize(records, size):
    record = next(record for record, _ in records if kind(record) == WRITE)
    struct.pack_into("<Q", record, 96 if record[50] else 32, size)
    return records


def swap(records):
    for place, (record, payload) in enumerate(records):
        what = kind(record)
        if what == WRITE and field(record, "<I", 16) == ZAP and not record[50]:
            assert field(payload, "<Q", 0) == 1 << 63 | 3, "a small zap"
            entries = [payload[at : at + 64] for at in range(64, len(payload), 64)]
            payload = struct.pack(">8Q", *struct.unpack("<8Q", payload[:64])) + b"".join(
                struct.pack(">QIH", *struct.unpack("<QIH", entry[:14])) + entry[14:] for entry in entries
            )
            records[place] = (record, payload)
        for number in ["I0", "I4", *NUMBERS[what]]:
            form, at = number[0], int(number[1:])
            struct.pack_into(">" + form, record, at, field(record, "<" + form, at))
    return records


def main(words):
    records = read(sys.stdin.buffer.read())
    order, rest = "<", words[1:]
    if words[0] == "show":
        return show(records)
    if words[0] == "begin":
        records = edit(records, rest[0], rest[1:])
    elif words[0] in ("history", "arrivals"):
        records = arrivals(records, [word.split("=") for word in rest], words[0] == "history")
    elif words[0] == "write":
        records = oversize(records, int(rest[0].split("=")[1]))
    elif words[0] == "swap":
        records, order = swap(records), ">"
    else:
        raise SystemExit(__doc__)
    sys.stdout.buffer.write(write(records, order))


if __name__ == "__main__":
    main(sys.argv[1:])
