#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No false alarm: the kernels of GoKer with their bugs repaired, under weft test:

    bench/goker_repaired.py WEFT [--seeds N] [--only NAME] [--policy P]...

The kernels are those of bench/goker.py, built from the Go tree in the same way. Before that each
gets its repair, which is a few lines in goker_repaired.txt. What weft reports about one is a false
alarm, or the repair is not right: a failure here. Prints a line a kernel, with a cell a policy:
the schedules that were run, or the one that failed and what was said about it.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import goker

TABLE = pathlib.Path(__file__).with_suffix(".txt")
SEARCH_SECONDS = 600


def plain(line):
    """A line as the table has it: without its comment, and with single spaces."""
    return " ".join(re.sub(r"//.*", "", line).split())


def read_table():
    """Kernel -> its changes in order; one: (where, lines as they are, lines in their place)."""
    table, kernel, where = {}, None, None
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        mark, rest = line[:1], line[2:]
        if mark == "@":
            where = [rest]  # A new object: two places of one name are two.
        elif mark == "-":
            changes = table[kernel]
            if not changes or changes[-1][2] or changes[-1][0] is not where:
                changes.append((where, [], []))
            changes[-1][1].append(rest)
        elif mark == "+":
            table[kernel][-1][2].append(rest)
        elif name := re.match(r"(\w+): ", line):
            kernel = name[1]
            table[kernel] = []
    return table


def region(text, where):
    """Where the lines of a function, a method, a type or a constant are: (first, behind the last).

    Names in the tree end with their kernel's, "_moby4951", which the table leaves out.
    """
    receiver, _, name = where.rpartition(".")
    method = rf"func \(\w+ \*?{receiver}(_\w+)?\) "
    begin = method if receiver else r"(func (\(.*?\) )?|type |const )"
    begin = re.compile(rf"{begin}{name}(_[a-z]+\d+)?\b")
    first = [at for at, line in enumerate(text) if begin.match(line)]
    if len(first) != 1:
        sys.exit(f"goker_repaired: {where} is there {len(first)} times: another Go tree?")
    if not plain(text[first[0]]).endswith("{"):
        return first[0], first[0] + 1
    return first[0], text.index("}", first[0])


def change(text, where, old, new):
    first, last = region(text, where)
    lines = [at for at in range(first, last) if plain(text[at])]
    found = [at for at in range(len(lines) - len(old) + 1)
             if [plain(text[line]) for line in lines[at:at + len(old)]] == old]
    if len(found) != 1:
        sys.exit(f"goker_repaired: in {where}, {old[0]!r} and what follows is there {len(found)} "
                 "times: another Go tree?")
    begin, end = lines[found[0]], lines[found[0] + len(old) - 1]
    return text[:begin] + new + text[end + 1:]


def repair(source, changes):
    text = source.splitlines()
    for where, old, new in changes:
        text = change(text, where[0], old, new)
    return "\n".join(text) + "\n"


def search(options, module, name, policy, folder):
    """A cell, and whether nothing was reported in all schedules."""
    result = folder / "result.json"
    words = [options.weft, "test", "--leaks", "--once", "--seeds", str(options.seeds), "--policy",
             policy, "--search-limit", f"{SEARCH_SECONDS}s", "--json", result, "--replay",
             folder / "replay"]
    subprocess.run([*words, module, name], capture_output=True, check=False,
                   timeout=SEARCH_SECONDS + 60)
    report = json.loads(result.read_text(encoding="utf-8"))
    if failure := report["failure"]:
        return f"{failure['seed']} {failure['kind']}: {failure['message']}", False
    if report["ended_early"]:
        return f"{report['schedules']}, then {SEARCH_SECONDS} s were over", False
    return str(report["schedules"]), True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--only", default="")
    parser.add_argument("--policy", action="append")
    options = parser.parse_args()
    options.weft = options.weft.resolve()
    policies = options.policy or ["random", "pct"]
    table = read_table()
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        module = folder / "goker.wasm"
        names = goker.build(folder, module, goker.WASM,
                            change=lambda text, name: repair(text, table.get(name, [])))
        print(f"| kernel | {' | '.join(policies)} |")
        print(f"|---|{'---|' * len(policies)}")
        searches = reported = 0
        for name in names:
            if options.only.lower() not in name.lower() or not table.get(name):
                continue
            cells = [search(options, module, name, policy, folder) for policy in policies]
            print(f"| {name} | {' | '.join(cell for cell, _ in cells)} |", flush=True)
            searches += len(cells)
            reported += sum(not good for _, good in cells)
    print(f"\n{searches} searches, {reported} with something reported or not done")
    return 0 if searches and not reported else 1


if __name__ == "__main__":
    sys.exit(main())
