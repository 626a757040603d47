#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what the documents tell their reader to run: tests/docs.py BUILDDIR GUESTDIR [DOCUMENT...]

Every block of README.md, CONTRIBUTING.md and docs/*.md is fenced and names its language:

    sh        commands; each must end with 0
    console   commands behind "$ ", and below each what it prints; a line of dots stands for any
              lines, dots at the end of a line for any rest
    cpp       a whole program, which is compiled against the installed library and run; or, with a
              mark, a part of a source or a file
    c, toml, go    a part of a source, or a file for the blocks behind it
    text      nothing to run: a message, a format, a drawing

Marks stand alone in the line above a block, `<!-- block: MARK; MARK -->`:

    not run: REASON       a reader can run it, a test can't
    exit N                the last command ends with N
    figures vary          every number in the output stands for any number
    order varies          the lines of the output may come in any order, others between them
    real time             a machine that stalls for long may print something else: it is run again
    file NAME             it is kept under this name for the blocks behind it
    from PATH             its lines stand one after the other in PATH

A document's blocks run in their order in one folder, which looks like the project's: what is in
git is there, build/release is BUILDDIR, build/guests is GUESTDIR. Modules that documents name
beside that are guests of the tests (MODULES). Then lists that claim to be complete are held against
what they list (tests/doc_lists.py). Prints a line a block and a list, and `N passed, N failed` at
the end; what is not run counts as neither and is listed with its reason. An unknown mark is a
failure.
"""

import argparse
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import doc_lists
import sources

SECONDS_MAX = 1_800  # When something hangs.
REAL_TIME_ATTEMPTS = 10
INSTALLED = sources.ROOT / "build" / "docs" / "installed"
LANGUAGES = ["sh", "console", "cpp", "c", "toml", "go", "text"]
MARK = re.compile(r"^<!-- block: (.*) -->$")
MARKS = [re.compile(pattern) for pattern in (
    r"not run: .+", r"exit \d+", r"figures vary", r"order varies", r"real time", r"file [\w./-]+",
    r"from [\w./-]+")]
# A number, an offset in a file, a hash.
FIGURE = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]{16}\b|\d[\d.,]*")
# What stands for a reader's own modules.
MODULES = {
    "hello.wasm": "go_hello", "guest.wasm": "c_hello", "a.wasm": "c_ticks", "b.wasm": "c_args_env",
    "server.wasm": "c_ticks", "node.wasm": "c_hello", "trap_div.wasm": "c_trap_div",
}


class Wrong(Exception):
    """What is wrong with a block, ready for the terminal."""


@dataclasses.dataclass
class Block:
    document: str
    line: int
    language: str
    text: str
    marks: list

    def mark(self, name):
        """What stands behind a mark, "" when nothing does, None without the mark."""
        for mark in self.marks:
            if mark == name or mark.startswith(name + " ") or mark.startswith(name + ": "):
                return mark[len(name):].lstrip(": ")
        return None


def blocks_of(document, text):
    """Every block of a document. Raises Wrong for one that no test would see."""
    blocks, fence, marks = [], None, []
    for number, line in enumerate(text.splitlines(), 1):
        if fence is not None:
            if line == "```":
                blocks.append(Block(document, *fence))
                fence, marks = None, []
            else:
                fence[2] += line + "\n"
        elif line.startswith("```"):
            fence = [number, line[3:].strip(), "", marks]
        elif line.startswith("    ") and (number == 1 or not text.splitlines()[number - 2].strip()):
            raise Wrong(f"{document}:{number}: an indented block; fence it and name its language")
        else:
            found = MARK.match(line)
            if marks:
                raise Wrong(f"{document}:{number}: a mark stands above no block")
            marks = ([found[1]] if found and found[1].startswith("not run: ") else
                     found[1].split("; ") if found else [])
    if fence is not None:
        raise Wrong(f"{document}:{fence[0]}: the block has no end")
    return blocks


def checked(block):
    """The block, if its language and its marks are known."""
    if block.language not in LANGUAGES:
        raise Wrong(f"unknown language {block.language!r}; it is one of {', '.join(LANGUAGES)}")
    for mark in block.marks:
        if not any(known.fullmatch(mark) for known in MARKS):
            raise Wrong(f"unknown mark {mark!r}; tests/docs.py lists them")
    whole = block.language == "cpp" and "int main(" in block.text
    if block.language in ("cpp", "c", "toml", "go") and not block.marks and not whole:
        raise Wrong("no whole program; say where it is from, or why it is not compiled")
    return block


def commands_of(block):
    """Pairs of a command of a console and the lines that it must print."""
    commands = []
    for line in block.text.replace("\\\n", " ").splitlines():
        if line.startswith("$ "):
            commands.append((line[2:], []))
        elif not commands:
            raise Wrong("a console begins with a command, `$ ...`")
        else:
            commands[-1][1].append(line)
    return commands


def same(block, expected, printed):
    """Whether what was printed is what the document shows."""
    def plain(line):
        line = line.rstrip()
        return FIGURE.sub("0", re.sub(r" +", " ", line)) \
            if block.mark("figures vary") is not None else line
    shown = [plain(line) for line in expected]
    while shown and not shown[-1]:
        shown.pop()
    lines = [plain(line) for line in printed.rstrip().splitlines()]
    if block.mark("order varies") is not None:
        return all(line in lines for line in shown if line.strip() not in ("...", ""))
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else
        re.escape(line.removesuffix("...")) + (r".*\n" if line.endswith("...") else r"\n")
        for line in shown)
    return re.fullmatch(pattern, "".join(line + "\n" for line in lines)) is not None


def wasi_clang():
    """The clang of a reader who has installed what ./quickstart installs."""
    return subprocess.run([sources.ROOT / "scripts/clang.sh"], check=True, capture_output=True,
                          text=True).stdout.strip()


class Place:
    """The folder in which a document's blocks run."""

    def __init__(self, name, build, guests):
        self.build = build
        self.folder = sources.ROOT / "build" / "docs" / name
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "build").mkdir(parents=True)
        for path in sorted({path.parts[0] for path in sources.project_files()}):
            (self.folder / path).symlink_to(sources.ROOT / path)
        links = {"release": build, "guests": guests, "demo": sources.ROOT / "build" / "demo"}
        for name, target in links.items():
            (self.folder / "build" / name).symlink_to(target)
        for module, guest in MODULES.items():
            shutil.copy(guests / f"{guest}.wasm", self.folder / module)
        self.environment = {
            "CCACHE_DIR": str(pathlib.Path.home() / ".cache" / "ccache"), **os.environ,
            "XDG_CACHE_HOME": str(self.folder / "cache"), "TERM": "dumb",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": f"{build / 'tools'}:{pathlib.Path(wasi_clang()).parent}:{os.environ['PATH']}",
            "CMAKE_PREFIX_PATH": str(next(INSTALLED.rglob("include")).parent),
            "PKG_CONFIG_PATH": str(next(INSTALLED.rglob("weft.pc")).parent),
            "LD_LIBRARY_PATH": str(next(INSTALLED.rglob("libweft.so")).parent)}

    def output_of(self, command, code):
        """Runs a command by the shell. Returns what it printed."""
        with subprocess.Popen(["bash", "-c", command], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              start_new_session=True) as child:
            try:
                printed, _ = child.communicate(timeout=SECONDS_MAX)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                raise Wrong(f"$ {command}\nhas not ended after {SECONDS_MAX} s") from None
        if child.returncode != code:
            raise Wrong(f"$ {command}\n{printed}ended with {child.returncode}, not {code}")
        return printed

    def run(self, block):
        attempts = 1 if block.mark("real time") is None else REAL_TIME_ATTEMPTS
        for left in reversed(range(attempts)):
            try:
                self.run_once(block)
                return
            except Wrong:
                if not left:
                    raise

    def run_once(self, block):
        code = int(block.mark("exit") or 0)
        if block.language == "sh":
            self.output_of(f"set -ex\n{block.text}", code)
            return
        for command, expected in commands_of(block):
            printed = self.output_of(command, code)
            if not same(block, expected, printed):
                raise Wrong(f"$ {command}\n{printed}is what it prints, the document shows\n"
                            + "\n".join(expected))

    def compile_and_run(self, block):
        # In a folder of its own: beside the project's folders it would find their headers.
        (self.folder / "own").mkdir(exist_ok=True)
        (self.folder / "own" / "program.cpp").write_text(block.text, encoding="utf-8")
        self.output_of("c++ -std=c++20 -O1 -Wall -Wextra -Werror own/program.cpp -o own/program "
                       "$(pkg-config --cflags --libs weft) && own/program", 0)


def held(block, place):
    """Raises Wrong when a block is not so."""
    checked(block)
    name, origin = block.mark("file"), block.mark("from")
    if origin is not None:
        there = sources.text_of(pathlib.PurePosixPath(origin))
        indents = ["", "  "]
        if not any("".join(f"{indent}{line}\n" if line else "\n"
                           for line in block.text.splitlines()) in there for indent in indents):
            raise Wrong(f"{origin} has other lines")
    if name is not None:
        file = place.folder / name
        file.unlink(missing_ok=True)  # It may be a link to the project's own.
        file.write_text(block.text, encoding="utf-8")
    if block.language in ("sh", "console"):
        place.run(block)
    elif block.language == "cpp" and not block.marks:
        place.compile_and_run(block)


def prepared(build, guests):
    """What ./quickstart makes before the demo runs, and what is installed."""
    shutil.rmtree(INSTALLED, ignore_errors=True)
    subprocess.run(["meson", "install", "-C", str(build), "--no-rebuild", "--quiet", "--destdir",
                    str(INSTALLED)], check=True)
    subprocess.run([sys.executable, str(sources.ROOT / "scripts" / "build_guests.py"),
                    str(sources.ROOT / "examples" / "demo"), str(sources.ROOT / "build" / "demo")],
                   check=True)
    assert (guests / "go_hello.wasm").exists(), f"{guests}: no guests; tests/guests/build.py"


def documents(names):
    found = [str(path) for path in sources.project_files() if path.suffix == ".md"
             and (str(path) in ("README.md", "CONTRIBUTING.md") or path.parts[0] == "docs")]
    return [path for path in found if not names or path in names]


def run(options):
    passed, failed, left = 0, 0, []
    for document in documents(options.documents):
        place = Place(document.replace("/", "-"), options.build, options.guests)
        try:
            blocks = blocks_of(document, sources.text_of(pathlib.PurePosixPath(document)))
        except Wrong as wrong:
            print(f"FAILED {wrong}", flush=True)
            failed += 1
            continue
        for block in blocks:
            where = f"{document}:{block.line} {block.language}"
            try:
                reason = checked(block).mark("not run")
                if reason is None:
                    held(block, place)
            except Wrong as wrong:
                print(f"FAILED {where}: {wrong}", flush=True)
                failed += 1
                continue
            if reason is not None:
                left.append(f"not run {where}: {reason}")
            elif block.language != "text":
                print(f"ok     {where}", flush=True)
                passed += 1
        shutil.rmtree(place.folder, ignore_errors=True)
    weft = options.build / "tools" / "weft"
    for claim, wrong in [] if options.documents else doc_lists.held(weft):
        print(f"FAILED {claim}: {wrong}" if wrong else f"ok     {claim}", flush=True)
        passed, failed = passed + (not wrong), failed + bool(wrong)
    print("\n".join(left))
    print(f"{len(left)} not run")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("guests", type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument("documents", nargs="*", help="README.md docs/wasi.md ...; default: all")
    options = parser.parse_args(arguments)
    prepared(options.build, options.guests)
    return run(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
