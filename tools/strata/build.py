# SPDX-License-Identifier: BSD-2-Clause
"""Builds presets of CMakePresets.json with CMake and Ninja."""

import contextlib
import fcntl
import json
import subprocess
import sys

from . import packages, say
from .boards import ROOT
from .say import Failure


def presets():
    """The names of all presets that can be built."""
    text = (ROOT / "CMakePresets.json").read_text(encoding="utf-8")
    return [p["name"] for p in json.loads(text)["configurePresets"] if not p.get("hidden")]


def folder(preset):
    return ROOT / "build" / preset


@contextlib.contextmanager
def _only_one(preset):
    """Two runs of the tool side by side must not build the same folder at once."""
    (ROOT / "build").mkdir(exist_ok=True)
    with open(ROOT / "build" / f".lock-{preset}", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _configure(preset):
    argv = ["cmake", "--preset", preset]
    say.command(argv)
    result = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    if result.returncode != 0:
        sys.stderr.buffer.write(result.stdout)
        raise Failure(f"preset {preset} could not be configured (see above)")


def build(preset, target=None):
    """Brings the preset, or one target of it, up to date; installs what that needs."""
    packages.ensure(packages.for_preset(preset))
    with _only_one(preset):
        if not (folder(preset) / "build.ninja").exists():
            _configure(preset)
        argv = ["cmake", "--build", f"build/{preset}"] + (["--target", target] if target else [])
        if not sys.stderr.isatty():
            argv += ["--", "--quiet"]
        say.run(argv, f"preset {preset} could not be built", cwd=ROOT, stdin=subprocess.DEVNULL,
                stdout=sys.stderr)
