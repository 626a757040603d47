# SPDX-License-Identifier: Apache-2.0
"""Processes of the system, for claims about what is left of them."""

import contextlib
import os
import pathlib
import pty
import signal
import subprocess
import time


def wait_for(what, seconds=20):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.01)


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


def on_terminal(weft, *words, env, seconds, interrupt_at=None):
    """What weft shows on a terminal before it ends, or is ended after so many seconds. With
    interrupt_at it gets a SIGINT as soon as it has shown that."""
    master, slave = pty.openpty()
    process = subprocess.Popen([str(weft.binary), *map(str, words)], env=env, stdin=slave,
                               stdout=slave, stderr=slave, cwd=weft.scratch)
    os.close(slave)
    shown, until = b"", time.monotonic() + seconds
    os.set_blocking(master, False)
    while process.poll() is None and time.monotonic() < until:
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
