"""WASI preview 1 as a guest sees it."""

import re
import time

from harness import LOAD_ERROR, claim

ENOSYS = 52
EFAULT = 21


@claim("the clocks advance, have a resolution, and the wall clock is the host's")
def _(weft):
    result = weft.run("c_clock").expect(
        code=0, out_has=["^slept enough: yes$", "^resolution known: yes$"])
    wall = int(re.search(r"wall (\d+)", result.out)[1])
    assert abs(wall - time.time()) < 10, f"wall clock {wall}, here {time.time()}"


@claim("random bytes differ from run to run and from guest to guest")
def _(weft):
    lines = weft.run("-n", "3", "c_random").expect(code=0, err="").lines()
    lines += weft.run("c_random").expect(code=0).lines()
    assert len(set(lines)) == 4 and all(len(line) == 32 for line in lines), lines


@claim("a bad pointer is EFAULT, never a fault of the host")
def _(weft):
    weft.run("wat_bad_pointer").expect(code=0, out="", err="")
    weft.run("wat_many_iovecs").expect(code=0, out="", err="")


@claim("a descriptor that is not open is EBADF")
def _(weft):
    weft.run("wat_bad_fd").expect(code=0, out="", err="")


@claim("a guest without a memory gets EFAULT for its pointers, or is refused")
def _(weft):
    result = weft.run("wat_no_memory")
    if result.code != EFAULT:
        result.expect_error(LOAD_ERROR, "memory")


@claim("a function that is not there yet answers ENOSYS, and --trace-wasi names the call")
def _(weft):
    weft.run("wat_enosys").expect(code=ENOSYS, out="", err="")
    weft.run("--trace-wasi", "wat_enosys").expect(
        code=ENOSYS, out="", err_has=r"path_open.*\n?.*ENOSYS")


@claim("--trace-wasi names each call with its result, on stderr only")
def _(weft):
    result = weft.run("--trace-wasi", "wat_hello").expect(code=0, out="hello from wat\n")
    result.expect(err_has=r"fd_write.*\n?.*(ESUCCESS|success|= ?0)")


@claim("--dir shows the guest its path for the directory, not the host's")
def _(weft):
    host = weft.scratch / "host_directory"
    host.mkdir()
    weft.run("--dir", f"{host}::/data", "--dir", f"{weft.scratch}::here", "wat_prestat").expect(
        code=0, out="/data\nhere\n", err="")
    weft.run("wat_prestat").expect(code=0, out="", err="")


@claim("each guest has its own descriptors: one that closes stdin closes it for itself only")
def _(weft):
    weft.run("wat_bad_fd", ":::", "c_cat", stdin="still open\n").expect(
        code=0, out="still open\n")


@claim("SIMD works")
def _(weft):
    weft.run("wat_simd").expect(code=10)


@claim("a recursion 1,000 calls deep and a frame of 1,000 locals fit")
def _(weft):
    weft.run("wat_recursion_deep").expect(code=0, err="")
    weft.run("wat_many_locals").expect(code=0, err="")
