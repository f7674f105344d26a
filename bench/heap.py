#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""heap - libshmutil's heap beside its peers, interleaved

usage: bench/heap.py [ROUNDS [WORKLOAD ...]], by way of "make bench"

Builds a program for each peer that is here and runs the workloads of
heap-work.c, one peer after the other in every round.  Prints medians and how
they compare, and leaves bench/heap.txt, .tsv and .svg in the build directory.
"""
import os
import statistics
import subprocess
import sys

SRC = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("SHMU_BUILD", "build")
OUT = os.path.join(BUILD, "bench")
INCLUDE = os.path.join(SRC, "..", "src", "include")
SHMUTIL = os.path.join(BUILD, ".libs", "libshmutil.a")

# Name, source, compiler, flags, libraries.  The first is ours.
PEERS = [
    ("shmutil", "heap-shmu.c", "gcc", ["-I" + INCLUDE], [SHMUTIL]),
    ("mimalloc", "heap-libc.c", "gcc", ["-DPEER_MIMALLOC"], ["-lmimalloc"]),
    ("glibc", "heap-libc.c", "gcc", [], []),
    ("jemalloc", "heap-libc.c", "gcc", [], ["-ljemalloc"]),
    ("Boost", "heap-boost.cc", "g++", [], ["-pthread", "-lrt"]),
    ("OSSP mm", "heap-mm.c", "gcc", [], ["-lmm"]),
]
SHARED = {"shmutil", "Boost", "OSSP mm"}
SLOW = {"OSSP mm": {"W2", "W5"}}   # which it does not end within a minute


def build(what, name, source, compiler, flags, libs):
    """The program of a peer of what, or None when it is not here."""
    program = os.path.join(OUT, f"{what}-" + name.replace(" ", "-"))
    work = program + ".o"
    commands = [
        ["gcc", "-O2", "-c", "-o", work,
         os.path.join(SRC, f"{what}-work.c")],
        [compiler, "-O2", "-D_GNU_SOURCE", *flags, "-o", program,
         os.path.join(SRC, source), work, *libs, "-lm"],
    ]
    for command in commands:
        if subprocess.run(command, stderr=subprocess.PIPE,
                          check=False).returncode != 0:
            return None
    os.unlink(work)
    return program


def build_all(what, peers):
    """The programs of those that are here; the first must be."""
    os.makedirs(OUT, exist_ok=True)
    programs = {p[0]: build(what, *p) for p in peers}
    for name in [n for n, program in programs.items() if program is None]:
        print(f"{what}: {name} is not here and left out", file=sys.stderr)
        del programs[name]
    if peers[0][0] not in programs:
        sys.exit(f"{what}: libshmutil.a is not built")
    return programs


def run(program, *args):
    """The figures that one run prints, or None."""
    try:
        done = subprocess.run([program, *map(str, args)], timeout=60,
                              stdout=subprocess.PIPE, check=False)
    except subprocess.TimeoutExpired:
        return None
    words = done.stdout.split()
    return [float(w) for w in words] if done.returncode == 0 and words else None


def measure(programs, names, rounds, *args):
    """Median and best of each, of rounds in which each ran once."""
    seen = {n: [] for n in names}
    for _ in range(rounds):
        for n in names:
            figures = run(programs[n], *args)
            if figures is not None:
                seen[n].append(figures)
    return {n: [statistics.median(column) for column in zip(*rows)]
            for n, rows in seen.items() if rows}


class Report:
    """Lines for people, and lines for the plot."""

    def __init__(self, what):
        self.name = os.path.join(OUT, what)
        self.txt = open(self.name + ".txt", "w", encoding="ascii")
        self.tsv = open(self.name + ".tsv", "w", encoding="ascii")

    def line(self, words):
        print(words, flush=True)
        print(words, file=self.txt)

    def ratios(self, group, base, figures, unit, better):
        """better: 1 when less is better, -1 when more is."""
        self.line("")
        self.line(f"{group} ({unit}), 1 is {base}")
        for name, row in figures.items():
            ratio = (row[0] / figures[base][0]) ** better
            extra = f"  fairness {row[1]:.2f}" if len(row) > 1 else ""
            self.line(f"  {name:10} {row[0]:10.2f} {ratio:8.2f}{extra}")
            print(group, name, f"{ratio:.4f}", sep="\t", file=self.tsv)

    def close(self, title):
        self.txt.close()
        self.tsv.close()
        with open(self.name + ".tsv", encoding="ascii") as table, \
                open(self.name + ".svg", "w", encoding="utf-8") as picture:
            subprocess.run([os.path.join(SRC, "plot"), title],
                           stdin=table, stdout=picture, check=True)
        print(f"\nplot: {self.name}.svg")


def single(report, programs, rounds, workload, what):
    names = [n for n in programs if workload not in SLOW.get(n, ())]
    figures = measure(programs, names, rounds, workload)
    base = "mimalloc" if "mimalloc" in figures else "shmutil"
    report.ratios(f"{workload} {what}", base, figures, "ns CPU", 1)


def many(report, programs, rounds, workload, what):
    names = [n for n in programs if n != "OSSP mm" and
             (workload == "W4" or n in SHARED)]
    own = {}
    for n in (1, 2, 4, 8):
        figures = measure(programs, names, rounds, workload, n)
        base = "mimalloc" if "mimalloc" in figures else "Boost"
        if base not in figures:
            base = "shmutil"
        report.ratios(f"{workload} {what}, {n} processes", base, figures,
                      "million operations a second", -1)
        own[n] = figures
    report.line("")
    report.line(f"{workload}, 2, 4 and 8 processes beside its own 1; a machine"
                " that others use lets nobody gain")
    for name in own[1]:
        gains = " ".join(f"{own[n][name][0] / own[1][name][0]:6.2f}"
                         for n in (2, 4, 8) if name in own[n])
        report.line(f"  {name:10} {gains}")


def kills(report, programs, rounds):
    report.line("")
    report.line("W4k one of four killed: runs, hung, inconsistent")
    for name in programs:
        if name not in SHARED:
            continue
        seen = [run(programs[name], "W4k") for _ in range(rounds * 6)]
        seen = [row for row in seen if row is not None]
        hung = sum(row[0] > 0 for row in seen)
        bad = sum(row[1] > 0 for row in seen)
        checked = "" if any(row[1] >= 0 for row in seen) else "  (no check)"
        report.line(f"  {name:10} {len(seen):6} {hung:6} {bad:6}{checked}")


def memory(report, programs):
    report.line("")
    report.line("W5 memory: live, full, largest after every other, refilled,"
                " largest when empty")
    for name in programs:
        if name not in SHARED or "W5" in SLOW.get(name, ()):
            continue
        row = run(programs[name], "W5")
        if row is not None:
            report.line(f"  {name:10} {row[0]:.3f} {row[1]:.4f} {row[2]:.0f}"
                        f" {row[3]:.3f} {row[4]:.4f}")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    wanted = sys.argv[2:]
    programs = build_all("heap", PEERS)
    report = Report("heap")
    for workload, what in (("W1", "churn of 16 to 512 bytes"),
                           ("W2", "churn of 16 bytes to 64 KiB"),
                           ("W3", "allocate and free 64 bytes")):
        if not wanted or workload in wanted:
            single(report, programs, rounds, workload, what)
    for workload, what in (("W4", "churn"),
                           ("remote", "churn, each second free another's")):
        if not wanted or workload in wanted:
            many(report, programs, rounds, workload, what)
    if not wanted or "W4k" in wanted:
        kills(report, programs, rounds)
    if not wanted or "W5" in wanted:
        memory(report, programs)
    report.close("the heap and its peers, time an operation")


if __name__ == "__main__":
    main()
