#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fetches Linux's device tree for the Raspberry Pi 4, for tests, out of Debian's kernel package.

Does nothing if the file is there. Downloads 60 MB; needs no root, and leaves the machine's packages alone.
"""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from strata import debian  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("file", type=Path, help="where to put the tree (bcm2711-rpi-4-b.dtb)")
    file = parser.parse_args().file.absolute()
    folder = file.parent

    try:
        with debian.scratch(folder) as work:
            if file.exists():
                return 0
            print("Fetching Linux's device tree for the Raspberry Pi 4 (60 MB) ...", file=sys.stderr, flush=True)
            packages = debian.Foreign("arm64", work / "apt")
            kernel = packages.dependency("linux-image-arm64", r"linux-image-\S+-arm64")
            packages.unpack(kernel, work / "root")
            (tree,) = (work / "root/usr/lib").glob("linux-image-*/broadcom/bcm2711-rpi-4-b.dtb")
            (work / "tree").mkdir()
            shutil.copy(tree, work / "tree" / file.name)
            debian.install(work / "tree", folder)
    except ValueError:
        print(f"fetch_rpi4_dtb.py: the package {kernel} has no such tree", file=sys.stderr)
        return 1
    except (debian.FetchError, OSError) as error:
        print(f"fetch_rpi4_dtb.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
