# SPDX-License-Identifier: BSD-2-Clause
"""Tests tools/strata/symbols.py: what becomes of a guest's output on its way to the person."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from strata import symbols  # noqa: E402

COMPILER = next(filter(None, map(shutil.which, ("aarch64-none-elf-gcc", "aarch64-linux-gnu-gcc"))), None)

PROGRAM = """\
static inline __attribute__((always_inline)) void inner(volatile int *p)
{
	*p = 1;
}
void outer(volatile int *p)
{
	inner(p);
}
void _start(void)
{
	for (;;)
		;
}
"""


class FakeResolver:
    """Knows one address."""

    def explain(self, line):
        return b"  main at x.c:1" if b"kernel+0x10" in line else b""


class ConsoleTest(unittest.TestCase):
    def feed(self, *pieces):
        """What comes out for each piece that goes in, and the console."""
        read, write = os.pipe()
        console = symbols.Console(FakeResolver(), write)
        outs = []
        for piece in pieces:
            console.feed(piece)
            os.set_blocking(read, False)
            try:
                outs.append(os.read(read, 65536))
            except BlockingIOError:
                outs.append(b"")
        console.close()
        os.close(write)
        os.close(read)
        return outs, console

    def test_a_prompt_without_a_newline_comes_at_once(self):
        self.assertEqual(self.feed(b"a", b"$ ")[0], [b"a", b"$ "])

    def test_the_meaning_stands_at_the_end_of_the_line(self):
        self.assertEqual(self.feed(b" pc kernel+0x10\nnext")[0], [b" pc kernel+0x10  main at x.c:1\nnext"])

    def test_the_meaning_stands_before_a_carriage_return(self):
        self.assertEqual(self.feed(b"kernel+0x10\r\n")[0], [b"kernel+0x10  main at x.c:1\r\n"])
        self.assertEqual(self.feed(b"kernel+0x10\r", b"\n")[0], [b"kernel+0x10", b"  main at x.c:1\r\n"])

    def test_a_token_may_come_in_pieces(self):
        self.assertEqual(self.feed(b"kern", b"el+0x", b"10", b"\n")[0][3], b"  main at x.c:1\n")

    def test_everything_else_is_passed_on_unchanged(self):
        data = bytes(range(256)) * 3 + b"\r\r\n\n\r" + b"x" * 10000 + b"\n"
        self.assertEqual(b"".join(self.feed(data)[0]), data)

    def test_a_panic_is_noticed(self):
        self.assertEqual(self.feed(b"ok\r\nstrata: panic: no luck\r\nmore")[1].failure, "strata: panic: no luck")
        self.assertEqual(self.feed(b"strata: boot failed: no memory\n")[1].failure,
                         "strata: boot failed: no memory")

    def test_the_word_panic_elsewhere_is_not_a_panic(self):
        self.assertIsNone(self.feed(b"user says strata: panic: ha\nstrata: up\n")[1].failure)


@unittest.skipIf(COMPILER is None, "there is no cross compiler")
class ResolverTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "p.c").write_text(PROGRAM, encoding="utf-8")
        subprocess.run([COMPILER, "-g", "-O1", "-ffreestanding", "-nostdlib", "-static", "-Wl,-Ttext=0x400000",
                        f"-ffile-prefix-map={self.folder}=.", "-o", self.folder / "kernel.elf",
                        self.folder / "p.c"], check=True)
        names = subprocess.run([COMPILER[:-3] + "nm", self.folder / "kernel.elf"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        self.address = {line.split()[2]: int(line.split()[0], 16) for line in names.splitlines()}
        self.resolver = symbols.Resolver(self.folder)
        self.addCleanup(self.resolver.close)

    def test_function_file_and_line(self):
        self.assertRegex(self.resolver.resolve("kernel", self.address["_start"]), r"^_start at \S*p\.c:1[01]$")

    def test_a_path_below_the_build_folder_is_shown_as_in_the_tree(self):
        self.assertEqual(symbols._in_tree("build/release/tools/mkcpio.py:5"), "tools/mkcpio.py:5")
        self.assertEqual(symbols._in_tree(f"{symbols.ROOT}/tools/mkcpio.py:5"), "tools/mkcpio.py:5")
        self.assertEqual(symbols._in_tree("nowhere/x.c:?"), "nowhere/x.c:?")

    def test_inlined_functions_come_first(self):
        meanings = {self.resolver.resolve("kernel", self.address["outer"] + offset) for offset in (0, 4, 8)}
        self.assertTrue(any(m.startswith("inner at ") and ", inlined in outer at " in m for m in meanings), meanings)

    def test_what_is_not_known_is_not_explained(self):
        self.assertEqual(self.resolver.explain(b"kernel+0x10"), b"")
        self.assertEqual(self.resolver.explain(b"nobody+0x400000"), b"")
        self.assertEqual(self.resolver.explain(b"kernel+0xffffffffffffffff"), b"")
        self.assertRegex(self.resolver.explain(b"kernel+0x%x" % self.address["_start"]), rb"^  _start at ")


if __name__ == "__main__":
    unittest.main()
