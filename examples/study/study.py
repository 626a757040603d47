#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the policies on four loads: examples/study/study.py STUDY [-o study.html]

STUDY is the program `study` of the build. Prints a table for each load in Markdown and writes one
page with the tables and plots that needs nothing else. docs/research.md goes through it.

    --seeds N      runs of each policy, whose medians are shown (default 5)
    --ms N         virtual time of each run (default 1000)
    --check        small; compares with what must be so, and writes nothing
"""

import argparse
import collections
import html
import json
import math
import pathlib
import statistics
import subprocess
import sys

MEASURES = [
    ("throughput", "throughput, items/s", "{:,.0f}", "items done in a second of virtual time"),
    ("jain", "fairness, Jain", "{:.3f}", "1: all parties got the same; 1/n: one got everything"),
    ("p99_wait_ms", "p99 wait, ms", "{:,.2f}", "how long a G was runnable before it ran"),
    ("switches", "switches/s", "{:,.0f}", "each costs 1 us of virtual time"),
]
LOADS = {
    "ping-pong":
        "Eight pairs of Gs hand a ball back and forth. An item is a round; a party, a pair.",
    "fork-join":
        "Four parents fork eight children, of which each forks four, and join them. An item is a "
        "join of a parent; a party, a parent.",
    "timers + hogs":
        "Sixteen tickers compute 0.5 ms every 20 ms beside four Gs that compute without end. An "
        "item is a tick done before the next was due; a party, one of the four.",
    "web-like":
        "Requests by chance, 700 a second, a G each: four in five compute 0.2 ms, one in five 5 "
        "ms, with 2 ms of I/O. An item is an answer; a party, a request and its speed.",
}
COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#888888", "#ee8833",
           "#222255"]


def measured(program, seeds, ms):
    """What the program says, as {load: {policy: {measure: median}}}, in its order."""
    done = subprocess.run([program, str(seeds), str(ms)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise SystemExit(f"study: {program} ended with {done.returncode}: {done.stderr}")
    runs = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in done.stdout.splitlines():
        run = json.loads(line)
        run["p99_wait_ms"] = run.pop("p99_wait_us") / 1000
        runs[run["load"]][run["policy"]].append(run)
    return {load: {policy: median_of(of_policy) for policy, of_policy in of_load.items()}
            for load, of_load in runs.items()}


def median_of(runs):
    medians = {measure: statistics.median(run[measure] for run in runs)
               for measure, *_ in MEASURES}
    medians["waits_us"] = [statistics.median(values)
                           for values in zip(*(run["waits_us"] for run in runs))]
    return medians


def markdown(results):
    lines = []
    for load, policies in results.items():
        lines += [f"### {load}", "", LOADS[load], "",
                  "| policy | " + " | ".join(title for _, title, _, _ in MEASURES) + " |",
                  "|---|" + "---:|" * len(MEASURES)]
        for policy, values in policies.items():
            cells = [shape.format(values[measure]) for measure, _, shape, _ in MEASURES]
            lines.append(f"| {policy} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


# ---- the page ------------------------------------------------------------------------------------

def bars(policies, measure, title, shape, remark):
    """Horizontal bars, one a policy, for one measure of one load."""
    top = max(values[measure] for values in policies.values()) or 1
    height = 34 + 22 * len(policies)
    parts = [f'<svg viewBox="0 0 330 {height}" role="img"><title>{html.escape(remark)}</title>'
             f'<text x="4" y="16" class="title">{html.escape(title)}</text>']
    for i, (policy, values) in enumerate(policies.items()):
        y = 30 + 22 * i
        width = 190 * values[measure] / top
        parts.append(
            f'<text x="62" y="{y + 13}" class="name">{policy}</text>'
            f'<rect x="68" y="{y}" width="{width:.1f}" height="17" fill="{COLOURS[i]}"/>'
            f'<text x="{72 + width:.1f}" y="{y + 13}">{shape.format(values[measure])}</text>')
    return "".join(parts) + "</svg>"


def waits(policies):
    """The waits of all policies as cumulative curves over a logarithmic time."""
    left, top, width, height = 50, 30, 560, 240
    right, bottom = left + width, top + height
    low, high = 0.0, 6.0  # 1 us to 1 s, as powers of ten.

    def x_of(wait_us):
        power = min(max(math.log10(max(wait_us, 1)), low), high)
        return left + width * (power - low) / (high - low)

    parts = [f'<svg viewBox="0 0 760 {bottom + 45}" class="wide" role="img">'
             '<text x="4" y="16" class="title">waits to run: share of Gs that waited at most so '
             'long</text>']
    for power, label in enumerate(["1 us", "10 us", "100 us", "1 ms", "10 ms", "100 ms", "1 s"]):
        x = x_of(10 ** power)
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" class="grid"/>'
                     f'<text x="{x:.1f}" y="{bottom + 16}" class="tick">{label}</text>')
    for percent in (0, 25, 50, 75, 100):
        y = top + height * (1 - percent / 100)
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" class="grid"/>'
                     f'<text x="{left - 6}" y="{y + 4:.1f}" class="name">{percent} %</text>')
    for i, (policy, values) in enumerate(policies.items()):
        quantiles = values["waits_us"]
        points = [(x_of(wait), top + height * (1 - place / len(quantiles)))
                  for place, wait in enumerate(quantiles)]
        points.append((x_of(values["p99_wait_ms"] * 1000), top + height * 0.01))
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        y = top + 14 + 20 * i
        parts.append(f'<polyline points="{line}" stroke="{COLOURS[i]}"/>'
                     f'<rect x="{right + 16}" y="{y - 10}" width="12" height="12" '
                     f'fill="{COLOURS[i]}"/><text x="{right + 34}" y="{y}">{policy}</text>')
    return "".join(parts) + "</svg>"


STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1080px; margin: 24px auto; padding: 0 16px;
       color: #222; background: #fff; }
h2 { margin: 36px 0 4px; } p { margin: 4px 0 12px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 12px; }
svg { width: 100%; background: #fafafa; border: 1px solid #e4e4e4; }
svg.wide { max-width: 760px; display: block; margin-top: 12px; }
svg text { font: 12px system-ui, sans-serif; fill: #222; } svg .title { font-weight: 600; }
svg .name { text-anchor: end; } svg .tick { text-anchor: middle; }
.grid { stroke: #ddd; } polyline { fill: none; stroke-width: 2; }
table { border-collapse: collapse; margin-top: 12px; } td, th { padding: 2px 14px; }
td { text-align: right; border-top: 1px solid #e4e4e4; } td:first-child { text-align: left; }
"""


def page(results, seeds, ms):
    parts = [f"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Scheduler study"
             f"</title><style>{STYLE}</style><h1>Scheduler study</h1><p>Medians of {seeds} seeds, "
             f"{ms} ms of virtual time each. A step of computing costs 10 us, a switch 1 us.</p>"]
    for load, policies in results.items():
        parts.append(f"<h2>{html.escape(load)}</h2><p>{html.escape(LOADS[load])}</p>"
                     '<div class="plots">')
        parts += [bars(policies, *measure) for measure in MEASURES[:3]]
        parts.append("</div>" + waits(policies) + "<table><tr><th>policy</th>")
        parts += [f"<th>{html.escape(title)}</th>" for _, title, _, _ in MEASURES]
        for policy, values in policies.items():
            cells = "".join(f"<td>{shape.format(values[measure])}</td>"
                            for measure, _, shape, _ in MEASURES)
            parts.append(f"</tr><tr><td>{policy}</td>{cells}")
        parts.append("</tr></table>")
    return "".join(parts) + "</html>\n"


# ---- what must be so -----------------------------------------------------------------------------

def check(program):
    results = measured(program, 2, 300)
    assert results == measured(program, 2, 300), "two runs of the study differ"
    assert set(results) == set(LOADS), set(results)
    for load, policies in results.items():
        assert len(policies) >= 8, (load, list(policies))
        for policy, values in policies.items():
            assert 0 < values["jain"] <= 1, (load, policy, values)
    hogs = results["timers + hogs"]
    assert hogs["stride"]["jain"] > 0.99, hogs["stride"]
    assert hogs["edf"]["throughput"] > hogs["fifo"]["throughput"], "edf misses more ticks than fifo"
    assert hogs["edf"]["p99_wait_ms"] != hogs["fifo"]["p99_wait_ms"]
    assert results["ping-pong"]["fifo"]["jain"] > 0.99
    text = page(results, 2, 300)
    assert text.count("<svg") == 4 * len(results) and "http" not in text
    print("study: as expected")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, default="study.html")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ms", type=int, default=1000)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        check(options.study)
        return
    results = measured(options.study, options.seeds, options.ms)
    print(markdown(results))
    try:
        options.output.write_text(page(results, options.seeds, options.ms))
    except OSError as error:
        sys.exit(f"study: {options.output}: {error.strerror}")
    print(f"written: {options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
