#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds WebAssembly guests from C, Go and WAT sources.

    scripts/build_guests.py SOURCES OUTDIR

Every SOURCES/**/NAME.{c,go,wat} is one whole program and becomes OUTDIR/LANGUAGE_NAME.wasm, for
instance c_hello.wasm, go_hello.wasm, wat_hello.wasm. C goes through clang and wasi-libc, Go through
`GOOS=wasip1 GOARCH=wasm go build`, WAT through wabt's wat2wasm: real compilers, real guests.

A guest is built again only when its source, a header beside it, its compiler's version or the
command changed; the key of the last build lies beside it in OUTDIR/.keys. A guest whose source is
gone is removed. A missing tool is an error that names the tool and the command that installs it;
nothing is ever skipped.
"""

import concurrent.futures
import hashlib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PARALLEL = 2


class BuildError(Exception):
    """What went wrong, ready for the terminal."""


def output_of(command, tool):
    """Returns what a command that asks a tool for its version prints."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise BuildError(
            f"{tool} is missing ({error}). Run scripts/deps.sh guests") from error


class Language:
    """How one kind of source becomes a guest. The tool is looked up on first use."""

    def __init__(self, name, find_tool, version_args, command, environment=None):
        self.name = name
        self.find_tool = find_tool
        self.version_args = version_args
        self.make_command = command
        self.environment = {**os.environ, **(environment or {})}
        self.tool = None
        self.version = None

    def prepare(self):
        self.tool = self.find_tool()
        self.version = output_of([self.tool, *self.version_args], self.tool)

    def command(self, source, wasm):
        return self.make_command(self.tool, str(source), str(wasm))


def go_environment():
    """Go as a newcomer has it: no flags of the user, no download of another toolchain."""
    home = os.environ.get("HOME") or "/tmp"
    return {
        "GOOS": "wasip1", "GOARCH": "wasm", "GOTOOLCHAIN": "local", "GOFLAGS": "",
        "GOWORK": "off", "GO111MODULE": "off", "CGO_ENABLED": "0", "HOME": home,
    }


LANGUAGES = {
    ".c": Language(
        "c", lambda: "clang", ["--version"],
        lambda tool, source, wasm: [
            tool, "--target=wasm32-wasi", "--sysroot=/usr", "-std=gnu11", "-O1",
            "-gline-tables-only", "-Wall", "-Wextra", "-Wno-infinite-recursion", "-o", wasm,
            source]),
    ".go": Language(
        "go", lambda: output_of([str(ROOT / "scripts/go.sh")], "Go 1.21 or newer"), ["version"],
        lambda tool, source, wasm: [tool, "build", "-trimpath", "-o", wasm, source],
        go_environment()),
    ".wat": Language(
        "wat", lambda: "wat2wasm", ["--version"],
        lambda tool, source, wasm: [tool, "--debug-names", "-o", wasm, source]),
}


class Guest:
    """One source file and the module it becomes."""

    def __init__(self, source, outdir):
        self.source = source
        self.language = LANGUAGES[source.suffix]
        self.wasm = outdir / f"{self.language.name}_{source.stem}.wasm"
        self.key_file = outdir / ".keys" / self.wasm.name

    def key(self):
        command = self.language.command(self.source.name, self.wasm.name)
        parts = [self.language.version, *command]
        headers = sorted(self.source.parent.glob("*.h")) if self.source.suffix == ".c" else []
        sources = b"".join(path.read_bytes() for path in [self.source, *headers])
        return hashlib.sha256("\0".join(parts).encode() + sources).hexdigest()

    def is_current(self):
        return (self.wasm.exists() and self.key_file.exists()
                and self.key_file.read_text() == self.key())

    def build(self):
        """Builds into a temporary name first: an interrupted build leaves no half guest."""
        partial = self.wasm.with_suffix(".partial")
        done = subprocess.run(
            self.language.command(self.source, partial), env=self.language.environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildError(f"{self.source}: {' '.join(done.args)}\n{done.stderr.strip()}")
        partial.replace(self.wasm)
        self.key_file.write_text(self.key())
        return self.wasm


def find_guests(sources, outdir):
    guests = [Guest(path, outdir) for path in sorted(sources.rglob("*"))
              if path.suffix in LANGUAGES]
    if not guests:
        raise BuildError(f"no .c, .go or .wat source in {sources}")
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
    (outdir / ".keys").mkdir(parents=True, exist_ok=True)
    guests = find_guests(sources, outdir)
    for language in {guest.language for guest in guests}:
        language.prepare()
    remove_strays(guests, outdir)
    stale = [guest for guest in guests if not guest.is_current()]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for wasm in pool.map(Guest.build, stale):
            print(f"  built {wasm.name}", flush=True)
    return len(guests), len(stale)


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    sources, outdir = (pathlib.Path(argument).resolve() for argument in arguments)
    try:
        total, built = build_all(sources, outdir)
    except BuildError as error:
        print(f"guests: error: {error}", file=sys.stderr)
        return 1
    print(f"guests: {total} in all, {built} built")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
