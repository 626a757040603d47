# SPDX-License-Identifier: Apache-2.0
"""Measures: every contender's every benchmark once a round, interleaved, and what follows from it.

Each figure comes from a process of its own, so that none inherits another's heap. Within a round
the contenders take turns benchmark by benchmark, and each round begins with another one: so other
load on the machine affects all of them equally. A ratio is the median of the ratios within the
rounds, which does not change when the machine becomes slower. A benchmark whose ratios differ much
from round to round gets more rounds than were asked for.
"""

import os
import signal
import statistics
import subprocess
import tempfile
import time

from comparison.contenders import Failed, checksum_is_right

# A benchmark may set up a million tasks before it measures.
FIGURE_TIMEOUT_S = 300
NOISY_PERCENT = 20
# How uncertain a median ratio may be before there are more rounds, up to this many times as many.
UNSTEADY_PERCENT = 7
ROUNDS_FACTOR_MAX = 3


def run_alone(command, timeout_s):
    """(output, peak of resident bytes) of a command in a process group of its own, which never
    outlives this call."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=complaints,
                              start_new_session=True) as child:
            try:
                code, peak_bytes = end_of(child, timeout_s)
            finally:
                if child.returncode is None:
                    os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
        if code is None:
            raise Failed(f"{command[0]} did not end within {timeout_s} s")
        if code != 0:
            last = (text_of(complaints).strip().splitlines() or ["it said nothing"])[-1]
            raise Failed(f"{' '.join(command[:2])} ended with {code}: {last}")
        return text_of(output), peak_bytes


def text_of(file):
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def end_of(child, timeout_s):
    """(exit code, peak of resident bytes); (None, 0) when it does not end in time."""
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        pid, status, used = os.wait4(child.pid, os.WNOHANG)
        if pid != 0:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode, used.ru_maxrss * 1024
        time.sleep(0.005)
    return None, 0


class Results:
    """figures[benchmark][contender]: a Figure of each round, None where it failed.

    All contenders of a benchmark have the same number of rounds, at least `rounds`.
    """

    def __init__(self, benchmarks, contenders, rounds):
        self.benchmarks = benchmarks
        self.contenders = contenders
        self.rounds = rounds
        self.figures = {name: {c.name: [] for c in contenders if name in c.benchmarks}
                        for name in benchmarks}
        self.failures = []

    def begin_round(self, benchmark):
        for figures in self.figures[benchmark].values():
            figures.append(None)

    def has(self, benchmark, contender):
        return any(self.figures[benchmark].get(contender, []))

    def values(self, benchmark, contender):
        return [f.value for f in self.figures[benchmark].get(contender, []) if f is not None]

    def unit(self, benchmark):
        for figures in self.figures[benchmark].values():
            for figure in figures:
                if figure is not None:
                    return figure.unit
        return "ns"

    def median(self, benchmark, contender):
        return statistics.median(self.values(benchmark, contender))

    def peak_bytes(self, benchmark, contender):
        """The median of the processes' peaks of resident memory."""
        return statistics.median(f.peak_bytes for f in self.figures[benchmark][contender] if f)

    def spread_percent(self, benchmark, contender):
        """How far half of the rounds lie from the median, in percent of it."""
        return spread_percent(self.values(benchmark, contender))

    def baseline(self, benchmark):
        """The contender that others are compared with: weft, for guests its fastest engine."""
        of_weft = [c.name for c in self.contenders
                   if c.name.split()[0] == "weft" and self.has(benchmark, c.name)]
        return min(of_weft, key=lambda name: self.median(benchmark, name), default=None)

    def ratio(self, benchmark, contender):
        """How many times the baseline's figure this one's is; None without a baseline."""
        ratios = self.ratios(benchmark, contender)
        return statistics.median(ratios) if ratios else None

    def ratios(self, benchmark, contender):
        base = self.baseline(benchmark)
        if base is None:
            return []
        pairs = zip(self.figures[benchmark][contender], self.figures[benchmark][base])
        return [a.value / b.value for a, b in pairs if a and b and b.value > 0]

    def is_unsteady(self, benchmark):
        return any(doubt_percent(self.ratios(benchmark, contender)) > UNSTEADY_PERCENT
                   for contender in self.figures[benchmark] if self.has(benchmark, contender))

    def noisy(self):
        """(benchmark, contender, percent) of what varied much."""
        return [(name, c.name, self.spread_percent(name, c.name)) for name in self.benchmarks
                for c in self.contenders if self.has(name, c.name)
                and self.spread_percent(name, c.name) > NOISY_PERCENT]


def spread_percent(values):
    if not values or not statistics.median(values):
        return 0.0
    median = statistics.median(values)
    return 100 * statistics.median(abs(value - median) for value in values) / median


def doubt_percent(values):
    """How far the neighbours of the median lie apart, to either side, in percent of it."""
    values = sorted(values)
    if len(values) < 3:
        return 0.0
    near, middle = max(1, len(values) // 4), len(values) // 2
    apart = values[min(middle + near, len(values) - 1)] - values[middle - near]
    return 50 * apart / values[middle]


def measure(benchmarks, contenders, rounds, milliseconds, say):
    results = Results(benchmarks, contenders, rounds)
    runs = sum(len(of) for of in results.figures.values())
    start = time.monotonic()
    for number in range(rounds):
        measure_round(results, benchmarks, number, milliseconds)
        spent = time.monotonic() - start
        left = spent / (number + 1) * (rounds - number - 1)
        say(f"round {number + 1} of {rounds}: {runs} figures; about {left:.0f} s left")
    # Of one or two rounds nobody can say which is wrong.
    for number in range(rounds, rounds * ROUNDS_FACTOR_MAX if rounds > 2 else 0):
        unsteady = [name for name in benchmarks if results.is_unsteady(name)]
        if not unsteady:
            break
        say(f"once more, as their ratios differ: {', '.join(unsteady)}")
        measure_round(results, unsteady, number, milliseconds)
    return results


def measure_round(results, benchmarks, number, milliseconds):
    first = number % len(results.contenders)
    for name in benchmarks:
        results.begin_round(name)
        for contender in results.contenders[first:] + results.contenders[:first]:
            if name in contender.benchmarks:
                measure_one(results, name, contender, number, milliseconds)


def measure_one(results, name, contender, number, milliseconds):
    try:
        output, peak = run_alone(contender.command(name, milliseconds), FIGURE_TIMEOUT_S)
        figure = contender.figure(name, output)
        figure.peak_bytes = peak
        if not checksum_is_right(name, figure):
            raise Failed(f"the checksum {figure.checksum} does not follow from "
                         f"{figure.operations} operations")
        results.figures[name][contender.name][-1] = figure
    except (Failed, ValueError, KeyError) as error:
        results.failures.append(f"{contender.name}, {name}, round {number + 1}: {error}")
