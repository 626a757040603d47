# SPDX-License-Identifier: Apache-2.0
"""Goroutines of unmodified Go guests: preempted in real time, chosen in virtual time."""

import itertools
import json
import pathlib
import re
import signal
import time

from harness import TIMEOUT_S, USAGE, claim, without_section

# aot compiles a Go program for a minute: it has one of these claims, where it is what is tested.
QUICK = ["jit", "interp"]
LATE_ROUNDS = 400_000  # Of go_lost_late.


@claim("Goroutines: two that call functions for ever don't hold up a timeout (golang/go#60857)")
def _(weft):
    for engine in QUICK:
        weft.run(f"--engine={engine}", "go_busy_loops").expect(
            code=0, err="", out="in goroutine 1\nin goroutine 2\ntimeout\n")


@claim("Goroutines: time.AfterFunc stops two that compute (golang/go#65178)")
def _(weft):
    for engine in [*QUICK, *(["aot"] if weft.compiles else [])]:
        weft.run(f"--engine={engine}", "go_busy_stopped").expect(
            code=0, err="", out="both stopped\n")


@claim("Goroutines: two that wake each other without end don't starve a third (golang/go#65178)")
def _(weft):
    for engine in QUICK:
        weft.run(f"--engine={engine}", "go_ping_pong_starves").expect(
            code=0, err="", out="the third ran\n")


@claim("Goroutines: with --goroutine-preempt=off the first that computes starves the others")
def _(weft):
    for guest, out in [("go_busy_loops", "in goroutine 1\n"), ("go_busy_stopped", "")]:
        words = ["--virtual-time", "--cost=1us", "--fuel=30M", guest]
        weft.run("--goroutine-preempt=off", *words).expect(
            code=134, out=out, err_has="trapped: out of fuel")
        weft.run("--goroutine-preempt=on", *words).expect(code=0)


@claim("Goroutines: --stats tells how often they were made to give way")
def _(weft):
    weft.run("--stats", "go_busy_loops").expect(
        code=0, err_has=r"\(go_busy_loops.wasm\): goroutines were made to give way [1-9]\d* times")


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


@claim("Goroutines: --dfs takes each ready case of a select, and what it finds replays")
def _(weft):
    # By Go's own chance, which follows from the seed, a select takes one of the two.
    by_deviation = 0
    for bug in ("first", "second", "lost"):
        replay = weft.scratch / "few.replay"
        found = weft.raw("test", "--dfs", "--bound", 1, "--seeds", 10_000, "--once", "--replay",
                         replay, weft.guest("go_few_deviations"), bug).expect(
            code=1, out_has=[r"fails: exit code", r"^    found$"])
        by_deviation += "select 1 of 2" in found.out
        for engine in QUICK:
            weft.raw("replay", f"--engine={engine}", replay).expect(
                code=1, out="found\n", err_has="replayed: the same run")
    assert by_deviation == 1, by_deviation


@claim("Goroutines: a search orders them in the first half of --max-steps, and says what is behind")
def _(weft):
    verdict = weft.scratch / "late.json"

    def search(steps_max, seeds):
        return weft.raw("test", "--once", "--seeds", seeds, "--max-steps", steps_max,
                        "--json", verdict, "--replay", weft.scratch / "late.replay",
                        weft.guest("go_lost_late"), LATE_ROUNDS)

    steps = int(re.search(r"^1 schedules, (\d+) steps", search(1_000_000, 1).out)[1])
    # It ends in the fifth part of these.
    search(5 * steps, 400).expect(code=1, out_has=r"fails: exit code")
    # It ends in the last fifth.
    most = steps * 6 // 5
    search(most, 20).expect(code=0, out_has=[
        r": all pass$", rf"^not explored: other orders after step {most // 2}$"])
    unexplored = json.loads(verdict.read_text(encoding="utf-8"))["unexplored"]
    assert unexplored == [f"other orders after step {most // 2}"], unexplored


@claim("Goroutines: each 16th seed finds what needs that one goes on while another is runnable")
def _(weft):
    replay, verdict = weft.scratch / "kept.replay", weft.scratch / "kept.json"

    def search(policy):
        return weft.raw("test", "--once", "--keep-going", "--cost=0s", "--seeds", 240, "--policy",
                        policy, "--replay", replay, "--json", verdict,
                        weft.guest("go_kept_waiting"))

    for policy in ("random", "pct"):
        search(policy).expect(code=1, out_has=r"of 240 seeds fail \(exit code \d+\)")
        failures = json.loads(verdict.read_text(encoding="utf-8"))["failures"]
        assert all(failure["seed"] % 16 == 0 for failure in failures), failures
        weft.raw("replay", replay).expect(code=3, err_has="replayed: the same run")
    search("random:preempt=8").expect(code=0, out_has=r": all pass$")


@claim("Goroutines: a run that fails in its fair half is the same on each engine, and replays")
def _(weft):
    verdict, replay, hashes = weft.scratch / "polls.json", weft.scratch / "polls.replay", set()
    for engine in QUICK:
        found = weft.raw("test", f"--engine={engine}", "--cost=0s", "--once", "--seeds", 1,
                         "--max-steps", 10_000, "--json", verdict, "--replay", replay,
                         weft.guest("go_polls")).expect(
            code=1, out_has=[r"fails: exit code", r"exited with 3$"])
        steps = int(re.search(r"^1 schedules, (\d+) steps", found.out)[1])
        assert 5_000 < steps < 10_000, steps
        hashes.add(json.loads(verdict.read_text(encoding="utf-8"))["failure"]["hash"])
        weft.raw("replay", replay).expect(code=3, err_has="replayed: the same run")
    assert len(hashes) == 1, hashes


# What a dump says of go_stuck, where nobody can make a goroutine give way.
STUCK = [
    r"^goroutines of guest 1 \(go_stuck\.wasm\): 1 running, (1 runnable, 1|2) waiting$",
    r"^  goroutine 1 \[(sleep|runnable)\]: runtime\.main in main\.main at .*stuck\.go:35$",
    r"^  goroutine \d+ \[chan receive\]: main\.(waits|main\.gowrap1) at .*stuck\.go:22, "
    r"created by main\.main in goroutine 1 at .*stuck\.go:25$",
    r"^  goroutine \d+ \[running\]: main\.spins, created by main\.main in goroutine 1 at "
    r".*stuck\.go:34$",
    r"^    main\.spins has been asked to give way for \d+ ms, and has called no function$"]

# What it says of go_busy_stopped with an argument.
DEEPER = re.compile(
    r"^  goroutine \d+ \[running\]: main\.begins in main\.neverEnds, created by main\.main in "
    r"goroutine 1 at .*busy_stopped\.go:54\n"
    r"    called by main\.goesOn at .*busy_stopped\.go:68\n"
    r"    called by main\.begins at .*busy_stopped\.go:61\n"
    r"    main\.neverEnds has been asked to give way for \d+ ms, and has called no function$",
    re.MULTILINE)


def dump_of_stuck(run):
    """What SIGQUIT prints once a goroutine has been asked to give way."""
    dump, begun = "", time.monotonic()
    while "called no function" not in dump:
        assert time.monotonic() - begun < TIMEOUT_S, dump
        run.process.send_signal(signal.SIGQUIT)
        dump = run.read_until(b"schedticks=", run.process.stderr).decode()
    return dump


@claim("Goroutines: SIGQUIT lists them as Go does, and names the one that doesn't give way")
def _(weft):
    for engine in QUICK:
        with weft.start(f"--engine={engine}", "--grace=0s", "go_stuck") as run:
            run.read_until(b"about to spin")
            dump = dump_of_stuck(run)
            for line in STUCK:
                assert re.search(line, dump, re.MULTILINE), (line, dump)
            run.process.send_signal(signal.SIGINT)
            run.finish().expect(code=130)


@claim("Goroutines: SIGQUIT names the function that does not give way, "
       "not the one the goroutine began with")
def _(weft):
    named = weft.guest("go_busy_stopped")
    stripped = weft.scratch / "stripped.wasm"
    stripped.write_bytes(without_section(named.read_bytes(), b"name"))
    runs = [(engine, module) for engine in QUICK for module in (named, stripped)]
    if weft.compiles:
        weft.raw("compile", named).expect(code=0)
        runs.append(("aot", named))
    for engine, module in runs:
        with weft.start_raw("run", f"--engine={engine}", "--grace=0s", module, "on") as run:
            run.read_until(b"both stopped")
            dump = dump_of_stuck(run)
            assert DEEPER.search(dump), (engine, module, dump)
            run.process.send_signal(signal.SIGINT)
            run.finish().expect(code=130)


@claim("Goroutines: a schedule that does not end names the function that computes")
def _(weft):
    weft.raw("test", "--cost=100us", "--once", "--seeds", 1, "--max-steps", 2_000, "--replay",
             weft.scratch / "endless.replay", weft.guest("go_busy_stopped"), "on").expect(
        code=1, out_has=[
            r"fails: livelock$",
            r"^guest 1 \(go_busy_stopped\.wasm\) computes in main\.neverEnds$"])
    weft.raw("replay", weft.scratch / "endless.replay").expect(
        code=2, err_has="replayed: the same run")


@claim("Goroutines: a dump of 1,500 lists 1,000 and the one that runs, and counts the others")
def _(weft):
    with weft.start("--grace=0s", "go_stuck", 1500) as run:
        run.read_until(b"about to spin")
        dump = dump_of_stuck(run)
        run.process.send_signal(signal.SIGINT)
        run.finish().expect(code=130)
    head = re.search(r"^goroutines of guest 1 .*$", dump, re.MULTILINE)[0]
    there = sum(int(number) for number in re.findall(r"(\d+) (?:running|runnable|waiting)", head))
    listed = len(re.findall(r"^  goroutine \d+ ", dump, re.MULTILINE))
    more = int(re.search(r"^  and (\d+) more$", dump, re.MULTILINE)[1])
    assert there == 1503 and 990 < listed < 1002 and listed + more == there, (head, listed, more)
    assert re.search(STUCK[3], dump, re.MULTILINE), dump[-1000:]


@claim("Goroutines: --schedtrace counts those of each guest, --scheddetail lists them")
def _(weft):
    counts = r"^SCHED .*schedticks=\[ \d+ \] \(guest 1: 1 running, .*waiting goroutines\)$"
    with weft.start("--schedtrace=50ms", "--scheddetail", "--grace=0s", "go_stuck") as run:
        missing, told, begun = [counts, *STUCK], "", time.monotonic()
        while missing:
            assert time.monotonic() - begun < TIMEOUT_S, (missing, told)
            told += run.read_until(b"called no function", run.process.stderr).decode()
            missing = [line for line in missing if not re.search(line, told, re.MULTILINE)]
        run.process.send_signal(signal.SIGINT)
        run.finish().expect(code=130)
    words = ["--virtual-time", "--schedtrace=5ms", "--scheddetail", "--seed=1"]
    told = [weft.run(f"--engine={engine}", *words, "go_goroutines").expect(code=0).err
            for engine in QUICK]
    assert told[0] == told[1], told
    assert re.search(r"\(guest 1: .*\d+ waiting goroutines\)$", told[0], re.MULTILINE), told[0]
    sleeper = r"^  goroutine \d+ \[sleep\]: .*main\.sumOverChannel\.func1 at .*goroutines\.go:"
    assert re.search(sleeper, told[0], re.MULTILINE), told[0]


def goroutine_lanes(events):
    """By name of a lane: what was seen on it, in order."""
    names = {(event["pid"], event["tid"]): event["args"]["name"] for event in events
             if event["ph"] == "M" and event["name"] == "thread_name" and event["pid"] > 2}
    lanes = {name: [] for name in names.values()}
    for event in events:
        if event["ph"] == "B" and event["pid"] > 2:
            lanes[names[event["pid"], event["tid"]]].append((event["cat"], event["name"]))
    return lanes


@claim("Goroutines: each has a lane in --trace, with its function, state and wait reason")
def _(weft):
    file = weft.scratch / "trace.json"
    told = []
    for engine in QUICK:
        weft.run(f"--engine={engine}", "--virtual-time", "--policy=random", "--seed=2", "--trace",
                 file, "go_orders").expect(code=0)
        told.append(file.read_text(encoding="utf-8"))
    assert told[0] == told[1]  # The same on each engine.
    events = json.loads(told[0])
    assert any(event.get("name") == "process_name" and
               event["args"]["name"] == "goroutines of go_orders.wasm" for event in events)
    lanes = goroutine_lanes(events)
    senders = [lane for name, lane in lanes.items()
               if re.fullmatch(r"goroutine \d+ main\.main\.(func1|gowrap1)", name)]
    assert len(senders) == 3, lanes
    assert all(lane[0][0] == "runnable" and ("running", "running") in lane for lane in senders)
    assert any(("waiting", "chan send") in lane for lane in senders), lanes
    assert ("waiting", "chan receive") in lanes["goroutine 1 runtime.main"], lanes
    page = weft.scratch / "report.html"
    weft.raw("report", file, "-o", page).expect(code=0)
    assert "goroutines of go_orders.wasm" in page.read_text(encoding="utf-8")
    weft.run("--trace", file, "go_orders").expect(code=0)  # In real time.
    assert "goroutine 1 runtime.main" in goroutine_lanes(json.loads(file.read_text("utf-8")))


@claim("Goroutines: a failed schedule's report shows what they did last, and where")
def _(weft):
    weft.raw("test", "--leaks", "--once", "--seeds", 1, "--replay", weft.scratch / "leak.replay",
             weft.guest("go_leaks"), "send").expect(code=1, out_has=[
                 r"^last operations of goroutines of guest 1:$",
                 r"^    goroutine 1: go in main\.sendNobodyReceives at leaks\.go:16",
                 r"^    goroutine \d+: chan send in main\.sendNobodyReceives\.func1 at leaks\.go:"])


@claim("Goroutines: objects stay whole where they give way at atomics while memory is collected")
def _(weft):
    collects = ["--env=GOGC=1", "--env=GODEBUG=clobberfree=1"]
    for each in (1, 17):
        weft.run(f"--goroutine-preempt={each}", *collects, "go_gc_stress", 2).expect(
            code=0, err="", out="2 rounds, every object whole\n")
    weft.raw("test", "--once", "--seeds", 3, *collects, weft.guest("go_gc_stress"), 1).expect(
        code=0, out_has=r"^3 schedules, .*all pass")
