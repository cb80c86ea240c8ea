# SPDX-License-Identifier: BSD-2-Clause
"""Breaks a debug kernel on purpose and checks its report: the reason, the registers, the call chain.

    panics.py BUILD
"""

import re
import sys
from pathlib import Path

import bare
import guest
from strata.symbols import Resolver

KERNEL_TEXT = "0xffff80[0-9a-f]{10}"

# The reason, and the innermost functions of the call chain, the first of them where it happened.
CASES = {
    "check": (r"kern/selftest_debug.c:[0-9]+: 1 \+ 1 == 3 is not so", ["fail_check", "selftest_run"]),
    "unmapped": (r"data abort in the kernel: translation fault, level 0, address 0xfffff00000000000 \(ESR 0x96000044\)",
                 ["write_unmapped", "selftest_run"]),
    "text": (rf"data abort in the kernel: permission fault, level 3, address {KERNEL_TEXT} \(ESR 0x9600004f\)",
             ["write_text", "selftest_run"]),
    "execute": (rf"instruction abort in the kernel: permission fault, level 3, address {KERNEL_TEXT} \(ESR 0x8600000f\)",
                [None, "execute_data", "selftest_run"]),
    "user": (r"data abort in the kernel: (?:translation fault, level 0|permission fault, level [0-3]), address 0x1000 "
             r"\(ESR 0x[0-9a-f]+\)", ["read_user", "selftest_run"]),
    "stack": (r"kernel stack overflow, near 0xffff80400000[0-9a-f]{4} \(ESR 0x96000047\)", ["recurse", "recurse"]),
    "ub": (r"BRK 0x[0-9a-f]+ in the kernel \(a failed check, or undefined behaviour\)",
           ["undefined_behaviour", "selftest_run"]),
    "nonsense": (r'no selftest "nonsense": check, .*', ["selftest_run", "bring_up"]),
    "core": (r"selftest: panic on core 1", ["selftest_woken", "idle"]),
    "cores": (r"selftest: panic on core [123]", ["selftest_woken", "idle"]),
}

CALL = re.compile(r"^strata:   kernel\+0x([0-9a-f]+)\r?$", re.M)
REGISTER = re.compile(r"\b(x[0-9]+|sp|pc) +([0-9a-f]{16})\b")


def boot(build, board, arguments=(), limit=10, semihosting=True, listener=True, grace=bare.GRACE_S, **choice):
    """Boots; without `semihosting` it is not asked for, without `listener` QEMU does not know it."""
    argv = guest.boards.qemu_arguments(board, build, guest.boards.Choice(**choice))
    if not semihosting:
        argv[argv.index("-append") + 1] = argv[argv.index("-append") + 1].replace("exit=semihosting", "")
    if not listener:
        argv.remove("-semihosting")
    return bare.run([*argv, *arguments], limit, grace)


def functions(resolver, output):
    """The function names of the call chain; None where nothing is known."""
    names = []
    for address in CALL.findall(output):
        meaning = resolver.resolve("kernel", int(address, 16))
        # "inner at a.c:1, inlined in outer at b.c:2"
        for frame in meaning.split(", inlined in ") if meaning else [None]:
            names.append(frame and frame.partition(" at ")[0])
    return names


def begins_with(names, wanted):
    """Whether `wanted` are the first of `names`; a name may come several times (x30, recursion)."""
    at = 0
    for want in wanted:
        while at < len(names) and want is not None and at > 0 and names[at] != want and names[at] == names[at - 1]:
            at += 1
        if at >= len(names) or (want is not None and names[at] != want):
            return False
        at += 1
    return True


def verdict(name, trouble, end):
    """Prints a line about a run, and everything if it went wrong; returns whether it went right."""
    print(f"{'NOT OK' if trouble else 'ok':6}  {name}  {'; '.join(trouble)}", flush=True)
    if trouble:
        print(end.output, flush=True)
    return not trouble


def broken_lines(end):
    """Lines that are no whole lines of the kernel's."""
    return [line for line in end.output.replace("\r", "").split("\n") if line and not line.startswith("strata: ")]


def check_panic(resolver, name, case, end, status=125):
    """Whether a report is as it must be."""
    reason, chain = CASES[case]
    trouble = []
    lines = end.failures()
    if len(lines) != 1 or not re.fullmatch("strata: panic: " + reason, lines[0]):
        trouble.append(f"expected one line: {reason}")
    names = functions(resolver, end.output)
    if not begins_with(names, chain):
        trouble.append(f"the call chain is {names}, not {chain}")
    if "bring_up" not in names and "join" not in names and case != "stack":
        trouble.append(f"the call chain {names} does not go back to the start")
    if case not in ("check", "nonsense", "core", "cores") and len(REGISTER.findall(end.output)) != 33:
        trouble.append("not all registers are shown")
    if end.status != status:
        trouble.append(f"status {end.status}, not {status}")
    trouble += [f"a broken line: {line!r}" for line in broken_lines(end)]
    report = end.output.partition("strata: panic: ")[2]
    if "is alive" in report:
        trouble.append("another core writes into the report")
    return verdict(f"{name}: {case}", trouble, end)


def check_again(name, end):
    """A panic while reporting another says both reasons, once."""
    wanted = [r"strata: panic: selftest: the frame cannot be read",
              r"strata: panic: while reporting: data abort in the kernel: translation fault, level 0, "
              r"address 0x[0-9a-f]+ \(ESR 0x96000004\)"]
    lines = end.failures()
    trouble = []
    if len(lines) != 2 or not all(re.fullmatch(want, line) for want, line in zip(wanted, lines)):
        trouble.append(f"the lines are {lines}")
    if end.status != 125:
        trouble.append(f"status {end.status}, not 125")
    return verdict(f"{name}: again", trouble, end)


def check_ends(name, end, status, boots):
    """A run that must end with `status` (None: QEMU had to be ended), having booted so many times or more."""
    trouble = []
    found = len(re.findall(r"^strata: kernel at ", end.output, re.M))
    if end.status != status:
        trouble.append(f"status {end.status}, not {status}")
    if found < boots or (status is not None and found != boots):
        trouble.append(f"booted {found} times, not {boots}")
    if end.failures():
        trouble.append(end.failures()[0])
    return verdict(name, trouble, end)


def check_power(build):
    """Reset and power off, by PSCI and by the Pi's watchdog, without a debugger's help."""
    good = True
    plain = {"semihosting": False, "listener": False}
    for name, board, choice in (("virt EL1", "virt", {}), ("virt EL2", "virt", {"el2": True}), ("rpi4", "rpi4", {})):
        once = [] if board == "rpi4" else ["-no-reboot"]
        good &= check_ends(f"{name}: reset ends a QEMU that does not reboot",
                           boot(build, board, once, append="selftest=reset", **plain, **choice), 0, 1)
        again = ["-action", "reboot=reset"]
        good &= check_ends(f"{name}: reset boots again",
                           boot(build, board, again, limit=2, append="selftest=reset", **plain, **choice), None, 2)
        good &= check_ends(f"{name}: power off",
                           boot(build, board, append="selftest=off", **plain, **choice), 0, 1)
        good &= check_ends(f"{name}: the root task's power off", boot(build, board, **plain, **choice), 0, 1)
    return good


def check_without_debugger(resolver, build):
    """A panic that nobody is told of leaves its text, once, and a machine at rest."""
    good = check_panic(resolver, "virt, semihosting not asked for", "check",
                       boot(build, "virt", append="selftest=check", semihosting=False, grace=1.5), None)
    good &= check_panic(resolver, "virt, semihosting without listener", "check",
                        boot(build, "virt", append="selftest=check", listener=False, grace=1.5), None)
    return good


def main():
    build = Path(sys.argv[1]).resolve()
    resolver = Resolver(build)
    good = True
    for name, board, choice in (("virt EL1", "virt", {}), ("virt EL2 GICv2", "virt", {"el2": True, "gic": 2}),
                                ("virt max", "virt", {"cpu": "max"}), ("rpi4", "rpi4", {})):
        for case in CASES:
            end = boot(build, board, append=f"selftest={case}", **choice)
            good &= check_panic(resolver, name, case, end)
        good &= check_again(name, boot(build, board, append="selftest=again", **choice))
    good &= check_without_debugger(resolver, build)
    good &= check_power(build)
    resolver.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
