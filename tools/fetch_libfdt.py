#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fetches libfdt for 64-bit Arm, Debian's build, into a folder: include/*.h and lib/libfdt.a.

Does nothing if the folder is there. Needs no root, and leaves the machine's packages alone.
"""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from strata import debian  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="where to put include/ and lib/")
    folder = parser.parse_args().folder.absolute()

    try:
        with debian.scratch(folder) as work:
            if (folder / "lib/libfdt.a").exists():
                return 0
            print("Fetching libfdt for arm64 (package libfdt-dev) ...", file=sys.stderr, flush=True)
            debian.Foreign("arm64", work / "apt").unpack("libfdt-dev", work / "root")
            ready = work / "libfdt"
            (ready / "lib").mkdir(parents=True)
            (ready / "include").mkdir()
            shutil.copy(work / "root/usr/lib/aarch64-linux-gnu/libfdt.a", ready / "lib")
            for header in ("libfdt.h", "libfdt_env.h", "fdt.h"):
                shutil.copy(work / "root/usr/include" / header, ready / "include")
            debian.install(ready, folder)
    except (debian.FetchError, OSError) as error:
        print(f"fetch_libfdt.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
