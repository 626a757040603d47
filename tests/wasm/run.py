#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weft as WebAssembly on each of its hosts: tests/wasm/run.py [--filter WORD] [--without HOST]

The C interface's tests, the scheduler's unit tests and the port's example, as scripts/wasm.sh built
them, run as WASI modules under weft itself, under node and under wasmtime (from PyPI, in
build/wasm-venv), and as programs of Emscripten under node and in headless Chromium. The variable
WEFT_BINARY names another weft than that of build/release.

Prints a line for each program on each host and `N passed, N failed`. A host that is missing is a
failure; --without leaves one out, and says so.
"""

import argparse
import base64
import functools
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/host"))
from report_in_browser import BROWSERS, Browser  # noqa: E402

HERE = ROOT / "tests/wasm"
WASI = ROOT / "build/wasi/cross"
EMSCRIPTEN = ROOT / "build/emscripten/cross"
VENV = ROOT / "build/wasm-venv"
WASMTIME = "wasmtime==25.0.0"
WEFT = pathlib.Path(os.environ.get("WEFT_BINARY", ROOT / "build/release/tools/weft"))
# What V8 of node 20 does in the background ends it with a fault now and then, when the memory of a
# module has grown to a gigabyte.
NODE = ["node", "--no-warnings", "--single-threaded", "--experimental-wasi-unstable-preview1"]
TIMEOUT_S = 600
# As in cross/wasm32-wasi.ini.
WASI_CPP = ["clang++", "--target=wasm32-wasi", "--sysroot=/usr", "-nostdinc++",
            "-isystem/usr/include/wasm32-wasi/c++/v1"]

# What a program says at its end when all is well.
CHECKS = re.compile(r"^\d+ checks held$", re.M)
DOCTEST = re.compile(r"\[doctest\] Status: .*SUCCESS")
EXAMPLE = re.compile(r"^squares modulo a million: 833500$", re.M)
STRICT = re.compile(r"^a wasm target lacks: .*newosproc 1", re.M)
MANY = re.compile(r"^10000 Gs have passed it on$", re.M)
# name: (arguments, what it must say)
PROGRAMS = {
    "capi": ([], CHECKS),
    "capi-misuse": ([], CHECKS),
    "capi-sync": ([], CHECKS),
    "port": ([], EXAMPLE),
    "ten-thousand": ([], MANY),
    "port strict": (["--strict"], STRICT),
}
# A stack that has grown over its end is said at the next switch, and ends the program.
OVERFLOW = re.compile(r"^weft: stack overflow: it has grown over its own end", re.M)
ENDS_BADLY = {"overflow": ([], OVERFLOW)}
# Without C++ exceptions nothing can unwind the frames of a G that is killed.
REFUSED = {"kill_another": ([], re.compile(
    r"(?s)^(\S*kill_another\.cpp:\d+:\d+: error: 'kill' is unavailable: this target has no C\+\+ "
    r"exceptions to unwind a G's frames with\n.*?){2}^2 errors generated\.", re.M))}
# The unit tests that need what a wasm target does not have, by the beginnings of their names:
# docs/porting.md has the list, too.
NEEDS_LINUX = {
    "unit-scheduler": [
        # A page that faults, or memory that goes back to the system.
        "a stack whose memory went back", "a stack that was asked for", "guards by PROT_NONE",
        "stacks that overflow stayed", "the page below each stack",
        # A second thread, or process.
        "a wait for something outside", "without address space",
        # A switch while an exception is handled.
        "a G may yield while an exception", "a yield inside a catch block"],
    "unit-primitives": ["killing Gs at any time"],
}
UNIT_TESTS = {
    name: (["--no-colors", "-tce=" + ",".join(begin + "*" for begin in begins)], DOCTEST)
    for name, begins in NEEDS_LINUX.items()}


class Failed(Exception):
    pass


def ran(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    return done.returncode, done.stdout + done.stderr


def weft(program, arguments):
    return ran(WEFT, "run", "--memory", "3G",
               WASI / f"{program}.wasm", *arguments)


# Weft in weft, beside other guests: each is preempted like any other.
def together(program, arguments):
    return ran(WEFT, "run", "--memory", "3G", "-n", "3", WASI / f"{program}.wasm", *arguments,
               ":::", "--memory", "3G", WASI / "capi-sync.wasm")


# The same explored: who runs next is the policy's to say, in five schedules.
def explored(program, arguments):
    return ran(WEFT, "test", "--seeds", "5", "--policy", "pct", WASI / f"{program}.wasm",
               *arguments, ":::", WASI / "capi-sync.wasm")


def node(program, arguments):
    return ran(*NODE, HERE / "node_wasi.mjs", WASI / f"{program}.wasm", *arguments)


# Whether an installation got to its end: one that was interrupted leaves a Python alone.
def has_wasmtime(python):
    imports = [python, "-c", "import wasmtime; wasmtime.Engine()"]
    return python.exists() and subprocess.run(imports, capture_output=True,
                                              check=False).returncode == 0


@functools.cache
def wasmtime_python():
    python = VENV / "bin/python3"
    if not has_wasmtime(python):
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        subprocess.run([ROOT / "scripts/retried", python, "-m", "pip", "--quiet", "install",
                        WASMTIME], check=True)
    return python


def wasmtime(program, arguments):
    return ran(wasmtime_python(), HERE / "wasmtime_wasi.py", WASI / f"{program}.wasm", *arguments)


# Compiles tests/wasm/PROGRAM.cpp for wasm32-wasi.
def compiles(program, arguments):
    return ran(*WASI_CPP, "-std=c++20", f"-I{ROOT}", "-fsyntax-only", HERE / f"{program}.cpp",
               *arguments)


def node_emscripten(program, arguments):
    return ran(*NODE, HERE / "node_emscripten.cjs", EMSCRIPTEN / f"{program}.js", *arguments)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):  # pylint: disable=arguments-differ
        pass


@functools.cache
def browser():
    program = next((p for p in BROWSERS if shutil.which(p)), None)
    if program is None:
        raise Failed("there is no Chromium: scripts/deps.sh emscripten installs it")
    shutil.copy(HERE / "page.html", EMSCRIPTEN / "page.html")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(EMSCRIPTEN)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tempfile.TemporaryDirectory()
    return Browser(program, folder.name), server, folder


def chromium(program, arguments):
    page, server, _ = browser()
    words = "&".join([f"{program}.js", *map(urllib.parse.quote, arguments)])
    page.call("Page.navigate", url=f"http://127.0.0.1:{server.server_address[1]}/page.html?{words}")
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        found = page.call("Runtime.evaluate", returnByValue=True, expression=(
            "document.readyState === 'complete' ? document.title + '\\n' + "
            "document.getElementById('out').textContent : ''"))["result"].get("value", "")
        if found.startswith("ended with"):
            first, text = found.split("\n", 1)
            return int(first != "ended with 0"), text
        if page.complaints:
            raise Failed(page.complaints.pop())
        time.sleep(0.1)
    raise Failed(f"it had not ended after {TIMEOUT_S} s")


# What the page of examples/browser shows, as lines; its policies are compared by a click.
PAGE = """(() => {
  const value = (id) => document.getElementById(id).value;
  const rows = [...document.querySelectorAll("#policies tbody tr")].map((row) => row.innerText);
  if (value("rate") === "0") return "";
  if (rows.length === 0) { document.getElementById("compare").click(); return ""; }
  return [value("threads") + " threads", value("cost") + " ns", ...rows].join("\\n");
})()"""


def page_of_example(program, arguments):
    page, server, _ = browser()
    url = f"http://127.0.0.1:{server.server_address[1]}/{program}/index.html"
    page.call("Page.navigate", url=url)
    end = time.monotonic() + TIMEOUT_S
    found = ""
    while time.monotonic() < end and not found and not page.complaints:
        time.sleep(0.2)
        found = page.call("Runtime.evaluate", returnByValue=True,
                          expression=PAGE)["result"].get("value", "")
    if arguments:
        picture = page.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(arguments[0]).write_bytes(base64.b64decode(picture))
    return int(bool(page.complaints) or not found), found + "".join(page.complaints)


# First in, first out: of 100 threads none waits for more than the 99 others and itself.
SHOWS = re.compile(r"\A1,000 threads\n[\d,]+ ns\n(.*\n)*fifo\t100\t100\t[\d,]+$", re.M)

HOSTS = {
    "weft": (weft, PROGRAMS | ENDS_BADLY),
    "weft, beside others": (together, {"ten-thousand": (
        [], re.compile(r"\A(?=.*930 checks held)(.*10000 Gs have passed it on){3}", re.S))}),
    "weft test": (explored, {"ten-thousand": ([], re.compile(r"^5 schedules, .*all pass", re.M))}),
    "node": (node, PROGRAMS | ENDS_BADLY),
    "wasmtime": (wasmtime, PROGRAMS | ENDS_BADLY),
    "the compiler for wasm32-wasi": (compiles, REFUSED),
    "node, Emscripten": (node_emscripten, PROGRAMS | UNIT_TESTS),
    "Chromium, Emscripten": (chromium, PROGRAMS | UNIT_TESTS),
    "Chromium, examples": (page_of_example, {"browser": ([], SHOWS)}),
}


def check(host, program, options):
    call, programs = HOSTS[host]
    arguments, says = programs[program]
    if call is page_of_example and options.picture:
        arguments = [options.picture]
    code, text = call(program.split()[0], arguments)
    if (code != 0) != (program in ENDS_BADLY | REFUSED) or not says.search(text):
        raise Failed(f"ended with {code} and said:\n{text[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filter", action="append", default=[])
    parser.add_argument("--without", action="append", default=[], choices=HOSTS)
    parser.add_argument("--picture", help="write one of the page of examples/browser there")
    options = parser.parse_args()
    passed = failed = 0
    for host in options.without:
        print(f"not run: {host}")
    for host, (_, programs) in HOSTS.items():
        for program in programs:
            name = f"{program} under {host}"
            if host in options.without or not all(word in name for word in options.filter):
                continue
            try:
                check(host, program, options)
                passed += 1
                print(f"ok    {name}")
            except (Failed, AssertionError, OSError, subprocess.SubprocessError) as e:
                failed += 1
                print(f"FAIL  {name}: {e}")
    if browser.cache_info().currsize:
        page, server, folder = browser()
        page.close()
        server.shutdown()
        folder.cleanup()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
