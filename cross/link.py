#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Links a program with libweft-port.a, and rewrites the module so that what can park in it can:

    cross/link.py SYSTEM OUT [--report] FLAG... OBJECT... libweft-port.a

SYSTEM is wasi, and OUT then a .wasm; or emscripten, and OUT a .js, beside which its .wasm goes.
FLAGs (-s..., -W..., -l...) are for the linker. No step of weft's own build but this one needs to
know of Asyncify; a porter's build can call it too.

Binaryen's Asyncify rewrites every function from which a call can lead to a switch of fibers, and
must take each indirect call for one that does. By rule, and not by hand, these stay as they are:

  imports        what the host does never comes back into the module. For Emscripten the invoke_
                 functions do: they are a call with a C++ catch around it
  the libraries  a function of the target's own C and C++ library parks nothing: its indirect calls
                 go to its own streams, or to a comparison that must not park. What weft defines in
                 its place (operator new, which throws) is not the library's

--report prints the sizes, and how many functions were rewritten.
"""

import pathlib
import re
import subprocess
import sys

LIBRARIES = {
    "wasi": (pathlib.Path("/usr/lib/wasm32-wasi"), ["libc", "libc++", "libc++abi"]),
    "emscripten": (pathlib.Path("/usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten"),
                   ["libc", "libc++", "libc++-except", "libc++abi", "libc++abi-except",
                    "libdlmalloc", "libcompiler_rt"]),
}


def archives(system):
    folder, names = LIBRARIES[system]
    return [str(folder / f"{name}.a") for name in names if (folder / f"{name}.a").exists()]


def defined_in(paths):
    """Names of the functions that archives define."""
    listing = subprocess.run(["llvm-nm", "--defined-only", *paths], capture_output=True, text=True,
                             check=False).stdout
    return set(re.findall(r"^[0-9a-f]+ [TtWw] (\S+)$", listing, re.M))


def uleb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def function_names(module):
    """The names of a module's functions, of its name section."""
    at = 8
    while at < len(module):
        kind = module[at]
        size, at = uleb(module, at + 1)
        end = at + size
        if kind == 0:
            length, start = uleb(module, at)
            if module[start:start + length] == b"name":
                return names_of(module[start + length:end])
        at = end
    return []


def names_of(section):
    at = 0
    while at < len(section):
        kind = section[at]
        size, at = uleb(section, at + 1)
        if kind == 1:
            names = []
            count, at = uleb(section, at)
            for _ in range(count):
                _, at = uleb(section, at)
                length, at = uleb(section, at)
                names.append(section[at:at + length].decode())
                at += length
            return names
        at += size
    return []


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


# -O0: with -O the driver would run wasm-opt itself, and inline what must stay apart. Emscripten
# with -O2 would shorten the names of imports and exports, and they must fit its JavaScript.
LINKERS = {
    "wasi": ["clang++", "--target=wasm32-wasi", "--sysroot=/usr", "-O0", "-Wl,--no-demangle",
             "-Wl,-z,stack-size=65536"],
    "emscripten": ["em++", "-fexceptions", "-O1", "--profiling-funcs", "-sALLOW_MEMORY_GROWTH=1",
                   "-sMAXIMUM_MEMORY=2GB", "-sEXIT_RUNTIME=1", "--js-library",
                   str(pathlib.Path(__file__).with_name("asyncify_library.js"))],
}


def main(arguments):
    report = "--report" in arguments
    system, to, *given = [word for word in arguments if word != "--report"]
    out = pathlib.Path(to)
    linked = out.with_name(out.stem + "-linked" + out.suffix)
    run([*LINKERS[system], *given, "-o", str(linked)])
    if system == "emscripten":
        text = linked.read_text(encoding="utf-8")
        out.write_text(text.replace(linked.stem + ".wasm", out.stem + ".wasm"), encoding="utf-8")
        linked, out = linked.with_suffix(".wasm"), out.with_suffix(".wasm")
    names = function_names(linked.read_bytes())
    weft = [word for word in given if word.endswith(".a")]
    kept = sorted((defined_in(archives(system)) - defined_in(weft)).intersection(names))
    if not kept:
        sys.exit(f"link: {linked} has no function of the C library: where are its names?")
    rule = out.with_suffix(".kept")
    rule.write_text("\n".join(kept) + "\n", encoding="utf-8")
    imports = "env.invoke_*" if system == "emscripten" else "none.none"
    said = run(["wasm-opt", str(linked), "-o", str(out), "--asyncify",
                f"--pass-arg=asyncify-imports@{imports}",
                f"--pass-arg=asyncify-removelist@@{rule}", "-O2",
                *(["--pass-arg=asyncify-verbose"] if report else [])])
    if report:
        rewritten = set(re.findall(r"\[asyncify\] (\S+) can change the state", said))
        plain = out.with_name(out.stem + "-plain.wasm")
        run(["wasm-opt", str(linked), "-o", str(plain), "-O2"])
        print(f"{out.name}: {plain.stat().st_size} bytes before Asyncify, {out.stat().st_size} "
              f"after, {len(rewritten)} of {len(names)} functions rewritten")


if __name__ == "__main__":
    main(sys.argv[1:])
