# SPDX-License-Identifier: Apache-2.0
"""The results as one page that needs nothing else: tables, bars for each benchmark, and lines over
the number of tasks, drawn as SVG."""

import html
import math

from comparison.report import meaning, number, rows

# Okabe and Ito's colours, which most colour-blind readers can tell apart; weft has the first.
COLOURS = ["#d55e00", "#000000", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7f7f7f",
           "#b8a800", "#6a3d9a"]

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
       background: #fff; color: #222; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
td, th { padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right;
         white-space: nowrap; }
td:first-child, th:first-child, .facts td { text-align: left; white-space: normal; }
svg { display: block; max-width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: #222; }
svg .quiet { fill: #666; }
.bars { display: grid; gap: 1rem 2rem;
        grid-template-columns: repeat(auto-fit, minmax(30rem, 1fr)); }
.bars h3 { font-size: .95rem; margin: .8rem 0 .2rem; font-weight: 600; }
.remark { color: #8a4b00; }
"""


def escaped(text):
    return html.escape(str(text))


def text_at(x, y, text, anchor="start", css="", fill=None):
    colour = f' style="fill:{fill}"' if fill else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{css}"{colour}>'
            f"{escaped(text)}</text>")


def colours_of(contenders):
    return {c.name: COLOURS[i % len(COLOURS)] for i, c in enumerate(contenders)}


def bars(results, benchmark, colours):
    """One bar a contender, the shortest first, with its figure and spread beside it."""
    of = sorted((results.median(benchmark, c.name), c.name) for c in results.contenders
                if results.has(benchmark, c.name))
    longest = max(value for value, _ in of) or 1
    left, width, step = 110, 250, 22
    parts = []
    for i, (value, name) in enumerate(of):
        y = i * step
        bar = max(width * value / longest, 1)
        label = f"{number(value)} {results.unit(benchmark)}"
        ratio = results.ratio(benchmark, name)
        if ratio is not None and name != results.baseline(benchmark):
            label += f" ({number(ratio)}x)"
        parts += [text_at(left - 8, y + 15, name, "end"),
                  f'<rect x="{left}" y="{y + 3}" width="{bar:.1f}" height="16" '
                  f'fill="{colours[name]}"><title>{escaped(name)}: {escaped(label)}, '
                  f"±{results.spread_percent(benchmark, name):.0f} %</title></rect>",
                  text_at(left + bar + 6, y + 15, label, css="quiet")]
    return (f'<svg viewBox="0 0 500 {len(of) * step + 4}" width="500" role="img" '
            f'aria-label="{escaped(benchmark)}">{"".join(parts)}</svg>')


def families(results):
    """{kind: [(size, benchmark)]} of the benchmarks that were run in three sizes or more."""
    found = {}
    for benchmark in results.benchmarks:
        kind, _, size = benchmark.rpartition("/")
        if size.isdigit() and kind:
            found.setdefault(kind, []).append((int(size), benchmark))
    return {kind: sorted(sizes) for kind, sizes in found.items() if len(sizes) >= 3}


class Scale:
    """From a logarithmic axis to the page."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(math.ceil(math.log10(max(values))), self.low + 1)
        self.start, self.end = start, end

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def powers(self):
        return [10 ** power for power in range(self.low, self.high + 1)]


def lines(results, sizes, colours, unit):
    """One line a contender over the number of tasks, both axes logarithmic."""
    series = {c.name: [(size, results.median(b, c.name)) for size, b in sizes
                       if results.has(b, c.name)] for c in results.contenders}
    series = {name: points for name, points in series.items() if points}
    values = [value for points in series.values() for _, value in points if value > 0]
    x = Scale([size for size, _ in sizes], 60, 560)
    y = Scale(values, 330, 20)
    parts = []
    for power in x.powers():
        parts += [f'<line x1="{x.at(power)}" y1="20" x2="{x.at(power)}" y2="330" stroke="#eee"/>',
                  text_at(x.at(power), 348, f"{power:,}", "middle", "quiet")]
    for power in y.powers():
        parts += [f'<line x1="60" y1="{y.at(power)}" x2="560" y2="{y.at(power)}" stroke="#ddd"/>',
                  text_at(52, y.at(power) + 4, f"{power:,}", "end", "quiet")]
    parts += [text_at(310, 368, "tasks", "middle", "quiet"), text_at(60, 12, unit, "end", "quiet")]
    for name, points in series.items():
        path = " ".join(f"{x.at(size):.1f},{y.at(value):.1f}" for size, value in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colours[name]}" '
                     f'stroke-width="2"/>')
        parts += [f'<circle cx="{x.at(size):.1f}" cy="{y.at(value):.1f}" r="3.5" '
                  f'fill="{colours[name]}"><title>{escaped(name)}, {size:,}: {number(value)} '
                  f"{unit}</title></circle>" for size, value in points]
    parts += legend(series, colours, x, y)
    return f'<svg viewBox="0 0 760 375" width="760" role="img">{"".join(parts)}</svg>'


def legend(series, colours, x, y):
    """Each name beside the end of its line, moved apart where the ends are close."""
    ends = sorted((y.at(points[-1][1]), name, points[-1]) for name, points in series.items())
    parts, last = [], -math.inf
    for end, name, (size, value) in ends:
        place = max(end, last + 15)
        last = place
        parts += [f'<line x1="{x.at(size) + 5:.1f}" y1="{y.at(value):.1f}" x2="575" '
                  f'y2="{place:.1f}" stroke="{colours[name]}" stroke-opacity=".35"/>',
                  text_at(579, place + 4, name, fill=colours[name])]
    return parts


def table(cells):
    head = "".join(f"<th>{escaped(text)}</th>" for text in cells[0])
    body = "".join("<tr>" + "".join(f"<td>{escaped(text)}</td>" for text in row) + "</tr>"
                   for row in cells[1:])
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def page(results, environment, remarks):
    colours = colours_of(results.contenders)
    facts = "".join(f"<tr><td>{escaped(what)}</td><td>{escaped(value)}</td></tr>"
                    for what, value in environment)
    parts = ["<h1>weft and its peers</h1>", f'<table class="facts">{facts}</table>']
    parts += [f'<p class="remark">{escaped(remark)}</p>' for remark in remarks]
    for kind, sizes in families(results).items():
        unit = results.unit(sizes[0][1])
        parts += [f"<h2>{escaped(kind)}: {unit} over the number of tasks</h2>",
                  lines(results, sizes, colours, unit)]
    parts.append('<h2>Each benchmark</h2><div class="bars">')
    parts += [f"<div><h3>{escaped(b)}</h3>{bars(results, b, colours)}</div>"
              for b in results.benchmarks if any(results.has(b, c.name)
                                                 for c in results.contenders)]
    parts += ["</div>", "<h2>All figures</h2>", table(rows(results)),
              f"<p>{meaning(results)}</p>"]
    return ('<!doctype html>\n<html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>weft and its peers</title><style>{STYLE}</style>\n"
            + "\n".join(parts) + "\n</html>\n")
