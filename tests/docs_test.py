#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tests/docs.py: what it must find in a document, and what it must leave alone."""

import pathlib
import sys
import tempfile

import docs
from test_functions import run_all


class Bare(docs.Place):
    """A folder without a build."""

    def __init__(self, folder):  # pylint: disable=super-init-not-called
        self.folder = pathlib.Path(folder)
        self.environment = {"PATH": "/usr/bin:/bin"}


def wrong_with(text):
    """What is wrong with the first block of a document, "" when nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            for block in docs.blocks_of("a.md", text):
                if docs.checked(block).mark("not run") is None:
                    docs.held(block, Bare(folder))
        except docs.Wrong as wrong:
            return str(wrong)
    return ""


def block(language, text, mark=""):
    above = f"<!-- block: {mark} -->\n" if mark else ""
    return f"# A\n\n{above}```{language}\n{text}\n```\n"


def test_a_command_that_fails_is_found():
    assert "ended with 1" in wrong_with(block("sh", "false"))
    assert "ended with 1" in wrong_with(block("sh", "false\ntrue"))
    assert wrong_with(block("sh", "true  # a comment\n\ncd / && pwd")) == ""
    assert wrong_with(block("sh", "false", "exit 1")) == ""
    assert "ended with 0, not 1" in wrong_with(block("sh", "true", "exit 1"))


def test_other_output_than_the_document_shows_is_found():
    assert "the document shows" in wrong_with(block("console", "$ echo a\nb"))
    assert "the document shows" in wrong_with(block("console", "$ echo a"))
    assert "the document shows" in wrong_with(block("console", "$ printf 'a\\nb\\n'\na"))
    assert wrong_with(block("console", "$ echo a\na\n$ printf 'a\\nb\\nc\\n'\na\n...\nc")) == ""
    assert wrong_with(block("console", "$ echo one two three\none ...")) == ""
    assert "the document shows" in wrong_with(block("console", "$ echo one\ntwo ..."))


def test_figures_and_order_may_vary_where_a_mark_says_so():
    shown = "$ echo took 12.5 ms at 0x1f\ntook 7 ms at 0xa0"
    assert "the document shows" in wrong_with(block("console", shown))
    assert wrong_with(block("console", shown, "figures vary")) == ""
    assert "the document shows" in wrong_with(
        block("console", "$ echo took 12 s\ntook 12 ms", "figures vary"))
    assert wrong_with(block("console", "$ printf 'a\\nb\\n'\nb\na", "order varies")) == ""
    assert "the document shows" in wrong_with(block("console", "$ echo a\nb", "order varies"))


def test_what_hangs_on_real_time_is_run_again_and_must_come_in_the_end():
    third = "$ echo x >>runs; wc -l <runs\n3"
    assert wrong_with(block("console", third, "real time")) == ""
    assert "the document shows" in wrong_with(block("console", third))
    never = third.replace("3", "-")
    assert "the document shows" in wrong_with(block("console", never, "real time"))


def test_a_part_of_a_source_must_be_there():
    assert wrong_with(block("cpp", "inline constexpr int kSwitchesPerLook = 61;",
                            "from scheduler/scheduler.h")) == ""
    assert "has other lines" in wrong_with(block("cpp", "int nobody = 61;",
                                                 "from scheduler/scheduler.h"))


def test_a_file_is_there_for_the_next_block():
    assert wrong_with(block("toml", "a = 1", "file a.toml")
                      + block("console", "$ cat a.toml\na = 1")) == ""


def test_no_block_escapes():
    assert "unknown mark" in wrong_with(block("sh", "true", "not tested"))
    assert "unknown mark" in wrong_with(block("sh", "true", "not run:"))
    assert "unknown language" in wrong_with(block("", "true"))
    assert "indented block" in wrong_with("# A\n\n    true\n")
    assert "above no block" in wrong_with("<!-- block: exit 1 -->\n\n```sh\ntrue\n```\n")
    assert "no end" in wrong_with("```sh\ntrue\n")
    assert "no whole program" in wrong_with(block("cpp", "f();"))
    assert "begins with a command" in wrong_with(block("console", "a"))


def test_what_is_not_run_is_not_run():
    assert wrong_with(block("sh", "false", "not run: it fails; always")) == ""


if __name__ == "__main__":
    sys.exit(run_all(globals()))
