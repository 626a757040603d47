# SPDX-License-Identifier: Apache-2.0
"""Makes valid modules whose functions compute in nested loops: many locals of every type, deep
expressions, loads and stores, branches with values, calls, and every instruction that takes and
leaves numbers or vectors (guest/wasm/instructions.inc is read). Ends by itself: all loops and calls
draw on one global count.
"""

import pathlib
import re

from observed import F32, F64, I32, I64, INTERESTING, V128, body, const, uleb

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TYPE_OF = {"i": I32, "I": I64, "f": F32, "F": F64, "v": V128}
TYPES = tuple(TYPE_OF.values())
ROW = re.compile(r'WASM_OP\((\w+),\s*"([^"]+)",\s*0x(\w\w),\s*0x(\w+),\s*(\w+),\s*"([^"]*)",\s*'
                 r'"([^"]*)",\s*(\d+),\s*\w+,\s*\w+,\s*(\w+)\)')
FEATURES = {"core", "sign_extension", "saturating_conversions", "simd", "relaxed_simd", "atomics"}
LANES = {"i8x16": 16, "i16x8": 8, "i32x4": 4, "i64x2": 2, "f32x4": 4, "f64x2": 2}

# What may make a NaN, whose bits are then the engine's choice.
ARITHMETIC = re.compile(r"f(32|64)(x[24])?\.(relaxed_)?(add|sub|mul|div|sqrt|min|max|ceil|floor|"
                        r"trunc|nearest|madd|nmadd|demote.*|promote.*)$")
# Rounded once by some and twice by others.
NOT_COMPARED = re.compile(r".*relaxed_n?madd")

STEPS = 20_000  # Of all loops of a call.
FUEL_GLOBAL = 0
GLOBALS = (I32, I32, I64, F32, F64, V128)
EMPTY_BLOCK = 0x40
TAG_TYPES = (I32, F64)


class Op:
    def __init__(self, name, prefix, code, immediates, params, result, width):
        self.name, self.immediates, self.params, self.result = name, immediates, params, result
        self.encoded = bytes([code]) if prefix == 0 else bytes([prefix]) + uleb(code)
        self.traps = prefix == 0 and re.search(r"\.(div|rem|trunc_f)", name) is not None
        self.width = width
        shape = name.split(".")[0]
        self.lanes = LANES.get(shape) or 16 // max(width, 1)
        self.makes_nan = ARITHMETIC.match(name) is not None


def read_ops():
    by_result, stores = {letter: [] for letter in TYPE_OF}, []
    for found in ROW.finditer((ROOT / "guest/wasm/instructions.inc").read_text()):
        _, name, prefix, code, immediates, params, results, width, feature = found.groups()
        simple = immediates in ("none", "memarg", "memarg_lane", "lane", "shuffle")
        if not simple or feature not in FEATURES or NOT_COMPARED.match(name):
            continue
        if set(params) - set("iIfFva") or "*" in results or not params:
            continue
        if name.startswith("memory.atomic"):
            continue
        op = Op(name, int(prefix, 16), int(code, 16), immediates, params, results, int(width))
        op.atomic = feature == "atomics"
        op.beyond_interp = op.atomic or feature == "relaxed_simd"
        if results == "":
            stores.append(op)
        elif results in TYPE_OF:
            by_result[results].append(op)
    return by_result, stores


OPS, STORES = read_ops()


class Function:
    """The code of one function. Calls only those in `callees`, which come before it."""

    def __init__(self, maker, params, results, callees):
        self.maker, self.rng, self.results = maker, maker.rng, results
        self.callees = callees
        self.locals = list(params)
        self.params = len(params)
        for _ in range(self.rng.randrange(2, 20)):
            self.locals.append(self.rng.choice(TYPES))
        for kind in TYPES:
            self.locals.append(kind)  # One of each at least,
        self.of_nan = {kind: self.local(kind) for kind in (F32, F64, V128)}
        self.labels = [list(results)]  # What branches to them carry; the function's own first.
        self.memory = 0
        self.budget = self.rng.randrange(10, 400)  # Statements and operators.

    def local(self, kind):
        self.locals.append(kind)
        return len(self.locals) - 1

    def some_local(self, kind):
        return self.rng.choice([i for i, of in enumerate(self.locals[:60]) if of == kind] or
                               [self.locals.index(kind)])

    # --- expressions ---

    def constant(self, kind):
        rng = self.rng
        bits = 0
        for _ in range(4 if kind == V128 else 1):
            bits = bits << 32 ^ (rng.choice(INTERESTING) if rng.random() < 0.6 else
                                 rng.getrandbits(64))
        return const(kind, bits)

    def leaf(self, kind):
        chance = self.rng.random()
        if chance < 0.6:
            return b"\x20" + uleb(self.some_local(kind))
        if chance < 0.75:
            return b"\x23" + uleb(self.rng.choice([i for i, of in enumerate(GLOBALS)
                                                   if of == kind]))
        return self.constant(kind)

    def expression(self, kind, depth):
        self.budget -= 1
        if depth <= 0 or self.budget < 0:
            return self.leaf(kind)
        chance = self.rng.random()
        if chance < 0.7:
            return self.operator(kind, depth)
        if chance < 0.76:
            return (self.expression(kind, depth - 1) + self.expression(kind, depth - 1) +
                    self.expression(I32, depth - 1) + b"\x1c\x01" + bytes([kind]))
        if chance < 0.82:
            return (self.expression(I32, depth - 1) + b"\x04" + bytes([kind]) +
                    self.inside([kind], lambda: self.expression(kind, depth - 1)) + b"\x05" +
                    self.inside([kind], lambda: self.expression(kind, depth - 1)) + b"\x0b")
        if chance < 0.88:
            return b"\x02" + bytes([kind]) + self.inside([kind], lambda: (
                self.expression(kind, depth - 1) + self.expression(I32, depth - 1) +
                b"\x0d\x00\x1a" + self.expression(kind, depth - 1))) + b"\x0b"
        if chance < 0.94:
            return self.expression(kind, depth - 1) + b"\x22" + uleb(self.some_local(kind))
        return self.call_for(kind, depth) or self.leaf(kind)

    def inside(self, label, make):
        self.labels.append(label)
        code = make()
        self.labels.pop()
        return code

    def operator(self, kind, depth):
        letter = next(letter for letter, of in TYPE_OF.items() if of == kind)
        op = self.rng.choice(OPS[letter])
        if (op.traps and self.rng.random() < 0.8) or (op.beyond_interp and self.maker.of_interp):
            return self.leaf(kind)
        code = self.operands(op, depth) + self.immediates(op)
        return code + self.one_nan(op, kind) if op.makes_nan and self.maker.canonical else code

    def operands(self, op, depth):
        if "a" not in op.params:
            return b"".join(self.expression(TYPE_OF[letter], depth - 1) for letter in op.params)
        memory = self.rng.randrange(self.maker.memories)
        wide = memory == 1  # Its addresses are i64.
        address = self.expression(I64 if wide else I32, min(depth - 1, 2))
        if self.rng.random() < 0.97:
            # What is atomic traps when it is not aligned.
            mask = 0x10000 - op.width if op.atomic and self.rng.random() < 0.95 else 0xffff
            address += (const(I64, mask) + b"\x83") if wide else (const(I32, mask) + b"\x71")
        rest = b"".join(self.expression(TYPE_OF[letter], depth - 1)
                        for letter in op.params if letter != "a")
        self.memory = memory  # For its immediates.
        return address + rest

    def immediates(self, op):
        if op.immediates == "shuffle":
            return op.encoded + self.shuffled()
        if op.immediates == "lane":
            return op.encoded + bytes([self.rng.randrange(op.lanes)])
        if op.immediates == "none":
            return op.encoded
        offset = self.rng.choice((0, 0, 0, 1, 8, 100, 4_000))
        align = op.width.bit_length() - 1 if op.atomic else 0
        if op.atomic and self.rng.random() < 0.9:
            offset = offset // op.width * op.width
        align = bytes([align]) if self.memory == 0 else bytes([align | 0x40]) + uleb(self.memory)
        code = op.encoded + align + uleb(offset)
        if op.immediates == "memarg_lane":
            code += bytes([self.rng.randrange(16 // op.width)])
        return code

    def shuffled(self):
        """Any lanes, or one of the shapes that compilers make."""
        rng = self.rng
        shape = rng.randrange(6)
        if shape == 0:
            return bytes(rng.randrange(32) for _ in range(16))
        if shape == 1:
            return bytes((rng.randrange(17) + i) % 32 for i in [0]) + bytes(
                rng.randrange(16) for _ in range(15))
        if shape == 2:
            first = rng.randrange(17)
            return bytes(first + i for i in range(16))
        width = rng.choice((1, 2, 4, 8))
        if shape == 3:
            other, half = rng.choice((0, 16)), rng.choice((0, 8))
            return bytes(half + i // width // 2 * width + i % width +
                         ((i // width % 2 * 16) ^ other) for i in range(16))
        if shape == 4:
            return bytes(i + rng.choice((0, 16)) for i in range(0, 16, width)
                         for i in range(i, i + width))
        groups = [rng.randrange(8) * 4 for _ in range(4)]
        return bytes(group + i for group in groups for i in range(4))

    def one_nan(self, op, kind):
        local = uleb(self.of_nan[kind])
        tee, get = b"\x22" + local, b"\x20" + local
        if kind != V128:
            nan = const(kind, 0x7fc00000 if kind == F32 else 0x7ff8 << 48)
            return tee + nan + get + get + (b"\x5b" if kind == F32 else b"\x61") + b"\x1b" + tee
        wide = op.name.startswith("f64x2")
        nan = 0x7ff8 << 48 if wide else 0x7fc000007fc00000
        equal = b"\xfd\x47" if wide else b"\xfd\x41"
        return tee + const(V128, nan << 64 | nan) + get + get + equal + b"\xfd\x52" + tee

    def call_for(self, kind, depth):
        fitting = [f for f in self.callees if self.maker.types[f][1] == [kind]]
        if not fitting:
            return None
        callee = self.rng.choice(fitting)
        arguments = b"".join(self.expression(of, depth - 2) for of in self.maker.types[callee][0])
        if self.rng.random() < 0.5:
            return arguments + b"\x10" + uleb(callee)
        return (arguments + const(I32, callee) + b"\x11" + uleb(self.maker.type_index(callee)) +
                b"\x00")

    # --- statements ---

    def statements(self, depth):
        return b"".join(self.statement(depth) for _ in range(self.rng.randrange(1, 5)))

    def statement(self, depth):
        self.budget -= 1
        kind = self.rng.choice(TYPES)
        chance = self.rng.random()
        if depth <= 0 or self.budget < 0 or chance < 0.4:
            return self.expression(kind, 5) + b"\x21" + uleb(self.some_local(kind))
        if chance < 0.55:
            return self.store()
        if chance < 0.62:
            index = self.rng.randrange(1, len(GLOBALS))
            return self.expression(GLOBALS[index], 4) + b"\x24" + uleb(index)
        if chance < 0.78:
            return self.loop(depth)
        if chance < 0.86:
            return (self.expression(I32, 3) + b"\x04\x40" +
                    self.inside([], lambda: self.statements(depth - 1)) + b"\x05" +
                    self.inside([], lambda: self.statements(depth - 1)) + b"\x0b")
        if chance < 0.93:
            return self.switch(depth)
        if not self.maker.of_interp and chance < 0.97:
            return self.try_(depth)
        return self.leave(depth)

    def store(self):
        op = self.rng.choice([op for op in STORES
                              if not (op.beyond_interp and self.maker.of_interp)])
        return self.operands(op, 4) + self.immediates(op)

    def loop(self, depth):
        """Counts down a local of its own and the global count."""
        counter = uleb(self.local(I32))
        fuel = uleb(FUEL_GLOBAL)
        start = const(I32, self.rng.choice((1, 3, 10, 50))) + b"\x21" + counter
        code = self.inside([], lambda: self.inside([], lambda: self.statements(depth - 1)))
        count = (b"\x20" + counter + const(I32, 1) + b"\x6b\x22" + counter + b"\x45\x0d\x01" +
                 b"\x23" + fuel + const(I32, 1) + b"\x6b\x24" + fuel +
                 b"\x23" + fuel + const(I32, 0) + b"\x4c\x0d\x01")
        return start + b"\x02\x40\x03\x40" + count + code + b"\x0c\x00\x0b\x0b"

    def switch(self, depth):
        """A br_table out of nested blocks, each of which goes on with statements."""
        cases = self.rng.randrange(1, 5)
        selector = self.expression(I32, 2) + const(I32, 7) + b"\x71"
        table = b"\x0e" + uleb(cases) + b"".join(uleb(self.rng.randrange(cases))
                                                 for _ in range(cases)) + uleb(cases - 1)
        code = b"\x02\x40" * cases + selector + table
        for case in range(cases):
            outer = [[] for _ in range(cases - case - 1)]
            self.labels += outer
            code += b"\x0b" + self.statement(depth - 1)
            del self.labels[len(self.labels) - len(outer):]
        return code

    def leave(self, depth):
        """A branch out of some label, with its values, when something is not zero."""
        out = self.rng.randrange(len(self.labels))
        types = self.labels[-1 - out]
        values = b"".join(self.expression(kind, 3) for kind in types)
        chance = self.rng.random()
        if chance < 0.5 or self.budget < 0:
            code = values + self.expression(I32, 2) + b"\x0d" + uleb(out)
            return code + b"\x1a" * len(types)
        tail = None
        if chance > 0.8 and not self.maker.of_interp:
            tail = self.tail_call(depth)
        code = self.inside([], lambda: tail or b"".join(
            self.expression(kind, 3) for kind in self.results) + b"\x0f")
        return self.expression(I32, 2) + b"\x04\x40" + code + b"\x0b"

    def tail_call(self, depth):
        fitting = [f for f in self.callees if self.maker.types[f][1] == list(self.results)]
        if not fitting:
            return None
        callee = self.rng.choice(fitting)
        code = b"".join(self.expression(of, depth) for of in self.maker.types[callee][0])
        if self.rng.random() < 0.5:
            return code + b"\x12" + uleb(callee)
        return (code + const(I32, callee) + b"\x13" + uleb(self.maker.type_index(callee)) +
                b"\x00")

    def try_(self, depth):
        """Statements, among them a throw, in a try_table whose values are caught."""
        block_type = uleb(self.maker.tag_type)  # Leaves what the tag carries.
        catch = self.rng.choice((b"\x01\x00\x00\x00",  # A clause for the tag,
                                 b"\x02\x00\x00\x00\x02\x01"))  # or one more for all others.
        thrown = b"".join(self.expression(kind, 2) for kind in TAG_TYPES)

        def inner():
            code = self.statements(depth - 1)
            return (code + self.expression(I32, 2) + b"\x04\x40" + thrown + b"\x08\x00\x0b" +
                    self.statement(depth - 1))

        code = self.inside([], lambda: self.inside(
            list(TAG_TYPES), lambda: self.inside([], inner)))
        normal = b"".join(self.constant(kind) for kind in TAG_TYPES)
        sets = b"".join(b"\x21" + uleb(self.some_local(kind)) for kind in reversed(TAG_TYPES))
        return (b"\x02\x40\x02" + block_type + b"\x1f\x40" + catch + code + b"\x0b" + normal +
                b"\x0b" + sets + b"\x0b")

    def entry(self):
        """A call draws on the global count, too; when it is spent, nothing is done."""
        fuel = uleb(FUEL_GLOBAL)
        nothing = b"".join(self.constant(kind) for kind in self.results)
        return (b"\x23" + fuel + const(I32, 1) + b"\x6b\x24" + fuel + b"\x23" + fuel +
                const(I32, 0) + b"\x4c\x04\x40" + nothing + b"\x0f\x0b")

    def body(self):
        code = self.entry() + self.statements(4)
        code += b"".join(self.expression(kind, 4) for kind in self.results)
        return body(code, self.locals[self.params:])


class Maker:
    def __init__(self, rng, of_interp):
        self.rng, self.of_interp = rng, of_interp
        self.canonical = True
        self.memories = 1 if of_interp else rng.choice((1, 2))
        self.types = []  # Of each function: parameters and results.
        self.all_types = []

    def type_index(self, function):
        return self.all_types.index(self.types[function])

    def module(self):
        rng = self.rng
        functions = rng.randrange(2, 7)
        for _ in range(functions):
            params = [rng.choice(TYPES) for _ in range(rng.choice((0, 1, 2, 4, 12)))]
            results = [rng.choice(TYPES) for _ in range(rng.choice((1, 1, 1, 0, 3)))]
            self.types.append((params, results))
        for of in self.types:
            if of not in self.all_types:
                self.all_types.append(of)
        self.all_types.append(([], list(TAG_TYPES)))
        self.tag_type = len(self.all_types) - 1
        self.all_types.append((list(TAG_TYPES), []))
        codes = [Function(self, params, results, range(index)).body()
                 for index, (params, results) in enumerate(self.types)]
        return self.assembled(codes)

    def assembled(self, codes):
        def vec(items):
            return uleb(len(items)) + b"".join(items)

        def name(text):
            return uleb(len(text)) + text.encode()

        count = len(codes)
        types = [b"\x60" + vec([bytes([kind]) for kind in params]) +
                 vec([bytes([kind]) for kind in results]) for params, results in self.all_types]
        memories = [b"\x01\x01\x02", b"\x05\x01\x02"][:self.memories]
        data = [(b"\x00" if memory == 0 else b"\x02" + uleb(memory)) +
                (const(I64, 64) if memory else const(I32, 64)) + b"\x0b" +
                vec([bytes([b]) for b in self.rng.randbytes(200)])
                for memory in range(self.memories)]
        values = [const(GLOBALS[0], STEPS)]
        values += [const(kind, self.rng.getrandbits(128)) for kind in GLOBALS[1:]]
        exports = [name(f"f{i}") + b"\x00" + uleb(i) for i in range(count)]
        exports += [name(f"g{i}") + b"\x03" + uleb(i) for i in range(len(GLOBALS))]
        sections = [
            (1, vec(types)), (3, vec([uleb(self.type_index(i)) for i in range(count)])),
            (4, vec([b"\x70\x00" + uleb(count)])), (5, vec(memories)),
            (13, None if self.of_interp else vec([b"\x00" + uleb(len(self.all_types) - 1)])),
            (6, vec([bytes([kind]) + b"\x01" + value + b"\x0b"
                     for kind, value in zip(GLOBALS, values)])),
            (7, vec(exports)),
            (9, vec([b"\x00" + const(I32, 0) + b"\x0b" + vec([uleb(i) for i in range(count)])])),
            (10, vec(codes)), (11, vec(data))]
        return b"\0asm\1\0\0\0" + b"".join(bytes([number]) + uleb(len(content)) + content
                                          for number, content in sections if content is not None)


def make(rng, of_interp):
    """`rng` decides all. With of_interp: of WebAssembly 2.0 alone."""
    return Maker(rng, of_interp).module()
