#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""weft as WebAssembly on each of its hosts: tests/wasm/run.py [--filter WORD] [--without HOST]

The C interface's tests, the scheduler's unit tests and the port's example, as scripts/wasm.sh built
them, run as WASI modules under weft itself, under node and under wasmtime (from PyPI, in
build/wasm-venv), and as programs of Emscripten under node and in headless Chromium.

Prints a line for each program on each host and `N passed, N failed`. A host that is missing is a
failure; --without leaves one out, and says so.
"""

import argparse
import functools
import http.server
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/host"))
from report_in_browser import BROWSERS, Browser  # noqa: E402

HERE = ROOT / "tests/wasm"
WASI = ROOT / "build/wasi/cross"
EMSCRIPTEN = ROOT / "build/emscripten/cross"
VENV = ROOT / "build/wasm-venv"
WASMTIME = "wasmtime==25.0.0"
TIMEOUT_S = 120

# What a program says at its end when all is well.
CHECKS = re.compile(r"^\d+ checks held$", re.M)
DOCTEST = re.compile(r"\[doctest\] Status: .*SUCCESS")
EXAMPLE = re.compile(r"^squares modulo a million: 833500$", re.M)
STRICT = re.compile(r"^a wasm target lacks: .*newosproc 1", re.M)
# name: (arguments, what it must say)
PROGRAMS = {
    "capi": ([], CHECKS),
    "capi-misuse": ([], CHECKS),
    "capi-sync": ([], CHECKS),
    "port": ([], EXAMPLE),
    "port strict": (["--strict"], STRICT),
}
UNIT_TESTS = {name: ([], DOCTEST) for name in ["unit-scheduler", "unit-primitives"]}


class Failed(Exception):
    pass


def ran(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    return done.returncode, done.stdout + done.stderr


def weft(program, arguments):
    return ran(ROOT / "build/release/tools/weft", "run", "--memory", "3G",
               WASI / f"{program}.wasm", *arguments)


def node(program, arguments):
    return ran("node", "--no-warnings", HERE / "node_wasi.mjs", WASI / f"{program}.wasm",
               *arguments)


@functools.cache
def wasmtime_python():
    python = VENV / "bin/python3"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "--quiet", "install", WASMTIME], check=True)
    return python


def wasmtime(program, arguments):
    return ran(wasmtime_python(), HERE / "wasmtime_wasi.py", WASI / f"{program}.wasm", *arguments)


def node_emscripten(program, arguments):
    return ran("node", "--no-warnings", HERE / "node_emscripten.cjs", EMSCRIPTEN / f"{program}.js",
               *arguments)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):  # pylint: disable=arguments-differ
        pass


@functools.cache
def browser():
    program = next((p for p in BROWSERS if shutil.which(p)), None)
    if program is None:
        raise Failed("there is no Chromium: scripts/deps.sh wasm installs it")
    shutil.copy(HERE / "page.html", EMSCRIPTEN / "page.html")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(EMSCRIPTEN)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tempfile.TemporaryDirectory()
    return Browser(program, folder.name), server, folder


def chromium(program, arguments):
    page, server, _ = browser()
    words = "&".join([f"{program}.js", *arguments])
    page.call("Page.navigate", url=f"http://127.0.0.1:{server.server_address[1]}/page.html?{words}")
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        found = page.call("Runtime.evaluate", returnByValue=True, expression=(
            "document.readyState === 'complete' ? document.title + '\\n' + "
            "document.getElementById('out').textContent : ''"))["result"].get("value", "")
        if found.startswith("ended with"):
            first, text = found.split("\n", 1)
            return int(first != "ended with 0"), text
        time.sleep(0.1)
    raise Failed(f"it had not ended after {TIMEOUT_S} s")


HOSTS = {
    "weft": (weft, PROGRAMS),
    "node": (node, PROGRAMS),
    "wasmtime": (wasmtime, PROGRAMS),
    "node, Emscripten": (node_emscripten, PROGRAMS | UNIT_TESTS),
    "Chromium, Emscripten": (chromium, PROGRAMS | UNIT_TESTS),
}


def check(host, program):
    call, programs = HOSTS[host]
    arguments, says = programs[program]
    code, text = call(program.split()[0], arguments)
    if code != 0 or not says.search(text):
        raise Failed(f"ended with {code} and said:\n{text[-2000:]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--filter", action="append", default=[])
    parser.add_argument("--without", action="append", default=[], choices=HOSTS)
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
                check(host, program)
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
