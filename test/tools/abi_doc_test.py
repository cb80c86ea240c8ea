# SPDX-License-Identifier: BSD-2-Clause
"""Tests tools/abi_doc.py: it finds lists that are not well-formed, and a page that is out of date."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools/abi_doc.py"


class AbiDoc(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        shutil.copytree(ROOT / "include/abi", self.root / "include/abi")

    def run_tool(self, *options):
        return subprocess.run([sys.executable, TOOL, "--root", self.root, *options],
                              stdout=subprocess.PIPE, text=True, check=False)

    def replace(self, name, old, new):
        path = self.root / "include/abi" / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def append(self, name, line):
        path = self.root / "include/abi" / name
        path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")

    def expect(self, fault):
        result = self.run_tool()
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, rf"(?m)^include/abi/\w+\.def:\d+: .*{fault}")

    def test_a_well_formed_abi_has_a_page(self):
        self.assertEqual(self.run_tool().returncode, 0)
        page = (self.root / "docs/abi.md").read_text(encoding="utf-8")
        for text in ("#### TASK.MAP", "| TOO_DEEP | the source is", "| 25 | TIMEOUT |", "struct utcb", "REPAIRS"):
            self.assertIn(text, page)
        self.assertEqual(self.run_tool("--check").returncode, 0)

    def test_a_page_that_is_out_of_date_is_found(self):
        self.run_tool()
        self.replace("status.def", '"Done"', '"Well done"')
        result = self.run_tool("--check")
        self.assertEqual((result.returncode, "Run: tools/abi_doc.py" in result.stdout), (1, True))

    def test_a_header_that_is_new_is_shown(self):
        (self.root / "include/abi/new.h").write_text("/* S */\n/*\n * What is new.\n */\n#define NEW 1\n", encoding="utf-8")
        self.run_tool()
        self.assertIn("What is new.", (self.root / "docs/abi.md").read_text(encoding="utf-8"))

    def test_a_refusal_of_no_operation_is_found(self):
        self.append("operations.def", 'REFUSAL(TASK, FLY, BUSY, "never")')
        self.expect("TASK.FLY, which is no operation")

    def test_a_refusal_with_no_status_is_found(self):
        self.append("operations.def", 'REFUSAL(PLATFORM, POOL, SAD, "always")')
        self.expect("SAD is no status")

    def test_a_refusal_with_ok_is_found(self):
        self.append("operations.def", 'REFUSAL(PLATFORM, POOL, OK, "always")')
        self.expect("OK is no status")

    def test_a_refusal_under_another_operation_is_found(self):
        self.append("operations.def", 'REFUSAL(PLATFORM, COUNTERS, BUSY, "then")')
        self.expect("stands under PLATFORM.POOL")

    def test_a_refusal_that_is_there_twice_is_found(self):
        self.append("operations.def", 'REFUSAL(PLATFORM, POOL, BUSY, "a")\nREFUSAL(PLATFORM, POOL, BUSY, "b")')
        self.expect("with BUSY already")

    def test_a_number_that_is_taken_is_found(self):
        self.append("operations.def", 'OPERATION(LOG, READ, 0, READ, "", "", "x")')
        self.expect("number 0 of LOG is taken")

    def test_a_number_beyond_the_table_is_found(self):
        self.append("operations.def", 'OPERATION(LOG, READ, 16, READ, "", "", "x")')
        self.expect("not below 16")

    def test_an_unknown_object_is_found(self):
        self.append("operations.def", 'OPERATION(TEAPOT, BREW, 0, READ, "", "", "x")')
        self.expect("no object TEAPOT")

    def test_an_unknown_right_is_found(self):
        self.append("operations.def", 'OPERATION(LOG, READ, 1, LOOK, "", "", "x")')
        self.expect("no right LOOK")

    def test_a_gap_in_the_statuses_is_found(self):
        self.append("status.def", 'STATUS(99, LATE, "x")')
        self.expect("has the number 99, not")

    def test_a_missing_argument_is_found(self):
        self.append("operations.def", "REFUSAL(PLATFORM, POOL, BUSY)")
        self.expect("3 arguments, not 4")


if __name__ == "__main__":
    unittest.main()
