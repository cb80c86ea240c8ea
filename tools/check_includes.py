#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks who includes whom: the rules are the table RULES below.

Prints a line for each include that breaks a rule (file:line: rule) and ends with status 1 if there is one.
Headers that are not ours (the compiler's, the C library's) are no matter, except those in FOREIGN.
"""

import argparse
import fnmatch
import re
import sys
from pathlib import Path

ANYTHING = None

# What each room may include, besides itself and common/: rooms (with a slash at the end) or files (* matches).
# A file belongs to the room with the longest name that its path begins with.
RULES = {
    "include/abi/": [],
    "common/": ["include/abi/"],
    # arch_*.h: the structs that portable code embeds.
    "arch/include/arch/": ["include/abi/", "kern/addr.h", "kern/status.h", "arch/arm64/arch_*.h",
                           "test/host/fake/arch_*.h"],
    "kern/": ["include/abi/", "arch/include/arch/"],
    "arch/arm64/": ["include/abi/", "arch/include/arch/", "kern/entry.h", "kern/addr.h", "kern/status.h",
                    "kern/panic.h", "kern/log.h"],
    "sdk/": ["include/abi/"],
    "pager/": ["include/abi/", "sdk/include/strata/", "dataspace/include/"],
    "dataspace/": ["include/abi/", "sdk/include/strata/"],
    "roottask/": ["include/abi/", "sdk/include/strata/", "pager/include/", "dataspace/include/"],
    "servers/": ["include/abi/", "sdk/include/strata/", "pager/include/", "dataspace/include/"],
    "apps/": ["include/abi/", "sdk/include/strata/", "pager/include/", "dataspace/include/"],
    "test/": ANYTHING,
    "tools/": ANYTHING,
}

# Code that runs anywhere: everybody may include it, except those that must stand alone.
EVERYBODY = "common/"
ALONE = {"include/abi/"}

# Headers from outside that only some files may include.
FOREIGN = {"libfdt.h": ["common/machine.c", "common/tree.c"], "fdt.h": ["common/machine.c", "common/tree.c"]}

# How the first part of an include's path names a room.
PREFIXES = {
    "abi/": "include/abi/",
    "arch/": "arch/include/arch/",
    "strata/": "sdk/include/strata/",
}

# Names that the compiler or the C library has too: in angle brackets they are theirs.
STANDARD = {"assert.h", "elf.h", "errno.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h",
            "stdio.h", "stdlib.h", "string.h", "inttypes.h", "stdalign.h", "stdatomic.h", "stdnoreturn.h"}

SUFFIXES = {".c", ".h", ".S", ".s", ".def", ".inc", ".lds", ".ld", ".cpp", ".hpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room_of(path):
    """The room that a path, relative to the root, belongs to; None if it is in none."""
    fitting = [room for room in RULES if path.startswith(room)]
    return max(fitting, key=len, default=None)


def is_ours(path):
    """Whether this is source that has to keep the rules."""
    return path.suffix in SUFFIXES


def sources(root):
    """All our source files, as paths relative to the root."""
    found = []
    for top in sorted(root.iterdir()):
        if top.is_dir() and top.name != "build" and not top.name.startswith("."):
            found += [path for path in top.rglob("*") if path.is_file() and is_ours(path)]
        elif top.is_file() and is_ours(top):
            found.append(top)
    return sorted(path.relative_to(root).as_posix() for path in found)


def target(includer, quoted, name, files):
    """The file of ours that an include means, relative to the root; None if it is not ours."""
    if quoted:
        near = normal(f"{includer.rpartition('/')[0]}/{name}")
        if near in files:
            return near
    for prefix, room in PREFIXES.items():
        if name.startswith(prefix):
            return room + name[len(prefix):]
    if name in files:
        return name
    # Found by some -I: in the includer's own room, else wherever a file is so called.
    fitting = [file for file in files if file.endswith(f"/{name}") and not file.startswith(("test/", "tools/"))]
    own = room_of(includer)
    mine = [file for file in fitting if room_of(file) == own]
    if not quoted and not mine and name in STANDARD:
        return None
    if fitting:
        return sorted(mine or fitting)[0]
    return name if room_of(name) is not None else None


def normal(path):
    """A path without . and .. parts."""
    parts = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def may_include(includer, included):
    """Whether the rules allow it; both are paths relative to the root."""
    room = room_of(includer)
    allowed = RULES[room]
    if allowed is ANYTHING or included.startswith(room) and room_of(included) == room:
        return True
    if room not in ALONE and included.startswith(EVERYBODY):
        return True
    return any(included.startswith(item) if item.endswith("/") else fnmatch.fnmatchcase(included, item)
               for item in allowed)


def describe(room):
    others = list(RULES[room])
    if room not in ALONE and room != EVERYBODY:
        others.append(EVERYBODY)
    return f"{room} may include " + ", ".join(["itself"] + others)


def check(root):
    """The broken rules of the tree at `root`, as lines of text."""
    files = sources(root)
    known = set(files)
    broken = []
    for file in files:
        room = room_of(file)
        if room is None:
            broken.append(f"{file}:1: lies in no room that RULES of tools/check_includes.py knows")
            continue
        text = (root / file).read_text(encoding="utf-8", errors="replace")
        for number, line in enumerate(text.splitlines(), start=1):
            match = INCLUDE.match(line)
            if match is None:
                continue
            quoted, name = match.group(1) == '"', match.group(2)
            if name in FOREIGN:
                if RULES[room] is not ANYTHING and file not in FOREIGN[name]:
                    broken.append(f"{file}:{number}: only {', '.join(FOREIGN[name])} may include {name}")
                continue
            included = target(file, quoted, name, known)
            if included is not None and not may_include(file, included):
                broken.append(f"{file}:{number}: includes {included}, but {describe(room)}")
    return broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[1],
                        help="the tree to check (default: this one)")
    broken = check(parser.parse_args().root)
    for line in broken:
        print(line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
