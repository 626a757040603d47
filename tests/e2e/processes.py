# SPDX-License-Identifier: Apache-2.0
"""Processes of the system, for claims about what is left of them."""

import contextlib
import os
import pathlib
import pty
import re
import signal
import subprocess
import time

from harness import TIMEOUT_S


def wait_for(what, named="it"):
    """What `what` returns, as soon as that is something."""
    until = time.monotonic() + TIMEOUT_S
    while not (found := what()):
        assert time.monotonic() < until, f"{named} did not come in {TIMEOUT_S} s"
        time.sleep(0.01)
    return found


def is_gone(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def children_of(pid):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rsplit(")")[1].split()[1]) == pid:
                found.append(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def cpu_seconds(pid):
    """What a process and its children have used until now, those it has waited for included."""
    try:
        words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
    return own + sum(map(cpu_seconds, children_of(pid)))


def on_terminal(weft, *words, env, until=None, interrupt_at=None):
    """What weft shows on a terminal before it ends, or is ended since it has shown the pattern
    `until`. With interrupt_at it gets a SIGINT as soon as it has shown that."""
    master, slave = pty.openpty()
    process = subprocess.Popen([str(weft.binary), *map(str, words)], env=env, stdin=slave,
                               stdout=slave, stderr=slave, cwd=weft.scratch)
    os.close(slave)
    shown, end = b"", time.monotonic() + TIMEOUT_S
    os.set_blocking(master, False)
    while process.poll() is None and time.monotonic() < end:
        if until and re.search(until, shown.decode(errors="replace")):
            break
        try:
            shown += os.read(master, 65536)
        except (BlockingIOError, OSError):
            time.sleep(0.01)
        if interrupt_at and interrupt_at.encode() in shown:
            process.send_signal(signal.SIGINT)
            interrupt_at = None
    process.terminate()
    process.wait()
    with contextlib.suppress(OSError):  # What it wrote last; EIO is the end.
        while more := os.read(master, 65536):
            shown += more
    os.close(master)
    return shown.decode()
