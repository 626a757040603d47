# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end claims are written with.

A claim is a function that takes a Weft and fails by AssertionError. `@claim("...")` registers it
under a sentence; `needs` names what its binary must be: "speed" for claims about time or CPU,
"malloc" for claims that limit the address space, "descriptors" for claims that leave none free
(UndefinedBehaviorSanitizer looks at an object's type through a pipe, and reports a wrong type when
it gets none). A sanitizer build has none of these, so run.py leaves them to the release build.

    @claim("a guest's exit code is weft's")
    def _(weft):
        weft.run("c_exit7").expect(code=7, out="leaving with 7")

Weft.run replaces names of guests by their paths, so a test reads like the command it stands for.

A claim holds on a machine that is ten times slower, and on one that stops for half a second at any
moment. So what must come is waited for (processes.wait_for) and not slept for; orders and times are
those of --virtual-time; how much something takes is CPU time, fuel or a count. What can only be
seen on a clock compares with what a wrong weft would take, and needs "speed".
"""

import dataclasses
import os
import pathlib
import re
import resource
import select
import shlex
import signal
import subprocess
import time

# When something hangs: no claim is about it. Most runs take less than a second, the longest a
# minute, and CI may be ten times slower.
TIMEOUT_S = 600
SHOWN_CHARS_MAX = 1500

# What a sanitizer says when it found something. Go's own panics say "runtime error:" too.
SANITIZER_REPORT = re.compile(
    r"(Address|Leak|UndefinedBehavior|Thread)Sanitizer|\.(cpp|h|hpp):\d+:\d+: runtime error:")

# How weft ends when a module cannot be loaded. Not a guest's code, not wrong use, not a trap.
LOAD_ERROR = 66
TRAP = 134
USAGE = 64
HOST_REFUSES = 71

CLAIMS = []


@dataclasses.dataclass
class Claim:
    sentence: str
    check: callable
    needs: frozenset


def claim(sentence, *needs):
    def register(check):
        CLAIMS.append(Claim(sentence, check, frozenset(needs)))
        return check
    return register


def without_section(module, name):
    """The module without its custom section of this name."""
    kept, at = module[:8], 8
    while at < len(module):
        size, shift, end = 0, 0, at + 1
        while True:
            byte = module[end]
            size |= (byte & 0x7f) << shift
            shift, end = shift + 7, end + 1
            if byte < 0x80:
                break
        if module[at] != 0 or not module[end:].startswith(bytes([len(name)]) + name):
            kept += module[at:end + size]
        at = end + size
    return kept


def shorten(text):
    if len(text) <= SHOWN_CHARS_MAX:
        return text
    half = SHOWN_CHARS_MAX // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters ...]\n{text[-half:]}"


@dataclasses.dataclass
class Result:
    """How one run of weft ended."""
    command: list
    code: int  # As a shell sees it: 128 + N after signal N.
    out: str
    err: str
    seconds: float
    cpu_seconds: float
    waits: int  # How often it gave up the CPU to wait: voluntary context switches.
    aborted: bool  # By the signal. A trap's exit code looks the same.

    def fail(self, complaint):
        raise AssertionError(
            f"{complaint}\n$ {shlex.join(map(str, self.command))}\nexit code {self.code} "
            f"after {self.seconds:.2f} s\n--- stdout\n{shorten(self.out)}\n"
            f"--- stderr\n{shorten(self.err)}\n---")

    def expect(self, code=None, out=None, out_has=(), err_has=(), err_lacks=(), err=None):
        """Checks what is named. `*_has` take regular expressions, one or several."""
        if code is not None and self.code not in (code if isinstance(code, tuple) else (code,)):
            self.fail(f"expected exit code {code}, got {self.code}")
        if out is not None and self.out != out:
            self.fail(f"expected stdout {out!r}")
        if err is not None and self.err != err:
            self.fail(f"expected stderr {err!r}")
        self._expect_patterns("stdout", self.out, out_has, present=True)
        self._expect_patterns("stderr", self.err, err_has, present=True)
        self._expect_patterns("stderr", self.err, err_lacks, present=False)
        return self

    def _expect_patterns(self, where, text, patterns, present):
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            if bool(re.search(pattern, text, re.IGNORECASE | re.MULTILINE)) != present:
                self.fail(f"expected {where} {'to have' if present else 'not to have'} {pattern!r}")

    def expect_error(self, code, *patterns):
        """An error of weft itself: it says so, says nothing on stdout, and the code fits."""
        self.expect(code=code, out="", err_has=[r"^weft: ", *patterns])
        return self

    def expect_no_crash(self):
        if SANITIZER_REPORT.search(self.err):
            self.fail("a sanitizer found something")
        fatal = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
        if self.aborted or self.code - 128 in fatal:
            self.fail("weft crashed")
        return self

    def expect_seconds(self, at_least=0.0, below=TIMEOUT_S):
        if not at_least <= self.seconds < below:
            self.fail(f"expected {at_least} s <= time < {below} s, got {self.seconds:.3f} s")
        return self

    def lines(self):
        return self.out.splitlines()


def stats_rows(result):
    """The rows of --stats, each as its words: number, module, engine, load time, "ms", exit code,
    switches, time on the CPU, "ms", time asleep, "ms"."""
    return [line.split() for line in result.err.splitlines() if ".wasm" in line]


class Weft:
    """The binary under test and the guests it runs."""

    def __init__(self, binary, guests, scratch, engine=""):
        self.binary = pathlib.Path(binary).resolve()
        self.guests = pathlib.Path(guests).resolve()
        self.scratch = pathlib.Path(scratch)
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LANG": "C.UTF-8",
            "ASAN_OPTIONS": "exitcode=99",
            "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1",
            # Kept from run to run, beside what else the build made.
            "XDG_CACHE_HOME": str(self.guests.parent / "cache" / "aot"),
        }
        # A Go guest takes minutes to compile: it runs on auto's other engine, what is in the cache
        # on aot.
        self.compiles = engine == "aot"
        self.engine = [f"--engine={'auto' if self.compiles else engine}"] if engine else []

    def engines(self):
        """The names of the engines, from the command."""
        listed = subprocess.run([self.binary, "engines"], capture_output=True, text=True,
                                check=True)
        return [line.split()[0] for line in listed.stdout.splitlines()]

    def fill_cache(self):
        if self.compiles:
            small = [path for path in sorted(self.guests.glob("*.wasm"))
                     if not path.name.startswith("go_")]
            pathlib.Path(self.environment["XDG_CACHE_HOME"]).mkdir(parents=True, exist_ok=True)
            # Some guests exist to be refused.
            subprocess.run([self.binary, "compile", *small], env=self.environment, check=False,
                           capture_output=True, timeout=600)

    def guest(self, name):
        path = self.guests / f"{name}.wasm"
        assert path.exists(), f"no such guest: {path} (tests/guests/build.py builds them)"
        return path

    def command(self, *words):
        """`run` and its words, each name of a guest replaced by its path."""
        known = re.compile(r"(c|go|rust|wat)_\w+$")
        engine = [] if any(str(word).startswith("--engine") for word in words) else self.engine
        return [str(self.binary), "run", *engine,
                *(str(self.guest(word)) if known.match(str(word)) else str(word) for word in words)]

    def run(self, *words, **settings):
        return self.execute(self.command(*words), **settings)

    def raw(self, *words, **settings):
        """weft with exactly these words."""
        return self.execute([str(self.binary), *map(str, words)], **settings)

    def start(self, *words, **settings):
        return Run(self, self.command(*words), **settings)

    def start_raw(self, *words, **settings):
        return Run(self, [str(self.binary), *map(str, words)], **settings)

    def execute(self, command, stdin=None, timeout=TIMEOUT_S, address_space=None,
                descriptors=None, **settings):
        """Runs to the end. `stdin` is text for a pipe, or a file; no stdin is /dev/null."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        if isinstance(data, bytes):
            settings["stdin"] = subprocess.PIPE
        elif data is not None:
            settings["stdin"], data = data, None
        limits = [(kind, most) for kind, most in [(resource.RLIMIT_AS, address_space),
                                                  (resource.RLIMIT_NOFILE, descriptors)] if most]
        if limits:
            settings["preexec_fn"] = lambda: [
                resource.setrlimit(kind, (most, most)) for kind, most in limits]
        with Run(self, command, **settings) as run:
            return run.finish(data, timeout)


class Run:
    """A running weft, for claims that talk to it. Its pipes are binary and unbuffered."""

    def __init__(self, weft, command, **settings):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.command = command
        self.seen = b""
        self.before = used_by_children()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            command, bufsize=0,
            **{"env": weft.environment, "cwd": weft.scratch, **pipes, **settings})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.__exit__(None, None, None)

    def send(self, data):
        self.process.stdin.write(data)

    def read_until(self, wanted, stream=None):
        """Reads stdout (or `stream`) until it holds the bytes `wanted`."""
        stream = stream or self.process.stdout
        seen = b""
        while wanted not in seen:
            ready, _, _ = select.select([stream], [], [], TIMEOUT_S)
            piece = os.read(stream.fileno(), 65536) if ready else b""
            if not piece:
                raise AssertionError(
                    f"{wanted!r} never came. $ {shlex.join(self.command)}\n{seen!r}")
            seen += piece
        if stream is self.process.stdout:
            self.seen += seen
        return seen

    def finish(self, data=None, timeout=TIMEOUT_S):
        """Waits for the end and returns the Result, what was read before included."""
        try:
            out, err = self.process.communicate(data, timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            self._result(out, err).fail(f"still running after {timeout} s")
        return self._result(out, err).expect_no_crash()

    def _result(self, out, err):
        code = self.process.returncode
        cpu_seconds, waits = (now - then for now, then in zip(used_by_children(), self.before))
        return Result(
            self.command, code if code >= 0 else 128 - code,
            (self.seen + (out or b"")).decode(errors="replace"),
            (err or b"").decode(errors="replace"), time.monotonic() - self.started,
            cpu_seconds, waits, code == -signal.SIGABRT)


def used_by_children():
    """CPU seconds and voluntary context switches of every child that was waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime, usage.ru_nvcsw
