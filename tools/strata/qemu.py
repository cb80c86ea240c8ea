# SPDX-License-Identifier: BSD-2-Clause
"""Runs QEMU with the guest's console on our standard output, and says how it ended.

QEMU is started paused and is told to go through its control protocol (QMP): so a QEMU that could not
start is never taken for a guest that ended with status 1.
"""

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import termios
import time

from . import say
from .symbols import Console

TIMED_OUT = 124
SYSTEM_FAILED = 125

# After a line that says that the system failed, the rest of its report must come within this time.
FAILURE_GRACE_S = 5.0


class Interrupted(Exception):
    """A signal that asks the tool to end."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number


def _die_with_parent(parent):
    """In the child, before QEMU: QEMU must not outlive the tool, however the tool ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def _standard_input():
    """What QEMU may read: our standard input, unless that is a terminal which is not ours now."""
    try:
        if os.isatty(0) and os.tcgetpgrp(0) != os.getpgrp():
            return subprocess.DEVNULL
    except OSError:
        return subprocess.DEVNULL
    return None


class _Terminal:
    """Leaves the terminal as it was found: QEMU changes its mode, and may not live to restore it."""

    def __enter__(self):
        try:
            self.mode = termios.tcgetattr(0)
        except (termios.error, OSError):
            self.mode = None
        return self

    def __exit__(self, *_):
        if self.mode is not None:
            # A background process that sets the mode would be stopped.
            old = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            try:
                termios.tcsetattr(0, termios.TCSADRAIN, self.mode)
            except (termios.error, OSError):
                pass
            signal.signal(signal.SIGTTOU, old)


class _Signals:
    """Turns the signals that ask us to end into the exception Interrupted."""

    def __enter__(self):
        self.old = {}
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                self.old[number] = signal.signal(number, self._raise)
        return self

    @staticmethod
    def _raise(number, _frame):
        raise Interrupted(number)

    def ignore(self):
        """From now on nothing interrupts the tidying up."""
        for number in self.old:
            signal.signal(number, signal.SIG_IGN)

    def __exit__(self, *_):
        for number, handler in self.old.items():
            signal.signal(number, handler)


def _stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Control:
    """The control connection: tells a QEMU that has started to run the guest."""

    def __init__(self, connection, go):
        self.connection = connection
        self.go = go
        self.started = False
        self.open = True
        self.text = b""
        self._send(b'{"execute":"qmp_capabilities"}')

    def _send(self, command):
        try:
            self.connection.sendall(command)
        except ConnectionError:
            pass  # QEMU is gone; its exit status says why

    def feed(self):
        try:
            data = self.connection.recv(65536)
        except ConnectionError:
            data = b""
        self.open = bool(data)
        self.text += data
        # The first answer comes when the machine stands ready. What comes later is of no interest.
        if not self.started and b'"return"' in self.text:
            self.started = True
            if self.go:
                self._send(b'{"execute":"cont"}')
        if self.started:
            self.text = b""


def _pump(process, console, control, deadline):
    """Passes output on until QEMU closes its end or time is up; returns whether time was up."""
    output = process.stdout.fileno()
    grace = None
    while True:
        watched = [output] + ([control.connection] if control.open else [])
        limits = [limit for limit in (deadline, grace) if limit is not None]
        left = max(0.0, min(limits) - time.monotonic()) if limits else None
        ready, _, _ = select.select(watched, [], [], left)
        if control.connection in ready:
            control.feed()
        if output in ready:
            data = os.read(output, 65536)
            if not data:
                return False
            console.feed(data)
            if console.failure is not None and grace is None:
                grace = time.monotonic() + FAILURE_GRACE_S
        now = time.monotonic()
        if grace is not None and now >= grace:
            return False
        if deadline is not None and now >= deadline:
            return True


def run(argv, resolver, timeout=None):
    """Runs QEMU; returns the exit status for the person: the guest's, 124, 125, or 128 + signal."""
    ours, theirs = socket.socketpair()
    control_arguments = ["-S", "-chardev", f"socket,id=strata-control,fd={theirs.fileno()}",
                         "-mon", "chardev=strata-control,mode=control"]
    # What is printed is what a person would type for the same guest, without our control connection.
    say.command(argv)
    parent = os.getpid()
    with _Terminal(), _Signals() as signals, ours:
        process = None
        timed_out = False
        console = Console(resolver, sys.stdout.fileno())
        try:
            process = subprocess.Popen(
                argv + control_arguments, stdin=_standard_input(), stdout=subprocess.PIPE,
                pass_fds=[theirs.fileno()], preexec_fn=lambda: _die_with_parent(parent))
            theirs.close()
            control = _Control(ours, go="-S" not in argv)
            deadline = None if timeout is None else time.monotonic() + timeout
            timed_out = _pump(process, console, control, deadline)
            console.close()
            if not timed_out and console.failure is None:
                process.wait()
        except FileNotFoundError:
            say.note(f"QEMU did not start: there is no {argv[0]} on this machine")
            return SYSTEM_FAILED
        except Interrupted as interrupt:
            return 128 + interrupt.number
        except BrokenPipeError:
            # Nobody reads our standard output any more.
            return 128 + signal.SIGPIPE
        finally:
            signals.ignore()
            if process is not None:
                if not timed_out and console.failure is not None and process.poll() is None:
                    # A system that failed may end by itself; one that only halts does not.
                    try:
                        process.wait(0.5)
                    except subprocess.TimeoutExpired:
                        pass
                own_end = process.poll() is not None
                _stop(process)
                process.stdout.close()
            resolver.close()

    status = process.returncode
    if timed_out:
        say.note(f"the time limit of {timeout:g} s is over")
        return TIMED_OUT
    if console.failure is not None:
        say.note(f"the system failed: {console.failure.removeprefix('strata: ')}")
        return SYSTEM_FAILED
    if not control.started:
        say.note(f"QEMU did not start: it ended with {_ending(status)}")
        return SYSTEM_FAILED
    if status < 0 or not own_end:
        say.note(f"QEMU ended with {_ending(status)}")
        return SYSTEM_FAILED
    if status == SYSTEM_FAILED:
        say.note("the system failed: it ended with status 125")
    return status


def _ending(status):
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"status {status}"
