#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that a machine can check: tests/tidy.py

Licence lines; lengths of lines, functions and files; layers and third-party doors; no leftovers;
plain English; documents that name only code that exists. Each rule is a function that takes a File
and yields findings, each finding says what to do, and tests/tidy_test.py shows each rule something
it must find and something it must not.

Prints one line a finding, `file:line: what; what to do`, and ends with 1 when there is one.
"""

import ast
import dataclasses
import fnmatch
import os
import pathlib
import re
import sys

import sources
from cpp_text import functions

LINE_CHARS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600  # Advice: 400 is a good size. Nothing is cut in two to please a number.

# A folder may include only itself and what stands before it.
LAYERS = ["base", "scheduler", "os", "signals", "guest", "sim", "control", "capi", "tools"]
# These may include every layer.
OUTSIDE = ["tests", "bench", "examples"]

# Which includes stay behind which files.
DOORS = [
    (re.compile(r"boost/context/"), "Boost.Context", ["scheduler/fiber_boost.*"]),
    (re.compile(r"boost/asio"), "Boost.Asio", ["os/*", "signals/*", "control/*", "capi/*"]),
    (re.compile(r"wabt/|wasm-rt"), "libwabt", ["guest/wabt/*"]),
    (re.compile(r"CLI/"), "CLI11", ["tools/*"]),
    (re.compile(r"boost/json"), "Boost.JSON", ["control/*", "tools/*"]),
    (re.compile(r"fmt/"), "fmt", ["tools/*"]),
    (re.compile(r"toml\+\+/"), "toml++", ["tools/*"]),
    (re.compile(r"benchmark/"), "Google Benchmark", ["bench/*"]),
    (re.compile(r"nats/"), "libnats", ["tools/nats_*"]),
    (re.compile(r"xbyak/"), "xbyak", ["guest/jit/*"]),
]

# A header of ours with such a name would shadow the system's where its folder is searched first.
SYSTEM_HEADERS = {
    "assert", "errno", "fcntl", "limits", "locale", "math", "poll", "sched", "semaphore", "setjmp",
    "signal", "stdlib", "string", "threads", "time"}

CPP = {".h", ".cpp"}
CODE = CPP | {".c", ".py", ".sh", ".go", ".wat"}
# Two halves, so that this file does not find itself.
LEFTOVER = re.compile(r"\b(" + "|".join(["FIX" + "ME", "TO" + "DO", "XX" + "X"]) + r")\b")


@dataclasses.dataclass
class File:
    path: pathlib.PurePosixPath
    text: str
    may_run: bool = True  # Its permission to be executed.

    @property
    def lines(self):
        return self.text.splitlines()

    @property
    def is_cpp(self):
        return self.path.suffix in CPP

    @property
    def is_code(self):
        return (self.path.suffix in CODE or self.path.name == "meson.build"
                or self.text.startswith("#!"))



def line_length(file):
    if file.is_code:
        for number, line in enumerate(file.lines, 1):
            if len(line) > LINE_CHARS_MAX:
                yield number, f"{len(line)} characters; break the line at {LINE_CHARS_MAX}"


def document_line_length(file):
    """A row of a table can't be broken, nor a word; the mark of a block is one line."""
    if file.path.suffix == ".md":
        for number, line in enumerate(file.lines, 1):
            if (len(line) > LINE_CHARS_MAX and not line.startswith(("|", "<!--"))
                    and len(line.split()) > 1):
                yield number, f"{len(line)} characters; wrap the paragraph at {LINE_CHARS_MAX}"


def file_length(file):
    if file.path.suffix in CODE and len(file.lines) > FILE_LINES_MAX:
        count = len(file.lines)
        yield count, f"{count} lines; split the file, {FILE_LINES_MAX} is the most"


def function_length(file):
    if file.path.suffix == ".py":
        found = [(node.name, node.lineno, node.end_lineno)
                 for node in ast.walk(ast.parse(file.text)) if isinstance(node, ast.FunctionDef)]
    elif file.is_cpp or file.path.suffix == ".c":
        found = functions(file.text)
    else:
        return
    for name, first, last in found:
        if last - first + 1 > FUNCTION_LINES_MAX:
            yield first, (f"{name} has {last - first + 1} lines; split it, "
                          f"{FUNCTION_LINES_MAX} is the most")


INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def includes(file):
    """Yields (line number, '<' or '"', name) of each include of a C++ file."""
    if file.is_cpp:
        for number, line in enumerate(file.lines, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match[1], match[2]


def layers(file):
    own = file.path.parts[0]
    for number, bracket, name in includes(file):
        first = name.split("/")[0]
        if bracket == "<":
            if "/" in name and first in LAYERS:
                yield number, f'<{name}> is ours; include it as "{name}"'
        elif "/" not in name or first not in LAYERS + OUTSIDE:
            yield number, f'"{name}" has no folder of ours; name it from the root, "folder/{name}"'
        elif own in LAYERS and first in OUTSIDE:
            yield number, f"{own}/ may not include {name}; {first}/ is no layer"
        elif own in LAYERS and LAYERS.index(first) > LAYERS.index(own):
            yield number, f"{own}/ may not include {name}; {first}/ stands above it, turn it around"


def commands(file):
    """The commands of tools/ use parts; a part that two of them need stands by itself."""
    if file.path.parts[0] == "tools" and file.path.name != "main.cpp":
        for number, _, name in includes(file):
            own = file.path.with_suffix(".h")
            if name.endswith("_command.h") and name != str(own):
                yield number, f"{name} is a command; move what it is used for into a part"


def doors(file):
    if file.path.parts[0] in OUTSIDE:
        return
    for number, _, name in includes(file):
        for pattern, library, allowed in DOORS:
            if pattern.match(name) and not any(
                    fnmatch.fnmatch(str(file.path), door) for door in allowed):
                yield number, f"{library} is used only in {', '.join(allowed)}; call those instead"


def system_header_names(file):
    if file.path.suffix == ".h" and file.path.stem in SYSTEM_HEADERS:
        yield 1, f"<{file.path.stem}.h> is a system header; name this one differently"


def included_twice(file):
    """A list of macro calls (.inc) is there to be included again."""
    seen = set()
    for number, bracket, name in includes(file):
        if (bracket, name) in seen and not name.endswith(".inc"):
            yield number, f"{name} is included above; delete one of the lines"
        seen.add((bracket, name))


def scripts(file):
    if file.text.startswith("#!") and not file.may_run:
        yield 1, "it has an interpreter's name but can't be run; chmod +x"


def null_outputs(file):
    """As root, rustc and some linkers put their output in the place of the device."""
    if file.path.suffix in {".sh", ".py"} or file.text.startswith("#!"):
        for number, line in enumerate(file.lines, 1):
            if re.search(r"-o[ =]?\"?/dev/null", line):
                yield number, "a compiler that root runs replaces /dev/null; use a file of your own"


def static_in_static(file):
    """Meson 1.0 counts the objects of a library compiled in unity with one too many when a static
    library takes it whole and its sources are a multiple of unity_size: no clean build begins."""
    if file.path.name == "meson.build":
        for call in re.finditer(r"\bstatic_library\((?:[^()]|\([^()]*\))*", file.text):
            if re.search(r"\blink_whole\s*:", call[0]):
                number = file.text.count("\n", 0, call.start()) + 1
                yield number, "link_whole in a static library; put it together by ar (capi/)"


def leftovers(file):
    for number, line in enumerate(file.lines, 1):
        match = LEFTOVER.search(line)
        if match:
            yield number, f"{match[1]}; do it now or write an issue"


# A comment that is a statement: `// call(x);` or `// a = b;` or `// }`. Three or more spaces after
# the slashes mark an example, which may stay.
COMMENTED_CODE = re.compile(
    r"^\s*// ?("
    r"[\w:.<>*&\[\]-]+\(.*\);"
    r"|(?:[\w:<>*&]+ )?[\w.:\[\]>-]+ (?:[-+*/|&]?=) .*;"
    r"|(?:return|if|for|while|else|delete|throw)\b.*[;{]"
    r"|#\s*(?:include|if|ifdef|define)\b.*"
    r"|[{}]\s*;?"
    r")\s*$")


def commented_out_code(file):
    if file.is_cpp or file.path.suffix == ".c":
        for number, line in enumerate(file.lines, 1):
            if COMMENTED_CODE.match(line):
                yield number, "commented-out code; delete it, git remembers it"


# How a comment starts, by the file's suffix. A suffix that is not named here needs no licence line:
# documents, data, lock files, settings of tools.
COMMENTS = {".py": "#", ".sh": "#", ".toml": "#", ".yaml": "#", ".yml": "#", ".wat": ";;",
            ".wast": ";;", ".css": "/*", ".map": "/*", ".html": "<!--"}
SLASHES = {".h", ".cpp", ".c", ".inc", ".go", ".rs", ".js", ".mod"}
LICENCE = "SPDX-License-Identifier: Apache-2.0"


def licence_line(file):
    """In line 1, or in line 2 below an interpreter's name."""
    if file.path.suffix in SLASHES:
        comment = "//"
    elif file.text.startswith("#!") or file.path.name in {"meson.build", "meson_options.txt"}:
        comment = "#"
    else:
        comment = COMMENTS.get(file.path.suffix)
    first = 1 if file.text.startswith("#!") else 0
    wanted = f"{comment} {LICENCE}"
    if comment and not (file.lines[first:first + 1] or [""])[0].startswith(wanted):
        yield first + 1, f"no licence line; write `{wanted}` here"


RULES = [licence_line, line_length, document_line_length, file_length, function_length, layers,
         commands, doors, system_header_names, included_twice, scripts, null_outputs,
         static_in_static, leftovers, commented_out_code]

# ---- documents -----------------------------------------------------------------------------------

CODE_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
PATH = re.compile(r"^[\w.*/-]+\.(h|cpp|c|py|sh|go|wat)$")
CONSTANT = re.compile(r"^k[A-Z]\w+$")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
# Names of other people's code, which documents may mention.
FOREIGN = re.compile(
    r"^(std|boost|asio|wabt|doctest|CLI|fmt|runtime|time|sync|os)(::|\.)"
    r"|^(__cxa_\w+|__sanitizer_\w+)\(\)$"
    r"|^(epoll|timer|signalfd|eventfd|mmap|madvise|poll|read|write)\w*\(\)$")


class Code:
    """What a document may refer to: the files of the project and the words in its sources."""

    def __init__(self, files):
        self.paths = [str(file.path) for file in files]
        self.words = set()
        for file in files:
            if file.is_code:
                self.words.update(IDENTIFIER.findall(file.text))

    def has_path(self, path):
        return any(fnmatch.fnmatch(known, path) or fnmatch.fnmatch(known, "*/" + path)
                   for known in self.paths)

    def missing(self, span):
        """Returns the part of a code span that names nothing, or None."""
        if FOREIGN.match(span):
            return None
        if PATH.match(span):
            return None if self.has_path(span) else span
        name = re.sub(r"\(.*\)$", "", span)
        looks_like_code = "::" in span or span.endswith("()") or CONSTANT.match(span)
        if not looks_like_code or " " in name:
            return None
        return next((word for word in IDENTIFIER.findall(name) if word not in self.words), None)


def is_document(file):
    return file.path.suffix == ".md" and (len(file.path.parts) == 1 or file.path.parts[0] == "docs")


def stale_names(file, code):
    if is_document(file):
        # What the document has its reader write, and what that becomes.
        own = set(re.findall(r"^<!-- block: file (\S+?)(?:;.*)? -->$", "\n".join(file.lines),
                             re.MULTILINE))
        for number, line in enumerate(file.lines, 1):
            for span in CODE_SPAN.findall(line):
                missing = code.missing(span.strip())
                if missing and span not in own:
                    yield number, f"`{span}`: no {missing} in the sources; name what there is"


def bare_blocks(file):
    """tests/docs.py runs fenced blocks; an indented one would escape it."""
    fenced, before = False, ""
    for number, line in enumerate(file.lines if is_document(file) else [], 1):
        if line.startswith("```"):
            fenced = not fenced
            if fenced and line == "```":
                yield number, "a block without a language; tests/docs.py says which there are"
        elif not fenced and line.startswith("    ") and not before.strip():
            yield number, "an indented block; fence it and name its language"
        before = line


# ---- plain English -------------------------------------------------------------------------------

STYLE = "docs/style.md"
# A row of its table: turns, and the plain form. The table defines what is wrong, and so is skipped.
TURNS_ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|$")
# Between two words of a turn: blanks, or the end of a line and the next line's comment mark.
GAP = r"(?:[ \t]+|[ \t]*\n[ \t]*(?:(?://[/!]?|#|;;|\*|>)[ \t]*)?)"


def turns_in(style):
    """{turn: plain form} of the table in docs/style.md."""
    rows = [match for line in style.splitlines() if (match := TURNS_ROW.match(line))]
    return {turn: row[2] for row in rows[1:] for turn in row[1].split(", ")}


class Turns:
    """Finds turns in text, also where a line ends within one. N stands for any number."""

    def __init__(self, style):
        self.plain = turns_in(style)
        self.patterns = [
            (re.compile(r"\b[" + turn[0].upper() + turn[0] + "]" + GAP.join(
                r"[0-9][0-9.,]*" if word == "N" else re.escape(word)
                for word in turn.split())[1:] + r"(?![\w'-])"), turn,
             # A word of it to look for first, which is fast; without the letter that may be large.
             max([turn.split()[0][1:], *turn.split()[1:]], key=len)) for turn in self.plain]

    def in_file(self, file):
        text = file.text
        if str(file.path) == STYLE:
            text = "\n".join("" if TURNS_ROW.match(line) else line for line in file.lines)
        for pattern, turn, word in self.patterns:
            for match in pattern.finditer(text) if word in text else ():
                line = text.count("\n", 0, match.start()) + 1
                yield line, f"'{turn}' is no plain English; say: {self.plain[turn]} ({STYLE})"


# ---- the whole tree ------------------------------------------------------------------------------


def room_of(path):
    """A header and its source are one room: "guest/runtime"."""
    return re.sub(r"\.(h|cpp|inc)$", "", str(path))


def rooms(files):
    """Which rooms each room includes."""
    ours = {room_of(file.path) for file in files if file.path.parts[0] in LAYERS and file.is_cpp}
    uses = {room: set() for room in ours}
    for file in files:
        for _, _, name in includes(file):
            own, other = room_of(file.path), room_of(name)
            if own in ours and other in ours and own != other:
                uses[own].add(other)
    return uses


def loops(uses):
    """Yields each set of rooms that reach one another, sorted (Tarjan's algorithm)."""
    number, low, stack = {}, {}, []

    def visit(room):
        number[room] = low[room] = len(number)
        stack.append(room)
        for other in sorted(uses[room]):
            if other not in number:
                yield from visit(other)
                low[room] = min(low[room], low[other])
            elif other in stack:
                low[room] = min(low[room], number[other])
        if low[room] == number[room]:
            at = stack.index(room)
            loop = sorted(stack[at:])
            del stack[at:]
            if len(loop) > 1:
                yield loop

    for room in sorted(uses):
        if room not in number:
            yield from visit(room)


# ---- the run -------------------------------------------------------------------------------------


def findings_in(files):
    code = Code(files)
    turns = Turns(next((file.text for file in files if str(file.path) == STYLE), ""))
    for file in files:
        for rule in RULES:
            for number, what in rule(file):
                yield f"{file.path}:{number}: {what}"
        for number, what in [*stale_names(file, code), *bare_blocks(file), *turns.in_file(file)]:
            yield f"{file.path}:{number}: {what}"
    for loop in loops(rooms(files)):
        yield f"{loop[0]}.h:1: includes run in a loop: {' '.join(loop)}; turn one around"


def main():
    files = [File(path, sources.text_of(path), os.access(sources.ROOT / path, os.X_OK))
             for path in sources.project_files() if path.name != "LICENSE"]
    findings = list(findings_in(files))
    print("\n".join(findings) if findings else f"tidy: {len(files)} files, nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
