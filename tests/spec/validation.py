#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is a module accepted exactly when it is valid? The official core tests of WebAssembly 3.0.

    tests/spec/validation.py BUILDDIR

Every binary module of the tests of core 3.0 and of the proposals that are in scope beside it goes
through the front's validator (tests/spec/validator): what the tests call a module has to be
accepted, what they call malformed or invalid has to be refused. Not counted, with the reasons: text
that is no binary; modules of proposals that weft refuses by name; what an older proposal's folder
calls invalid and 3.0 does not.

Prints a line for each folder, each failure, and `N passed, N failed`.
"""

import argparse
import collections
import pathlib
import subprocess
import sys

import core_tests

# Assertions of proposals' folders that later proposals made untrue, by the text that they expect.
SUPERSEDED = {
    "zero byte expected": "multi-memory",
    "zero flag expected": "multi-memory",
    "multiple memories": "multi-memory",
    "multiple tables": "reference-types",
    "integer representation too long": "memory64",
}
# A test of the proposal reference-types that 3.0 changed: operands of any type stay so.
SUPERSEDED_FILES = {("reference-types", "unreached-invalid.wast", 540): "function-references"}

VALID = {"module", "module_definition", "assert_unlinkable", "assert_uninstantiable"}


class Validator:
    def __init__(self, build):
        self.process = subprocess.Popen([build / "tests/spec/validator"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, errors="replace")

    def ask(self, path):
        """"" when it is valid, else why it is refused."""
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise EOFError(f"the validator ended with {self.process.wait()} on {path}")
        return answer.strip().removeprefix("valid").removeprefix("refused: ")


def superseded(wast, command):
    folder = wast.parent.name
    if command["type"] not in core_tests.INVALID or "proposals" not in wast.parts:
        return None
    named = SUPERSEDED_FILES.get((folder, wast.name, command["line"]))
    return named or SUPERSEDED.get(command.get("text"))


def check(wast, validator, tally, failures):
    for command in core_tests.take_apart(wast):
        kind = command["type"]
        if kind not in VALID | core_tests.INVALID:
            continue
        if command.get("module_type") == "text" or command["filename"].suffix != ".wasm":
            tally["text"] += 1
            continue
        said = validator.ask(command["filename"])
        if "uses the WebAssembly proposal" in said:
            tally["refused by name"] += 1
        elif (said == "") == (kind in VALID):
            tally["passed"] += 1
        elif by := superseded(wast, command):
            tally[f"superseded by {by}"] += 1
        else:
            failures.append(f"{wast.name}:{command['line']}: {kind}: {said or 'accepted'}; "
                            f"expected {command.get('text', 'to be accepted')}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    options = parser.parse_args()
    passed, failures = 0, []
    try:
        data = core_tests.files()
        validator = Validator(options.build.resolve())
        for folder in core_tests.FOLDERS:
            tally = collections.Counter()
            before = len(failures)
            wasts = sorted((data / folder).rglob("*.wast"))
            if not wasts:
                failures.append(f"{folder}: there are no tests")
            for wast in wasts:
                check(wast, validator, tally, failures)
            passed += tally["passed"]
            rest = ", ".join(f"{count} {name}" for name, count in sorted(tally.items())
                             if name != "passed")
            print(f"{folder}: {len(wasts)} files, {tally['passed']} passed, "
                  f"{len(failures) - before} failed" + (f" ({rest})" if rest else ""), flush=True)
    except (core_tests.Unavailable, EOFError) as error:
        failures.append(str(error))
    for failure in failures:
        print(f"FAIL  {failure}")
    print(f"{passed} passed, {len(failures)} failed")
    return 0 if passed and not failures else 1


if __name__ == "__main__":
    sys.exit(main())
