#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scheduling conformance suite: tests/conformance/run.py GUESTDIR HOST-COMMAND...

    tests/conformance/build.py build/conformance
    tests/conformance/run.py build/conformance build/release/tools/weft run

What happens when several guests share a thread, and when one waits: fairness and order of yields,
order of sleeps, poll_oneoff, stdin, back-pressure, exits, sockets. The cases are manifest.json:
this program starts the host for each, does the steps (input, clients, closing pipes), and compares
the guests' output, byte for byte, and the exit code.

HOST-COMMAND is any host: it is called with [--listen ADDRESS] GUEST.wasm ARGS..., and with several
guests separated by ":::". A host that runs one guest only, or opens no listener, takes the part it
can: --without together,listen. A host that ends a guest's turn by the clock, as weft does after 10
ms, may need more words where only a guest's own yields may end it: --for turns=--virtual-time.

What else may shift on a machine that stalls is an order of sleeps: a case with times that fails is
tried again with times that are 4, 16 and 64 times as long. docs/conformance.md has the details.
"""

import argparse
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT_S = 300
PACES = [1, 4, 16, 64]


class Failure(Exception):
    """What was expected and what came."""


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filter", default="", help="only cases whose name contains this")
    parser.add_argument("--without", default="", help="leave out what needs these: together,listen")
    parser.add_argument("--for", action="append", default=[], dest="words", metavar="NEED=WORDS",
                        help="what the host's command has more for cases that need this")
    parser.add_argument("--list", action="store_true", help="print the cases, run nothing")
    parser.add_argument("guests", type=pathlib.Path, help="where build.py put the guests")
    parser.add_argument("host", nargs=argparse.REMAINDER, help="the host's command")
    return parser.parse_args(arguments)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def is_time(word):
    return isinstance(word, dict)


def paces_of(case):
    """By what its times are multiplied, one try after the other. A case without times has one."""
    has_times = "seconds_max" in case or any(is_time(word) for words in case["guests"]
                                             for word in words)
    return PACES if has_times else PACES[:1]


class Session:
    """One case under way: the host's process, its pipes, and the clients of its listener."""

    def __init__(self, case, pace, guests, host, scratch):
        self.deadline = time.monotonic() + TIMEOUT_S
        self.clients = {}
        self.seen = {1: b"", 2: b""}
        command = list(host)
        if "listen" in case.get("needs", []):
            self.port = free_port()
            command += ["--listen", f"127.0.0.1:{self.port}"]
        for number, (name, *words) in enumerate(case["guests"]):
            command += [":::"] * (number > 0) + [str(guests / f"{name}.wasm")]
            command += [str(word["ms"] * pace) if is_time(word) else word for word in words]
        self.process = subprocess.Popen(
            command, stdin=self._stdin(case.get("stdin", "null"), scratch),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        self.streams = {1: self.process.stdout, 2: self.process.stderr}

    @staticmethod
    def _stdin(what, scratch):
        if what == "pipe":
            return subprocess.PIPE
        if what == "null":
            return subprocess.DEVNULL
        path = scratch / "stdin"
        path.write_text(what.removeprefix("file:"))
        return path.open("rb")

    def close(self):
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, *self.streams.values()):
            if pipe is not None:
                pipe.close()
        for client in self.clients.values():
            client.close()

    def left(self):
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Failure(f"not done after {TIMEOUT_S} s")
        return left

    def read(self, fds):
        """Takes in what comes next on one of the pipes. Returns those that have ended."""
        ended = []
        ready, _, _ = select.select([self.streams[fd] for fd in fds], [], [], self.left())
        for fd in fds:
            if self.streams[fd] in ready:
                piece = os.read(self.streams[fd].fileno(), 65536)
                self.seen[fd] += piece
                if not piece:
                    ended.append(fd)
        return ended

    def wait_for(self, fd, text):
        while text.encode() not in self.seen[fd]:
            if self.read([fd]):
                raise Failure(f"{text!r} never came")

    def step(self, what, value):
        if what == "wait":
            self.wait_for(1, value)
        elif what == "wait_err":
            self.wait_for(2, value)
        elif what == "send":
            self.process.stdin.write(value.encode())
        elif what == "close_stdin":
            self.process.stdin.close()
        elif what == "close_stdout":
            self.streams.pop(1).close()
        elif what == "pause_ms":
            time.sleep(value / 1000)
        elif what == "stop_ms":
            self.process.send_signal(signal.SIGSTOP)
            time.sleep(value / 1000)
            self.process.send_signal(signal.SIGCONT)
        else:
            self.client_step(what, value)

    def client_step(self, what, value):
        if what == "connect":
            self.clients[value] = socket.create_connection(("127.0.0.1", self.port), self.left())
        elif what == "client_send":
            self.clients[value[0]].sendall(value[1].encode())
        elif what == "client_close":
            self.clients.pop(value).close()
        elif what == "client_expect_end":
            got = self.clients[value[0]].makefile("rb").read()
            if got != value[1].encode():
                raise Failure(f"client {value[0]} got {got!r}, expected {value[1]!r} and the end")
        else:
            raise Failure(f"the manifest has an unknown step: {what}")

    def finish(self):
        """Reads to the end. Returns the exit code."""
        open_fds = list(self.streams)
        while open_fds:
            for fd in self.read(open_fds):
                open_fds.remove(fd)
        try:
            return self.process.wait(self.left())
        except subprocess.TimeoutExpired as error:
            raise Failure("the host did not end") from error


def compare(case, pace, session, code, seconds):
    out = session.seen[1].decode(errors="replace")
    if case.get("sorted"):
        out = "".join(sorted(out.splitlines(keepends=True)))
    if "stdout" in case and out != case["stdout"]:
        raise Failure(f"stdout is\n{out}expected\n{case['stdout']}")
    if "stdout_bytes" in case and len(session.seen[1]) != case["stdout_bytes"]:
        raise Failure(f"{len(session.seen[1])} bytes on stdout, expected {case['stdout_bytes']}")
    err = session.seen[2].decode(errors="replace")
    if "stderr" in case and err != case["stderr"]:
        raise Failure(f"stderr is\n{err}expected\n{case['stderr']}")
    wanted = case.get("code", 0)
    if (code == 0) if wanted == "not 0" else code != wanted:
        raise Failure(f"exit code {code}, expected {wanted}")
    seconds_max = case.get("seconds_max", TIMEOUT_S) * pace
    if seconds > seconds_max:
        raise Failure(f"took {seconds:.1f} s, expected at most {seconds_max} s")


def run_case(case, pace, guests, host):
    """Raises Failure."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-") as scratch:
        session = Session(case, pace, guests, host, pathlib.Path(scratch))
        try:
            for step in case.get("steps", []):
                for what, value in step.items():
                    session.step(what, value)
            code = session.finish()
            compare(case, pace, session, code, time.monotonic() - start)
        except (Failure, OSError) as failure:
            raise Failure(f"{failure}\n--- so far on stdout\n{session.seen[1][-800:].decode()}"
                          f"--- on stderr\n{session.seen[2][-800:].decode()}---") from failure
        finally:
            session.close()


def tried(case, guests, host):
    """Returns whether it holds, and what is told of it."""
    start = time.monotonic()
    for pace in paces_of(case):
        try:
            run_case(case, pace, guests, host)
        except Failure as failure:
            wrong = failure
            continue
        slower = f", at 1/{pace} of the pace" if pace > 1 else ""
        return True, (f"ok    {case['name']}: {case['claim']} "
                      f"({time.monotonic() - start:.2f} s{slower})")
    return False, f"FAIL  {case['name']}: {case['claim']}\n{wrong}"


def main(arguments):
    options = parse(arguments)
    without = set(filter(None, options.without.split(",")))
    cases = [case for case in json.loads((HERE / "manifest.json").read_text())["cases"]
             if options.filter in case["name"] and not without & set(case.get("needs", []))]
    if options.list:
        print("\n".join(f"{case['name']:<24}{case['claim']}" for case in cases))
        return 0
    passed = 0
    more = dict(words.split("=", 1) for words in options.words)
    for case in cases:
        words = [word for need in case.get("needs", []) for word in more.get(need, "").split()]
        held, said = tried(case, options.guests, [*options.host, *words])
        passed += held
        print(said, flush=True)
    failed = len(cases) - passed
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
