#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The C ABI is what it was: tests/host/abi.py LIBRARY | --update

tests/abi/weft_c.abi describes it: each function of capi/weft.h, with the layouts and the values of
all types, in libabigail's format. abidiff compares that with the header of now, so that a change
is seen by who makes it. A program that was compiled before must run on: what abidiff calls
incompatible needs a new WEFT_ABI_VERSION and another soversion (capi/meson.build). When a change is
meant, --update writes the description again. LIBRARY, a built libweft.so, must export what the
header declares.

The header alone is compiled, as functions without bodies: a library built for release has no
description of types. That the library's own functions have these types is the compiler's to see: it
compiles them with this header. The C++ face has no such promise yet (CHANGELOG.md); its exported
names are held against its headers by tests/host/installed.py.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADER = ROOT / "capi/weft.h"
KNOWN = ROOT / "tests/abi/weft_c.abi"
# Of abidiff's exit code: an error of its own; a change; an incompatible one.
FAILED, WRONG_USE, CHANGED, INCOMPATIBLE = 1, 2, 4, 8


def prototypes():
    """(name, whole prototype) of each function that the header declares."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = re.sub(r"^#.*$|typedef[^;{]*;", "", text, flags=re.MULTILINE)
    return re.findall(r"^((?:[a-z][\w ]*\*?)\s*\b(weft_\w+)\([^;{]*\));", text, re.MULTILINE)


def description(folder):
    """What the header says, in abidw's words."""
    source, library, out = (folder / name for name in ["stubs.c", "libweft-c.so", "now.abi"])
    bodies = [f"{whole} {{ __builtin_trap(); }}" for whole, _ in prototypes()]
    source.write_text(f'#include "{HEADER}"\n' + "\n".join(bodies), encoding="utf-8")
    subprocess.run(["cc", "-std=c11", "-g", "-O0", "-fPIC", "-shared", "-w", "-o", library, source],
                   check=True)
    subprocess.run(["abidw", "--no-show-locs", "--no-corpus-path", "--no-comp-dir-path",
                    "--no-architecture", "--out-file", out, library], check=True)
    return out


def not_exported(library):
    listed = subprocess.run(["nm", "-D", "--defined-only", "--format=just-symbols", library],
                            capture_output=True, text=True, check=True).stdout
    exported = {re.sub(r"@.*", "", line) for line in listed.splitlines()}
    return [name for _, name in prototypes() if name not in exported]


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    for tool in ["abidw", "abidiff"]:
        if shutil.which(tool) is None:
            print(f"abi: no '{tool}' here: Debian's abigail-tools has it", file=sys.stderr)
            return 1
    assert len(prototypes()) > 80, "the header's functions are no longer found"
    with tempfile.TemporaryDirectory() as folder:
        now = description(pathlib.Path(folder))
        if arguments == ["--update"]:
            shutil.copyfile(now, KNOWN)
            return 0
        compared = subprocess.run(["abidiff", KNOWN, now], capture_output=True, text=True,
                                  check=False)
    print(compared.stdout, compared.stderr, sep="", end="")
    if compared.returncode & (FAILED | WRONG_USE):
        return 1
    if compared.returncode & INCOMPATIBLE:
        print("FAILED: an older program could no longer run: raise WEFT_ABI_VERSION and "
              "weft_soversion, then tests/host/abi.py --update")
        return 1
    if compared.returncode & CHANGED:
        print("FAILED: the C ABI has changed: if it is meant, tests/host/abi.py --update")
        return 1
    if missing := not_exported(arguments[0]):
        print("FAILED: declared, but not exported: " + ", ".join(missing))
        return 1
    print(f"holds: the C ABI, {len(prototypes())} functions, is what it was")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
