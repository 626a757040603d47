# SPDX-License-Identifier: Apache-2.0
"""What weft writes for others to read: traces, recordings, reports; whole, and fit for a reader."""

import array
import csv
import fcntl
import json
import os
import shutil
import signal
import subprocess
import termios
import xml.dom.minidom

from harness import LOAD_ERROR, TIMEOUT_S, TRAP, USAGE, claim
from processes import wait_for

STRANGE = b"a\xff]]>\x1b[31m\".wasm"


def strange(weft, guest):
    """The guest under a name that is neither UTF-8 nor fit for a terminal, XML or JSON."""
    path = os.fsencode(weft.scratch) + b"/" + STRANGE
    shutil.copy(weft.guest(guest), path)
    return path


@claim("a module's name with byte 0xff and ]]> leaves traces and reports well-formed")
def _(weft):
    path = os.fsdecode(strange(weft, "c_trap_div"))
    trace = weft.scratch / "strange.json"
    table = weft.scratch / "strange.csv"
    for mode in [[], ["--virtual-time"]]:
        weft.run(*mode, "--trace", trace, path).expect(code=TRAP)
        names = [event["args"]["name"] for event in json.loads(trace.read_text(encoding="utf-8"))
                 if event.get("name") == "thread_name"]
        assert any("a\ufffd]]>" in name for name in names), names
        weft.run(*mode, "--trace", table, path).expect(code=TRAP)
        rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
        assert {len(row) for row in rows} == {9}, rows
    result, junit = weft.scratch / "strange-result.json", weft.scratch / "strange.xml"
    weft.raw("test", "--seeds", "2", "--json", result, "--junit", junit, "--replay",
             weft.scratch / "strange.replay", path).expect(code=1)
    assert "\ufffd" in json.loads(result.read_text(encoding="utf-8"))["program"]
    failure, = xml.dom.minidom.parse(str(junit)).getElementsByTagName("failure")
    assert "]]>" in failure.firstChild.data, failure.toxml()


@claim("a module's name brings no control character to the terminal")
def _(weft):
    path = os.fsdecode(strange(weft, "c_trap_div"))
    shown = r"\\x1b\[31m"
    replay = weft.scratch / "shown.replay"
    runs = [weft.run(path), weft.run("--virtual-time", path), weft.run(path + "-missing"),
            weft.run("--virtual-time", path + "-missing"), weft.run("--record", replay, path),
            weft.raw("replay", replay)]
    for run in runs:
        run.expect(err_has=shown, err_lacks="\x1b")
    test = weft.raw("test", "--seeds", "1", "--replay", replay, path).expect(
        code=1, out_has=shown)
    assert "\x1b" not in test.out, test.out


@claim("a signal in virtual time leaves a whole trace, and a recording that replays up to there")
def _(weft):
    trace, file = weft.scratch / "ended.json", weft.scratch / "ended.rep"
    for number in (signal.SIGINT, signal.SIGTERM):
        for guest, says in [("c_metronome", b"late"), ("c_busy", b"busy")]:
            with weft.start("--virtual-time", "--trace", trace, "--record", file, guest) as run:
                run.read_until(says)
                run.process.send_signal(number)
                result = run.finish().expect(code=128 + number, err="")
            assert json.loads(trace.read_text())[-1]["name"] == "a signal"
            weft.raw("replay", file).expect(
                code=2, out=result.out, err_has="replayed: the same run")


def bytes_in(pipe):
    """How many nobody has read yet."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


@claim("a signal while virtual time reads stdin ends the run, and the recording has what was read")
def _(weft):
    file = weft.scratch / "read.rep"
    with weft.start("--virtual-time", "--record", file, "c_cat", stdin=subprocess.PIPE) as run:
        run.send(b"one\ntwo\n")
        wait_for(lambda: bytes_in(run.process.stdin) == 0)
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(timeout=TIMEOUT_S) == 128 + signal.SIGINT
    assert b"one\ntwo\n" in file.read_bytes()


@claim("a run in virtual time without a file to write ends at once by a signal")
def _(weft):
    with weft.start("--virtual-time", "c_busy") as run:
        run.read_until(b"busy")
        run.process.send_signal(signal.SIGINT)
        assert run.finish().code == 128 + signal.SIGINT


@claim("a file that can't be written is exit code 74, before the run and without an empty trace")
def _(weft):
    trace = weft.scratch / "unbegun.json"
    for mode in [[], ["--virtual-time"]]:
        weft.run(*mode, "--trace", "/nowhere/t.json", "c_hello").expect_error(
            74, "--trace: /nowhere/t.json: No such file")
        weft.run(*mode, "--record", "/nowhere/r", "--trace", trace, "c_hello").expect_error(
            74, "--record: /nowhere/r: No such file")
        assert not trace.exists()
    weft.run("--virtual-time", "--record", weft.scratch, "c_hello").expect_error(
        74, "--record: .*: Is a directory")
    full = weft.scratch / "full.rep"
    full.symlink_to("/dev/full")
    weft.run("--virtual-time", "--record", full, "c_hello").expect(
        code=74, err_has="--record: .*full.rep: No space left on device")
    assert full.is_symlink()


@claim("--record on the module, or on the file of --trace, is refused and destroys nothing")
def _(weft):
    module = weft.scratch / "precious.wasm"
    shutil.copy(weft.guest("c_hello"), module)
    whole = module.read_bytes()
    link = weft.scratch / "link.json"
    link.symlink_to(module)
    both = weft.scratch / "both.json"
    for mode in [[], ["--virtual-time"]]:
        for words in [["--record", module], ["--trace", link], ["--record", link]]:
            weft.run(*mode, *words, "c_exit7", ":::", module).expect_error(
                USAGE, f"{words[0]}: .* is a module of the run already")
        weft.run(*mode, "--record", both, "--trace", both, "c_hello").expect_error(
            USAGE, "--trace: .*both.json is --record already")
        assert not both.exists()
    for words in [["--json", module], ["--junit", link], ["--replay", module],
                  ["--json", both, "--junit", both], ["--expect", both, "--json", both]]:
        weft.raw("test", *words, module).expect_error(USAGE, "already; name another file")
    weft.raw("report", module, "-o", link).expect_error(USAGE, "already; name another file")
    assert module.read_bytes() == whole


def temporary(weft, name):
    """A folder for temporary files of one command, and its environment."""
    folder = weft.scratch / name
    folder.mkdir()
    return folder, {**weft.environment, "TMPDIR": str(folder)}


@claim("weft test leaves no folder behind, with several processes, when it fails or is ended")
def _(weft):
    folder, env = temporary(weft, "search-tmp")
    replay = ["--replay", weft.scratch / "left.replay", "--empty-dir", "/shared"]
    late = ["--seeds", "400", "--max-time", "106ms", "--jitter", "3ms", weft.guest("c_ticker")]
    for jobs in ("1", "4"):
        weft.raw("test", "--jobs", jobs, *replay, *late, env=env).expect(code=1)
        assert not list(folder.iterdir()), list(folder.iterdir())
    for mode in (["--jobs", "1"], ["--jobs", "4"], ["--dfs", "--bound", "50"]):
        for number in (signal.SIGINT, signal.SIGTERM):
            words = ["test", *mode, "--seeds", "100000000", *replay, weft.guest("c_ticker"), ":::",
                     weft.guest("c_ticker")]
            with weft.start_raw(*words, env=env) as run:
                wait_for(lambda: any(folder.glob("weft-test-*/*")), "a run")
                run.process.send_signal(number)
                assert run.finish().code == 128 + number
            assert not list(folder.iterdir()), (mode, list(folder.iterdir()))


@claim("a result that can't be written to stdout is exit code 74, of test, replay and --help")
def _(weft):
    file = weft.scratch / "unsaid.rep"
    weft.run("--virtual-time", "--record", file, "c_hello").expect(code=0)
    for words in [["test", "--seeds", "2", weft.guest("c_hello")], ["replay", file],
                  ["replay", "--help"], ["report", "--help"], ["test", "--help"]]:
        with open("/dev/full", "wb") as full:
            weft.raw(*words, stdout=full).expect(code=74)
    with open("/dev/full", "wb") as full:
        weft.raw("replay", file, stdout=full).expect(err_has="stdout: No space left on device")
    weft.run("--record", file, "c_hello").expect(code=0)
    with open("/dev/full", "wb") as full:
        weft.raw("replay", file, stdout=full).expect(
            code=74, err_has="stdout: No space left on device")


@claim("--trace and --record leave their files as they were when a guest can't be made")
def _(weft):
    broken = weft.scratch / "broken.wasm"
    broken.write_bytes(weft.guest("c_hello").read_bytes()[:200])
    kept, made = weft.scratch / "kept.json", weft.scratch / "made.csv"
    for option in ["--trace", "--record"]:
        for mode in [[], ["--virtual-time"]]:
            kept.write_text("precious")
            for file in [kept, made]:
                weft.run(*mode, option, file, broken).expect(code=LOAD_ERROR)
                weft.run(*mode, option, file, "-n", 1000, "c_hello", ":::", "--dir", "/nowhere",
                         "c_hello").expect(code=USAGE)
            assert kept.read_text() == "precious" and not made.exists()
    weft.run("--trace", kept, "c_hello").expect(code=0)
    assert json.loads(kept.read_text())


@claim("weft test says before it searches that it can't write what it was asked for")
def _(weft):
    nowhere = weft.scratch / "nowhere"
    folder = weft.scratch / "a-folder-for-reports"
    folder.mkdir()
    for option in ("--replay", "--json", "--junit"):
        for path, why in [(nowhere / "file", "No such file or directory"),
                          (folder, "Is a directory")]:
            weft.raw("test", option, path, weft.guest("c_exit7")).expect_error(
                74, f"^weft: test: {path}: {why}$")
    with_file = weft.scratch / "kept.replay"
    with_file.write_text("old")
    weft.raw("test", "--replay", with_file, weft.guest("c_hello")).expect(code=0)
    assert with_file.read_text() == "old"
    # Nobody asked for a file here. It can't be put in the place of a folder.
    (folder / "c_exit7.wasm.replay").mkdir()
    for guest, code in [("c_hello", 0), ("c_exit7", 74)]:
        (folder / f"{guest}.wasm.replay").mkdir(exist_ok=True)
        weft.raw("test", weft.guest(guest), cwd=folder).expect(code=code, err_has=(
            f"^weft: test: {guest}.wasm.replay: Is a directory; a schedule that fails could not be "
            "kept: name another place with --replay$"))
    assert sorted(path.name for path in folder.iterdir()) == [
        "c_exit7.wasm.replay", "c_hello.wasm.replay"]


def peak_mib(weft, *words, out=subprocess.DEVNULL):
    """The exit code, the most memory that it had at once, and its stderr."""
    with subprocess.Popen([weft.binary, *map(str, words)], env=weft.environment, cwd=weft.scratch,
                          stdin=subprocess.DEVNULL, stdout=out,
                          stderr=subprocess.PIPE) as process:
        err = process.stderr.read().decode(errors="replace")
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_maxrss / 1024, err


@claim("weft test kept all that a guest wrote: it keeps the end, as long as the output may be",
       "malloc")
def _(weft):
    guest = weft.guest("c_writes")
    for jobs in ([], ["--jobs", "2"]):
        for stream in (1, 2):
            replay = weft.scratch / "writes.replay"
            said = weft.scratch / "said"
            words = ["test", "--seeds", 2, *jobs, "--replay", replay, guest, stream, 300, 3]
            with said.open("wb") as out:
                code, few, _ = peak_mib(weft, *words[:-2], 0, 3, out=out)
                assert code == 1, said.read_text()
                code, many, _ = peak_mib(weft, *words, out=out)
            assert code == 1 and many < few + 32, (few, many)
            assert "    the last line\n" in said.read_text(), said.read_text()
    code, many, err = peak_mib(weft, "replay", replay)
    assert code == 3 and many < few + 32, (few, many)
    assert "weft: replayed: the same run" in err[-200:], err[-200:]


@claim("a run that wrote more than 64 MiB was another one in its replay: the guest saw ENOSPC")
def _(weft):
    for stream in (1, 2):
        recording = weft.scratch / "long.replay"
        run = weft.run("--virtual-time", "--record", recording, "c_writes", stream, 70, 0).expect(
            code=0)
        assert max(len(run.out), len(run.err)) == (70 << 20) + len("the last line\n")
        again = weft.raw("replay", recording).expect(code=0, out=run.out)
        assert again.err.startswith(run.err), "stderr is another one"
        assert "replayed: the same run" in again.err[-200:], again.err[-200:]


@claim("weft replay into a reader that goes away is the same run, and says that stdout failed")
def _(weft):
    recording = weft.scratch / "head.replay"
    weft.run("--virtual-time", "--record", recording, "c_writes", 1, 1, 0).expect(code=0)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as out:
        weft.raw("replay", recording, stdout=out).expect(
            code=74, err_has=["^weft: replayed: the same run", "^weft: stdout: Broken pipe$"])
