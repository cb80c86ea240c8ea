# SPDX-License-Identifier: BSD-2-Clause
"""Runs a machine whose memory a test has filled itself, and looks at how that ends."""

import dataclasses
import re
import selectors
import subprocess
import tempfile
import time
from pathlib import Path

from fdt import Tree, wide

FAILURE = re.compile(r"^strata: (?:boot failed|panic): .*$", re.M)

# After a line that says how it ends, QEMU must end by itself within this time, if the guest can tell it.
GRACE_S = 0.7


@dataclasses.dataclass
class End:
    """How a run ended: status is None if QEMU had to be ended."""

    status: int | None
    output: str
    seconds: float

    def failures(self):
        """The lines that say that boot or kernel failed."""
        return [line.rstrip("\r") for line in FAILURE.findall(self.output)]


def run(argv, limit, grace=GRACE_S):
    """Runs QEMU until it ends, `limit` seconds are over, or it lives on for `grace` after a line of failure."""
    start = time.monotonic()
    text = b""
    stop_at = start + limit
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process, \
            selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        status = None
        failed = False
        while (left := stop_at - time.monotonic()) > 0:
            if selector.select(left):
                data = process.stdout.read1(65536)
                if not data:
                    status = process.wait()
                    break
                text += data
            if not failed and FAILURE.search(text.decode(errors="replace")) and text.endswith(b"\n"):
                failed = True
                stop_at = time.monotonic() + grace
        if process.poll() is None:
            process.kill()
    return End(status, text.decode(errors="replace"), time.monotonic() - start)


@dataclasses.dataclass
class Machine:
    """A machine of QEMU's that starts in the test loader of test/fw/."""

    name: str
    build: Path
    arguments: list
    entry_el: int
    image_at: int
    tree_at: int
    initrd_at: int
    parameters_at: int

    @property
    def loader(self):
        """The loader for this machine."""
        machine = self.arguments[self.arguments.index("-M") + 1].partition(",")[0]
        return self.build / "test" / "fw" / f"loader-{machine}.elf"

    def argv(self, folder, tree, initrd, x0=None, image_at=None, memory=(), how=2, semihosting=True):
        """The command line: `tree` and `initrd` are bytes, or None; `memory` is more (address, bytes);
        `how` is for the loader."""
        argv = ["qemu-system-aarch64", *self.arguments, "-display", "none", "-monitor", "none",
                "-kernel", str(self.loader), *(["-semihosting"] if semihosting else [])]
        image_at = self.image_at if image_at is None else image_at
        x0 = self.tree_at if x0 is None else x0
        words = (image_at, x0, how)
        parts = [(image_at, (self.build / "Image").read_bytes()),
                 (self.parameters_at, b"".join(word.to_bytes(8, "little") for word in words)), *memory]
        parts += [(self.tree_at, tree)] if tree is not None else []
        parts += [(self.initrd_at, initrd)] if initrd is not None else []
        for number, (address, data) in enumerate(parts):
            path = Path(folder) / f"{number}.bin"
            path.write_bytes(data)
            argv += ["-device", f"loader,file={path},addr={address:#x},force-raw=on"]
        return argv

    def boot(self, tree, initrd, limit=15, **choice):
        """Boots it with these bytes in memory."""
        with tempfile.TemporaryDirectory() as folder:
            return run(self.argv(folder, tree, initrd, **choice), limit)


def virt(build, el2=False, gic=3, cores=4, mebibytes=1024, machine_options=""):
    """QEMU's generic machine."""
    machine = f"virt,gic-version={gic}" + (",virtualization=on" if el2 else "") + machine_options
    arguments = ["-M", machine, "-cpu", "cortex-a72", "-smp", str(cores), "-m", f"{mebibytes}M", "-nic", "none",
                 "-serial", "stdio"]
    return Machine(f"virt EL{2 if el2 else 1} GICv{gic}", Path(build), arguments, 2 if el2 else 1, 0x40200000, 0x48000000,
                   0x4a000000, 0x60010000)


def raspi4b(build, console=1):
    """The Raspberry Pi 4, as its firmware hands over: at EL2."""
    serial = sum((["-serial", "stdio" if line == console else "null"] for line in range(2)), [])
    return Machine(f"raspi4b console {console}", Path(build), ["-M", "raspi4b", "-no-reboot", *serial], 2, 0x200000, 0x8000000,
                   0xa000000, 0x20010000)


def virt_tree(machine, bootargs="exit=semihosting"):
    """The tree that QEMU makes for the machine, with our boot arguments and no initrd."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "virt.dtb"
        arguments = list(machine.arguments)
        arguments[arguments.index("-M") + 1] += f",dtb-randomness=off,dumpdtb={path}"
        subprocess.run(["qemu-system-aarch64", *arguments, "-display", "none", "-monitor", "none"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
        tree = Tree(path.read_bytes())
    tree.root["chosen"].properties["bootargs"] = bootargs.encode() + b"\0"
    return tree


def set_initrd(tree, begin, end):
    """Names the boot modules in a tree."""
    chosen = tree.root["chosen"].properties
    chosen["linux,initrd-start"], chosen["linux,initrd-end"] = wide(begin), wide(end)
