# SPDX-License-Identifier: BSD-2-Clause
"""What the guest tests share: boots a build in QEMU and looks at how that went."""

import dataclasses
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from strata import boards  # noqa: E402

UP = re.compile(r"^strata: up: (\d+) cores?, (\d+) MiB, every byte accounted for\s*$", re.M)


@dataclasses.dataclass
class Boot:
    """A boot that is over."""

    argv: list
    status: int | None  # None: it was ended when its time was over
    output: str

    def trouble(self, cores, mebibytes):
        """What is wrong with it, in one line; None if it is as it should be."""
        if self.status is None:
            return "the time limit is over"
        if self.status != 0:
            return f"it ended with status {self.status}"
        match = UP.search(self.output)
        if match is None:
            return "it did not say that it is up"
        found = (int(match.group(1)), int(match.group(2)))
        if found != (cores, mebibytes):
            return f"it came up with {found[0]} cores and {found[1]} MiB, not {cores} and {mebibytes}"
        return None

    def show(self):
        """Prints everything about it."""
        print("+ " + shlex.join(str(a) for a in self.argv))
        print(self.output)


def boot(build, board, limit=20, arguments=(), **choice):
    """Boots the build in folder `build`; `choice` as in strata's boards.Choice."""
    argv = boards.qemu_arguments(board, Path(build), boards.Choice(**choice)) + list(arguments)
    try:
        result = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=limit, check=False)
    except subprocess.TimeoutExpired as expired:
        return Boot(argv, None, (expired.stdout or b"").decode(errors="replace"))
    return Boot(argv, result.returncode, result.stdout.decode(errors="replace"))


def expect_up(name, result, cores, mebibytes):
    """Prints a line about a boot, and everything if it went wrong; returns whether it went right."""
    trouble = result.trouble(cores, mebibytes)
    print(f"{'ok' if trouble is None else 'NOT OK'}  {name}" + (f": {trouble}" if trouble else ""), flush=True)
    if trouble is not None:
        result.show()
    return trouble is None
