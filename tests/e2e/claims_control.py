# SPDX-License-Identifier: Apache-2.0
"""A running weft is asked what it does: the control socket, and weft ps, top, kill, dump, trace,
stats."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess

from claims_goroutines import STUCK, goroutine_lanes
from harness import TIMEOUT_S, USAGE, claim
from processes import wait_for

# The one whose packages scripts/deps.sh installs.
PYTHON = "/usr/bin/python3"
PARSE_METRICS = """
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
for family in parse(sys.stdin.read()):
    print(family.name, family.type, len(family.samples))
"""


def answers(path):
    with contextlib.suppress(OSError):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            return True
    return False


@contextlib.contextmanager
def running(weft, name, *words, stdout=subprocess.DEVNULL):
    """A weft with a control socket, that is there, and is killed at the end."""
    path = weft.scratch / f"{name}.sock"
    with weft.start(f"--control={path}", *words, stdin=subprocess.PIPE,
                    stdout=stdout) as run:
        try:
            wait_for(lambda: answers(path), "a weft that answers")
            yield path, run
        finally:
            if run.process.poll() is None:
                run.process.kill()
                run.process.wait()


class Client:
    """Speaks the protocol by hand."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT_S)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")
        self.greeting = json.loads(self.lines.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()

    def raw(self, data):
        self.socket.sendall(data)
        return json.loads(self.lines.readline())

    def ask(self, request, **fields):
        return self.raw(json.dumps({"request": request, **fields}).encode() + b"\n")


def said_when(weft, *words, patterns, **settings):
    """What weft says, once that matches all patterns: a guest may not have begun."""
    def said():
        text = weft.raw(*words, **settings).expect(code=0).out
        return text if all(re.search(pattern, text, re.M) for pattern in patterns) else ""
    return wait_for(said, patterns)


def counted(weft, path, name, guest):
    """A number of a guest in what weft stats says."""
    text = weft.raw("stats", path).expect(code=0).out
    return float(re.search(rf'^{name}\{{guest="{guest}",.*\}} ([\d.]+)$', text, re.M)[1])


def wait_for_turns(weft, path, guest, turns=3):
    """Until the guest has had so many turns more."""
    before = counted(weft, path, "weft_guest_switches_total", guest)
    wait_for(lambda: counted(weft, path, "weft_guest_switches_total", guest) >= before + turns)


@claim("weft ps lists the guests of a running weft: one computes, one sleeps, one has trapped")
def _(weft):
    guests = ["c_compute", ":::", "c_sleeper", "600", ":::", "c_trap_unreachable"]
    with running(weft, "ps", *guests) as (path, _):
        said_when(weft, "ps", path, patterns=[
            r"PID +GUEST +NAME +ENGINE +STATE +FOR +MEMORY +FDS",
            r"1  c_compute.wasm +\w+ +runnable ",
            r"2  c_sleeper.wasm +\w+ +sleep +[\d.]+\w+ +\d+K +3$",
            r"3  c_trap_unreachable\S* +\w+ +trapped "])


@claim("the control socket has mode 0600, is gone at the end, and answers its own user alone")
def _(weft):
    with running(weft, "mode", "c_sleeper", "600") as (path, run):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if os.geteuid() == 0:
            code = ("import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
                    "print(s.recv(200).decode())")
            # As somebody who may not connect; then as one who got hold of the socket all the same.
            nobody = ["setpriv", "--reuid=65534", "--clear-groups", PYTHON, "-c", code, str(path)]
            path.parent.chmod(0o755)
            denied = subprocess.run(nobody, capture_output=True, text=True, check=False)
            assert "PermissionError" in denied.stderr, denied
            path.chmod(0o666)
            refused = subprocess.run(nobody, capture_output=True, text=True, check=False)
            assert "this weft belongs to another user" in refused.stdout, refused
        run.process.send_signal(signal.SIGINT)
        run.process.wait()
        assert not path.exists()


@claim("weft ps, kill, dump and stats find the one weft that runs in $XDG_RUNTIME_DIR/weft")
def _(weft):
    folder = weft.scratch / "runtime"
    folder.mkdir()
    env = {**weft.environment, "XDG_RUNTIME_DIR": str(folder)}
    weft.raw("dump", env=env).expect_error(2, "no weft runs with --control")
    with weft.start("--control", "c_compute", ":::", "c_sleeper", "600", env=env) as run:
        path = folder / "weft" / f"{run.process.pid}.sock"
        wait_for(lambda: answers(path), "a weft that answers")
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        weft.raw("ps", env=env).expect(code=0, out_has=rf"^ +{run.process.pid} +1  c_compute.wasm")
        said_when(weft, "dump", env=env, patterns=[
            r"^goroutine 1 \[runnable\]: c_compute.wasm$",
            r"^goroutine 2 \[(sleep|select)[^]]*\]: c_sleeper.wasm$", r"^SCHED "])
        weft.raw("kill", run.process.pid, 9, env=env).expect_error(2, "there is no guest 9")
        weft.raw("kill", run.process.pid, 1, env=env).expect(code=0)
        said_when(weft, "ps", path, patterns=["1  c_compute.wasm .* killed"])
        weft.raw("kill", run.process.pid, 1, env=env).expect_error(2, "guest 1 has ended: killed")
        weft.raw("kill", run.process.pid, "--all", env=env).expect(code=0)
        assert run.process.wait(timeout=TIMEOUT_S) == 137
    weft.raw("ps", env=env).expect(code=0)


@claim("the socket of a weft that was killed is no error of weft ps for ever: it removes it")
def _(weft):
    folder = weft.scratch / "left"
    folder.mkdir()
    env = {**weft.environment, "XDG_RUNTIME_DIR": str(folder)}
    with weft.start("--control", "c_sleeper", "600", env=env) as run:
        path = folder / "weft" / f"{run.process.pid}.sock"
        wait_for(lambda: answers(path), "a weft that answers")
        run.process.kill()
        run.process.wait()
        other = folder / "weft" / "other.sock"  # Not named by a process: it is left there.
        path.rename(other)
        weft.raw("ps", env=env).expect_error(2, "other.sock: no weft serves it any more")
        other.rename(path)
        weft.raw("ps", env=env).expect(code=0, err="")
        assert not path.exists()


@claim("weft dump lists the goroutines of Go guests, and weft stats and the protocol count them")
def _(weft):
    with running(weft, "goroutines", "go_stuck", "3", ":::", "c_sleeper", "600") as (path, _):
        def dumped():
            text = weft.raw("dump", path).expect(code=0).out
            return text if "called no function" in text else ""
        dump = wait_for(dumped, "a goroutine that spins")
        stuck = [line.replace("(1 runnable, 1|2) waiting", r"(1 runnable, )?\d waiting")
                 for line in STUCK]
        for line in [r"^goroutine 1 \[runnable\]: go_stuck.wasm$", *stuck]:
            assert re.search(line, dump, re.M), (line, dump)
        assert len(re.findall(r"^  goroutine \d+ \[chan receive\]: ", dump, re.M)) == 4, dump
        assert dump.count("goroutines of guest") == 1, dump
        with Client(path) as client:
            go, c = client.ask("guests")["guests"]
            assert go["goroutines"]["running"] == 1 and sum(go["goroutines"].values()) == 6, go
            assert "goroutines" not in c, c
        counted = re.findall(r'^weft_guest_goroutines\{guest="1",.*state="(\w+)"\} (\d+)$',
                             weft.raw("stats", path).expect(code=0).out, re.M)
        assert [state for state, _ in counted] == ["running", "runnable", "waiting"], counted
        whole = re.findall(r'^weft_guest_goroutines_whole\{guest="(\d+)",.*\} (\d+)$',
                           weft.raw("stats", path).expect(code=0).out, re.M)
        assert whole == [("1", "1")], whole
        assert sum(int(count) for _, count in counted) == 6, counted


@claim("a dead, a foreign and an old-version control socket are named, and so is none")
def _(weft):
    path = weft.scratch / "dead.sock"
    weft.raw("ps", path).expect(code=2, err_has="dead.sock: no weft is there; weft run --control")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    weft.raw("ps", path).expect(code=2, err_has="dead.sock: no weft serves it any more")
    for said, pattern in [(b"220 mail.example ESMTP\r\n", "what answers there is no weft"),
                          (b'{"weft": "9.1.0", "control": 2, "pid": 1, "program": "x"}\n',
                           "weft 9.1.0 there speaks version 2 .*, and this weft version 1"),
                          (b"", "what answers there is no weft")]:
        foreign = weft.scratch / "foreign.sock"
        with contextlib.suppress(FileNotFoundError):
            foreign.unlink()
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(foreign))
            server.listen()
            with weft.start_raw("ps", foreign) as run:
                with server.accept()[0] as client:
                    client.sendall(said)
                    if not said:
                        client.shutdown(socket.SHUT_WR)
                    run.finish().expect(code=2, err_has=pattern)
    # A dead one is replaced; what is no socket, or is served, is left alone.
    with running(weft, "dead", "c_sleeper", "600") as (path, _):
        weft.run(f"--control={path}", "c_hello").expect_error(74, "another program serves it")
    precious = weft.scratch / "precious"
    precious.write_text("data")
    weft.run(f"--control={precious}", "c_hello").expect_error(74, "is there already, and no socket")
    assert precious.read_text() == "data"
    weft.run(f"--control={'/x' * 80}", "c_hello").expect_error(74, "a socket's path has 1 to 107")
    weft.run("--control", "c_hello").expect_error(74, "XDG_RUNTIME_DIR is not set")
    weft.run("--virtual-time", "--control", "c_hello").expect_error(USAGE, "--control")


@claim("malformed requests are answered with an error, and the weft goes on")
def _(weft):
    with running(weft, "malformed", "c_compute") as (path, run):
        with Client(path) as client:
            assert client.greeting["control"] == 1, client.greeting
            assert client.greeting["pid"] == run.process.pid
            for line in (b"", b"null", b"[]", b"{", b'{"request": 3}', b'{"request": "fly"}',
                         b"\xff\x00\xfe", b"[" * 60_000, b'{"request": "kill"}',
                         b'{"request": "kill", "guest": -1}', b'{"request": "kill", "guest": 1e99}',
                         b'{"request": "trace-start", "file": "relative.json"}',
                         b'{"request": "trace-start", "file": "/nowhere/t.json"}',
                         b'{"request": "trace-stop"}'):
                answer = client.raw(line + b"\n")
                assert answer["ok"] is False and answer["error"], (line[:40], answer)
            assert client.raw(b'{"request": "dump", "id": [7]}\n')["id"] == [7]
            too_long = client.raw(b"x" * 100_000)
            assert "at most 65536 bytes" in too_long["error"], too_long
            assert client.lines.readline() == b""
        clients = [Client(path) for _ in range(16)]
        with socket.socket(socket.AF_UNIX) as more:
            more.connect(str(path))
            assert b"too many connections" in more.recv(200)
        for client in clients:
            client.__exit__()
        wait_for(lambda: answers(path) and weft.raw("ps", path).code == 0, "a free connection")


@claim("one client after the other is answered, however many there are in a second")
def _(weft):
    with running(weft, "many", "c_sleeper", "600") as (path, _):
        for _ in range(200):
            with Client(path) as client:
                assert client.ask("guests")["ok"]


@claim("floods, and clients that take no answer, hold nobody up: the ticker ticks to its end")
def _(weft):
    with running(weft, "flood", "c_ticks", "100", ":::", "c_spinner",
                 stdout=subprocess.PIPE) as (path, run):
        silent = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        for client in silent:
            client.connect(str(path))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    client.send(b'{"request": "stats"}\n' * 100)
        with Client(path) as client:
            for _ in range(20):
                assert client.ask("guests")["ok"]
        run.read_until(b"100 ticks")
        for client in silent:
            client.close()


@claim("weft stats is OpenMetrics text that the Prometheus client's own parser takes")
def _(weft):
    with running(weft, "stats", "c_sleeper", "600", ":::", "c_compute") as (path, _):
        first = weft.raw("stats", path).expect(code=0).out
        wait_for(lambda: counted(weft, path, "weft_guest_cpu_seconds_total", 2) > 0)
        text = weft.raw("stats", path).expect(code=0).out
        for said in (first, text):
            parsed = subprocess.run([PYTHON, "-c", PARSE_METRICS], input=said, capture_output=True,
                                    text=True, check=False)
            assert parsed.returncode == 0, parsed.stderr
            assert "weft_guest_cpu_seconds counter 2" in parsed.stdout, parsed.stdout
        assert text.endswith("# EOF\n")


@claim("weft trace start writes a trace of a weft that runs already, until stop")
def _(weft):
    trace = weft.scratch / "late.json"
    with running(weft, "trace", "c_ticks", "100000", ":::", "c_compute") as (path, _):
        weft.raw("trace", "start", path, trace).expect(code=0)
        weft.raw("trace", "start", path, trace).expect_error(2, "a trace is written already")
        wait_for_turns(weft, path, 1)
        weft.raw("trace", "stop", path).expect(code=0)
        events = json.loads(trace.read_text())
        names = {event["args"]["name"] for event in events if event.get("name") == "thread_name"}
        assert {"c_ticks.wasm G1", "c_compute.wasm G2"} <= names, names
        assert {"running", "waiting"} <= {event.get("cat") for event in events}, events[:20]
        calls = {event["name"] for event in events if event.get("cat") == "return"}
        assert {"poll_oneoff", "clock_time_get"} <= calls, calls
        weft.raw("trace", "stop", path).expect_error(2, "no trace is written")
        weft.raw("trace", "start", path, weft.scratch / "late.txt").expect(code=2)
    weft.raw("trace", "start", path).expect(code=USAGE)


@claim("weft trace start has a lane for each goroutine of a Go guest that runs already")
def _(weft):
    late, next_one = weft.scratch / "late_go.json", weft.scratch / "next_go.json"
    with running(weft, "trace-go", "go_stdin_ticker", ":::", "go_stuck", "2") as (path, run):
        def dumped():
            return "called no function" in weft.raw("dump", path).expect(code=0).out
        wait_for(dumped, "a goroutine that spins")
        for file in (late, next_one):  # In between, what is put in front is taken out.
            weft.raw("trace", "start", path, file).expect(code=0)
            wait_for_turns(weft, path, 2)
            weft.raw("trace", "stop", path).expect(code=0)
            lanes = goroutine_lanes(json.loads(file.read_text("utf-8")))
            spins = [lane for name, lane in lanes.items() if name.endswith(" main.spins")]
            assert spins and ("running", "running") in spins[0], lanes
            waits = [lane for name, lane in lanes.items()
                     if re.search(r" main\.(waits|main\.gowrap\d)$", name)]
            assert len(waits) == 3, lanes
            assert all(lane == [("waiting", "chan receive")] for lane in waits), lanes
        assert dumped()  # They are steered as before.
        weft.raw("trace", "start", path, late).expect(code=0)
        weft.raw("kill", path, 2).expect(code=0)  # While it is watched.
        weft.raw("trace", "stop", path).expect(code=0)
        assert run.process.poll() is None


class Terminal:
    """A terminal of tmux's own server."""

    def __init__(self, weft, command, lines=14, columns=120):
        assert shutil.which("tmux"), "tmux is missing: scripts/deps.sh tests"
        self.server = str(weft.scratch / "tmux")
        self.env = {**weft.environment, "TERM": "xterm-256color", "HOME": str(weft.scratch)}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines),
                  *map(str, command))
        self.tmux("set-option", "-g", "remain-on-exit", "on")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.server, *words], env=self.env, check=False,
                              capture_output=True, text=True).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")


@claim("weft top on a terminal: five guests of C, Rust, Go and text, what each does, and q ends it")
def _(weft):
    guests = ["c_compute", ":::", "rust_sleeper", ":::", "c_trap_unreachable", ":::",
              "go_stdin_ticker", ":::", "wat_loop_yield"]
    wanted = [r"^weft \d+  .*  5 guests, 4 alive  \d runnable  \d+ switches/s$",
              r"^GUEST +NAME +ENGINE +STATE +CPU% +P50 +P99 +SWITCHES +MEMORY +FDS +GOROUTINES$",
              r"^ +1  c_compute.wasm +\w+ +runnable +[\d.]+ .* -$",
              r"^ +2  rust_sleeper\S* +\w+ +sleep +0.0 .* -$",
              r"^ +3  c_trap_unreach\S* +\w+ +trapped +0.0 .* -$",
              r"^ +4  go_stdin_ticker\S* +\w+ +\w[^%]* +[\d.]+ .* [23] \([01] run\)$",
              r"^ +5  wat_loop_yield\S* +\w+ +runnable +[\d.]+ "]
    with running(weft, "top", *guests) as (path, _):
        def drawn(screen):
            return screen if all(re.search(one, screen, re.M) for one in wanted) else ""
        with Terminal(weft, [weft.binary, "top", "--every", "200ms", path]) as terminal:
            # The guest that computes is first, once the others have started.
            wait_for(lambda: re.search(r"GOROUTINES\n +1  c_compute", drawn(terminal.screen())),
                  "a screen of weft top")
            terminal.tmux("send-keys", "q")
            wait_for(lambda: terminal.tmux("list-panes", "-F", "#{pane_dead}") == "1\n",
                  "the end of weft top")
        plain = said_when(weft, "top", "--times", 2, "--every", "50ms", path, patterns=wanted)
        assert len(re.findall("^weft ", plain, re.M)) == 2, plain
