#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over every source of a build: tests/static_checks.py BUILDDIR

BUILDDIR holds compile_commands.json. The checks are in .clang-tidy. A file is checked again only
when it, a project header it reaches, its flags, the checks or clang-tidy changed.

clang-tidy spends most of its time in the headers of the standard library. So up to eight sources
of one folder, with the same flags, are put one behind the other into one file, and the headers are
read once for all of them: a fifth of the time. Where clang-tidy has something to say of such a
file, it is taken apart into halves, down to single sources: what is reported is always about one
source as it stands. Sources that can't stand in one file (two of them define the same name in
their unnamed namespaces) end up alone in the same way.
"""

import collections
import concurrent.futures
import itertools
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import sources

PARALLEL = 2
TOGETHER = 8
CLANG_TIDY = ["clang-tidy", "--quiet", f"--config-file={sources.ROOT / '.clang-tidy'}",
              "--extra-arg=-Wno-unknown-warning-option"]


def files_of(entry):
    """What an entry compiles: one file, or those that Meson has put into one (unity)."""
    file = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
    # An entry without a file is of a build that has not been configured again since.
    if not file.exists():
        return []
    if not re.search(r"-unity\d+\.c(pp)?$", file.name):
        return [file]
    return [pathlib.Path(path).resolve() for path in
            re.findall(r"^#include\s*<(.*)>$", file.read_text(), re.MULTILINE)]


def compile_commands(build):
    """The project's own sources and how each is compiled, once each."""
    entries = json.loads((build / "compile_commands.json").read_text())
    commands = {}
    for entry in entries:
        for file in files_of(entry):
            if file.is_relative_to(sources.ROOT) and not file.is_relative_to(build):
                path = pathlib.PurePosixPath(file.relative_to(sources.ROOT))
                commands.setdefault(path, entry["command"])
    return commands


def flags_of(command):
    """What the compiler is told of every source of a target: no names of files."""
    words = itertools.dropwhile(lambda word: not word.startswith("-"), shlex.split(command)[:-1])
    flags = []
    for word in words:
        if word in ("-o", "-MF", "-MQ"):
            next(words)
        elif word not in ("-c", "-MD") and not (word.startswith("-I") and word.endswith(".p")):
            flags.append(word)
    return tuple(flags)


def together(commands, paths):
    """Sources of one folder, one language and the same flags, TOGETHER at most."""
    alike = collections.defaultdict(list)
    for path in paths:
        alike[path.parent, path.suffix, flags_of(commands[path])].append(path)
    return [(group[first:first + TOGETHER], flags) for (_, _, flags), group in alike.items()
            for first in range(0, len(group), TOGETHER)]


def clang_tidy(build, arguments):
    """Returns what clang-tidy says, empty when it is content."""
    done = subprocess.run([*CLANG_TIDY, *arguments], cwd=build, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def complaints(build, paths, flags):
    """Yields each of the sources with what clang-tidy says of it, empty when it is content."""
    if len(paths) == 1:
        yield paths[0], clang_tidy(build, [str(sources.ROOT / paths[0]), "--", *flags])
        return
    with tempfile.TemporaryDirectory(prefix="weft-tidy-") as folder:
        file = pathlib.Path(folder) / f"together{paths[0].suffix}"
        file.write_text("\n".join(sources.text_of(path) for path in paths), encoding="utf-8")
        said = clang_tidy(build, [str(file), "--", "-Wfatal-errors", *flags])
    if not said:
        yield from ((path, "") for path in paths)
        return
    middle = len(paths) // 2
    yield from complaints(build, paths[:middle], flags)
    yield from complaints(build, paths[middle:], flags)


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
        for said_of in pool.map(lambda group: list(complaints(build, *group)),
                                together(commands, stale)):
            for path, said in said_of:
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
