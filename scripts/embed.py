#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes C++ of text files: scripts/embed.py OUT FILE...

Each file becomes a constant in namespace weft::sim::embedded, named after it: page.html is
page_html. So a file that a program contains can be edited as a file of its own.
"""

import pathlib
import sys

END = "weft_embedded"

if __name__ == "__main__":
    out, *files = map(pathlib.Path, sys.argv[1:])
    lines = ["// Made by scripts/embed.py.", "#pragma once", "#include <string_view>",
             "namespace weft::sim::embedded {"]
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert f"){END}" not in text, f"{file} holds the end mark"
        lines.append(f'inline constexpr std::string_view {file.name.replace(".", "_")} = '
                     f'R"{END}({text}){END}";')
    lines.append("}  // namespace weft::sim::embedded\n")
    out.write_text("\n".join(lines), encoding="utf-8")
