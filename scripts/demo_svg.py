#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/demo.svg from a run of the demo: scripts/demo_svg.py WEFT DEMODIR [-o FILE.svg]

DEMODIR is what `scripts/build_guests.py examples/demo DEMODIR` filled. The demo runs five times
with `--trace`, and the run that was disturbed the least (it computed for the shortest time) is
drawn. Everything in the picture is from its trace and from what its guests printed: a lane for each
guest, with a box for each of its turns on the thread and a mark for each line that it prints, a
lane of the thread, and below it forty milliseconds from the middle, as wide as the whole.

The picture follows the reader's choice of a light or a dark page.
"""

import argparse
import collections
import csv
import html
import pathlib
import subprocess
import sys
import tempfile

GUESTS = ["c_ticker", "go_goroutines", "c_primes"]
SAY = {"c_ticker": "ticker (C)", "go_goroutines": "workers (Go)", "c_primes": "primes (C)"}
ABOUT = {"c_ticker": "sleeps", "go_goroutines": "3 goroutines", "c_primes": "computes"}
WIDTH, LEFT, RIGHT = 920, 158, 20
LANE, BOX, TOP = 58, 16, 82
ZOOM_MS = 40
RUNS = 5
STYLE = """
  .page { fill: #ffffff; stroke: #d0d7de; }
  text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #57606a; }
  text.title { font-size: 15px; fill: #1f2328; }
  text.name { font-size: 13px; fill: #1f2328; }
  line { stroke: #d0d7de; }
  line.mark { stroke: #8c959f; }
  .zoom { fill: #8c959f; fill-opacity: 0.12; }
  .c_ticker { fill: #bf3989; } .go_goroutines { fill: #0969da; } .c_primes { fill: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; stroke: #30363d; }
    text { fill: #9198a1; }
    text.title, text.name { fill: #e6edf3; }
    line { stroke: #30363d; }
    line.mark { stroke: #656c76; }
    .c_ticker { fill: #f778ba; } .go_goroutines { fill: #58a6ff; } .c_primes { fill: #3fb950; }
  }
"""

Turn = collections.namedtuple("Turn", "guest begin end")  # Times in ms from the run's start.
Line = collections.namedtuple("Line", "guest at text")


def run(weft, folder):
    """Returns the rows of the demo's trace, and the lines that it printed."""
    with tempfile.TemporaryDirectory() as scratch:
        trace = pathlib.Path(scratch) / "trace.csv"
        command = [str(weft), "run", "--trace", str(trace)]
        for guest in GUESTS:
            command += [str(folder / f"{guest}.wasm"), ":::"]
        printed = subprocess.run(command[:-1], stdin=subprocess.DEVNULL, capture_output=True,
                                 text=True, check=True).stdout
        with open(trace, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file)), printed.splitlines()


def events(rows, printed):
    """The turns of the guests on the thread, and what they printed when."""
    start = int(rows[0]["ns"])
    said = {guest: [line[len(name):].strip() for line in printed if line.startswith(name)]
            for guest, name in SAY.items()}
    turns, lines, since = [], [], {}
    for row in rows:
        guest, at = row["name"].removesuffix(".wasm"), (int(row["ns"]) - start) / 1e6
        if row["kind"] == "state" and row["to"] == "running":
            since[guest] = at
        elif row["kind"] == "state" and row["from"] == "running":
            turns.append(Turn(guest, since.pop(guest), at))
        elif row["kind"] == "return" and row["what"] == "fd_write" and said[guest]:
            lines.append(Line(guest, at, said[guest].pop(0)))
    assert not any(said.values()), "a line without its fd_write"
    return turns, lines


def computing(turns):
    return sum(turn.end - turn.begin for turn in turns)


class Scale:
    """Milliseconds to pixels."""

    def __init__(self, first, last):
        self.first, self.last = first, last

    def x(self, at):
        return LEFT + (at - self.first) / (self.last - self.first) * (WIDTH - LEFT - RIGHT)

    def boxes(self, turns, y, whole=False):
        """A box for each turn; turns of a guest that touch in the picture are one."""
        merged = []
        for turn in turns:
            begin, end = max(turn.begin, self.first), min(turn.end, self.last)
            if begin > end:
                continue
            x, end_x = self.x(begin), max(self.x(end), self.x(begin) + 1)
            near = 0.6
            old = next((box for box in reversed(merged) if whole or box[0] == turn.guest), None)
            if old and old[0] == turn.guest and x - old[2] <= near:
                old[2] = max(old[2], end_x)
            else:
                merged.append([turn.guest, x, end_x])
        for guest, x, end_x in merged:
            yield (f'<rect class="{guest}" x="{x:.1f}" y="{y}" width="{end_x - x:.1f}" '
                   f'height="{BOX}"/>')


def short(line):
    """What stands beside a mark."""
    words = line.text.split()
    if line.guest == "c_primes":
        return words[0]
    return f"g{words[1]}" if line.guest == "go_goroutines" else words[-1]


def lane(scale, turns, lines, y, guest, enlarged=False):
    yield f'<text class="name" x="16" y="{y + 13}">{SAY[guest]}</text>'
    if not enlarged:
        yield f'<text x="16" y="{y + 29}">{ABOUT[guest]}</text>'
    yield f'<line x1="{LEFT}" y1="{y + BOX / 2}" x2="{WIDTH - RIGHT}" y2="{y + BOX / 2}"/>'
    yield from scale.boxes([turn for turn in turns if turn.guest == guest], y, whole=enlarged)
    free = LEFT
    for line in lines:
        if line.guest == guest and scale.first <= line.at <= scale.last:
            x, text = scale.x(line.at), short(line)
            yield f'<line class="mark" x1="{x:.1f}" y1="{y + BOX}" x2="{x:.1f}" y2="{y + 24}"/>'
            if x >= free:
                yield (f'<text x="{x:.1f}" y="{y + 35}" text-anchor="middle">'
                       f'{html.escape(text)}</text>')
                free = x + 7.5 * len(text) + 6


def thread(scale, turns, y, ticks):
    """The one thread, and the time below it."""
    yield f'<text class="name" x="16" y="{y + 13}">the OS thread</text>'
    yield from scale.boxes(turns, y, whole=True)
    step = next(step for step in (1, 2, 50, 100, 200, 500, 1000)
                if (scale.last - scale.first) / step <= ticks)
    at = -(-scale.first // step) * step
    while at <= scale.last:
        x = scale.x(at)
        yield (f'<line class="mark" x1="{x:.1f}" y1="{y + BOX + 6}" x2="{x:.1f}" '
               f'y2="{y + BOX + 10}"/>')
        yield f'<text x="{x:.1f}" y="{y + BOX + 23}" text-anchor="middle">{at:.0f} ms</text>'
        at += step


def busiest(turns, last):
    """The middle of the zoom: a turn of the workers while all three have something to do."""
    def liveliness(middle):
        near = [turn for turn in turns if abs(turn.begin - middle) < ZOOM_MS / 2]
        return len({turn.guest for turn in near}), len(near)
    primes_end = max(turn.end for turn in turns if turn.guest == "c_primes")
    candidates = [turn.begin for turn in turns if turn.guest == "c_ticker"
                  and 50 < turn.begin < min(last, primes_end) - ZOOM_MS]
    return max(candidates, key=liveliness)


def picture(turns, lines):
    last = max(turn.end for turn in turns)
    scale = Scale(0, last)
    parts = [f'<text class="title" x="16" y="30">Three programs, one OS thread: {last:,.0f} ms, '
             f'{len(turns):,} turns, {computing(turns):.0f} ms of computing</text>',
             '<text x="16" y="49">Coloured: the program has the thread; short turns are drawn '
             'together. A mark is a line that it prints; some have a label</text>',
             '<text x="16" y="65">(a tick, the goroutine that did a job: g2, how many primes there '
             'are so far).</text>']
    y = TOP
    for guest in GUESTS:
        parts += lane(scale, turns, lines, y, guest)
        y += LANE
    parts += thread(scale, turns, y, 12)
    middle = busiest(turns, last)
    zoom = Scale(middle - ZOOM_MS / 2, middle + ZOOM_MS / 2)
    left, right = scale.x(zoom.first), scale.x(zoom.last)
    parts.append(f'<rect class="zoom" x="{left:.1f}" y="{TOP - 8}" width="{right - left:.1f}" '
                 f'height="{y - TOP + BOX + 12}"/>')
    y += 72
    parts.append(f'<text x="16" y="{y - 14}">The {ZOOM_MS} ms of the grey bar, enlarged: '
                 'the program that computes makes room for one whose time has come.</text>')
    for guest in GUESTS:
        parts += lane(zoom, turns, [], y, guest, enlarged=True)
        y += BOX + 12
    parts += thread(zoom, turns, y, 10)
    return parts, y + BOX + 40


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("demo", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent / "docs/demo.svg")
    options = parser.parse_args(arguments)
    runs = [events(*run(options.weft, options.demo)) for _ in range(RUNS)]
    parts, height = picture(*min(runs, key=lambda seen: computing(seen[0])))
    options.output.write_text("\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" '
        'aria-label="A timeline of three guests that take turns on one OS thread">',
        "<!-- made by scripts/demo_svg.py -->", f"<style>{STYLE}</style>",
        f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        *parts, "</svg>"]) + "\n", encoding="utf-8")
    print(f"{options.output}: {options.output.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
