# SPDX-License-Identifier: Apache-2.0
"""The reference of what a program includes, made by Doxygen for scripts/site.py.

Two faces, a folder each: cpp/ of weft/weft.hpp, weft/asio.hpp, weft/control.hpp and
weft/explore.hpp, c/ of weft.h. The sources have ordinary comments, so their copies get the marks
that Doxygen wants:

    // before a declaration         stands for it, and for the functions and constants in the lines
                                    right below it
    // behind a member              stands for that member
    the comment at a header's top   is the header's; its paragraph "From: ..." says where all that
                                    the header declares may be called from, unless a comment says
                                    otherwise, and is repeated with each class and function

A public name without words is an error, and so is a header that does not say From.
"""

import re
import shutil
import subprocess

# What those headers are made of, without what only weft itself calls.
HEADERS = """
guest/runtime.h guest/host_function.h guest/streams.h guest/engine.h guest/engines.h
guest/aot/aot.h guest/invocation.h
os/wasip1/memory_files.h os/wasip1/device.h os/use_park.h os/clocks.h os/reactor.h os/turns.h
signals/tick.h
scheduler/api.h scheduler/scheduler.h scheduler/local.h scheduler/report.h
scheduler/sync/chan.h scheduler/sync/cond.h scheduler/sync/context.h scheduler/sync/mutex.h
scheduler/sync/once.h scheduler/sync/panic.h scheduler/sync/program.h scheduler/sync/rw_mutex.h
scheduler/sync/select.h scheduler/sync/single_flight.h scheduler/sync/task.h
scheduler/sync/ticker.h scheduler/sync/wait_group.h scheduler/sync/weighted_semaphore.h
base/result.h base/instant.h base/budget.h
control/control_server.h sim/explore/explore.h
""".split()
# In those headers, and not for programs: what templates need of each other, and engines.
INNER = """
detail *::detail *::detail::* boost boost::* std
weft::ChanState weft::TimerChannel weft::Import weft::HostFunctions weft::Instance
weft::EntryPoint find_entry read_invocation results_in_words check_values run_entry print_for_guest
weft::SelectWaitPolicy weft::DoNothing weft::OtherwiseCase weft::TimeoutCase choose_ready
select_wait_reason wait_for_case
weft::wasip1::MemoryDirectory weft::wasip1::MemoryFiles::Node weft::wasip1::DeviceWait
weft::wasip1::DeviceListTag weft::ReadyListTag run_native
""".split()

COMMENT = re.compile(r"^( *)//(?: (.*))?$")
BEHIND = re.compile(r"^(.*\S) +// (?!NOLINT|namespace)(.*)$")
SCOPE = re.compile(r"^ *(?:template <.*> *)?(?:class|struct|enum|union|namespace)\b")
OPENS_WITH_WORDS = re.compile(r"^( *)((?:class|struct|enum|union)\b.*\{)  // (.*)$")


class Wrong(Exception):
    """What is wrong with a header, or with its words."""


# ---- C++ -----------------------------------------------------------------------------------------


def in_verbatim(lines):
    """Drawings and examples, which are indented, stay as they are."""
    text, drawn = [], False
    for line in lines:
        is_drawn = line.startswith("  ") or (drawn and not line)
        if is_drawn != drawn:
            text.append("@verbatim" if is_drawn else "@endverbatim")
        text.append(line if is_drawn else line.strip())
        drawn = is_drawn
    return text + (["@endverbatim"] if drawn else [])


def block(words, indent):
    """A comment of Doxygen's. Not of lines with ///, which it would show in what is verbatim."""
    return [f"{indent}/**", *(word.replace("*/", "* /") for word in words), f"{indent}*/"]


def from_of(lines):
    """The paragraph that says where from, and the lines without it."""
    for first, line in enumerate(lines):
        if line.startswith("From: "):
            last = first
            while last < len(lines) and lines[last]:
                last += 1
            return " ".join(lines[first:last])[len("From: "):], lines[:first] + lines[last:]
    return "", lines


def capital(text):
    return text[:1].upper() + text[1:]


def top(lines, name):
    """What the first comment of a header becomes, where from its names are called, and the rest."""
    last = 1
    while lines[last].startswith("//"):
        last += 1
    called_from, story = from_of([line[3:] for line in lines[1:last]])
    if not called_from:
        raise Wrong(f"{name}: the comment at its top does not say 'From: ...'")
    words = in_verbatim(story) + ["@par From", capital(called_from)]
    return block([f"@file {name}", *words], ""), called_from, lines[last:]


class Declarations:
    """Goes through a header line by line and marks its comments. A function's body has none."""

    def __init__(self, called_from):
        self.called_from = called_from
        self.out = []
        self.comment = []    # Lines above, since the last declaration or empty line.
        self.shared = []     # That stood for the declaration that has just ended.
        self.begun = None    # The indentation of the declaration under way.
        self.body = None     # The line that ends the body under way.

    def line(self, line):
        if self.body is not None:
            self.out.append(line)
            if line.startswith(self.body):
                self.body = None
            return
        found = COMMENT.match(line)
        if found and self.begun is None:
            words = found[2] or ""
            if re.match(r"---|NOLINT|clang-format", words):
                return
            self.comment.append(words)
            self.shared = []
        elif not line.strip() or line.startswith("#") and self.begun is None:
            self.put_comment("", alone=True)
            self.shared = []
            self.out.append(line)
        else:
            self.declaration(line)

    def declaration(self, line):
        if opened := OPENS_WITH_WORDS.match(line):
            self.comment.append(opened[3])
            line = opened[1] + opened[2]
        if self.begun is None:
            self.begun = re.match(" *", line)[0]
            if not self.comment and self.may_share(line):
                self.comment = list(self.shared)
            self.shared = list(self.comment)
            self.put_comment(line)
        code = re.sub(r" +// .*$", "", line)
        if behind := BEHIND.match(line):
            line = f"{behind[1]}  ///< {behind[2]}"
        self.out.append(line)
        if code.endswith("{") and not SCOPE.match(self.first_line()):
            self.body = self.begun + "}"
            self.begun = None
        elif code.endswith(("{", "}", ";", ",", ":")) and not self.goes_on(code):
            if code.endswith("{"):
                self.shared = []
            self.begun = None

    def first_line(self):
        """Of the declaration under way, templates left out."""
        for line in reversed(self.out):
            if line.startswith(self.begun) and not line.startswith((self.begun + " ",
                                                                    self.begun + "*/")):
                return line
        return self.out[-1]

    @staticmethod
    def goes_on(code):
        return code.endswith((",", ":")) and ("(" in code or " " * 4 in code[:8]) \
            and not re.match(r"^ *(public|private|protected):$", code)

    @staticmethod
    def may_share(line):
        if "~" in line or line.endswith("= delete;"):
            return False
        return "(" in line or "constexpr" in line or line.lstrip().startswith("template")

    def put_comment(self, line, alone=False):
        words, self.comment = self.comment, []
        if not words:
            return
        called_from, words = from_of(words)
        words = in_verbatim(words)
        named = line and not line.startswith(" ") and not line.startswith("namespace") \
            and not re.match(r"inline constexpr|using|enum", line)
        if called_from or named:
            words += ["@par From", capital(called_from or self.called_from)]
        if not alone:
            self.out += block(words, re.match(" *", line)[0])


def cpp_source(text, name):
    marked, called_from, rest = top(text.split("\n"), name)
    declarations = Declarations(called_from)
    for line in rest:
        declarations.line(line)
    return "\n".join(marked + declarations.out)


# ---- C -------------------------------------------------------------------------------------------


def c_source(text):
    """weft.h with its comments as Doxygen wants them: /** before, /**< behind a member. A comment
    also stands for the functions that follow in the next lines."""
    text = text.replace("/* weft.h: ", "/** @file\n * ", 1)
    text = re.sub(r"^/\* (?!---|SPDX)", "/** ", text, flags=re.MULTILINE)
    text = re.sub(r"^(  )/\* ", r"\1/** ", text, flags=re.MULTILINE)
    text = re.sub(r"(?<=[;,\w]) +/\* ", " /**< ", text)
    shared = re.compile(r"(^/\*\*(?:(?!\*/).)*\*/\n)([^\n/]*\);\n)(?=[a-z][^\n]*\(|[a-z][^\n]*,\n)",
                        re.MULTILINE | re.DOTALL)
    while shared.search(text):
        text = shared.sub(lambda found: f"{found[1]}{found[2]}{found[1]}", text, count=1)
    return text


# ---- the first pages -----------------------------------------------------------------------------

FIRST_CPP = """/** @mainpage weft, the C++ face
A program includes one of these; there is no need to know in which file below them a name is.
- `weft/weft.hpp`: all that an embedder needs: weft::Runtime loads modules and makes guests of them
  (weft::Guest, weft::GuestOptions), weft::Caller is what a host function gets, and guest/streams.h
  has what stdin and stdout can be.
- `weft/asio.hpp`: that, and `use_park` (os/use_park.h), which parks the green thread that waits
  for Asio.
- `weft/go.hpp`: green threads alone, without guests: weft::chan, weft::mutex, weft::wait_group,
  ...
- `weft/control.hpp`: weft::control::ControlServer, for `weft ps`, `top`, `kill`.
- `weft/explore.hpp`: search for schedules that break native code.

<a href="../../embedding.html">Embedding</a> and
<a href="../../guide-embed.html">embed in ten minutes</a> are how to begin. */
"""
FIRST_C = """/** @mainpage weft.h
@ref weft.h "The list of all names". Its last part is for programs that run
guests, the rest for porters of runtimes.

<a href="../../embedding.html#from-c">From C</a> and <a href="../../porting.html">porting a
runtime</a> are how to begin. */
"""


# ---- Doxygen -------------------------------------------------------------------------------------

COMMON = """OUTPUT_DIRECTORY = {out}
HTML_OUTPUT = {face}
INPUT = {source}
STRIP_FROM_PATH = {source}
RECURSIVE = YES
GENERATE_LATEX = NO
JAVADOC_AUTOBRIEF = YES
EXTRACT_ALL = NO
WARN_NO_PARAMDOC = NO
WARN_AS_ERROR = FAIL_ON_WARNINGS
WARN_LOGFILE = {log}
QUIET = YES
HAVE_DOT = NO
SHOW_USED_FILES = NO
HIDE_IN_BODY_DOCS = YES
MACRO_EXPANSION = YES
"""
OF_CPP = """PROJECT_NAME = "weft, the C++ face"
EXCLUDE_SYMBOLS = {inner}
HIDE_UNDOC_CLASSES = YES
SHOW_HEADERFILE = NO
SHOW_INCLUDE_FILES = NO
EXPAND_ONLY_PREDEF = YES
PREDEFINED = WEFT_INLINE=inline WEFT_NEEDS_UNWINDING= __cplusplus=202002L
"""
OF_C = """PROJECT_NAME = weft.h
OPTIMIZE_OUTPUT_FOR_C = YES
PREDEFINED = __DOXYGEN__
"""


def run_doxygen(work, out, face, settings):
    log = work / f"{face}.log"
    doxyfile = work / f"{face}.doxyfile"
    doxyfile.write_text(COMMON.format(out=out, face=face, source=work / face, log=log) + settings,
                        encoding="utf-8")
    out.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["doxygen", doxyfile], check=False, capture_output=True, text=True)
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    if done.returncode != 0 or said:
        raise Wrong(f"doxygen says of the {face} face:\n"
                    + (said or done.stderr).replace(f"{work / face}/", "").strip())


def write(root, work, out):
    """The references in out/cpp and out/c. Raises Wrong, with all that lacks words."""
    shutil.rmtree(work, ignore_errors=True)
    for name in HEADERS:
        copy = work / "cpp" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(cpp_source((root / name).read_text(encoding="utf-8"), name),
                        encoding="utf-8")
    (work / "c").mkdir()
    (work / "cpp/first.dox").write_text(FIRST_CPP, encoding="utf-8")
    (work / "c/first.dox").write_text(FIRST_C, encoding="utf-8")
    (work / "c/weft.h").write_text(c_source((root / "capi/weft.h").read_text(encoding="utf-8")),
                                   encoding="utf-8")
    run_doxygen(work, out, "cpp", OF_CPP.format(inner=" ".join(INNER)))
    run_doxygen(work, out, "c", OF_C)
