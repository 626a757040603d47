# SPDX-License-Identifier: Apache-2.0
"""Claims about compiling: its time, its memory, its signals, what it leaves, and its cache."""

import os
import pathlib
import random
import signal
import stat
import subprocess
import sys
import time

from claims_engine import fresh_cache, objects
from harness import LOAD_ERROR, TRAP, claim, used_by_children
from processes import children_of, cpu_seconds, is_gone, on_terminal, wait_for

# libwabt from 1.0.36 on has a bound of its own.
LIBWABT_TOO_DEEP = "label stack exceeds max nesting depth"


def leb(number):
    out = b""
    while True:
        low, number = number & 127, number >> 7
        out += bytes([low | (128 if number else 0)])
        if not number:
            return out


def section(number, body):
    return bytes([number]) + leb(len(body)) + body


def command_module(bodies):
    """A command whose functions, of no parameters and no results, have these bodies of code."""
    code = b"".join(leb(len(body) + 2) + b"\0" + body + b"\x0b" for body in bodies)
    return (b"\0asm\1\0\0\0" + section(1, b"\1\x60\0\0")
            + section(3, leb(len(bodies)) + b"\0" * len(bodies)) + section(5, b"\1\0\1")
            + section(7, b"\2\6memory\2\0\6_start\0\0")
            + section(10, leb(len(bodies)) + code))


def many_functions(count):
    """Each function calls the next one, except the last."""
    return command_module([b"\x10" + leb(i + 1) for i in range(count - 1)] + [b""])


def nested(depth):
    return command_module([b"\x02\x40" * depth + b"\x0b" * depth])


def large_br_table(targets):
    table = b"".join(leb(i % 2) for i in range(targets))
    return command_module([b"\x02\x40\x02\x40\x41\0\x28\2\0\x0e" + leb(targets) + table + b"\0"
                           + b"\x0b\x0b"])


def write(weft, name, module):
    path = weft.scratch / name
    path.write_bytes(module)
    return path


def endless_compiler(weft):
    """A C compiler that never ends, and the file into which it writes its process id."""
    pid_file = weft.scratch / "endless.pid"
    pid_file.unlink(missing_ok=True)
    compiler = weft.scratch / "endless-compiler"
    compiler.write_text(f"#!/bin/sh\necho $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\n"
                        "exec sleep 1000\n")
    compiler.chmod(0o700)
    return compiler, pid_file


@claim("writing the C of four times as many functions takes four times as long, not sixteen")
def _(weft):
    env, _ = fresh_cache(weft)
    used = []
    for count in [3_000, 12_000]:
        module = write(weft, "many.wasm", many_functions(count))
        before, _ = used_by_children()
        weft.raw("compile", "--cc", "false", module, env=env).expect(
            code=LOAD_ERROR, err_has="the C compiler failed")
        used.append(used_by_children()[0] - before)
    assert used[1] < 8 * used[0] + 0.2, used


@claim("SIGINT, SIGTERM and SIGQUIT end a compilation within a second of CPU time, at each of its "
       "stages, and leave no file")
def _(weft):
    env, folder = fresh_cache(weft)
    module = write(weft, "many.wasm", many_functions(40_000))
    moments = random.Random(weft.scratch.name)
    for i in range(9):
        sig = [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT][i % 3]
        with weft.start_raw("compile", module, env=env) as run:
            time.sleep(moments.uniform(0.05, 2))
            left = [pid for child in children_of(run.process.pid)
                    for pid in [child, *children_of(child)]]
            used = cpu_seconds(run.process.pid)
            run.process.send_signal(sig)
            ended = run.finish().expect(code=128 + sig, out="", err="")
            assert ended.cpu_seconds - used < 1, (ended.cpu_seconds, used)
        wait_for(lambda left=left: all(map(is_gone, left)))
        assert not list(folder.glob("work-*"))


@claim("kill -9 of a compilation takes its compilers along; the next one removes what it left")
def _(weft):
    env, folder = fresh_cache(weft)
    compiler, pid_file = endless_compiler(weft)
    with weft.start_raw("compile", "--cc", compiler, weft.guest("wat_hello"), env=env) as run:
        wait_for(pid_file.exists)
        children = children_of(run.process.pid)
        run.process.kill()
        run.process.wait()
        wait_for(lambda: all(map(is_gone, [*children, int(pid_file.read_text())])))
        # No other process holds its pipes.
        assert run.process.stdout.read() == b"" and run.process.stderr.read() == b""
    assert children and len(list(folder.glob("work-*"))) == 1
    weft.raw("compile", weft.guest("wat_hello"), env=env).expect(code=0, err="")
    assert not list(folder.glob("work-*")) and len(objects(folder)) == 1


@claim("blocks nested too deep for the available stack are refused; weft does not crash",
       "malloc")
def _(weft):
    env, _ = fresh_cache(weft)
    module = write(weft, "deep.wasm", nested(300_000))
    for space in [None, 900_000 << 10, 300_000 << 10]:
        weft.raw("compile", module, env=env, address_space=space).expect(
            code=LOAD_ERROR,
            err_has=r"deep\.wasm: .*(nested too deep|deeper stack|not enough memory|"
                    + LIBWABT_TOO_DEEP + ")")
        for engine in ["interp", "aot"]:
            weft.raw("run", f"--engine={engine}", "--fuel", 100, module, env=env,
                     address_space=space).expect_no_crash()


@claim("a module whose translation takes too much memory is refused by name", "malloc")
def _(weft):
    env, _ = fresh_cache(weft)
    module = write(weft, "large.wasm", command_module([b"\x41\0\x1a" * 2_000_000]))
    run = weft.raw("compile", "--cc", "false", module, env=env)
    run.expect(code=LOAD_ERROR, err_has=r"large\.wasm: ")
    module = write(weft, "nested.wasm", nested(2_300_000))
    weft.raw("compile", module, env=env).expect(
        code=LOAD_ERROR,
        err_has=r"nested\.wasm: (its translation to C takes more than \d+ MiB|.*"
                + LIBWABT_TOO_DEEP + ")")


@claim("a FIFO or a folder in the place of an entry hangs neither run nor cache ls nor cache clear")
def _(weft):
    env, folder = fresh_cache(weft)
    for put in [os.mkfifo, lambda path: (path / "more").mkdir(parents=True)]:
        weft.run("--engine=aot", "wat_hello", env=env).expect(code=0, err="")
        entry, = objects(folder)
        entry.unlink()
        put(entry)
        weft.raw("cache", "ls", env=env).expect(code=0, out_has="damaged")
        weft.run("--engine=auto", "wat_hello", env=env).expect(code=0, err="")
        weft.run("--engine=aot", "wat_hello", env=env).expect(code=0, err="")
        assert stat.S_ISREG(entry.stat().st_mode)
        entry.unlink()
        put(entry)
        weft.raw("cache", "clear", env=env).expect(code=0, out="1 modules removed\n")
        assert not objects(folder)


@claim("a cache below a folder that others may change is not used, and the message names it")
def _(weft):
    env, folder = fresh_cache(weft)
    weft.run("--engine=aot", "wat_hello", env=env).expect(code=0, err="")
    folder.parent.chmod(0o777)
    try:
        weft.run("--engine=aot", "wat_hello", env=env).expect(
            code=0, err_has=f"{folder.parent}: others may change it, and so what guests run")
        weft.raw("cache", "ls", env=env).expect(err_has=f"{folder.parent}: others may change it")
    finally:
        folder.parent.chmod(0o700)


def empty_objects_compiler(weft):
    """A C compiler that notes its words in a file and whose objects have nothing in them. A real
    one takes half a minute for a program of Go."""
    log = weft.scratch / "compiled"
    log.unlink(missing_ok=True)
    compiler = weft.scratch / "empty-objects-compiler"
    compiler.write_text(f'#!/bin/sh\necho "$@" >> {log}\n'
                        'for word; do [ "$last" = -o ] && to=$word; last=$word; done\n'
                        'exec cc -shared -fPIC -x c /dev/null -o "$to"\n')
    compiler.chmod(0o700)
    return compiler, log


@claim("what weft compile made of a Go program is what weft run looks for: nothing is made again")
def _(weft):
    env, folder = fresh_cache(weft)
    compiler, log = empty_objects_compiler(weft)
    no_code = r"go_hello\.wasm: .* is not a module that this weft compiled"
    weft.raw("compile", "--cc", compiler, weft.guest("go_hello"), env=env).expect(
        code=LOAD_ERROR, err_has=no_code)
    made, compiled = objects(folder), log.read_text()
    assert len(made) == 1 and compiled
    for words in [[], ["--goroutine-preempt=off"], ["--invoke=_start"]]:
        weft.run("--engine=aot", "--cc", compiler, *words, "go_hello", env=env).expect(
            code=0, out="hello from go\n", err_has=no_code + "; it runs on the engine interp")
        assert objects(folder) == made and log.read_text() == compiled, words


@claim("a terminal sees how far a compilation is, in a line that is written only when it says "
       "something else")
def _(weft):
    env, _ = fresh_cache(weft)
    compiler, _ = endless_compiler(weft)
    shown = on_terminal(weft, "compile", "--cc", compiler, weft.guest("wat_hello"), env=env,
                        until=r"compiling: 0 of 1 parts, ([3-9]|\d\d+) s\x1b")
    lines = [line for line in shown.split("\r") if "weft: wat_hello.wasm: " in line]
    assert lines and len(lines) == len(set(lines)), lines


@claim("a process that waits for another's compilation says so on a terminal")
def _(weft):
    env, _ = fresh_cache(weft)
    compiler, pid_file = endless_compiler(weft)
    words = ["compile", "--cc", compiler, weft.guest("wat_hello")]
    with weft.start_raw(*words, env=env) as first:
        wait_for(pid_file.exists)
        shown = on_terminal(weft, *words, env=env, until="waiting for another process")
        first.process.terminate()
        first.finish()
    assert "waiting for another process that compiles it" in shown, shown


@claim("--tier-up: the compiler has the lowest priority, as a process and as a session")
def _(weft):
    env, _ = fresh_cache(weft)
    # Nobody reads what it prints, and it must not wait for that.
    with weft.start("--engine=auto", "--tier-up=on", "c_compute", env=env,
                    stdout=subprocess.DEVNULL) as run:
        wait_for(lambda: children_of(run.process.pid))
        child, = children_of(run.process.pid)
        try:
            # Beside other work it gets little time, so nothing more is asked of it.
            wait_for(lambda: os.getpriority(os.PRIO_PROCESS, child) == 19)
            assert os.getsid(child) == child
            group = pathlib.Path(f"/proc/{child}/autogroup")
            if group.exists():  # Else the kernel has none.
                wait_for(lambda: group.read_text().endswith(" nice 19\n"))
        finally:
            os.kill(child, signal.SIGKILL)


def cut_off(entry):
    entry.chmod(0o600)
    os.truncate(entry, 0)


@claim("an entry of the cache that is cut off while it runs ends its guests alone, by a trap")
def _(weft):
    env, folder = fresh_cache(weft)
    for name in ("c_compute", "c_sleep2s"):
        weft.raw("compile", weft.guest(name), env=env).expect(code=0)
        if name == "c_compute":
            entry, = objects(folder)
    with weft.start("--engine=aot", "-n", "2", "c_compute", ":::", "c_sleep2s", env=env) as run:
        run.read_until(b"hundred thousands")
        cut_off(entry)
        ended = run.finish().expect(code=TRAP, err_has=[
            r"guest 1 .*the file of its compiled code was cut off",
            r"guest 2 .*the file of its compiled code was cut off"])
        assert ended.err.count("trap") == 2 and ended.seconds > 1.9, ended.err
    weft.run("--engine=aot", "c_hello", env=env).expect(code=0)


@claim("a module's file that is cut off while it runs changes nothing")
def _(weft):
    for engine in ("interp", "jit"):
        module = write(weft, "cut.wasm", weft.guest("c_ticker").read_bytes())
        with weft.start_raw("run", f"--engine={engine}", module) as run:
            run.read_until(b"tick 1\n")
            os.truncate(module, 0)
            run.finish().expect(code=0, err="", out_has="tick 5$")


OTHER_USER = 65_534
FOOTER_BYTES = 8 + 64 + 4 * 8 + 96
# Exchanges two folders, again and again.
SWAPS = r"""
import ctypes, os, sys
os.setgid(65534)
os.setuid(65534)
os.chdir(sys.argv[1])
libc, here, exchange = ctypes.CDLL(None), -100, 2
while libc.renameat2(here, b"cache", here, b"theirs", exchange) == 0:
    pass
"""
# An object that tells when it is loaded.
TELLS = '#include <fcntl.h>\n__attribute__((constructor)) static void f(void) ' \
        '{ open("%s", O_CREAT | O_WRONLY, 0600); }'


if os.geteuid() == 0:  # Only root can be two users.

    @claim("another user who owns a folder above the cache does not get his code run, by any race")
    def _(weft):
        above, told = weft.scratch / "of-another", weft.scratch / "told"
        for folder in (weft.scratch, above, above / "theirs", above / "theirs" / "weft"):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
        env = {**weft.environment, "XDG_CACHE_HOME": str(above / "cache")}
        weft.run("--engine=aot", "wat_hello", env=env).expect(code=0)
        entry, = objects(above / "cache" / "weft")
        source = weft.scratch / "tells.c"
        source.write_text(TELLS % told)
        theirs = above / "theirs" / "weft" / entry.name
        subprocess.run(["cc", "-shared", "-fPIC", source, "-o", theirs], check=True)
        footer = entry.read_bytes()[-FOOTER_BYTES:]
        theirs.write_bytes(theirs.read_bytes() + footer)
        for path in (above, theirs, theirs.parent, theirs.parent.parent):
            os.chown(path, OTHER_USER, OTHER_USER)
        with subprocess.Popen([sys.executable, "-c", SWAPS, str(above)]) as swaps:
            try:
                for _ in range(100):
                    weft.run("--engine=aot", "wat_hello", env=env).expect(
                        code=0, err_has="of-another: others may change it")
                    assert not told.exists()
                assert swaps.poll() is None, "the other user gave up"
            finally:
                swaps.kill()
