# SPDX-License-Identifier: Apache-2.0
"""The results as text: a table for the terminal, one for a document, and JSON, both ways."""

import json
import pathlib
import textwrap

from comparison.contenders import Failed, Figure

BEGIN = "<!-- bench/compare --markdown: from here -->"
END = "<!-- bench/compare --markdown: to here -->"

# The width of a document: tests/tidy.py.
DOCUMENT_COLUMNS = 100

# Rows that show the peak of resident memory beside the time.
WITH_PEAK = "skynet"

UNITS = {
    "ns": "wall time of one operation",
    "cpu-ns": "its CPU time",
    "bytes": "resident memory of one task",
    "p99-ns": "how late, at the 99th percentile",
}


def meaning(results):
    units = "; ".join(f"{unit}: {what}" for unit, what in UNITS.items())
    return (f"Medians of at least {results.rounds} rounds; in brackets how many times weft's "
            f"figure: the median of each round's ratio, not the ratio of the medians. {units}. "
            f"{WITH_PEAK}: beside the time the process's peak of resident memory.")


def number(value):
    """Three significant digits, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(results, benchmark, contender):
    if not results.has(benchmark, contender):
        return ""
    text = number(results.median(benchmark, contender))
    if benchmark.startswith(WITH_PEAK) and results.peak_bytes(benchmark, contender) > 0:
        text += f" / {results.peak_bytes(benchmark, contender) / 1e9:.2f} GB"
    ratio = results.ratio(benchmark, contender)
    if ratio is None or contender == results.baseline(benchmark):
        return text
    return f"{text} ({number(ratio)}x)"


def rows(results):
    """A list of lists of text: the header, then a row for each benchmark."""
    names = [c.name for c in results.contenders
             if any(results.has(b, c.name) for b in results.benchmarks)]
    table = [["benchmark", "unit", *names]]
    for benchmark in results.benchmarks:
        table.append([benchmark, results.unit(benchmark),
                      *[cell(results, benchmark, name) for name in names]])
    return table


def terminal(results, environment):
    width = max(len(what) for what, _ in environment)
    lines = [f"{what:{width}}  {value}" for what, value in environment] + [""]
    table = rows(results)
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    for row in table:
        first = f"{row[0]:{widths[0]}}  {row[1]:{widths[1]}}"
        lines.append("  ".join([first] + [f"{text:>{w}}" for text, w in
                                          zip(row[2:], widths[2:])]).rstrip())
    lines += ["", meaning(results)]
    return "\n".join(lines)


def markdown(results, environment, remarks, command):
    lines = ["<!-- block: not run: takes minutes, and writes this document -->", "```sh", command,
             "```", "", "| | |", "|---|---|"]
    lines += [f"| {what} | {value} |" for what, value in environment]
    table = rows(results)
    lines += ["", "| " + " | ".join(table[0]) + " |", "|---|---|" + "--:|" * (len(table[0]) - 2)]
    lines += ["| " + " | ".join([f"`{row[0]}`", *row[1:]]) + " |" for row in table[1:]]
    lines += ["", textwrap.fill(meaning(results), DOCUMENT_COLUMNS)]
    if remarks:
        lines += ["", *[textwrap.fill(f"- {remark}", DOCUMENT_COLUMNS, subsequent_indent="  ")
                        for remark in remarks]]
    return "\n".join(lines)


def put_into_document(path, text):
    """Replaces what stands between the marks in a document, or writes a new one."""
    file = pathlib.Path(path)
    old = file.read_text(encoding="utf-8") if file.exists() else ""
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        before, after = old, "\n"
    file.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def as_json(results, environment, remarks):
    benchmarks = []
    for name in results.benchmarks:
        for contender in results.contenders:
            if not results.has(name, contender.name):
                continue
            figures = results.figures[name][contender.name]
            benchmarks.append({
                "benchmark": name, "contender": contender.name, "unit": results.unit(name),
                "median": results.median(name, contender.name),
                "spread_percent": results.spread_percent(name, contender.name),
                "ratio_to_weft": results.ratio(name, contender.name),
                "rounds": [{"value": f.value, "operations": f.operations, "checksum": f.checksum,
                            "peak_bytes": f.peak_bytes}
                           if f else None for f in figures]})
    return json.dumps({"environment": dict(environment), "remarks": remarks,
                       "results": benchmarks}, indent=1)


def read_json(path):
    """What as_json wrote; Failed when it did not."""
    try:
        earlier = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        if earlier["environment"]["date"] and earlier["results"]:
            return earlier
    except OSError as error:
        raise Failed(f"can't read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        pass
    raise Failed(f"{path} is not what --json writes")


def add_rows(results, earlier, in_order):
    """Adds the benchmarks of an earlier run that this one has not measured. Returns remarks."""
    date = earlier["environment"]["date"]
    known = {contender.name for contender in results.contenders}
    added = {}
    for line in earlier["results"]:
        if line["benchmark"] not in results.figures and line["contender"] in known:
            row = added.setdefault(line["benchmark"], {})
            row[line["contender"]] = [
                figure and Figure(line["unit"], figure["value"], figure["operations"],
                                  figure["checksum"], figure.get("peak_bytes", 0))
                for figure in line["rounds"]]
    results.figures.update(added)
    results.benchmarks = in_order(results.figures)
    return [f"measured at {date}: {', '.join(in_order(added))}"] if added else []
