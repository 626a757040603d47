# SPDX-License-Identifier: Apache-2.0
"""The contract of the command: what it prints, which code it ends with, which options it knows."""

import re

from harness import LOAD_ERROR, USAGE, claim, stats_rows


@claim("weft --version names weft and its version")
def _(weft):
    weft.raw("--version").expect(code=0, out_has=r"^weft \d+\.\d+\.\d+", err="")


@claim("weft --help names the subcommand run")
def _(weft):
    weft.raw("--help").expect(code=0, out_has=[r"weft", r"\brun\b"], err="")


@claim("weft run --help names every option")
def _(weft):
    options = ["-n", "--env", "--dir", "--stats", "--trace-wasi", "--engine", ":::"]
    weft.raw("run", "--help").expect(code=0, out_has=[re.escape(option) for option in options])


@claim("weft without arguments shows how it is used, and ends with 64")
def _(weft):
    weft.raw().expect(code=USAGE, out="", err_has=[r"\brun\b", "--help"])


@claim("weft run without a guest is wrong use")
def _(weft):
    weft.raw("run").expect_error(USAGE, r"guest|module|\.wasm")


@claim("an unknown subcommand is wrong use, and is named")
def _(weft):
    weft.raw("frobnicate").expect_error(USAGE, "frobnicate")


@claim("an unknown option is wrong use, and is named")
def _(weft):
    weft.run("--frobnicate", "c_hello").expect_error(USAGE, "--frobnicate")


@claim("an unknown engine is wrong use; the message names it and the known one")
def _(weft):
    weft.run("--engine", "steam", "c_hello").expect_error(USAGE, "steam", "interp")


@claim("weft engines lists the engines, one a line, and every one of them runs a guest")
def _(weft):
    lines = weft.raw("engines").expect(code=0, err="").lines()
    assert len(lines) >= 2 and all(len(line.split()) > 2 for line in lines), lines
    for name in weft.engines():
        weft.run("--engine", name, "c_exit7").expect(code=7, out="leaving with 7", err="")
    weft.raw("engines", "--help").expect(code=0, out_has="^auto +aot for a module")
    weft.raw("engines", "steam").expect_error(USAGE, "steam")


@claim("--engine interp runs a guest")
def _(weft):
    weft.run("--engine", "interp", "c_hello").expect(code=0, out="hello from c\n", err="")
    weft.run("--engine=interp", "c_hello").expect(code=0, out="hello from c\n", err="")


@claim("--env without K=V is wrong use, and is named")
def _(weft):
    weft.run("--env", "NOVALUE", "c_hello").expect_error(USAGE, "NOVALUE")
    weft.run("--env", "=value", "c_hello").expect_error(USAGE, "=value")


@claim("-n takes a count of at least one")
def _(weft):
    for count in ["0", "-1", "many", "3x", ""]:
        weft.run("-n", count, "wat_tiny").expect_error(USAGE)


@claim("an empty part between ::: is wrong use, and no guest runs")
def _(weft):
    for words in [["c_hello", ":::"], [":::", "c_hello"], ["c_hello", ":::", ":::", "c_hello"]]:
        weft.run(*words).expect_error(USAGE, "no (module|guest)|:::")


@claim("--dir of a directory that does not exist is an error that names it")
def _(weft):
    weft.run("--dir", "/no/such/dir::/data", "wat_prestat").expect_error(
        (LOAD_ERROR, USAGE), "/no/such/dir")


@claim("a guest's exit code is weft's, and unflushed output of a guest is not lost")
def _(weft):
    weft.run("c_exit7").expect(code=7, out="leaving with 7", err="")
    weft.run("go_exit3").expect(code=3, out="leaving with 3\n", err="")
    weft.run("wat_unstable_exit5").expect(code=5, out="", err="")


@claim("with several guests the code is that of the first that failed")
def _(weft):
    weft.run("c_hello", ":::", "c_exit7", ":::", "c_hello").expect(code=7)


@claim("arguments after the guest belong to the guest, even when they look like options")
def _(weft):
    weft.run("c_args_env", "--stats", "-n", "5", "two words", "", "--help").expect(
        code=0, out="arg --stats\narg -n\narg 5\narg two words\narg \narg --help\n", err="")


@claim("each guest has its own arguments")
def _(weft):
    result = weft.run("c_args_env", "one", ":::", "c_args_env", "two", "three")
    assert sorted(result.lines()) == ["arg one", "arg three", "arg two"], result.out


@claim("a guest sees the environment it was given and nothing of the host's")
def _(weft):
    weft.run("c_args_env").expect(code=0, out="")
    weft.run("--env", "A=1", "--env", "B=x=y", "--env", "EMPTY=", "c_args_env").expect(
        code=0, out="env A=1\nenv B=x=y\nenv EMPTY=\n")


@claim("a Go guest sees its arguments and environment")
def _(weft):
    weft.run("--env", "K=V", "go_hello", "a", "b c").expect(
        code=0, out="hello from go\narg a\narg b c\nenv K=V\n", err="")


@claim("-n runs that many copies")
def _(weft):
    weft.run("-n", "3", "c_hello").expect(code=0, out="hello from c\n" * 3, err="")


@claim("--stats prints one row a guest on stderr, and the guests' output alone on stdout")
def _(weft):
    result = weft.run("--stats", "c_exit7", ":::", "c_hello", ":::", "wat_tiny")
    result.expect(code=7, err_has=["exit", "switch", "cpu", "asleep|slept|sleep"])
    assert "leaving with 7" in result.out and "hello from c" in result.out
    rows = [line for line in result.err.splitlines() if ".wasm" in line]
    if len(rows) != 3 or "c_exit7" not in rows[0] or not re.search(r"\b7\b", rows[0]):
        result.fail("expected three rows, the first for c_exit7 with exit code 7")


@claim("--stats counts a guest's switches and its time asleep")
def _(weft):
    result = weft.run("--stats", "c_yield_n", "500", ":::", "c_sleep300").expect(code=0)
    yielder, sleeper = stats_rows(result)
    # A turn that the guest does not end itself takes 10 ms, or is ended by the other's timer.
    if not 500 <= int(yielder[6]) <= 502 + result.seconds / 0.01:
        result.fail("expected about 500 switches in the row of c_yield_n")
    if not 300 <= float(sleeper[9]) <= result.seconds * 1000 or float(yielder[9]) != 0:
        result.fail("expected 300 ms asleep in the row of c_sleep300, none in that of c_yield_n")


@claim("--stats tells each guest's engine, and how long its module took to load")
def _(weft):
    for engine in ["interp", "jit", "auto"]:
        result = weft.run(f"--engine={engine}", "--stats", "c_hello", ":::", "-n", 2, "c_exit7")
        rows = stats_rows(result.expect(code=7))
        known = {"jit", "aot"} if engine == "auto" else {engine}
        assert len(rows) == 3 and all(row[2] in known for row in rows), rows
        assert all(float(row[3]) > 0 and row[4] == "ms" for row in rows), rows
        assert rows[1][3] == rows[2][3], "one module is loaded once"


@claim("a symbolic link and a relative path to a guest work")
def _(weft):
    link = weft.scratch / "linked.wasm"
    link.symlink_to(weft.guest("c_hello"))
    weft.raw("run", "linked.wasm").expect(code=0, out="hello from c\n")
    weft.raw("run", "./linked.wasm").expect(code=0, out="hello from c\n")
