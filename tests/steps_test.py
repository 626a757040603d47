#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of scripts/steps.sh, the steps of ./check: tests/steps_test.py

Each runs steps of its own in an empty project. The last line is `N passed, N failed`.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

from test_functions import run_all

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEAD = """set -uo pipefail
logs=logs steps=steps shown_lines_max=3
source scripts/steps.sh
says() { echo ran >>"runs"; echo "$1"; }
"""
TAIL = '\necho "$passed $failed $passed_before"\n'


class Project:
    """A folder that looks like the project's to scripts/steps.sh."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        shutil.copytree(ROOT / "scripts", self.folder / "scripts")
        for name in ["check", "tests/run.py", "build/x/program", "build/x/lib.p/a.o", "data/one"]:
            self.write(name, "first")

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, steps):
        """Returns (what it printed, [passed, failed, passed before], how many commands ran)."""
        self.write("runs", "")
        done = subprocess.run(["bash", "-c", HEAD + steps + TAIL], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=True)
        *lines, last = done.stdout.splitlines()
        return "\n".join(lines), list(map(int, last.split())), len(
            (self.folder / "runs").read_text().split())


ON = 'on build/x data; counted "a step" says "3 passed, 0 failed"'


def test_a_step_that_passed_is_not_run_again(project):
    said, sums, runs = project.run(ON)
    assert (sums, runs) == ([3, 0, 0], 1), said
    said, sums, runs = project.run(ON)
    assert (sums, runs) == ([3, 0, 3], 0), said
    assert "a step" in said and "3 passed, 0 failed (as before)" in said, said


def test_what_a_step_depends_on_runs_it_again(project):
    project.run(ON)
    for name in ["build/x/program", "data/one", "data/new", "check", "tests/run.py",
                 "scripts/plainly"]:
        project.write(name, f"second {name}")
        assert project.run(ON)[2] == 1, name
        assert project.run(ON)[2] == 0, name
    (project.folder / "data/new").unlink()
    assert project.run(ON)[2] == 1
    assert project.run(ON.replace('"3 passed', '"4 passed'))[2] == 1, "another command"


def test_what_a_build_leaves_by_the_way_does_not(project):
    project.run(ON)
    for name in ["build/x/lib.p/a.o", "build/x/.ninja_log", "build/x/meson-logs/testlog.json",
                 "build/x/__pycache__/a.pyc", "data/.lock", "elsewhere"]:
        project.write(name, "second")
        assert project.run(ON)[2] == 0, name


def test_a_step_that_failed_runs_again(project):
    for summary in ["2 passed, 1 failed", "0 passed, 0 failed", "nothing that counts"]:
        steps = f'on data; counted "bad" says "{summary}"'
        for _ in range(2):
            said, sums, runs = project.run(steps)
            assert runs == 1 and sums[1] == 1 and sums[2] == 0, (said, sums)
    assert "whole log: logs/bad.log" in said, said


def test_a_step_without_inputs_always_runs(project):
    steps = ON + '\ncounted "free" says "1 passed, 0 failed"\nsingle "alone" says x'
    assert project.run(steps)[1:] == ([5, 0, 0], 3)
    assert project.run(steps)[1:] == ([5, 0, 3], 2)


def test_a_single_step_that_fails_is_told_with_its_output(project):
    said, sums, _ = project.run('single "one" sh -c "seq 9; exit 2"')
    assert sums == [0, 1, 0] and "    7\n    8\n    9\n    (whole log: logs/one.log)" in said, said


def in_a_project(test):
    with tempfile.TemporaryDirectory(prefix="weft-steps-") as folder:
        test(Project(folder))


if __name__ == "__main__":
    sys.exit(run_all(globals(), in_a_project))
