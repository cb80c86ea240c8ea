# SPDX-License-Identifier: BSD-2-Clause
"""Measures as `./strata bench` does, twice: the counter is exact, both runs agree, and no figure is missing.

    bench.py PRESET COUNT_SO

It looks at no figure's value, and at no clock.
"""

import sys
import types
from pathlib import Path

import guest  # noqa: F401  (finds the tool)
from strata import bench

# Short ones; the others take long.
SCENARIOS = ["message_64_words", "reduce_512_pages_of_4"]


def main():
    options = types.SimpleNamespace(board="virt", preset=sys.argv[1], plugin=Path(sys.argv[2]).resolve(), verbose=False)
    names = [name for name, spec in bench.SPECS.items() if spec.group == "main"]
    runs = [bench.measure(options, names) + bench.stretches(options, SCENARIOS) for _ in range(2)]
    print(bench.table(runs[0]))
    missing = {*names, *bench.VALUES, *(f"stretch.{s}" for s in SCENARIOS)} - {figure.name for figure in runs[0]}
    if missing:
        print(f"no figures for {', '.join(sorted(missing))}")
    different = [a.name for a, b in zip(*runs) if a != b]
    if different:
        print(f"two runs differ in {', '.join(different)}:\n{bench.table(runs[1])}")
    empty = [figure.name for figure in runs[0] if not figure.value > 0]
    if empty:
        print(f"not above 0: {', '.join(empty)}")
    return 1 if missing or different or empty else 0


if __name__ == "__main__":
    sys.exit(main())
