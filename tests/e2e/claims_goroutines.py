# SPDX-License-Identifier: Apache-2.0
"""Goroutines of unmodified Go guests: preempted in real time, chosen in virtual time."""

import itertools
import pathlib

from harness import USAGE, claim

# aot compiles a Go program for a minute: it has one of these claims, where it is what is tested.
QUICK = ["jit", "interp"]


@claim("Goroutines: two that call functions for ever don't hold up a timeout (golang/go#60857)")
def _(weft):
    for engine in QUICK:
        weft.run(f"--engine={engine}", "go_busy_loops").expect(
            code=0, err="", out="in goroutine 1\nin goroutine 2\ntimeout\n")


@claim("Goroutines: time.AfterFunc stops two that compute (golang/go#65178)")
def _(weft):
    for engine in [*QUICK, *(["aot"] if weft.compiles else [])]:
        weft.run(f"--engine={engine}", "go_busy_stopped", timeout=300).expect(
            code=0, err="", out="both stopped\n")


@claim("Goroutines: two that wake each other without end don't starve a third (golang/go#65178)")
def _(weft):
    for engine in QUICK:
        weft.run(f"--engine={engine}", "go_ping_pong_starves").expect(
            code=0, err="", out="the third ran\n")


@claim("Goroutines: with --goroutine-preempt=off the first that computes starves the others")
def _(weft):
    weft.run("--goroutine-preempt=off", "--deadline=700ms", "go_busy_loops").expect(
        code=134, out="in goroutine 1\n", err_has="trap: deadline exceeded")
    weft.run("--goroutine-preempt=off", "--deadline=700ms", "go_busy_stopped").expect(
        code=134, out="", err_has="trap: deadline exceeded")


@claim("Goroutines: --stats tells how often they were made to give way")
def _(weft):
    weft.run("--stats", "go_busy_stopped").expect(
        code=0, err_has=r"\(go_busy_stopped.wasm\): goroutines were made to give way \d+ times")


@claim("Goroutines: a program runs as always when they give way at each so many-th function")
def _(weft):
    usual = weft.run("go_goroutines").expect(code=0, err="")
    for each in (1, 17):
        weft.run("--engine=jit", f"--goroutine-preempt={each}", "--stats", "go_goroutines").expect(
            code=0, out=usual.out, err_has=r"goroutines were made to give way \d{3,} times")
    weft.run("--goroutine-preempt=often", "go_goroutines").expect_error(
        USAGE, "--goroutine-preempt is on, off or a number of functions, not 'often'")


@claim("Goroutines: in virtual time the seed orders them, in the same way on each engine")
def _(weft):
    orders = set()
    for seed in range(1, 13):
        words = ["--virtual-time", "--policy=random", f"--seed={seed}", "--trace-hash"]
        first = weft.run("--engine=jit", *words, "go_orders").expect(code=0)
        orders.add(first.out)
        if seed > 2:  # interp takes seconds.
            continue
        again = weft.run("--engine=interp", *words, "go_orders").expect(code=0)
        if (first.out, first.err) != (again.out, again.err):
            raise AssertionError(f"seed {seed}: {first.out!r} {first.err!r}, "
                                 f"then {again.out!r} {again.err!r}")
    if len(orders) < 6:
        raise AssertionError(f"12 seeds show {len(orders)} orders")


@claim("Goroutines: in virtual time work that costs time is preempted, and ends")
def _(weft):
    weft.run("--engine=jit", "--virtual-time", "--cost=1us", "--seed=1", "go_busy_loops").expect(
        code=0, err="", out="in goroutine 1\nin goroutine 2\ntimeout\n")


@claim("Goroutines: a runtime that is not as weft knows it is named, and its guest runs")
def _(weft):
    binary = pathlib.Path(weft.guest("go_hello")).read_bytes()
    name = b"runtime.newstack"
    at = binary.rindex(name)  # In the section "name"; pclntab has it, too.
    other = weft.scratch / "other.wasm"
    other.write_bytes(binary[:at] + b"runtime.oldstack" + binary[at + len(name):])
    why = (r"^weft: other\.wasm: its goroutines are neither preempted nor ordered: it says that "
           r"go1\.[\d.]+ made it, but its tables call one function runtime\.newstack and "
           r"runtime\.oldstack$")
    hello = weft.run("go_hello").expect(code=0, err="")
    weft.raw("run", other).expect(code=0, out=hello.out, err_has=why)
    weft.raw("test", "--leaks", "--seeds", 2, other).expect(
        code=0, err_has=why, out_has=[
            r"^not explored: other orders of the goroutines of .*other\.wasm$",
            r"^not explored: leaked goroutines of .*other\.wasm$"])
    weft.raw("test", "--leaks", "--seeds", 2, weft.guest("c_hello")).expect(
        code=0, out_has=r"^not explored: leaked goroutines of .*c_hello\.wasm$")


@claim("Goroutines: --dfs sees the 6 orders of two goroutines with two sends each, and no seventh")
def _(weft):
    orders = {"".join(order) for order in itertools.permutations("0011")}
    assert len(orders) == 6, orders  # 4! / (2! 2!)

    def search(known):
        return weft.raw("test", "--dfs", "--bound", 2, "--seeds", 10_000, "--once", "--replay",
                        weft.scratch / "orders.replay", weft.guest("go_orders"), 2, 2, *known)

    search(orders).expect(code=0, out_has=r"there are no others with at most 2 deviations")
    for order in orders:
        search(orders - {order}).expect(code=1, out_has=[rf"^    {order}$", "exited with 1"])


@claim("Goroutines: objects stay whole where they give way at atomics while memory is collected")
def _(weft):
    collects = ["--env=GOGC=1", "--env=GODEBUG=clobberfree=1"]
    for each in (1, 17):
        weft.run(f"--goroutine-preempt={each}", *collects, "go_gc_stress", 2).expect(
            code=0, err="", out="2 rounds, every object whole\n")
    weft.raw("test", "--once", "--seeds", 3, *collects, weft.guest("go_gc_stress"), 1).expect(
        code=0, out_has=r"^3 schedules, .*all pass")
