#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs WebAssembly's core tests, or ours, through weft's engines.

    tests/spec/run.py BUILDDIR [--engine NAME] [FILE.wast...]

Without files: those of this folder and, when the variable WEFT_SPEC_TESTS names a folder, all
*.wast in that (a checkout of github.com/WebAssembly/testsuite; docs/conformance.md says which).
wast2json of wabt takes them apart; the program tests/spec/executor loads the modules and calls
their functions.

Prints a line for each file: how many assertions passed, failed, and do not apply (with the reasons:
a module that imports what weft does not offer, text that is no binary, globals that only a host
with access to them can read). Then each failure, and `N passed, N failed`.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
FILE_SECONDS_MAX = 1_200

# What the tests call a trap, and how weft's answer begins.
TRAPS = {
    "integer divide by zero": "integer divide by zero",
    "integer overflow": "integer overflow",
    "invalid conversion to integer": "invalid conversion to integer",
    "out of bounds memory access": "out of bounds memory access",
    "out of bounds table access": "out of bounds table access",
    "undefined element": "bad indirect call: undefined table index",
    "undefined": "bad indirect call: undefined table index",
    "uninitialized element": "bad indirect call: uninitialized table element",
    "uninitialized": "bad indirect call: uninitialized table element",
    "indirect call type mismatch": "bad indirect call: indirect call signature mismatch",
    "indirect call": "bad indirect call: indirect call signature mismatch",
    "unreachable": "unreachable executed",
    "uncaught exception": "uncaught exception",
    "null exception reference": "null exception reference",
    "call stack exhausted": "stack overflow",
}

LANE_BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}
QUIET = {"f32": (0x7fffffff, 0x7fc00000), "f64": (0x7fffffffffffffff, 0x7ff8000000000000)}


class NotApplicable(Exception):
    """Why an assertion says nothing about weft."""


# --- values ---

def words_of(value):
    """A value of wast2json's JSON as 64-bit words."""
    kind, text = value["type"], value["value"]
    if kind == "v128":
        bits = 0
        for index, lane in enumerate(text):
            bits |= int(lane) << (index * LANE_BITS[value["lane_type"]])
        return [bits & (2**64 - 1), bits >> 64]
    if kind in ("externref", "funcref"):
        return [0 if text == "null" else int(text) + 1]
    return [int(text)]


def lane_is(kind, expected, bits):
    if expected in ("nan:canonical", "nan:arithmetic"):
        mask, quiet = QUIET[kind]
        if expected == "nan:canonical":
            return bits & mask == quiet
        return bits & quiet == quiet
    return bits == int(expected)


def is_expected(value, words):
    """Takes the value's words off the front of `words`."""
    kind, text = value["type"], value.get("value")
    bits = words.pop(0)
    if kind == "v128":
        bits |= words.pop(0) << 64
        width = LANE_BITS[value["lane_type"]]
        return all(lane_is(value["lane_type"], lane, bits >> (index * width) & (2**width - 1))
                   for index, lane in enumerate(text))
    if kind == "externref":
        return bits == (0 if text == "null" else int(text) + 1)
    if kind == "funcref":
        return (bits == 0) == (text == "null")
    return lane_is(kind, text, bits)


# --- one file ---

class Executor:
    def __init__(self, build, engine, cache):
        self.process = subprocess.Popen(
            [build / "tests/spec/executor", engine], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, errors="replace", env={**os.environ, "XDG_CACHE_HOME": str(cache)})

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise EOFError(f"the executor ended with {self.process.wait()}")
        return answer

    def close(self):
        self.process.stdin.close()
        return self.process.wait(timeout=FILE_SECONDS_MAX)


class Script:
    """The commands of one .wast, against one executor."""

    def __init__(self, executor, folder, engine):
        self.executor = executor
        self.folder = folder
        self.engine = engine
        self.lacking = {}  # By a module's name, None for the last one: why it can't be called.
        self.registered = set()  # Names of modules that others may import.

    def load(self, command):
        name = command.get("name")
        answer = self.executor.ask("module", name or "-", str(self.folder / command["filename"]))
        lacking = None
        if answer.startswith("refused"):
            lacking = answer
            self.taint(answer)
        elif "[on interp]" in answer:
            lacking = f"vectors, which {self.engine} leaves to interp"
        self.lacking[None] = lacking
        if name:
            self.lacking[name] = lacking
        return answer

    def taint(self, answer):
        """A module that could not be made might have written into those that it imports."""
        for other in self.registered if "unknown import" in answer else ():
            self.lacking[other] = "links modules"

    def call(self, action):
        module = action.get("module")
        lacking = self.lacking.get(module, "a module of another file")
        if lacking:
            raise NotApplicable("imports" if "unknown import" in lacking else lacking)
        if action["type"] == "get":
            raise NotApplicable("reads a global")
        self.executor.ask("use", module or "-")
        words = [f"{word:x}" for arg in action["args"] for word in words_of(arg)]
        return self.executor.ask("call", action["field"].encode().hex(), *words)

    def check_call(self, command):
        answer = self.call(command["action"])
        kind = command["type"]
        if kind == "action":
            return "" if answer.startswith("returned") else answer
        if kind == "assert_return":
            if not answer.startswith("returned"):
                return answer
            words = [int(word, 16) for word in answer.split()[1:]]
            good = all(is_expected(value, words) for value in command["expected"])
            return "" if good and not words else answer
        return "" if answer.startswith("trapped " + self.trap(command["text"])) else answer

    @staticmethod
    def trap(text):
        for known in sorted(TRAPS, key=len, reverse=True):
            if text.startswith(known):
                return TRAPS[known]
        return text

    def check(self, command):
        """What is wrong, or "". Raises NotApplicable."""
        kind = command["type"]
        if kind == "module":
            answer = self.load(command)
            if "unknown import" in answer:
                raise NotApplicable("imports")
            if self.lacking[None] and not answer.startswith("refused"):
                raise NotApplicable(self.lacking[None])
            return "" if answer.startswith("made") else answer
        if kind in ("assert_return", "assert_trap", "assert_exhaustion", "action"):
            return self.check_call(command)
        if kind == "register":
            self.registered.add(command.get("name"))
            raise NotApplicable("links modules")
        if command.get("module_type") == "text":
            raise NotApplicable("text")
        answer = self.executor.ask("module", "-", str(self.folder / command["filename"]))
        self.executor.ask("use", "-")
        if kind in ("assert_invalid", "assert_malformed", "assert_unlinkable"):
            if kind == "assert_unlinkable" and "unknown import" not in answer:
                raise NotApplicable("links modules")
            return "" if answer.startswith("refused") else answer
        if kind == "assert_uninstantiable":
            self.taint(answer)
            if "unknown import" in answer:
                raise NotApplicable("imports")
            return "" if answer.startswith("trapped " + self.trap(command["text"])) else answer
        return f"an unknown command {kind}"


class Result:
    def __init__(self):
        self.passed = 0
        self.failures = []
        self.not_applicable = collections.Counter()


def remark(path, name):
    """The words of a remark at the beginning of a file, `;; NAME: WORDS`."""
    for line in path.read_text(errors="replace").splitlines()[:4]:
        if line.startswith(f";; {name}: "):
            return line.split(": ", 1)[1].split()
    return []


def run_file(path, options, cache):
    result = Result()
    with tempfile.TemporaryDirectory(prefix="weft-spec-") as scratch:
        parts = pathlib.Path(scratch, path.stem + ".json")
        made = subprocess.run(["wast2json", *remark(path, "wast2json"), path, "-o", parts],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            result.failures.append((0, f"wast2json: {made.stderr.strip()[:300]}"))
            return result
        executor = Executor(options.build, options.engine, cache)
        script = Script(executor, pathlib.Path(scratch), options.engine)
        for command in json.loads(parts.read_text())["commands"]:
            try:
                wrong = script.check(command)
            except NotApplicable as reason:
                result.not_applicable[str(reason)] += 1
                continue
            except (EOFError, BrokenPipeError) as error:
                result.failures.append((command["line"], str(error)))
                return result
            if wrong:
                wanted = command.get("text") or command.get("expected", "")
                result.failures.append(
                    (command["line"], f"{command['type']}: {wrong[:200]}; expected {wanted}"[:400]))
            else:
                result.passed += 1
        code = executor.close()
        if code != 0:
            result.failures.append((0, f"the executor ended with {code}"))
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--engine", default="interp")
    options = parser.parse_args()
    options.build = options.build.resolve()
    files = options.files or sorted(HERE.glob("*.wast"))
    if not options.files and "WEFT_SPEC_TESTS" in os.environ:
        files += sorted(pathlib.Path(os.environ["WEFT_SPEC_TESTS"]).glob("*.wast"))
    cache = options.build / "cache"
    cache.mkdir(exist_ok=True)
    total = Result()
    for path in files:
        engines = remark(path, "engines")
        if engines and options.engine not in engines:
            print(f"--    {path.name}: for {', '.join(engines)}")
            continue
        result = run_file(path, options, cache)
        total.passed += result.passed
        total.failures += [(path.name, *failure) for failure in result.failures]
        total.not_applicable += result.not_applicable
        reasons = ", ".join(f"{count} {why}" for why, count in result.not_applicable.items())
        print(f"{'FAIL' if result.failures else 'ok':4}  {path.name}: {result.passed} passed, "
              f"{len(result.failures)} failed; not applicable: {reasons or 0}", flush=True)
    for name, line, text in total.failures:
        print(f"      {name}:{line}: {text}")
    reasons = ", ".join(f"{count} {why}" for why, count in total.not_applicable.most_common())
    print(f"not applicable: {total.not_applicable.total()} ({reasons})")
    print(f"{total.passed} passed, {len(total.failures)} failed")
    return 0 if total.passed and not total.failures else 1


if __name__ == "__main__":
    sys.exit(main())
