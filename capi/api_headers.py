#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the headers of the C++ API: capi/api_headers.py SOURCE TO [STAMP DEPFILE]

TO/weft gets capi/weft/*.hpp, which an embedder includes, and in TO/weft/detail what those need of
the sources, which only they may include: a header there ends the compilation when a program
includes it by itself. STAMP is written last; DEPFILE says for ninja what it was made of.

As a step of `meson install` TO is left out: the prefix's include folder.
"""

import os
import pathlib
import re
import sys

INCLUDE = re.compile(r'^(\s*#\s*include\s+)"([^"]+)"', re.MULTILINE)
ONCE = "#pragma once\n"
OPEN = ONCE + """
#pragma push_macro("WEFT_API_HEADER")
#define WEFT_API_HEADER 1
"""
CLOSE = """
#pragma pop_macro("WEFT_API_HEADER")
"""
INSIDE = ONCE + """
#if !defined(WEFT_API_HEADER)
#error "this header is an inner part of weft: include <weft/weft.hpp>"
#endif
"""
STANDARD = """
#if __cplusplus < 202002L
#error "weft needs C++20: compile with -std=c++20 or newer"
#endif
#include <version>
#if defined(_LIBCPP_VERSION)
#error "weft needs libstdc++, as libwabt does: compile without -stdlib=libc++, or use weft.h"
#endif
"""


def insides(source, headers):
    """All that the headers include of the source tree, by their paths."""
    found = {}
    left = [name for text in headers.values() for _, name in INCLUDE.findall(text)]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = (source / name).read_text(encoding="utf-8")
            left += [inner for _, inner in INCLUDE.findall(found[name])]
    return found


def moved(text):
    return INCLUDE.sub(r"\1<weft/detail/\2>", text)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def main(arguments):
    source = pathlib.Path(arguments[0]).resolve()
    if len(arguments) > 1:
        to = pathlib.Path(arguments[1])
    else:
        to = pathlib.Path(os.environ["MESON_INSTALL_DESTDIR_PREFIX"]) / "include"
    api = {path: path.read_text(encoding="utf-8") for path in (source / "capi/weft").glob("*.hpp")}
    inner = insides(source, api)
    for path, text in api.items():
        assert ONCE in text, f"{path} has no #pragma once"
        write(to / "weft" / path.name, moved(text).replace(ONCE, OPEN + STANDARD, 1) + CLOSE)
    for name, text in inner.items():
        # What has none is included several times, by a header that has.
        write(to / "weft/detail" / name, moved(text).replace(ONCE, INSIDE, 1))
    kept = {to / "weft/detail" / name for name in inner}
    for old in set((to / "weft/detail").rglob("*.*")) - kept:
        old.unlink()
    if len(arguments) > 2:
        stamp, depfile = map(pathlib.Path, arguments[2:])
        made_of = [*api, *(source / name for name in inner)]
        depfile.write_text(f"{stamp}: {' '.join(map(str, made_of))}\n", encoding="utf-8")
        stamp.write_text("// The headers of weft are as the sources are.\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
