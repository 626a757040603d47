#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers as tests/spec/executor does, by wasmtime (PyPI: wasmtime). The folder that pip brought it
into is the argument."""

import sys

sys.path.insert(0, sys.argv[1])
import wasmtime  # pylint: disable=wrong-import-position


def make_engine():
    config = wasmtime.Config()
    config.cranelift_nan_canonicalization = True
    config.wasm_relaxed_simd_deterministic = True
    for feature in ("simd", "relaxed_simd", "tail_call", "memory64", "multi_memory", "exceptions",
                    "multi_value", "bulk_memory", "reference_types", "function_references", "gc",
                    "threads"):
        setattr(config, f"wasm_{feature}", True)
    config.parallel_compilation = False
    config.cranelift_opt_level = "none"
    config.memory_reservation = 1 << 20
    config.memory_guard_size = 1 << 16
    return wasmtime.Engine(config)


class Executor:
    def __init__(self):
        self.engine = make_engine()
        self.store = self.instance = None

    def load(self, path):
        self.store = self.instance = None
        self.store = wasmtime.Store(self.engine)
        module = wasmtime.Module.from_file(self.engine, path)
        try:
            self.instance = wasmtime.Instance(self.store, module, [])
        except wasmtime.Trap as trap:
            return f"trapped {trap.message.splitlines()[-1]}"
        return "made"

    def call(self, hexed):
        function = self.instance.exports(self.store)[bytes.fromhex(hexed).decode()]
        values = function(self.store)
        if values is None:
            values = []
        elif not isinstance(values, list):
            values = [values]
        return " ".join(["returned", *(f"{value % 2**64:x}" for value in values)])

    def answer(self, line):
        words = line.split()
        try:
            return self.load(words[2]) if words[0] == "module" else self.call(words[1])
        except wasmtime.Trap as trap:
            return f"trapped {trap.message.splitlines()[-1]}"
        except wasmtime.WasmtimeError as error:
            text = " ".join(str(error).split())
            if "wasm trap" in text or "thrown" in text or "exception" in text:
                return "trapped " + text[-200:]
            return "refused " + text


def main():
    executor = Executor()
    for line in sys.stdin:
        print(executor.answer(line), flush=True)


main()
