#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Boots the kernel's guest tests and checks what they say (TAP, Test Anything Protocol).

    run.py [--configuration NAME] [--long] [--seed N] [--output FOLDER] [--verbose] [PROGRAM...]

Without programs: all of them. Configurations are CONFIGURATIONS below. The output of each run is kept as
FOLDER/CONFIGURATION-PROGRAM.log (build/kernel-tests), where tools/abi_coverage.py finds it. --long repeats what is done at random
far more often; --seed begins with another number.
"""

import argparse
import dataclasses
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import guest  # noqa: E402

ROOT = guest.ROOT


@dataclasses.dataclass
class Configuration:
    """A machine to boot, and the preset whose build it boots."""

    preset: str
    board: str
    choice: dict


# Time is counted in instructions, 8 ns each: the same at each run however busy the host is, and slow, so that what makes no way
# between two interrupts is found.
COUNTED = ("-icount", "shift=3,sleep=off")

# Runs by the clock of the host where the kernel checks itself: there interrupts come anywhere.
UNCOUNTED = {("debug", "hostile")}

CONFIGURATIONS = {
    "virt-gicv3-el1-1-release": Configuration("release", "virt", {"gic": 3, "cores": 1, "memory": "3G"}),
    "virt-gicv2-el2-4-debug": Configuration("debug", "virt", {"gic": 2, "el2": True, "cores": 4, "memory": "3G"}),
    "rpi4-release": Configuration("release", "rpi4", {}),
}

# How long a program may take, in seconds, where that is more than others need.
LIMIT = 100
LIMITS = {"hostile": 300}
LIMIT_LONG = 3600

# Boot arguments of a program.
ARGUMENTS = {"identifiers": "kernel_pool=640M"}

# Programs that need more than the board has.
IMPOSSIBLE = {("rpi4", "identifiers")}

PLAN = re.compile(r"^1\.\.(\d+)\s*$", re.M)
POINT = re.compile(r"^(not )?ok (\d+) - (.*?)\s*$", re.M)
TROUBLE = re.compile(r"^(strata: panic|Bail out!).*$", re.M)


def verdict(boot):
    """What is wrong with a run, as a list of lines; and how many points it had."""
    wrong = [match.group(0).strip() for match in TROUBLE.finditer(boot.output)]
    points = POINT.findall(boot.output)
    wrong += [f"not ok {number} - {text}" for bad, number, text in points if bad]
    plan = PLAN.search(boot.output)
    if plan is None:
        wrong.append("there is no plan")
    elif [int(number) for _, number, _ in points] != list(range(1, int(plan.group(1)) + 1)):
        wrong.append(f"{len(points)} of {plan.group(1)} tests were reported")
    if boot.status is None:
        wrong.append("the time limit is over")
    elif boot.status != 0 and not wrong:
        wrong.append(f"it ended with status {boot.status}")
    return wrong, len(points)


def programs(build):
    """The programs that a build has."""
    return sorted(path.stem for path in (build / "kernel-tests").glob("*.cpio"))


def run(name, program, arguments):
    """Runs a program in a configuration and prints a line about it; returns whether all was well."""
    configuration = CONFIGURATIONS[name]
    if (configuration.board, program) in IMPOSSIBLE:
        return True
    build = ROOT / "build" / configuration.preset
    limit = LIMIT_LONG if arguments.long else LIMITS.get(program, LIMIT)
    began = time.monotonic()
    boot = guest.boot(build, configuration.board, limit=limit,
                      modules=build / "kernel-tests" / f"{program}.cpio",
                      append=" ".join([ARGUMENTS.get(program, ""), f"test_seed={arguments.seed}"] +
                                      ["test=long"] * arguments.long),
                      arguments=() if (configuration.preset, program) in UNCOUNTED else COUNTED,
                      **configuration.choice)
    took = time.monotonic() - began
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / f"{name}-{program}.log").write_text(boot.output, encoding="utf-8")
    wrong, points = verdict(boot)
    print(f"{'NOT OK' if wrong else 'ok'}  {name} {program}: {points} tests, {took:.1f} s", flush=True)
    for line in wrong:
        print(f"    {line}")
    if arguments.verbose or (wrong and arguments.show):
        boot.show()
    return not wrong


def main():
    parser = argparse.ArgumentParser(description="Boots the kernel's guest tests.")
    parser.add_argument("--configuration", action="append", choices=CONFIGURATIONS)
    parser.add_argument("--long", action="store_true", help="what is random goes on for much longer")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "kernel-tests")
    parser.add_argument("--verbose", action="store_true", help="show the output of every run")
    parser.add_argument("--show", action="store_true", help="show the output of runs that went wrong")
    parser.add_argument("programs", nargs="*")
    arguments = parser.parse_args()
    good = True
    for name in arguments.configuration or CONFIGURATIONS:
        build = ROOT / "build" / CONFIGURATIONS[name].preset
        for program in arguments.programs or programs(build):
            good &= run(name, program, arguments)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
