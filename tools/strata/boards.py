# SPDX-License-Identifier: BSD-2-Clause
"""The boards: folders of data in boards/, and what a person may choose of each."""

import dataclasses
import json
from pathlib import Path

from .say import Failure

ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Choice:
    """What a person chose of a machine; None is the board's own value."""

    cpu: str | None = None
    cores: int | None = None
    memory: str | None = None
    gic: int | None = None
    el2: bool = False
    tree: Path | None = None      # device tree, instead of the board's
    console: int | None = None    # number of the serial line that is the console
    append: str = ""              # boot arguments after our own
    modules: Path | None = None   # boot archive, instead of the build's


def names():
    return sorted(path.parent.name for path in ROOT.glob("boards/*/board.json"))


def qemu_arguments(name, build, choice):
    """The command line that boots the build in folder `build` on the board `name`, console on stdio."""
    board = json.loads((ROOT / "boards" / name / "board.json").read_text(encoding="utf-8"))

    def chosen(what):
        """The value for QEMU; None if the machine has only one, which then needs no saying."""
        value = getattr(choice, what)
        if value is None or value is False:
            return board.get(what)
        if what in board.get("fixed", {}):
            fixed = board["fixed"][what]
            if value != fixed:
                raise Failure(f"board {name} has no choice of {what}: it is always {fixed}", 2)
            return None
        return value

    machine = board["machine"]
    for what in ("gic", "el2"):
        if chosen(what):
            machine += "," + board["machine_options"][what].format(chosen(what))

    argv = ["qemu-system-aarch64", "-M", machine]
    for what, option in (("cpu", "-cpu"), ("cores", "-smp"), ("memory", "-m")):
        if chosen(what) is not None:
            argv += [option, str(chosen(what))]
    argv += board["arguments"]
    argv += ["-display", "none", "-monitor", "none", "-semihosting"]
    console = board["console"] if choice.console is None else choice.console
    for line in range(board["serial_lines"]):
        argv += ["-serial", "stdio" if line == console else "null"]
    tree = choice.tree or ("tree" in board and build / board["tree"])
    if tree:
        argv += ["-dtb", str(tree)]
    argv += ["-kernel", str(build / "Image"), "-initrd", str(choice.modules or build / "modules.cpio")]
    argv += ["-append", " ".join(["exit=semihosting", *choice.append.split()])]
    return argv
