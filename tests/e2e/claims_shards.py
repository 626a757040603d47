# SPDX-License-Identifier: Apache-2.0
"""A search in parts: --shard, --json, --merge, and the examples that run parts elsewhere."""

import json
import pathlib
import re
import signal
import subprocess
import time

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
    return [str(weft.guest(word)) if re.match(r"(c|go|wat)_", word) else word for word in words]


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
    changed.write_text(files[1].read_text()[:-20])
    refused([files[0], changed, files[2]], "changed.json: no valid JSON")
    changed.write_text("[" * 100_000)
    refused([changed], "changed.json: no valid JSON")
    refused([where / "nowhere.json"], "nowhere.json: No such file")


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
    """Starts a part and kills it before it is done."""
    command = [weft.binary, "test", "--shard", part, "--json", where / "killed.json", *words]
    with subprocess.Popen(command, cwd=where, env=weft.environment,
                          stdout=subprocess.DEVNULL) as process:
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
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


@claim("an array of Slurm runs eight parts by SLURM_ARRAY_TASK_ID, and one process says the same")
def _(weft):
    where = folder(weft, "slurm")
    words = named(weft, ["--seeds", "400", *FAILS])
    whole = weft.raw("test", *words, cwd=where).expect(code=1)
    for part in (3, 1, 2, 8, 7, 5, 6, 4):
        env = {**weft.environment, "WEFT": str(weft.binary), "SLURM_ARRAY_TASK_ID": str(part),
               "SLURM_ARRAY_TASK_COUNT": "8"}
        done = subprocess.run([EXAMPLES / "array.slurm", "out", *words], cwd=where, env=env,
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done
    weft.raw("test", "--merge", *(where / "out").glob("*.json"), cwd=where).expect(
        code=1, out=whole.out)
