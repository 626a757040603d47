#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""gdb sees 1,000 green threads, in a live process and in its core: tests/host/gdb_gs.py PROGRAM

PROGRAM is tests/host/many_gs.cpp with debug information. It stops itself for gdb; what
tools/gdb/weft-gdb.py then prints must name each G with its state, and the functions in which a
waiting and a runnable one stopped. The same is asked of the core file that gdb makes there.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "gdb" / "weft-gdb.py"
SECONDS = 300
RUNNABLE = range(1001, 1011)
ASKED = ["info weft-gs", "echo == waiting\\n", "weft-bt 500",
         *(words for g in RUNNABLE for words in (f"echo == runnable {g}\\n", f"weft-bt {g}")),
         "echo == running\\n", "weft-bt 1011", "echo == wrong\\n", "weft-bt 5000", "weft-bt x"]
# Modules whose numbers have no end, or promise more than there is.
HOSTILE = [r"b'\0' + b'\xff' * 100000",
           r"b'\0\xff\x7f\4name' + b'\1\xff\xff\xff\xff\x7f' + b'\xff' * 20",
           r"b'\7\xff\x7f' + b'\xff\xff\xff\xff\x7f\1a\0\7'"]
LIVE = ["set var ((unsigned long*)&weft_debug_gs)[2] = 20", "info weft-gs",
        "set var ((unsigned long*)&weft_debug_gs)[2] = 30",
        *(f"python print('exports', Wasm(b'\\0asm\\1\\0\\0\\0' + {module}).exports)"
          for module in HOSTILE),
        "python print(printable(chr(27) + '[31mname' + 'e' * 1000))"]


def gdb(*words, commands):
    """What gdb prints."""
    told = [word for command in commands for word in ("-ex", command)]
    done = subprocess.run(["gdb", "-nx", "-batch", "-ex", f"source {SCRIPT}", *told, *words],
                          capture_output=True, text=True, timeout=SECONDS, check=False)
    return done.stdout + done.stderr.replace("\n", "\nstderr: ")


def check(text):
    """Is it all there?"""
    listed = re.findall(r"^([* ]) +(\d+)  (\S.*\S) {2,}(\S.*)$", text.split("== waiting")[0], re.M)
    assert [int(number) for _, number, _, _ in listed] == list(range(1, 1012)), text[:3000]
    states = [(mark, state, name) for mark, _, state, name in listed]
    assert states[:1000] == [(" ", "waiting (chan receive)", "waits")] * 1000, states[:3]
    assert states[1000:1010] == [(" ", "runnable", "gives way")] * 10, states[1000:1010]
    assert states[1010] == ("*", "running", "looks"), states[1010]
    for heading, functions in [("waiting", ["weft::park", "recv", "wait_for_news", "g_main"]),
                               ("running", ["raise", "look_here", "g_main"])]:
        part = text.split(f"== {heading}\n")[1].split("== ")[0]
        assert re.search(".*".join(functions), part, re.S), (heading, part)
    # One of them may have stopped where a yield also looks at timers.
    whole = [g for g in RUNNABLE
             if re.search("yield.*gives_way.*g_main",
                          text.split(f"== runnable {g}\n")[1].split("== ")[0], re.S)]
    assert whole == list(RUNNABLE), (whole, text[-4000:])
    assert "there is no G 5000" in text and "weft-bt wants the number of a G" in text, text[-2000:]


def main(program):
    assert shutil.which("gdb"), "gdb is missing: scripts/deps.sh tests"
    with tempfile.TemporaryDirectory(prefix="weft-gdb-") as folder:
        core = pathlib.Path(folder) / "core"
        text = gdb(program, commands=["run", *ASKED, f"generate-core-file {core}", *LIVE])
        check(text)
        assert "weft_debug_gs lacks fields that this script reads" in text, text[-2000:]
        assert re.findall("^exports (.*)$", text, re.M) == ["{}", "{}", "{7: 'a'}"], text[-2000:]
        assert f"\n?[31mname{'e' * 191}\n" in text, text[-2000:]
        check(gdb(program, core, commands=ASKED))
        # What weft's variables are asked with is C.
        text = gdb(program, core, commands=["set language rust", *ASKED, "show language"])
        check(text)
        assert 'The current source language is "rust".' in text, text[-2000:]
    print("1011 Gs, live and in a core file")


if __name__ == "__main__":
    main(sys.argv[1])
