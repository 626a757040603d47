# SPDX-License-Identifier: Apache-2.0
"""Makes a module observable: what its functions return and what they leave behind come out as
64-bit words, of which no engine and no language changes a bit.

To a module without imports are added, for each function that it exports, some that call it with
constants (call0, call1, ...), and others that tell its globals, a hash of each memory and which
elements of each table are null (left0, left1, ...). Vectors are two words, of a reference it is
told whether it is null.
"""

import pathlib
import random
import struct
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hostile"))
# pylint: disable=wrong-import-position
from wasm import sleb, uleb

I32, I64, F32, F64, V128 = 0x7f, 0x7e, 0x7d, 0x7c, 0x7b
FUNCREF, EXTERNREF, EXNREF = 0x70, 0x6f, 0x69
FUNC, TABLE, MEMORY, GLOBAL = 0, 1, 2, 3
TYPE_SECTION, FUNCTION_SECTION, TABLE_SECTION, MEMORY_SECTION = 1, 3, 4, 5
GLOBAL_SECTION, EXPORT_SECTION, CODE_SECTION = 6, 7, 10
SECTION_ORDER = (1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11)
NUMBERS = (I32, I64, F32, F64, V128)
REFERENCES = (FUNCREF, EXTERNREF, EXNREF)
INTERESTING = (0, 1, 2, 7, 31, 63, 127, 128, 255, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
               0xffffffff, 0x7f800000, 0x7fc00000, 0x3f800000, 0x7fffffffffffffff, 1 << 63,
               2**64 - 1, 0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000000)
CALLS_OF_EACH = 2


class Unobservable(Exception):
    """The module has something that is not looked at."""


class Reader:
    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def uleb(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def value_type(self):
        kind = self.byte()
        if kind not in NUMBERS + REFERENCES:
            raise Unobservable(f"a value of type {kind:#x}")
        return kind

    def limits(self):
        flags = self.byte()
        least = self.uleb()
        if flags & 1:
            self.uleb()
        return flags, least


def sections_of(binary):
    reader = Reader(binary, 8)
    while reader.at < len(binary):
        number = reader.byte()
        yield number, reader.take(reader.uleb())


def vector(body, read):
    reader = Reader(body)
    return [read(reader) for _ in range(reader.uleb())]


def function_type(reader):
    if reader.byte() != 0x60:
        raise Unobservable("a type that is no function's")
    params = [reader.value_type() for _ in range(reader.uleb())]
    return params, [reader.value_type() for _ in range(reader.uleb())]


def table_of(reader):
    kind = reader.value_type()
    flags, _ = reader.limits()
    return kind, bool(flags & 4)


def exported(reader):
    name = reader.take(reader.uleb())
    return name, reader.byte(), reader.uleb()


# --- code ---

def const(kind, bits):
    if kind == I32:
        return b"\x41" + sleb((bits & 0xffffffff) - ((bits & 0x80000000) << 1))
    if kind == I64:
        return b"\x42" + sleb((bits & (2**64 - 1)) - ((bits & (1 << 63)) << 1))
    if kind == F32:
        return b"\x43" + struct.pack("<I", bits & 0xffffffff)
    if kind == F64:
        return b"\x44" + struct.pack("<Q", bits & (2**64 - 1))
    if kind == V128:
        return b"\xfd\x0c" + (bits & (2**128 - 1)).to_bytes(16, "little")
    return b"\xd0" + bytes([kind])


def words_of(kind):
    return 2 if kind == V128 else 1


def as_words(get, kind):
    """Code that leaves the words of the value that `get` leaves."""
    if kind == I64:
        return get
    if kind == I32:
        return get + b"\xad"
    if kind == F32:
        return get + b"\xbc\xad"
    if kind == F64:
        return get + b"\xbd"
    if kind == V128:
        return get + b"\xfd\x1d\x00" + get + b"\xfd\x1d\x01"
    return get + b"\xd1\xad"


def body(code, local_types=()):
    groups = b"".join(b"\x01" + bytes([kind]) for kind in local_types)
    text = uleb(len(local_types)) + groups + code + b"\x0b"
    return uleb(len(text)) + text


def value_of(kind, rng):
    bits = 0
    for _ in range(4 if kind == V128 else 1):
        word = rng.choice(INTERESTING) if rng.random() < 0.5 else rng.getrandbits(64)
        bits = bits << 32 ^ word
    return const(kind, bits)


def counted_loop(index_type, end, body_code):
    """Runs body_code for local 0 from 0 up to what `end` leaves."""
    one, add, less = ((b"\x41\x01", b"\x6a", b"\x49") if index_type == I32 else
                      (b"\x42\x01", b"\x7c", b"\x54"))
    return (b"\x02\x40\x03\x40" + b"\x20\x00" + end + less + b"\x45\x0d\x01" + body_code +
            b"\x20\x00" + one + add + b"\x21\x00\x0c\x00\x0b\x0b")


def hash_of_memory(index, is_64):
    kind = I64 if is_64 else I32
    pages = b"\x3f" + uleb(index)
    shift = const(kind, 13) + (b"\x86" if is_64 else b"\x74")  # 8,192 words a page.
    address = b"\x20\x00" + const(kind, 3) + (b"\x86" if is_64 else b"\x74")
    place = b"\x03\x00" if index == 0 else b"\x43" + uleb(index) + b"\x00"
    load = address + b"\x29" + place
    step = b"\x20\x01" + load + b"\x85" + const(I64, 0x100000001b3) + b"\x7e\x21\x01"
    code = counted_loop(kind, pages + shift, step) + b"\x20\x01" + pages
    return body(code + (b"" if is_64 else b"\xad"), (kind, I64))


def nulls_of_table(index, is_64):
    kind = I64 if is_64 else I32
    size = b"\xfc\x10" + uleb(index)
    element = b"\x20\x00\x25" + uleb(index) + b"\xd1\xad"
    step = b"\x20\x01" + const(I64, 3) + b"\x7e" + element + b"\x7c\x21\x01"
    code = counted_loop(kind, size, step) + b"\x20\x01" + size
    return body(code + (b"" if is_64 else b"\xad"), (kind, I64))


# --- the module ---

class Observed:
    """`binary`, and the names to call, in this order."""

    def __init__(self, binary, seed):
        self.rng = random.Random(seed)
        sections = list(sections_of(binary))
        read = dict(sections)
        if 2 in read and Reader(read[2]).uleb() != 0:
            raise Unobservable("an import")
        empty = b"\0"
        self.types = vector(read.get(TYPE_SECTION, empty), function_type)
        self.functions = vector(read.get(FUNCTION_SECTION, empty), Reader.uleb)
        self.new_types, self.new_functions, self.new_codes, self.new_exports = [], [], [], []
        exports = vector(read.get(EXPORT_SECTION, empty), exported)
        self.calls, self.leaves = [], []
        for name, kind, index in exports:
            for _ in range(CALLS_OF_EACH if kind == FUNC else 0):
                self.add_call(index)
        self.add_globals(read.get(GLOBAL_SECTION, empty), exports)
        for index, (flags, _) in enumerate(vector(read.get(MEMORY_SECTION, empty), Reader.limits)):
            self.add(f"left{len(self.leaves)}", hash_of_memory(index, bool(flags & 4)), 2,
                     self.leaves)
        for index, (_, is_64) in enumerate(vector(read.get(TABLE_SECTION, empty), table_of)):
            self.add(f"left{len(self.leaves)}", nulls_of_table(index, is_64), 2, self.leaves)
        self.binary = self.assembled(sections)

    def add(self, name, code, words, names):
        self.new_types.append(b"\x60\x00" + uleb(words) + bytes([I64]) * words)
        self.new_functions.append(uleb(len(self.types) + len(self.new_types) - 1))
        self.new_codes.append(code)
        text = ("weft " + name).encode()  # No name that a generator gives.
        index = len(self.functions) + len(self.new_functions) - 1
        self.new_exports.append(uleb(len(text)) + text + b"\0" + uleb(index))
        names.append(text.decode())

    def add_call(self, function):
        params, results = self.types[self.functions[function]]
        code = b"".join(value_of(kind, self.rng) for kind in params) + b"\x10" + uleb(function)
        for local in reversed(range(len(results))):
            code += b"\x21" + uleb(local)
        for local, kind in enumerate(results):
            code += as_words(b"\x20" + uleb(local), kind)
        words = sum(words_of(kind) for kind in results)
        self.add(f"call{len(self.calls)}", body(code, results), words, self.calls)

    def add_globals(self, section, exports):
        """Those that are exported, whose types are known to be ours: initializers are not read."""
        reader = Reader(section)
        if reader.uleb() == 0:
            return
        for index in sorted({index for _, kind, index in exports if kind == GLOBAL}):
            kind = self.global_type(section, index)
            self.add(f"left{len(self.leaves)}", body(as_words(b"\x23" + uleb(index), kind)),
                     words_of(kind), self.leaves)

    def global_type(self, section, wanted):
        reader = Reader(section)
        for index in range(reader.uleb()):
            kind = reader.value_type()
            reader.byte()
            if index == wanted:
                return kind
            skip_expression(reader)
        raise Unobservable("a global that is not there")

    def assembled(self, sections):
        more = {TYPE_SECTION: self.new_types, FUNCTION_SECTION: self.new_functions,
                EXPORT_SECTION: self.new_exports, CODE_SECTION: self.new_codes}
        if not self.new_codes:
            raise Unobservable("nothing that can be looked at")
        contents = dict.fromkeys(more, b"\0") | dict(sections)
        out = b"\0asm\1\0\0\0"
        for number in sorted(contents, key=SECTION_ORDER.index):
            content = contents[number]
            if number in more:
                reader = Reader(content)
                count = reader.uleb() + len(more[number])
                content = uleb(count) + content[reader.at:] + b"".join(more[number])
            out += bytes([number]) + uleb(len(content)) + content
        return out


def skip_expression(reader):
    """A constant expression, up to behind its end."""
    while True:
        op = reader.byte()
        if op == 0x0b:
            return
        if op in (0x41, 0x42, 0x23, 0xd2):
            reader.uleb()
        elif op == 0x43:
            reader.take(4)
        elif op == 0x44:
            reader.take(8)
        elif op == 0xd0:
            reader.byte()
        elif op == 0xfd:
            reader.uleb()
            reader.take(16)
        elif op not in (0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e):
            raise Unobservable(f"a constant expression with {op:#x}")
