# SPDX-License-Identifier: BSD-2-Clause
"""Tests tools/check_includes.py: planted violations are found, and what is allowed is not."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import check_includes  # noqa: E402

# Headers that stand in the tree of every test.
HEADERS = [
    "include/abi/tag.h", "arch/include/arch/cpu.h", "arch/arm64/insn.h", "arch/arm64/arch_frame.h",
    "arch/arm64/boot/start.h",
    "kern/entry.h", "kern/status.h", "kern/thread.h", "common/cpio.h", "sdk/include/strata/task.h",
    "sdk/src/private.h", "pager/include/pager/region_map.h", "pager/inside.h",
    "dataspace/include/dataspace/ops.h", "dataspace/inside.h", "roottask/buddy.h", "test/host/helper.h",
]

ALLOWED = [
    ("kern/thread.c", '"thread.h"'),
    ("kern/thread.c", "<abi/tag.h>"),
    ("kern/thread.c", "<arch/cpu.h>"),
    ("kern/thread.c", "<common/cpio.h>"),
    ("kern/thread.c", "<stdint.h>"),
    ("arch/include/arch/frame.h", "<kern/status.h>"),
    ("arch/include/arch/frame.h", "<arch/cpu.h>"),
    ("arch/include/arch/frame.h", "<arch_frame.h>"),
    ("arch/include/arch/frame.h", "<common/cpio.h>"),
    ("arch/arm64/trap.c", "<kern/entry.h>"),
    ("arch/arm64/trap.c", '"../../kern/entry.h"'),
    ("arch/arm64/trap.c", '"insn.h"'),
    ("arch/arm64/boot/main.c", '"../insn.h"'),
    ("arch/arm64/boot/main.c", "<common/cpio.h>"),
    ("common/machine.c", "<libfdt.h>"),
    ("common/machine.c", '"cpio.h"'),
    ("common/machine.c", "<abi/tag.h>"),
    ("pager/fault.c", "<strata/task.h>"),
    ("pager/fault.c", "<dataspace/ops.h>"),
    ("roottask/main.c", "<pager/region_map.h>"),
    ("roottask/main.c", "<common/cpio.h>"),
    ("test/host/x.c", "<kern/thread.h>"),
    ("test/host/x.c", "<libfdt.h>"),
    ("test/host/x.c", '"helper.h"'),
]

REFUSED = [
    ("include/abi/bad.h", "<common/cpio.h>"),
    ("include/abi/bad.h", "<kern/status.h>"),
    ("common/bad.c", "<kern/thread.h>"),
    ("common/bad.c", "<arch/cpu.h>"),
    ("common/bad.c", "<libfdt.h>"),
    ("arch/include/arch/bad.h", "<kern/thread.h>"),
    ("arch/include/arch/bad.h", "<insn.h>"),
    ("kern/bad.c", '"../arch/arm64/insn.h"'),
    ("kern/bad.c", "<arch_frame.h>"),
    ("kern/bad.c", "<insn.h>"),
    ("kern/bad.c", "<strata/task.h>"),
    ("kern/bad.c", '"buddy.h"'),
    ("kern/bad.c", "<libfdt.h>"),
    ("kern/bad.S", "<strata/task.h>"),
    ("arch/arm64/bad.c", "<kern/thread.h>"),
    ("arch/arm64/bad.c", '"thread.h"'),
    ("arch/arm64/boot/bad.c", "<libfdt.h>"),
    ("sdk/src/bad.c", "<kern/status.h>"),
    ("sdk/src/bad.c", "<arch/cpu.h>"),
    ("pager/bad.c", "<kern/status.h>"),
    ("pager/bad.c", '"../dataspace/inside.h"'),
    ("dataspace/bad.c", "<pager/region_map.h>"),
    ("roottask/bad.c", '"../pager/inside.h"'),
    ("roottask/bad.c", "<kern/entry.h>"),
    ("roottask/bad.c", "<libfdt.h>"),
    ("kern/bad.c", '"../test/host/helper.h"'),
    ("apps/shell/bad.c", "<kern/entry.h>"),
]


class Includes(unittest.TestCase):
    def check(self, file, include):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for header in HEADERS:
                (root / header).parent.mkdir(parents=True, exist_ok=True)
                (root / header).write_text("#pragma once\n", encoding="utf-8")
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(f"/* A file. */\n#include {include}\n", encoding="utf-8")
            return check_includes.check(root)

    def test_what_the_rules_allow_is_not_reported(self):
        for file, include in ALLOWED:
            with self.subTest(file=file, include=include):
                self.assertEqual(self.check(file, include), [])

    def test_what_the_rules_forbid_is_reported_with_file_and_line(self):
        for file, include in REFUSED:
            with self.subTest(file=file, include=include):
                (line,) = self.check(file, include)
                self.assertTrue(line.startswith(f"{file}:2: "), line)

    def test_a_folder_without_rules_is_reported(self):
        self.assertEqual(len(self.check("attic/old.c", "<stdint.h>")), 1)

    def test_what_was_built_is_not_looked_at(self):
        self.assertEqual(self.check("build/release/x.c", "<kern/thread.h>"), [])


if __name__ == "__main__":
    unittest.main()
