"""The results as text: a table for the terminal, one for a document, and JSON."""

import json
import pathlib

BEGIN = "<!-- bench/compare --markdown: from here -->"
END = "<!-- bench/compare --markdown: to here -->"


def number(value):
    """Three significant digits, thousands apart."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(results, benchmark, contender):
    if not results.has(benchmark, contender):
        return ""
    text = number(results.median(benchmark, contender))
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
    lines += ["", f"Medians of at least {results.rounds} rounds; in brackets how many times weft's "
              "figure.",
              "ns: wall time of one operation; cpu-ns: CPU time; bytes: resident, of one task."]
    return "\n".join(lines)


def markdown(results, environment, remarks, command):
    lines = [f"    {command}", "", "| | |", "|---|---|"]
    lines += [f"| {what} | {value} |" for what, value in environment]
    table = rows(results)
    lines += ["", "| " + " | ".join(table[0]) + " |", "|---|---|" + "--:|" * (len(table[0]) - 2)]
    lines += ["| " + " | ".join([f"`{row[0]}`", *row[1:]]) + " |" for row in table[1:]]
    lines += ["", f"Medians of at least {results.rounds} rounds; in brackets how many times weft's "
              "figure. `ns` is wall time of one operation, `cpu-ns` CPU time, `bytes` resident "
              "memory of one task."]
    if remarks:
        lines += ["", *[f"- {remark}" for remark in remarks]]
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
                "rounds": [{"value": f.value, "operations": f.operations, "checksum": f.checksum}
                           if f else None for f in figures]})
    return json.dumps({"environment": dict(environment), "remarks": remarks,
                       "results": benchmarks}, indent=1)
