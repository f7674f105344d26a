# SPDX-License-Identifier: MIT
"""deny.py - run a command for which one system call fails

usage: deny.py NAME ERRNO COMMAND...

The kernel answers the call with that error, by a seccomp filter, so a failure
that needs a broken disk or an old kernel can be had on any machine.
"""
import ctypes
import errno
import os
import struct
import sys

NUMBERS = {
    "x86_64": {"msync": 26, "fdatasync": 75, "cachestat": 451},
    "aarch64": {"msync": 227, "fdatasync": 83, "cachestat": 451},
}
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000


def main():
    name, error, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    numbers = NUMBERS.get(os.uname().machine)
    if numbers is None:
        sys.exit(77)
    code = b"".join(struct.pack("HBBI", *i) for i in (
        (LOAD, 0, 0, 0),
        (JUMP_EQUAL, 0, 1, numbers[name]),
        (RETURN, 0, 0, ERROR | getattr(errno, error)),
        (RETURN, 0, 0, ALLOW)))
    buf = ctypes.create_string_buffer(code)
    program = struct.pack("HP", 4, ctypes.addressof(buf))
    libc = ctypes.CDLL(None, use_errno=True)
    if (libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                       ctypes.create_string_buffer(program)) != 0):
        sys.exit(77)
    os.execvp(command[0], command)


main()
