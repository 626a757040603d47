#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Asyncify adds: tests/wasm/sizes.py

Links a hello of C with libweft-port.a for wasm32-wasi, with and without channels, and prints the
bytes before and after Asyncify and how many functions were rewritten; and the libraries' sizes.
"""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

HELLO = """
#include <stdio.h>
#include "capi/weft.h"
static weft_chan* channel;
static void hello(void* s) {
  void* got = NULL;
  (void)s, (void)got;
#ifdef CHANNELS
  weft_chan_send(channel, "hello");
}
static void says(void* s) {
  void* got = NULL;
  (void)s;
  weft_chan_recv(channel, &got);
  puts(got);
}
#else
  weft_osyield();
  puts("hello");
}
#endif
int main(void) {
  weft_scheduler* s;
  if (weft_create(NULL, &s) != WEFT_OK) return 1;
#ifdef CHANNELS
  if (weft_chan_make(0, &channel) != WEFT_OK) return 1;
  weft_go(s, says, s, NULL);
#endif
  weft_go(s, hello, s, NULL);
  weft_run(s);
  return weft_destroy(s);
}
"""


def main():
    for system in ["wasi", "emscripten"]:
        library = ROOT / f"build/{system}/cross/libweft-port.a"
        print(f"{library.relative_to(ROOT)}: {library.stat().st_size} bytes")
    library = ROOT / "build/wasi/cross/libweft-port.a"
    with tempfile.TemporaryDirectory() as folder:
        to = pathlib.Path(folder)
        (to / "hello.c").write_text(HELLO, encoding="utf-8")
        for name, flags in [("hello", []), ("hello-with-channels", ["-DCHANNELS"])]:
            subprocess.run(["clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O2", f"-I{ROOT}",
                            *flags, "-c", to / "hello.c", "-o", to / f"{name}.o"], check=True)
            subprocess.run([sys.executable, ROOT / "cross/link.py", "wasi", to / f"{name}.wasm",
                            "--report", to / f"{name}.o", library], check=True)


if __name__ == "__main__":
    main()
