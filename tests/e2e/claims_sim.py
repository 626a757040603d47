# SPDX-License-Identifier: Apache-2.0
"""Simulated runs: virtual time, seeds, policies."""

import json
import os
import pathlib
import re
import signal

from harness import LOAD_ERROR, TIMEOUT_S, USAGE, claim
from processes import children_of, is_gone, on_terminal, wait_for

HERE = pathlib.Path(__file__).resolve().parent


def hash_of(result):
    match = re.search(r"^trace hash ([0-9a-f]{16})$", result.err, re.MULTILINE)
    if not match:
        result.fail("expected a trace hash")
    return match[1]


@claim("in virtual time a guest that sleeps for two seconds ends with the right answer")
def _(weft):
    weft.run("--virtual-time", "c_sleep2s").expect(code=0)
    weft.run("--virtual-time", "go_sleep300").expect(code=0)


@claim("a seed in virtual time gives the same hash each time, another seed another one")
def _(weft):
    words = ["--virtual-time", "--trace-hash", "c_random", ":::", "go_hello"]
    first = hash_of(weft.run("--seed", "1", *words).expect(code=0))
    for _ in range(3):
        assert hash_of(weft.run("--seed", "1", *words)) == first
    assert hash_of(weft.run("--seed", "2", *words)) != first


@claim("a large memory that goes back in steps is one schedule on all engines")
def _(weft):
    module = weft.scratch / "large.wat"
    for field in ["", '(data (i32.const 200000000) "x")']:  # The second one can't be made.
        module.write_text(f'(module (memory 2048) {field} (func (export "_start")))')
        hashes = {hash_of(weft.raw("run", f"--engine={engine}", "--virtual-time", "--seed=3",
                                   "--policy=random", "--trace-hash", "-n", 3, module))
                  for engine in weft.engines()}
        assert len(hashes) == 1, hashes


@claim("a seed alone makes random numbers repeat in real time")
def _(weft):
    first = weft.run("--seed", "9", "c_random").expect(code=0).out
    assert weft.run("--seed", "9", "c_random").out == first


@claim("in virtual time stdin from a pipe is read whole, and the clock stands still for it")
def _(weft):
    words = ["--virtual-time", "--trace-hash", "c_cat"]
    first = weft.run(*words, stdin="a\nb\n").expect(code=0, out="a\nb\n")
    assert hash_of(weft.run(*words, stdin="a\nb\n")) == hash_of(first)


@claim("files made in a run have the same numbers and times in the next one")
def _(weft):
    for name in ("one", "two"):
        (weft.scratch / name / "deep").mkdir(parents=True)
        (weft.scratch / name / "greeting").write_text("hello from the host\n")
    words = ["--virtual-time", "--trace-hash"]
    hashes = [hash_of(weft.run(*words, "--dir", f"{weft.scratch / name}::/data", "go_files")
                      .expect(code=0)) for name in ("one", "two")]
    assert hashes[0] == hashes[1], hashes


@claim("every policy runs guests, in real and in virtual time")
def _(weft):
    for policy in ("fifo", "go", "lifo", "random", "pct:depth=2", "bounded", "rr:quantum=3",
                   "stride", "edf"):
        for time in ([], ["--virtual-time"]):
            weft.run("--policy", policy, *time, "c_yield_n", ":::", "c_hello").expect(
                code=0, out_has="hello from c")


@claim("--stats counts a policy's guests, and the policy still sees them")
def _(weft):
    weft.run("--stats", "--policy", "lifo", "c_hello", ":::", "c_exit7").expect(
        code=7, out_has="^leaving with 7hello from c$", err_has=["c_hello.wasm", "c_exit7.wasm"])


@claim("a seed that is no number, an unknown policy and a wrong time are wrong use, and are named")
def _(weft):
    weft.run("--seed", "abc", "c_hello").expect_error(USAGE, "abc", "number")
    too_large = "18446744073709551616"
    weft.run("--seed", too_large, "c_hello").expect_error(USAGE, too_large)
    weft.run("--policy", "fair", "c_hello").expect_error(USAGE, "'fair'", "stride")
    weft.run("--virtual-time", "--cost", "1w", "c_hello").expect_error(USAGE, "1w")
    weft.run("--virtual-time", "--start", "monday", "c_hello").expect_error(USAGE, "monday")


@claim("what has no meaning in real time, or none in virtual time, is refused")
def _(weft):
    weft.run("--cost", "5us", "c_hello").expect_error(USAGE, "--cost needs --virtual-time")
    weft.run("--virtual-time", "--listen", "127.0.0.1:0", "c_hello").expect_error(USAGE, "--listen")
    weft.run("--virtual-time", "--stats", "c_hello").expect_error(USAGE, "--stats")


@claim("an endless loop in virtual time ends at --max-steps, an endless sleep at --max-time")
def _(weft):
    weft.run("--virtual-time", "--max-steps", "10000", "c_busy").expect(code=2, err_has="livelock")
    weft.run("--virtual-time", "--max-time", "10s", "c_metronome").expect(
        code=2, err_has="time-out")


@claim("weft test passes a program that is right in all schedules, and says how many there were")
def _(weft):
    weft.raw("test", "--seeds", "20", weft.guest("c_hello"), ":::", weft.guest("c_ticker")).expect(
        code=0, out_has=r"^20 schedules, \d+ steps: all pass$", err="")


@claim("weft test tells of a failing program: its seed, reports, a file that replays")
def _(weft):
    out = weft.scratch / "reports"
    out.mkdir()
    weft.raw("test", "--replay", out / "r", "--json", out / "j", "--junit", out / "x",
             weft.guest("c_exit7")).expect(
                 code=1, out_has=["seed 1 fails: exit code", "exited with 7"])
    assert '"kind": "exit code"' in (out / "j").read_text()
    assert 'failures="1"' in (out / "x").read_text()
    weft.raw("replay", out / "r").expect(code=7, err_has="replayed: the same run",
                                         out="leaving with 7")


@claim("weft test finds the same lowest seed however many processes work")
def _(weft):
    words = ["--seeds", "30", "--max-time", "106ms", "--jitter", "3ms", weft.guest("c_ticker")]
    said = [weft.raw("test", "--jobs", jobs, *words).expect(code=1).out.splitlines()[1:]
            for jobs in ("1", "3")]
    assert said[0] == said[1], said


@claim("functions that jit compiles in one process of weft test --jobs are not code of the others")
def _(weft):
    for _ in range(20):
        weft.raw("test", "--jobs", 4, "--seeds", 40, weft.guest("c_ticker")).expect(
            code=0, out_has="^40 schedules, .*: all pass$")


@claim("kill -9, SIGINT, SIGTERM and SIGQUIT of weft test --jobs 2 leave no worker that holds its "
       "pipes")
def _(weft):
    words = ["test", "--jobs", 2, "--seeds", 1_000_000, weft.guest("c_ticker")]
    for sig in [signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT]:
        with weft.start_raw(*words) as run:
            wait_for(lambda: len(children_of(run.process.pid)) == 2)
            workers = children_of(run.process.pid)
            run.process.send_signal(sig)
            # Ends when the last process that can write there has ended.
            run.process.communicate(timeout=TIMEOUT_S)
            wait_for(lambda: all(map(is_gone, workers)))
            assert run.process.returncode == -sig, run.process.returncode


@claim("a signal to a worker of weft test ends it, and weft test says so")
def _(weft):
    words = ["test", "--jobs", 2, "--seeds", 1_000_000, weft.guest("c_ticker")]
    with weft.start_raw(*words) as run:
        wait_for(lambda: len(children_of(run.process.pid)) == 2)
        os.kill(children_of(run.process.pid)[0], signal.SIGTERM)
        run.finish().expect(
            err_has=r"the process that ran seed \d+ was ended by signal 15")


@claim("weft test compares stdout with a file, and reads stdin from one")
def _(weft):
    text = weft.scratch / "text"
    text.write_text("a\nb\n")
    words = ["test", "--seeds", "3", "--replay", weft.scratch / "r", "--stdin", text]
    weft.raw(*words, "--expect", text, weft.guest("c_cat")).expect(code=0)
    weft.raw(*words, "--expect", "/dev/null", weft.guest("c_cat")).expect(
        code=1, out_has="output")


@claim("a depth first search within a bound comes to its end")
def _(weft):
    weft.raw("test", "--dfs", "--bound", "1", "--seeds", "1000", weft.guest("c_hello"), ":::",
             weft.guest("c_hello")).expect(code=0, out_has="there are no others")


@claim("one schedule that computes for ever is stopped by --schedule-limit, and its replay too")
def _(weft):
    file = weft.scratch / "for-ever.replay"
    weft.raw("test", "--schedule-limit", "200ms", "--max-steps", 10**12, "--replay", file,
             weft.guest("c_compute")).expect(code=1, out_has=[
                 "seed 1 fails: livelock", "it took longer than one schedule may"])
    weft.raw("replay", file).expect(code=2, err_has="replayed: the same run")


@claim("--search-limit ends a search by seeds and one by depth, and the verdict says so")
def _(weft):
    ticker = weft.guest("c_ticker")
    for words in (["--jobs", 2], ["--dfs", "--bound", 9]):
        result = weft.raw("test", "--search-limit", "1s", "--seeds", 10**9, *words, "--json",
                          weft.scratch / "limit.json", ticker, ":::", ticker)
        result.expect(code=0, out_has="all pass; the search was ended before all had run")
        result.expect_seconds(at_least=1)
        assert json.loads((weft.scratch / "limit.json").read_text())["ended_early"]


def ends_in_the_other_order(weft, count):
    """Words for weft test: seed 4 fails, and it takes many runs to make that schedule small."""
    expected = weft.scratch / "in-order"
    expected.write_text(f"yielded {count} times\nyielded {count + 1} times\n")
    yields = weft.guest("c_yield_n")
    return ["--expect", expected, "--seed", 4, "--seeds", 1, yields, count, ":::", yields,
            count + 1]


@claim("SIGINT while a failing schedule is made smaller loses neither the failure nor its file")
def _(weft):
    file = weft.scratch / "interrupted.replay"
    shown = on_terminal(weft, "test", "--replay", file, *ends_in_the_other_order(weft, 100_000),
                        env=weft.environment, interrupt_at="is made smaller")
    for words in ("seed 4 fails: output", "there may be a smaller one: the search was ended",
                  "run it again: weft replay"):
        assert words in shown, shown
    weft.raw("replay", file).expect(code=2, err_has="replayed: the same run")


@claim("weft test shows schedules a second on a terminal, by seeds and by depth")
def _(weft):
    ticker = weft.guest("c_ticker")
    for words in ([], ["--dfs", "--bound", 9]):
        wanted = r"\[ *\] [1-9]\d* of 1000000000 schedules, [\d.]+ a second"
        shown = on_terminal(weft, "test", "--seeds", 10**9, *words, ticker, ":::", ticker,
                            env=weft.environment, until=wanted)
        assert re.search(wanted, shown), shown


@claim("the verdict of weft test names a Go guest when it does not order its goroutines")
def _(weft):
    words = ["--seeds", 2, weft.guest("go_hello"), ":::", weft.guest("c_hello")]
    weft.raw("test", "--goroutine-preempt=off", *words).expect(
        code=0, out_has="^not explored: other orders of the goroutines of .*go_hello.wasm$")
    assert "not explored" not in weft.raw("test", *words).expect(code=0).out
    hello = weft.raw("test", "--seeds", 2, weft.guest("c_hello")).expect(code=0)
    assert "not explored" not in hello.out


@claim("a recorded run replays without its stdin; a broken recording is refused by name")
def _(weft):
    file = weft.scratch / "recorded"
    weft.run("--virtual-time", "--record", file, "c_cat", stdin="some\ninput\n").expect(code=0)
    weft.raw("replay", file).expect(code=0, out="some\ninput\n", err_has="the same run")
    whole = file.read_bytes()
    broken = weft.scratch / "broken"
    broken.write_bytes(whole[:-3])
    weft.raw("replay", broken).expect_error(LOAD_ERROR, "broken is cut off or damaged")
    broken.write_bytes(b"GIF89a and more bytes than a header has")
    weft.raw("replay", broken).expect_error(LOAD_ERROR, "broken is no replay file")
    weft.raw("replay", weft.scratch / "nowhere").expect_error(LOAD_ERROR, "nowhere")


@claim("a recording whose program has changed is followed as far as it fits")
def _(weft):
    folder = weft.scratch / "changed"
    folder.mkdir()
    file = folder / "recorded"
    weft.run("--virtual-time", "--policy", "random", "--record", file, "c_yield_n", ":::",
             "c_yield_n").expect(code=0)
    (folder / "c_yield_n.wasm").write_bytes(weft.guest("c_hello").read_bytes())
    weft.raw("replay", "--modules", folder, file).expect(
        code=0, err_has=["c_yield_n.wasm has changed since the recording", "left the recording at"])


@claim("what weft test can't read or write is named")
def _(weft):
    hello = weft.guest("c_hello")
    weft.raw("test", "--seeds", "none", hello).expect_error(USAGE, "--seeds", "none")
    weft.raw("test", "--expect", "missing.txt", hello).expect_error(LOAD_ERROR, "missing.txt")
    weft.raw("test", "--seeds", "1", "--json", "/dev/full", hello).expect(
        code=74, err_has="/dev/full: No space left")
    weft.raw("test", "--seeds", "1", "--replay", "/nowhere/r", weft.guest("c_exit7")).expect(
        code=74, err_has="/nowhere/r")


@claim("a trace is JSON with a lane for each guest, or CSV; without room it says so")
def _(weft):
    trace = weft.scratch / "trace.json"
    weft.run("--virtual-time", "--trace", trace, "c_ticker", ":::", "c_hello").expect(code=0)
    events = json.loads(trace.read_text())
    names = {event["args"]["name"] for event in events if event.get("name") == "thread_name"}
    assert names == {"loop", "c_ticker.wasm G1", "c_hello.wasm G2"}, names
    assert sum(event.get("name") == "sleep" for event in events) == 5
    table = weft.scratch / "trace.csv"
    weft.run("--virtual-time", "--trace", table, "c_ticker").expect(code=0)
    assert table.read_text().startswith("ns,g,name,kind,from,to,what,value,detail\n")
    assert table.read_text().count('"sleep"') == 5
    weft.run("--virtual-time", "--trace", "x.txt", "c_hello").expect_error(USAGE, "x.txt", "json")
    full = weft.scratch / "full.json"
    full.symlink_to("/dev/full")
    weft.run("--virtual-time", "--trace", full, "c_ticker").expect(
        code=74, out_has="tick 5", err_has="full.json: No space left on device; the trace ends")


@claim("a recording of the first build that could record still replays to the same run")
def _(weft):
    recorded = weft.scratch / "old.replay"
    recorded.write_bytes(bytes.fromhex((HERE / "three_wats.replay.hex").read_text()))
    weft.raw("replay", "--modules", weft.guests, recorded).expect(
        code=0, err_has="replayed: the same run")


@claim("weft report makes one page of a trace, whole or cut off; what is no trace is refused")
def _(weft):
    trace, page = weft.scratch / "report.json", weft.scratch / "report.html"
    weft.run("--virtual-time", "--trace", trace, "c_ticker").expect(code=0)
    weft.raw("report", trace, "-o", page).expect(code=0, err="")
    assert "c_ticker.wasm G1" in page.read_text()
    assert page.read_text().count("<script") == 3
    trace.write_text(trace.read_text()[:-40])
    weft.raw("report", trace, "-o", page).expect(code=0, err="")
    trace.write_text("ns,g,name\n")
    weft.raw("report", trace, "-o", page).expect_error(LOAD_ERROR, "report.json is no trace")
    weft.raw("report", weft.scratch / "gone", "-o", page).expect_error(LOAD_ERROR, "gone")


@claim("--faults: some calls on files fail, with ENOSPC or EIO, some are cut short; by the seed")
def _(weft):
    def counts(*words):
        (weft.scratch / "d").mkdir(exist_ok=True)
        run = weft.run("--virtual-time", *words, "--dir", f"{weft.scratch / 'd'}::/data",
                       "c_faults").expect(code=0)
        return [list(map(int, re.findall(r"\d+", line))) for line in run.lines()]

    whole = [[100, 0, 0, 0, 0], [100, 0, 0, 0, 0]]
    assert counts("--seed", "1") == whole
    writes, reads = counts("--seed", "1", "--faults", "5")
    assert sum(writes) == sum(reads) == 100
    assert 60 <= writes[0] < 95 and writes[1] > 0 and writes[2] > 0, writes
    assert writes[3:] == [0, 0], writes
    assert 60 <= reads[0] < 95 and reads[1] > 0 and reads[3] > 0, reads
    assert reads[2] == reads[4] == 0, reads
    assert counts("--seed", "1", "--faults", "5") == [writes, reads]
    assert counts("--seed", "2", "--faults", "5") != [writes, reads]


@claim("a fault that makes a program fail is found by weft test, and replays")
def _(weft):
    file = weft.scratch / "faulty"
    weft.raw("test", "--seeds", "50", "--faults", "10", "--empty-dir", "/data", "--replay", file,
             weft.guest("c_files")).expect(code=1, out_has="fails: exit code")
    weft.raw("replay", file).expect(code=1, err_has="replayed: the same run")
    weft.raw("test", "--seeds", "2", "--faults", "none", weft.guest("c_files")).expect_error(
        USAGE, "--faults wants a number", "none")


@claim("a trace of a run in real time has its guests, sleeps, calls, timers and the loop's waits")
def _(weft):
    trace = weft.scratch / "live.json"
    run = weft.run("--trace", trace, "c_ticker", ":::", "c_hello").expect(code=0)
    events = json.loads(trace.read_text())
    names = {event["args"]["name"] for event in events if event.get("name") == "thread_name"}
    assert names == {"loop", "c_ticker.wasm G1", "c_hello.wasm G2"}, names
    kinds = {event.get("cat") for event in events}
    assert kinds >= {"running", "runnable", "waiting", "return", "timer", "wait", "end"}, kinds
    assert sum(event.get("name") == "sleep" for event in events) == 5
    late = [event["args"]["detail"] for event in events if event.get("name") == "due"]
    assert len(late) == 5 and all(0 <= ns < run.seconds * 1e9 for ns in late), late
    table = weft.scratch / "live.csv"
    weft.run("--trace", table, "--policy", "random", "--stats", "c_ticker").expect(
        code=0, err_has="c_ticker.wasm")
    lines = table.read_text().splitlines()
    assert lines[0] == "ns,g,name,kind,from,to,what,value,detail"
    assert any(line.endswith('1,"c_ticker.wasm",state,running,waiting,"sleep",0,0')
               for line in lines), lines[:20]
    full = weft.scratch / "live_full.json"
    full.symlink_to("/dev/full")
    weft.run("--trace", full, "c_ticker").expect(
        code=74, out_has="tick 5", err_has="live_full.json: No space left on device; the trace")
    weft.run("--trace", "/nowhere/t.json", "c_hello").expect_error(74, "/nowhere/t.json")


@claim("--schedtrace prints Go's lines in real and in virtual time, --scheddetail one for each G")
def _(weft):
    line = (r"^SCHED \d+ms: gomaxprocs=1 idleprocs=[01] threads=1 spinningthreads=0 needspinning=0 "
            r"idlethreads=0 runqueue=\d+ ")
    run = weft.run("--virtual-time", "--schedtrace", "40ms", "c_ticker").expect(
        code=0, err_has=line)
    assert len(re.findall(line, run.err, re.MULTILINE)) == 3, run.err
    # Some of the lines in two seconds find the guest asleep, however late they come.
    weft.run("--schedtrace", "20ms", "--scheddetail", "c_sleep2s").expect(
        code=0, err_has=[line, "^  P0: status=", "^  M0: p=0 ", r"^  G1: status=4\(sleep\) m=nil"])
    weft.run("--schedtrace", "soon", "c_hello").expect_error(USAGE, "--schedtrace", "soon")
