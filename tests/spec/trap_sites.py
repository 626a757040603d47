#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does a trap name the same instruction on every engine, with both kinds of bounds?

    tests/spec/trap_sites.py WEFT [--modules N] [--functions N] [--seed N]

Makes modules of many functions, each a few statements made by chance of instructions that trap for
some of their operands: division, conversion, loads and stores of all widths, bulk memory, tables,
indirect calls, unreachable; as results that are used, dropped or compared, in blocks, loops and
calls. Most statements don't trap, so what comes before and after the one that does is code that a
compiler would like to move. A command line argument more calls the next function.

Each function runs on interp, and on every other engine with guard pages and with checks. The trap,
its offset and the functions under way must be the same. Prints what is not, with the text of the
function, and `N passed, N failed`; a function that does not trap counts as passed.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

TRAP = re.compile(r"trap: (.*) at offset (0x[0-9a-f]+)")
FRAME = re.compile(r"^ +in (.*)$", re.MULTILINE)
LOADS = {"i32": ["load", "load8_s", "load8_u", "load16_s", "load16_u"],
         "i64": ["load", "load8_s", "load16_u", "load32_s", "load32_u"],
         "f32": ["load"], "f64": ["load"]}
STORES = {"i32": ["store", "store8", "store16"], "i64": ["store", "store8", "store32"],
          "f32": ["store"], "f64": ["store"]}
TYPES = ["i32", "i64", "f32", "f64"]
DEPTH_MAX = 4
PAGE = 65536
# The functions of the table, by place: () -> i32, (i32) -> i32, none, (i64) -> i64.
TABLE = 5


class Maker:
    """The text of one function. Each method returns text that leaves what it says on the stack."""

    def __init__(self, chance, functions):
        self.chance = chance
        self.functions = functions  # How many there are to call: those before this one.

    def pick(self, *choices):
        return self.chance.choice(choices)

    def one_in(self, n):
        return self.chance.randrange(n) == 0

    def constant(self, kind):
        """Seldom one that makes its user trap."""
        if kind == "i32":
            return f"(i32.const {self.pick(1, 2, 3, 7, 9, self.pick(0, -1, -2147483648, 65533))})"
        if kind == "i64":
            return f"(i64.const {self.pick(1, 5, 8, 11, self.pick(0, -1, -9223372036854775808))})"
        return f"({kind}.const {self.pick('1.5', '2', '77', self.pick('nan', '1e30', '-3e9'))})"

    def address(self):
        if self.one_in(25):
            return f"(i32.const {PAGE - self.chance.randrange(10)})"
        if self.one_in(3):
            return f"(i32.and (i32.const 1023) {self.value('i32', DEPTH_MAX - 1)})"
        return f"(i32.const {self.chance.randrange(0, 4096)})"

    def offset(self):
        return f"offset={self.pick(0, 0, 0, 4, 100, 65532, 200000) if self.one_in(12) else 0}"

    def small(self):
        """An index into a table, a count of bytes."""
        return f"(i32.const {self.chance.randrange(0, 4) if not self.one_in(8) else 70000})"

    # --- values ---

    def value(self, kind, depth=0):
        if depth >= DEPTH_MAX:
            return self.leaf(kind)
        makers = [self.leaf, self.arithmetic, self.load, self.special, self.choice]
        return self.chance.choices(makers, [2, 3, 3, 3, 1])[0](kind, depth + 1)

    def leaf(self, kind, _depth=0):
        return self.pick(self.constant(kind), f"(local.get ${kind})", f"(global.get $g_{kind})")

    def arithmetic(self, kind, depth):
        a, b = self.value(kind, depth), self.value(kind, depth)
        if kind in ("i32", "i64"):
            op = self.pick("add", "sub", "mul", "and", "div_s", "div_u", "rem_s", "rem_u", "shl")
            if op[:3] in ("div", "rem") and self.one_in(2):
                b = self.constant(kind)
            return f"({kind}.{op} {a} {b})"
        return f"({kind}.{self.pick('add', 'mul', 'div', 'min')} {a} {b})"

    def load(self, kind, _depth):
        return f"({kind}.{self.pick(*LOADS[kind])} {self.offset()} {self.address()})"

    def choice(self, kind, depth):
        a, b = self.value(kind, depth), self.value(kind, depth)
        test = self.value("i32", depth)
        if self.one_in(2):
            return f"(select {a} {b} {test})"
        return f"(if (result {kind}) {test} (then {a}) (else {b}))"

    def special(self, kind, depth):
        if kind == "i32":
            other = self.pick("f32", "f64")
            return self.pick(
                f"(i32.trunc_{other}_{self.pick('s', 'u')} {self.value(other, depth)})",
                f"(i32.wrap_i64 {self.value('i64', depth)})",
                f"({other}.lt {self.value(other, depth)} {self.value(other, depth)})",
                f"(i64.eq {self.value('i64', depth)} {self.value('i64', depth)})",
                f"(call_indirect (result i32) {self.small()})",
                f"(call_indirect (param i32) (result i32) {self.value('i32', depth)} "
                f"{self.small()})",
                f"(ref.is_null (table.get 0 {self.small()}))", "(memory.size)", "(table.size 0)",
                "(call $sched_yield)", self.call(depth))
        if kind == "i64":
            other = self.pick("f32", "f64")
            return self.pick(
                f"(i64.trunc_{other}_{self.pick('s', 'u')} {self.value(other, depth)})",
                f"(i64.extend_i32_s {self.value('i32', depth)})",
                f"(call_indirect (param i64) (result i64) {self.value('i64', depth)} "
                f"{self.small()})")
        return f"({kind}.convert_i64_s {self.value('i64', depth)})"

    def call(self, depth):
        if self.functions == 0:
            return self.leaf("i32")
        callee = self.chance.randrange(self.functions)
        return f"(call $f{callee} {self.value('i32', depth)})" if self.one_in(3) else (
            self.leaf("i32"))

    # --- statements ---

    def statement(self, depth=0):
        kind = self.pick(*TYPES)
        makers = [
            lambda: f"({kind}.{self.pick(*STORES[kind])} {self.offset()} {self.address()} "
                    f"{self.value(kind, 1)})",
            lambda: f"(drop {self.value(kind)})",
            lambda: f"(local.set ${kind} {self.value(kind)})",
            lambda: f"(global.set $g_{kind} {self.value(kind)})",
            lambda: f"(drop {self.load(kind, 0)})",
            lambda: f"(if {self.value('i32', 1)} (then {self.statements(depth)})"
                    f"{self.pick('', f' (else {self.statements(depth)})')})",
            lambda: f"(block $b {self.statements(depth)} (br_if $b {self.value('i32', 2)}) "
                    f"{self.statements(depth)})",
            self.loop(depth),
            lambda: f"({self.pick('memory.fill', 'memory.copy', 'memory.init $d')} "
                    f"{self.address()} {self.small()} {self.small()})",
            lambda: f"({self.pick('table.copy 0 0', 'table.init 0 $e')} "
                    f"{self.small()} {self.small()} {self.small()})",
            lambda: f"(table.set 0 {self.small()} (ref.null func))",
            lambda: f"(table.fill 0 {self.small()} (ref.null func) {self.small()})",
            lambda: f"(drop (memory.grow {self.pick('(i32.const 0)', '(i32.const 9999)')}))",
            lambda: f"(if (i32.eq (i32.const 5) {self.value('i32', 2)}) (then unreachable))",
        ]
        weights = [4, 3, 4, 2, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1]
        return self.chance.choices(makers, weights)[0]()

    def loop(self, depth):
        return lambda: ("(local.set $n (i32.const 3)) (loop $l "
                        f"{self.statement(DEPTH_MAX) if depth else self.statement(1)} "
                        "(br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
                        if depth == 0 else f"(drop {self.value('i32')})")

    def statements(self, depth):
        if depth >= 2:
            return f"(local.set $i32 {self.value('i32', 2)})"
        return " ".join(self.statement(depth + 1) for _ in range(self.chance.randrange(1, 4)))

    def function(self, number):
        locals_ = " ".join(f"(local ${kind} {kind})" for kind in TYPES if kind != "i32")
        body = "\n    ".join(self.statement() for _ in range(self.chance.randrange(4, 12)))
        return (f"  (func $f{number} (param $i32 i32) (result i32) {locals_} (local $n i32)\n"
                f"    (local.set $i64 (i64.extend_i32_u (local.get $i32)))\n"
                f"    (local.set $f64 (f64.convert_i32_u (local.get $i32)))\n"
                f"    {body}\n    (local.get $i32))")


def module_text(chance, count):
    functions = [Maker(chance, i).function(i) for i in range(count)]
    names = " ".join(f"$c{i}" for i in range(count))
    cases = ""
    for i in range(count):
        cases = f"(block $c{i} {cases or f'(br_table {names} (local.get $argc))'})\n" + (
            f"    (drop (call $f{i} (local.get $argc))) (return)\n")
    globals_ = "".join(f"(global $g_{kind} (mut {kind}) ({kind}.const 3))" for kind in TYPES)
    return f"""(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (memory (export "memory") 1 2) {globals_}
  (table {TABLE} 8 funcref) (elem (i32.const 0) $t0 $t1) (elem (i32.const 3) $t3)
  (elem $e func $t0 $t1 $t3) (data $d "four")
  (func $t0 (result i32) (i32.load8_u (i32.const 3)))
  (func $t1 (param i32) (result i32) (i32.div_u (i32.const 1000) (local.get 0)))
  (func $t3 (param i64) (result i64) (i64.load (i32.wrap_i64 (local.get 0))))
{chr(10).join(functions)}
  (func $_start (export "_start") (local $argc i32)
    (drop (call $args_sizes_get (i32.const 65528) (i32.const 65532)))
    (local.set $argc (i32.sub (i32.load (i32.const 65528)) (i32.const 1)))
    {cases}))
"""


def how_it_ends(weft, words, module, number):
    run = subprocess.run([weft, "run", "--fuel", "100000", *words, module, *["x"] * number],
                         capture_output=True, text=True, errors="replace", timeout=300, check=False,
                         stdin=subprocess.DEVNULL)
    trap = TRAP.search(run.stderr)
    if trap:
        return trap[1], trap[2], tuple(FRAME.findall(run.stderr))
    return f"code {run.returncode}", run.stderr.strip().splitlines()[-1:], ()


def ways_to_run(weft):
    engines = subprocess.run([weft, "engines"], check=True, capture_output=True, text=True).stdout
    for engine in [line.split()[0] for line in engines.splitlines()]:
        if engine != "interp":
            for bounds in ("guard", "check"):
                yield [f"--engine={engine}", f"--bounds={bounds}"]


def try_module(weft, folder, chance, count, seen):
    """Returns how many functions end alike, and how many do not."""
    text, module = folder / "sites.wat", folder / "sites.wasm"
    text.write_text(module_text(chance, count))
    subprocess.run(["wat2wasm", "--debug-names", text, "-o", module], check=True)
    failed = 0
    for number in range(count):
        right = how_it_ends(weft, ["--engine=interp"], module, number)
        seen[right[0]] += 1
        wrong = {}
        for words in ways_to_run(weft):
            ended = how_it_ends(weft, words, module, number)
            if ended != right:
                wrong[" ".join(words)] = ended
        if wrong:
            failed += 1
            body = re.search(rf"  \(func \$f{number} .*?(?=\n  \(func)", text.read_text(),
                             re.DOTALL)
            print(f"FAIL  function {number}: interp: {right}")
            for words, ended in wrong.items():
                print(f"        {words}: {ended}")
            print(body[0], flush=True)
    return count - failed, failed


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft", type=pathlib.Path)
    parser.add_argument("--modules", type=int, default=1)
    parser.add_argument("--functions", type=int, default=100, help="in each module")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    weft = options.weft.resolve()
    passed = failed = 0
    seen = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="weft-traps-") as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch
        for number in range(options.modules):
            good, bad = try_module(weft, pathlib.Path(scratch),
                                   random.Random(options.seed + number), options.functions, seen)
            passed, failed = passed + good, failed + bad
    for end, times in seen.most_common():
        print(f"{times:6} {end}")
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
