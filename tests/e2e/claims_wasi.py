# SPDX-License-Identifier: Apache-2.0
"""WASI preview 1 as a guest sees it."""

import re
import time

from harness import LOAD_ERROR, claim

EBADF = 8
EFAULT = 21


@claim("the clocks advance, have a resolution, and the wall clock is the host's")
def _(weft):
    before = int(time.time())
    result = weft.run("c_clock").expect(
        code=0, out_has=["^slept enough: yes$", "^resolution known: yes$"])
    wall = int(re.search(r"wall (\d+)", result.out)[1])
    assert before <= wall <= time.time(), f"{before}, {wall}, {time.time()}"


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


@claim("--trace-wasi names a call that fails, with the name of its error")
def _(weft):
    weft.run("wat_open_bad_fd").expect(code=EBADF, out="", err="")
    weft.run("--trace-wasi", "wat_open_bad_fd").expect(
        code=EBADF, out="", err_has=r"path_open.*\n?.*EBADF")


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


def tree(weft, name):
    """A directory for guests, with a file and two links that lead out of it."""
    root = weft.scratch / name
    root.mkdir()
    (root / "greeting").write_text("hello from the host\n")
    (root / "outside").symlink_to("/etc/passwd")
    (root / "up").symlink_to("..")
    return root


@claim("C: files below --dir can be made, read, renamed, listed and removed; nothing leads out")
def _(weft):
    root = tree(weft, "c_tree")
    weft.run("--dir", f"{root}::/data", "c_files").expect(
        code=0, err="", out="hello from the host\nall as expected\n")
    assert (root / "kept").read_text() == "written by a guest\n"


@claim("Go: files below --dir, with os.ReadFile, os.ReadDir and friends; nothing leads out")
def _(weft):
    root = tree(weft, "go_tree")
    weft.run("--dir", f"{root}::/data", "go_files").expect(
        code=0, err="",
        out="hello from the host\n[deep greeting kept outside up]\nall as expected\n")
    assert (root / "kept").read_text() == "written by a guest\n"


@claim("without --dir a guest has no files at all")
def _(weft):
    for guest in ["c_files", "go_files"]:
        weft.run(guest).expect(code=1, err_has="/data/greeting")


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
