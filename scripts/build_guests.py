#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds WebAssembly guests from C, Go, Rust and WAT sources.

    scripts/build_guests.py SOURCES OUTDIR [--stamp FILE]

Every SOURCES/**/NAME.{c,go,rs,wat} is one whole program and becomes OUTDIR/LANGUAGE_NAME.wasm, for
instance c_hello.wasm, go_hello.wasm, wat_hello.wasm. C goes through clang and wasi-libc, Go through
`GOOS=wasip1 GOARCH=wasm go build`, Rust through a rustc that scripts/rust.sh finds, WAT through
wabt's wat2wasm: real compilers, real guests.

One run at a time fills an OUTDIR; another one waits. FILE is made when all guests are there.

A guest is built again only when its source, a header beside it, its compiler's version or the
command changed; the key of the last build lies beside it in OUTDIR/.keys. A guest whose source is
gone is removed. A missing tool is an error that names the tool and the command that installs it;
nothing is ever skipped.

A guest is the same, byte by byte, on every machine that has the same compilers, wherever the
sources lie. Compilers see none of the user's settings (CFLAGS, GOFLAGS, CPATH), only where tools
and temporary files are. And clang compiles and links in two steps, the second without
-O: a clang that is asked to optimize while it links runs wasm-opt, if it finds one, and that drops
names and lines.
"""

import argparse
import concurrent.futures
import fcntl
import hashlib
import itertools
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARALLEL = 2


class BuildError(Exception):
    """What went wrong, ready for the terminal."""


# Where things are.
PLACES = ("PATH", "HOME", "TMPDIR")


def plain_environment(**settings):
    """What a compiler sees of the user's environment."""
    kept = {name: value for name, value in os.environ.items()
            if name in PLACES or name.startswith("WEFT_")}
    return {**kept, "LC_ALL": "C", **settings}


def output_of(command, tool, environment):
    """Returns what a command that asks a tool for its version prints."""
    try:
        return subprocess.run(command, env=environment, check=True, capture_output=True,
                              text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or "").strip().splitlines()
        raise BuildError(f"{tool} is missing ({said[-1] if said else error}). "
                         "Run scripts/deps.sh guests") from error


def found_by(script, what):
    """The path that one of scripts/*.sh prints."""
    return output_of([str(ROOT / "scripts" / script)], what, plain_environment())


class Language:
    """How one kind of source becomes a guest. The tool is looked up on first use."""

    def __init__(self, name, find_tool, version_args, commands, environment=None):
        self.name = name
        self.find_tool = find_tool
        self.version_args = version_args
        self.make_commands = commands
        self.environment = plain_environment(**(environment or {}))
        self.tool = None
        self.version = None

    def prepare(self):
        self.tool = self.find_tool()
        self.version = output_of(
            [self.tool, *self.version_args], self.tool, self.environment)

    def commands(self, source, wasm):
        """One after the other."""
        return self.make_commands(self.tool, str(source), str(wasm))


def c_commands(tool, source, wasm):
    target = [tool, "--target=wasm32-wasi", "--sysroot=/usr"]
    compiled = f"{wasm}.o"
    return [
        [*target, "-std=gnu11", "-O1", "-gline-tables-only", "-fdebug-compilation-dir=.", "-Wall",
         "-Wextra", "-Wno-infinite-recursion", "-c", source, "-o", compiled],
        [*target, compiled, "-o", wasm]]


# Go as a newcomer has it: no settings of the user, no download of another toolchain. What it
# compiled before is kept beside everything else that is built.
GO_SETTINGS = {
    "GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local", "GOENV": "off", "GOWORK": "off",
    "GO111MODULE": "off", "CGO_ENABLED": "0", "GOPATH": str(ROOT / "build" / "cache" / "gopath"),
    "GOCACHE": str(ROOT / "build" / "cache" / "go"),
}

LANGUAGES = {
    ".c": Language(
        "c", lambda: found_by("clang.sh", "a clang that builds for WASI"), ["--version"],
        c_commands),
    ".go": Language(
        "go", lambda: found_by("go.sh", "Go 1.21 or newer"), ["version"],
        lambda tool, source, wasm: [
            [tool, "build", "-trimpath", "-ldflags=-buildid=", "-o", wasm, source]],
        GO_SETTINGS),
    ".rs": Language(
        "rust", lambda: found_by("rust.sh", "a rustc that builds for WASI"), ["--version"],
        lambda tool, source, wasm: [
            [tool, "-O", "-C", "strip=debuginfo", "-C", "linker=wasm-ld", "-o", wasm, source]]),
    ".wat": Language(
        "wat", lambda: "wat2wasm", ["--version"],
        lambda tool, source, wasm: [[tool, "--debug-names", "-o", wasm, source]]),
}


class Guest:
    """One source file and the module it becomes."""

    def __init__(self, source, outdir):
        self.source = source
        self.language = LANGUAGES[source.suffix]
        self.wasm = outdir / f"{self.language.name}_{source.stem}.wasm"
        self.key_file = outdir / ".keys" / self.wasm.name

    def key(self):
        commands = self.language.commands(self.source.name, self.wasm.name)
        parts = [self.language.version, *itertools.chain(*commands)]
        headers = sorted(self.source.parent.glob("*.h")) if self.source.suffix == ".c" else []
        sources = b"".join(path.read_bytes() for path in [self.source, *headers])
        return hashlib.sha256("\0".join(parts).encode() + sources).hexdigest()

    def is_current(self):
        return (self.wasm.exists() and self.key_file.exists()
                and self.key_file.read_text() == self.key())

    def build(self):
        """Builds into a temporary name first: an interrupted build leaves no half guest."""
        partial = self.wasm.with_suffix(".partial")
        for command in self.language.commands(self.source.name, partial):
            done = subprocess.run(
                command, cwd=self.source.parent, env=self.language.environment,
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise BuildError(f"{self.source}: {shlex.join(command)}\n{done.stderr.strip()}")
        pathlib.Path(f"{partial}.o").unlink(missing_ok=True)
        partial.replace(self.wasm)
        self.key_file.write_text(self.key())
        return self.wasm


def find_guests(sources, outdir):
    guests = [Guest(path, outdir) for path in sorted(sources.rglob("*"))
              if path.suffix in LANGUAGES]
    if not guests:
        raise BuildError(f"no .c, .go, .rs or .wat source in {sources}")
    if len({guest.wasm for guest in guests}) != len(guests):
        raise BuildError(f"two sources in {sources} share one name and language")
    return guests


def remove_strays(guests, outdir):
    wanted = {guest.wasm.name for guest in guests}
    for wasm in outdir.glob("*.wasm"):
        if wasm.name not in wanted and (outdir / ".keys" / wasm.name).exists():
            wasm.unlink()


def build_all(sources, outdir):
    """Returns (how many guests there are, how many had to be built)."""
    guests = find_guests(sources, outdir)
    for language in {guest.language for guest in guests}:
        language.prepare()
    remove_strays(guests, outdir)
    stale = [guest for guest in guests if not guest.is_current()]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for wasm in pool.map(Guest.build, stale):
            print(f"  built {wasm.name}", flush=True)
    return len(guests), len(stale)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sources", type=pathlib.Path)
    parser.add_argument("outdir", type=pathlib.Path)
    parser.add_argument("--stamp", type=pathlib.Path, help="made when all guests are there")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    keys = options.outdir.resolve() / ".keys"
    keys.mkdir(parents=True, exist_ok=True)
    try:
        with (keys / ".lock").open("w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            total, built = build_all(options.sources.resolve(), options.outdir.resolve())
    except BuildError as error:
        print(f"guests: error: {error}", file=sys.stderr)
        return 1
    if options.stamp:
        options.stamp.touch()
    print(f"guests: {total} in all, {built} built")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
