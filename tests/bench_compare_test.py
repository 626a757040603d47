#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of bench/compare and bench/instructions: tests/bench_compare_test.py BUILDDIR

Runs it as a user does, with figures that take a few milliseconds, and looks at what it says, writes
and leaves behind. The last line is `N passed, N failed`. Makes no claim about a figure.
"""

import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPARE = str(ROOT / "bench" / "compare")
TIMEOUT_S = 600
BUILD = str(ROOT / "build" / "release")

sys.path.insert(0, str(ROOT / "bench"))
# pylint: disable=wrong-import-position
from comparison import contenders, page, report, rounds
from test_functions import run_all


def compare(*arguments):
    return subprocess.run([COMPARE, "--build", BUILD, *arguments], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)


def refuses(what, *arguments):
    done = compare(*arguments)
    assert done.returncode == 64, (arguments, done.returncode, done.stderr)
    assert what in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_wrong_options_are_named():
    refuses("'0' is not a number from 1 to 1000", "--rounds", "0")
    refuses("--round 5", "--round", "5")
    refuses("there is no peer 'nobody'", "--peers", "go,nobody")
    refuses("no benchmark matches 'yeild/*'", "--peers", "none", "--only", "yeild/*")
    refuses("can't write /nowhere/r.json", "--json", "/nowhere/r.json")


def test_a_missing_build_is_named():
    done = compare("--build", "/nowhere")
    assert done.returncode == 1 and "/nowhere is no build directory" in done.stderr, done.stderr


def test_every_local_peer_does_every_small_benchmark():
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "r.json"
        # Debian 13 has no GNU Pth.
        pth = "pth," if pathlib.Path("/usr/include/pth.h").exists() else ""
        peers = f"go,boost-fiber,{pth}asio-awaitable,asio-spawn,threads"
        done = compare("--quick", "--rounds", "1", "--milliseconds", "1", "--peers", peers,
                       "--json", str(file))
        assert done.returncode == 0, done.stderr
        assert "skipped" not in done.stderr, done.stderr
        got = {(r["benchmark"], r["contender"]) for r in json.loads(file.read_text())["results"]}
        for name in ["yield/2", "yield/1000", "spawn_join/task", "mutex/hand_off", "parked/1000"]:
            for contender in ["weft", *peers.split(",")]:
                assert (name, contender) in got, (name, contender)
        assert {("yield/2", "raw jump"), ("select/10", "go"), ("chan/round_trip/0", "go")} <= got
        for name in ["yield/2", "host_call", "instance/empty", "instance/c"]:
            for engine in ["aot", "interp", "jit"]:
                assert ("guest/" + name, "weft " + engine) in got, (name, engine)


def test_all_outputs_tell_the_same():
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ["r.json", "r.html", "r.md"]]
        paths[2].write_text(f"# Title\n{report.BEGIN}\nold\n{report.END}\nafter\n")
        done = compare("--peers", "threads", "--only", "yield/*0", "--only", "parked/1000",
                       "--rounds", "2", "--milliseconds", "2", "--json", str(paths[0]), "--html",
                       str(paths[1]), "--markdown", str(paths[2]))
        assert done.returncode == 0, done.stderr
        written = json.loads(paths[0].read_text())
        threads = [r for r in written["results"]
                   if (r["benchmark"], r["contender"]) == ("yield/100", "threads")]
        assert len(threads) == 1 and len(threads[0]["rounds"]) == 2, threads
        shown = report.number(threads[0]["median"])
        markdown = paths[2].read_text()
        assert markdown.startswith("# Title\n") and markdown.endswith("\nafter\n"), markdown
        assert "old" not in markdown
        for text in [done.stdout, paths[1].read_text(), markdown]:
            assert shown in text and written["environment"]["kernel"] in text, text
        assert paths[1].read_text().count("<svg") >= 4
        assert "http" not in paths[1].read_text()


def test_a_benchmark_that_several_engines_have_is_one_row():
    done = compare("--peers", "none", "--only", "guest/yield/2", "--rounds", "1",
                   "--milliseconds", "5")
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("guest/yield/2 ")]
    assert len(rows) == 1, done.stdout


def children_of(pid):
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(after_name[1]) == pid:
            found.append(int(entry.parent.name))
    return found


def test_ctrl_c_ends_the_children():
    command = [COMPARE, "--build", BUILD, "--peers", "none", "--only", "yield/100",
               "--milliseconds", "1000", "--rounds", "1000"]
    # As from a terminal: what a shell starts in the background ignores SIGINT, as do its children.
    as_in_foreground = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          preexec_fn=as_in_foreground) as child:
        try:
            for line in child.stderr:
                if "round 1 of" in line:
                    break
            measuring = []
            while not measuring:
                measuring = children_of(child.pid)
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            _, complaints = child.communicate(timeout=TIMEOUT_S)
        finally:
            child.kill()
    assert child.returncode == 130 and "interrupted" in complaints, complaints
    assert "Traceback" not in complaints, complaints
    end = time.monotonic() + TIMEOUT_S
    while any(os.path.exists(f"/proc/{pid}") for pid in measuring):
        assert time.monotonic() < end, measuring
        time.sleep(0.01)


class Liar(contenders.Contender):
    """Answers with the figures that it is given, one a round."""

    def __init__(self, name, values, lie=0):
        self.name, self.version = name, "1"
        self.benchmarks = ["yield/2"]
        self.values, self.lie = iter(values), lie

    def command(self, benchmark, milliseconds):
        return ["true"]

    def figure(self, benchmark, output):
        return contenders.Figure("ns", next(self.values), 1000, 1000 - self.lie)


def measured(*teams, number=3):
    return rounds.measure(["yield/2"], list(teams), number, 1, lambda text: None)


def test_ratios_are_those_within_the_rounds():
    results = measured(Liar("weft", [10, 20, 40]), Liar("<go>", [50, 100, 200]))
    assert results.median("yield/2", "weft") == 20
    assert results.ratio("yield/2", "<go>") == 5
    assert results.spread_percent("yield/2", "weft") == 50
    assert [noise[1] for noise in results.noisy()] == ["weft", "<go>"]
    text = page.page(results, [("date", "<now>")], [])
    assert "<go>" not in text and "<now>" not in text and "&lt;go&gt;" in text


def test_ratios_that_differ_get_more_rounds_and_steady_ones_do_not():
    unsteady = measured(Liar("weft", [10] * 9), Liar("go", [10, 40, 20, *[30] * 6]))
    assert len(unsteady.figures["yield/2"]["go"]) > 3
    assert unsteady.ratio("yield/2", "go") == 3
    steady = measured(Liar("weft", [10] * 9), Liar("go", [30] * 9))
    assert len(steady.figures["yield/2"]["go"]) == 3
    never = measured(Liar("weft", [10] * 9), Liar("go", [10, 40] * 4 + [10]))
    assert len(never.figures["yield/2"]["go"]) == 9


def test_rows_of_an_earlier_run_join_those_of_this_one():
    earlier = measured(Liar("weft", [10] * 3), Liar("go", [30] * 3))
    text = report.as_json(earlier, [("date", "yesterday")], [])
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(text)
        file.flush()
        read = report.read_json(file.name)
    teams = [Liar("weft", []), Liar("go", [])]
    results = rounds.Results([], teams, 3)
    remarks = report.add_rows(results, read, sorted)
    assert results.ratio("yield/2", "go") == 3 and "yesterday" in remarks[0], remarks
    for wrong in ["/nowhere/r.json", __file__]:
        done = compare("--peers", "none", "--only", "yield/2", "--add", wrong)
        assert done.returncode == 1 and wrong in done.stderr, done.stderr


def test_a_wrong_checksum_is_no_figure():
    results = measured(Liar("weft", [10] * 3), Liar("go", [1] * 3, lie=1))
    assert not results.has("yield/2", "go")
    assert len(results.failures) == 3 and "checksum 999" in results.failures[0], results.failures
    assert "go" not in report.rows(results)[0]


def test_skynet_has_its_own_checksum():
    right = contenders.Figure("ns", 1, 2000, 2000 * 999 // 2)
    assert contenders.checksum_is_right("skynet/1000", right)
    right.checksum += 1
    assert not contenders.checksum_is_right("skynet/1000", right)


def test_what_fails_is_said_in_one_line():
    try:
        rounds.run_alone(["sh", "-c", "echo because >&2; exit 3"], 10)
    except contenders.Failed as failure:
        assert str(failure) == "sh -c ended with 3: because", failure
    else:
        raise AssertionError("nothing was said")
    try:
        rounds.run_alone(["sleep", "60"], 0.05)
    except contenders.Failed as failure:
        assert "did not end" in str(failure)
    else:
        raise AssertionError("nothing was said")


def instructions(*arguments):
    return subprocess.run([str(ROOT / "bench" / "instructions"), "--build", BUILD, *arguments],
                          capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def test_counts_of_instructions_are_exact():
    runs = [instructions("--json", "yield/2", "spawn_join/pooled") for _ in range(2)]
    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout
    assert json.loads(runs[0].stdout)["yield/2"]["instructions"] > 30, runs[0].stdout


def test_instructions_names_wrong_use():
    for argument, what in [("yeild", "no operation 'yeild'"), ("--jsn", "--jsn")]:
        done = instructions(argument)
        assert done.returncode == 64 and what in done.stderr, done.stderr


def main(arguments):
    global BUILD
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    BUILD = str(pathlib.Path(arguments[0]).resolve())
    return run_all(globals())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
