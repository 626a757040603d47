#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the policies on four loads: examples/study/study.py STUDY [-o study.html]

STUDY is the program `study` of the build. Prints a table for each load in Markdown and writes one
page with the tables and plots that needs nothing else. docs/research.md goes through it.

    --seeds N      runs of each policy (default 5); a figure is their median, and least to most
    --ms N         virtual time of each run (default 1000)
    --csv FILE     every run as a line: load, policy, seed, and each measure
    --figures DIR  every figure as an SVG file of its own
    --check        small; compares with what must be so, and writes nothing
"""

import argparse
import collections
import colorsys
import csv
import html
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

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


def colour(i):
    """The colour of the i-th policy. Behind the chosen ones, by the golden angle: any number."""
    if i < len(COLOURS):
        return COLOURS[i]
    red, green, blue = colorsys.hls_to_rgb((i * 0.381966) % 1, 0.42, 0.6)
    return f"#{int(red * 255):02x}{int(green * 255):02x}{int(blue * 255):02x}"


def runs_of(program, seeds, ms):
    """What the program says of each run, as {load: {policy: [run]}}, in its order."""
    done = subprocess.run([program, str(seeds), str(ms)], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise SystemExit(f"study: {program} ended with {done.returncode}: {done.stderr}")
    runs = collections.defaultdict(lambda: collections.defaultdict(list))
    for line in done.stdout.splitlines():
        run = json.loads(line)
        run["p99_wait_ms"] = run.pop("p99_wait_us") / 1000
        runs[run["load"]][run["policy"]].append(run)
    return runs


def summary(runs):
    """{load: {policy: {measure: median}}}; {measure + " range": (least, most)} beside it."""
    return {load: {policy: summary_of(of_policy) for policy, of_policy in of_load.items()}
            for load, of_load in runs.items()}


def summary_of(runs):
    found = {}
    for measure, *_ in MEASURES:
        values = [run[measure] for run in runs]
        found[measure] = statistics.median(values)
        found[measure + " range"] = (min(values), max(values))
    found["waits_us"] = [statistics.median(values)
                         for values in zip(*(run["waits_us"] for run in runs))]
    return found


def cell(values, measure, shape):
    """"692", or "692 (688 to 701)" where seeds differ."""
    least, most = (shape.format(value) for value in values[measure + " range"])
    median = shape.format(values[measure])
    return median if least == most else f"{median} ({least} to {most})"


def markdown(results):
    lines = []
    for load, policies in results.items():
        lines += [f"### {load}", "", LOADS[load], "",
                  "| policy | " + " | ".join(title for _, title, _, _ in MEASURES) + " |",
                  "|---|" + "---:|" * len(MEASURES)]
        for policy, values in policies.items():
            cells = [cell(values, measure, shape) for measure, _, shape, _ in MEASURES]
            lines.append(f"| {policy} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


# ---- the page ------------------------------------------------------------------------------------

def bars(policies, measure, title, shape, remark):
    """Horizontal bars, one a policy, for one measure of one load; a line from least to most."""
    top = max(values[measure + " range"][1] for values in policies.values()) or 1
    height = 34 + 22 * len(policies)
    parts = [svg_start(330, height) + f'<title>{html.escape(remark)}</title>'
             f'<text x="4" y="16" class="title">{html.escape(title)}</text>']
    for i, (policy, values) in enumerate(policies.items()):
        y = 30 + 22 * i
        width = 190 * values[measure] / top
        least, most = (68 + 190 * value / top for value in values[measure + " range"])
        parts.append(
            f'<text x="62" y="{y + 13}" class="name">{html.escape(policy)}</text>'
            f'<rect x="68" y="{y}" width="{width:.1f}" height="17" fill="{colour(i)}"/>'
            f'<line x1="{least:.1f}" y1="{y + 8.5}" x2="{most:.1f}" y2="{y + 8.5}" '
            'class="range"/>'
            f'<text x="{max(72 + width, most + 4):.1f}" y="{y + 13}">'
            f'{shape.format(values[measure])}</text>')
    return "".join(parts) + "</svg>"


def svg_start(width, height, more=""):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"'
            f'{more}>')


def waits(policies):
    """The waits of all policies as cumulative curves over a logarithmic time."""
    left, top, width, height = 50, 30, 560, 240
    right, bottom = left + width, max(top + height, top + 14 + 20 * len(policies))
    low, high = 0.0, 6.0  # 1 us to 1 s, as powers of ten.

    def x_of(wait_us):
        power = min(max(math.log10(max(wait_us, 1)), low), high)
        return left + width * (power - low) / (high - low)

    parts = [svg_start(760, bottom + 45, ' class="wide"') +
             '<text x="4" y="16" class="title">waits to run: share of Gs that waited at most so '
             'long</text>']
    for power, label in enumerate(["1 us", "10 us", "100 us", "1 ms", "10 ms", "100 ms", "1 s"]):
        x = x_of(10 ** power)
        parts.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" class="grid"/>'
                     f'<text x="{x:.1f}" y="{bottom + 16}" class="tick">{label}</text>')
    for percent in (0, 25, 50, 75, 100):
        y = bottom - (bottom - top) * percent / 100
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" class="grid"/>'
                     f'<text x="{left - 6}" y="{y + 4:.1f}" class="name">{percent} %</text>')
    for i, (policy, values) in enumerate(policies.items()):
        quantiles = values["waits_us"]
        points = [(x_of(wait), bottom - (bottom - top) * place / len(quantiles))
                  for place, wait in enumerate(quantiles)]
        points.append((x_of(values["p99_wait_ms"] * 1000), top + (bottom - top) * 0.01))
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        y = top + 14 + 20 * i
        parts.append(f'<polyline points="{line}" stroke="{colour(i)}"/>'
                     f'<rect x="{right + 16}" y="{y - 10}" width="12" height="12" '
                     f'fill="{colour(i)}"/><text x="{right + 34}" y="{y}">{policy}</text>')
    return "".join(parts) + "</svg>"


SVG_STYLE = """
svg text { font: 12px system-ui, sans-serif; fill: #222; } svg .title { font-weight: 600; }
svg .name { text-anchor: end; } svg .tick { text-anchor: middle; }
.grid { stroke: #ddd; } .range { stroke: #222; stroke-width: 2; }
polyline { fill: none; stroke-width: 2; }
"""
STYLE = SVG_STYLE + """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 1080px; margin: 24px auto; padding: 0 16px;
       color: #222; background: #fff; }
h2 { margin: 36px 0 4px; } p { margin: 4px 0 12px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(320px, 1fr)); gap: 12px; }
svg { width: 100%; background: #fafafa; border: 1px solid #e4e4e4; }
svg.wide { max-width: 760px; display: block; margin-top: 12px; }
table { border-collapse: collapse; margin-top: 12px; } td, th { padding: 2px 14px; }
td { text-align: right; border-top: 1px solid #e4e4e4; } td:first-child { text-align: left; }
"""


def page(results, seeds, ms):
    parts = [f"<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Scheduler study"
             f"</title><style>{STYLE}</style><h1>Scheduler study</h1><p>Medians of {seeds} seeds, "
             f"and in brackets or as a line the least and the most; {ms} ms of virtual time each. "
             "A step of computing costs 10 us, a switch 1 us.</p>"]
    for load, policies in results.items():
        parts.append(f"<h2>{html.escape(load)}</h2><p>{html.escape(LOADS[load])}</p>"
                     '<div class="plots">')
        parts += [bars(policies, *measure) for measure in MEASURES[:3]]
        parts.append("</div>" + waits(policies) + "<table><tr><th>policy</th>")
        parts += [f"<th>{html.escape(title)}</th>" for _, title, _, _ in MEASURES]
        for policy, values in policies.items():
            cells = "".join(f"<td>{cell(values, measure, shape)}</td>"
                            for measure, _, shape, _ in MEASURES)
            parts.append(f"</tr><tr><td>{policy}</td>{cells}")
        parts.append("</tr></table>")
    return "".join(parts) + "</html>\n"


# ---- files for other tools ---------------------------------------------------------------------


def write_csv(path, runs):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["load", "policy", "seed"] + [measure for measure, *_ in MEASURES])
        for load, policies in runs.items():
            for policy, of_policy in policies.items():
                for run in of_policy:
                    writer.writerow([load, policy, run["seed"]]
                                    + [run[measure] for measure, *_ in MEASURES])


def figures(results):
    """Yields (file name, SVG) of every figure of the page."""
    for load, policies in results.items():
        stem = "".join(c if c.isalnum() else "-" for c in load).replace("---", "-")
        for measure in MEASURES:
            yield f"{stem}-{measure[0]}.svg", bars(policies, *measure)
        yield f"{stem}-waits.svg", waits(policies)


def write_figures(folder, results):
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in figures(results):
        (folder / name).write_text(svg.replace(">", f"><style>{SVG_STYLE}</style>", 1))


# ---- what must be so -----------------------------------------------------------------------------

def check(program):
    runs = runs_of(program, 2, 300)
    assert runs == runs_of(program, 2, 300), "two runs of the study differ"
    results = summary(runs)
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
    assert text.count("<svg") == 4 * len(results)
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    check_outputs(runs, results)
    print("study: as expected")


def check_outputs(runs, results):
    """More policies than there are colours; files that other tools read; ranges that hold."""
    one = next(iter(results["web-like"].values()))
    many = {f"policy{i}": one for i in range(40)}
    assert len({colour(i) for i in range(40)}) == 40
    for text in (bars(many, *MEASURES[0]), waits(many)):
        assert all(f">policy{i}<" in text for i in range(40))
    for policies in results.values():
        for values in policies.values():
            for measure, *_ in MEASURES:
                least, most = values[measure + " range"]
                assert least <= values[measure] <= most, (measure, values)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write_csv(folder / "runs.csv", runs)
        with open(folder / "runs.csv", newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        assert len(lines) == sum(len(r) for p in runs.values() for r in p.values())
        assert float(lines[0]["jain"]) > 0
        write_figures(folder / "figures", results)
        files = list((folder / "figures").glob("*.svg"))
        assert len(files) == 5 * len(results), files
        for file in files:
            xml.etree.ElementTree.parse(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, default="study.html")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--ms", type=int, default=1000)
    parser.add_argument("--csv", type=pathlib.Path)
    parser.add_argument("--figures", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        check(options.study)
        return
    runs = runs_of(options.study, options.seeds, options.ms)
    results = summary(runs)
    print(markdown(results))
    try:
        if options.csv:
            write_csv(options.csv, runs)
        if options.figures:
            write_figures(options.figures, results)
        options.output.write_text(page(results, options.seeds, options.ms))
    except OSError as error:
        sys.exit(f"study: {error.filename}: {error.strerror}")
    print(f"written: {options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
