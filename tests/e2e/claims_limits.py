# SPDX-License-Identifier: Apache-2.0
"""Claims about what guests may use: each alone, and all together."""

from claims_engine import fresh_cache
from harness import LOAD_ERROR, TRAP, USAGE, claim


@claim("--deadline ends a guest that sleeps and one that computes, and no other guest")
def _(weft):
    for engine in weft.engines():
        run = weft.run(f"--engine={engine}", "--deadline", "50ms", "c_sleep2s", ":::",
                       "--deadline", "50ms", "c_busy", ":::", "c_sleep300")
        run.expect(code=TRAP, out_has="slept", err_has=[
            r"guest 1 \(c_sleep2s.wasm\): trap: deadline exceeded",
            r"guest 2 \(c_busy.wasm\): trap: deadline exceeded"])
        for guest in ["c_sleep2s", "c_busy"]:
            weft.run(f"--engine={engine}", "--virtual-time", "--cost=1us", "--deadline", "50ms",
                     guest).expect(code=TRAP, err_has=[
                         "deadline exceeded\\s+at offset 0x", "in __original_main"])


@claim("--output ends a guest at that byte, with the words of a trap, on every engine alike")
def _(weft):
    told = {(run.out, run.err) for run in [
        weft.run(f"--engine={engine}", "--output", "95", "c_limits", "write", "1000").expect(
            code=TRAP) for engine in weft.engines()]}
    assert len(told) == 1, told
    (out, err), = told
    assert len(out) == 95 and "trap: output limit reached at offset" in err, (out, err)
    weft.run("--output", "1K", "c_limits", "write", "1020").expect(code=0, err="")


@claim("a guest that is ended in sched_yield is said to be there, on every engine alike")
def _(weft):
    weft.raw("compile", weft.guest("c_yield_n")).expect(code=0)
    told = {weft.run(f"--engine={engine}", "--virtual-time", "--cost=1us", "--deadline", "50ms",
                     "c_yield_n", "1000000000").expect(
        code=TRAP, err_has=["in __wasi_sched_yield", "in sched_yield", "in main"]).err
            for engine in weft.engines()}
    assert len(told) == 1, told


@claim("--deadline does not count the compilation of the modules behind")
def _(weft):
    env, _ = fresh_cache(weft)
    slow = weft.scratch / "slow-cc"
    slow.write_text('#!/bin/sh\nsleep 1.1\nexec cc "$@"\n')
    slow.chmod(0o700)
    weft.run("--engine=aot", "--cc", slow, "--deadline", "1s", "c_hello", ":::", "c_yield_n",
             "10", env=env).expect(code=0)


@claim("--fds and --total-fds: EMFILE and ENFILE")
def _(weft):
    for engine in weft.engines():
        weft.run(f"--engine={engine}", "--fds", 9, "--dir", "/tmp::/", "c_limits", "open").expect(
            code=0, out="5 opened, then EMFILE\n")
        weft.run(f"--engine={engine}", "--total-fds", 9, "--dir", "/tmp::/", "c_limits",
                 "open").expect(code=0, out="5 opened, then ENFILE\n")


@claim("--total-memory: the memories of all guests grow to it, and no further")
def _(weft):
    for engine in weft.engines():
        run = weft.run(f"--engine={engine}", "--total-memory", 4, "-n", 2, "c_limits", "grow")
        pages = [int(line.split()[0]) for line in run.expect(code=0).lines()]
        assert len(pages) == 2 and sum(pages) == 64, pages


@claim("--total-output, -fuel, -deadline, -tables and -stack end the guests, or start none")
def _(weft):
    for engine in weft.engines():
        run = weft.run(f"--engine={engine}", "--total-output", "75", "-n", 3, "c_limits", "write",
                       "1000").expect(code=TRAP, err_has="output limit reached")
        assert len(run.out) == 75, run.out
        weft.run(f"--engine={engine}", "--total-fuel", "300001", "-n", 2, "c_compute").expect(
            code=TRAP, err_has=[r"guest 1 .*out of fuel", r"guest 2 .*out of fuel"])
        weft.run(f"--engine={engine}", "--total-deadline", "60ms", "c_busy", ":::",
                 "c_sleep2s").expect(
            code=TRAP, err_has=[r"guest 1 .*deadline", r"guest 2 .*deadline"])
        weft.run(f"--engine={engine}", "--total-tables", "9", "wat_table_grow").expect(
            code=TRAP, err_has="out of memory")
    weft.run("--total-stack", "20000", "-n", 3, "wat_tiny").expect_error(
        USAGE, "no call stack is left for it .--total-stack.")


@claim("--tables: more at the start is an error, growing beyond fails in the guest")
def _(weft):
    for engine in weft.engines():
        weft.run(f"--engine={engine}", "--tables", "55", "wat_table_grow").expect(code=5, err="")
        weft.run(f"--engine={engine}", "--tables", "9", "wat_table_grow").expect_error(
            LOAD_ERROR, r"tables of 10 elements at start; the limit is 9 \(--tables\)")


@claim("in virtual time a deadline is a time of that clock")
def _(weft):
    hour = ["c_sleeper", 3600]  # A real one is longer than this claim may take.
    weft.run("--virtual-time", "--deadline", "3599999ms", *hour).expect(
        code=TRAP, err_has="deadline exceeded")
    weft.run("--virtual-time", "--deadline", "3600001ms", *hour).expect(code=0)


@claim("limits say what is wrong with their arguments, and that a replay does not keep them")
def _(weft):
    for words in [["--deadline", "soon"], ["--deadline", "0s"], ["--output", "0"], ["--fds", "-1"],
                  ["--output", "10X"], ["--total-memory", "none"], ["--total-deadline", "0"]]:
        weft.run(*words, "wat_tiny").expect(code=USAGE, err_has=[words[0], "Try 'weft run --help'"])
    weft.run("--virtual-time", "--record", "r", "--deadline", "1s", "wat_tiny").expect(
        code=USAGE, err_has="--record does not keep --deadline")
    weft.raw("test", "--output", "1K", weft.guest("wat_tiny")).expect(
        code=USAGE, err_has="replay")


@claim("a recording of a real run under --total-memory or --stack is refused, not replayed wrongly")
def _(weft):
    for option, value in [("--total-memory", 3), ("--total-fuel", 1000), ("--tables", 100),
                          ("--total-tables", 100), ("--stack", 256), ("--total-stack", 20000)]:
        for mode in [[], ["--virtual-time"]]:
            weft.run(*mode, "--record", "unkept", option, value, "c_limits", "grow").expect_error(
                USAGE, f"--record does not keep {option}, so a replay would be another run")
    assert not (weft.scratch / "unkept").exists()
    weft.raw("test", "--stack", "256", weft.guest("wat_tiny")).expect_error(
        USAGE, "a replay file does not keep --stack")


@claim("what a limit did in a recorded run it does in the replay")
def _(weft):
    for words, code in [(["--memory", 3, "c_limits", "grow"], 0),
                        (["--fuel", 100000, "c_busy"], TRAP),
                        (["--deadline", "50ms", "c_sleep2s"], TRAP),
                        (["--total-deadline", "50ms", "c_sleep2s"], TRAP),
                        (["--deadline", "50ms", "c_busy"], TRAP),
                        (["--output", 95, "c_limits", "write", 1000], TRAP),
                        (["--total-output", 95, "c_limits", "write", 1000], TRAP),
                        (["--fds", 9, "--dir", "/tmp::/", "c_limits", "open"], 0),
                        (["--total-fds", 9, "--dir", "/tmp::/", "c_limits", "open"], 0)]:
        file = weft.scratch / "kept"
        run = weft.run("--record", file, *words).expect(code=code)
        weft.raw("replay", file).expect(code=code, out=run.out, err_has="replayed: the same run")


@claim("a loop of calls of functions that call nothing ends within its deadline and its fuel",
       "speed")
def _(weft):
    for engine in weft.engines():
        run = weft.run(f"--engine={engine}", "--deadline", "300ms", "c_leaf_calls", ":::",
                       "c_sleep300")
        run.expect(code=TRAP, out_has="slept", err_has="guest 1 .*: trap: deadline exceeded")
        assert run.seconds < 10, run.seconds
    told = {weft.run(f"--engine={engine}", "--fuel", 20000, "c_leaf_calls").expect(
        code=TRAP, err_has="trap: out of fuel at offset").err for engine in weft.engines()}
    assert len(told) == 1, told


@claim("memory.fill takes a fuel of 1 for each KiB, however much it fills")
def _(weft):
    for engine in weft.engines():
        for fuel, fills in [(65536, 0), (100_000, 1), (400_000, 6)]:
            weft.run(f"--engine={engine}", "--fuel", fuel, "wat_fills").expect(
                code=TRAP, out="f\n" * fills, err_has="trap: out of fuel at offset")


@claim("--tables takes more than 1,000,000 elements, which is what a guest may have without it")
def _(weft):
    for engine in weft.engines():
        weft.run(f"--engine={engine}", "--tables", 2_000_000, "wat_large_table").expect(code=0)
        weft.run(f"--engine={engine}", "wat_large_table").expect(
            code=LOAD_ERROR, err_has=[r"1500000 elements at start; the limit is 1000000",
                                      r"--tables"])
