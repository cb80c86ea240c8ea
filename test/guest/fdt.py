# SPDX-License-Identifier: BSD-2-Clause
"""A device tree blob as objects, to be changed and written again, also into something broken.

Only what tests need: names and values are bytes and str, nothing is interpreted.
"""

import struct

MAGIC = 0xd00dfeed
BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9
HEADER = struct.Struct(">10I")


def cells(*values):
    """A property of 32-bit cells."""
    return b"".join(struct.pack(">I", value) for value in values)


def wide(*values):
    """A property of 64-bit numbers, two cells each."""
    return b"".join(struct.pack(">Q", value) for value in values)


class Node:
    """A node: properties (name: bytes) and children (name: Node), both in order."""

    def __init__(self):
        self.properties = {}
        self.children = {}

    def __getitem__(self, path):
        """The node at a path relative to this one; the last part may leave out "@..."."""
        node = self
        for part in filter(None, path.split("/")):
            names = [name for name in node.children if name == part or name.partition("@")[0] == part]
            if not names:
                raise KeyError(path)
            node = node.children[names[0]]
        return node

    def add(self, name, **properties):
        """Adds a child; `_` in a property's name stands for `-`, `__` for `,`, a leading N for `#`."""
        child = self.children[name] = Node()
        for key, value in properties.items():
            key = key.replace("__", ",").replace("_", "-")
            child.properties["#" + key[1:] if key.startswith("N") else key] = value
        return child

    def remove(self, path):
        """Removes the first node at `path`."""
        parent, _, name = path.rpartition("/")
        parent = self[parent]
        found = [key for key in parent.children if key == name or key.partition("@")[0] == name]
        del parent.children[found[0]]


class Tree:
    """A device tree: its root and its memory reservations."""

    def __init__(self, blob):
        header = HEADER.unpack_from(blob)
        assert header[0] == MAGIC
        self.boot_cpu = header[7]
        self.reservations = []
        self.root = Node()
        strings = blob[header[3]:header[3] + header[8]]
        self._read_reservations(blob, header[4])
        self._read_structure(blob, header[2], strings)

    def _read_reservations(self, blob, offset):
        while (entry := struct.unpack_from(">2Q", blob, offset)) != (0, 0):
            self.reservations.append(entry)
            offset += 16

    def _read_structure(self, blob, at, strings):
        stack = []
        while True:
            token, = struct.unpack_from(">I", blob, at)
            at += 4
            if token == BEGIN_NODE:
                end = blob.index(b"\0", at)
                name = blob[at:end].decode()
                at = (end + 4) & ~3
                stack.append(stack[-1].add(name) if stack else self.root)
            elif token == END_NODE:
                stack.pop()
            elif token == PROP:
                size, offset = struct.unpack_from(">2I", blob, at)
                name = strings[offset:strings.index(b"\0", offset)].decode()
                stack[-1].properties[name] = blob[at + 8:at + 8 + size]
                at = (at + 8 + size + 3) & ~3
            elif token == END:
                return

    def pack(self, size=None):
        """The blob; with `size` its total size is that, filled with zeros."""
        strings = bytearray()
        offsets = {}
        structure = bytearray()

        def put(name, node):
            structure.extend(cells(BEGIN_NODE) + _padded(name.encode() + b"\0"))
            for key, value in node.properties.items():
                if key not in offsets:
                    offsets[key] = len(strings)
                    strings.extend(key.encode() + b"\0")
                structure.extend(cells(PROP, len(value), offsets[key]) + _padded(value))
            for key, child in node.children.items():
                put(key, child)
            structure.extend(cells(END_NODE))

        put("", self.root)
        structure += cells(END)
        reserved = b"".join(struct.pack(">2Q", *entry) for entry in [*self.reservations, (0, 0)])
        at_structure = 40 + len(reserved)
        at_strings = at_structure + len(structure)
        total = at_strings + len(strings)
        header = HEADER.pack(MAGIC, max(total, size or 0), at_structure, at_strings, 40, 17, 16, self.boot_cpu,
                             len(strings), len(structure))
        return (header + reserved + bytes(structure) + bytes(strings)).ljust(size or 0, b"\0")


def _padded(data):
    return data + bytes(-len(data) % 4)
