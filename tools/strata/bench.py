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
MEMORY = {"main": "1G", "growth": "8G"}
VALUES = {
    "kernel_bytes_per_mapping": "Of 4 KiB, pieces of pages of 2 MiB, all of a block: tables of both sides",
    "kernel_bytes_per_thread": "With its UTCB, in a task that has others",
    "kernel_bytes_per_task": "With a thread in it",
}
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
    group: str = "main"


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


def _growth(name, counts, method, divided=False, **more):
    for count in counts:
        yield f"{name}_{count}", Spec(method.format(f"{count:,}"), group="growth", divisor=count if divided else 1, **more)


TASKS = (1, 10, 100, 1000)
PAGES = (1, 1000, 100_000, 1_000_000)
PIECES = (1, 1000, 100_000)

for made in (
        _growth("call.tasks", TASKS, "As call_0, beside {} tasks with a thread each"),
        _growth("fault.tasks", TASKS, "As fault_raw, beside {} tasks with a thread each", faults=1),
        _growth("call.pages", PAGES, "As call_0, beside {} mappings of 4 KiB of another task"),
        _growth("fault.pages", PAGES, "As fault_raw, beside {} mappings of 4 KiB of another task", faults=1),
        _growth("revoke.sharers", TASKS, "Task.UNMAP of a page of 4 KiB from {} tasks, for each", divided=True),
        _growth("insert.pieces", PIECES, "Task.MAP of a 4 KiB piece of a 1 GiB page of which {} others are handed out"),
        _growth("revoke.pieces", PIECES, "Task.UNMAP of a 4 KiB piece of a 1 GiB page of which {} others are handed out"),
        _growth("fault.chain", (1, 2, 3, 4), "As fault_raw, the pager being the first of {} that ask each other", faults=1)):
    SPECS.update(made)

# More than this between two looks for interrupts is too long.
STRETCH_BAR = 15_000

# The kernel's functions where it looks for interrupts, or sleeps until one comes: there a stretch is over.
STRETCH_ENDS = ("arch_irq_is_pending", "arch_core_wait")

STRETCHES = {
    "message_64_mappings": "A message with 64 words and 64 pages of 4 KiB, of as many pages of 2 MiB, each to a region of its own of "
                           "512 GiB",
    "message_64_again": "The same pages again, with fewer rights",
    "message_16_grants": "A message with 64 words that hands 16 pages of 4 KiB over",
    "message_16_grants_of_4": "The same, of which each is mapped on 4 times",
    "message_64_capabilities": "A message with 64 words and 64 capabilities, each to another page of the receiver's table",
    "message_64_words": "A message with 64 words",
    "revoke_1000_sharers": "A page of 4 KiB taken from 1,000 tasks that have no other page near it",
    "reduce_1000_sharers": "The same page made read-only for all of them",
    "revoke_512_pages_of_4": "2 MiB taken from 4 tasks that have all 512 pages of it",
    "reduce_512_pages_of_4": "The same made read-only",
    "revoke_used_parts": "2 MiB taken back of which one page is mapped on, and all others were",
    "reduce_used_parts": "The same made read-only",
    "revoke_lonely_parts": "2 MiB taken back from 20 who have it as a whole, and mapped the last page on",
    "reduce_lonely_parts": "The same made read-only",
    "age_used_parts": "Task.AGE of 2 MiB of which one page is mapped on, and all others were, exact",
    "age_lonely_parts": "Task.AGE of 2 MiB that 20 have as a whole, who mapped the last page on, exact",
    "age_64_pages_of_4": "Task.AGE of 64 pages that 4 tasks have, exact",
    "age_64_pages_of_100": "Task.AGE of 64 pages that 100 tasks have, exact",
    "age_2_mib_of_4": "Task.AGE of a page of 2 MiB all of whose 512 pages 4 tasks have, exact",
    "map_1_gib": "Task.MAP of 1 GiB in pages of 4 KiB",
    "unmap_nothing": "Task.UNMAP of 16 TiB where nothing is mapped",
    "delete_task_100000_pages": "Deletion of a task with 100,000 pages of 4 KiB",
    "delete_task_100_regions": "Deletion of a task with 100 pages of 4 KiB as far apart as possible",
    "delete_factory_1000": "Deletion of a factory with 200 tasks, 200 threads, 200 Irqs and 400 gates",
    "delete_thread_62_irqs": "Deletion of a thread to which 62 Irqs are bound",
    "delete_gate_8_callers": "Deletion of a gate at which 8 threads wait",
    "revoke_10000_capabilities": "Task.CAP_REVOKE of 10,000 derived capabilities",
    "move_64_capabilities": "Task.CAP_MOVE of a capability with 64 derived ones, the most it allows",
    "log_504_bytes": "Log.WRITE of 504 bytes",
    "split_2_mib": "Task.SPLIT of 2 MiB",
    "join_2_mib": "Task.JOIN of 2 MiB",
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
    place: str | None = None    # of a stretch: where it ended

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
        if f"strata: kernel at {KERNEL_BASE:#x}," not in console:
            raise Failure(f"the kernel is not at {KERNEL_BASE:#x}:\n{console}")
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
                elif words[0] == "stretch" and words[2] == "0" and mark == END:
                    # What came since the beginning of the operation.
                    found = (int(words[4]), int(words[6], 16), int(words[8], 16))
                    self.stretches[name] = max(found, self.stretches.get(name, (0,)))
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
    """The figures of the rows `names`, and what else the program found in these runs."""
    figures, values = {}, {}
    for cores, group in sorted({(SPECS[name].cores, SPECS[name].group) for name in names}):
        mine = [name for name in names if (SPECS[name].cores, SPECS[name].group) == (cores, group)]
        wanted = {SPECS[name].row or name for name in mine} | {SPECS[name].minus for name in mine} - {None}
        extra = ["check", "memory"] if group == "main" else ["check"]
        found = Run(options, [*extra, *sorted(wanted)], cores=cores, memory=MEMORY[group])
        _validate(found)
        values.update(found.values)
        figures.update((name, _figure(name, SPECS[name], found)) for name in mine)
    return [figures[name] for name in SPECS if name in figures] + [
        Figure(name, value, unit, VALUES[name]) for name, (value, unit) in values.items()]


def stretches(options, names):
    """The longest stretches of kernel instructions with interrupts masked in the scenarios `names`."""
    symbols = _symbols(build.folder(options.preset) / "kernel.elf")
    ends = [f"restart={KERNEL_BASE + symbols[name]:#x}" for name in STRETCH_ENDS]
    found = Run(options, list(names), memory=MEMORY["growth"],
                plugin=[f"stretch={KERNEL}", *ends, f"reset={BEGIN}"])
    resolver = Resolver(build.folder(options.preset))

    def place(address):
        return resolver.resolve("kernel", address - KERNEL_BASE).split(" at ")[0]

    figures = []
    for name in names:
        most, begin, end = found.stretches[name]
        figures.append(Figure(f"stretch.{name}", most, "instructions", STRETCHES[name],
                              place=f"{place(begin)} to {place(end)}"))
    resolver.close()
    return figures


def _is_code(line, in_comment):
    """Whether a line of C or assembly holds code, and whether a comment goes on behind it."""
    code = ""
    while line:
        if in_comment:
            _, closed, line = line.partition("*/")
            in_comment = not closed
        else:
            before, opened, line = line.partition("/*")
            code += before
            in_comment = bool(opened)
    return bool(code.partition("//")[0].strip()), in_comment


def lines_of_code(*folders):
    """Lines that are neither blank nor comment."""
    count = 0
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*")):
        if path.suffix not in (".c", ".h", ".S", ".lds", ".def"):
            continue
        in_comment = False
        for line in path.read_text(encoding="utf-8").splitlines():
            is_code, in_comment = _is_code(line, in_comment)
            count += is_code
    return count


def sizes(options):
    sections = _sections(build.folder(options.preset) / "kernel.elf")
    return [
        Figure("kernel_text", sections[".text"], "bytes", "The section .text of kernel.elf"),
        Figure("kernel_rodata", sections[".rodata"], "bytes", "The section .rodata of kernel.elf"),
        Figure("lines_kern", lines_of_code("kern"), "lines", "Of kern/, neither blank nor comment"),
        Figure("lines_arch", lines_of_code("arch"), "lines", "Of arch/, the boot stage included, neither blank nor comment"),
    ]


def table(figures):
    """The figures as text."""
    counted = [f for f in figures if f.kernel is not None]
    lines = []
    if counted:
        lines.append(f"{'instructions':28}{'total':>10}{'user':>8}{'kernel':>10}{'barriers':>9}{'TLBI':>7}{'MSR':>7}  least to most")
    for f in counted:
        spread = "" if f.least == f.most else f"  {f.least} to {f.most}"
        lines.append(f"{f.name:28}{f.value:>10}{_whole(f.value - f.kernel):>8}{f.kernel:>10}{f.barriers:>9}{f.tlbis:>7}"
                     f"{f.msrs:>7}{spread}")
    for f in figures:
        if f.place is not None:
            long = "  TOO LONG" if f.value > STRETCH_BAR else ""
            lines.append(f"{f.name:36}{f.value:>9,} {f.unit}  ({f.place}){long}")
        elif f.kernel is None:
            lines.append(f"{f.name:28}{f.value:>10} {f.unit}")
    return "\n".join(lines)


def compare(old, figures):
    """How the figures differ from those of a file that --json wrote."""
    before = {row["name"]: row["value"] for row in old}
    lines = []
    for f in figures:
        if f.name in before and before[f.name] != f.value:
            change = f"{100 * (f.value - before[f.name]) / before[f.name]:+.1f} %" if before[f.name] else ""
            lines.append(f"{f.name:36}{before[f.name]:>12} -> {f.value:>12}  {change}")
    return "\n".join(lines) or "nothing changed"


def svg(figures):
    """A bar chart of the figures in instructions: kernel and user parts. Bars that would not fit are cut, and say so."""
    bars = [f for f in figures if f.kernel is not None]
    height, left, width, full = 18, 190, 560, 3000
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height * len(bars) + 40}" '
           'font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="8" y="18">Executed instructions per operation: kernel (dark), user (light)</text>']
    for i, f in enumerate(bars):
        y, scale = 28 + i * height, width / full
        kernel = min(f.kernel, full) * scale
        user = min(f.value, full) * scale - kernel
        more = " (cut)" if f.value > full else ""
        out += [f'<text x="{left - 6}" y="{y + 13}" text-anchor="end">{f.name}</text>',
                f'<rect x="{left}" y="{y + 2}" width="{kernel:.1f}" height="{height - 5}" fill="#2a5d8f"/>',
                f'<rect x="{left + kernel:.1f}" y="{y + 2}" width="{user:.1f}" height="{height - 5}" fill="#9cc3e6"/>',
                f'<text x="{left + kernel + user + 5:.1f}" y="{y + 13}">{f.value:,}{more}</text>']
    return "\n".join([*out, "</svg>", ""])


def _profile(options, name):
    """Prints where the instructions of a row's operation are executed: by function, those that were inlined too."""
    row = name if name in STRETCHES else SPECS[name].row or name
    group = SPECS[name].group if name in SPECS else "growth"
    run_ = Run(options, [row], memory=MEMORY[group], plugin=[f"profile={BEGIN}-{END}"])
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
    for (where, function), count in sorted(functions.items(), key=lambda item: -item[1])[:30]:
        print(f"  {count:10.2f}  {where:7} {function}")


def _names(options):
    """The rows and the stretches that are wanted."""
    for name in options.row:
        if name not in SPECS and name not in STRETCHES:
            raise Failure(f"there is no row {name}; there are: {' '.join([*SPECS, *STRETCHES])}", 2)
    if options.row:
        return [n for n in options.row if n in SPECS], [n for n in options.row if n in STRETCHES]
    groups = ["main"] + (["growth"] if options.growth else [])
    return [n for n in SPECS if SPECS[n].group in groups], list(STRETCHES) if options.stretch else []


def run(options):
    """The subcommand."""
    rows, scenarios = _names(options)
    old = json.loads(options.compare.read_text(encoding="utf-8")) if options.compare else None
    packages.ensure(packages.RUN)
    if options.plugin is None:
        build.build("host", "qemu_count")
        options.plugin = build.folder("host") / "test/plugin/count.so"
    if not options.no_build:
        build.build(options.preset)
    if options.profile:
        for name in options.row or ["call_0", "fault_raw"]:
            _profile(options, name)
        return 0
    figures = measure(options, rows) if rows else []
    if scenarios:
        figures += stretches(options, scenarios)
    if not options.row:
        figures += sizes(options)
    print(table(figures))
    if options.json:
        text = json.dumps([figure.as_json() for figure in figures], indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    if options.svg:
        options.svg.write_text(svg(figures), encoding="utf-8")
    if old is not None:
        print("\nCompared with " + str(options.compare) + ":\n" + compare(old, figures))
    return 0
