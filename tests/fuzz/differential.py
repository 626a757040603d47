#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the engines agree? Modules from generators, run on several of them.

    tests/fuzz/differential.py BUILDDIR [--seconds N] [--seed S] [--keep FOLDER]

Modules come from two generators: `wasm-tools smith`, which knows every proposal and makes what
nobody writes, and tests/fuzz/loops.py, whose functions compute in loops with many values at once.
Each is made observable (tests/fuzz/observed.py), and is then run by

    jit --bounds=guard, jit --bounds=check with the NaN of virtual time
    interp, when the module keeps to what it knows (WebAssembly 2.0)
    wasmtime (PyPI), which knows the rest: exceptions, tail calls, memory64, several memories,
    relaxed vectors

Compared are the words that each function returned, what kind of trap it ended by, and then all
globals, memories and tables. Every other module runs with a limit of fuel too, on jit and interp:
both have to end at the same check. A module on which two disagree is kept in FOLDER
(build/fuzz/findings), with the answers beside it.

The last lines are a line for each generator and `N passed, N failed`.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import select
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(HERE.parent / "spec")]
# pylint: disable=wrong-import-position
import core_tests
import loops
import observed

WASMTIME = "50.0.1"
ANSWER_SECONDS_MAX = 60
INTERP_SECONDS_MAX = 20
FINDINGS_MAX = 20

# What smith is told, beside the seed. Traps and NaNs are left in; a NaN has one bit pattern.
SMITH = ["--ensure-termination", "--fuel", "1000", "--export-everything", "true",
         "--max-imports", "0", "--min-funcs", "2", "--max-funcs", "8",
         "--canonicalize-nans", "true", "--generate-custom-sections", "false",
         "--max-memory32-bytes", "262144", "--max-memory64-bytes", "262144",
         "--max-table-elements", "200", "--gc-enabled", "false", "--threads-enabled", "false",
         "--shared-everything-threads-enabled", "false", "--custom-page-sizes-enabled", "false",
         "--custom-descriptors-enabled", "false", "--wide-arithmetic-enabled", "false",
         "--compact-imports-enabled", "false"]
OF_INTERP = ["--exceptions-enabled", "false", "--tail-call-enabled", "false", "--memory64-enabled",
             "false", "--max-memories", "1", "--relaxed-simd-enabled", "false",
             "--extended-const-enabled", "false"]

# A trap's kind by words in the text of the engine that says it.
KINDS = [("unaligned", "unaligned"), ("divide by zero", "divide"), ("integer overflow", "overflow"),
         ("invalid conversion", "conversion"), ("out of bounds memory", "memory"),
         ("memory", "memory"), ("undefined element", "table"),
         ("undefined table index", "table"), ("table", "table"), ("uninitialized", "table"),
         ("signature mismatch", "type"), ("type mismatch", "type"),
         ("unreachable", "unreachable"), ("stack", "stack"), ("fuel", "fuel"),
         ("null reference", "null"), ("null exception", "null"), ("exception", "exception"),
         ("thrown", "exception")]


class Differs(Exception):
    """Two engines do not agree, or one of them is gone."""


class TooSlow(Exception):
    """The interpreter is still at it: a module that ends may take it minutes."""


class Executor:
    def __init__(self, name, command, cache):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            env={**os.environ, "XDG_CACHE_HOME": str(cache)})
        self.asked = collections.deque()  # What it has not answered yet, in order.
        self.unsent = b""
        self.said = b""
        os.set_blocking(self.process.stdin.fileno(), False)

    def ask(self, lines):
        """The answers come later, one for each line. What the pipe has no room for is sent while
        they are waited for: the process, too, may wait until its answers are read."""
        self.asked.extend(lines)
        self.unsent += "".join(line + "\n" for line in lines).encode()
        self.send()

    def send(self):
        try:
            while self.unsent:
                sent = os.write(self.process.stdin.fileno(), self.unsent)
                self.unsent = self.unsent[sent:]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # Who waits for the answer says so.
            self.unsent = b""

    def answer(self):
        line = self.asked.popleft()
        interpreted = self.name.startswith("interp")
        seconds = INTERP_SECONDS_MAX if interpreted else ANSWER_SECONDS_MAX
        while b"\n" not in self.said:
            answers, room, _ = select.select([self.process.stdout],
                                             [self.process.stdin] if self.unsent else [], [],
                                             seconds)
            if not answers and not room:
                kind = TooSlow if interpreted else Differs
                raise kind(f"{self.name} takes more than {seconds} s")
            if room:
                self.send()
            if not answers:
                continue
            said = os.read(self.process.stdout.fileno(), 1 << 16)
            if not said:
                raise Differs(f"{self.name} ended with {self.process.wait()} at: {line}")
            self.said += said
        answer, _, self.said = self.said.partition(b"\n")
        return answer.decode(errors="replace").strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=ANSWER_SECONDS_MAX)


def kind_of(answer):
    for words, kind in KINDS:
        if words in answer:
            return kind
    return answer


class Run:
    """What one engine said of a module. It is made, then loaded, then called: all engines are asked
    before the first answer is waited for, and of all calls at once. Few turns of the processes, so
    that a module takes little on a busy machine, too."""

    def __init__(self, executor, module, names, fuel):
        self.name = executor.name
        self.executor = executor
        self.names = names
        self.answers = []
        self.refused = ""
        self.ends_early = False  # By its stack, whose depth is each engine's own.
        executor.ask([f"module - {module}" + (f" {fuel}" if fuel else "")])

    def load(self):
        said = self.executor.answer()
        self.refused = said if said.startswith("refused") else ""
        self.note("load", said)
        if said != "made":
            self.names = []
        self.executor.ask(["call " + name.encode().hex() for name in self.names])

    def call(self):
        for name in self.names:
            self.note(name, self.executor.answer())

    def note(self, name, said):
        if self.ends_early:
            return
        if said.startswith("trapped"):
            kind = kind_of(said)
            self.ends_early = kind == "stack"
            said = f"trapped {kind}"
        self.answers.append(f"{name}: {said}")


def compare(first, other):
    for a, b in zip(first.answers, other.answers):
        if "trapped stack" in a or "trapped stack" in b:
            return
        if a != b:
            raise Differs(f"{first.name}: {a}\n{other.name}: {b}")


class Fuzzer:
    def __init__(self, options, scratch):
        self.options = options
        self.scratch = scratch
        executor = options.build / "tests/spec/executor"
        cache = scratch / "cache"
        cache.mkdir()
        self.commands = {
            "jit": [executor, "jit", "guard"],
            "jit check": [executor, "jit", "check", "virtual"],
            "jit check, real time": [executor, "jit", "check"],
            "interp": [executor, "interp"],
            "wasmtime": [sys.executable, HERE / "wasmtime_executor.py", wasmtime_folder()],
        }
        self.cache = cache
        self.executors = {}
        self.smith = core_tests.wasm_tools()
        self.modules = collections.Counter()
        self.skipped = collections.Counter()
        self.open_nans = 0
        self.findings = []

    def executor(self, name):
        if name not in self.executors:
            self.executors[name] = Executor(name, self.commands[name], self.cache)
        return self.executors[name]

    def by_smith(self, rng, of_interp):
        seed = self.scratch / "seed"
        seed.write_bytes(rng.randbytes(rng.choice((200, 1_000, 4_000))))
        made = subprocess.run([self.smith, "smith", *SMITH, *(OF_INTERP if of_interp else []),
                               seed], capture_output=True, check=False)
        if made.returncode != 0:
            raise observed.Unobservable(f"smith: {made.stderr.decode()[-80:].strip()}")
        return made.stdout

    def one(self, number):
        rng = random.Random(f"{self.options.seed}/{number}")
        of_interp = rng.random() < 0.5
        generator = "smith" if rng.random() < 0.5 else "loops"
        self.modules[generator] += 1
        if generator == "smith":
            binary = self.by_smith(rng, of_interp)
        else:
            binary = loops.make(rng, of_interp)
        seen = observed.Observed(binary, rng.random())
        module = self.scratch / "module.wasm"
        module.write_bytes(seen.binary)
        try:
            self.run(module, seen, of_interp, rng)
        except Differs as difference:
            self.keep(number, generator, seen.binary, str(difference))

    def run(self, module, seen, of_interp, rng):
        names = ["jit", "jit check", "interp" if of_interp else "wasmtime"]
        if of_interp and rng.random() < 0.25:
            names.append("wasmtime")
        fuel = rng.randrange(1, 3_000) if of_interp and seen.calls and rng.random() < 0.5 else 0
        calls = seen.calls + seen.leaves
        runs = self.ran(names, module, calls)
        if runs[0].refused:
            if "proposal" not in runs[0].refused:
                raise Differs(runs[0].refused)
            raise observed.Unobservable(runs[0].refused.split('"')[1])
        for run in runs[1:]:
            self.compare(runs[0], run, module, calls)
        if fuel:
            call = rng.choice(seen.calls)  # What a call leaves of its last portion is lost.
            runs = self.ran(names[:3], module, [call], fuel)
            for run in runs[1:]:
                compare(runs[0], run)

    def ran(self, names, module, calls, fuel=0):
        runs = [Run(self.executor(name), module, calls, fuel) for name in names]
        for run in runs:
            run.load()
        for run in runs:
            run.call()
        return runs

    def compare(self, first, run, module, calls):
        """smith leaves open which NaN two instructions give: wasmtime's is another one than jit's
        and interp's, and in virtual time there is one NaN."""
        try:
            compare(first, run)
        except Differs:
            text = subprocess.run([self.smith, "print", module], capture_output=True, check=True)
            if (run.name == "interp"
                    or not re.search(rb"f32\.demote_f64|f64\.promote_f32", text.stdout)):
                raise
            if run.name == "jit check":
                real, = self.ran(["jit check, real time"], module, calls)
                compare(first, real)
            self.open_nans += 1

    def keep(self, number, generator, binary, text):
        self.options.keep.mkdir(parents=True, exist_ok=True)
        stem = self.options.keep / f"differential-{self.options.seed}-{number}"
        stem.with_suffix(".wasm").write_bytes(binary)
        stem.with_suffix(".txt").write_text(text + "\n")
        self.findings.append(f"{stem.name} ({generator}): {text}")
        print("FAIL  " + self.findings[-1], flush=True)
        self.stop()

    def stop(self):
        for executor in self.executors.values():
            executor.process.kill()
            executor.process.wait()
        self.executors = {}

    def fuzz(self):
        end = time.monotonic() + self.options.seconds
        number = self.options.first
        while time.monotonic() < end and len(self.findings) < FINDINGS_MAX:
            try:
                self.one(number)
            except observed.Unobservable as why:
                self.skipped[str(why)] += 1
            except TooSlow as why:
                self.skipped[str(why)] += 1
                self.stop()
            number += 1
            if self.options.only:
                break
        for executor in self.executors.values():
            executor.close()


def wasmtime_folder():
    """Where pip has put it."""
    folder = core_tests.CACHE / f"wasmtime-{WASMTIME}"
    if not (folder / "wasmtime").exists():
        core_tests.CACHE.mkdir(parents=True, exist_ok=True)
        core_tests.fetch(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target",
                         folder, f"wasmtime=={WASMTIME}", cwd=core_tests.CACHE)
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="the number of the first module")
    parser.add_argument("--only", action="store_true", help="that module alone")
    parser.add_argument("--keep", type=pathlib.Path, default=ROOT / "build/fuzz/findings")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.keep = options.keep.resolve()
    try:
        with tempfile.TemporaryDirectory(prefix="weft-differential-") as scratch:
            fuzzer = Fuzzer(options, pathlib.Path(scratch))
            fuzzer.fuzz()
    except core_tests.Unavailable as why:
        print(f"{why}\n0 passed, 1 failed")
        return 1
    for generator, count in fuzzer.modules.items():
        print(f"{generator}: {count} modules")
    for why, count in fuzzer.skipped.most_common(8):
        print(f"not compared: {count}: {why}")
    if fuzzer.open_nans:
        print(f"compared in part: {fuzzer.open_nans}: which NaN it gives is open")
    compared = fuzzer.modules.total() - fuzzer.skipped.total() - len(fuzzer.findings)
    print(f"{compared} passed, {len(fuzzer.findings)} failed")
    return 0 if compared and not fuzzer.findings else 1


if __name__ == "__main__":
    sys.exit(main())
