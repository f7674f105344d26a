# SPDX-License-Identifier: MIT
"""What the kernel tells of every shared mapping and object, by another way.

usage: owners.py COMMAND|PID... compares `shm-stat --all --json` with /proc read as
text and with stat(2), for these processes; prints how many
segments of each kind they hold, or what differs.
"""
import json
import os
import re
import subprocess
import sys

FIELDS = ("key id perms size cpid lpid nattch uid gid cuid cgid atime dtime "
          "ctime rss swap").split()


def sysv():
    rows = {}
    with open("/proc/sysvipc/shm") as f:
        for line in f.readlines()[1:]:
            row = dict(zip(FIELDS, map(str, line.split())))
            rows[int(row["id"])] = row
    return rows


def processes(wanted):
    """Those of our ipc namespace: others may have the same commands."""
    here = os.readlink("/proc/self/ns/ipc")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{pid}/ns/ipc") != here:
                continue
            with open(f"/proc/{pid}/comm") as f:
                if pid in wanted or f.read().strip() in wanted:
                    yield int(pid)
        except OSError:
            pass


def kind(name):
    if name.startswith("/SYSV"):
        return "sysv"
    if name.startswith("/memfd:"):
        return "memfd"
    if name == "/dev/zero (deleted)":
        return "anon"
    return "posix" if name.startswith("/dev/shm/") else None


def mapped(pid):
    """(kind, inode, writable) of each shared mapping, as maps has them."""
    held = {}
    with open(f"/proc/{pid}/maps", errors="surrogateescape") as f:
        for line in f:
            m = re.match(r"\S+ (....) \S+ \S+ (\d+)\s+(.*)", line)
            if m and m[1][3] == "s" and kind(m[3]):
                at = kind(m[3]), int(m[2])
                held[at] = held.get(at, False) or m[1][1] == "w"
    return held


def opened(pid):
    held = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{fd}"
        name = os.readlink(path)
        if kind(name) in ("memfd", "posix"):
            held.add((kind(name), os.stat(path).st_ino))
    return held


def told(segments):
    by = {}
    for s in segments:
        at = s["kind"], s["id"] if s["kind"] == "sysv" else s["inode"]
        for h in s["holders"]:
            by.setdefault(h["pid"], {})[at] = h
    return by


def main():
    segments = json.loads(subprocess.run(
        ["shm-stat", "--all", "--json"], stdout=subprocess.PIPE,
        check=True).stdout)["segments"]
    wrong, by, rows, count = [], told(segments), sysv(), {}

    def same(what, want, got):
        if want != got:
            wrong.append(f"{what}: kernel {want}, shm-stat {got}")

    for pid in processes(sys.argv[1:]):
        maps, fds, ours = mapped(pid), opened(pid), by.get(pid, {})
        same(f"{pid} holds", sorted(set(maps) | fds), sorted(ours))
        for at, writable in maps.items():
            count.setdefault(at[0], set()).add(at[1])
            same(f"{pid} {at} mapped", True, ours[at]["mapped"])
            if at not in fds:
                same(f"{pid} {at} writable", writable, ours[at]["writable"])
        for at in fds:
            count.setdefault(at[0], set()).add(at[1])
        with open(f"/proc/{pid}/stat", "rb") as f:
            start = int(f.read().rsplit(b")", 1)[1].split()[19])
        for h in ours.values():
            same(f"{pid} start", start, h["start_ticks"])
    for s in segments:
        if s["kind"] == "sysv":
            r = rows[s["id"]]
            same(s["operand"], [r[k] for k in ("size cpid lpid nattch uid gid "
                 "cuid cgid rss swap").split()], [str(s[k]) for k in (
                     "size creator_pid last_pid attached uid gid creator_uid "
                     "creator_gid resident swapped").split()])
            same(s["operand"] + " mode", int(r["perms"], 8) & 0o777,
                 int(s["mode"], 8))
            same(s["operand"] + " key", int(r["key"]) & 0xffffffff,
                 int(s["key"], 16))
        elif s["kind"] == "posix" and not s["removed"]:
            st = os.lstat("/dev/shm/" + s["name"])
            same(s["operand"], [st.st_size, st.st_blocks * 512, st.st_uid,
                                st.st_gid, st.st_mode & 0o777, st.st_ino],
                 [s["size"], s["allocated"], s["uid"], s["gid"],
                  int(s["mode"], 8), s["inode"]])
    print("\n".join(wrong) if wrong else
          " ".join(f"{k}={len(v)}" for k, v in sorted(count.items())) or "none")


main()
