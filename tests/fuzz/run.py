#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the fuzz targets and runs each: tests/fuzz/run.py [--seconds N] [--jobs N] [TARGET...]

They are built in build/sanitize, of which scripts/sanitizers.ini is the configuration.

Targets: wasi_calls (every WASI function, hostile memory and arguments), paths (path resolution
never leaves a directory), module (bytes that claim to be a module), replay (bytes that claim to be
a recorded run), references (modules with references, bulk memory and segments, made from the bytes,
three instances of each on interp and jit; --aot N: one in N is compiled by a C compiler, too; all
must end alike), validator (is a module valid? weft and wasm-tools agree), control (requests
to a running weft). Each starts from its
seeds, in seeds/ or the text guests and recorded runs of the end-to-end tests and the modules of the
official core tests, and from what earlier runs found, in build/fuzz/corpus. The default of 20
seconds each is for ./check; the long run is --seconds 600.

A finding is kept as build/fuzz/findings/TARGET-*; run build/sanitize/tests/fuzz/fuzz-TARGET on it
to see it again. The last line is `N passed, N failed`.
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import random
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "sanitize"
KEPT = ROOT / "build" / "fuzz"
TARGETS = ["wasi_calls", "paths", "module", "replay", "references", "validator", "control"]
INPUT_BYTES_MAX = 4096
# For one input, in real time. A C compiler takes long beside other work.
INPUT_SECONDS_MAX = {"references": 300}
REPLAY_HEAD_BYTES = 11
REPLAY_SUM_BYTES = 8
SHOWN_LINES_MAX = 60


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("--jobs", type=int, default=1, help="targets that run side by side")
    parser.add_argument("--build", type=pathlib.Path, default=BUILD)
    parser.add_argument("--aot", type=int, default=0, metavar="N",
                        help="references: compile one module in N, too (0: none)")
    parser.add_argument("--wabt", type=pathlib.Path, metavar="PREFIX",
                        help="another libwabt, with ASan: CONTRIBUTING.md says how to get one")
    return parser.parse_args(arguments)


def build(where, targets, wabt):
    if not (where / "build.ninja").exists():
        subprocess.run(
            ["meson", "setup", where, ROOT, "--native-file", ROOT / "scripts/sanitizers.ini",
             *([f"-Dwabt_prefix={wabt.resolve()}", "-Dwerror=false"] if wabt else [])],
            check=True, stdout=subprocess.DEVNULL)
    if "validator" in targets:
        build_oracle()
    subprocess.run(["ninja", "-C", where, *(f"tests/fuzz/fuzz-{target}" for target in targets)],
                   check=True, stdout=subprocess.DEVNULL)


def build_oracle():
    """The second validator; cargo fetches and builds it once."""
    target = KEPT / "oracle"
    subprocess.run([ROOT / "scripts/retried", "cargo", "fetch", "--quiet", "--locked"],
                   cwd=ROOT / "tests/fuzz/validator_oracle", check=True)
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked", "--target-dir", target],
                   cwd=ROOT / "tests/fuzz/validator_oracle", check=True)
    os.environ["WEFT_VALIDATOR_ORACLE"] = str(target / "release" / "validator-oracle")


def validator_seeds():
    sys.path.append(str(ROOT / "tests" / "spec"))
    import core_tests
    seeds = KEPT / "validator-seeds"
    if not seeds.exists():
        made = KEPT / "validator-seeds.new"
        made.mkdir(parents=True, exist_ok=True)
        for wast in core_tests.files().glob("wasm-v3/**/*.wast"):
            for command in core_tests.take_apart(wast):
                module = command.get("filename")
                if module and module.suffix == ".wasm" and module.exists():
                    content = module.read_bytes()
                    (made / hashlib.sha1(content).hexdigest()).write_bytes(content)
        made.rename(seeds)
    return seeds


def seeds_of(target):
    if target == "validator":
        return validator_seeds()
    if target == "replay":
        seeds = KEPT / "replay-seeds"
        seeds.mkdir(parents=True, exist_ok=True)
        for text in (ROOT / "tests/e2e").glob("*.replay.hex"):
            # The target adds the head and the checksum itself.
            file = bytes.fromhex(text.read_text())
            (seeds / text.stem).write_bytes(file[REPLAY_HEAD_BYTES:-REPLAY_SUM_BYTES])
        return seeds
    if target == "references":  # Bytes of any kind will do.
        seeds = KEPT / "references-seeds"
        seeds.mkdir(parents=True, exist_ok=True)
        for i in range(64):
            (seeds / str(i)).write_bytes(random.Random(i).randbytes(64 * (i + 1)))
        return seeds
    if target != "module":
        return ROOT / "tests" / "fuzz" / "seeds" / target
    seeds = KEPT / "module-seeds"
    subprocess.run([sys.executable, ROOT / "scripts/build_guests.py", ROOT / "tests/guests/wat",
                    seeds], check=True, stdout=subprocess.DEVNULL)
    return seeds


def fuzz(where, target, seconds, aot):
    """Returns (found nothing, what the fuzzer said)."""
    corpus, findings = KEPT / "corpus" / target, KEPT / "findings"
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(exist_ok=True)
    done = subprocess.run(
        [where / "tests/fuzz" / f"fuzz-{target}", f"-max_total_time={seconds}",
         f"-timeout={INPUT_SECONDS_MAX.get(target, 120)}",
         "-rss_limit_mb=2048", f"-max_len={INPUT_BYTES_MAX}", "-print_final_stats=1",
         f"-artifact_prefix={findings}/{target}-", corpus, seeds_of(target)],
        env={**os.environ, "WEFT_FUZZ_AOT": str(aot), "WEFT_FUZZ_CACHE": str(KEPT / "cache")},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", check=False)
    ended = "" if done.returncode >= 0 else f"\nkilled by signal {-done.returncode}\n"
    return done.returncode == 0, done.stdout + ended


def main(arguments):
    options = parse(arguments)
    where = options.build.resolve()
    passed = 0
    try:
        build(where, options.targets, options.wabt)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"fuzz: can't be built: {error}\nDelete {where} if scripts/sanitizers.ini is "
              "not its configuration.\n0 passed, 1 failed")
        return 1
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        said_of = pool.map(lambda target: fuzz(where, target, options.seconds, options.aot),
                           options.targets)
        for target, (good, said) in zip(options.targets, said_of):
            passed += good
            runs = re.search(r"number_of_executed_units:\s*(\d+)", said)
            inputs = len(list((KEPT / "corpus" / target).iterdir()))
            print(f"{'ok   ' if good else 'FAIL '} {target}: {runs[1] if runs else 'no'} inputs in "
                  f"{options.seconds} s, {inputs} kept", flush=True)
            if not good:
                print("\n".join(said.splitlines()[-SHOWN_LINES_MAX:]), flush=True)
    failed = len(options.targets) - passed
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
