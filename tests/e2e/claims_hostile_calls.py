# SPDX-License-Identifier: Apache-2.0
"""Host calls by which a guest could hold the thread, fill the host's memory, or end the others."""

import os
import pathlib
import re
import resource
import signal
import tempfile

from harness import LOAD_ERROR, claim

# A call that is not cut into pieces takes seconds. How late a sleeper is on a quiet machine is
# measured by tests/host/worst_tick.py.
LATE_US_MAX = 500_000


def scratch_dir(weft):
    return tempfile.mkdtemp(dir=weft.scratch)


def rlimit(which, value):
    def set_it():
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (value, hard))
    return set_it


def lateness_us(weft, engine, kind):
    """How late a sleeper is woken at worst beside a guest that makes calls of that kind."""
    folder = scratch_dir(weft)
    run = weft.run(f"--engine={engine}", "c_ticks", 60, ":::", "--dir", f"{folder}::/",
                   "c_long_calls", kind, 800)
    run.expect(code=0, err="", out_has=rf"\d+ calls of {kind}")
    (pathlib.Path(folder) / "long").unlink(missing_ok=True)
    return int(re.search(r"worst (\d+) us", run.out)[1])


@claim("calls that move gigabytes make no sleeper late by half a second", "speed")
def _(weft):
    for engine in weft.engines():
        # What else the machine does makes a sleeper late too: one beside mere computing tells.
        computing = lateness_us(weft, engine, "nothing")
        for kind in ("pread", "read", "pwrite", "write", "allocate", "poll", "list", "random"):
            late = lateness_us(weft, engine, kind)
            assert late < max(LATE_US_MAX, 3 * computing), (
                f"{engine}, {kind}: {late} us late, beside computing {computing} us")


@claim("a guest beyond RLIMIT_FSIZE gets EFBIG; SIGXFSZ ends no process")
def _(weft):
    modules = [weft.guest(name) for name in ("c_hoards", "c_sleep300")]
    weft.raw("compile", *modules).expect(code=0)
    for engine in weft.engines():
        run = weft.run(f"--engine={engine}", "--dir", f"{scratch_dir(weft)}::/", "c_hoards", "fill",
                       ":::", "c_sleep300", preexec_fn=rlimit(resource.RLIMIT_FSIZE, 10240))
        if engine == "jit" and run.code == LOAD_ERROR:  # Its code lies in a file of memory.
            run.expect(err_has="no memory for code: File too large")
            continue
        run.expect(code=0, err="", out_has=["10240 bytes, then File too large", "slept"])


@claim("RLIMIT_CPU ends the guests in order, by SIGXCPU")
def _(weft):
    run = weft.run("c_busy", preexec_fn=rlimit(resource.RLIMIT_CPU, 1))
    run.expect(code=128 + signal.SIGXCPU)


@claim("a reader that goes away is EPIPE for the guest that writes, and no other guest ends")
def _(weft):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        weft.run("c_hello", ":::", "c_hello", stdout=closed).expect_no_crash()


@claim("a poll of more descriptors than RLIMIT_NOFILE reports those that are ready")
def _(weft):
    for engine in weft.engines():
        run = weft.run(f"--engine={engine}", "c_hoards", "polls", 1100, 0, stdin="hi\n",
                       preexec_fn=rlimit(resource.RLIMIT_NOFILE, 256))
        run.expect(code=0, out="1100 subscriptions, errno 0, 1100 events\n")


@claim("listings of directories come out of the guest's memory", "malloc")
def _(weft):
    for engine in weft.engines():
        command = weft.command(f"--engine={engine}", "--memory", 2, "--total-memory", 2, "--dir",
                               f"{scratch_dir(weft)}::/", "c_hoards", "listings", 2000, 3000)
        with weft.start_raw(*command[1:]) as run:
            run.read_until(b"listings, errno 48")  # ENOMEM.
            status = pathlib.Path(f"/proc/{run.process.pid}/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
            run.finish().expect(code=0)
        assert resident < 100_000, f"{engine}: {resident} kB resident"


@claim("CPU-time clocks count the guest's own time: not its sleep, not the others'")
def _(weft):
    for engine in weft.engines():
        run = weft.run(f"--engine={engine}", "c_cpu_time", 60, ":::", "c_cpu_time", 60)
        run.expect(code=0, err="")
        spent = [int(ms) for ms in re.findall(r"(\d+) ms of CPU time", run.out)]
        assert len(spent) == 2 and all(60 <= ms < 100 for ms in spent), run.out


@claim("in virtual time the CPU clock counts fuel, and repeats")
def _(weft):
    for engine in weft.engines():
        runs = [weft.run(f"--engine={engine}", "--virtual-time", "--seed", 3, "c_cpu_time", 20)
                for _ in range(2)]
        runs[0].expect(code=0, out_has=r"^\d+ ms of CPU time$", out=runs[1].out)


@claim("no guest gets at /proc: not by --dir /, and --dir /proc is refused by name")
def _(weft):
    for engine in weft.engines():
        run = weft.run(f"--engine={engine}", "--dir", "/::/", "c_proc_files").expect(code=0, err="")
        assert len(run.lines()) == 7, run.out
        refused = ("Operation not permitted", "Symbolic link loop", "Permission denied")
        for line in run.lines():
            assert line.split(": ")[1] in refused, run.out
    weft.run("--dir", "/proc::/proc", "c_proc_files").expect(
        code=None, out="", err_has="/proc: shows or steers the processes of the host")


@claim("reading a stdin that is a folder is EISDIR")
def _(weft):
    folder = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        weft.run("--trace-wasi", "c_cat", stdin=folder).expect(err_has=r"fd_read.*\n?.*EISDIR")
    finally:
        os.close(folder)
