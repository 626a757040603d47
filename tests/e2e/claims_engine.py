# SPDX-License-Identifier: Apache-2.0
"""Claims about engines, the cache of compiled modules, and fuel."""

import concurrent.futures
import pathlib
import shutil
import signal

from harness import LOAD_ERROR, TIMEOUT_S, TRAP, USAGE, claim, without_section
from processes import is_gone, wait_for


def fresh_cache(weft):
    """A cache of this claim's own: the environment to run weft in, and the cache's folder."""
    folder = weft.scratch / "cache"
    shutil.rmtree(folder, ignore_errors=True)
    return {**weft.environment, "XDG_CACHE_HOME": str(folder)}, folder / "weft"


def objects(folder):
    return sorted(folder.glob("*.so"))


@claim("--engine=aot compiles a module once, into the cache")
def _(weft):
    env, folder = fresh_cache(weft)
    for _ in range(2):
        weft.run("--engine=aot", "c_exit7", env=env).expect(code=7, out="leaving with 7", err="")
    assert len(objects(folder)) == 1, objects(folder)
    weft.raw("cache", "ls", env=env).expect(code=0, out_has=r"c_exit7\.wasm\n1 modules")
    weft.raw("cache", "clear", env=env).expect(code=0, out_has="1 modules removed")
    assert not objects(folder)


@claim("--tier-up: a guest that computes on jit has its module compiled; the next run is aot's")
def _(weft):
    env, folder = fresh_cache(weft)
    module = weft.scratch / "endless.wat"
    module.write_text('(module (memory (export "memory") 1)'
                      '(func (export "_start") (loop $again (br $again))))')
    with weft.start("--engine=auto", "--tier-up=on", module, env=env) as run:
        wait_for(lambda: objects(folder))  # Its compiler gets little time beside others.
        assert run.process.poll() is None
        run.process.send_signal(signal.SIGINT)
        run.finish().expect(code=128 + signal.SIGINT)
    weft.run("--engine=auto", "--stats", "--deadline", "50ms", module, env=env).expect(
        code=TRAP, err_has=r"endless\.wat +aot ")


@claim("--tier-up is for real time and the engine auto, and is on or off")
def _(weft):
    for words in [["--tier-up=on", "--virtual-time"], ["--tier-up=on", "--engine=jit"]]:
        weft.run(*words, "c_hello").expect_error(USAGE, "--tier-up compiles for later runs")
    weft.run("--tier-up=now", "c_hello").expect(code=USAGE, err_has="it is on or off, not 'now'")


@claim("weft compile fills the cache; a damaged entry is noticed and made again")
def _(weft):
    env, folder = fresh_cache(weft)
    weft.raw("compile", weft.guest("wat_hello"), env=env).expect(code=0, out="", err="")
    entry, = objects(folder)
    entry.chmod(0o600)
    entry.write_bytes(entry.read_bytes()[:-1000] + b"x" * 1000)
    weft.raw("cache", "ls", env=env).expect(code=0, out_has="damaged")
    weft.run("--engine=auto", "wat_hello", env=env).expect(code=0)
    weft.run("--engine=aot", "wat_hello", env=env).expect(code=0)
    weft.raw("cache", "ls", env=env).expect(code=0, out_has="wat_hello.wasm")


@claim("ten wefts that start at once on an empty cache all run, and leave one entry")
def _(weft):
    env, folder = fresh_cache(weft)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        runs = [pool.submit(weft.run, "--engine=aot", "wat_hello", env=env) for _ in range(10)]
        for run in runs:
            run.result().expect(code=0, err="")
    assert len(objects(folder)) == 1, objects(folder)
    assert not list(folder.glob("work-*"))


@claim("Ctrl-C while modules are compiled ends the compilers and leaves nothing in the cache")
def _(weft):
    env, folder = fresh_cache(weft)
    pid_file = weft.scratch / "cc.pid"
    compiler = weft.scratch / "endless-cc"
    compiler.write_text(f"#!/bin/sh\necho $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\n"
                        "exec sleep 1000\n")
    compiler.chmod(0o700)
    for words in [["run", "--engine=aot"], ["run", "--engine=aot", "--virtual-time"], ["compile"]]:
        for sig in [signal.SIGINT, signal.SIGTERM]:
            pid_file.unlink(missing_ok=True)
            with weft.start_raw(*words, "--cc", compiler, weft.guest("wat_hello"), env=env) as run:
                wait_for(pid_file.exists)
                run.process.send_signal(sig)
                run.finish().expect(code=128 + sig, out="", err="")
            wait_for(lambda: is_gone(int(pid_file.read_text())))
            assert [path.name for path in folder.iterdir()] == ["lock"], list(folder.iterdir())


@claim("no C compiler: a clear message, and the guest runs on interp; weft compile fails")
def _(weft):
    env, folder = fresh_cache(weft)
    weft.run("--engine=aot", "--cc", "no-cc", "c_exit7", env=env).expect(
        code=7, err_has="the C compiler 'no-cc' is not here; it runs on the engine interp")
    empty = weft.scratch / "empty"
    empty.mkdir(exist_ok=True)
    weft.run("--engine=aot", "c_exit7", env={**env, "PATH": str(empty)}).expect(
        code=7, err_has="there is no C compiler here")
    weft.raw("compile", "--cc", "no-cc", weft.guest("c_exit7"), env=env).expect(
        code=LOAD_ERROR, err_has="c_exit7.wasm: the C compiler 'no-cc' is not here\n$")
    assert not objects(folder)


@claim("a trap is told in the same words by every engine, and with both kinds of bounds")
def _(weft):
    for guest in ["c_trap_oob", "c_trap_div", "wat_trap_table", "wat_recursion",
                  "wat_trap_in_min"]:
        told = {weft.run(f"--engine={engine}", *bounds, guest).expect(code=TRAP).err
                for engine in weft.engines()
                for bounds in [[], ["--bounds=guard"], ["--bounds=check"]]}
        assert len(told) == 1, told


@claim("a trap in a guest with line numbers is told with its line of source, on every engine")
def _(weft):
    source = pathlib.Path(__file__).parent.parent / "guests/c/trap_div.c"
    line = 1 + source.read_text().splitlines().index("  return a / b;")
    stripped = weft.scratch / "stripped.wasm"
    stripped.write_bytes(without_section(weft.guest("c_trap_div").read_bytes(), b".debug_line"))
    for words in [["--virtual-time"], *([f"--engine={name}"] for name in weft.engines())]:
        weft.run(*words, "c_trap_div").expect(
            err_has=rf"integer divide by zero\s+at offset 0x[0-9a-f]+ \(trap_div\.c:{line}\)\n")
    # A replay compares the kind of trap; the line may differ.
    replay = weft.scratch / "trap.replay"
    weft.raw("test", "--seeds", 1, "--replay", replay, weft.guest("c_trap_div")).expect(
        code=1, out_has=rf"trap_div\.c:{line}")
    without = weft.scratch / "c_trap_div.wasm"
    without.write_bytes(stripped.read_bytes())
    weft.raw("replay", "--modules", weft.scratch, replay).expect(
        code=TRAP, err_has="replayed: the same run")
    weft.run("--engine=aot", stripped).expect(
        code=TRAP, err_has=r"integer divide by zero at offset 0x[0-9a-f]+\n")


@claim("--fuel ends a guest at the same fuel point on every engine")
def _(weft):
    told = {(run.out, run.err) for run in
            [weft.run(f"--engine={engine}", "--fuel", 300001, "c_compute").expect(code=TRAP)
             for engine in [*weft.engines(), *weft.engines()]]}
    assert len(told) == 1, told
    (out, err), = told
    assert "hundred thousands 2 " in out and "trap: out of fuel at offset" in err, (out, err)


@claim("--fuel, --bounds, --stack and weft cache say what is wrong with their arguments")
def _(weft):
    for words in [["run", "--fuel", "0"], ["run", "--fuel", "many"], ["run", "--bounds", "none"],
                  ["run", "--stack", "1"], ["cache"], ["cache", "rm"], ["compile"]]:
        weft.raw(*words).expect(code=USAGE, err_has="Try 'weft")
    missing = weft.raw("compile", pathlib.Path("/no/such.wasm"))
    missing.expect(code=LOAD_ERROR, err_has="/no/such.wasm")


@claim("a guest in an endless loop leaves the others their turns, on every engine")
def _(weft):
    for engine in weft.engines():
        with weft.start(f"--engine={engine}", "c_busy", ":::", "c_ticker") as run:
            run.read_until(b"busy")
            run.read_until(b"tick")
            run.read_until(b"tick")
            run.process.kill()


@claim("a function of the host is called through every place where a reference can be")
def _(weft):
    for words in [[f"--engine={engine}", *bounds] for engine in weft.engines()
                  for bounds in [["--bounds=guard"], ["--bounds=check"], ["--virtual-time"]]]:
        weft.run(*words, "wat_host_references").expect(code=0, out="abcdefghijklm\n", err="")


@claim("references are declared by a module without a table, on every engine")
def _(weft):
    for engine in weft.engines():
        weft.run(f"--engine={engine}", "wat_declared_only").expect(code=7, err="")


@claim("a SIGSEGV from another process ends weft by that signal, beside a guest on any engine",
       "speed")
def _(weft):
    for engine in weft.engines():
        with weft.start(f"--engine={engine}", "c_busy", ":::", "c_sleep2s") as run:
            run.read_until(b"busy\n")
            run.process.send_signal(signal.SIGSEGV)
            run.process.communicate(timeout=TIMEOUT_S)
            assert run.process.returncode == -signal.SIGSEGV, run.process.returncode
