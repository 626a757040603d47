# SPDX-License-Identifier: Apache-2.0
"""The contenders of a comparison: how each is built, what it can do, and how a figure is measured.

bench/peers/README.md documents what a peer prints. weft itself is build/release/bench/weft-bench,
whose JSON is Google Benchmark's: `Weft` translates. A contender that can't be built is skipped with
a reason in one line.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "bench" / "peers"
BUILD_TIMEOUT_S = 3600
LIST_TIMEOUT_S = 30


class Failed(Exception):
    """What went wrong, in one line."""


@dataclasses.dataclass
class Figure:
    unit: str          # ns, cpu-ns or bytes, each of one operation; p99-ns: see Weft.figure.
    value: float
    operations: int
    checksum: int
    peak_bytes: int = 0  # Resident, of the process that measured it; 0: not known.


class Contender:
    """name, version and benchmarks, and how to run one: command() and figure()."""

    name = ""
    version = ""
    benchmarks = ()

    def command(self, benchmark, milliseconds):
        raise NotImplementedError

    def figure(self, benchmark, output):
        """The Figure in what the command printed."""
        raise NotImplementedError


class Peer(Contender):
    def __init__(self, program):
        self.program = str(program)
        about = json.loads(output_of([self.program, "--list"], LIST_TIMEOUT_S))
        self.name = about["peer"]
        self.version = about["version"]
        self.benchmarks = about["benchmarks"]

    def command(self, benchmark, milliseconds):
        return [self.program, benchmark, str(milliseconds)]

    def figure(self, benchmark, output):
        line = json.loads(output)
        if line["name"] != benchmark:
            raise Failed(f"{self.name} was asked for {benchmark} and answered {line['name']}")
        return Figure(line["unit"], line["value"], line["operations"], line["checksum"])


class Weft(Contender):
    """Some benchmarks of weft-bench under the names that all share.

    own_names: shared name -> weft-bench's.
    """

    def __init__(self, program, name, version, own_names):
        self.program = str(program)
        self.name = name
        self.version = version
        self.own_names = own_names
        self.benchmarks = list(own_names)

    def command(self, benchmark, milliseconds):
        name = re.escape(self.own_names[benchmark])
        return [self.program, "--json",
                f"--benchmark_filter=^{name}(/iterations:[0-9]+|/real_time)?$",
                f"--benchmark_min_time={milliseconds / 1000}"]

    def figure(self, benchmark, output):
        runs = json.loads(output)["benchmarks"]
        if len(runs) != 1:
            raise Failed(f"weft-bench ran {len(runs)} benchmarks for {benchmark}")
        run = runs[0]
        if run.get("error_occurred"):
            raise Failed(f"weft-bench's {benchmark} failed: {run['error_message']}")
        to_ns = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[run["time_unit"]]
        operations = round(run["operations"])
        iterations = run["iterations"]
        if "bytes" in run:
            unit, value = "bytes", run["bytes"]
        elif "p99" in run:  # How late something was: a mean says too little.
            unit, value = "p99-ns", run["p99"]
        elif benchmark.startswith("sleepers/"):
            unit, value = "cpu-ns", run["cpu_time"] * to_ns * iterations / operations
        else:
            unit, value = "ns", run["real_time"] * to_ns * iterations / operations
        return Figure(unit, value, operations, round(run["checksum"]))


def checksum_is_right(benchmark, figure):
    if benchmark.startswith("skynet"):
        leaves = int(benchmark.split("/")[1])
        # A double holds weft-bench's, and can't tell neighbours above 2^53.
        expected = figure.operations * (leaves - 1) // 2
        return abs(figure.checksum - expected) <= expected >> 50
    return figure.checksum == figure.operations


# ---- building ------------------------------------------------------------------------------------


def output_of(command, timeout_s, cwd=ROOT, env=None):
    """What a command printed; Failed with its last line of complaint when it did not succeed."""
    try:
        done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout_s, check=False)
    except OSError as error:
        raise Failed(f"can't run {command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{command[0]} did not end within {timeout_s} s") from error
    if done.returncode != 0:
        complaints = [line for line in (done.stdout + done.stderr).splitlines()
                      if "error" in line.lower()] or (done.stdout + done.stderr).splitlines()
        last = complaints[-1] if complaints else "it said nothing"
        raise Failed(f"'{' '.join(map(str, command[:4]))}' ended with {done.returncode}: {last}")
    return done.stdout


def ninja(build, target):
    output_of(["ninja", "-C", str(build), target], BUILD_TIMEOUT_S)
    return build / target


def cpp_peer(build, name):
    targets = output_of(["ninja", "-C", str(build), "-t", "targets", "all"], LIST_TIMEOUT_S)
    if f"bench/peers/peer-{name}:" not in targets:
        raise Failed("the build has no such target: its library was not there when meson looked "
                     f"(scripts/deps.sh bench, then meson setup --reconfigure {build})")
    return Peer(ninja(build, f"bench/peers/peer-{name}"))


def go_peer(_build, _name):
    try:
        go = output_of([str(ROOT / "scripts" / "go.sh")], LIST_TIMEOUT_S).strip()
    except Failed as error:
        raise Failed("there is no Go 1.21 or newer (scripts/deps.sh bench)") from error
    program = ROOT / "build" / "peers" / "go" / "peer-go"
    output_of([go, "build", "-o", str(program), "."], BUILD_TIMEOUT_S, cwd=PEERS / "go",
              env={"GOTOOLCHAIN": "local", "CGO_ENABLED": "0"})
    return Peer(program)


def rust_program(name):
    return ROOT / "build" / "peers" / name / "release" / f"peer-{name}"


def rust_peer(_build, name):
    if shutil.which("cargo") is None:
        raise Failed("there is no cargo: install Rust to compare with it")
    output_of(["cargo", "build", "--release", "--locked"], BUILD_TIMEOUT_S,
              cwd=PEERS / "rust" / name,
              env={"CARGO_TARGET_DIR": str(ROOT / "build" / "peers" / name)})
    return Peer(rust_program(name))


# Where peers that no distribution packages were built or unpacked: {name: folder}.
folders = {}


def folder_of(name):
    if folders.get(name) is None:
        raise Failed(f"no folder was named: --{name} DIR")
    return pathlib.Path(folders[name]).resolve()


def version_of(folder, name):
    """The commit that the folder is at, where it says so, else its name."""
    try:
        commit = output_of(["git", "-C", str(folder), "-c", "safe.directory=*", "rev-parse",
                            "--short", "HEAD"], LIST_TIMEOUT_S).strip()
        return f"{name} {commit}"
    except Failed:
        return f"{name}, {folder.name}"


def built_peer(name, version, arguments):
    program = ROOT / "build" / "peers" / f"peer-{name}"
    program.parent.mkdir(parents=True, exist_ok=True)
    output_of(["c++", "-std=c++20", "-O3", f"-I{ROOT}", f'-DPEER_VERSION="{version}"',
               str(PEERS / "cpp" / f"{name}.cpp"), *arguments, "-pthread", "-o", str(program)],
              BUILD_TIMEOUT_S)
    return Peer(program)


def photon_peer(_build, name):
    """Photon as its own build left it in the folder: include/ and build/output/."""
    folder = folder_of(name)
    library = folder / "build" / "output"
    return built_peer(name, version_of(folder, "Photon"),
                      [f"-I{folder / 'include'}", f"-L{library}", "-lphoton",
                       f"-Wl,-rpath,{library}"])


def libdill_peer(_build, name):
    """libdill from the sources in the folder: what its coroutines and channels need of them."""
    folder = folder_of(name)
    objects = ROOT / "build" / "peers" / "libdill"
    objects.mkdir(parents=True, exist_ok=True)
    parts = ["chan", "cr", "ctx", "handle", "libdill", "now", "pollset", "rbtree", "stack", "utils"]
    output_of(["cc", "-O3", "-w", "-DHAVE_EPOLL", "-DHAVE_CLOCK_GETTIME", "-DHAVE_RT",
               "-D_GNU_SOURCE", "-c", *[str(folder / f"{part}.c") for part in parts]],
              BUILD_TIMEOUT_S, cwd=objects)
    return built_peer(name, version_of(folder, "libdill"),
                      [f"-I{folder}", *[str(objects / f"{part}.o") for part in parts], "-lrt"])


BUILDERS = {
    "go": go_peer,
    "boost-fiber": cpp_peer,
    "pth": cpp_peer,
    "tokio": rust_peer,
    "asio-awaitable": cpp_peer,
    "asio-spawn": cpp_peer,
    "photon": photon_peer,
    "libdill": libdill_peer,
    "threads": cpp_peer,
    "wasmtime": rust_peer,
}
# Not built unless it is asked for by name: it takes minutes.
BIG = "wasmtime"


def weft_contenders(build):
    """weft, the raw switch beneath it, and one contender for each engine of guests."""
    program = ninja(build, "bench/weft-bench")
    listed = [re.sub(r"/(iterations:\d+|real_time)$", "", line) for line in output_of(
        [str(program), "--benchmark_list_tests"], LIST_TIMEOUT_S).split()]
    native = {name: name for name in listed if not name.startswith("guest/")}
    version = output_of(["git", "-c", "safe.directory=*", "describe", "--always", "--dirty"],
                        LIST_TIMEOUT_S).strip()
    found = [Weft(program, "weft", version, native),
             Weft(program, "raw jump", "Boost.Context's jump_fcontext between two stacks",
                  {f"yield/{gs}": "jump_fcontext" for gs in (2, 10, 100, 1000, 10000, 100000)}),
             Weft(program, "bare ring", "a ring of as many stacks that prefetches, no scheduler",
                  {f"yield/{gs}": f"bare_ring/{gs}"
                   for gs in (2, 10, 100, 1000, 10000, 100000, 1000000)})]
    engines = sorted({name.split("/")[2] for name in listed if name.startswith("guest/")})
    for engine in engines:
        names = {name.replace(f"/{engine}", "", 1): name
                 for name in listed if name.startswith("guest/") and f"/{engine}" in name}
        found.append(Weft(program, f"weft {engine}", f"{version}, engine {engine}", names))
    return found


def prepare(build, wanted, say):
    """Builds weft and the wanted peers. Returns (contenders, {skipped name: reason})."""
    if not (build / "build.ninja").exists():
        raise Failed(f"{build} is no build directory: meson setup {build} --buildtype=release")
    say("building weft-bench")
    contenders = weft_contenders(build)
    skipped = {}
    for name, builder in BUILDERS.items():
        if wanted is not None and name not in wanted:
            continue
        if name == BIG and wanted is None and not rust_program(name).exists():
            skipped[name] = f"a big build, made only when asked for: --peers {name}"
            continue
        say(f"building {name}")
        try:
            contenders.append(builder(build, name))
        except Failed as error:
            skipped[name] = str(error)
    return contenders, skipped
