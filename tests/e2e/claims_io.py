# SPDX-License-Identifier: Apache-2.0
"""stdin, stdout and stderr: pipes, files, terminals, full disks and readers that stop early."""

import fcntl
import os
import pty
import subprocess

from harness import TIMEOUT_S, claim

MIXED_BYTES = bytes(range(256)) * 1024  # 256 KiB, more than a pipe holds.


@claim("cat copies a pipe from stdin to stdout, byte for byte")
def _(weft):
    with weft.start("c_cat", stdin=subprocess.PIPE) as run:
        out, err = run.process.communicate(MIXED_BYTES, TIMEOUT_S)
    assert out == MIXED_BYTES and err == b"", (len(out), err[:300])


@claim("cat copies a file given as stdin")
def _(weft):
    path = weft.scratch / "input"
    path.write_text("a line in a file\n" * 1000)
    with path.open() as file:
        weft.run("c_cat", stdin=file).expect(code=0, out=path.read_text(), err="")


@claim("stdout may be a file")
def _(weft):
    path = weft.scratch / "output"
    with path.open("wb") as file:
        weft.run("c_flood", stdout=file).expect(code=0, err="")
    lines = path.read_text().splitlines()
    assert len(lines) == 100000 and lines[-1] == "line 99999", (len(lines), lines[-1:])


@claim("stdin from /dev/null is at its end at once")
def _(weft):
    weft.run("c_cat").expect(code=0, out="", err="")
    weft.run("go_stdin_ticker").expect(code=0, out_has=r"^ticks \d+$")


@claim("poll_oneoff waits for a pipe on stdin and for a clock; the first one ends the wait")
def _(weft):
    with weft.start("c_poll", stdin=subprocess.PIPE) as run:
        run.read_until(b"timeout\ntimeout\n")
        run.send(b"hello\n")
        run.read_until(b"stdin hello\n")
        run.finish().expect(code=0, err="", out_has=r"^end$")


@claim("poll_oneoff on a file and on /dev/null answers that it is readable")
def _(weft):
    path = weft.scratch / "short"
    path.write_text("text\n")
    with path.open() as file:
        weft.run("c_poll", stdin=file).expect(code=0, out="stdin text\nend\n", err="")
    weft.run("c_poll").expect(code=0, out="end\n", err="")


@claim("a guest that makes stdin non-blocking gets EAGAIN instead of a wait")
def _(weft):
    with weft.start("c_nonblock", stdin=subprocess.PIPE) as run:
        run.read_until(b"again\n")
        run.finish().expect(code=0)


@claim("output into `head -1`: no crash, no hang")
def _(weft):
    with weft.start("c_flood") as run:
        run.read_until(b"line 0\n")
        run.process.stdout.close()
        run.process.stdout = None
        run.finish().expect(code=(0, 3, 141))


@claim("a reader that is slow stops only the guest that writes to it")
def _(weft):
    with weft.start("c_flood", ":::", "c_ticker", "other", "stderr") as run:
        run.read_until(b"other tick 5\n", run.process.stderr)
        result = run.finish().expect(code=0)
    assert len(result.lines()) == 100000, len(result.lines())


@claim("a full disk is the guest's error, not weft's")
def _(weft):
    with open("/dev/full", "wb") as full:
        weft.run("c_stdout_fails", stdout=full).expect(code=3, err="write failed: no space\n")


@claim("closed stdin, stdout and stderr: no crash, and no output lands elsewhere")
def _(weft):
    def close_all():
        for fd in (0, 1, 2):
            os.close(fd)
    for guest in ["c_hello", "go_hello", "c_cat", "wat_trap"]:
        with weft.start(guest, ":::", "c_sleep300", preexec_fn=close_all) as run:
            run.finish().expect(out="", err="")


def description_flags(fd):
    return fcntl.fcntl(fd, fcntl.F_GETFL)


@claim("a terminal works as stdin, stdout and stderr, and keeps its flags")
def _(weft):
    master, slave = pty.openpty()
    try:
        before = description_flags(slave)
        with weft.start("c_poll", stdin=slave, stdout=slave, stderr=slave) as run:
            os.write(master, b"typed\n\x04")
            run.process.wait(TIMEOUT_S)
        seen = os.read(master, 4096)
        assert run.process.returncode == 0 and b"stdin typed" in seen and b"end" in seen, seen
        assert description_flags(slave) == before, "the terminal's flags changed"
    finally:
        os.close(master)
        os.close(slave)


@claim("a pipe shared with others keeps its flags, even while weft waits on it")
def _(weft):
    reader, writer = os.pipe()
    try:
        before = description_flags(reader)
        with weft.start("go_stdin_ticker", ":::", "c_ticker", stdin=reader) as run:
            run.read_until(b"tick 5\n")
            during = description_flags(reader)
            os.close(writer)
            run.finish().expect(code=0)
        assert during == before, "the shared pipe became non-blocking while weft ran"
        assert description_flags(reader) == before, "the shared pipe stayed non-blocking"
    finally:
        os.close(reader)
