# SPDX-License-Identifier: BSD-2-Clause
"""Boots another preset's build in a few machines.

    presets.py BUILD
"""

import sys
from pathlib import Path

import guest


def main():
    build = Path(sys.argv[1])
    good = True
    for gic, el2, cores in ((3, False, 4), (2, True, 4), (3, True, 1), (2, False, 8)):
        result = guest.boot(build, "virt", gic=gic, el2=el2, cores=cores)
        good &= guest.expect_up(f"virt GICv{gic} EL{2 if el2 else 1} {cores} cores", result, cores, 1024)
    good &= guest.expect_up("rpi4", guest.boot(build, "rpi4"), 4, 960)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
