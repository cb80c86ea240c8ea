# SPDX-License-Identifier: BSD-2-Clause
"""Tests `./strata run` as a person or a script meets it: exit statuses, terminals, and nothing left behind."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

import guest
import mkcpio

RUN = [str(guest.ROOT / "strata"), "run", "--no-build"]
PAUSED = "--qemu-arg=-S"  # a guest that never ends


def qemu_processes(marker):
    """The processes, not yet dead, that have `marker` in their arguments, the tool itself left out."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            state = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            continue
        if marker.encode() in command and command.startswith(b"qemu") and state != "Z":
            found.append(int(entry.name))
    return found


def wait_until(condition, limit=20.0):
    """Whether `condition` came true within the time limit."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


class RunTool(unittest.TestCase):
    def setUp(self):
        self.marker = f"marker={os.getpid()}.{self.id()}"
        self.addCleanup(lambda: self.assertTrue(wait_until(lambda: not qemu_processes(self.marker))))

    def command(self, *arguments):
        return [*RUN, "--append", self.marker, *arguments]

    def run_tool(self, *arguments, **options):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return subprocess.run(self.command(*arguments), timeout=60, check=False, text=True, **options)

    def start(self, *arguments, **options):
        """Starts the tool and waits until QEMU runs."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        process = subprocess.Popen(self.command(*arguments), **options)
        self.addCleanup(process.kill)
        self.assertTrue(wait_until(lambda: qemu_processes(self.marker)), "QEMU does not run")
        return process

    def test_a_boot_without_a_terminal_ends_with_the_guests_status(self):
        result = self.run_tool()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, guest.UP)
        self.assertTrue(result.stderr.startswith("+ qemu-system-aarch64 "), result.stderr)

    def test_a_boot_with_standard_input_closed_works(self):
        result = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *self.command()], timeout=60, check=False,
                                stdout=subprocess.PIPE, text=True)
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, guest.UP)

    def test_a_boot_with_all_standard_streams_closed_works(self):
        result = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *self.command()], timeout=60, check=False)
        self.assertEqual(result.returncode, 0)

    def test_the_other_board_boots(self):
        result = self.run_tool("--board", "rpi4")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, guest.UP)

    def test_a_time_limit_ends_with_124(self):
        result = self.run_tool(PAUSED, "--timeout", "1")
        self.assertEqual(result.returncode, 124)
        self.assertIn("time limit", result.stderr)

    def test_a_qemu_that_does_not_start_ends_with_125(self):
        result = self.run_tool("--cpu", "no-such-cpu")
        self.assertEqual(result.returncode, 125)
        self.assertIn("strata: QEMU did not start", result.stderr)

    def test_a_qemu_that_dies_ends_with_125(self):
        process = self.start(PAUSED)
        for pid in qemu_processes(self.marker):
            os.kill(pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 125)
        self.assertIn(b"SIGKILL", errors)

    def test_a_system_that_fails_ends_with_125_and_says_why(self):
        # Without boot modules there is no root task.
        result = self.run_tool("--qemu-arg=-initrd", "--qemu-arg=/dev/null")
        self.assertEqual(result.returncode, 125)
        self.assertRegex(result.stdout, r"(?m)^strata: (panic|boot failed): ")
        self.assertIn("strata: the system failed: ", result.stderr)

    def test_a_panic_ends_with_125_and_says_where(self):
        # A root task whose first instruction is a BRK.
        program = bytearray((guest.ROOT / "build/release/roottask.elf").read_bytes())
        entry, headers = struct.unpack_from("<QQ", program, 24)
        (count,) = struct.unpack_from("<H", program, 56)
        for header in range(headers, headers + 56 * count, 56):
            kind, _, offset, address, _, size = struct.unpack_from("<IIQQQQ", program, header)
            if kind == 1 and address <= entry < address + size:
                struct.pack_into("<I", program, offset + entry - address, 0xd4200000)
        with tempfile.NamedTemporaryFile() as modules:
            modules.write(mkcpio.archive([("roottask", 0o755, bytes(program))]))
            modules.flush()
            result = self.run_tool("--qemu-arg=-initrd", f"--qemu-arg={modules.name}")
        self.assertEqual(result.returncode, 125, result.stderr)
        self.assertRegex(result.stdout, r"(?m)^strata: panic: ")
        self.assertRegex(result.stdout, r"roottask\+0x[0-9a-f]+  _start at \S+:\d+")
        self.assertIn("strata: the system failed: panic: ", result.stderr)

    def test_a_wrong_choice_ends_with_2(self):
        self.assertEqual(self.run_tool("--board", "rpi4", "--cores", "3").returncode, 2)
        self.assertEqual(self.run_tool("--board", "nowhere").returncode, 2)

    def test_interrupt_and_termination_end_it_and_qemu(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number=number):
                process = self.start(PAUSED)
                process.send_signal(number)
                process.communicate(timeout=20)
                self.assertEqual(process.returncode, status)
                self.assertEqual(qemu_processes(self.marker), [])

    def test_qemu_does_not_outlive_a_tool_that_is_killed(self):
        process = self.start(PAUSED)
        process.kill()
        process.communicate()
        self.assertTrue(wait_until(lambda: not qemu_processes(self.marker)))

    def test_it_ends_when_nobody_reads_its_output(self):
        process = self.start(stdout=subprocess.PIPE)
        process.stdout.close()
        self.assertIn(process.wait(20), (0, 141))
        process.stderr.close()

    def test_control_c_at_a_terminal_ends_with_130_and_the_terminal_as_it_was(self):
        try:
            master, slave = pty.openpty()
        except OSError as error:
            self.skipTest(f"there are no pseudo-terminals here: {error}")
        before = termios.tcgetattr(slave)

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        process = self.start(PAUSED, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)
        # QEMU has the terminal when it has changed its mode.
        self.assertTrue(wait_until(lambda: termios.tcgetattr(slave) != before), "QEMU did not take the terminal")
        os.write(master, b"\x03")
        self.assertEqual(process.wait(20), 130)
        self.assertEqual(termios.tcgetattr(slave), before)
        os.close(master)
        os.close(slave)


if __name__ == "__main__":
    unittest.main(verbosity=2)
