#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes docs/abi.md from include/abi, whose lists and comments are the only source.

    abi_doc.py [--root DIR] [--check]

First checks that the lists are well-formed; each fault is a line (file:line: what) and the status is 1. With
--check nothing is written: the status is 1 if the page is not what would be.
"""

import argparse
import dataclasses
import re
import sys
from pathlib import Path

ABI = "include/abi"
PAGE = "docs/abi.md"
OPERATIONS_PER_OBJECT = 16  # kern/invoke.c has a table of so many for each kind
COMMAND = "tools/abi_doc.py"

# Headers behind the lists, by their titles. One that is named nowhere comes last.
LATER = {"kernel_info.h": "The kernel information page", "boot_info.h": "Boot information",
         "memory_kind.h": "Kinds of memory", "abi.h": "Fixed numbers"}


@dataclasses.dataclass
class Entry:
    """One macro call of a .def file."""

    macro: str
    args: list
    place: str  # file:line


def entries(root, name):
    """The macro calls of include/abi/`name`, with string literals joined and unquoted."""
    path = f"{ABI}/{name}"
    text = (root / path).read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    token = re.compile(r'\s*(?:([A-Z]+)\s*\(|("(?:[^"\\]|\\.)*")|([\w]+)|(,)|(\)))')
    found, at, call = [], 0, None
    while text[at:].strip():
        match = token.match(text, at)
        line = text.count("\n", 0, match.start(match.lastindex) if match else at) + 1
        if match is None or (call is None) != (match.group(1) is not None):
            raise SystemExit(f"{path}:{line}: not a list of macro calls")
        at = match.end()
        if match.group(1):
            call = Entry(match.group(1), [""], f"{path}:{line}")
        elif match.group(4):
            call.args.append("")
        elif match.group(5):
            found.append(call)
            call = None
        else:
            call.args[-1] += match.group(3) or match.group(2)[1:-1].replace('\\"', '"')
    return found


class Abi:
    """The lists."""

    def __init__(self, root):
        self.objects = entries(root, "objects.def")
        self.statuses = entries(root, "status.def")
        self.counters = entries(root, "counters.def")
        calls = entries(root, "operations.def")
        self.operations = [call for call in calls if call.macro == "OPERATION"]
        self.refusals = [call for call in calls if call.macro == "REFUSAL"]
        self.calls = calls
        rights = (root / ABI / "rights.h").read_text(encoding="utf-8")
        self.rights = set(re.findall(r"#define RIGHT_(\w+)", rights))

    def faults(self):
        """What is wrong with the lists, as lines of text."""
        lengths = {"OBJECT": 3, "STATUS": 3, "COUNTER": 2, "OPERATION": 7, "REFUSAL": 4}
        lists = self.objects + self.statuses + self.counters + self.calls
        wrong = [f"{e.place}: {e.macro} has {len(e.args)} arguments, not {lengths.get(e.macro)}"
                 for e in lists if lengths.get(e.macro) != len(e.args)]
        if wrong:
            return wrong
        wrong += self._numbers(self.objects, "object", 1) + self._numbers(self.statuses, "status", 0)
        wrong += self._doubles(self.counters, 0, "counter")
        names, statuses = {e.args[1] for e in self.objects}, {e.args[1] for e in self.statuses}
        seen, numbers, refused, last = set(), set(), set(), None
        for call in self.calls:
            obj, name = call.args[0], call.args[1]
            if call.macro == "OPERATION":
                number, right, last = call.args[2], call.args[3], (obj, name)
                if obj not in names:
                    wrong.append(f"{call.place}: there is no object {obj}")
                if last in seen:
                    wrong.append(f"{call.place}: {obj}.{name} is there twice")
                if not number.isdigit() or int(number) >= OPERATIONS_PER_OBJECT:
                    wrong.append(f"{call.place}: {obj}.{name} has the number {number}, not below "
                                 f"{OPERATIONS_PER_OBJECT}")
                if (obj, number) in numbers:
                    wrong.append(f"{call.place}: number {number} of {obj} is taken already")
                if right not in self.rights:
                    wrong.append(f"{call.place}: there is no right {right}")
                seen.add(last)
                numbers.add((obj, number))
                continue
            if (obj, name) not in seen:
                wrong.append(f"{call.place}: a refusal of {obj}.{name}, which is no operation above it")
            elif (obj, name) != last:
                wrong.append(f"{call.place}: a refusal of {obj}.{name} stands under {'.'.join(last)}")
            if call.args[2] not in statuses or call.args[2] == "OK":
                wrong.append(f"{call.place}: {call.args[2]} is no status of a refusal")
            if (obj, name, call.args[2]) in refused:
                wrong.append(f"{call.place}: {obj}.{name} refuses with {call.args[2]} already; say both in one")
            refused.add((obj, name, call.args[2]))
        return wrong

    @staticmethod
    def _doubles(items, index, what):
        values = [e.args[index] for e in items]
        return [f"{e.place}: {what} {e.args[index]} is there twice"
                for i, e in enumerate(items) if e.args[index] in values[:i]]

    def _numbers(self, items, what, first):
        return self._doubles(items, 1, what) + [
            f"{e.place}: {what} {e.args[1]} has the number {e.args[0]}, not {i}: numbers have no gaps"
            for i, e in enumerate(items, start=first) if e.args[0] != str(i)]


def table(head, rows):
    cells = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in cells] + [""]


def comment_text(comment):
    """A comment as Markdown: paragraphs, and what is indented as it stands."""
    lines = [re.sub(r"^ \*/?[ ]?", "", line).rstrip()
             for line in comment.removeprefix("/*").removesuffix("*/").split("\n")]
    out, fenced = [], False
    for line in [lines[0].strip(), *lines[1:]]:
        if line and line.startswith("  ") != fenced:
            out += ["```"] if fenced else [*([""] if out and out[-1] else []), "```"]
            fenced = not fenced
            out += [] if fenced else [""]
        out.append(line)
    text = "\n".join(out).strip("\n") + ("\n```" if fenced else "")
    return re.sub(r"\n+```\n\n+", "\n```\n\n", re.sub(r"\n{3,}", "\n\n", text))


def header(root, name, title):
    """A header as Markdown: its own comment, then each further comment with what it describes."""
    text = (root / ABI / name).read_text(encoding="utf-8").split("\n", maxsplit=1)[1]
    text = re.sub(r"^#pragma once\n", "", text, flags=re.M)
    parts = re.split(r"(?m)^(?=/\*)", text)
    out = [f"## {title}", "", f"From `<abi/{name}>`.", ""]
    for part in filter(str.strip, parts):
        match = re.match(r"/\*.*?\*/", part, re.S)
        comment, code = (match.group(), part[match.end():]) if match else ("", part)
        kept = [p for p in re.split(r"\n{2,}", code.strip("\n")) if p and "#include" not in p]
        out += [comment_text(comment), ""] if comment else []
        out += ["```c", "\n\n".join(kept), "```", ""] if kept else []
    return out


def operation(abi, call):
    obj, name, number, right, words_in, words_out, what = call.args
    lines = [f"#### {obj}.{name}", "", what, "",
             f"Label {number}, needs {right}. Words in: {words_in or 'none'}. Words out: {words_out or 'none'}.", ""]
    rows = [[r.args[2], r.args[3]] for r in abi.refusals if r.args[:2] == [obj, name]]
    return lines + (table(["refused with", "when"], rows) if rows else [])


def page(root, abi):
    version = re.search(r"#define ABI_VERSION (\d+)", (root / ABI / "abi.h").read_text(encoding="utf-8")).group(1)
    out = ["# The ABI", "",
           f"Version {version}. Generated from `{ABI}` by `{COMMAND}`: change that, not this page. What changed "
           "from version to version is in [CHANGES.md](../CHANGES.md).", ""]
    out += header(root, "message.h", "System calls and messages")
    out += ["## Kernel objects", "",
            "An object is invoked by calling a capability of it: the label of the message is the operation, the label "
            "of the answer a status, and the answer's tag says that it is the kernel's. Beside what is listed, every "
            "operation may end with NO_CAPABILITY, NO_OPERATION, and NO_RIGHT. \"index\" is an index in the caller's "
            "own table unless it is said otherwise; words that were not sent count as 0.", ""]
    out += table(["number", "object", "what it is"], [e.args for e in abi.objects])
    for obj in abi.objects:
        calls = [call for call in abi.operations if call.args[0] == obj.args[1]]
        out += [f"### {obj.args[1]}", "", obj.args[2] + ".", ""]
        for call in calls:
            out += operation(abi, call)
    out += ["## Statuses", ""] + table(["number", "status", "meaning"], [e.args for e in abi.statuses])
    out += header(root, "rights.h", "Rights")
    out += ["## Counters", "", "Words of the answer to PLATFORM.COUNTERS, in this order.", ""]
    out += table(["word", "counter", "what it counts"], [[i, *e.args] for i, e in enumerate(abi.counters)])
    for name, title in LATER.items():
        out += header(root, name, title)
    shown = {"message.h", "rights.h", "status.h", *LATER}
    for name in sorted(path.name for path in (root / ABI).glob("*.h") if path.name not in shown):
        out += header(root, name, name)
    return "\n".join(out).rstrip("\n") + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1],
                        help="the tree (default: this one)")
    parser.add_argument("--check", action="store_true", help="only say whether the page is up to date")
    arguments = parser.parse_args()
    abi = Abi(arguments.root)
    faults = abi.faults()
    for line in faults:
        print(line)
    if faults:
        return 1
    text, path = page(arguments.root, abi), arguments.root / PAGE
    if not arguments.check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        print(f"{PAGE} is not what {ABI} says now. Run: {COMMAND}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
