#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs what the command tells of itself: tools/install_help.py WEFT [PREFIX]

Man pages (weft.1 and one for each command) and completion for bash, zsh and fish, each from
`weft help`. PREFIX: where share/ lies; meson install gives it by MESON_INSTALL_DESTDIR_PREFIX.
"""

import os
import pathlib
import re
import subprocess
import sys

COMPLETIONS = {
    "bash": "share/bash-completion/completions/weft",
    "zsh": "share/zsh/site-functions/_weft",
    "fish": "share/fish/vendor_completions.d/weft.fish",
}


def told(weft, *words):
    return subprocess.run([weft, "help", *words], check=True, capture_output=True, text=True).stdout


def commands(weft):
    listed = told(weft).split("\nCommands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\w+) ", listed, re.MULTILINE)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main():
    weft = sys.argv[1]
    prefix = pathlib.Path(sys.argv[2] if len(sys.argv) > 2
                          else os.environ["MESON_INSTALL_DESTDIR_PREFIX"])
    write(prefix / "share/man/man1/weft.1", told(weft, "--man"))
    for name in commands(weft):
        write(prefix / f"share/man/man1/weft-{name}.1", told(weft, "--man", name))
    for shell, path in COMPLETIONS.items():
        write(prefix / path, told(weft, "--completion", shell))


if __name__ == "__main__":
    main()
