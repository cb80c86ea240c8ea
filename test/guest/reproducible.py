# SPDX-License-Identifier: BSD-2-Clause
"""Two builds of the preset release, in two folders with different names, give the same bytes."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import guest

RESULTS = ("Image", "modules.cpio")


def tree_files():
    """All files that belong to the source tree, committed or not."""
    listed = subprocess.run(["git", "-c", f"safe.directory={guest.ROOT}", "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], cwd=guest.ROOT, check=True, stdout=subprocess.PIPE).stdout
    return [name for name in listed.decode().split("\0") if name and (guest.ROOT / name).is_file()]


def build(folder):
    """Builds a copy of the tree in `folder`; returns the hashes of what came out."""
    for name in tree_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(guest.ROOT / name, folder / name)
    if (guest.ROOT / "build/deps/libfdt").is_dir():
        shutil.copytree(guest.ROOT / "build/deps/libfdt", folder / "build/deps/libfdt")
    for argv in (["cmake", "--preset", "release"], ["cmake", "--build", "build/release"]):
        result = subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False)
        if result.returncode != 0:
            print(result.stdout)
            raise SystemExit(1)
    return {name: hashlib.sha256((folder / "build/release" / name).read_bytes()).hexdigest() for name in RESULTS}


def main():
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory(suffix="-another-name") as two:
        first, second = build(Path(one) / "a"), build(Path(two) / "some" / "where" / "else")
    good = True
    for name in RESULTS:
        same = first[name] == second[name]
        good &= same
        print(f"{'ok' if same else 'NOT OK'}  {name}: {first[name]} {second[name]}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
