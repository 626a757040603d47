#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `weft compile` costs for real modules, and how soon it ends when it is told to.

    bench/compile_cost.py WEFT MODULE... [--other WEFT] [--translation] [--signals N [--within S]]

For each module: seconds, CPU seconds, and the most memory that one of its processes had. --other
measures another weft in the same run, and so is wasmtime's compilation, when Python's package
`wasmtime` is there. --translation leaves the C compiler out. --signals sends SIGINT and SIGTERM in
turns, at N random moments of a compilation of each module (with --within, of its first S seconds),
and tells the longest time from the signal to the end; it fails when that is a second or more, or
when a process or a file is left. Beside other work the kernel gives the processor to others
meanwhile: nice -n -10 takes that out.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

WASMTIME = ("import sys, wasmtime\n"
            "config = wasmtime.Config()\n"
            "wasmtime.Module(wasmtime.Engine(config), open(sys.argv[1], 'rb').read())\n")


def measure(command, environment):
    """Seconds, CPU seconds and MiB of a command and what it started."""
    timer = ("import os, resource, subprocess, sys, time\n"
             "start = time.monotonic()\n"
             "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL,\n"
             "                      stderr=subprocess.DEVNULL).returncode\n"
             "use = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
             "print(code, time.monotonic() - start, use.ru_utime + use.ru_stime, use.ru_maxrss)\n")
    run = subprocess.run([sys.executable, "-c", timer, *map(str, command)], env=environment,
                         stdout=subprocess.PIPE, text=True, check=True)
    code, seconds, cpu, kib = run.stdout.split()
    return int(code), float(seconds), float(cpu), int(kib) / 1024


def show(what, measured, may_fail=False):
    code, seconds, cpu, mib = measured
    note = "" if code == 0 or may_fail else f"  (ended with {code})"
    print(f"  {what:24} {seconds:8.1f} s {cpu:8.1f} s of CPU {mib:8.0f} MiB{note}", flush=True)


def with_cache(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return {**os.environ, "XDG_CACHE_HOME": str(folder)}


def parent_of(stat):
    return int(stat.rsplit(")")[1].split()[1])


def descendants(pid):
    parents = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = parent_of(path.read_text())
        except (FileNotFoundError, ProcessLookupError):
            pass
    found = [pid]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found[1:]


def lives(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def interrupt(weft, module, folder, within_s, number):
    """Sends the signal within that time; returns when that was and how long the end then took."""
    environment = with_cache(folder)
    # A script's background job has SIGINT ignored, and so would weft.
    run = subprocess.Popen([weft, "compile", module], env=environment,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    moment = random.uniform(0.02, within_s)
    time.sleep(moment)
    family = descendants(run.pid)
    start = time.monotonic()
    run.send_signal(number)
    run.wait()
    took = time.monotonic() - start
    left = [pid for pid in family if lives(pid)] + list(folder.glob("weft/work-*"))
    assert run.returncode in (-number, 0), run.returncode
    assert not left, f"left: {left}"
    return moment, took


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("modules", nargs="+", type=pathlib.Path)
    parser.add_argument("--other", type=pathlib.Path, help="another weft")
    parser.add_argument("--translation", action="store_true", help="without the C compiler")
    parser.add_argument("--signals", type=int, default=0, metavar="N")
    parser.add_argument("--within", type=float, metavar="S", help="the last moment for a signal")
    arguments = parser.parse_args()
    arguments.weft = arguments.weft.resolve()
    arguments.other = arguments.other and arguments.other.resolve()
    has_wasmtime = subprocess.run([sys.executable, "-c", "import wasmtime"],
                                  stderr=subprocess.DEVNULL, check=False).returncode == 0
    failed = False
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "cache"
        for module in arguments.modules:
            print(f"{module.name}, {module.stat().st_size / 1e6:.1f} MB", flush=True)
            extra = ["--cc", "false"] if arguments.translation else []
            seconds = 5.0
            for what, weft in [("weft", arguments.weft), ("other weft", arguments.other)]:
                if weft is None:
                    continue
                measured = measure([weft, "compile", *extra, module], with_cache(folder))
                show(what, measured, arguments.translation)
                seconds = measured[1] if weft == arguments.weft else seconds
            if has_wasmtime:
                show("wasmtime", measure([sys.executable, "-c", WASMTIME, module], os.environ))
            if arguments.signals:
                numbers = (signal.SIGINT, signal.SIGTERM)
                moments = [interrupt(arguments.weft, module, folder, arguments.within or seconds,
                                     numbers[i % 2]) for i in range(arguments.signals)]
                longest = max(took for _, took in moments)
                failed |= longest >= 1
                print(f"  a signal at {len(moments)} moments from {min(moments)[0]:.1f} to "
                      f"{max(moments)[0]:.1f} s: ended within {longest:.2f} s", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
