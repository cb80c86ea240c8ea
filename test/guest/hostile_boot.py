# SPDX-License-Identifier: BSD-2-Clause
"""Boots with every kind of broken tree, initrd, archive and program: each ends in one line that says why.

    hostile_boot.py BUILD virt|raspi4b [NAME...]

The real Image is entered by the loader in test/fw/, on virt at EL1 and at EL2. With NAMEs only those cases run.
"""

import dataclasses
import re
import struct
import sys
from pathlib import Path

import bare
import fdt
from fdt import cells, wide

MIB = 1 << 20
RAM = 0x40000000

# The whole of a line, behind "strata: boot failed: ", and whether boot arguments can have been read by then.
CASES = []

# What is odd, but no reason to give up: the lines that must come, and the status.
ODD = []


class Case:
    """What is handed over, starting with what is right."""

    def __init__(self, machine, tree, archive, image):
        self.machine = machine
        self.tree = tree
        self.archive = archive
        self.image = image
        self.initrd = (machine.initrd_at, machine.initrd_at + len(archive))
        self.set_end = True
        self.blob = None
        self.choice = {}

    @property
    def root(self):
        return self.tree.root

    @property
    def chosen(self):
        return self.tree.root["chosen"].properties

    def image_size(self):
        return struct.unpack_from("<I", self.image, 16)[0]

    def append(self, argument):
        """Adds a boot argument."""
        self.chosen["bootargs"] = self.chosen["bootargs"].rstrip(b"\0") + b" " + argument.encode() + b"\0"

    def make_tree(self):
        if self.initrd is not None:
            bare.set_initrd(self.tree, *self.initrd)
        return self.tree.pack() if self.blob is None else self.blob

    def boot(self):
        tree = self.make_tree()
        archive = self.archive
        if self.initrd is not None and self.archive is not None and self.set_end \
                and self.initrd[0] == self.machine.initrd_at:
            end = self.machine.initrd_at + len(archive)
            if self.blob is None:
                bare.set_initrd(self.tree, self.initrd[0], end)
                tree = self.tree.pack()
        return self.machine.boot(tree, archive, **self.choice)


def case(line, status=125, only=None, panic=False, limit=15):
    """Registers a case: what to do to a good boot, the line that must come, and QEMU's status (None: it stops)."""
    def register(change):
        CASES.append((change.__name__, change, ("panic: " if panic else "boot failed: ") + line, status, only, limit))
        return change
    return register


def odd(*lines, status=0, only=None):
    """Registers a boot that goes on, and the lines that must be among its own."""
    def register(change):
        ODD.append((change.__name__, change, lines, status, only))
        return change
    return register


# --- x0 ---

@case(r"x0 = 0x0 is no address of a device tree", None)
def no_tree(c):
    c.choice["x0"] = 0


@case(r"x0 = 0x48010004 is no address of a device tree", None, "virt")
def tree_misaligned(c):
    c.choice.update(x0=c.machine.tree_at + 0x10004, memory=[(c.machine.tree_at + 0x10004, c.make_tree())])


@case(r"x0 = 0x7000000000000 is no address of a device tree", None)
def tree_beyond_all_addresses(c):
    c.choice["x0"] = 7 << 48


@case(r"x0 = 0x3000000000 points to memory that does not answer, not to a device tree", None, "virt")
def tree_in_unmapped_space(c):
    c.choice["x0"] = 0x3000000000


@case(r"x0 = 0x100000000000 points to memory that does not answer, not to a device tree", None)
def tree_beyond_the_processor(c):
    c.choice["x0"] = 1 << 44


@case(r"x0 = 0x[0-9a-f]+ points to no device tree: its magic is wrong", None)
def tree_of_zeros(c):
    c.blob = bytes(4096)


@case(r"x0 = 0x[0-9a-f]+ points to a device tree that claims to be larger than 16 MiB", None)
def tree_claims_a_gibibyte(c):
    blob = c.make_tree()
    c.blob = blob[:4] + cells(1 << 30) + blob[8:]


@case(r"x0 = 0x7ffff000 points to a device tree that reaches into memory that does not answer", None, "virt")
def tree_at_the_end_of_memory(c):
    blob = c.make_tree()
    c.choice.update(x0=0x7ffff000, memory=[(0x7ffff000, (blob[:4] + cells(1 << 20) + blob[8:])[:4096])])


@case(r"x0 = 0x[0-9a-f]+ points into the kernel's image, not to a device tree", None)
def tree_in_the_image(c):
    c.choice["x0"] = c.machine.image_at + 0x1000


@case(r"x0 = 0x[0-9a-f]+ points to a device tree that reaches into the kernel's image", None)
def tree_reaches_into_the_image(c):
    blob = c.tree.pack(0x10000)
    at = c.machine.image_at - 0x8000
    c.choice.update(x0=at, memory=[(at, blob[:0x8000])])


@case(r"device tree: 32 bytes are too few for its header", None)
def tree_without_a_whole_header(c):
    blob = c.make_tree()
    c.blob = blob[:4] + cells(32) + blob[8:32]


@case(r"device tree: its (structure|header) is broken \(libfdt error [0-9]+\)", None)
def tree_truncated(c):
    blob = c.make_tree()
    c.blob = blob[:4] + cells(len(blob) // 2) + blob[8:len(blob) // 2]


@case(r"device tree: its (structure|header) is broken \(libfdt error [0-9]+\)", None)
def tree_with_a_broken_tag(c):
    blob = bytearray(c.make_tree())
    blob[fdt.HEADER.unpack_from(blob)[2] + 11] = 0x77
    c.blob = bytes(blob)


@case(r"device tree: its structure is broken \(libfdt error 8\)", None)
def tree_with_a_property_that_leads_to_itself(c):
    blob = bytearray(c.make_tree())
    size_at = fdt.HEADER.unpack_from(blob)[2] + 12
    blob[size_at:size_at + 4] = cells(0xfffffff4)
    c.blob = bytes(blob)


@case(r"device tree: its version is 3; 17 is the oldest that is read", None)
def tree_too_old(c):
    blob = c.make_tree()
    c.blob = blob[:20] + cells(3, 3) + blob[28:]


# --- memory ---

@case(r"device tree: /: has no memory")
def no_memory(c):
    c.root.remove("memory")


@case(r"device tree: /memory@[0-9a-f]+: reg: is missing")
def memory_without_reg(c):
    del c.root["memory"].properties["reg"]


@case(r"device tree: /memory@[0-9a-f]+: reg: 12 bytes are not whole ranges of 16", only="virt")
def memory_of_half_a_range(c):
    c.root["memory"].properties["reg"] = bytes(12)


@case(r"device tree: /memory@[0-9a-f]+: reg: range 0 wraps past the end of the address space", only="virt")
def memory_wraps(c):
    c.root["memory"].properties["reg"] = wide(RAM, (1 << 64) - RAM + 4096)


@case(r"device tree: /memory@[0-9a-f]+: reg: range [0-9]+ .*memory map.*", only="virt")
def memory_in_too_many_ranges(c):
    c.root["memory"].properties["reg"] = wide(RAM, 1024 * MIB, *(v for i in range(400) for v in (0x1000000000 + 8192 * i, 4096)))


@case(r"device tree: /: #address-cells: is 3, not 1 or 2", None)
def root_cells_wrong(c):
    c.root.properties["#address-cells"] = cells(3)


@case(r"memory: not enough contiguous memory for the kernel \([0-9]+ MiB of RAM, [0-9]+ MiB free\)", only="virt")
def memory_leaves_no_room(c):
    c.root["memory"].properties["reg"] = wide(RAM, 3 * MIB, 0x48000000, MIB, 0x4a000000, MIB)


@case(r"device tree: /chosen: linux,initrd-start: 0x[0-9a-f]+ bytes at 0x[0-9a-f]+ reach into memory that does not exist",
      only="virt")
def memory_excludes_the_initrd(c):
    c.root["memory"].properties["reg"] = wide(RAM, 64 * MIB)


@case(r"memory: the kernel image was loaded outside of free memory \([0-9]+ MiB of RAM, [0-9]+ MiB free\)", only="virt")
def memory_excludes_the_image(c):
    c.root["memory"].properties["reg"] = wide(RAM + 64 * MIB, 512 * MIB)


@case(r"memory at 0x[0-9a-f]+, size 0x[0-9a-f]+, does not answer: the device tree claims too much", only="virt")
def memory_that_is_not_there(c):
    c.root["memory"].properties["reg"] = wide(RAM, 4096 * MIB)


@case(r"memory at 0x[0-9a-f]+, size 0x[0-9a-f]+, does not answer: the device tree claims too much", only="virt")
def memory_of_64_tebibytes(c):
    c.root["memory"].properties["reg"] = wide(RAM, 1 << 46)


@case(r"memory at 0x[0-9a-f]+, size 0x[0-9a-f]+, does not answer: the device tree claims too much", only="virt")
def memory_of_all_addresses(c):
    c.root["memory"].properties["reg"] = wide(0x50000000, (1 << 64) - 0x50001000, RAM, 0x10000000)


# --- reservations ---

def reserve(c, name, *reg, no_map=False):
    """Adds a node to /reserved-memory."""
    if "reserved-memory" not in c.root.children:
        c.root.add("reserved-memory", Naddress_cells=cells(2), Nsize_cells=cells(2), ranges=b"")
    node = c.root["reserved-memory"].add(name, reg=wide(*reg))
    if no_map:
        node.properties["no-map"] = b""


@case(r"memory: the kernel image was loaded outside of free memory \([0-9]+ MiB of RAM, [0-9]+ MiB free\)", only="virt")
def reservation_covers_the_image(c):
    reserve(c, "secret", c.machine.image_at, MIB)


@case(r"memory: the kernel image was loaded outside of free memory \([0-9]+ MiB of RAM, [0-9]+ MiB free\)")
def memreserve_covers_the_image(c):
    c.tree.reservations.append((c.machine.image_at + 0x2000, 8))


@case(r"device tree: /chosen: linux,initrd-start: 0x[0-9a-f]+ bytes at 0x[0-9a-f]+ reach into pages that no-map withholds",
      only="virt")
def initrd_inside_no_map(c):
    reserve(c, "secret", c.machine.initrd_at - MIB, 2 * MIB, no_map=True)


@case(r"the device tree, 0x48000000 to 0x[0-9a-f]+, reaches into pages that no-map withholds", only="virt")
def tree_inside_no_map(c):
    reserve(c, "secret", c.machine.tree_at, 4096, no_map=True)


@case(r"memory: not enough contiguous memory for the kernel \([0-9]+ MiB of RAM, [0-9]+ MiB free\)", only="virt")
def reservations_leave_no_room(c):
    for i in range(0x40600000 // (2 * MIB), 0x80000000 // (2 * MIB)):
        c.tree.reservations.append((i * 2 * MIB, 4096))
        if len(c.tree.reservations) == 100:
            break
    c.root["memory"].properties["reg"] = wide(RAM, 0x46000000 - RAM, 0x48000000, MIB, 0x4a000000, MIB)


@case(r"device tree: /: /memreserve/: entry [0-9]+ is one too many for the memory map", only="virt")
def reservations_without_end(c):
    c.tree.reservations += [(0x50000000 + i * 8192, 4096) for i in range(1000)]


@case(r"device tree: /: /memreserve/: entry 0 wraps past the end of the address space", only="virt")
def reservation_wraps(c):
    c.tree.reservations.append((1 << 63, 1 << 63))


# --- cores and firmware ---

@case(r"device tree: /: has no node cpus")
def no_cpus(c):
    c.root.remove("cpus")


@case(r"device tree: /cpus: has no core")
def no_core(c):
    for node in c.root["cpus"].children.values():
        node.properties.pop("device_type", None)


@case(r"device tree: /cpus/cpu@1: reg: is missing or too short")
def core_without_number(c):
    del c.root["cpus/cpu@1"].properties["reg"]


@case(r"device tree: /cpus/cpu@1: reg: another core has the number 0x0 too")
def core_doubled(c):
    c.root["cpus/cpu@1"].properties["reg"] = cells(0)


@case(r"/cpus: no node for the core that boots, whose affinity is 0x0")
def boot_core_missing(c):
    c.root.remove("cpus/cpu@0")


@case(r"/cpus: core 2 has no enable-method")
def core_without_method(c):
    c.root["cpus/cpu@2"].properties.pop("enable-method", None)


@case(r'/cpus: enable-method is "psci", but the device tree has no psci node', only="virt")
def no_psci(c):
    c.root.remove("psci")


@case(r'device tree: /psci: method: is neither "hvc" nor "smc"', only="virt")
def psci_without_method(c):
    del c.root["psci"].properties["method"]


@case(r'psci: (nobody answers by the method "smc"|method is "hvc", but the machine was entered at EL2, where only "smc" can work)',
      only="virt")
def psci_by_the_wrong_method(c):
    c.root["psci"].properties["method"] = b"hvc\0" if c.machine.entry_el == 2 else b"smc\0"


@case(r"device tree: /cpus/cpu@1: cpu-release-addr: 0xdc is not an aligned 64-bit word", only="raspi4b")
def release_address_misaligned(c):
    c.root["cpus/cpu@1"].properties["cpu-release-addr"] = wide(0xdc)


@case(r"device tree: /cpus/cpu@1: cpu-release-addr: is missing", only="raspi4b")
def release_address_missing(c):
    del c.root["cpus/cpu@1"].properties["cpu-release-addr"]


@case(r"/cpus: cpu-release-addr 0xfd500000 does not answer", only="raspi4b")
def release_address_nowhere(c):
    c.root["cpus/cpu@1"].properties["cpu-release-addr"] = wide(0xfd500000)


@case(r"device tree: /cpus/cpu@1: cpu-release-addr: 0x[0-9a-f]+ lies inside the initrd", only="raspi4b")
def release_address_in_the_initrd(c):
    c.root["cpus/cpu@1"].properties["cpu-release-addr"] = wide(c.machine.initrd_at + 8)


@case(r"memory: the kernel image was loaded outside of free memory \([0-9]+ MiB of RAM, [0-9]+ MiB free\)", only="raspi4b")
def release_address_in_the_image(c):
    c.root["cpus/cpu@1"].properties["cpu-release-addr"] = wide(c.machine.image_at + 0x1008)


# --- interrupt controller and timer ---

def gic(c):
    """The GIC's properties."""
    return c.root["intc"].properties


@case(r"device tree: /: interrupt-parent: names no node", only="virt")
def no_gic_node(c):
    c.root.remove("intc")


@case(r"device tree: /: has no GIC that is known", only="virt")
def gic_unknown(c):
    gic(c)["compatible"] = b"arm,gic-v99\0"


@case(r"device tree: /intc@[0-9a-f]+: reg: has no range 1", only="virt")
def gic_of_one_range(c):
    gic(c)["reg"] = gic(c)["reg"][:16]


@case(r"device tree: /intc@[0-9a-f]+: #redistributor-regions: is 9, not 1 to 8", only="virt")
def gic_of_too_many_regions(c):
    gic(c)["#redistributor-regions"] = cells(9)


@case(r"GICv3: the distributor at 0x48000000 is inside of memory", only="virt")
def gic_in_memory(c):
    gic(c)["reg"] = wide(c.machine.tree_at, 0x10000) + gic(c)["reg"][16:]


@case(r"GICv3: the distributor at 0x3000000000 does not answer", only="virt")
def gic_nowhere(c):
    gic(c)["reg"] = wide(0x3000000000, 0x10000) + gic(c)["reg"][16:]


@case(r"GICv3: the distributor at 0xffffffffffff0000: .*|device tree: /intc@[0-9a-f]+: reg: .*|GICv3: the distributor at "
      r"0xfffffffffffe0000 does not answer", only="virt")
def gic_at_the_end_of_addresses(c):
    gic(c)["reg"] = wide(0xfffffffffffe0000, 0x10000) + gic(c)["reg"][16:]


@case(r"GICv3: the distributor at 0x9010000: no GIC of the kind that the device tree names is there \(PIDR2 is 0x[0-9a-f]+\)|"
      r"GICv3: the distributor at 0x9010000 does not answer", only="virt")
def gic_is_a_clock(c):
    gic(c)["reg"] = wide(0x9010000, 0x10000) + gic(c)["reg"][16:]


@case(r"GICv2: the distributor at 0x8000000: no GIC of the kind that the device tree names is there \(PIDR2 is 0x0\)",
      only="virt")
def gic_of_the_wrong_kind(c):
    gic(c)["compatible"] = b"arm,cortex-a15-gic\0"


@case(r"GICv3: the redistributor at 0x80a0000: 0x1000 bytes of registers cannot be right", only="virt")
def redistributor_too_small(c):
    gic(c)["reg"] = gic(c)["reg"][:16] + wide(0x80a0000, 0x1000)


@case(r"GICv3: the redistributor at 0x80a0000: 0x800000000000 bytes of registers cannot be right", only="virt")
def redistributor_too_large(c):
    gic(c)["reg"] = gic(c)["reg"][:16] + wide(0x80a0000, 1 << 47)


@case(r"GICv3: redistributor-stride 0x1 cannot be right", only="virt")
def redistributor_stride_wrong(c):
    gic(c)["redistributor-stride"] = wide(1)


@case(r"GICv3: no redistributor for the core with affinity 0x[123]", only="virt", panic=True)
def redistributor_of_one_core(c):
    gic(c)["reg"] = gic(c)["reg"][:16] + wide(0x80a0000, 0x20000)


@case(r"device tree: /: has no node compatible with arm,armv8-timer")
def no_timer(c):
    c.root.remove("timer")


@case(r"device tree: /timer: interrupts: is missing")
def timer_without_interrupts(c):
    del c.root["timer"].properties["interrupts"]


@case(r"device tree: /timer: interrupts: interrupt 2 is not a PPI")
def timer_with_a_shared_interrupt(c):
    c.root["timer"].properties["interrupts"] = cells(*([0, 11, 4] * 4))


@case(r"interrupt 25 does not come: the device tree's GIC or timer is not the machine's", panic=True, limit=25)
def timer_with_the_wrong_interrupt(c):
    c.root["timer"].properties["interrupts"] = cells(*([1, 9, 4] * 4))


@case(r"the watchdog at 0xfd500000 does not answer", only="raspi4b")
def watchdog_nowhere(c):
    watchdog = next(node for node in c.root["soc"].children.values()
                    if b"brcm,bcm2711-pm" in node.properties.get("compatible", b""))
    watchdog.properties["reg"] = cells(0x7d500000, 0x114)


# --- console ---

def console(c):
    """The console's node on virt."""
    return c.root["pl011"].properties


@case(r"boot modules: no file \"roottask\"")
def no_console_node(c):
    c.chosen.pop("stdout-path")
    c.archive = make_archive([("other", 0o100644, b"x")])


@case(r"boot modules: no file \"roottask\"")
def console_path_leads_nowhere(c):
    c.chosen["stdout-path"] = b"/nothing\0"
    c.archive = make_archive([("other", 0o100644, b"x")])


@case(r"the console at 0x50000000 is inside of memory", only="virt")
def console_in_memory(c):
    console(c)["reg"] = wide(0x50000000, 0x1000)


@case(r"the console at 0x3000000000 does not answer", only="virt")
def console_nowhere(c):
    console(c)["reg"] = wide(0x3000000000, 0x1000)


@case(r"the console at 0x9000001 does not answer", only="virt")
def console_misaligned(c):
    console(c)["reg"] = wide(0x9000001, 0x1000)


@case(r"the console at 0x9000000 has only 0x4 bytes of registers", only="virt")
def console_too_small(c):
    console(c)["reg"] = wide(0x9000000, 4)


@case(r"boot modules: no file \"roottask\"", only="virt")
def console_is_a_clock(c):
    console(c)["reg"] = wide(0x9010000, 0x1000)
    c.archive = make_archive([("other", 0o100644, b"x")])


@case(r"boot modules: no file \"roottask\"", only="virt")
def console_never_has_room(c):
    console(c)["compatible"] = b"brcm,bcm2835-aux-uart\0"
    console(c)["reg"] = wide(0x8000000, 0x10000)
    c.archive = make_archive([("other", 0o100644, b"x")])


@case(r"device tree: /pl011@9000000: reg: is missing", None, only="virt")
def console_without_registers(c):
    del console(c)["reg"]


# --- chosen ---

@case(r"/chosen: no linux,initrd-start and -end: the boot modules are missing")
def no_initrd(c):
    c.initrd = None


@case(r"device tree: /chosen: linux,initrd-end: is missing")
def initrd_without_end(c):
    c.initrd = None
    c.chosen["linux,initrd-start"] = wide(c.machine.initrd_at)


@case(r"device tree: /chosen: linux,initrd-start: has 3 bytes, not 4 or 8")
def initrd_of_three_bytes(c):
    c.initrd = None
    c.chosen["linux,initrd-start"] = bytes(3)
    c.chosen["linux,initrd-end"] = bytes(8)


@case(r"device tree: /chosen: linux,initrd-end: 0x[0-9a-f]+ is below the start, 0x[0-9a-f]+")
def initrd_backwards(c):
    c.initrd = (c.machine.initrd_at, c.machine.initrd_at - 4096)
    c.set_end = False


@case(r"device tree: /chosen: linux,initrd-start: 0x1000 bytes at 0x1000000000 reach into memory that does not exist")
def initrd_outside_of_memory(c):
    c.initrd = (0x1000000000, 0x1000001000)


@case(r"/chosen: the boot modules, 0x[0-9a-f]+ to 0x[0-9a-f]+, overlap the kernel's image, 0x[0-9a-f]+ to 0x[0-9a-f]+")
def initrd_overlaps_the_image(c):
    at = c.machine.image_at + c.image_size() - 8
    c.initrd = (at, at + 0x10000)


@case(r"/chosen: the boot modules, 0x[0-9a-f]+ to 0x[0-9a-f]+, overlap the kernel's image, 0x[0-9a-f]+ to 0x[0-9a-f]+")
def initrd_is_all_memory(c):
    base = int.from_bytes(c.root["memory"].properties["reg"][:8], "big")
    c.initrd = (base or 4096, base + 512 * MIB)


@case(r"boot modules: cpio: not a cpio archive in newc format \(at 0x0\)", only="virt")
def initrd_is_the_tree(c):
    c.initrd = (c.machine.tree_at, c.machine.tree_at + 4096)


@case(r"device tree: /chosen: bootargs: has no NUL at its end", None)
def bootargs_without_end(c):
    c.chosen["bootargs"] = b"exit=semihosting"


@case(r"boot arguments: kernel_pool=lots is no size \(64M, 1G\)")
def pool_nonsense(c):
    c.append("kernel_pool=lots")


@case(r"boot arguments: kernel_pool= is no size \(64M, 1G\)")
def pool_empty(c):
    c.append("kernel_pool=")


@case(r"boot arguments: kernel_pool=\?\[31m is no size \(64M, 1G\)")
def pool_steers_the_terminal(c):
    c.append("kernel_pool=\x1b[31m")


@case(r"memory: kernel_pool asks for more than there is \([0-9]+ MiB of RAM, [0-9]+ MiB free\)")
def pool_larger_than_memory(c):
    c.append("kernel_pool=4G")


@case(r"memory: kernel_pool asks for more than there is \([0-9]+ MiB of RAM, [0-9]+ MiB free\)")
def pool_that_wraps(c):
    c.append("kernel_pool=18446744073709551615")


@case(r"memory: not enough contiguous memory for the kernel \([0-9]+ MiB of RAM, [0-9]+ MiB free\)")
def pool_as_large_as_memory(c):
    c.append("kernel_pool=950M")


@case(r"boot arguments: kernel_pool=99999999999999999999999 is no size \(64M, 1G\)")
def pool_beyond_64_bits(c):
    c.append("kernel_pool=99999999999999999999999")


# --- archive ---

def make_archive(files, trailer=True):
    """A plain newc archive of (name, mode, data)."""
    out = bytearray()
    for name, mode, data in [*files, *([("TRAILER!!!", 0, b"")] if trailer else [])]:
        text = name.encode() + b"\0"
        fields = (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(text), 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + text
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def roottask(c):
    """The root task's program out of the archive, changeable."""
    size = int(c.archive[6 + 6 * 8:6 + 7 * 8], 16)
    name_size = int(c.archive[6 + 11 * 8:6 + 12 * 8], 16)
    begin = (110 + name_size + 3) & ~3
    return bytearray(c.archive[begin:begin + size])


@case(r"boot modules: cpio: the archive ends without a trailer \(at 0x[0-9a-f]+\)|boot modules: cpio: a header reaches past "
      r"the end of the archive \(at 0x0\)")
def archive_of_a_few_bytes(c):
    c.archive = c.archive[:40]


@case(r"boot modules: cpio: a name reaches past the end of the archive \(at 0x0\)")
def archive_cut_in_a_name(c):
    c.archive = c.archive[:120]


@case(r"boot modules: cpio: the data of a file reaches past the end of the archive \(at 0x0\)")
def archive_cut_in_the_data(c):
    c.archive = c.archive[:8192]


@case(r"boot modules: cpio: the archive ends without a trailer \(at 0x[0-9a-f]+\)")
def archive_without_trailer(c):
    c.archive = make_archive([("other", 0o100644, b"x")], trailer=False)


@case(r"boot modules: cpio: not a cpio archive in newc format \(at 0x0\)")
def archive_of_zeros(c):
    c.archive = bytes(4096)


@case(r"boot modules: cpio: not a cpio archive in newc format \(at 0x0\)")
def archive_compressed(c):
    c.archive = b"\x1f\x8b\x08" + bytes(4096)


@case(r"boot modules: cpio: a header field is not a hexadecimal number \(at 0x0\)")
def archive_with_bad_digits(c):
    c.archive = c.archive[:60] + b"zz" + c.archive[62:]


@case(r"boot modules: cpio: a file has no name \(at 0x0\)")
def archive_without_names(c):
    c.archive = c.archive[:94] + b"00000000" + c.archive[102:]


@case(r"boot modules: cpio: the data of a file reaches past the end of the archive \(at 0x0\)")
def archive_with_a_huge_file(c):
    c.archive = c.archive[:54] + b"fffffff0" + c.archive[62:]


@case(r'boot modules: no file "roottask"')
def archive_without_the_root_task(c):
    c.archive = make_archive([("other", 0o100644, bytes(roottask(c)))])


@case(r'boot modules: no file "roottask"')
def archive_with_a_folder_instead(c):
    c.archive = make_archive([("roottask", 0o040755, b"")])


@case(r'boot modules: no file "roottask"')
def archive_with_a_link_instead(c):
    c.archive = make_archive([("roottask", 0o120777, b"other")])


# --- program ---

def with_program(c, program):
    """Puts another program into the archive."""
    c.archive = make_archive([("roottask", 0o100755, bytes(program))])


def poke(c, kind, offset, value):
    """Changes a field of the ELF header."""
    program = roottask(c)
    struct.pack_into("<" + kind, program, offset, value)
    with_program(c, program)


# Offsets in a program header, and its number in roottask.lds.
TEXT, RODATA, DATA, STACK = range(4)
FLAGS, OFFSET, VADDR, FILESZ, MEMSZ = 4, 8, 16, 32, 40


def poke_segment(c, number, **fields):
    """Changes fields of a program header."""
    program = roottask(c)
    at = struct.unpack_from("<Q", program, 32)[0] + 56 * number
    for name, value in fields.items():
        struct.pack_into("<I" if name == "FLAGS" else "<Q", program, at + globals()[name], value)
    with_program(c, program)


PROGRAM = "boot modules: roottask: "


@case(PROGRAM + r"the file is shorter than an ELF header \(0x0\)")
def program_empty(c):
    with_program(c, b"")


@case(PROGRAM + r"not a 64-bit little-endian ELF file \(0x0\)")
def program_is_text(c):
    with_program(c, b"#!/bin/sh\n" * 20)


@case(PROGRAM + r"not a 64-bit little-endian ELF file \(0x0\)")
def program_of_32_bits(c):
    poke(c, "B", 4, 1)


@case(PROGRAM + r"not a 64-bit little-endian ELF file \(0x0\)")
def program_big_endian(c):
    poke(c, "B", 5, 2)


@case(PROGRAM + r"not made for AArch64: its machine is \(0x3e\)")
def program_for_another_machine(c):
    poke(c, "H", 18, 62)


@case(PROGRAM + r"not an executable: its type is \(0x1\)")
def program_is_an_object(c):
    poke(c, "H", 16, 1)


@case(PROGRAM + r"must be linked to a fixed address")
def program_position_independent(c):
    poke(c, "H", 16, 3)


@case(PROGRAM + r"a segment reaches past the end of the file \(0x[0-9a-f]+\)")
def program_truncated(c):
    with_program(c, roottask(c)[:6000])


@case(PROGRAM + r"program headers reach past the end of the file \(0xffffffffffffffc0\)")
def program_headers_far_away(c):
    poke(c, "Q", 32, (1 << 64) - 64)


@case(PROGRAM + r"program headers are of an unknown size \(0x1\)")
def program_headers_of_one_byte(c):
    poke(c, "H", 54, 1)


@case(PROGRAM + r"nothing to load: segments \(0x0\)")
def program_without_segments(c):
    poke(c, "H", 56, 0)


@case(PROGRAM + r"a segment is writable and executable \(0x400000\)")
def program_writes_its_text(c):
    poke_segment(c, TEXT, FLAGS=7)


@case(PROGRAM + r"a segment overlaps, shares a page with or lies below the last \(0x400000\)")
def program_overlaps(c):
    poke_segment(c, RODATA, VADDR=0x400000)


@case(PROGRAM + r"a segment is at address 0, which is never mapped")
def program_at_address_zero(c):
    program = roottask(c)
    at = struct.unpack_from("<Q", program, 32)[0]
    struct.pack_into("<Q", program, at + VADDR, 0)
    struct.pack_into("<Q", program, 24, 0)
    with_program(c, program)


@case(PROGRAM + r"the entry is not an instruction of the program \(0x1000\)")
def program_entered_outside(c):
    poke(c, "Q", 24, 0x1000)


@case(PROGRAM + r"the entry is not an instruction of the program \(0x400002\)")
def program_entered_between_instructions(c):
    poke(c, "Q", 24, 0x400002)


@case(r"memory: not enough contiguous memory for the root task \([0-9]+ MiB of RAM, [0-9]+ MiB free\)")
def program_larger_than_memory(c):
    poke_segment(c, STACK, MEMSZ=1 << 40)


@case(PROGRAM + r"a segment wraps past the end of the address space \(0x[0-9a-f]+\)")
def program_wraps(c):
    poke_segment(c, STACK, MEMSZ=(1 << 64) - 4096)


@case(PROGRAM + r"a segment reaches past the addresses it may have \(0x7ffff0000000\)")
def program_where_the_kernels_pages_go(c):
    poke_segment(c, STACK, VADDR=0x7ffff0000000)


@case(PROGRAM + r"a segment reaches past the addresses it may have \(0xffff800000000000\)")
def program_in_kernel_space(c):
    poke_segment(c, STACK, VADDR=0xffff800000000000)


@case(PROGRAM + r"a segment is larger in the file than in memory \(0x400000\)")
def program_larger_in_the_file(c):
    poke_segment(c, TEXT, MEMSZ=16)


@case(PROGRAM + r"a segment lies differently in its page than in the file \(0x[0-9a-f]+\)")
def program_misaligned(c):
    poke_segment(c, STACK, VADDR=0x500008)


@case(r"boot modules: no file \"roottask\"", None)
def nobody_listens_to_semihosting(c):
    c.archive = make_archive([("other", 0o100644, b"x")])
    c.choice["semihosting"] = False


# --- odd, but it boots ---

@odd(r"core 1 did not start within 10 s", r"root task: 1 of 4 cores did not start",
     r"up: 3 cores, [0-9]+ MiB, every byte accounted for", status=1)
def core_that_does_not_exist(c):
    core = c.root["cpus/cpu@1"].properties
    core["reg"] = cells(0x77)
    if "cpu-release-addr" in core:
        core["cpu-release-addr"] = wide(0x1000)


@odd(r"up: 3 cores, 1024 MiB, every byte accounted for", only="virt")
def core_not_described(c):
    c.root.remove("cpus/cpu@2")


@odd(r"up: 1 core, 1024 MiB, every byte accounted for|up: 1 cores, 1024 MiB, every byte accounted for", only="virt")
def one_core_without_firmware(c):
    for name in ("cpu@1", "cpu@2", "cpu@3"):
        c.root.remove("cpus/" + name)
    c.root.remove("psci")


@odd(r"up: 4 cores, 1024 MiB, every byte accounted for", only="virt")
def memory_described_twice(c):
    c.root["memory"].properties["reg"] = wide(RAM, 512 * MIB, RAM + 256 * MIB, 768 * MIB, RAM, 4096)


@odd(r"up: 4 cores, 164 MiB, every byte accounted for", only="virt")
def memory_ends_inside_a_page(c):
    c.archive += bytes(-len(c.archive) % 4096) + bytes(0x123)
    c.root["memory"].properties["reg"] = wide(RAM, c.machine.initrd_at + len(c.archive) - RAM + 0x10, 0x50000003, 4 * MIB)


@odd(r"up: 4 cores, [0-9]+ MiB, every byte accounted for", only="virt")
def memory_in_many_ranges(c):
    c.root["memory"].properties["reg"] = wide(RAM, 0x10000000, *(v for i in range(180) for v in (0x50000000 + i * 0x30000, 0x11000)),
                                              0x60000000, 0x10000000)


@odd(r"up: 4 cores, 1024 MiB, every byte accounted for", only="virt")
def reservations_of_everything_small(c):
    c.tree.reservations += [(0x50000000 + i * 0x400000 + 8 * i, 1) for i in range(100)]


@odd(r"up: 4 cores, [0-9]+ MiB, every byte accounted for")
def pool_of_one_byte(c):
    c.append("kernel_pool=1")


@odd(r"up: 4 cores, [0-9]+ MiB, every byte accounted for")
def arguments_without_end(c):
    c.append("x=" + "y" * 5000 + " =  = kernel_pool exit exit= exit=semihosting")


@odd(r"up: 4 cores, 1024 MiB, every byte accounted for", only="virt")
def archive_with_bytes_behind_it(c):
    c.archive += b"\xff" * 5000


# --- machine ---

@case(r"entered at EL3; the boot protocol asks for EL2 or EL1", None)
def entered_at_el3(c):
    c.choice["how"] = 3
    arguments = c.machine.arguments
    machine = arguments.index("-M") + 1
    if arguments[machine].startswith("virt"):
        c.machine = dataclasses.replace(c.machine, arguments=[*arguments[:machine], arguments[machine] + ",secure=on",
                                                              *arguments[machine + 1:]])


def start(machine, tree_of, change, limit):
    """Boots with one thing changed."""
    image = (machine.build / "Image").read_bytes()
    archive = (machine.build / "modules.cpio").read_bytes()
    hostile = Case(machine, tree_of(), archive, image)
    change(hostile)
    hostile.choice["limit"] = limit
    return hostile.boot()


def check_odd(machine, tree_of, name, change, expected, status):
    """Runs a boot that must go on; returns whether it did."""
    end = start(machine, tree_of, change, 25)
    trouble = [f"no line {line!r}" for line in expected if not re.search(f"^strata: (?:{line})\r?$", end.output, re.M)]
    if end.failures():
        trouble.append(end.failures()[0])
    if end.status != status:
        trouble.append(f"status {end.status}, not {status}")
    print(f"{'NOT OK' if trouble else 'ok':6}  {name}  {end.seconds:.1f} s  {'; '.join(trouble)}", flush=True)
    if trouble:
        print(end.output, flush=True)
    return not trouble


def check(machine, tree_of, name, change, expected, status, limit):
    """Runs a case; returns whether it ended as it must."""
    end = start(machine, tree_of, change, limit)
    trouble = []
    lines = end.failures()
    if len(lines) != 1:
        trouble.append(f"{len(lines)} lines of failure")
    elif not re.fullmatch("strata: (?:" + expected.partition(": ")[0] + "): (?:" + expected.partition(": ")[2] + ")", lines[0]):
        trouble.append("another line than expected")
    if end.status != status:
        trouble.append(f"status {end.status}, not {status}")
    print(f"{'NOT OK' if trouble else 'ok':6}  {name}  {end.seconds:.1f} s  {'; '.join(trouble)}", flush=True)
    print(f"        {lines[0] if lines else '(silence)'}", flush=True)
    if trouble:
        print(f"        expected: {expected}\n{end.output}", flush=True)
    return not trouble


def raspi4b_tree(build):
    """The tree of this repository, as firmware completes it."""
    tree = fdt.Tree((Path(build) / "bcm2711-rpi-4-b.dtb").read_bytes())
    tree.root["memory"].properties["reg"] = cells(0, 0, 0x3c000000)
    tree.root["chosen"].properties["bootargs"] = b"exit=semihosting\0"
    return tree


def main():
    build, kind, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    if kind == "virt":
        machines = [(machine, lambda m=machine: bare.virt_tree(m))
                    for machine in (bare.virt(build), bare.virt(build, el2=True))]
        # Made once: QEMU takes longer to write a tree than the guest to refuse it.
        machines = [(machine, lambda blob=tree_of().pack(): fdt.Tree(blob)) for machine, tree_of in machines]
    else:
        machines = [(bare.raspi4b(build, line), lambda: raspi4b_tree(build)) for line in (1, 0)]
    good, count = True, 0
    for machine, tree_of in machines:
        for name, change, expected, status, only, limit in CASES:
            if (names and name not in names) or (only not in (None, kind)):
                continue
            # On the UART that is not the tree's console, only what goes to the rescue consoles can be seen.
            if machine.name == "raspi4b console 0" and not name.startswith(("no_tree", "tree_", "no_console", "entered")):
                continue
            count += 1
            good &= check(machine, tree_of, f"{machine.name}: {name}", change, expected, status, limit)
        for name, change, expected, status, only in ODD:
            if (names and name not in names) or only not in (None, kind) or machine.name == "raspi4b console 0":
                continue
            count += 1
            good &= check_odd(machine, tree_of, f"{machine.name}: {name}", change, expected, status)
    print(f"{count} cases")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
