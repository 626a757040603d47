#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of tests/tidy.py: each rule is shown what it must find and what it must leave alone."""

import dataclasses
import pathlib
import sys

import tidy
from cpp_text import functions
from test_functions import run_all

LONG = "x" * 101
BODY = "  step();\n"


def file(path, text):
    return tidy.File(pathlib.PurePosixPath(path), text)


def finds(rule, path, text):
    return len(list(rule(file(path, text))))


def test_licence_line():
    line = tidy.LICENCE
    for path, text in [("base/a.h", "#pragma once\n"), ("base/a.h", f"\n// {line}\n"),
                       ("base/a.h", "// SPDX-License-Identifier: MIT\n"), ("base/a.cpp", ""),
                       ("tests/a.py", f"#!/usr/bin/env python3\n\n# {line}\n"),
                       ("check", "#!/bin/sh\n"), ("base/meson.build", f"// {line}\n"),
                       ("guest/aot/a.inc", f'R"(// {line}\n)"'), ("tests/a.wat", "(module)")]:
        assert finds(tidy.licence_line, path, text) == 1, (path, text)
    for path, text in [("base/a.h", f"// {line}\n#pragma once\n"),
                       ("meson_options.txt", f"# {line}\n"),
                       ("tests/a.py", f"#!/usr/bin/env python3\n# {line}\n"),
                       ("check", f"#!/bin/sh\n# {line}\n"), ("a/page.css", f"/* {line} */\n"),
                       ("tests/guests/a.wat", f";; {line}\n(module)"), ("docs/a.md", "# A\n"),
                       ("a/Cargo.lock", "version = 3\n"), ("tests/a.hex", "00\n")]:
        assert finds(tidy.licence_line, path, text) == 0, (path, text)


def test_line_length():
    assert finds(tidy.line_length, "base/a.h", f"// {LONG}\n") == 1
    assert finds(tidy.line_length, "base/a.h", "x" * 100) == 0
    assert finds(tidy.line_length, "docs/a.md", LONG) == 0
    assert finds(tidy.line_length, "check", f"#!/bin/sh\n{LONG}") == 1


def test_document_line_length():
    long = "word " * 21
    assert finds(tidy.document_line_length, "docs/a.md", f"{long}\n") == 1
    assert finds(tidy.document_line_length, "README.md", f"```sh\n{long}\n```\n") == 1
    for fine in ("word " * 20, f"| {long} |", f"<!-- {long} -->", LONG):
        assert finds(tidy.document_line_length, "docs/a.md", f"{fine}\n") == 0, fine
    assert finds(tidy.document_line_length, "base/a.h", f"// {long}\n") == 0


def test_bare_blocks():
    for text in ("A\n\n    weft run a.wasm\n", "    weft\n", "```\nweft\n```\n"):
        assert finds(tidy.bare_blocks, "docs/a.md", text) == 1, text
    for text in ("```sh\n\n    weft\n```\n", "- item\n    goes on\n", "A\n"):
        assert finds(tidy.bare_blocks, "docs/a.md", text) == 0, text
    assert finds(tidy.bare_blocks, "bench/peers/README.md", "\n    PROGRAM\n") == 0


def test_file_length():
    assert finds(tidy.file_length, "base/a.cpp", "\n" * 601) == 1
    assert finds(tidy.file_length, "base/a.cpp", "\n" * 600) == 0


def test_function_length_in_cpp():
    long_one = "void f(int a) {\n" + BODY * 69 + "}\n"
    assert finds(tidy.function_length, "base/a.cpp", long_one) == 1
    assert finds(tidy.function_length, "base/a.cpp", long_one.replace(BODY, "", 1)) == 0
    in_class = "namespace n {\nclass C : public B {\n " + long_one + "};\n}  // namespace n\n"
    assert finds(tidy.function_length, "base/a.h", in_class) == 1
    two_short = ("void f() {\n" + BODY * 40 + "}\n") * 2
    assert finds(tidy.function_length, "base/a.cpp", f"namespace {{\n{two_short}}}\n") == 0


def test_function_length_is_not_fooled_by_text():
    tricky = 'void f() {\n  puts("{{{");  // {{{ it\'s\n  char c = \'{\';\n}\nvoid g() {\n}\n'
    assert [name for name, _, _ in functions(tricky)] == ["f", "g"]
    table = "constexpr int kTable[] = {\n" + "  1,\n" * 90 + "};\n"
    assert finds(tidy.function_length, "base/a.cpp", table) == 0
    numbers = "int a = 1'000'000;\nvoid f() {\n}\n"
    assert [name for name, _, _ in functions(numbers)] == ["f"]
    raw = 'auto s = R"(}}} "quoted" {)";\nvoid f() {\n}\n'
    assert [name for name, _, _ in functions(raw)] == ["f"]


def test_function_length_knows_constructors_and_lambdas():
    constructor = "C::C(int a) : a_(a), b_{1} {\n" + BODY * 3 + "}\n"
    assert len(list(functions(constructor))) >= 1
    with_lambda = "void f() {\n  auto g = [] {\n" + BODY * 70 + "  };\n}\n"
    assert finds(tidy.function_length, "base/a.cpp", with_lambda) == 1


def test_function_length_in_python():
    text = "def f():\n" + "    step()\n" * 70
    assert finds(tidy.function_length, "tests/a.py", text) == 1
    assert finds(tidy.function_length, "tests/a.py", "def f():\n    step()\n") == 0


def test_layers():
    assert finds(tidy.layers, "scheduler/a.h", '#include "os/reactor.h"') == 1
    assert finds(tidy.layers, "os/a.h", '#include "scheduler/g.h"') == 0
    assert finds(tidy.layers, "os/wasip1/a.h", '#include "os/reactor.h"') == 0
    assert finds(tidy.layers, "os/a.cpp", '#include "reactor.h"') == 1
    assert finds(tidy.layers, "os/a.cpp", "#include <os/reactor.h>") == 1
    assert finds(tidy.layers, "os/a.cpp", "#include <sys/epoll.h>") == 0
    assert finds(tidy.layers, "os/a.cpp", '#include "tests/fake.h"') == 1
    assert finds(tidy.layers, "tests/a.cpp", '#include "tests/fake.h"\n#include "tools/run.h"') == 0


def test_commands():
    assert finds(tidy.commands, "tools/a_command.cpp", '#include "tools/b_command.h"\n') == 1
    assert finds(tidy.commands, "tools/part.cpp", '#include "tools/b_command.h"\n') == 1
    assert finds(tidy.commands, "tools/a_command.cpp", '#include "tools/a_command.h"\n') == 0
    assert finds(tidy.commands, "tools/main.cpp", '#include "tools/b_command.h"\n') == 0


def test_doors():
    context = "#include <boost/context/detail/fcontext.hpp>"
    assert finds(tidy.doors, "scheduler/fiber_boost.cpp", context) == 0
    assert finds(tidy.doors, "scheduler/g.h", context) == 1
    assert finds(tidy.doors, "guest/wabt/a.cpp", "#include <boost/asio/io_context.hpp>") == 1
    assert finds(tidy.doors, "os/reactor.cpp", "#include <boost/asio.hpp>") == 0
    assert finds(tidy.doors, "tools/run.cpp", '#include "wabt/interp/interp.h"') == 1
    assert finds(tidy.doors, "guest/wabt/a.cpp", "#include <wabt/interp/interp.h>") == 0
    assert finds(tidy.doors, "tests/a.cpp", "#include <wabt/interp/interp.h>") == 0
    for header in ("CLI/CLI.hpp", "fmt/format.h", "toml++/toml.h", "benchmark/benchmark.h"):
        assert finds(tidy.doors, "sim/a.cpp", f"#include <{header}>") == 1
    assert finds(tidy.doors, "tools/a.cpp", "#include <fmt/format.h>") == 0


def found_loops(**includes):
    files = [file(f"base/{name}", "".join(f'#include "base/{other}.h"\n' for other in others))
             for name, others in {key.replace("_", "."): value
                                  for key, value in includes.items()}.items()]
    return list(tidy.loops(tidy.rooms(files)))


def test_loops_of_includes():
    assert found_loops(a_h=["b"], b_h=["c"], c_h=[]) == []
    assert found_loops(a_h=["b"], b_h=["c"], c_h=["a"]) == [["base/a", "base/b", "base/c"]]
    # A header and its source are one room: the loop may run through the source.
    assert found_loops(a_h=[], a_cpp=["a", "b"], b_h=["a"]) == [["base/a", "base/b"]]
    assert found_loops(a_h=[], a_cpp=["a", "b"], b_h=[], b_cpp=["b"]) == []
    two = found_loops(a_h=["b"], b_h=["a"], c_h=["d"], d_h=["c"])
    assert two == [["base/a", "base/b"], ["base/c", "base/d"]]


def test_system_header_names():
    assert finds(tidy.system_header_names, "os/poll.h", "") == 1
    assert finds(tidy.system_header_names, "os/reactor.h", "") == 0
    assert finds(tidy.system_header_names, "os/poll.cpp", "") == 0


def test_null_outputs():
    output = "-o"
    assert finds(tidy.null_outputs, "scripts/a.sh", f"cc {output} /dev/null x.c\n") == 1
    assert finds(tidy.null_outputs, "scripts/a.sh", "cc -x c /dev/null -o x 2>/dev/null\n") == 0


def test_a_static_library_that_takes_another_whole_broke_clean_builds_with_meson_1_0():
    whole = "a = static_library('a', files('b.cpp'),\n  link_whole: parts)\n"
    assert finds(tidy.static_in_static, "capi/meson.build", whole) == 1
    for fine in [whole.replace("static", "shared"), whole.replace("whole", "with"),
                 "a = static_library('a', files('a'))\nb = shared_library('b', link_whole: a)\n"]:
        assert finds(tidy.static_in_static, "capi/meson.build", fine) == 0, fine
    assert finds(tidy.static_in_static, "docs/a.md", whole) == 0


def test_included_twice():
    twice = '#include <poll.h>\n#include "os/poll.h"\n#include <poll.h>\n'
    assert finds(tidy.included_twice, "os/a.cpp", twice) == 1
    assert finds(tidy.included_twice, "os/a.cpp", '#include <poll.h>\n#include "poll.h"\n') == 0


def test_scripts_may_be_run():
    script = tidy.File(pathlib.PurePosixPath("tests/a.py"), "#!/usr/bin/env python3\n", False)
    assert len(list(tidy.scripts(script))) == 1
    assert not list(tidy.scripts(dataclasses.replace(script, may_run=True)))
    assert not list(tidy.scripts(dataclasses.replace(script, text="import os\n")))


def test_leftovers():
    assert finds(tidy.leftovers, "docs/a.md", "TO" + "DO: write this") == 1
    assert finds(tidy.leftovers, "docs/a.md", "a to-do list, and todos") == 0


def test_commented_out_code():
    for line in ["// g->run();", "  // x = 1;", "// if (a) {", "// }", "// return x;",
                 "// #include <vector>"]:
        assert finds(tidy.commented_out_code, "base/a.h", line) == 1, line
    for line in ["// A sentence; with a semicolon.", "//     rt.run();   an example",
                 "x();  // why", "// If nothing is runnable, wait.", "// deadline = now + 1",
                 "// See park()."]:
        assert finds(tidy.commented_out_code, "base/a.h", line) == 0, line


def stale(text):
    code = tidy.Code([file("base/list.h", "struct List { void push(int); };\nint kMost = 3;"),
                      file("docs/a.md", "gone")])
    return len(list(tidy.stale_names(file("docs/a.md", text), code)))


def test_documents_name_code_that_exists():
    assert stale("`List::push` and `push()` and `kMost`") == 0
    assert stale("`base/list.h`, `list.h`, `base/*.h`") == 0
    assert stale("`List::pop`") == 1
    assert stale("`gone()`") == 1
    assert stale("`kLeast`") == 1
    assert stale("`base/tree.h`") == 1
    assert stale("`std::vector` and `runtime.Gosched()` and `epoll_wait()`") == 0
    assert stale("`weft run a.wasm` and `some words (here)`") == 0
    assert stale("```cpp\nanything::at_all();\n```") == 0


STYLE = """# Style

| not | but |
|---|---|
| so be it, far off | except, remote |
| hardly N | about N |
"""


def turns(text, path="base/a.h"):
    return [what for _, what in tidy.Turns(STYLE).in_file(file(path, text))]


def test_plain_english():
    for text in ["// It is far off.\n", "// So be it.\n", "// Both, so\n  // be it.\n",
                 "/* Both, so\n * be it. */\n", "# Both, far\n# off.\n", "far\noff",
                 '"far off"', "hardly 1,000 of them"]:
        assert len(turns(text)) == 1, text
    assert turns("far off") == ["'far off' is no plain English; say: except, remote "
                                "(docs/style.md)"]
    for text in ["// also be it.\n", "// Far away.\n", "// far office", "hardly any",
                 "far_off()", "far-off", "// So it is far\n\noff;\n"]:
        assert not turns(text), text


def test_the_table_of_turns_is_read_and_not_found_in_itself():
    assert tidy.turns_in(STYLE) == {"so be it": "except, remote", "far off": "except, remote",
                                    "hardly N": "about N"}
    assert not turns(STYLE, tidy.STYLE)
    assert turns(STYLE + "\nSo be it.\n", tidy.STYLE)
    known = tidy.turns_in((pathlib.Path(__file__).parent.parent / tidy.STYLE).read_text())
    assert len(known) > 40
    found = list(tidy.findings_in([file(tidy.STYLE, STYLE), file("docs/a.md", "It is far off.\n")]))
    assert found and found[0].startswith("docs/a.md:1: 'far off'"), found


if __name__ == "__main__":
    sys.exit(run_all(globals()))
