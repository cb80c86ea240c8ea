# SPDX-License-Identifier: BSD-2-Clause
"""What the tool says to the person: on standard error, so that standard output is the guest's."""

import shlex
import subprocess
import sys


class Failure(Exception):
    """Ends the tool with one line on standard error; `status` is its exit status."""

    def __init__(self, message, status=1):
        super().__init__(message)
        self.status = status


def note(message):
    print(f"strata: {message}", file=sys.stderr, flush=True)


def command(argv):
    """Prints a command before it runs, in a form that a shell would take."""
    print("+ " + shlex.join(str(a) for a in argv), file=sys.stderr, flush=True)


def run(argv, failure, **options):
    """Runs a command, printed first; raises Failure if it ends with another status than 0."""
    command(argv)
    try:
        result = subprocess.run([str(a) for a in argv], check=False, **options)
    except FileNotFoundError:
        raise Failure(f"{failure}: there is no {argv[0]} on this machine") from None
    if result.returncode != 0:
        raise Failure(f"{failure}: {argv[0]} ended with status {result.returncode}")
    return result
