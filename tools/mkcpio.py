#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds a cpio archive (newc) whose files can be mapped in place.

    mkcpio.py -o OUT NAME=PATH...

Every file's data begins on a page (4096 bytes) of the archive, and no two files share a page. The
archive is an ordinary one: sizes in it are the true ones, and `cpio -i` extracts it.

How: newc puts a file's data behind its header (110 bytes) and name, rounded up to 4 bytes, and says how
long the name field is. The name field is therefore filled with NULs until the data meets a page.

    page n      | ... data of a | 0-3 NULs | header of b | "b" | NULs ...... |
    page n + 1  | data of b ...

The format wants the next header right behind the data, so this is what stands in a file's last page
after its end: up to three NULs, the next file's header (numbers as text: mode, size, position) and
name, and NULs. (If the page has no room for header and name, those run into the next page, and the next
data begins on the page after.) No byte of another file's data is ever there; but who maps a file and wants
zeros after its end must copy the last page. The last file is followed by the trailer in the same way,
and by zeros to the end of the page.

The same files give the same bytes: times, owners and devices are 0, modes are 0644, or 0755 if the
owner may execute the file, inode numbers count from 1, and the order is that of the command line.
"""

import argparse
import os
import sys

PAGE = 4096
HEADER_SIZE = 110
TRAILER = "TRAILER!!!"
SIZE_MAX = 0xffffffff


class ArchiveError(Exception):
    """What was wrong with the arguments, in one sentence."""


def header(inode, mode, links, size, name_size):
    """The 110 bytes that begin an entry."""
    # Magic, then ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check.
    fields = (inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name_size, 0)
    return b"070701" + b"".join(b"%08x" % field for field in fields)


def entry_head(offset, inode, mode, links, size, name):
    """Header and name field of an entry at `offset`, up to the next page."""
    text = name.encode() + b"\0"
    end = -(-(offset + HEADER_SIZE + len(text)) // PAGE) * PAGE
    name_size = end - offset - HEADER_SIZE
    return header(inode, mode, links, size, name_size) + text.ljust(name_size, b"\0")


def archive(files):
    """The archive of `files`, a list of (name, mode, bytes)."""
    out = bytearray()
    seen = set()
    for inode, (name, mode, data) in enumerate(files, start=1):
        if not name or name.startswith("/") or "\0" in name or name == TRAILER:
            raise ArchiveError(f"{name!r} cannot be the name of a file in an archive")
        if name in seen:
            raise ArchiveError(f"two files are named {name}")
        if len(data) > SIZE_MAX:
            raise ArchiveError(f"{name} is larger than 4 GiB")
        seen.add(name)
        out += entry_head(len(out), inode, 0o100000 | mode, 1, len(data), name)
        out += data
        out += bytes(-len(out) % 4)
    out += entry_head(len(out), 0, 0, 1, 0, TRAILER)
    return bytes(out)


def read(argument):
    """NAME=PATH as (name, mode, bytes)."""
    name, equals, path = argument.partition("=")
    if not equals or not path:
        raise ArchiveError(f"{argument!r} is not of the form NAME=PATH")
    with open(path, "rb") as file:
        executable = os.fstat(file.fileno()).st_mode & 0o100
        return name, 0o755 if executable else 0o644, file.read()


def main():
    parser = argparse.ArgumentParser(description="Builds a cpio archive whose files can be mapped in place.")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="the archive to write")
    parser.add_argument("files", nargs="*", metavar="NAME=PATH", help="a file, and its name in the archive")
    arguments = parser.parse_args()
    try:
        content = archive([read(argument) for argument in arguments.files])
        with open(arguments.output, "wb") as file:
            file.write(content)
    except (ArchiveError, OSError) as error:
        print(f"mkcpio.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
