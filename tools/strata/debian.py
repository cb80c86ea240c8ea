# SPDX-License-Identifier: BSD-2-Clause
"""Fetches files out of Debian packages of another architecture, with apt, without being root.

The machine's own apt state is neither used nor changed: lists, cache and status live in a temporary
folder. The mirror is the one in the machine's apt configuration.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path


class FetchError(Exception):
    """Why a package could not be fetched, in one sentence."""


def _output(argv, what, folder=None):
    try:
        result = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=folder,
                                stderr=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError:
        raise FetchError(f"{what}: there is no {argv[0]}; this works on Debian only") from None
    if result.returncode != 0:
        # apt's first error is the cause; what follows it are consequences.
        lines = [line for line in result.stderr.splitlines() if line.startswith("E:")]
        lines += result.stderr.splitlines()[-1:]
        raise FetchError(f"{what}: {lines[0] if lines else argv[0] + ' failed'}")
    return result.stdout


def codename():
    """The machine's Debian release, for example bookworm."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        text = ""
    match = re.search(r"^VERSION_CODENAME=\"?(\w+)", text, re.M)
    if match is None or not re.search(r"^ID=\"?debian\b", text, re.M):
        raise FetchError("this is not a Debian machine (see /etc/os-release)")
    return match.group(1)


def mirror(suite):
    """The address of the mirror from which this machine takes `suite`."""
    # `update --print-uris` reads the configuration only: it works before the first update too.
    uris = _output(["apt-get", "update", "--print-uris"], "the machine's package sources")
    match = re.search(rf"^'(\S+?)/?/dists/{re.escape(suite)}/(?:In)?Release(?:\.gpg)?'", uris, re.M)
    if match is None:
        raise FetchError(f"apt's configuration names no source for {suite}")
    return match.group(1)


class Foreign:
    """Packages of `architecture` from the machine's mirror, in a folder of their own."""

    def __init__(self, architecture, work, components="main"):
        self.work = Path(work)
        for folder in ("lists/partial", "cache/archives/partial", "debs"):
            (self.work / folder).mkdir(parents=True)
        suite = codename()
        sources = self.work / "sources.list"
        sources.write_text(
            f"deb [arch={architecture} signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
            f"{mirror(suite)} {suite} {components}\n", encoding="utf-8")
        self.options = []
        for option in (f"APT::Architecture={architecture}", f"APT::Architectures={architecture}",
                       f"Dir::Etc::SourceList={sources}", "Dir::Etc::SourceParts=/dev/null",
                       f"Dir::State::Lists={self.work}/lists", "Dir::State::status=/dev/null",
                       f"Dir::Cache={self.work}/cache", "APT::Sandbox::User=root",
                       "Acquire::Languages=none", "Acquire::Retries=3"):
            self.options += ["-o", option]
        _output(["apt-get", *self.options, "-qq", "--error-on=any", "update"], "the mirror's package index")

    def dependency(self, package, pattern):
        """The first dependency of `package` whose name matches `pattern`."""
        text = _output(["apt-cache", *self.options, "depends", package], package)
        match = re.search(rf"Depends: ({pattern})\s*$", text, re.M)
        if match is None:
            raise FetchError(f"{package} depends on nothing like {pattern}")
        return match.group(1)

    def unpack(self, package, into):
        """Downloads `package` and unpacks it below the folder `into`."""
        debs = self.work / "debs"
        before = set(debs.iterdir())
        _output(["apt-get", *self.options, "-qq", "download", package], package, folder=debs)
        fresh = set(debs.iterdir()) - before
        if len(fresh) != 1:
            raise FetchError(f"{package}: the download brought {len(fresh)} files")
        _output(["dpkg-deb", "-x", str(fresh.pop()), str(into)], package)


@contextlib.contextmanager
def scratch(beside):
    """A temporary folder next to `beside`, and the only one: presets may be configured side by side."""
    parent = Path(beside).absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with open(parent / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Below /tmp, since apt writes into it as another user on some machines.
        folder = tempfile.mkdtemp(prefix="strata-fetch-")
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def install(folder, target):
    """Moves a finished folder to its place, whole or not at all."""
    target = Path(target)
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(folder, fresh)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(fresh, target)
