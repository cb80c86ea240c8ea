# SPDX-License-Identifier: BSD-2-Clause
"""What the machine must have, and how Debian's packages bring it.

A need is met by a program on the PATH or by a file, wherever it came from; only what is missing is
installed. So the check takes a few file look-ups, and works on other systems too.
"""

import dataclasses
import glob
import os
import re
import shutil
import subprocess
import sys

from . import debian, say
from .say import Failure

QEMU_MAJOR_MIN = 9


@dataclasses.dataclass
class Need:
    """One thing that must be there: one of `programs`, or all of the globs `files`."""

    package: str
    programs: tuple = ()
    files: tuple = ()
    check: object = None  # called with the program's path; says whether it will do

    def met(self):
        for program in self.programs:
            path = shutil.which(program)
            if path is not None and (self.check is None or self.check(path)):
                return True
        return bool(self.files) and all(glob.glob(pattern) for pattern in self.files)


def _qemu_is_new_enough(path):
    """The machine raspi4b came with QEMU 9."""
    try:
        text = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False).stdout
    except OSError:
        return False
    match = re.search(r"version (\d+)\.", text)
    return match is not None and int(match.group(1)) >= QEMU_MAJOR_MIN


BUILD = [
    Need("gcc-aarch64-linux-gnu", ("aarch64-none-elf-gcc", "aarch64-linux-gnu-gcc")),
    Need("binutils-aarch64-linux-gnu", ("aarch64-none-elf-addr2line", "aarch64-linux-gnu-addr2line")),
    Need("picolibc-aarch64-linux-gnu", files=("/usr/lib/picolibc/aarch64-*/include/picolibc.h",)),
    Need("cmake", ("cmake",)),
    Need("ninja-build", ("ninja",)),
    Need("device-tree-compiler", ("dtc",)),
]
RUN = [Need("qemu-system-arm", ("qemu-system-aarch64",), check=_qemu_is_new_enough)]
CLANG = [Need("clang", ("clang",)), Need("lld", ("ld.lld",)), Need("llvm", ("llvm-objcopy",))]
TEST = [
    Need("libclang-rt-14-dev", files=("/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.asan-*.a",)),
    Need("libc6-dev", files=("/usr/include/stdio.h",)),
    Need("libcmocka-dev", files=("/usr/include/cmocka.h",)),
    Need("libfdt-dev", files=("/usr/include/libfdt.h",)),
    Need("cpio", ("cpio",)),
    Need("spin", ("spin",)),
    Need("git", ("git",)),
]
ALL = BUILD + RUN + CLANG + TEST

_OF_PRESET = {"host": BUILD + CLANG + TEST, "clang": BUILD + CLANG}


def for_preset(preset):
    return _OF_PRESET.get(preset, BUILD)


def _as_root(argv):
    if os.geteuid() == 0:
        return argv
    if shutil.which("sudo") is None:
        raise Failure("installing packages needs root, and there is no sudo; as root, run: ./strata setup")
    return ["sudo", *argv]


def _backports(codename):
    """Makes the release's backports known to apt, from the mirror that it already uses."""
    suite = f"{codename}-backports"
    try:
        debian.mirror(suite)
    except debian.FetchError:
        line = (f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
                f"{debian.mirror(codename)} {suite} main\n")
        say.run(_as_root(["tee", f"/etc/apt/sources.list.d/{suite}.list"]),
                f"{suite} could not be added to apt's sources", input=line.encode(),
                stdout=subprocess.DEVNULL)
    return suite


def _confirm(names):
    """Asks the person, if one is there."""
    text = "Debian packages to install: " + " ".join(names)
    if not sys.stdin.isatty():
        say.note(text)
        return
    print(f"{text}\nInstall them now? [Y/n] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("", "y", "yes"):
        raise Failure("nothing was installed")


def _install(missing):
    try:
        codename = debian.codename()
    except debian.FetchError as error:
        raise Failure(f"{error}, so you must install yourself what these packages bring: "
                      + " ".join(need.package for need in missing)) from None

    _confirm([need.package for need in missing])
    # bookworm's own QEMU has no raspi4b; later releases' has.
    late = [need.package for need in missing if need in RUN and codename == "bookworm"]
    normal = [need.package for need in missing if need.package not in late]

    try:
        suite = _backports(codename) if late else None
    except debian.FetchError as error:
        raise Failure(f"the mirror of this machine could not be found: {error}") from None
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    # apt's own talk goes to standard error: standard output is the guest's.
    quiet = {"stdin": subprocess.DEVNULL if not sys.stdin.isatty() else None, "stdout": sys.stderr}
    say.run(_as_root([*apt, "-qq", "update"]), "apt's lists could not be updated", **quiet)
    install = [*apt, "-qq", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "install"]
    if normal:
        say.run(_as_root([*install, *normal]), "the packages could not be installed", **quiet)
    if late:
        say.run(_as_root([*install, "-t", suite, *late]), "QEMU could not be installed", **quiet)


def ensure(needs):
    """Installs what of `needs` is missing."""
    missing = [need for need in needs if not need.met()]
    if not missing:
        return
    _install(missing)
    still = [need.package for need in missing if not need.met()]
    if still:
        raise Failure("these packages are installed, but what they should bring was not found: "
                      + " ".join(still))
