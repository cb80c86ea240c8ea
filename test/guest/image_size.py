# SPDX-License-Identifier: BSD-2-Clause
"""The kernel file is small.

    image_size.py BUILD
"""

import sys
from pathlib import Path

LIMIT = 256 * 1024


def main():
    size = (Path(sys.argv[1]) / "Image").stat().st_size
    print(f"Image: {size} of at most {LIMIT - 1} bytes")
    return 0 if size < LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
