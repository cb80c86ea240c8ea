# SPDX-License-Identifier: BSD-2-Clause
"""Boots a root task that tries what is forbidden, and some of what is not: each ends in the right line.

    hostile_programs.py BUILD [NAME...]

Not here, since QEMU leaves these checks out: a misaligned stack pointer, and cache maintenance on addresses of
the kernel.
"""

import re
import sys
from pathlib import Path

import bare
import guest
from fdt import wide

STOPPED = "the root task stopped: "
CANNOT = "the root task cannot "
TRANSLATION = r"\(translation fault, level [0-3]\)"
PERMISSION = r"\(permission fault, level [1-3]\)"
ANY_FAULT = r"\((?:translation|permission) fault, level [0-3]\)"
UNDEFINED = STOPPED + r"unknown or undefined instruction \(ESR 0x2000000\)"

# The line of the panic; None if the program goes on and ends with status 0.
CASES = {
    "undefined": UNDEFINED,
    "fp": None,
    "simd": None,
    "smc": UNDEFINED,
    "hvc": UNDEFINED,
    "hlt": UNDEFINED,
    "brk": STOPPED + r"BRK 0x77 \(ESR 0xf2000077\)",
    "eret": UNDEFINED,
    "wfe": None,
    "wfi": None,  # the end of its time slice wakes it up
    "write_ttbr": UNDEFINED,
    "read_esr": UNDEFINED,
    # s0_3_c4_c2_6; QEMU exchanges op1 and op2 in what it reports of this one instruction.
    "mask_interrupts": STOPPED + r"trapped system instruction (?:s0_3_c4_c2_6|s0_6_c4_c2_3) \(ESR 0x[0-9a-f]+\)",
    "read_cntvct": None,
    "read_cntfrq": None,
    "read_cntpct": STOPPED + r"trapped read of system register s3_3_c14_c0_1 \(ESR 0x6232f801\)",
    "write_timer": STOPPED + r"trapped write of system register s3_3_c14_c3_1 \(ESR 0x[0-9a-f]+\)",
    "read_cycles": STOPPED + r"trapped read of system register s3_3_c9_c13_0 \(ESR 0x[0-9a-f]+\)",
    "clean_own": None,
    "zero_own": None,
    "read_cache_type": None,
    "invalidate_own": UNDEFINED,
    "invalidate_all": UNDEFINED,
    "invalidate_set": UNDEFINED,
    "invalidate_tlb": UNDEFINED,
    "misaligned_exclusive": STOPPED + r"alignment fault, address 0x[0-9a-f]+[26ae] \(ESR 0x92000021\)",
    "stack_overflow": CANNOT + r"write address 0x[0-9a-f]+ff0 " + TRANSLATION,
    "read_null": CANNOT + r"read address 0x0 " + TRANSLATION,
    "jump_null": CANNOT + r"execute address 0x0 " + TRANSLATION,
    "jump_misaligned": STOPPED + r"misaligned pc, address 0x[0-9a-f]+[26ae] \(ESR 0x8a000000\)",
    "jump_kernel": CANNOT + r"execute address 0xffff800000000000 " + ANY_FAULT,
    "jump_data": CANNOT + r"execute address 0x40[0-9a-f]+ " + PERMISSION,
    "jump_window": CANNOT + r"execute address 0x80[0-9a-f]+ " + PERMISSION,
    "jump_utcb": CANNOT + r"execute address 0x7ffff8000000 " + PERMISSION,
    "read_kernel_image": CANNOT + r"read address 0xffff800000000000 " + ANY_FAULT,
    "read_kernel_direct": CANNOT + r"read address 0xffff0000[0-9a-f]{8} " + ANY_FAULT,
    "read_hole": CANNOT + r"read address 0x10000000000000 " + TRANSLATION,
    "write_text": CANNOT + r"write address 0x400[0-9a-f]{3} " + PERMISSION,
    "write_boot_info": CANNOT + r"write address 0x7ffff0000000 " + PERMISSION,
    "write_module": CANNOT + r"write address 0x80[0-9a-f]+ " + PERMISSION,
    "read_kernel_window": CANNOT + r"read address 0x80[0-9a-f]+ " + TRANSLATION,
    "read_root_window": CANNOT + r"read address 0x80[0-9a-f]+ " + TRANSLATION,
    "clean_text": None,
    "first_state": None,
    "calls": None,
    "log_whole": None,
    "power_off": None,
}

REGISTER = re.compile(r"\b(x[0-9]+|sp|pc) +([0-9a-f]{16})\b")

# Registers may name the kernel's addresses: the program itself made them up, or it is the kernel's report.
MADE_UP = {"jump_kernel", "read_kernel_image", "read_kernel_direct", "pending_serror"}


def check(name, case, end, expected, status, extra=()):
    """Prints a line about a run, and everything if it went wrong; returns whether it went right."""
    trouble = []
    lines = end.failures()
    if expected is None:
        trouble += [f"it panics: {line}" for line in lines]
    elif len(lines) != 1 or not re.fullmatch("strata: panic: " + expected, lines[0]):
        trouble.append(f"expected the line: {expected}")
    trouble += [f"no line {line!r}" for line in extra if not re.search(line, end.output, re.M)]
    if end.status != status:
        trouble.append(f"status {end.status}, not {status}")
    if expected is not None:
        shown = REGISTER.findall(end.output)
        if len(shown) != 33:
            trouble.append(f"{len(shown)} registers, not 33")
        if case not in MADE_UP and any(value.startswith("ffff") for _, value in shown):
            trouble.append("a register holds an address of the kernel")
    print(f"{'NOT OK' if trouble else 'ok':6}  {name}: {case}  {'; '.join(trouble)}", flush=True)
    if trouble:
        print(end.output, flush=True)
    return not trouble


def boot(build, board, case, arguments=(), limit=10, **choice):
    """Boots the hostile program with QEMU's own loader."""
    argv = guest.boards.qemu_arguments(board, build, guest.boards.Choice(append=f"case={case}", **choice))
    argv[argv.index("-initrd") + 1] = str(build / "test/guest/programs/hostile.cpio")
    return bare.run([*argv, *arguments], limit)


def run_all(build, names):
    """All cases on three machines."""
    good = True
    for board, choice in (("virt", {}), ("virt", {"el2": True, "gic": 2}), ("rpi4", {})):
        machine = board + (" EL2 GICv2" if choice else "")
        for case, expected in CASES.items():
            if names and case not in names:
                continue
            done = [] if expected is not None or case == "power_off" else [f"^strata: case {case}: done"]
            good &= check(machine, case, boot(build, board, case, **choice), expected,
                          0 if expected is None else 125, done)
        if not names or "power_off_7" in names:
            good &= check(machine, "power_off_7", boot(build, board, "power_off_7", **choice), None, 7)
        if not names or "reset" in names:
            # The Pi's board has -no-reboot already.
            once = boot(build, board, "reset", ["-no-reboot"], **choice)
            good &= check(machine, "reset", once, None, 0, [r"^strata: case reset\s*$"])
    return good


def run_bare(build, names):
    """What needs a tree or a hypervisor of its own."""
    good = True
    machine = bare.virt(build, gic=2)
    archive = (build / "test/guest/programs/hostile.cpio").read_bytes()

    def tree(machine, case):
        tree = bare.virt_tree(machine, f"exit=semihosting case={case}")
        bare.set_initrd(tree, machine.initrd_at, machine.initrd_at + len(archive))
        return tree

    if not names or "read_aborting" in names:
        absent = tree(machine, "read_aborting")
        absent.root["memory"].properties["reg"] += wide(0x3000000000, 4096)
        good &= check(machine.name, "read_aborting", machine.boot(absent.pack(), archive),
                      STOPPED + r"external abort, address 0x803000000000 \(ESR 0x92000010\)", 125)
    if not names or "serror" in names:
        machine = bare.virt(build, gic=2, el2=True, cores=1)
        end = machine.boot(tree(machine, "wfi").pack(), archive, how=5)
        good &= check("under a hypervisor", "wfi", end,
                      r"SError, [a-z]+, taken from user code \(ESR 0x[0-9a-f]+\)", 125)
        # What firmware left pending is reported once the console works, and the registers are then the kernel's.
        end = machine.boot(tree(machine, "wfe").pack(), archive, how=4)
        good &= check("under a hypervisor", "pending_serror", end,
                      r"SError, [a-z]+, in the kernel \(ESR 0x[0-9a-f]+\)", 125)
    return good


def main():
    build, names = Path(sys.argv[1]).resolve(), sys.argv[2:]
    good = run_all(build, names)
    good &= run_bare(build, names)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
