# SPDX-License-Identifier: Apache-2.0
"""Runs the official WASI test suite on weft: the adapter that its current runner loads as a module.

    WEFT=build/release/tools/weft ./run-tests --runtime-adapter .../tools/wasi_testsuite_module.py

WEFT is the binary to test. WEFT_ENGINE is the engine, interp when it is not set. WEFT_BESIDE names
a module of which eight copies run beside each test, so that every call is interleaved with those
of others; it must end by itself and print nothing.

The runner asks for a name, a version and a command line; it starts that itself. How its arguments
look has changed over time, so any further ones are accepted.
"""

import os
import pathlib
import shlex
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BESIDE_COPIES = 8


def weft():
    built = ROOT / "build" / "release" / "tools" / "weft"
    return shlex.split(os.environ.get("WEFT") or (str(built) if built.exists() else "weft"))


def get_name():
    return "weft"


def get_version():
    said = subprocess.run([*weft(), "--version"], check=True, capture_output=True, text=True).stdout
    return said.split()[1]


def get_wasi_versions():
    return ["wasm32-wasip1"]


def get_wasi_worlds():
    return ["wasi:cli/command"]


def directories(given):
    """A root, or pairs of a host's directory and the guest's name for it."""
    if not given:
        return []
    if isinstance(given, (str, pathlib.PurePath)):
        return [f"{given}::/"]
    return [f"{host}::{guest}" for host, guest in given]


def compute_argv(test_path, args_env_dirs, *_):
    args, env, dirs = args_env_dirs
    argv = [*weft(), "run", "--engine", os.environ.get("WEFT_ENGINE", "interp")]
    for name, value in env.items():
        argv += ["--env", f"{name}={value}"]
    for directory in directories(dirs):
        argv += ["--dir", directory]
    argv += [str(test_path), *args]
    beside = os.environ.get("WEFT_BESIDE")
    return [*argv, ":::", "-n", str(BESIDE_COPIES), beside] if beside else argv
