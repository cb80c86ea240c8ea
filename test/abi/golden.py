#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compares the ABI's numbers, as the program numbers.c prints them, with golden.txt.

    golden.py [--update] PROGRAM

Also: every name that include/abi defines is printed by the program, and CHANGES.md has an entry for
ABI_VERSION. With --update golden.txt is written instead of compared.
"""

import difflib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("golden.txt")

ADVICE = """The ABI's numbers have changed. If that is meant: raise ABI_VERSION unless old programs notice nothing, say in
CHANGES.md what changed, and run: test/abi/golden.py --update build/host/test/abi/abi_numbers"""


def defined_names(text):
    """The macros, enumerators, and members of structures that a header defines."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    names = re.findall(r"(?m)^#define (\w+)", text)
    for kind, body in re.findall(r"(enum|struct) \w+ \{([^}]*)\}", text):
        body = re.sub(r"(?m)^#.*$", "", body)
        pattern = r"(?:^|,)\s*([A-Z]\w*)" if kind == "enum" else r"(\w+)(?:\[\w*\])?\s*;"
        names += re.findall(pattern, body)
    # The macros by which the lists are read.
    return set(names) - {"OBJECT", "STATUS", "COUNTER", "OPERATION", "REFUSAL"}


def missing_names(printed):
    words = set(re.findall(r"\w+", printed))
    return [f"{path.relative_to(ROOT)}: {name} is not printed by test/abi/numbers.c"
            for path in sorted((ROOT / "include/abi").glob("*.h"))
            for name in sorted(defined_names(path.read_text(encoding="utf-8")) - words)]


def missing_entry(printed):
    version = re.search(r"^ABI_VERSION +(\d+)$", printed, re.M).group(1)
    changes = (ROOT / "CHANGES.md").read_text(encoding="utf-8")
    return [] if re.search(rf"^## ABI {version}\b", changes, re.M) else [f"CHANGES.md has no entry \"## ABI {version}\""]


def main():
    update = sys.argv[1] == "--update"
    printed = subprocess.run([sys.argv[-1]], stdout=subprocess.PIPE, text=True, check=True).stdout
    if update:
        GOLDEN.write_text(printed, encoding="utf-8")
    golden = GOLDEN.read_text(encoding="utf-8")
    difference = list(difflib.unified_diff(golden.splitlines(), printed.splitlines(), "golden.txt", "now", n=0, lineterm=""))
    problems = difference + ([ADVICE] if difference else []) + missing_names(printed) + missing_entry(printed)
    print("\n".join(problems) or "as recorded")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
