# SPDX-License-Identifier: Apache-2.0
"""Modules without a _start: reactors, and functions that are called by name."""

from harness import LOAD_ERROR, TRAP, USAGE, claim


def on_each(weft, *words):
    """The results of the same words, on each engine and in virtual time."""
    for engine in weft.engines():
        yield weft.run(f"--engine={engine}", *words)
    yield weft.run("--virtual-time", *words)


@claim("of a reactor _initialize runs first, then the export with the empty name, on every engine")
def _(weft):
    for run in on_each(weft, "wat_reactor", "word"):
        run.expect(code=0, out="ready\nmain\n", err="")


@claim("--invoke calls an export with numbers and prints what it returns, on every engine")
def _(weft):
    for run in on_each(weft, "--invoke", "add", "wat_reactor", 5, -7):
        run.expect(code=0, out="ready\n-2\n", err="")
    for run in on_each(weft, "--invoke", "all", "wat_reactor", "0xffffffff", "-9223372036854775808",
                       "1.5", "-inf"):
        run.expect(code=0, out="ready\n-1\n-9223372036854775808\n1.5\n-inf\n", err="")
    for run in on_each(weft, "--invoke", "initialized", "wat_reactor"):
        run.expect(code=0, out="ready\n1\n", err="")
    for run in on_each(weft, "--invoke", "add", "wat_nostart", 2, 3):
        run.expect(code=0, out="5\n", err="")


@claim("--invoke of a command leaves its _start alone, unless it is _start")
def _(weft):
    weft.run("--invoke", "_start", "wat_hello").expect(code=0, out="hello from wat\n", err="")
    weft.run("--invoke", "f", "wat_trap").expect(code=USAGE, err_has='exports no function "f"')


@claim("a function that is called traps, leaves, runs out of fuel and of time as any guest's code")
def _(weft):
    for run in on_each(weft, "--invoke", "quotient", "wat_reactor", 1, 0):
        run.expect(code=TRAP, out="ready\n", err_has=[r"integer divide by zero\s+at offset 0x",
                                                      "in quotient"])
    for run in on_each(weft, "--invoke", "leave", "wat_reactor", 9):
        run.expect(code=9, out="ready\n", err="")
    told = {run.expect(code=TRAP, out="ready\n").err
            for engine in weft.engines()
            for run in [weft.run(f"--engine={engine}", "--fuel", 100_001, "--invoke", "forever",
                                 "wat_reactor")]}
    assert len(told) == 1 and "out of fuel" in told.pop()
    for engine in weft.engines():
        weft.run(f"--engine={engine}", "--deadline", "200ms", "--invoke", "forever",
                 "wat_reactor").expect(code=TRAP, err_has=["deadline exceeded", "in forever"])


@claim("wrong arguments of --invoke are named: how many, which one, and what there could be called")
def _(weft):
    def wrong(*words, says):
        for time in [[], ["--virtual-time"]]:
            weft.run(*time, *words).expect(code=(USAGE, LOAD_ERROR), out="",
                                           err_has=[r"^weft: .*wat_reactor\.wasm: ", says])
    wrong("--invoke", "add", "wat_reactor", 1, says=r'"add" takes 2 arguments \(i32, i32\), not 1')
    wrong("--invoke", "initialized", "wat_reactor", 1, says="takes no arguments, not 1")
    wrong("--invoke", "add", "wat_reactor", 1, "two", says=r"argument 2 .* is an i32, not 'two'")
    wrong("--invoke", "add", "wat_reactor", 1, "4294967296", says="not '4294967296'")
    wrong("--invoke", "add", "wat_reactor", 1, "-2147483649", says="not '-2147483649'")
    wrong("--invoke", "half", "wat_reactor", "1.5x", says="is an f32, not '1.5x'")
    wrong("--invoke", "nope", "wat_reactor",
          says=r'exports no function "nope"; --invoke NAME can call .*add\(i32, i32\) -> i32')
    wrong("--invoke", "memory", "wat_reactor", says='the export "memory" is a memory, not a func')
    wrong("--invoke", "of_function", "wat_reactor", says="takes what is no number")


@claim("--invoke of a host's function that is exported again says what it is, on every engine")
def _(weft):
    for run in on_each(weft, "--invoke", "fd_write", "wat_reactor", 1, 2, 3, 4):
        run.expect(code=(USAGE, LOAD_ERROR), out="", err_has=[
            r'^weft: .*wat_reactor\.wasm: the export "fd_write" is a function of the host '
            r'\("wasi_snapshot_preview1" "fd_write"\) that the module exports again; export a '
            r"function of the module's own that calls it; --invoke NAME can call .*add"])


@claim("a module with nothing to start is refused with the list of what can be called")
def _(weft):
    weft.run("wat_nostart").expect_error(
        LOAD_ERROR, r"wat_nostart\.wasm: the module exports no function _start \(is it a WASI "
        r"command\?\); --invoke NAME can call add\(i32, i32\) -> i32$")


@claim("a called function's results are labelled, recorded, replayed and tested as other output")
def _(weft):
    words = ["--invoke", "add", "wat_reactor", 20, 22]
    weft.run("--label", *words).expect(code=0, out_has=r"^1 wat_reactor\.wasm.*42$")
    record = weft.scratch / "add.replay"
    for time in [[], ["--virtual-time"]]:
        weft.run(*time, "--record", record, *words).expect(code=0, out="ready\n42\n")
        weft.raw("replay", record).expect(code=0, out="ready\n42\n", err_has="replayed")
    expected = weft.scratch / "expected"
    for text, code in [("ready\n42\n", 0), ("ready\n43\n", 1)]:
        expected.write_text(text)
        weft.raw("test", "--seeds", 3, "--expect", expected, "--replay", record, "--invoke", "add",
                 weft.guest("wat_reactor"), 20, 22).expect(code=code)
    weft.raw("replay", record).expect(code=2, err_has="replayed: the same run")


@claim("what is returned counts as output, and is an error when nobody can take it")
def _(weft):
    for run in on_each(weft, "--output", 8, "--invoke", "add", "wat_reactor", 1000, 1000):
        run.expect(code=TRAP, out_has="ready\n", err_has="output limit reached")
    with open("/dev/full", "w", encoding="utf-8") as full:
        weft.run("--invoke", "add", "wat_nostart", 1, 2, stdout=full).expect(code=74)


@claim("guests that call functions of one module run beside its other guests, with --stats")
def _(weft):
    run = weft.run("--stats", "--invoke", "add", "wat_reactor", 1, 2, ":::", "wat_reactor", ":::",
                   "--invoke", "root", "-n", 2, "wat_reactor", 2)
    run.expect(code=0)
    assert sorted(run.lines()) == sorted(["ready"] * 4 + ["3", "main"] +
                                         ["1.4142135623730951"] * 2), run.out


@claim("weft exec and a manifest call functions, too")
def _(weft):
    weft.raw("exec", "--invoke", "negate", weft.guest("wat_reactor"), 5).expect(
        code=0, out="ready\n-5\n")
    manifest = weft.scratch / "calls.toml"
    manifest.write_text(f'[[guest]]\nmodule = "{weft.guest("wat_reactor")}"\n'
                        'invoke = "negate"\nargs = ["6"]\n')
    weft.run("--virtual-time", "--world", manifest).expect(code=0, out="ready\n-6\n")
