#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks a model with Spin, exhaustively within its bounds: as it is, and with each of its planted mistakes.

    run.py MODEL [--only MISTAKE]

The mistakes are those that the model's first comment lists: "  NAME  what". The model must be right without them, and
Spin must find each. Says how many states there were. Exit status 0 if all is so.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

MEMORY_MIB = 6000
TIME_LIMIT = 900  # seconds, of one search


def mistakes_of(text):
    comment = text.split("*/")[1]
    return re.findall(r"(?m)^ \*   ([A-Z_]+)  ", comment)


def search(model, defines, folder):
    """Spin's report: whether it found an error, what it was, and how many states it saw."""
    subprocess.run(["spin", "-Pclang -E -x c", "-a", *[f"-D{name}" for name in defines], str(model)], cwd=folder, check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    subprocess.run(["clang", "-O2", "-w", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MIB}", "-o", "pan", "pan.c"],
                   cwd=folder, check=True)
    report = subprocess.run(["./pan", "-m200000"], cwd=folder, timeout=TIME_LIMIT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout
    errors = re.search(r"errors: (\d+)", report)
    states = re.search(r"(\d+) states, stored", report)
    what = re.search(r"pan:\d+: (.*)", report)
    whole = "Search not completed" not in report and "max search depth too small" not in report
    if errors is None or states is None:
        raise SystemExit(f"Spin ended without a result:\n{report}")
    return int(errors.group(1)), what.group(1) if what else "", int(states.group(1)), whole


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("--only", metavar="MISTAKE", help="check with this mistake only")
    options = arguments.parse_args()
    model = options.model.resolve()
    mistakes = mistakes_of(model.read_text(encoding="utf-8"))
    if not mistakes or (options.only and options.only not in mistakes):
        raise SystemExit(f"{model.name} lists no such mistake")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        if not options.only:
            errors, what, states, whole = search(model, [], folder)
            good = errors == 0 and whole
            bad += not good
            print(f"{'ok ' if good else 'NOT'} {model.stem}: {states} states, {what or 'no error'}"
                  f"{'' if whole else '; the search was not complete'}", flush=True)
        for name in [options.only] if options.only else mistakes:
            errors, what, states, _ = search(model, [name], folder)
            bad += errors == 0
            print(f"{'ok ' if errors else 'NOT'} {model.stem} with {name}: "
                  f"{'found: ' + what if errors else 'not found'} ({states} states)", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
