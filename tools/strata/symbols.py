# SPDX-License-Identifier: BSD-2-Clause
"""Resolves addresses such as kernel+0x1234 in console output to function, file and line.

NAME+0xADDRESS is an address as linked in NAME.elf. The output is passed on at once, byte by byte as it
comes; only at a line's end, if the line holds such tokens, is their meaning put behind it.
"""

import os
import re
import shutil
import subprocess

from .boards import ROOT

TOKEN = re.compile(rb"\b([a-z][a-z0-9_-]*)\+0x([0-9a-f]{1,16})\b")
LINE_MAX = 4096


def _in_tree(place):
    """A place as debug information has it, as a path in the source tree if it can be found there.

    Builds map the tree's own folder to nothing, so a path may come as build/PRESET/kern/x.c.
    """
    path, colon, line = place.removeprefix(f"{ROOT}/").rpartition(":")
    parts = os.path.normpath(path).split("/")
    for start in range(len(parts)):
        candidate = "/".join(parts[start:])
        if (ROOT / candidate).is_file():
            return candidate + colon + line
    return place


class Resolver:
    """Asks one addr2line process per ELF file, and remembers the answers."""

    def __init__(self, build):
        self.build = build
        self.tools = {}
        self.answers = {}

    def _tool(self, name):
        if name not in self.tools:
            elf = self.build / f"{name}.elf"
            program = next(filter(None, map(shutil.which, (
                "aarch64-none-elf-addr2line", "aarch64-linux-gnu-addr2line", "llvm-addr2line"))), None)
            self.tools[name] = None if program is None or not elf.is_file() else subprocess.Popen(
                [program, "-a", "-f", "-i", "-e", str(elf)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        return self.tools[name]

    def _ask(self, name, address):
        tool = self._tool(name)
        if tool is None:
            return ""
        # With -a every answer begins with its address, so a second question, for an address that
        # no one asks about, marks the end of the first one's answer.
        end = 0xffffffffffffffff if address != 0xffffffffffffffff else 0
        try:
            tool.stdin.write(b"0x%x\n0x%x\n" % (address, end))
            tool.stdin.flush()
            lines = []
            for line in iter(tool.stdout.readline, b""):
                line = line.strip()
                if line.startswith(b"0x") and int(line, 16) == end:
                    break
                lines.append(line)
            tool.stdout.readline()
            tool.stdout.readline()
        except (OSError, ValueError):
            return ""
        frames = []
        for function, place in zip(lines[1::2], lines[2::2]):
            place = re.sub(r" \(discriminator \d+\)$", "", place.decode(errors="replace"))
            place = _in_tree(place)
            if function != b"??":
                known = not place.startswith("??")
                frames.append(function.decode(errors="replace") + (f" at {place}" if known else ""))
        return ", inlined in ".join(frames)

    def resolve(self, name, address):
        """What stands at an address, for example "panic at kern/panic.c:12"; "" if that is not known."""
        key = (name, address)
        if key not in self.answers:
            self.answers[key] = self._ask(name, address)
        return self.answers[key]

    def explain(self, line):
        """What the tokens of a line mean, to stand behind it; b"" if there is none."""
        found = [self.resolve(name.decode(), int(address, 16)) for name, address in TOKEN.findall(line)]
        return "".join(f"  {meaning}" for meaning in found if meaning).encode()

    def close(self):
        for tool in self.tools.values():
            if tool is not None:
                tool.stdin.close()
                tool.wait()
                tool.stdout.close()
        self.tools = {}


class Console:
    """Passes the guest's console on to a file descriptor, live, and watches for the system's failure."""

    FAILURES = (b"strata: panic: ", b"strata: boot failed: ")

    def __init__(self, resolver, fd):
        self.resolver = resolver
        self.fd = fd
        self.line = b""
        self.held = b""      # a carriage return that may be part of a line's end
        self.failure = None  # the first line that says that the system failed

    def _write(self, data):
        while data:
            data = data[os.write(self.fd, data):]

    def feed(self, data):
        out = bytearray()
        pieces = (self.held + data).split(b"\n")
        self.held = b""
        for piece in pieces[:-1]:
            body = piece[:-1] if piece.endswith(b"\r") else piece
            self.line += body
            if self.failure is None and self.line.lstrip(b"\r").startswith(self.FAILURES):
                self.failure = self.line.strip().decode(errors="replace")
            out += body + self.resolver.explain(self.line) + piece[len(body):] + b"\n"
            self.line = b""
        last = pieces[-1]
        if last.endswith(b"\r"):
            self.held, last = b"\r", last[:-1]
        self.line = (self.line + last)[-LINE_MAX:]
        self._write(bytes(out + last))

    def close(self):
        self._write(self.held)
        self.held = b""
