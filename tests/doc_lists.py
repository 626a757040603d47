# SPDX-License-Identifier: Apache-2.0
"""Lists in the documents that claim to be complete, each held against what it is a list of.

A claim is a function that takes the command and returns two sets of names: what the document lists,
and what there is. `held(weft)` yields (the claim's words, what is wrong or "").
"""

import pathlib
import re
import subprocess
import sys

import sources

sys.path.insert(0, str(sources.ROOT / "tests"))
# pylint: disable=wrong-import-position
import tidy

CODE = re.compile(r"`([^`\n]+)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
# Options of other programs that documents mention.
FOREIGN_OPTIONS = {
    "--branch", "--build", "--buildtype", "--cflags", "--destdir", "--directory", "--libs",
    "--modversion", "--quiet", "--runtime-adapter", "--static", "--sysroot", "--target",
    "--variable", "--verbose", "--wabt"}


def text_of(path):
    return sources.text_of(pathlib.PurePosixPath(path))


def section(path, heading):
    """What stands below a heading of a document, up to the next one."""
    return re.split(r"^#+ ", text_of(path).split(f"\n{heading}\n", 1)[1], flags=re.M)[0]


def first_cells(text):
    """The first cells of the rows of all tables."""
    return [line.strip("|").split("|")[0].strip() for line in text.splitlines()
            if line.startswith("|") and not line.startswith("|--")]


def names_in(cells):
    return {name for cell in cells for name in CODE.findall(cell)}


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def commands(weft):
    listed = output_of(weft, "help").split("Commands:\n")[1].split("\nOptions:")[0]
    return {line.split()[0] for line in listed.splitlines() if re.match(r"  \w", line)}


def options(weft):
    """Every option of every command."""
    return {option for command in commands(weft) for line in
            output_of(weft, "help", command).splitlines()
            if re.match(r"  (-\w, )?--", line) for option in OPTION.findall(line)[:1]}


def documents():
    return {str(path): text_of(path) for path in sources.project_files()
            if path.suffix == ".md" and path.parts[0] in ("README.md", "CONTRIBUTING.md", "docs")}


# ---- the claims ----------------------------------------------------------------------------------


def engines(weft):
    """docs/engines.md lists the engines of `weft engines`"""
    lines = text_of("docs/engines.md").splitlines()
    header = next(line for line in lines if line.startswith("| | `"))
    return set(CODE.findall(header)), {
        line.split()[0] for line in output_of(weft, "engines").splitlines()}


def policies(_):
    """docs/policies.md lists the policies of sim/policy.cpp"""
    table = text_of("docs/policies.md").split("\n## ")[0]
    return names_in(first_cells(table)), set(
        re.findall(r'^    \{"(\w+)", "', text_of("sim/policy.cpp"), re.M))


def functions(_):
    """docs/wasi.md lists the functions of os/wasip1/functions.cpp"""
    cells = first_cells(section("docs/wasi.md", "## Each function"))
    listed = {name.strip() for cell in cells for name in cell.split(",") if cell != "function"}
    return listed, set(re.findall(r'entry<[\w:]+, "(\w+)"', text_of("os/wasip1/functions.cpp")))


def fuzz_targets(_):
    """docs/conformance.md lists the targets of tests/fuzz/run.py"""
    targets = re.search(r"^TARGETS = \[(.*)\]", text_of("tests/fuzz/run.py"), re.M)[1]
    return (names_in(first_cells(section("docs/conformance.md", "## Fuzzing"))),
            set(re.findall(r'"(\w+)"', targets)))


def panics(_):
    """docs/library.md lists every panic and every fatal error of the primitives"""
    code = "".join(text_of(path) for path in sources.project_files()
                   if str(path).startswith("scheduler/sync/"))
    there = set(re.findall(r'panic\("([^"]+)"\)', code)) | set(
        re.findall(r'FatalError "([^"]+)"', code))
    return names_in(first_cells(section("docs/library.md", "## Panics"))), there


def c_functions(_):
    """docs/port.md lists every function of capi/weft.h"""
    there = set(re.findall(r"^[a-z][\w ]*[ *]+(weft_\w+)\(", text_of("capi/weft.h"), re.M))
    return {name for name in re.findall(r"`(weft_\w+)`", section(
        "docs/port.md", "### The functions of the C interface"))}, there


def c_errors(_):
    """docs/port.md lists every error of capi/weft.h"""
    enum = text_of("capi/weft.h").split("enum weft_error {")[1].split("};")[0]
    there = set(re.findall(r"^  (WEFT_E[A-Z]+)", enum, re.M))
    return {name for name in re.findall(r"`(WEFT_E[A-Z]+)`", section(
        "docs/port.md", "### The errors of the C interface"))}, there


def columns(_):
    """docs/simulation.md lists the columns of a trace in CSV"""
    there = re.search(r'"(ns,[\w,]+)\\n"', text_of("sim/trace/trace_file.cpp"))[1]
    return names_in(first_cells(section("docs/simulation.md", "### The columns of a trace"))), set(
        there.split(","))


def exit_codes(_):
    """README.md lists the exit codes of tools/exit_codes.h"""
    there = set(re.findall(r"kExit\w+ =\s+(\d+);", text_of("tools/exit_codes.h")))
    section_text = text_of("README.md").split("| code | when |")[1].split("\n\n")[0]
    return {cell.split()[0] for cell in first_cells(section_text) if cell}, there


def layers(_):
    """docs/architecture.md lists the layers of tests/tidy.py"""
    listed = {name.strip("/") for name in names_in(first_cells(
        section("docs/architecture.md", "## The house"))) if name.count("/") == 1}
    return listed, {*tidy.LAYERS, "bench"}


def pages(_):
    """README.md links every document"""
    return set(re.findall(r"\]\((docs/[\w-]+\.md)", text_of("README.md"))), {
        path for path in documents() if path.startswith("docs/")}


def all_commands(weft):
    """README.md names every command"""
    there = commands(weft)
    return {name for name in there if re.search(rf"`?weft {name}\b", text_of("README.md"))}, there


def all_options(weft):
    """the documents name every option of the command"""
    words = set(OPTION.findall("\n".join(documents().values())))
    there = options(weft) - {"--help", "--version"}
    return words & there, there


def no_other_options(weft):
    """the documents name no option that nothing has"""
    there = options(weft) | FOREIGN_OPTIONS
    scripts = "\n".join(sources.text_of(path) for path in sources.project_files()
                        if path.suffix in {".py", ".sh", ".cpp", ".build"} or "." not in path.name)
    there |= set(OPTION.findall(scripts))
    words = set(OPTION.findall("\n".join(documents().values())))
    return words - there, set()


def limits(weft):
    """docs/engines.md lists every limit of all guests"""
    there = {option for option in options(weft) if option.startswith("--total-")}
    return set(OPTION.findall(section("docs/engines.md", "## Limits"))) & {
        option for option in options(weft) if option.startswith("--total-")}, there


def figures(_):
    """README.md shows the figures of docs/bench.md"""
    done = subprocess.run([sys.executable, str(sources.ROOT / "scripts" / "readme_figures.py"),
                           "--check"], capture_output=True, text=True, check=False)
    return {done.stderr.strip()} - {""}, set()


def engine_figures(_):
    """README.md's figures of engines are those of docs/engines.md"""
    text = text_of("README.md").split("readme_figures.py: to here -->")[1].split("\n## ")[0]
    there = " ".join(text_of("docs/engines.md").split())
    return {figure for figure in re.findall(r"\d[\d.,]* (?:s|ms|us|ns|MB|times)\b",
                                            " ".join(text.split()))
            if figure not in there}, set()


def slug(heading):
    """The anchor that a forge makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower().replace("`", "")).replace(" ", "-")


def links(_):
    """every link leads to a file and a heading that are there"""
    dead = set()
    for path in sources.project_files():
        text = sources.text_of(path) if path.suffix == ".md" else ""
        outside = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)  # A lambda is no link.
        for target, anchor in re.findall(r"\]\(([^):#]*)(?:#([^)]*))?\)", outside):
            file = sources.ROOT / path.parent / target if target else sources.ROOT / path
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M) \
                if file.suffix == ".md" and file.is_file() else []
            if not file.exists() or anchor and anchor not in map(slug, headings):
                dead.add(f"{path}: {target}#{anchor}")
    return dead, set()


CLAIMS = [engines, policies, functions, fuzz_targets, panics, c_functions, c_errors, columns,
          exit_codes, layers, pages, all_commands, all_options, no_other_options, limits, figures,
          engine_figures, links]


def held(weft):
    for claim in CLAIMS:
        listed, there = claim(str(weft))
        wrong = [f"{name} is not listed" for name in sorted(there - listed)]
        wrong += [f"{name} is listed and is not there" for name in sorted(listed - there)]
        yield claim.__doc__, "; ".join(wrong)
