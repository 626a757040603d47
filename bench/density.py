#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What many live guests take: memory, mappings, and whether all of them finish.

    bench/density.py                              100,000 guests, compiled by jit
    bench/density.py --engine aot                 the same by the C compiler
    bench/density.py --engine interp -n 10000     10,000 interpreted ones
    bench/density.py --json

Runs `weft run -n N` on a C guest that prints a line and sleeps, waits until all have printed, and
looks at the process while they sleep. What one takes is the difference to a run of one guest,
divided by the others. No limit of the kernel is raised: the process runs with those of the shell.
The guest is build/guests/c_sleeper.wasm, which tests/guests/build.py build/guests makes.
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def fail(text, code=1):
    print(f"density: error: {text}", file=sys.stderr)
    sys.exit(code)


def seconds_to_sleep(options, guests):
    """Long enough for the last one to be up before the first one ends."""
    return options.sleep or 5 + guests // (200 if options.engine == "interp" else 2000)


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text(encoding="ascii").count("\n")
    return {"resident_kib": int(fields["VmRSS"].split()[0]), "mappings": maps,
            "descriptors": len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir())),
            "threads": int(fields["Threads"])}


def measure(options, guests):
    """A machine that has other work takes longer until all are up: they then sleep for longer."""
    least = seconds_to_sleep(options, guests)
    for sleep in (least, 4 * least, 16 * least):
        if found := measured_once(options, guests, sleep):
            return found
    return fail(f"it took more than {sleep} s until all {guests} were up: give more with --sleep")


def measured_once(options, guests, sleep):
    """None when the first one may have ended before the last one was up."""
    command = [str(options.weft), "run", f"--engine={options.engine}", "-n", str(guests)]
    if options.engine != "interp":
        command += ["--bounds=check", "--stack", "128"]
    began = time.monotonic()
    with subprocess.Popen([*command, str(options.guest), str(sleep)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as weft:
        first = None
        for number in range(guests):
            if weft.stdout.readline() != "up\n":
                weft.kill()
                fail(f"guest {number + 1} of {guests} did not come up")
            first = first or time.monotonic()
        up = time.monotonic()
        found = status_of(weft.pid)
        # Had the first one ended before the last one was looked at, not all had been alive at once.
        if time.monotonic() - first > sleep:
            weft.kill()
            return None
        rest = weft.stdout.read()
        code = weft.wait()
    if code != 0 or rest:
        fail(f"weft ended with {code}" + (", and there was more output" if rest else ""))
    return {**found, "guests": guests, "seconds_until_all_up": round(up - began, 2),
            "seconds_in_all": round(time.monotonic() - began, 2), "all_finished": True}


def main():
    parser = argparse.ArgumentParser(prog="bench/density.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.error = lambda message: fail(f"{message}; --help tells what there is", 64)
    parser.add_argument("-n", "--guests", type=int, default=100_000)
    parser.add_argument("--engine", default="jit", help="or all: one after the other")
    parser.add_argument("--sleep", type=int, default=0, help="seconds; default: by the number")
    parser.add_argument("--weft", type=pathlib.Path, default=ROOT / "build/release/tools/weft")
    parser.add_argument("--guest", type=pathlib.Path,
                        default=ROOT / "build/guests/c_sleeper.wasm")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.guests < 2:
        fail("--guests: at least 2", 64)
    for path, how in ((options.weft, "ninja -C build/release"),
                      (options.guest, "tests/guests/build.py build/guests")):
        if not path.exists():
            fail(f"{path} is missing: {how} makes it")
    engines = [options.engine]
    if options.engine == "all":
        listed = subprocess.run([options.weft, "engines"], capture_output=True, text=True,
                                check=True).stdout
        engines = [line.split()[0] for line in listed.splitlines()]
    for options.engine in engines:
        report(options)


def report(options):
    one = measure(options, 1)
    many = measure(options, options.guests)
    others = options.guests - 1
    result = {"engine": options.engine, **many,
              "kib_a_guest": round((many["resident_kib"] - one["resident_kib"]) / others, 2),
              "mappings_of_one": one["mappings"],
              "max_map_count": int(pathlib.Path("/proc/sys/vm/max_map_count").read_text()),
              "descriptors_max": resource.getrlimit(resource.RLIMIT_NOFILE)[0]}
    if options.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{options.guests} guests on {options.engine}: all up after "
          f"{many['seconds_until_all_up']} s, all finished")
    print(f"  resident     {result['kib_a_guest']} KiB a guest, "
          f"{many['resident_kib'] // 1024} MiB in all")
    print(f"  mappings     {many['mappings']} (one guest: {one['mappings']}; "
          f"the kernel's limit: {result['max_map_count']})")
    print(f"  descriptors  {many['descriptors']} (limit {result['descriptors_max']})")
    print(f"  threads      {many['threads']}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
