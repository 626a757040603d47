#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one module of the official WASI test suite on weft, as a command.

    tools/wasi_testsuite_adapter.py --version
    tools/wasi_testsuite_adapter.py [--env K=V] [--dir HOST[::GUEST]] test.wasm [ARGS]
    tools/wasi_testsuite_adapter.py [--env K=V] [--dir HOST] [--arg ARG] --test-file test.wasm

The last form is what older runners of the suite call; the current one loads
wasi_testsuite_module.py, which this uses. The exit code is the module's. WEFT and
WEFT_BESIDE are explained there.
"""

import argparse
import os
import sys

import wasi_testsuite_module as module


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="store_true", help="print weft's name and version")
    parser.add_argument("--test-file", help="the module, for older runners")
    parser.add_argument("--arg", action="append", default=[], help="an argument of --test-file")
    parser.add_argument("--env", action="append", default=[], metavar="K=V")
    parser.add_argument("--dir", action="append", default=[], metavar="HOST[::GUEST]")
    parser.add_argument("module", nargs=argparse.REMAINDER, help="the module and its arguments")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    if options.version:
        print(module.get_name(), module.get_version())
        return 0
    test, *args = [*options.module, *options.arg] if options.module else [
        options.test_file, *options.arg]
    if test is None:
        print("no module given; see --help", file=sys.stderr)
        return 64
    env = dict(variable.split("=", 1) for variable in options.env)
    dirs = [(directory, directory) if "::" not in directory else directory.split("::", 1)
            for directory in options.dir]
    argv = module.compute_argv(test, (args, env, dirs))
    os.execvp(argv[0], argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
