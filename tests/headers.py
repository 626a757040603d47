#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header of the project compiles alone: tests/headers.py

A header must not need another one included before it. Where a source of the same name includes it
first, the build proves it. Each other header is compiled in a file that includes nothing else, two
at a time, and again only when it or a header that it includes changed. Headers of guests are left
out. Headers that include libwabt are compiled as C++17, as in the build: libwabt 1.0.32 is not
valid C++20.
"""

import concurrent.futures
import os
import subprocess
import sys

import sources

COMPILER = os.environ.get("CXX", "g++")
FLAGS = ["-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I.",
         "-DBOOST_ASIO_NO_DEPRECATED", "-DBOOST_ASIO_DISABLE_VISIBILITY", "-x", "c++", "-"]
PARALLEL = 2


def standard_of(header):
    reaches_wabt = any("#include <wabt/" in sources.text_of(path)
                       for path in sources.closure_of(header))
    return "-std=c++17" if reaches_wabt else "-std=c++20"


def proven_by_its_source(header):
    source = header.with_suffix(".cpp")
    if not (sources.ROOT / source).exists():
        return False
    first = next((line for line in sources.text_of(source).splitlines()
                  if line.startswith("#include")), "")
    return first == f'#include "{header}"'


def compile_alone(header):
    """Returns the compiler's complaint, empty when there is none."""
    done = subprocess.run(
        [COMPILER, standard_of(header), *FLAGS], input=f'#include "{header}"\n', cwd=sources.ROOT,
        capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr or f"{COMPILER} failed"


def main():
    version = subprocess.run(
        [COMPILER, "--version"], check=True, capture_output=True, text=True).stdout
    every = [path for path in sources.project_files()
             if path.suffix == ".h" and "guests" not in path.parts]
    headers = [header for header in every if not proven_by_its_source(header)]
    keys = {header: sources.content_key(header, version, *FLAGS) for header in headers}
    cache = sources.PassedBefore("headers")
    stale = [header for header in headers if keys[header] not in cache]
    failed = {}
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        for header, complaint in zip(stale, pool.map(compile_alone, stale)):
            if complaint:
                failed[header] = complaint
                print(f"{header}: does not compile alone; include what it uses\n{complaint}")
    cache.store(keys[header] for header in headers if header not in failed)
    print(f"headers: {len(every)} in all, {len(every) - len(headers)} proven by their sources, "
          f"{len(stale)} compiled, {len(failed)} failed")
    return 1 if failed or not every else 0


if __name__ == "__main__":
    sys.exit(main())
