# SPDX-License-Identifier: BSD-2-Clause
"""Counts the instructions from the kernel's first to the root task's first, on one core.

    boot_cost.py BUILD COUNT_SO
"""

import re
import struct
import sys
import tempfile
from pathlib import Path

import guest

# Where QEMU puts an Image whose text offset is 0: 2 MiB into the RAM of virt.
KERNEL_ENTRY = 0x40200000
LIMIT = 2_000_000


def elf_entry(path):
    """The entry address in an ELF64 file's header."""
    return struct.unpack_from("<Q", path.read_bytes(), 24)[0]


def main():
    build, plugin = Path(sys.argv[1]), Path(sys.argv[2]).resolve()
    entry = elf_entry(build / "roottask.elf")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "counts"
        result = guest.boot(build, "virt", cores=1, limit=60, arguments=[
            "-plugin", f"{plugin},from={KERNEL_ENTRY:#x},to={entry:#x},out={out}"])
        if not guest.expect_up("virt, 1 core, counted", result, 1, 1024):
            return 1
        text = out.read_text(encoding="utf-8")
    match = re.search(r"^cpu 0 span times (\d+) last (\d+) total \d+$", text, re.M)
    if match is None or match.group(1) != "1":
        print(f"the way from {KERNEL_ENTRY:#x} to {entry:#x} was not taken exactly once:\n{text}")
        return 1
    count = int(match.group(2))
    print(f"kernel entry to the root task's first instruction: {count:,} of fewer than {LIMIT:,} instructions")
    return 0 if count < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
