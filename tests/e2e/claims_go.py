# SPDX-License-Identifier: Apache-2.0
"""Real Go programs, built by an unmodified Go for wasip1, run as guests."""

import subprocess

from harness import claim


@claim("Go: 1,000 goroutines with channels, sleeps, a mutex, select with timeouts")
def _(weft):
    weft.run("go_goroutines").expect(code=0, err="", out=(
        "sum over a channel 500500\n"
        "count under a mutex 10000\n"
        "token passed 1000\n"
        "selects timeout message\n"
        "ticks 5\n"
        "context: context deadline exceeded\n"
        "done\n"))


@claim("Go: a panic prints Go's message and goroutine, and ends with 2")
def _(weft):
    weft.run("go_panic").expect(
        code=2, out="deferred calls run\n",
        err_has=[r"^panic: a panic on purpose", r"^goroutine 1 \[running\]:", r"^main\.main\(\)"])


@claim("Go: a deadlock prints Go's message with each goroutine's reason, and ends with 2")
def _(weft):
    weft.run("go_deadlock").expect(
        code=2, out="about to block\n",
        err_has=[r"^fatal error: all goroutines are asleep - deadlock!",
                 r"^goroutine 1 \[chan receive\]:", r"sync.*Wait"])


@claim("Go: a nil dereference is Go's own panic with exit code 2, not a trap")
def _(weft):
    weft.run("go_nilderef").expect(
        code=2, err_has=r"^panic: runtime error: invalid memory address or nil pointer dereference",
        err_lacks=r"^weft: ")


@claim("Go: nil, division by zero and a bad index are recovered from")
def _(weft):
    weft.run("go_recovered").expect(code=0, out=(
        "nil: runtime error: invalid memory address or nil pointer dereference\n"
        "divide: runtime error: integer divide by zero\n"
        "index: runtime error: index out of range [3] with length 3\n"))


@claim("Go: a recursion 20,000 calls deep comes back")
def _(weft):
    weft.run("go_recursion").expect(code=0, out="depth 20000\n", err="")


@claim("Go: endless recursion is stopped by Go's own limit")
def _(weft):
    weft.run("go_stack_overflow").expect(code=2, err_has="stack overflow|stack exceeds")


@claim("Go: time.Sleep sleeps as long as it says")
def _(weft):
    weft.run("go_sleep300").expect(code=0, out="slept true\n").expect_seconds(at_least=0.3)
    for words, code in [(["--max-time", "299ms"], 2), (["--max-time", "310ms"], 0)]:
        weft.run("--virtual-time", *words, "go_sleep300").expect(code=code)


# A tick takes two. A guest that stdin freezes makes one or two, and waits in the last.
POLLS = 40


def expect_ticks_while_stdin_is_silent(weft, guest, **expected):
    """Runs the guest with a pipe on stdin: silence, one line, silence, end."""
    with weft.start("--trace-wasi", guest, stdin=subprocess.PIPE) as run:
        for said in [b"one line\n", b""]:
            for _ in range(POLLS):
                run.read_until(b"poll_oneoff", run.process.stderr)
            run.send(said)
        result = run.finish().expect(code=0, **expected)
        if int(result.out.split()[-1]) < POLLS // 4:
            result.fail("expected more ticks")


@claim("Go: a goroutine that reads a pipe on stdin keeps no other goroutine from ticking")
def _(weft):
    expect_ticks_while_stdin_is_silent(
        weft, "go_stdin_ticker", out_has=[r'^line "one line"$', r"^ticks \d+$"])


@claim("Go: the same with a program that makes stdin non-blocking by itself")
def _(weft):
    expect_ticks_while_stdin_is_silent(
        weft, "go_stdin_nonblock", out_has=r"^bytes 9 ticks \d+$")


@claim("Go: a guest that waits for stdin freezes no other guest")
def _(weft):
    with weft.start("go_stdin_ticker", ":::", "c_ticker", "other", stdin=subprocess.PIPE) as run:
        run.read_until(b"other tick 5")
        run.finish().expect(code=0, out_has=r"^ticks \d+$")


@claim("Go: several Go guests run at once")
def _(weft):
    result = weft.run("-n", "3", "go_goroutines").expect(code=0, err="")
    assert result.lines().count("done") == 3, result.out
    assert result.lines().count("sum over a channel 500500") == 3, result.out
