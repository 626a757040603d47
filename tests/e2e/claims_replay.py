# SPDX-License-Identifier: Apache-2.0
"""--record in real time, and weft replay of what was recorded, without the outside."""

import contextlib
import http.client
import os
import pathlib
import shutil
import signal

from claims_net import serving
from harness import LOAD_ERROR, TIMEOUT_S, USAGE, claim
from processes import wait_for

HERE = pathlib.Path(__file__).resolve().parent
SAME = r"^weft: replayed: the same run, \d+ calls? of \d+ guests?$"


def record(weft, name, *words, **settings):
    """Records a run; returns its Result and the file."""
    file = weft.scratch / name
    return weft.run("--record", file, *words, **settings), file


@claim("a recorded run replays without its stdin and its files, on either engine")
def _(weft):
    folder = weft.scratch / "recorded-data"
    folder.mkdir()
    (folder / "greeting").write_text("hello from the host\n")
    run, file = record(weft, "r", "c_cat", ":::", "--dir", f"{folder}::/data", "c_files", ":::",
                       "c_clock", stdin="one\ntwo\n" * 300)
    run.expect(code=0)
    shutil.rmtree(folder)
    for engine in weft.engines():
        weft.raw("replay", "--engine", engine, file).expect(
            code=0, out=run.out, err_has=SAME, err_lacks="left the recording")


@claim("a recorded Go web server replays its requests without a socket")
def _(weft):
    file = weft.scratch / "server"
    with serving(weft, "--record", file, "go_httpd", says=b"serving\n") as (run, address):
        for n in range(3):
            client = http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
            client.request("POST", "/hello", body="x" * n)
            assert client.getresponse().read() == f"hello POST {n}\n".encode()
            client.close()
        client = http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
        with contextlib.suppress(http.client.HTTPException, OSError):
            client.request("GET", "/quit")
            client.getresponse()
        assert run.finish().code == 0
    weft.raw("replay", file).expect(code=0, out="serving\n", err_has=SAME)


@claim("a recording gives the exit code of its run: a guest's own, a trap, a deadlock of Go")
def _(weft):
    for guest in ("c_exit7", "c_trap_div", "go_deadlock", "go_panic"):
        run, file = record(weft, "r", guest)
        again = weft.raw("replay", file).expect(code=run.code, out=run.out, err_has=SAME)
        assert run.err in again.err, again.err


@claim("calls of several guests come in the recorded order")
def _(weft):
    run, file = record(weft, "r", "--policy", "random", "--seed", "3", "-n", "3", "c_ticker", ":::",
                       "c_yield_n")
    for _ in range(2):
        weft.raw("replay", file).expect(code=0, out=run.expect(code=0).out, err_has=SAME)


@claim("a run that Ctrl-C ended replays up to there, and says in which call it was")
def _(weft):
    file = weft.scratch / "r"
    with weft.start("--record", file, "c_metronome") as run:
        run.read_until(b"late")
        run.process.send_signal(signal.SIGINT)
        assert run.finish().code == 128 + signal.SIGINT
    weft.raw("replay", file).expect(
        code=128 + signal.SIGINT, out_has="late", err_has=[SAME, "was killed, as in the recordi"])


@claim("what was recorded before weft was ended by force replays")
def _(weft):
    file = weft.scratch / "r"
    with weft.start("--record", file, "c_metronome") as run:
        for _ in range(3):  # The record of the last one is perhaps not written yet.
            run.read_until(b"late")
        run.process.kill()
        run.finish()
    weft.raw("replay", file).expect(
        out_has="late", err_has=["was ended where the recording ends", "has no end"])


@claim("a recording that is cut off or damaged replays up to there, and says where that is")
def _(weft):
    run, file = record(weft, "r", "c_cat", stdin="line\n" * 1000)
    whole = file.read_bytes()
    broken = weft.scratch / "broken"
    broken.write_bytes(whole[:len(whole) // 2])
    cut = weft.raw("replay", broken).expect(
        err_has=[r"the recording is cut off at byte \d+; up to there"])
    assert cut.out and run.out.startswith(cut.out)
    damaged = bytearray(whole)
    damaged[len(whole) * 3 // 4] ^= 0x10
    broken.write_bytes(damaged)
    hurt = weft.raw("replay", broken).expect(
        err_has=[r"the recording is damaged at byte \d+; up to there"])
    assert len(hurt.out) > len(cut.out) and run.out.startswith(hurt.out)
    broken.write_bytes(whole[:14])
    weft.raw("replay", broken).expect_error(LOAD_ERROR, "broken is cut off or damaged at its begin")
    broken.write_bytes(whole[:10] + b"\x09" + whole[11:])
    weft.raw("replay", broken).expect_error(LOAD_ERROR, "format version 9; this weft reads")


@claim("without room a recording ends, the run does not, and weft says so")
def _(weft):
    run, _ = record(weft, "full", "c_hello")
    full = weft.scratch / "to_full"
    full.symlink_to("/dev/full")
    weft.run("--record", full, "c_hello").expect(
        code=74, out=run.out, err_has=r"--record: \S+to_full: No space left on device; the record")
    weft.run("--record", "/nowhere/r", "c_hello").expect_error(74, "/nowhere/r: No such file")


@claim("a replay whose program changed goes on alone, and says which call did not fit")
def _(weft):
    _, file = record(weft, "r", "c_cat", ":::", "c_random", stdin="some input\n")
    changed = weft.scratch / "recorded-changed"
    changed.mkdir()
    shutil.copy(weft.guest("c_random"), changed / "c_random.wasm")
    shutil.copy(weft.guest("c_clock"), changed / "c_cat.wasm")
    first = weft.raw("replay", "--modules", changed, file).expect(err_has=[
        r"c_cat\.wasm has changed since the recording",
        r"guest 1 \(c_cat.wasm\) left the recording at its call \d+ of \d+: recorded was fd_read\("
        r"fd=0\), now it is clock_time_get\(id=\d, precision=\d+\) \(another function\); it went on"
        r" alone, in virtual time, by seed 1"])
    assert weft.raw("replay", "--modules", changed, file).out == first.out


@claim("a program that differs from the recording only in what it prints follows it to its end")
def _(weft):
    _, file = record(weft, "r", "c_exit7")
    changed = weft.scratch / "prints"
    changed.mkdir()
    shutil.copy(weft.guest("c_hello"), changed / "c_exit7.wasm")
    weft.raw("replay", "--modules", changed, file).expect(
        code=0, out="hello from c\n",
        err_has=[r"\d+ calls? about stdout or stderr were not as recorded", "ended in another way"])


@claim("a recording of the first build that could record real runs still replays")
def _(weft):
    recorded = weft.scratch / "old.replay"
    recorded.write_bytes(bytes.fromhex((HERE / "real_run.record.hex").read_text()))
    weft.raw("replay", "--modules", weft.guests, recorded).expect(code=8, err_has=SAME)


@claim("a recording takes little room; another engine than there is is wrong use")
def _(weft):
    _, file = record(weft, "r", "c_ticker")
    assert file.stat().st_size < 4000, file.stat().st_size
    weft.raw("replay", file, "--engine", "other").expect_error(USAGE, "--engine")


def folder_with(weft, name, text):
    folder = weft.scratch / name
    folder.mkdir()
    (folder / "file").write_text(text)
    return folder


@claim("weft replay of a file from elsewhere writes into no folder that the file names")
def _(weft):
    folder = folder_with(weft, "named", "mine")
    file, temporary = weft.scratch / "writes.replay", folder_with(weft, "temporary", "")
    words = ["--virtual-time", "--record", file, "--dir", f"{folder}::/data", "c_faults"]
    recorded = weft.run(*words).expect(code=0)
    (folder / "file").write_text("mine again")
    for _ in range(2):
        weft.raw("replay", file, env={**weft.environment, "TMPDIR": str(temporary)}).expect(
            code=0, out=recorded.out, err_has="replayed: the same run")
    assert (folder / "file").read_text() == "mine again"
    assert [path.name for path in temporary.iterdir()] == ["file"]
    weft.raw("replay", "--in-place", file).expect(code=0, out=recorded.out)
    assert (folder / "file").stat().st_size == 1000


@claim("a signal ends a replay, and its copies of folders go")
def _(weft):
    folder, temporary = folder_with(weft, "copied", "mine"), folder_with(weft, "copies", "")
    file = weft.scratch / "endless.replay"
    weft.run("--virtual-time", "--record", file, "--max-steps", 5_000_000, "--dir",
             f"{folder}::/data", "c_compute").expect(code=2, err_has="livelock")
    with weft.start_raw("replay", file, env={**weft.environment, "TMPDIR": str(temporary)}) as run:
        wait_for(lambda: len(list(temporary.glob("*/*/file"))) == 1)
        run.process.send_signal(signal.SIGTERM)
        run.finish().expect(code=128 + signal.SIGTERM)
    assert [path.name for path in temporary.iterdir()] == ["file"]


@claim("a replay says which folder is too large for a copy, or what in it is no file")
def _(weft):
    folder, file = folder_with(weft, "large", ""), weft.scratch / "large.replay"
    weft.run("--virtual-time", "--record", file, "--dir", f"{folder}::/data", "c_hello").expect(
        code=0)
    os.truncate(folder / "file", 2 << 30)  # It has no blocks.
    refused = weft.raw("replay", file).expect_error(USAGE, "large: too large for a copy")
    refused.expect(err_has="--in-place gives its guests the folders themselves")
    weft.raw("replay", "--in-place", file).expect(code=0, err_has="replayed: the same run")
    (folder / "file").unlink()
    os.mkfifo(folder / "pipe")
    weft.raw("replay", file).expect_error(USAGE, "pipe: can't be copied: it is neither a file")
