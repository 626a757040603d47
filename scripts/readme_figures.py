#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies README's figures from docs/bench.md: scripts/readme_figures.py [--check]

Figures have one home: the table that `bench/compare --markdown docs/bench.md` writes. README shows
some rows and columns of it, between two marks. With --check nothing is written: it ends with 1 when
README shows other figures.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN = "<!-- scripts/readme_figures.py: from here -->"
END = "<!-- scripts/readme_figures.py: to here -->"
ROWS = {
    "yield/2": "a yield, of two tasks",
    "yield/1000": "a yield, of 1,000 tasks",
    "spawn_join/task": "start a task and take its result",
    "chan/round_trip/0": "a value over a channel, and one back",
    "parked/100000": "memory of a task that waits",
    "guest/yield/2": "a guest's `sched_yield`, of two guests",
}
COLUMNS = {"go": "Go", "boost-fiber": "Boost.Fiber", "wasmtime": "wasmtime, async"}


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def bench_rows(text):
    """Each benchmark's cells by the names of their columns."""
    text = text.partition("<!-- bench/compare --markdown: from here -->")[2]
    text = text.partition("<!-- bench/compare --markdown: to here -->")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    header = next(cells(line) for line in lines if line.startswith("| benchmark |"))
    return {cells(line)[0].strip("`"): dict(zip(header, cells(line)))
            for line in lines if line.startswith("| `")}


def own(row):
    """weft's figure: of several engines the one that the others are compared with."""
    return next(cell for name, cell in row.items()
                if name.startswith("weft") and cell and "(" not in cell)


def table(text):
    found = bench_rows(text)
    lines = ["| | weft | " + " | ".join(COLUMNS.values()) + " |", "|---|--:" + "|--:" * len(COLUMNS)
             + "|"]
    for name, what in ROWS.items():
        row = found[name]
        unit = " " + row["unit"]
        others = [row.get(column, "") for column in COLUMNS]
        lines.append(f"| {what} | " + " | ".join(
            [own(row) + unit, *(cell.replace(" (", f"{unit} (", 1) for cell in others)]) + " |")
    return "\n".join(lines)


def main(arguments):
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    before, _, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        print(f"README.md: no {BEGIN} and {END}", file=sys.stderr)
        return 1
    bench = (ROOT / "docs" / "bench.md").read_text(encoding="utf-8")
    new = f"{before}{BEGIN}\n\n{table(bench)}\n\n{END}{after}"
    if arguments == ["--check"]:
        if new != old:
            print("README.md shows other figures than docs/bench.md; run scripts/readme_figures.py",
                  file=sys.stderr)
        return int(new != old)
    readme.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
