#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""table - libshmutil's table beside its peers, interleaved

usage: bench/table.py [ROUNDS [WORKLOAD ...]], by way of "make bench"

Builds a program for each peer that is here and runs the workloads of
table-work.c, one peer after the other in every round.  Prints medians and how
they compare, and leaves bench/table.txt, .tsv and .svg in the build directory.
"""
import sys

sys.dont_write_bytecode = True      # nothing is left in the source tree
from heap import INCLUDE, SHMUTIL, Report, build_all, measure

# Name, source, compiler, flags, libraries.  The first is ours.
PEERS = [
    ("shmutil", "table-shmu.c", "gcc", ["-I" + INCLUDE], [SHMUTIL]),
    ("Boost", "table-boost.cc", "g++", [], ["-pthread", "-lrt"]),
    ("LMDB", "table-lmdb.c", "gcc", [], ["-llmdb"]),
]
WORKLOADS = (("get", "read one"), ("set", "overwrite one"),
             ("mix", "seven reads to a write"),
             ("churn", "delete one and make another"))


def processor(report, figures, n):
    """What an operation costs, which other users of the machine change less."""
    report.line(f"  processor time of an operation, {n} processes (ns):")
    base = figures["shmutil"][1]
    for name, row in figures.items():
        report.line(f"    {name:10} {row[1]:10.1f} {row[1] / base:8.2f}")


def workload(report, programs, rounds, name, what):
    own = {}
    for n in (1, 2):
        figures = measure(programs, list(programs), rounds, name, n)
        base = "Boost" if "Boost" in figures else "shmutil"
        report.ratios(f"{name}: {what}, {n} processes", base,
                      {peer: row[:1] for peer, row in figures.items()},
                      "million operations a second", -1)
        processor(report, figures, n)
        own[n] = figures
    report.line("")
    report.line(f"{name}, 2 processes beside its own 1; a machine that others"
                " use lets nobody gain")
    for peer in own[1]:
        if peer in own[2]:
            report.line(f"  {peer:10} {own[2][peer][0] / own[1][peer][0]:.2f}")


def fill(report, programs):
    row = measure(programs, ["shmutil"], 1, "fill", 10)["shmutil"]
    report.line("")
    report.line("fill: ten million cells into a table that was made empty")
    report.line(f"  first tenth {row[0]:.0f} ns a cell, slowest {row[1]:.0f},"
                f" longest single {row[2] / 1000:.1f} ms")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    wanted = sys.argv[2:]
    programs = build_all("table", PEERS)
    report = Report("table")
    for name, what in WORKLOADS:
        if not wanted or name in wanted:
            workload(report, programs, rounds, name, what)
    if not wanted or "fill" in wanted:
        fill(report, programs)
    report.close("the table and its peers, operations a second")


if __name__ == "__main__":
    main()
