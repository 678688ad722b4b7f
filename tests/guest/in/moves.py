#!/usr/bin/env python3
"""Lets zfs wait at its start, for moves.sh: the kernel asks here (fanotify(7)) before a process may open zfs's library.

moves.py LIBRARY ACCOUNT: a zfs of the account's whose arguments match the pattern in /run/moves/when is announced in the
fifo /run/moves/now, and goes on when a line comes by /run/moves/done. All others go on at once. Stands by itself, so that
it is the real zfs which waits, as it is confined.
"""

import ctypes
import fnmatch
import os
import pwd
import select
import struct
import sys

FAN_CLASS_CONTENT, FAN_CLOEXEC, FAN_MARK_ADD, FAN_OPEN_PERM, FAN_ALLOW = 0x4, 0x1, 0x1, 0x10000, 0x1
EVENT = struct.Struct("=IBBHQii")  # struct fanotify_event_metadata
AT_FDCWD = -100

library, uid = sys.argv[1], pwd.getpwnam(sys.argv[2]).pw_uid
libc = ctypes.CDLL(None, use_errno=True)


def called(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def is_awaited(process):
    try:
        with open("/run/moves/when") as file:
            pattern = file.read()
        with open(f"/proc/{process}/cmdline") as file:
            words = file.read().split("\0")[1:-1]
        return os.stat(f"/proc/{process}").st_uid == uid and fnmatch.fnmatchcase(" ".join(words), pattern)
    except FileNotFoundError:
        return False


def go_on(asked):
    os.write(events, struct.pack("=iI", asked, FAN_ALLOW))
    os.close(asked)


events = called(libc.fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, os.O_RDONLY))
called(libc.fanotify_mark(events, FAN_MARK_ADD, ctypes.c_uint64(FAN_OPEN_PERM), AT_FDCWD, library.encode()))
# For both ends, so that neither open waits for somebody.
now, done = (os.open(f"/run/moves/{name}", os.O_RDWR) for name in ("now", "done"))
print("ready", flush=True)
waiting = []
while True:
    for ready in select.select([events, done], [], [])[0]:
        if ready == done:
            os.read(done, 4096)
            while waiting:
                go_on(waiting.pop())
            continue
        heads = os.read(events, 4096)
        while heads:
            length, _, _, _, _, asked, process = EVENT.unpack_from(heads)
            heads = heads[length:]
            if is_awaited(process):
                waiting.append(asked)
                os.write(now, b"\n")
            else:
                go_on(asked)
