#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over every source of a build: tests/static_checks.py BUILDDIR

BUILDDIR holds compile_commands.json. The checks are in .clang-tidy. Two files at a time, and each
file again only when it, a project header it reaches, its flags, the checks or clang-tidy changed.
"""

import concurrent.futures
import json
import pathlib
import subprocess
import sys

import sources

PARALLEL = 2


def compile_commands(build):
    """The project's own sources and how each is compiled, once each."""
    entries = json.loads((build / "compile_commands.json").read_text())
    commands = {}
    for entry in entries:
        file = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        # An entry without a file is of a build that has not been configured again since.
        if (file.is_relative_to(sources.ROOT) and not file.is_relative_to(build)
                and file.exists()):
            path = pathlib.PurePosixPath(file.relative_to(sources.ROOT))
            commands.setdefault(path, entry["command"])
    return commands


def complaints_about(build, path):
    """Returns what clang-tidy says, empty when it is content."""
    done = subprocess.run(
        ["clang-tidy", "--quiet", "--extra-arg=-Wno-unknown-warning-option", "-p", str(build),
         str(sources.ROOT / path)],
        cwd=sources.ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    build = pathlib.Path(arguments[0]).resolve()
    version = subprocess.run(
        ["clang-tidy", "--version"], check=True, capture_output=True, text=True).stdout
    commands = compile_commands(build)
    checks = (sources.ROOT / ".clang-tidy").read_text()
    keys = {path: sources.content_key(path, version, checks, command)
            for path, command in commands.items()}
    cache = sources.PassedBefore("clang-tidy")
    stale = [path for path in commands if keys[path] not in cache]
    failed = set()
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for path, said in zip(stale, pool.map(lambda path: complaints_about(build, path), stale)):
            if said:
                failed.add(path)
                print(f"{path}:\n{said}", flush=True)
            else:
                cache.add(keys[path])
    cache.store(keys[path] for path in commands if path not in failed)
    print(f"clang-tidy: {len(commands)} files, {len(stale)} checked, {len(failed)} failed")
    return 1 if failed or not commands else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
