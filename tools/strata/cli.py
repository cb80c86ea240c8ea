# SPDX-License-Identifier: BSD-2-Clause
"""The subcommands of `strata` and their options."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import bench, boards, build, packages, qemu, say
from .boards import ROOT
from .say import Failure
from .symbols import Resolver


def _setup(_arguments):
    packages.ensure(packages.ALL)
    say.note("everything that is needed is installed")
    return 0


def _build(arguments):
    for preset in arguments.preset or ["release"]:
        build.build(preset)
    return 0


def _run(arguments):
    choice = boards.Choice(
        cpu=arguments.cpu, cores=arguments.cores, memory=arguments.memory, gic=arguments.gic,
        el2=arguments.el2, tree=arguments.dtb, console=arguments.console, append=arguments.append)
    folder = build.folder(arguments.preset)
    argv = boards.qemu_arguments(arguments.board, folder, choice) + arguments.qemu_arg
    try:
        # All at once, so that a person is asked once.
        packages.ensure(packages.RUN + ([] if arguments.no_build else packages.for_preset(arguments.preset)))
        if not arguments.no_build:
            build.build(arguments.preset)
    except Failure as failure:
        # 1 would be taken for the guest's own status.
        failure.status = qemu.SYSTEM_FAILED
        raise
    return qemu.run(argv, Resolver(folder), arguments.timeout)


def _test(arguments):
    packages.ensure(packages.ALL)
    for preset in ("release", "debug", "clang", "host"):
        build.build(preset)
    argv = ["ctest", "--test-dir", "build/host", "--output-on-failure", "-j2"]
    if not arguments.all:
        argv += ["-LE", "^all$"]
    if arguments.regex:
        argv += ["-R", arguments.regex]
    if arguments.label:
        argv += ["-L", arguments.label]
    say.command(argv)
    return subprocess.run(argv, cwd=ROOT, check=False).returncode


def _fuzz(arguments):
    build.build("host")
    harnesses = sorted(path for path in (ROOT / "build/host/test/fuzz").glob("fuzz_*")
                       if path.is_file() and os.access(path, os.X_OK))
    if arguments.name:
        wanted = "fuzz_" + arguments.name.removeprefix("fuzz_")
        harnesses = [path for path in harnesses if path.name == wanted]
    if not harnesses:
        raise Failure("there is no such fuzz harness" if arguments.name else "there are no fuzz harnesses")
    for harness in harnesses:
        name = harness.name.removeprefix("fuzz_")
        # New inputs go to the first folder and stay there; a crash leaves a file crash-* beside it.
        corpus, seeds = harness.with_name(f"corpus_{name}"), harness.with_name(f"seeds_{name}")
        corpus.mkdir(exist_ok=True)
        argv = [harness, f"-max_total_time={arguments.seconds}", f"-artifact_prefix={harness.parent}/", corpus]
        say.run([*argv, seeds] if seeds.is_dir() else argv, f"{harness.name} found a fault",
                stdin=subprocess.DEVNULL)
    return 0


def _count(text):
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _seconds(text):
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError
    return value


_count.__name__ = "number"
_seconds.__name__ = "number of seconds"


def _parser():
    width = max(40, shutil.get_terminal_size().columns - 2)
    parser = argparse.ArgumentParser(
        prog="strata", description="Sets up, builds, runs and tests Strata.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=width),
        epilog="Commands that it runs are printed on standard error.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name, function, text, epilog=None):
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", epilog=epilog)
        command.set_defaults(function=function)
        return command

    presets = build.presets()
    add("setup", _setup, "install what is missing on a Debian machine",
        "Asks first when a person is there (standard input is a terminal). Needs root or sudo.")

    command = add("build", _build, "build one or more presets")
    command.add_argument("--preset", action="append", choices=presets, help="what to build (default: release)")

    command = add("run", _run, "boot in QEMU, with the guest's console on this terminal",
                  "Exit status: the guest's; 124 when the time limit is over; 125 when the system or QEMU "
                  "failed; 130 after Ctrl-C.")
    command.add_argument("--board", choices=boards.names(), default="virt", help="(default: virt)")
    command.add_argument("--preset", choices=[p for p in presets if p != "host"], default="release",
                         help="which build (default: release)")
    command.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="end with status 124 after this time")
    command.add_argument("--cpu", help="CPU model, by QEMU's name")
    command.add_argument("--cores", type=_count, metavar="N", help="number of cores (default: 4)")
    command.add_argument("--memory", metavar="M", help="size of RAM, for example 512M or 4G")
    command.add_argument("--gic", type=int, choices=(2, 3), help="version of the interrupt controller")
    command.add_argument("--el2", action="store_true", help="enter the kernel at EL2 instead of EL1")
    command.add_argument("--dtb", type=Path, metavar="FILE", help="device tree, instead of the board's")
    command.add_argument("--console", type=int, metavar="N", help="which serial line to show (default: the board's)")
    command.add_argument("--append", default="", metavar="ARGS", help="further boot arguments")
    command.add_argument("--qemu-arg", action="append", default=[], metavar="X",
                         help="a further argument for QEMU; may be repeated; write --qemu-arg=-x")
    command.add_argument("--no-build", action="store_true", help="boot what was built before")

    command = add("test", _test, "build everything and run the tests")
    command.add_argument("--all", action="store_true", help="also those that take long: every boot with every preset")
    command.add_argument("-R", dest="regex", metavar="REGEX", help="only tests whose name matches")
    command.add_argument("-L", dest="label", metavar="LABEL", help="only tests whose label matches")

    command = add("bench", bench.run, "measure executed instructions per operation in QEMU")
    command.add_argument("row", nargs="*", metavar="ROW", help="only these rows")
    command.add_argument("--board", choices=["virt"], default="virt", help="(default: virt)")
    command.add_argument("--preset", choices=[p for p in presets if p != "host"], default="release",
                         help="which build (default: release)")
    command.add_argument("--growth", action="store_true", help="also how figures grow with what there is")
    command.add_argument("--stretch", action="store_true", help="also the longest stretches with interrupts masked")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    command.add_argument("--svg", type=Path, metavar="FILE", help="draw the figures there, too")
    command.add_argument("--compare", type=Path, metavar="OLD.json", help="print how they differ from these")
    command.add_argument("--profile", action="store_true",
                         help="print by function where a row's instructions are (default: of call_0 and fault_raw)")
    command.add_argument("--no-build", action="store_true", help="measure what was built before")
    command.add_argument("--plugin", type=Path, metavar="FILE", help="the counting plugin (default: built here)")
    command.add_argument("--verbose", action="store_true", help="print QEMU's command line")

    command = add("fuzz", _fuzz, "run the fuzz harnesses")
    command.add_argument("name", nargs="?", metavar="NAME", help="one harness (default: all)")
    command.add_argument("--seconds", type=_count, default=60, help="time for each (default: 60)")
    return parser


def main():
    # A standard stream that is closed would hand its number to the next file that is opened.
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)

    arguments = _parser().parse_args()
    try:
        return arguments.function(arguments)
    except Failure as failure:
        say.note(str(failure))
        return failure.status
    except KeyboardInterrupt:
        return 130
