# SPDX-License-Identifier: BSD-2-Clause
"""Measures a build: executed instructions per operation, as a plugin for QEMU counts them.

The program (apps/bench) says on the console which row comes, and the plugin writes what was counted whenever one of
its markers is executed. A row's figure is the median of its repetitions; all are the same in most rows.
"""

import dataclasses
import json
import re
import statistics
import struct
import subprocess
import tempfile
from pathlib import Path

from . import boards, build, packages, say
from .boards import ROOT
from .say import Failure
from .symbols import Resolver

MARKS = ("bench_mark_row", "bench_mark_begin", "bench_mark_end", "bench_mark_row_end")
ROW, BEGIN, END, ROW_END = range(4)

# Kernel addresses have the top bits set.
KERNEL = "0xffff000000000000-0xffffffffffffffff"
# Where the kernel runs if the device tree gives it no randomness.
KERNEL_BASE = 0xffff800000000000
KINDS = ("all", "kernel", "barriers", "tlbis", "msrs")

# Between the markers' instructions: the `ret` of the first and the `bl` to the second.
MARKERS = 2
VALIDATION = 2001  # apps/bench/rows_basic.c
QEMU_LIMIT_S = 900


# One core: time is the number of instructions, so that every run is the same.
EXACT = ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off"]
# With several cores in one thread QEMU takes the core that translated a piece of code for the one that executes it, and
# ends in a segmentation fault (seen with 10.0). So they have threads of their own, and real time.
SEVERAL_CORES = ["-accel", "tcg,thread=multi"]


@dataclasses.dataclass
class Spec:
    """How a figure comes from a row of the program."""

    method: str
    row: str | None = None     # the program's name of it, if it is another one
    faults: int = 0            # instructions that fault and are executed again: counted twice
    minus: str | None = None   # a row that is subtracted
    divisor: int = 1           # operations in one repetition
    cores: int = 1
    quick: bool = True         # part of the short version


def _call(words):
    return (f"Call and reply with {words} words to a server in another task, stubs included; the words are in their "
            "registers or in the UTCB already")


SPECS = {
    "syscall": Spec("Closed wait for an Irq that has fired already"),
    "syscall_none": Spec("A system call that does not exist: into the kernel and back"),
    "syscall_object": Spec("Task.ACCOUNT: an operation of a kernel object"),
    "syscall_yield": Spec("Yield; nobody else is ready"),
    "call_0": Spec(_call(0)),
    "call_4": Spec(_call(4)),
    "call_8": Spec(_call(8)),
    "call_60": Spec(_call(60)),
    "call_0_same": Spec("The same as call_0, the server in the caller's task"),
    "call_4_same": Spec("The same as call_4, the server in the caller's task"),
    "call_8_same": Spec("The same as call_8, the server in the caller's task"),
    "call_60_same": Spec("The same as call_60, the server in the caller's task"),
    "call_0_smp": Spec("The same as call_0, with 4 cores up", row="call_0", cores=4),
    "call_0_fp": Spec("The same as call_0; both sides write an FP register between calls", faults=2),
    "fault_raw": Spec("A load from a page that is not there; a pager in another task answers from a table with a 4 KiB piece "
                      "of a 2 MiB page; the load again", faults=1),
    "fault_raw_split": Spec("The same, of a page of 4 KiB", faults=1),
    "map_page": Spec("What a call costs more with an item of a 4 KiB piece of a 2 MiB page than without", row="call_item",
                     minus="call_0"),
    "map_page_split": Spec("The same, of a page of 4 KiB", row="call_item_split", minus="call_0"),
    "task_map_page": Spec("Task.MAP of 64 pages of 4 KiB, for each", divisor=64),
    "unmap_page": Spec("Task.UNMAP of a page of 4 KiB from the one task that it was mapped to"),
    "protect_page": Spec("The same, leaving it the right to read"),
    "revoke_64": Spec("Task.UNMAP of a page of 4 KiB from 64 tasks, for each", divisor=64),
    "irq_pingpong": Spec("Two threads of different tasks trigger each other's Irq in turn: two triggers and two waits"),
    "thread_create_join": Spec("A thread is created and started, triggers an Irq, waits, and is deleted"),
    "task_create_destroy": Spec("An empty task and a thread in it are created and deleted"),
}

@dataclasses.dataclass
class Figure:
    name: str
    value: float
    unit: str
    method: str
    kernel: float | None = None
    barriers: float | None = None
    tlbis: float | None = None
    msrs: float | None = None
    least: float | None = None
    most: float | None = None
    times: int | None = None

    def as_json(self):
        return {key: value for key, value in dataclasses.asdict(self).items() if value is not None}


def _symbols(path):
    """Names and addresses of an ELF file's functions and objects."""
    data = path.read_bytes()
    shoff, = struct.unpack_from("<Q", data, 40)
    shentsize, shnum = struct.unpack_from("<HH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize) for i in range(shnum)]
    found = {}
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name, _info, _other, index, value, _size = struct.unpack_from("<IBBHQQ", data, at)
            end = data.index(b"\0", names + name)
            if index != 0:
                found[data[names + name:end].decode()] = value
    return found


def _sections(path):
    """Names and sizes of an ELF file's sections."""
    data = path.read_bytes()
    shoff, = struct.unpack_from("<Q", data, 40)
    shentsize, shnum, shstrndx = struct.unpack_from("<HHH", data, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, shoff + i * shentsize) for i in range(shnum)]
    names = sections[shstrndx][4]
    return {data[names + s[0]:data.index(b"\0", names + s[0])].decode(): s[5] for s in sections}


class Run:
    """A run of the program in QEMU: the rows' repetitions, and what else it found."""

    def __init__(self, options, names, cores=1, memory="1G", plugin=()):
        self.rows = {}      # name -> list of dicts by KINDS
        self.values = {}    # name -> (value, unit)
        self.stretches = {} # name -> (instructions, from, to)
        self.profiles = {}  # name -> {address: times}
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "counts"
            console = self._boot(options, names, cores, memory, [*plugin, f"out={out}"])
            self._read(console, out)

    @staticmethod
    def _boot(options, names, cores, memory, plugin):
        folder = build.folder(options.preset)
        symbols = _symbols(folder / "bench.elf")
        marks = [f"mark={symbols[name]:#x}" for name in MARKS]
        choice = boards.Choice(cores=cores, memory=memory, append="bench=" + ",".join(names))
        argv = boards.qemu_arguments(options.board, folder, choice)
        argv[argv.index("-initrd") + 1] = str(folder / "bench.cpio")
        argv += ["-machine", "dtb-randomness=off", *(EXACT if cores == 1 else SEVERAL_CORES),
                 "-plugin", ",".join([str(options.plugin), *marks, f"range={KERNEL}", *plugin]), "-d", "plugin"]
        if options.verbose:
            say.command(argv)
        try:
            result = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    timeout=QEMU_LIMIT_S, check=False)
        except subprocess.TimeoutExpired as expired:
            raise Failure("the benchmark did not end:\n" + (expired.stdout or b"").decode(errors="replace")) from None
        console = result.stdout.decode(errors="replace")
        if result.returncode != 0 or "strata: bench: done" not in console:
            raise Failure(f"the benchmark failed, with status {result.returncode}:\n{console}")
        return console

    def _read(self, console, out):
        names = []
        for line in console.splitlines():
            match = re.match(r"strata: bench: (row|value) (\S+) (\d+) ?(.*?)\s*$", line)
            if match and match.group(1) == "row":
                names.append(match.group(2))
            elif match:
                self.values[match.group(2)] = (int(match.group(3)), match.group(4))
        name, begun, order = None, None, iter(names)
        with open(out, encoding="ascii") as lines:
            for line in lines:
                words = line.split()
                if words[0] == "mark" and words[3] != words[5]:
                    continue  # another core than the one that marks: it may still be on its way to its first sleep
                if words[0] == "mark":
                    counts = [int(words[i]) for i in (7, 15, 9, 11, 13)]
                    mark = int(words[1])
                    if mark == ROW:
                        name = next(order)
                        self.rows[name] = []
                    elif mark == BEGIN:
                        begun = counts
                    elif mark == END:
                        self.rows[name].append(dict(zip(KINDS, (a - b for a, b in zip(counts, begun)))))
                elif words[0] == "stretch" and words[2] == "0":
                    self.stretches[name] = (int(words[4]), int(words[6], 16), int(words[8], 16))
                elif words[0] == "profile":
                    self.profiles.setdefault(name, {})[int(words[1], 16)] = int(words[2])

    def times(self, name):
        if not self.rows.get(name):
            raise Failure(f"the benchmark has no figures for {name}")
        return self.rows[name]

    def median(self, name, kind):
        return statistics.median(row[kind] for row in self.times(name))


def _whole(value):
    return int(value) if value == int(value) else round(value, 2)


def _figure(name, spec, run):
    row = spec.row or name
    offsets = dict.fromkeys(KINDS, 0)
    # A faulting instruction is the user's.
    offsets["all"] = MARKERS + spec.faults
    def value(kind, of):
        other = run.median(spec.minus, kind) - (MARKERS if kind == "all" else 0) if spec.minus else 0
        return _whole((of(run, kind) - offsets[kind] - other) / spec.divisor)

    found = {kind: value(kind, lambda r, k: r.median(row, k)) for kind in KINDS}
    least = value("all", lambda r, k: min(x[k] for x in r.times(row)))
    most = value("all", lambda r, k: max(x[k] for x in r.times(row)))
    return Figure(name, found["all"], "instructions", spec.method, kernel=found["kernel"], barriers=found["barriers"],
                  tlbis=found["tlbis"], msrs=found["msrs"], least=least, most=most, times=len(run.times(row)))


def _validate(run):
    """The counter must be exact before any of its figures is believed."""
    checks = {"empty": ("all", 0), "validation": ("all", VALIDATION), "validation_kinds": ("barriers", 3)}
    for name, (kind, expected) in checks.items():
        for row in run.times(name):
            found = row[kind] - (MARKERS if kind == "all" else 0)
            if found != expected:
                raise Failure(f"the counter is not exact: {name} has {found} and not {expected}")
    for row in run.times("validation_kinds"):
        if row["msrs"] != 1 or row["tlbis"] != 0:
            raise Failure("the counter takes one kind of instruction for another")


def measure(options, names):
    """The figures of the rows `names`."""
    figures = []
    for cores in sorted({SPECS[name].cores for name in names}):
        mine = [name for name in names if SPECS[name].cores == cores]
        wanted = {SPECS[name].row or name for name in mine} | {SPECS[name].minus for name in mine} - {None}
        run = Run(options, ["check", *sorted(wanted)], cores=cores)
        _validate(run)
        figures += [_figure(name, SPECS[name], run) for name in mine]
    order = list(SPECS)
    return sorted(figures, key=lambda figure: order.index(figure.name))


def table(figures):
    """The figures as text."""
    lines = [f"{'':28}{'total':>10}{'user':>8}{'kernel':>10}{'barriers':>9}{'TLBI':>7}{'MSR':>6}  least to most"]
    for f in figures:
        if f.kernel is None:
            lines.append(f"{f.name:28}{f.value:>10} {f.unit}")
            continue
        spread = "" if f.least == f.most else f"  {f.least} to {f.most}"
        lines.append(f"{f.name:28}{f.value:>10}{_whole(f.value - f.kernel):>8}{f.kernel:>10}{f.barriers:>9}{f.tlbis:>7}"
                     f"{f.msrs:>6}{spread}")
    return "\n".join(lines)


def _profile(options, name):
    """Prints where the instructions of a row's operation are executed: by function, those that were inlined too."""
    row = SPECS[name].row or name
    run_ = Run(options, [row], plugin=[f"profile={BEGIN}-{END}"])
    times = len(run_.times(row))
    resolver = Resolver(build.folder(options.preset))
    functions, total = {}, 0
    for address, count in run_.profiles[row].items():
        kernel = address >= KERNEL_BASE
        text = resolver.resolve("kernel" if kernel else "bench", address - (KERNEL_BASE if kernel else 0))
        key = ("kernel" if kernel else "user", text.split(", inlined in ")[0].split(" at ")[0] or f"{address:#x}")
        functions[key] = functions.get(key, 0) + count / times
        total += count / times
    resolver.close()
    print(f"{name}: {total:g} instructions, with those of the markers")
    for (where, function), count in sorted(functions.items(), key=lambda item: -item[1]):
        print(f"  {count:10.2f}  {where:7} {function}")


def run(options):
    """The subcommand."""
    unknown = [name for name in options.row if name not in SPECS]
    if unknown:
        raise Failure(f"there is no row {unknown[0]}; there are: {' '.join(SPECS)}", 2)
    if options.plugin is None:
        build.build("host", "qemu_count")
        options.plugin = build.folder("host") / "test/plugin/count.so"
    if not options.no_build:
        build.build(options.preset)
    if options.profile:
        for name in options.row or ["call_0", "fault_raw"]:
            _profile(options, name)
        return 0
    figures = measure(options, options.row or list(SPECS))
    print(table(figures))
    if options.json:
        text = json.dumps([figure.as_json() for figure in figures], indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0
