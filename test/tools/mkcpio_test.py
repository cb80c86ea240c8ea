# SPDX-License-Identifier: BSD-2-Clause
"""Tests tools/mkcpio.py: the layout, byte by byte, and that GNU cpio extracts what went in."""

import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools/mkcpio.py"
sys.path.insert(0, str(TOOL.parent))
import mkcpio  # noqa: E402

PAGE = 4096


def entries(archive):
    """A strict reader of newc: yields (name field, header fields, data, offset of data), then the rest."""
    offset = 0
    while True:
        assert archive[offset:offset + 6] == b"070701", f"no header at {offset}"
        fields = [int(archive[offset + 6 + 8 * i:offset + 14 + 8 * i], 16) for i in range(13)]
        size, name_size = fields[6], fields[11]
        name = archive[offset + 110:offset + 110 + name_size]
        assert name.endswith(b"\0")
        data = (offset + 110 + name_size + 3) // 4 * 4
        assert data + size <= len(archive)
        yield name, fields, archive[data:data + size], data
        offset = (data + size + 3) // 4 * 4
        if name.rstrip(b"\0") == b"TRAILER!!!":
            yield None, None, archive[offset:], offset
            return


# Sizes around every edge: of 4 bytes, of a page, of a page less a header.
SIZES = [0, 1, 3, 4, 5, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE - 118, 2 * PAGE - 117, 3 * PAGE - 4, 70001]


class Archive(unittest.TestCase):
    def setUp(self):
        random.seed(1)
        self.files = [(f"dir/file{size}", 0o644, random.randbytes(size)) for size in SIZES]
        self.archive = mkcpio.archive(self.files)

    def test_every_file_is_there_and_begins_a_page(self):
        *found, _rest = entries(self.archive)
        self.assertEqual([name.rstrip(b"\0").decode() for name, *_ in found],
                         [name for name, *_ in self.files] + ["TRAILER!!!"])
        for (_, _, data, offset), (_, _, content) in zip(found, self.files):
            self.assertEqual(data, content)
            self.assertEqual(offset % PAGE, 0)

    def test_no_two_files_share_a_page(self):
        *found, _rest = entries(self.archive)
        pages = [set(range(offset // PAGE, -(-(offset + len(data)) // PAGE))) for _, _, data, offset in found]
        self.assertEqual(sum(map(len, pages)), len(set().union(*pages)))

    def test_after_a_files_end_come_only_nuls_and_the_next_header_and_name(self):
        *found, _rest = entries(self.archive)
        for (_, _, data, offset), (next_name, _, _, next_offset) in zip(found, found[1:]):
            gap = self.archive[offset + len(data):next_offset]
            start = -len(data) % 4
            self.assertEqual(gap[:start], bytes(start))
            self.assertEqual(gap[start + 110:], next_name)
            text = next_name.rstrip(b"\0")
            self.assertEqual(next_name, text.ljust(len(next_name), b"\0"))

    def test_the_archive_is_whole_pages_and_ends_with_zeros(self):
        *_, (_, _, rest, _) = entries(self.archive)
        self.assertEqual(len(self.archive) % PAGE, 0)
        self.assertEqual(rest, bytes(len(rest)))

    def test_nothing_of_the_machine_is_in_it(self):
        *found, _rest = entries(self.archive)
        for index, (_, fields, data, _) in enumerate(found[:-1], start=1):
            self.assertEqual(fields[:11], [index, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0])
            self.assertEqual(fields[12], 0)

    def test_an_empty_archive_is_a_trailer(self):
        self.assertEqual(len(mkcpio.archive([])), PAGE)

    def test_bad_names_are_refused(self):
        for name in ("", "/root", "TRAILER!!!", "a\0b"):
            with self.subTest(name=name), self.assertRaises(mkcpio.ArchiveError):
                mkcpio.archive([(name, 0o644, b"")])
        with self.assertRaises(mkcpio.ArchiveError):
            mkcpio.archive([("a", 0o644, b""), ("a", 0o644, b"")])


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_tool(self, *arguments):
        return subprocess.run([sys.executable, TOOL, *arguments], cwd=self.folder, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)

    def test_gnu_cpio_extracts_what_went_in(self):
        random.seed(2)
        for size in SIZES:
            (self.folder / f"in{size}").write_bytes(random.randbytes(size))
        (self.folder / "in1").chmod(0o755)
        names = [f"sub/out{size}=in{size}" for size in SIZES]
        self.assertEqual(self.run_tool("-o", "a.cpio", *names).returncode, 0)
        (self.folder / "x").mkdir()
        with open(self.folder / "a.cpio", "rb") as archive:
            result = subprocess.run(["cpio", "-id", "--quiet"], cwd=self.folder / "x", stdin=archive,
                                    stderr=subprocess.PIPE, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        for size in SIZES:
            out = self.folder / f"x/sub/out{size}"
            self.assertEqual(out.read_bytes(), (self.folder / f"in{size}").read_bytes())
            self.assertEqual(out.stat().st_mode & 0o100, 0o100 if size == 1 else 0)

    def test_the_same_files_give_the_same_bytes(self):
        (self.folder / "a").write_bytes(b"hello")
        self.run_tool("-o", "1", "a=a")
        (self.folder / "a").unlink()
        (self.folder / "a").write_bytes(b"hello")
        self.run_tool("-o", "2", "a=a")
        self.assertEqual((self.folder / "1").read_bytes(), (self.folder / "2").read_bytes())

    def test_errors_are_one_line_and_status_1(self):
        for arguments in (["a=missing"], ["a"], ["=a"]):
            with self.subTest(arguments=arguments):
                result = self.run_tool("-o", "out", *arguments)
                self.assertEqual(result.returncode, 1)
                self.assertEqual(len(result.stderr.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
