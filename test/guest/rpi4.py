# SPDX-License-Identifier: BSD-2-Clause
"""Boots on QEMU's Raspberry Pi 4 with a device tree, with the console on each of its two UARTs.

    rpi4.py BUILD TREE
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import guest

# QEMU describes 960 of its 2048 MiB in the tree.
MEBIBYTES = 960


def main():
    build, tree = Path(sys.argv[1]), Path(sys.argv[2])
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for line, name in ((0, "PL011"), (1, "mini-UART")):
            changed = Path(folder) / f"{line}.dtb"
            shutil.copy(tree, changed)
            subprocess.run(["fdtput", "-t", "s", changed, "/chosen", "stdout-path", f"serial{line}:115200n8"],
                           check=True)
            result = guest.boot(build, "rpi4", tree=changed, console=line)
            good &= guest.expect_up(f"{tree.name}, console on the {name}", result, 4, MEBIBYTES)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
