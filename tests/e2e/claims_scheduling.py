# SPDX-License-Identifier: Apache-2.0
"""Many guests on one OS thread: they take turns, sleep together, trap alone and idle for free."""

import signal

from harness import TRAP, claim, stats_rows


@claim("two guests that sleep 300 ms each end together after 300 ms, not 600")
def _(weft):
    guests = ["c_sleep300", ":::", "c_sleep300"]
    for words in [[], ["--virtual-time", "--max-time", "300ms"]]:
        weft.run(*words, *guests).expect(code=0, out="slept\nslept\n").expect_seconds(
            at_least=0 if words else 0.3)
    weft.run("--virtual-time", "--max-time", "299ms", *guests).expect(code=2, err_has="time-out")


@claim("20 C guests and 20 Go guests that sleep 300 ms sleep at the same time", "speed")
def _(weft):
    result = weft.run("-n", 20, "c_sleep300", ":::", "-n", 20, "go_sleep300").expect(code=0)
    result.expect_seconds(0.3, 6)  # One after the other they sleep for 12 s.


@claim("1,000 guests that sleep 300 ms each do so at the same time", "speed")
def _(weft):
    result = weft.run("-n", "1000", "c_sleep300").expect(code=0, out="slept\n" * 1000)
    result.expect_seconds(0.3, 60)  # One after the other they sleep for 300 s.


@claim("1,000 copies of a small guest run in one process")
def _(weft):
    weft.run("-n", "1000", "c_hello").expect(code=0, out="hello from c\n" * 1000, err="")


@claim("two guests that print and yield take strict turns")
def _(weft):
    guests = ["c_spinner", "a", ":::", "c_spinner", "b"]
    expected = [f"{name} round {number}" for number in range(1, 6) for name in "ab"]
    for words in [["--virtual-time"], ["--stats"]]:
        result = weft.run(*words, *guests).expect(code=0)
        rounds = [line for line in result.lines() if "round" in line]
        assert sorted(rounds) == sorted(expected), rounds
        # A machine that stops for 10 ms ends a guest's turn: it then has one more than it asks for.
        switches = [int(row[6]) for row in stats_rows(result)]
        if switches in ([], [6, 6]) and rounds != expected:
            result.fail(f"expected the turns {expected}")


@claim("two guests that tick every 20 ms print in between each other")
def _(weft):
    guests = ["c_ticker", "a", ":::", "c_ticker", "b"]
    ticks = [f"{name} tick {number}\n" for number in range(1, 6) for name in "ab"]
    weft.run("--virtual-time", *guests).expect(code=0, out="".join(ticks))
    result = weft.run(*guests).expect(code=0)
    for name in "ab":
        own = [line + "\n" for line in result.lines() if line.startswith(name)]
        assert own == [tick for tick in ticks if tick.startswith(name)], result.out


@claim("a guest that computes and yields does not hold up a sleeping guest")
def _(weft):
    with weft.start("c_yield_n", "2000000000", ":::", "c_ticker", "sleeper") as run:
        run.read_until(b"sleeper tick 5")
        assert b"yielded" not in run.seen and run.process.poll() is None, run.seen
        run.process.send_signal(signal.SIGKILL)


@claim("one guest yields 100,000 times when it is alone")
def _(weft):
    weft.run("wat_loop_yield").expect(code=0, out="", err="")


@claim("a guest that traps ends alone; the others finish, and the code says that one trapped")
def _(weft):
    result = weft.run("c_ticker", "a", ":::", "wat_trap", ":::", "c_hello", ":::", "go_hello")
    result.expect(code=TRAP, err_has=[r"^weft: .*wat_trap", "divide by zero"],
                  out_has=["^a tick 5$", "^hello from c$", "^hello from go$"])


@claim("1,000 trapping guests trap each for itself")
def _(weft):
    result = weft.run("-n", "1000", "wat_trap").expect(code=TRAP, out="")
    reports = sum("divide by zero" in line for line in result.err.splitlines())
    if reports != 1000:
        result.fail(f"expected 1000 reports, got {reports}")


@claim("a guest whose stack overflows ends alone")
def _(weft):
    for overflow in ["wat_recursion", "wat_recursion_indirect", "c_stack_overflow"]:
        weft.run(overflow, ":::", "c_ticker", "a").expect(code=TRAP, out_has="^a tick 5$")


def least(weft, measure, *words):
    """The least of three runs: other load on the machine makes the others longer."""
    return min(measure(weft.run(*words).expect(code=0)) for _ in range(3))


@claim("a guest that sleeps 2 s wakes the process hardly ever meanwhile")
def _(weft):
    asleep = least(weft, lambda run: run.waits, "c_sleep2s")
    ended = least(weft, lambda run: run.waits, "c_hello")
    assert asleep - ended < 20, f"2 s of sleep took {asleep - ended} waits, one is enough"


@claim("200 guests that sleep 2 s use no more than a tenth of the CPU time that polling would")
def _(weft):
    asleep = least(weft, lambda run: run.cpu_seconds, "-n", "200", "c_sleep2s")
    ended = least(weft, lambda run: run.cpu_seconds, "-n", "200", "c_hello")
    assert asleep - ended < 0.2, f"2 s of sleep cost {(asleep - ended) * 1000:.1f} ms of CPU"


@claim("Ctrl-C ends a guest that sleeps for an hour at once, with 130")
def _(weft):
    with weft.start("c_ticker", "a", ":::", "c_sleeper", 3600) as run:
        run.read_until(b"a tick 1\n")
        run.process.send_signal(signal.SIGINT)
        run.finish().expect(code=130)


@claim("Ctrl-C ends a guest that computes without a pause, with 130")
def _(weft):
    with weft.start("c_busy") as run:
        run.read_until(b"busy\n")
        run.process.send_signal(signal.SIGINT)
        run.finish().expect(code=130)


@claim("SIGTERM ends weft, with 143")
def _(weft):
    with weft.start("c_ticker", "a", ":::", "c_sleeper", 3600) as run:
        run.read_until(b"a tick 1\n")
        run.process.send_signal(signal.SIGTERM)
        run.finish().expect(code=143)
