#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tests/static_checks.py: sources that are checked together hide nothing."""

import json
import pathlib
import sys
import tempfile

import sources
import static_checks
from test_functions import run_all

FINE = "int {name}() {{ return 1; }}\n"
WRONG = "int {name}(int a) {{\n  if (a == 1);\n  return 1;\n}}\n"
SAME_NAME = "namespace {{ int helper() {{ return 1; }} }}\nint {name}() {{ return helper(); }}\n"


def said_of(texts):
    """What is said of each of these sources of one target, in a tree of their own."""
    with tempfile.TemporaryDirectory(prefix="weft-checks-") as folder:
        root = pathlib.Path(folder)
        build = root / "build"
        build.mkdir()
        kept = sources.ROOT
        commands = {}
        for name, text in texts.items():
            path = pathlib.PurePosixPath(f"base/{name}.cpp")
            (root / "base").mkdir(exist_ok=True)
            (root / path).write_text(text.format(name=name))
            commands[path] = f"c++ -Ibase/x.p -std=c++20 -o {name}.o -c ../base/{name}.cpp"
        entries = [f'{{"directory": "{build}", "file": "../{path}", "command": "{command}"}}'
                   for path, command in commands.items()]
        (build / "compile_commands.json").write_text(f"[{','.join(entries)}]")
        sources.ROOT = root
        try:
            return {path.stem: said
                    for group in static_checks.together(commands, list(commands))
                    for path, said in static_checks.complaints(build, *group)}
        finally:
            sources.ROOT = kept
            sources.text_of.cache_clear()


def test_a_finding_is_told_of_its_own_source():
    said = said_of({"one": FINE, "two": WRONG, "three": FINE})
    assert "base/two.cpp:2:" in said["two"] and "bugprone-suspicious-semicolon" in said["two"], said
    assert not said["one"] and not said["three"], said


def test_sources_that_define_the_same_name_are_checked_apart():
    said = said_of({"one": SAME_NAME, "two": SAME_NAME, "three": WRONG})
    assert not said["one"] and not said["two"] and said["three"], said


def test_sources_of_one_folder_and_the_same_flags_are_checked_together():
    one, two, three, four = map(pathlib.PurePosixPath,
                                ("base/a.cpp", "base/b.cpp", "base/c.c", "os/d.cpp"))
    command = "ccache c++ -Ios/os.p -std=c++20 {} -MD -MF d -o x.o -c ../x.cpp"
    commands = {path: command.format("") for path in (one, two, three, four)}
    groups = [paths for paths, _ in static_checks.together(commands, list(commands))]
    assert groups == [[one, two], [three], [four]], groups
    commands[two] = command.format("-DX")
    groups = static_checks.together(commands, [one, two])
    assert groups == [([one], ("-std=c++20",)), ([two], ("-std=c++20", "-DX"))], groups


def test_sources_that_the_build_compiles_as_one_are_all_found():
    with tempfile.TemporaryDirectory(prefix="weft-checks-") as folder:
        root = pathlib.Path(folder).resolve()
        build = root / "build"
        build.mkdir()
        for name in ("one", "two", "alone"):
            (root / f"{name}.cpp").write_text(FINE.format(name=name))
        (build / "x-unity0.cpp").write_text(f"#include<{root}/one.cpp>\n#include<{root}/two.cpp>\n")
        (build / "compile_commands.json").write_text(json.dumps(
            [{"directory": str(build), "file": file, "command": f"c++ -c {file}"}
             for file in ("x-unity0.cpp", "../alone.cpp", "../gone.cpp")]))
        kept = sources.ROOT
        sources.ROOT = root
        try:
            commands = static_checks.compile_commands(build)
        finally:
            sources.ROOT = kept
        assert [str(path) for path in commands] == ["one.cpp", "two.cpp", "alone.cpp"], commands


if __name__ == "__main__":
    sys.exit(run_all(globals()))
