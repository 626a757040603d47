#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lua on weft.h: tests/lua/run.py [BUILDDIR] [--wasm] [--own] [--perf]

Lua 5.4, of Debian's source package, with each coroutine a G of weft (tests/lua/glue.inc). Runs
tasks.lua, and of Lua's own tests those that need no files: the variable WEFT_LUA_TESTS names their
folder (lua-5.4.4-tests.tar.gz of lua.org, which Debian does not have). Without it only tasks.lua
runs, and a line says so.

--wasm runs them as WebAssembly, after `scripts/wasm.sh build`: under weft, node and wasmtime, and
with Emscripten under node. --own runs Lua as it is, on Linux; --perf measures instead. Prints a
line a test, and `N passed, N failed`.

The source comes through apt into build/lua, or from the folder that WEFT_LUA names.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests/lua"
FETCHED = ROOT / "build/lua"
sys.path.insert(0, str(ROOT / "tests/wasm"))
import others  # noqa: E402

TEST_S = 120
# In their order in Lua's all.lua. The others need files, other programs, or a Lua built with its
# own checks.
TESTS = ("gc db calls strings literals tpack utf8 cstack nextvar pm events vararg closure "
         "coroutine goto errors math sort locals constructs gengc").split()
# Portable, and without what takes long.
FIRST = "_port = true; _soft = true; _nomsg = true; "
# The C libraries of WebAssembly take any name for a locale, and have one.
ONE_LOCALE = "os.setlocale = function(name) return (name or 'C') == 'C' and 'C' or nil end; "
OWN_NAMES = {
    "ldo": ["-Dlua_resume=weft_stock_resume", "-Dlua_yieldk=weft_stock_yieldk"],
    "lstate": ["-Dlua_resetthread=weft_stock_resetthread"],
}
FLAGS = ["-O2", "-w", "-fno-strict-aliasing"]


def fetched():
    """The folder of Lua's sources, out of Debian's package."""
    if "WEFT_LUA" in os.environ:
        return pathlib.Path(os.environ["WEFT_LUA"])
    if not list(FETCHED.glob("lua-5.4.*/src/lua.h")):
        for name in ["lists/partial", "cache/archives/partial"]:
            (FETCHED / name).mkdir(parents=True, exist_ok=True)
        targets = others.call("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)",
                              "Created-By: Packages", "Component: main", "Origin: Debian")
        uri, codename = next(line.split() for line in targets.splitlines()
                             if "-" not in line.split()[1])
        sources = FETCHED / "source.sources"
        sources.write_text(
            f"Types: deb-src\nURIs: {uri}\nSuites: {codename}\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n", encoding="utf-8")
        apt = ["apt-get", "-o", f"Dir::Etc::sourcelist={sources}", "-o",
               "Dir::Etc::sourceparts=/dev/null", "-o", f"Dir::State::lists={FETCHED}/lists",
               "-o", f"Dir::Cache={FETCHED}/cache"]
        others.call(*apt, "update")
        others.call("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", FETCHED, *apt, "source",
                    "--download-only", "lua5.4")
        # It is moved here when it is whole.
        with tempfile.TemporaryDirectory(dir=FETCHED) as folder:
            with tarfile.open(next(FETCHED.glob("lua5.4_*.orig.tar.*"))) as tar:
                tar.extractall(folder, filter="data")
            tree = next(pathlib.Path(folder).glob("lua-5.4.*"))
            tree.rename(FETCHED / tree.name)
    return next(FETCHED.glob("lua-5.4.*/src"))


def build(target, lua, to, own):
    """The program that runs a script from stdin."""
    language = "c++" if target.system == "emscripten" else "c"
    flags = [*FLAGS, f"-I{lua}"]
    if target.system == "wasi":
        flags += others.write_lacking(to / "lacks")
    if not own:
        flags += [f"-I{ROOT}", "-include", HERE / "glue.inc"]
    left_out = {"luac", "lua"} if not own else {"luac"}
    objects = []
    sources = [path for path in sorted(lua.glob("*.c")) if path.stem not in left_out]
    for path in [*sources, *([] if own else [HERE / "glue.c", HERE / "main.c"])]:
        objects.append(to / f"{path.stem}.o")
        more = [] if own else OWN_NAMES.get(path.stem, [])
        target.compile(path, objects[-1], *flags, *more, language=language)
    if target.system == "wasi":
        objects.append(to / "try_wasi.o")
        target.compile(HERE / "try_wasi.cpp", objects[-1], "-O2", f"-I{ROOT}", language="c++")
        objects.append("-lwasi-emulated-process-clocks")
    program = to / f"lua{target.suffix}"
    target.link(program, *objects)
    return program


def scripts(own, perf, wasm):
    """Each script's text by its name."""
    if perf:
        return {"perf": (HERE / "perf.lua").read_text(encoding="utf-8")}
    found = {} if own else {"tasks": (HERE / "tasks.lua").read_text(encoding="utf-8")}
    folder = os.environ.get("WEFT_LUA_TESTS")
    if not folder:
        print("not run: Lua's own tests: WEFT_LUA_TESTS names no folder with them")
        return found
    # A module that two of them load.
    tracegc = json.dumps((pathlib.Path(folder) / "tracegc.lua").read_text(encoding="ascii"))
    first = FIRST + ONE_LOCALE * wasm + f"package.preload.tracegc = load({tracegc}); "
    for name in TESTS:
        text = (pathlib.Path(folder) / f"{name}.lua").read_text(encoding="latin-1")
        # The first line may be for a shell.
        found[name] = first + ("--" if text.startswith("#") else "") + text
    return found


def as_text(target, script):
    """Emscripten reads stdin as UTF-8: there, other bytes become escapes, as in a string."""
    if target.system != "emscripten":
        return script
    try:
        script.encode("latin-1").decode("utf-8")
        return script
    except UnicodeDecodeError:
        return re.sub(r"[\x80-\xff]", lambda byte: f"\\{ord(byte[0]):03d}", script)


def main(arguments):
    own, perf, wasm = (word in arguments for word in ["--own", "--perf", "--wasm"])
    build_folder = ROOT / next((word for word in arguments if word[0] != "-"), "build/release")
    lua = fetched()
    targets = [others.Linux(None if own else build_folder, ("-lm",))]
    if wasm:
        targets = [others.Wasm("wasi"), others.Wasm("emscripten")]
    passed = failed = 0
    every = scripts(own, perf, wasm)
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            program = build(target, lua, pathlib.Path(folder), own)
            for host, command in target.hosts(program).items():
                for name, text in every.items():
                    try:
                        script = f"@{name}.lua"
                        if own:
                            script = pathlib.Path(folder) / f"{name}.lua"
                            script.write_text(text, encoding="latin-1")
                        said = others.call(*command, script, given=as_text(target, text),
                                           seconds=TEST_S)
                        passed += 1
                        print(f"ok    {name} under {host}", flush=True)
                        print(said * perf, end="")
                    except (RuntimeError, subprocess.TimeoutExpired) as e:
                        failed += 1
                        print(f"FAIL  {name} under {host}: {e}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
