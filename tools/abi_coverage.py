#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares what the tests of a debug kernel provoked with what operations.def promises.

    abi_coverage.py [--unprovokable FILE] LOG...

A LOG may be a folder: all *.log in it.

A debug kernel prints at power off a line "strata: coverage: KIND LABEL BITMASK" for each operation that was called: a bit for each status
that it ended with. The lines of all logs are put together. It is an error if an operation never ended with OK or with one of its
documented refusals, unless FILE lists that pair with a reason ("OBJECT OPERATION STATUS  reason" on a line); if it ended with a status that is
not documented; or if a pair of FILE was seen after all.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ABI = ROOT / "include" / "abi"

COVERAGE = re.compile(r"^strata: coverage: (\d+) (\d+) 0x([0-9a-f]+)\s*$", re.M)


def numbered(name, macro):
    """The entries of a .def list as {number: name}."""
    text = (ABI / name).read_text(encoding="utf-8")
    return {int(number): entry for number, entry in re.findall(rf"^{macro}\((\d+), (\w+),", text, re.M)}


def operations(text):
    """{(object, operation): number}"""
    found = re.findall(r"^OPERATION\((\w+), (\w+), (\d+),", text, re.M)
    return {(kind, name): int(number) for kind, name, number in found}


def answers(text):
    """The operations that answer: their description does not say that they do not."""
    silent = re.findall(r"^OPERATION\((\w+), (\w+),[^\n]*(?:\n\t[^\n]*)?Does not answer\.", text, re.M)
    return set(operations(text)) - set(silent)


def promised(text):
    """All (object, operation, status) that operations.def has, OK included."""
    refusals = set(re.findall(r"^REFUSAL\((\w+), (\w+), (\w+),", text, re.M))
    return refusals | {(kind, name, "OK") for kind, name in answers(text)}


def seen(logs, kinds, numbers, statuses):
    """All (object, operation, status) in the logs."""
    names = {(kind, number): name for (kind, name), number in numbers.items()}
    found = set()
    files = [file for log in logs for file in (sorted(log.glob("*.log")) if log.is_dir() else [log])]
    for log in files:
        for kind, label, mask in COVERAGE.findall(log.read_text(encoding="utf-8")):
            kind = kinds[int(kind)]
            name = names.get((kind, int(label)), f"operation {label}")
            found |= {(kind, name, status) for number, status in statuses.items() if int(mask, 16) >> number & 1}
    return found


def listed(path):
    """The pairs of the file of what cannot be provoked."""
    pairs = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            kind, name, status, _reason = line.split(None, 3)
            pairs.add((kind, name, status))
    return pairs


def main():
    parser = argparse.ArgumentParser(description="Compares the statuses that tests provoked with operations.def.")
    parser.add_argument("--unprovokable", type=Path, default=ROOT / "test" / "guest" / "kernel" / "unprovokable.txt")
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    arguments = parser.parse_args()
    text = (ABI / "operations.def").read_text(encoding="utf-8")
    expected = promised(text)
    found = seen(arguments.logs, numbered("objects.def", "OBJECT"), operations(text), numbered("status.def", "STATUS"))
    excused = listed(arguments.unprovokable)
    problems = [(pair, "was never provoked") for pair in expected - found - excused]
    problems += [(pair, "is not documented, and was seen") for pair in found - expected]
    problems += [(pair, f"is in {arguments.unprovokable.name}, and was seen") for pair in excused & found]
    problems += [(pair, f"is in {arguments.unprovokable.name}, and in no .def") for pair in excused - expected]
    for (kind, name, status), what in sorted(problems):
        print(f"{kind}.{name} {status}: {what}")
    print(f"{len(found & expected)} of {len(expected)} pairs of operation and status seen, {len(excused)} excused")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
