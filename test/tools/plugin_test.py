# SPDX-License-Identifier: BSD-2-Clause
"""Tests the counting plugin: its figures for a program whose instructions can be counted by hand.

    plugin_test.py COUNT_SO
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Both cores run it; core 0 starts core 1 by PSCI, and ends the run when core 1 is done.
PROGRAM = """
	.equ INNER, 1000
	.equ OUTER, 3
	.globl _start, from, to
_start:	b begin
	.long 0
	.quad 0			// text offset
	.long 0x10000, 0	// size
	.quad 0xa, 0, 0, 0
	.ascii "ARM\\x64"
	.long 0
begin:	ldr w0, =0xc4000003	// CPU_ON
	mov x1, #1
	adr x2, second
	mov x3, #0
	hvc #0
	bl work
	adr x1, done
1:	ldr w0, [x1]
	cbz w0, 1b
	adr x1, block
	mov w0, #0x18		// SYS_EXIT
	hlt #0xf000
second:	bl work
	adr x1, done
	mov w0, #1
	str w0, [x1]
2:	wfi
	b 2b
work:	mov x5, #OUTER
outer:	mov x4, #INNER
from:	subs x4, x4, #1
	b.ne from
	nop
to:	subs x5, x5, #1
	b.ne outer
	dsb sy			// two barriers
	isb
	tlbi vmalle1
	msr tpidr_el0, xzr	// two writes of system registers
	msr daifset, #2
last:	ret
	.balign 8
block:	.quad 0x20026, 0
done:	.long 0
"""
SPAN = 2 * 1000 + 1
TIMES = 3


def find(*programs):
    return next(filter(None, map(shutil.which, programs)))


def main():
    plugin = Path(sys.argv[1]).resolve()
    compiler = find("aarch64-none-elf-gcc", "aarch64-linux-gnu-gcc")
    prefix = compiler.removesuffix("gcc")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "p.S").write_text(PROGRAM, encoding="utf-8")
        elf, image, out = folder / "p.elf", folder / "p.img", folder / "out"
        subprocess.run([compiler, "-nostdlib", "-static", "-Wl,-Ttext=0x40200000", "-o", elf, folder / "p.S"],
                       check=True)
        subprocess.run([prefix + "objcopy", "-O", "binary", "-j", ".text", elf, image], check=True)
        symbols = {}
        for line in subprocess.run([prefix + "nm", elf], check=True, stdout=subprocess.PIPE,
                                   text=True).stdout.splitlines():
            symbols[line.split()[2]] = "0x" + line.split()[0].lstrip("0")
        area = f"{symbols['from']}-{symbols['to']}"
        arguments = f"from={symbols['from']},to={symbols['to']},range={area},range=0x1000-0x2000,"
        arguments += f"mark={symbols['last']},mark={symbols['work']},stretch={area},out={out}"
        subprocess.run(["qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a72", "-smp", "2", "-m", "128M",
                        "-nic", "none", "-display", "none", "-monitor", "none", "-serial", "null",
                        "-semihosting", "-kernel", image, "-plugin", f"{plugin},{arguments}"],
                       stdin=subprocess.DEVNULL, timeout=60, check=True)
        found = out.read_text(encoding="utf-8").splitlines()

    expected = []
    for core in (0, 1):
        expected += [f"cpu {core} span times {TIMES} last {SPAN} total {TIMES * SPAN}",
                     f"cpu {core} range {area} {TIMES * SPAN}",
                     f"cpu {core} range 0x1000-0x2000 0"]
        expected += [f"stretch cpu {core} most {SPAN} from {symbols['from']} to {hex(int(symbols['to'], 0) - 4)} "
                     f"rows {TIMES}"]
    marks = [line for line in found if line.startswith("mark 0 by ") and line.split()[3] == line.split()[5]]
    kinds = [line.partition(" barriers ")[2].partition(" ranges ")[0] for line in marks]
    print("\n".join(found))
    if kinds != ["2 tlbis 1 msrs 2"] * 2 or not all(line.endswith(f"ranges {TIMES * SPAN} 0") for line in marks):
        print(f"the marks are not as expected: {marks}")
        return 1
    missing = [line for line in expected if line not in found]
    if missing:
        print("expected, and not found:\n" + "\n".join(missing))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
