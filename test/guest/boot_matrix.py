# SPDX-License-Identifier: BSD-2-Clause
"""Boots one Image on QEMU's virt machine with every interrupt controller, exception level and core count.

    boot_matrix.py BUILD CPU MEBIBYTES
"""

import hashlib
import itertools
import sys
from pathlib import Path

import guest


def main():
    build, cpu, mebibytes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    print("Image sha256", hashlib.sha256((build / "Image").read_bytes()).hexdigest())
    good = True
    for gic, el2, cores in itertools.product((2, 3), (False, True), (1, 4, 8)):
        result = guest.boot(build, "virt", cpu=cpu, memory=f"{mebibytes}M", gic=gic, el2=el2, cores=cores)
        name = f"{cpu} {mebibytes} MiB GICv{gic} EL{2 if el2 else 1} {cores} cores"
        good &= guest.expect_up(name, result, cores, mebibytes)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
