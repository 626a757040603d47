#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs WebAssembly's core tests, or ours, through weft's engines.

    tests/spec/run.py BUILDDIR [--engine NAME] [--words WORDS] [FILE.wast...]
    tests/spec/run.py BUILDDIR [--engine NAME] [--words WORDS] --core

Without files: those of this folder, which wast2json of wabt takes apart. With --core: the official
tests of WebAssembly 3.0 and of the proposals in scope (tests/spec/core_tests.py says where they
come from), which wasm-tools takes apart; whether modules are valid is left to
tests/spec/validation.py. The program tests/spec/executor loads the modules and calls their
functions.

Prints a line for each file, with --core for each folder: how many assertions passed, failed, and do
not apply (with the reasons: a module that imports what weft does not offer, text that is no binary,
globals that only a host with access to them can read, a proposal that weft refuses by name). Then
each failure, and `N passed, N failed`.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import core_tests

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
    "unaligned atomic": "trap: unaligned atomic",
    "expected shared memory": "trap: atomic wait on a memory that is not shared",
}

# Commands that call a function.
CALLS = ("assert_return", "assert_trap", "assert_exhaustion", "assert_exception", "action")

LANE_BITS = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "f32": 32, "f64": 64}
REFERENCES = ("externref", "funcref", "exnref", "anyref")
NULLS = ("refnull", "nullref", "nullfuncref", "nullexnref", "nullexternref")
QUIET = {"f32": (0x7fffffff, 0x7fc00000), "f64": (0x7fffffffffffffff, 0x7ff8000000000000)}


class NotApplicable(Exception):
    """Why an assertion says nothing about weft."""


# --- values ---

def words_of(value):
    """A value of wast2json's JSON as 64-bit words."""
    kind, text = value["type"], value.get("value", "null")
    if kind == "v128":
        bits, width = 0, LANE_BITS[value["lane_type"]]
        for index, lane in enumerate(text):
            bits |= int(lane) % 2**width << (index * width)
        return [bits & (2**64 - 1), bits >> 64]
    if kind in REFERENCES:
        return [0 if text == "null" else int(text) + 1]
    return [int(text) % 2**LANE_BITS[kind]]


def lane_is(kind, expected, bits):
    if expected in ("nan:canonical", "nan:arithmetic"):
        mask, quiet = QUIET[kind]
        if expected == "nan:canonical":
            return bits & mask == quiet
        return bits & quiet == quiet
    return bits == int(expected) % 2**LANE_BITS[kind]


def is_expected(value, words):
    """Takes the value's words off the front of `words`."""
    kind, text = value["type"], value.get("value")
    if kind == "either":
        answers = [(choice, list(words)) for choice in value["values"]]
        del words[:2 if value["values"][0]["type"] == "v128" else 1]
        return any(is_expected(choice, copy) for choice, copy in answers)
    bits = words.pop(0)
    if kind == "v128":
        bits |= words.pop(0) << 64
        width = LANE_BITS[value["lane_type"]]
        return all(lane_is(value["lane_type"], lane, bits >> (index * width) & (2**width - 1))
                   for index, lane in enumerate(text))
    if kind == "externref" and text is not None:
        return bits == (0 if text == "null" else int(text) + 1)
    if kind in REFERENCES:
        return (bits == 0) == (text == "null")
    if kind in NULLS:
        return bits == 0
    return lane_is(kind, text, bits)


# --- one file ---

class Executor:
    def __init__(self, options, words=()):
        self.process = subprocess.Popen(
            [options.build / "tests/spec/executor", options.engine, *options.words.split(), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace",
            env={**os.environ, "XDG_CACHE_HOME": str(options.cache)})

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
        self.last = None  # The name of the last module.
        self.registered = set()  # Names of modules that others may import.
        self.definitions = {}  # Modules that are made later, by name.

    def load(self, command):
        name = command.get("name") or command.get("instance")
        path = command.get("binary_filename") or command["filename"]
        answer = self.executor.ask("module", name or "-", str(self.folder / path))
        lacking = None
        if proposal := refused_proposal(answer):
            lacking = f"needs {proposal}"
        elif answer.startswith("refused"):
            lacking = answer
            self.taint(answer)
        elif "[on interp]" in answer:
            lacking = f"vectors, which {self.engine} leaves to interp"
        self.lacking[None] = lacking
        self.last = name
        if name:
            self.lacking[name] = lacking
        return answer

    def taint(self, answer):
        """A module that could not be made might have written into those that it imports."""
        for other in self.registered if "unknown import" in answer else ():
            self.lacking[other] = "links modules"

    def call(self, action):
        module = action.get("module")
        lacking = self.lacking.get(module, "module that was not made")
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
        if kind == "assert_exception":
            return "" if answer.startswith("trapped uncaught exception") else answer
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
        if kind == "module_definition":
            self.definitions[command.get("name")] = command
            return ""
        if kind == "module_instance":
            command = {**self.definitions[command["module"]], "name": command["instance"]}
        if kind in ("module", "module_instance"):
            answer = self.load(command)
            if "unknown import" in answer:
                raise NotApplicable("imports")
            refused = answer.startswith("refused") and not refused_proposal(answer)
            if self.lacking[None] and not refused:
                raise NotApplicable(self.lacking[None])
            return "" if answer.startswith("made") else answer
        if kind in CALLS:
            return self.check_call(command)
        if kind == "register":
            self.registered |= {command.get("name"), command.get("name") or self.last}
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


def refused_proposal(answer):
    found = re.match(r'refused .*uses the WebAssembly proposal "([^"]*)"', answer)
    return found and found[1]


class Result:
    def __init__(self):
        self.passed = 0
        self.failures = []
        self.not_applicable = collections.Counter()

    def add(self, other, name=None):
        """What another one found, its failures under this name."""
        self.passed += other.passed
        self.failures += [(name, *failure) if name else failure for failure in other.failures]
        self.not_applicable += other.not_applicable


def remark(path, name):
    """The words of a remark at the beginning of a file, `;; NAME: WORDS`."""
    for line in path.read_text(errors="replace").splitlines()[:4]:
        if line.startswith(f";; {name}: "):
            return line.split(": ", 1)[1].split()
    return []


def take_apart(path, folder):
    """The commands of one of our files, whose modules go into `folder`; or why there are none."""
    parts = pathlib.Path(folder, path.stem + ".json")
    made = subprocess.run(["wast2json", *remark(path, "wast2json"), path, "-o", parts],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return None, f"wast2json: {made.stderr.strip()[:300]}"
    return json.loads(parts.read_text())["commands"], ""


def run_commands(commands, folder, executor, options, result):
    """Adds what came of them to `result`."""
    script = Script(executor, folder, options.engine)
    for command in commands:
        try:
            wrong = script.check(command)
        except NotApplicable as reason:
            result.not_applicable[str(reason)] += 1
            continue
        except (EOFError, BrokenPipeError) as error:
            result.failures.append((command["line"], str(error)))
            return
        if wrong:
            wanted = command.get("text") or command.get("expected", "")
            result.failures.append(
                (command["line"], f"{command['type']}: {wrong[:200]}; expected {wanted}"[:400]))
        else:
            result.passed += 1
    code = executor.close()
    if code != 0:
        result.failures.append((0, f"the executor ended with {code}"))


def run_file(path, options):
    result = Result()
    with tempfile.TemporaryDirectory(prefix="weft-spec-") as scratch:
        commands, why = take_apart(path, scratch)
        if commands is None:
            result.failures.append((0, why))
        else:
            executor = Executor(options, remark(path, "words"))
            run_commands(commands, pathlib.Path(scratch), executor, options, result)
    return result


def run_core_files(folder, files, options):
    """Files of the official tests, as one result."""
    whole = Result()
    if not files:
        whole.failures.append((folder, 0, "there are no tests"))
    for path in files:
        result = Result()
        commands = [command for command in core_tests.take_apart(path)
                    if command["type"] not in core_tests.INVALID]
        run_commands(commands, pathlib.Path(), Executor(options), options, result)
        whole.add(result, f"{folder}/{path.name}")
    return whole


def report(name, result):
    reasons = ", ".join(f"{count} {why}" for why, count in result.not_applicable.items())
    print(f"{'FAIL' if result.failures else 'ok':4}  {name}: {result.passed} passed, "
          f"{len(result.failures)} failed; not applicable: {reasons or 0}", flush=True)


def run_ours(options, total):
    for path in options.files or sorted(HERE.glob("*.wast")):
        engines = remark(path, "engines")
        if engines and options.engine not in engines:
            print(f"--    {path.name}: for {', '.join(engines)}")
            continue
        result = run_file(path, options)
        total.add(result, path.name)
        report(path.name, result)


def run_core(options, total):
    try:
        folders = {folder: sorted((core_tests.files() / folder).rglob("*.wast"))
                   for folder in core_tests.FOLDERS}
        folders["proposals/threads, not shared"] = [core_tests.unshared_atomics()]
        for folder, files in folders.items():
            result = run_core_files(folder, files, options)
            total.add(result)
            report(folder, result)
    except core_tests.Unavailable as error:
        total.failures.append(("core tests", 0, str(error)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    parser.add_argument("--engine", default="interp")
    parser.add_argument("--words", default="", help="for the executor: guard, check, virtual")
    parser.add_argument("--core", action="store_true", help="the official tests")
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.cache = options.build / "cache"
    options.cache.mkdir(exist_ok=True)
    total = Result()
    (run_core if options.core else run_ours)(options, total)
    for name, line, text in total.failures:
        print(f"      {name}:{line}: {text}")
    reasons = ", ".join(f"{count} {why}" for why, count in total.not_applicable.most_common())
    print(f"not applicable: {total.not_applicable.total()} ({reasons})")
    print(f"{total.passed} passed, {len(total.failures)} failed")
    return 0 if total.passed and not total.failures else 1


if __name__ == "__main__":
    sys.exit(main())
