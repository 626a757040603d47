# SPDX-License-Identifier: Apache-2.0
"""A search in parts: --shard, --json, --merge, and the examples that run parts elsewhere."""

import json
import os
import pathlib
import re
import signal
import subprocess

from harness import LOAD_ERROR, USAGE, claim

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / "examples" / "many_machines"
SCHEMA = ROOT / "docs" / "verdict.schema.json"
# The one whose packages scripts/deps.sh installs.
PYTHON = "/usr/bin/python3"
VALIDATE = """
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
for name in sys.argv[2:]:
    jsonschema.Draft202012Validator(schema).validate(json.load(open(name)))
print(len(sys.argv) - 2, "valid")
"""
# Passes in every schedule, and fails in some.
PASSES = ["--jitter", "3ms", "c_ticker", ":::", "c_hello"]
FAILS = ["--max-time", "106ms", "--jitter", "3ms", "c_ticker"]


def named(weft, words):
    return [str(weft.guest(word) if re.match(r"(c|go|rust|wat)_", str(word)) else word)
            for word in words]


def folder(weft, name):
    made = weft.scratch / name
    made.mkdir()
    return made


def run_parts(weft, where, parts, words):
    """Runs each part; the JSON files."""
    for part in range(1, parts + 1):
        weft.raw("test", "--shard", f"{part}/{parts}", "--json", where / f"{part}.json", "--replay",
                 where / f"{part}.replay", *named(weft, words), cwd=where).expect(code=(0, 1))
    return [where / f"{part}.json" for part in range(1, parts + 1)]


def without_times(file):
    verdict = json.loads(file.read_text())
    del verdict["seconds"]
    return verdict


@claim("the merged verdict of eight parts is that of one process, in text, JSON and replay file")
def _(weft):
    for name, seeds, words in [("pass", "200", PASSES), ("fail", "5..400", FAILS),
                               ("pct", "60", ["--policy", "pct", *PASSES]),
                               ("all", "5..400", ["--keep-going", *FAILS])]:
        where = folder(weft, f"parts-{name}")
        one = folder(weft, f"one-{name}")
        words = ["--seeds", seeds, *words]
        files = run_parts(weft, where, 8, words)
        whole = weft.raw("test", "--json", one / "j", *named(weft, words), cwd=one)
        merged = weft.raw("test", "--merge", *reversed(files), "--json", where / "merged",
                          cwd=where)
        merged.expect(code=whole.code, out=whole.out, err="")
        assert without_times(where / "merged") == without_times(one / "j")
        assert whole.code == (0 if name in ("pass", "pct") else 1), whole.out
        if whole.code:
            replay = "c_ticker.wasm.replay"
            assert (where / replay).read_bytes() == (one / replay).read_bytes()
            weft.raw("replay", where / replay).expect(code=2, err_has="replayed: the same run")


@claim("a part and a merged verdict are what docs/verdict.schema.json says, and tell orders apart")
def _(weft):
    where = folder(weft, "schema")
    files = run_parts(weft, where, 2, ["--seeds", "40", *FAILS])
    weft.raw("test", "--merge", *files, "--json", where / "merged", cwd=where)
    weft.raw("test", "--dfs", "--json", where / "dfs", *named(weft, PASSES), cwd=where)
    checked = subprocess.run([PYTHON, "-c", VALIDATE, SCHEMA, *files, where / "merged",
                              where / "dfs"], capture_output=True, text=True, check=False)
    assert checked.stdout == "4 valid\n", checked.stderr
    weft.raw("test", "--json", where / "orders", "--seeds", "50", *named(weft, PASSES),
             cwd=where).expect(code=0)
    coverage = json.loads((where / "orders").read_text())["coverage"]
    assert 1 < coverage["orders"] <= 50, coverage
    assert coverage["decisions_max"] <= coverage["decisions"], coverage


@claim("--keep-going runs all seeds, and names those that fail")
def _(weft):
    where = folder(weft, "keep-going")
    run = weft.raw("test", "--keep-going", "--seeds", "60", "--jobs", "2", "--json", where / "j",
                   *named(weft, FAILS), cwd=where)
    run.expect(code=1, out_has=[r"^60 schedules, \d+ steps: seed \d+ fails: time-out$",
                                r"^\d+ of 60 seeds fail \(time-out \d+\): \d+ "])
    failures = json.loads((where / "j").read_text())["failures"]
    assert len(failures) > 1 and f"{len(failures)} of 60 seeds fail" in run.out, run.out


@claim("--merge refuses parts that do not fit together, and names them and what differs")
def _(weft):
    where = folder(weft, "refused")
    files = run_parts(weft, where, 3, ["--seeds", "9", *PASSES])

    def other(name, *words):
        made = where / f"{name}.json"
        weft.raw("test", "--shard", "2/3", "--json", made, *named(weft, words)).expect(code=0)
        return [files[0], made, files[2]]

    def refused(given, *patterns):
        weft.raw("test", "--merge", *given, cwd=where).expect_error(LOAD_ERROR, *patterns)

    nine = ["--seeds", "9"]
    refused([files[0], files[2]], "part 2 of 3 is missing: run it with --shard 2/3")
    refused([*files, files[1]], "part 2 is there twice: .*2.json and .*2.json")
    refused(other("module", *nine, "--jitter", "3ms", "c_ticker", ":::", "c_yield_n"),
            "another module: c_hello.wasm .* and c_yield_n.wasm")
    refused(other("policy", *nine, "--policy", "lifo", *PASSES), "another policy: random and lifo")
    refused(other("seeds", "--seeds", "10", *PASSES), "another range of seeds: 1..9 and 1..10")
    refused(other("options", *nine, "--faults", "5", *PASSES), "other options")
    verdict = json.loads(files[1].read_text())
    changed = where / "changed.json"
    for field, value, pattern in [
            ("weft", "0.0.1", "another version of weft: .* and 0.0.1"),
            ("format_version", 2, "changed.json: a verdict of version 2; this weft reads vers"),
            ("steps", "many", "changed.json: a damaged verdict: 'steps' must be a whole number"),
            ("runs", verdict["runs"][:-1], "changed.json: rows are missing"),
            ("runs", verdict["runs"][::-1], "changed.json: its rows are not those of its part"),
            ("shard", {"index": 4, "of": 3}, "changed.json: there is no such part"),
            ("shard", None, "changed.json: it is the verdict of a whole search")]:
        changed.write_text(json.dumps({**verdict, field: value}))
        refused([files[0], changed, files[2]], pattern)
    beside = 'abc", "failure": "evil'
    for field, text, pattern in [
            ("options", json.dumps(beside), "damaged verdict: 'options' must be 64 hexadecimal di"),
            ("modules", json.dumps([{"name": "c_hello.wasm", "sha256": beside}]),
             "damaged verdict: 'sha256' must be 64 hexadecimal digits"),
            ("seconds", "1e400", "damaged verdict: 'seconds' must be a number from 0 to"),
            ("seconds", "1.7e308", "'seconds' must be"), ("seconds", "-1", "'seconds' must be"),
            ("program", json.dumps("1.json\0"), "damaged verdict: 'program' must be a path"),
            ("seed", str(2 ** 64 - 5), "changed.json: its seeds go past the last one")]:
        changed.write_text(json.dumps({**verdict, field: "HERE"}).replace('"HERE"', text))
        refused([files[0], changed, files[2]], pattern)
    changed.write_text(files[1].read_text()[:-20])
    refused([files[0], changed, files[2]], "changed.json: no valid JSON")
    changed.write_text("[" * 100_000)
    refused([changed], "changed.json: no valid JSON")
    refused([where / "nowhere.json"], "nowhere.json: No such file")


@claim("a part whose failure is not that of its first failing row is refused by --merge")
def _(weft):
    where = folder(weft, "untrue")
    part, = run_parts(weft, where, 1, ["--seeds", "1..60", *FAILS])
    verdict = json.loads(part.read_text())
    for field, value in [("seed", verdict["failure"]["seed"] + 1), ("kind", "trap")]:
        changed = {**verdict, "failure": {**verdict["failure"], field: value}}
        (where / "changed").write_text(json.dumps(changed))
        weft.raw("test", "--merge", where / "changed", cwd=where).expect_error(
            LOAD_ERROR, "changed: its failure is not that of its first row that fails")


@claim("--merge overwrites none of its parts, also with a replay file that nobody named")
def _(weft):
    where = folder(weft, "overwritten")
    part, = run_parts(weft, where, 1, ["--seeds", "1..60", *FAILS])
    replay = where / "c_ticker.wasm.replay"
    part.rename(replay)
    before = replay.read_bytes()
    weft.raw("test", "--merge", replay, cwd=where).expect_error(
        USAGE, "the replay file: c_ticker.wasm.replay is a part already; name another file")
    assert replay.read_bytes() == before
    replay.rename(part)
    weft.raw("test", "--merge", part, "--json", replay, cwd=where).expect_error(
        USAGE, "--json: .*c_ticker.wasm.replay is the replay file already")
    assert not replay.exists()


@claim("a replay file that can't be written is exit code 74, and --json and --junit are written")
def _(weft):
    where = folder(weft, "no-replay")
    part, = run_parts(weft, where, 1, ["--seeds", "1..60", *FAILS])
    search = ["--shard", "1/1", "--seeds", "1..60", *named(weft, FAILS)]
    for name, words in [("test", search), ("merge", ["--merge", part])]:
        reports = where / f"{name}.json", where / f"{name}.xml"
        # It can be opened, so nothing is said before the search.
        options = ["--replay", "/dev/full", "--json", reports[0], "--junit", reports[1]]
        weft.raw("test", *options, *words, cwd=where).expect(
            code=74, err_has="/dev/full: No space left", out_has="fails: time-out")
        failure = json.loads(reports[0].read_text())["failure"]
        assert failure["replay"] == "" and failure["replay_file"], failure
        assert "time-out" in reports[1].read_text()
    # A report that can't be written is no reason to leave out the other.
    weft.raw("test", "--merge", part, "--json", "/nowhere/j", "--junit", where / "other.xml",
             cwd=where).expect(code=74, err_has="/nowhere/j")
    assert "time-out" in (where / "other.xml").read_text()


@claim("--merge may stand behind another option; behind the module it is the guest's")
def _(weft):
    where = folder(weft, "any-place")
    files = run_parts(weft, where, 2, ["--seeds", "4", *PASSES])
    weft.raw("test", "--json", where / "o", "--merge", *files, cwd=where).expect(
        code=0, out_has="^4 schedules")
    weft.raw("test", "--seeds", "4", "--merge", *files, cwd=where).expect_error(
        USAGE, "unknown option --seeds")
    weft.raw("test", "--seeds", "2", weft.guest("c_hello"), "--merge", "x").expect(
        code=0, out_has="^2 schedules")


@claim("the last seeds of all run, and seeds past the last one are wrong use")
def _(weft):
    hello = weft.guest("c_hello")
    last = str(2 ** 64 - 1)
    for words in [["--seeds", "3", "--shard", "1/1"], []]:
        weft.raw("test", "--seed", last, *words, hello).expect_error(
            USAGE, f"--seeds: [0-9]+ seeds from --seed {last} on go past the last one")
    where = folder(weft, "last")
    made = where / "1.json"
    weft.raw("test", "--seed", str(2 ** 64 - 2), "--seeds", "2", "--shard", "1/1", "--json", made,
             hello).expect(code=0)
    weft.raw("test", "--merge", made, cwd=where).expect(code=0, out_has="^2 schedules")


@claim("--shard and --seeds that make no sense are wrong use, and are named")
def _(weft):
    hello = weft.guest("c_hello")
    for words, pattern in [(["--shard", "2"], "--shard wants a part and how many there are"),
                           (["--shard", "9/8"], "from 1 to 8"), (["--shard", "0/8"], "from 1 to 8"),
                           (["--shard", "1/101"], "from 1 to 100"),
                           (["--shard", "1/2", "--dfs"], "--shard does not go with --dfs"),
                           (["--seeds", "9..3"], "from 9 to"),
                           (["--seed", "2", "--seeds", "1..3"], "--seed"),
                           (["--keep-going", "--dfs"], "--keep-going does not go with --dfs")]:
        weft.raw("test", *words, hello).expect_error(USAGE, pattern)


def killed_in_its_work(weft, where, part, words):
    """Starts a part and kills it when it has said that it runs schedules."""
    command = [weft.binary, "test", "--shard", part, "--json", where / "killed.json", *words]
    terminal, its_end = os.openpty()  # Where it shows its progress.
    with subprocess.Popen(command, cwd=where, env=weft.environment, stdout=subprocess.DEVNULL,
                          stderr=its_end) as process:
        os.close(its_end)
        shown = b""
        while not re.search(rb"\b[1-9]\d* of \d+ schedules", shown):
            shown += os.read(terminal, 4096)  # Fails when the process has ended.
        process.send_signal(signal.SIGKILL)
    os.close(terminal)
    assert process.returncode == -signal.SIGKILL
    assert not (where / "killed.json").exists()


@claim("GNU parallel runs eight parts; one that was killed runs again; one process says the same")
def _(weft):
    where = folder(weft, "parallel")
    words = named(weft, ["--seeds", "400", *PASSES])
    whole = weft.raw("test", *words, cwd=where).expect(code=0)
    env = {**weft.environment, "WEFT": str(weft.binary), "HOME": str(where)}
    killed_in_its_work(weft, where, "5/8", ["--seeds", "80000000", *words[2:]])
    script = [EXAMPLES / "parallel.sh", "8", "out", *words]
    first = subprocess.run(script, cwd=where, env=env, capture_output=True, text=True, check=False)
    assert (first.returncode, first.stdout) == (0, whole.out), first
    # As when the machine of part 5 died: its verdict is not there.
    (where / "out" / "5.json").unlink()
    weft.raw("test", "--merge", *(where / "out").glob("*.json")).expect_error(
        LOAD_ERROR, "part 5 of 8 is missing")
    kept = (where / "out" / "4.json").stat().st_mtime_ns
    again = subprocess.run(script, cwd=where, env=env, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (0, whole.out), again
    assert (where / "out" / "4.json").stat().st_mtime_ns == kept


@claim("an array of Slurm runs eight parts, one again alone, and says what one process says")
def _(weft):
    where = folder(weft, "slurm")
    words = named(weft, ["--seeds", "400", *FAILS])
    whole = weft.raw("test", *words, cwd=where).expect(code=1)

    def run(part, tasks):
        env = {**weft.environment, "WEFT": str(weft.binary), "SLURM_ARRAY_TASK_ID": str(part),
               "SLURM_ARRAY_TASK_COUNT": str(tasks)}
        done = subprocess.run([EXAMPLES / "array.slurm", "8", "out", *words], cwd=where, env=env,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done

    for part in (3, 1, 2, 8, 7, 5, 6, 4):
        run(part, 8)
    (where / "out" / "5.json").unlink()
    run(5, 1)  # sbatch --array=5: an array of one task.
    weft.raw("test", "--merge", *(where / "out").glob("*.json"), cwd=where).expect(
        code=1, out=whole.out)
