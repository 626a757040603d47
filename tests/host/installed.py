#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is installed may be moved: tests/host/installed.py BUILDDIR

Installs the build into a folder, moves that to another place, and builds and runs a C program there
by what weft.pc says, with the shared library and with the static one. weft.pc names no file and no
folder of the machine that built it.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

PROGRAM = """
#include <stdio.h>
#include <weft.h>
static void first(void* argument) { puts(argument); }
int main(void) {
  weft_scheduler* scheduler;
  char text[] = "a thread of weft";
  if (weft_create(NULL, &scheduler) != WEFT_OK) return 2;
  if (weft_newosproc(scheduler, first, text, NULL) != WEFT_OK) return 3;
  return weft_run(scheduler) == WEFT_OK ? 0 : 4;
}
"""


def output_of(words, **environment):
    done = subprocess.run(words, env={**os.environ, **environment}, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, f"{shlex.join(map(str, words))}\n{done.stdout}{done.stderr}"
    return done.stdout


def installed(build, scratch):
    """Returns where it is after it was moved."""
    staged = scratch / "staged"
    output_of(["meson", "install", "-C", build, "--no-rebuild", "--destdir", staged])
    header, = staged.rglob("weft.h")
    moved = scratch / "moved"
    header.parent.parent.rename(moved)
    return moved


def pkg_config(folder, *words):
    return output_of(["pkg-config", *words, "weft"], PKG_CONFIG_PATH=str(folder))


def says(scratch, libraries, flags):
    """What the program says when it was built with these flags."""
    source = scratch / "program.c"
    source.write_text(PROGRAM)
    program = scratch / "program"
    output_of(["cc", "-std=c11", source, "-o", program, *shlex.split(flags)])
    return output_of([program], LD_LIBRARY_PATH=str(libraries))


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 64
    with tempfile.TemporaryDirectory(prefix="weft-installed-") as folder:
        scratch = pathlib.Path(folder)
        moved = installed(pathlib.Path(arguments[0]).resolve(), scratch)
        file, = moved.rglob("weft.pc")
        text = file.read_text()
        print(text)
        assert not re.search(r"(?<![\w}.])/", text), "an absolute path in weft.pc"
        libraries = file.parent.parent
        assert says(scratch, libraries, pkg_config(file.parent, "--cflags", "--libs")
                    ) == "a thread of weft\n"
        for shared in libraries.glob("libweft.so*"):
            shared.unlink()
        assert says(scratch, libraries, pkg_config(file.parent, "--static", "--cflags", "--libs")
                    ) == "a thread of weft\n"
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
