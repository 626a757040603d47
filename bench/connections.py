#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests a second of a server that runs a guest for each connection, beside others:

    bench/connections.py                       all of it, five rounds, less than three minutes
    bench/connections.py --rounds 1 --seconds 1
    bench/connections.py --idle 10000          what 10,000 connections cost that nobody uses

The servers, each on one processor of this machine, with one client on another:

    plain     Asio's handlers, no guest: what the rest is measured by
    weft      examples/embed's guest for each connection, on the default engine, warm
    streams   the same, but its stdin and stdout are functions of the server, which use Asio
    aot       as weft, on the engine aot
    wasmtime  the same guest on wasmtime's C API, a thread and a store for each connection

A request is a line, the answer another. `new` makes a connection for each request, `kept` asks
again and again on those that there are. In each round every server runs once, one after the other;
printed are medians: requests a second, and the processor time that the server took for one, of its
own code and of the kernel. The ratio is to `plain`, of processor time: it hardly depends on what
else runs here.

The programs are built in build/connections with what `meson install` of build/release gives.
wasmtime is the shared library of its package on PyPI (bench/real_programs.py); without it that row
is missing, and said to be.

--idle is of the server `streams`, which holds one descriptor for each connection; --only weft has
it of the other, which holds two. The client is a process of its own. RLIMIT_NOFILE is raised where
it is too small, which root alone can do beyond its bound.
"""

import argparse
import os
import pathlib
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PLACE = ROOT / "build" / "connections"
PATIENCE_S = 120
TICK_S = 1 / os.sysconf("SC_CLK_TCK")

sys.path.insert(0, str(HERE))
import real_programs  # pylint: disable=wrong-import-position


def run(words, **more):
    return subprocess.run([str(word) for word in words], check=True, text=True,
                          stdout=subprocess.PIPE, **more).stdout


def build():
    """The programs, and how each server is started."""
    installed = PLACE / "installed"
    shutil.rmtree(installed, ignore_errors=True)
    run(["meson", "install", "-C", ROOT / "build/release", "--no-rebuild", "--quiet", "--destdir",
         installed])
    packages = next(installed.rglob("weft.pc")).parent
    flags = shlex.split(run(["pkg-config", "--cflags", "--libs", "weft"],
                            env={**os.environ, "PKG_CONFIG_PATH": str(packages)}))
    sources = HERE / "connections"
    run(["c++", "-std=c++20", "-O2", "-o", PLACE / "load", sources / "load.cpp"])
    run(["c++", "-std=c++20", "-O2", "-o", PLACE / "server", sources / "server.cpp", *flags,
         f"-Wl,-rpath,{packages.parent}"])
    run([ROOT / "scripts/build_guests.py", ROOT / "examples/embed/guest", PLACE / "guests"])
    guest = PLACE / "guests/c_guest.wasm"
    ways = {"plain": [PLACE / "server", "plain"], "weft": [PLACE / "server", "guest", guest],
            "streams": [PLACE / "server", "streams", guest],
            "aot": [PLACE / "server", "guest", guest, "aot"]}
    try:
        real_programs.PLACE.mkdir(parents=True, exist_ok=True)
        library = real_programs.fetch_wheel(real_programs.WASMTIME) / "wasmtime/linux-x86_64"
        run(["cc", "-O2", "-o", PLACE / "server_wasmtime", sources / "server_wasmtime.c",
             library / "_libwasmtime.so", f"-Wl,-rpath,{library}", "-lpthread"])
        ways["wasmtime"] = [PLACE / "server_wasmtime", guest]
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no row of wasmtime: {error}", file=sys.stderr)
    return ways


class Server:
    def __init__(self, words, processor):
        pin = ["taskset", "-c", str(processor)] if processor is not None else []
        self.process = subprocess.Popen([*pin, *map(str, words)], stdout=subprocess.PIPE,
                                        text=True)
        self.port = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()

    def seconds(self):
        """Of processor time so far: in its own code, in the kernel."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2]
        return [int(ticks) * TICK_S for ticks in fields.split()[11:13]]

    def resident_kib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0])


def load(port, connections, seconds, how, processor):
    pin = ["taskset", "-c", str(processor)] if processor is not None else []
    answered, took = run([*pin, PLACE / "load", port, connections, seconds, how],
                         timeout=PATIENCE_S).split()
    return int(answered), float(took)


def measured(words, how, options, processors):
    with Server(words, processors[0]) as server:
        load(server.port, options.connections, 0.3, how, processors[1])  # It warms up.
        before = server.seconds()
        answered, took = load(server.port, options.connections, options.seconds, how,
                              processors[1])
        user, system = (now - then for now, then in zip(server.seconds(), before))
    # Its client warms up for 0.3 s more, which is in the processor time.
    share = took / (took + 0.3)
    return answered / took, user * share / answered * 1e6, system * share / answered * 1e6


def compare(ways, options):
    processors = (0, 1) if os.cpu_count() > 1 else (None, None)
    print(f"{options.connections} connections, {options.rounds} rounds of {options.seconds} s, "
          f"load before: {os.getloadavg()[0]:.1f}")
    for how in ["new", "kept"]:
        found = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, words in ways.items():
                found[name].append(measured(words, how, options, processors))
        print(f"\n{how:<10} {'requests/s':>10} {'us own':>8} {'us kernel':>10} "
              f"{'us all':>8} {'of plain':>9}")
        plain = statistics.median(own + kernel for _, own, kernel in found["plain"])
        for name, rounds in found.items():
            rate, own, kernel = (statistics.median(column) for column in zip(*rounds))
            whole = statistics.median(o + k for _, o, k in rounds)
            print(f"{name:<10} {rate:>10.0f} {own:>8.1f} {kernel:>10.1f} {whole:>8.1f} "
                  f"{plain / whole:>9.2f}")


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def allow_descriptors(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if wanted <= soft:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (OSError, ValueError):
        sys.exit(f"connections: error: {wanted} descriptors are more than the limit of {hard}; "
                 "root can raise it")


def idle(words, options):
    """Processor time and memory of a server whose connections, each with a guest, say nothing."""
    each = 1 if "streams" in words else 2
    allow_descriptors(each * options.idle + 100)
    with Server(words, None) as server:
        first, held = server.resident_kib(), descriptors(server.process)
        client = subprocess.Popen([PLACE / "load", server.port, str(options.idle), "0", "idle"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if client.stdout.readline() != "open\n":
            sys.exit("connections: error: the client could not open them all")
        time.sleep(1)
        before = server.seconds()
        time.sleep(options.idle_seconds)
        spent = sum(server.seconds()) - sum(before)
        kib = (server.resident_kib() - first) / options.idle
        held = (descriptors(server.process) - held) / options.idle
        client.communicate("")
    print(f"{options.idle} connections, a guest each: {spent:.2f} s of processor time in "
          f"{options.idle_seconds} s, {kib:.1f} KiB and {held:.2f} descriptors a connection")
    return spent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", help="servers, with commas between: plain,weft")
    parser.add_argument("--idle", type=int, help="so many connections that say nothing, alone")
    parser.add_argument("--idle-seconds", type=int, default=5)
    options = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    ways = build()
    if options.idle:
        spent = idle(ways[options.only or "streams"], options)
        return 0 if spent < 0.02 * options.idle_seconds else 1
    if options.only:
        ways = {name: ways[name] for name in dict.fromkeys(["plain", *options.only.split(",")])}
    compare(ways, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
