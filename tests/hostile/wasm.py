# SPDX-License-Identifier: Apache-2.0
"""An assembler for WebAssembly binaries that tests nothing: unlike with a text format, its output
may be invalid."""

I32, I64, F64, FUNCREF, EXTERNREF, EMPTY = 0x7f, 0x7e, 0x7c, 0x70, 0x6f, 0x40
FUNC, TABLE, MEMORY, GLOBAL = 0, 1, 2, 3

HEADER = b"\0asm\1\0\0\0"

UNREACHABLE, NOP, END, RETURN, DROP, ELSE = b"\x00", b"\x01", b"\x0b", b"\x0f", b"\x1a", b"\x05"
I32_ADD, I32_LOAD8, I32_STORE = b"\x6a", b"\x2d\0\0", b"\x36\2\0"


def uleb(value):
    out = bytearray()
    while True:
        byte = value & 0x7f
        value >>= 7
        if not value:
            return bytes(out + bytearray([byte]))
        out.append(byte | 0x80)


def sleb(value):
    out = bytearray()
    while True:
        byte = value & 0x7f
        value >>= 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            return bytes(out + bytearray([byte]))
        out.append(byte | 0x80)


def name(text):
    data = text if isinstance(text, bytes) else text.encode()
    return uleb(len(data)) + data


def vec(items):
    return uleb(len(items)) + b"".join(items)


def section(number, body):
    return bytes([number]) + uleb(len(body)) + body


def func_type(params=(), results=()):
    return b"\x60" + vec([bytes([p]) for p in params]) + vec([bytes([r]) for r in results])


def limits(least, most=None):
    return b"\0" + uleb(least) if most is None else b"\1" + uleb(least) + uleb(most)


def const(value):
    return b"\x41" + sleb(value)


def block(body, kind=EMPTY):
    return b"\x02" + bytes([kind]) + body + END


def loop(body):
    return b"\x03\x40" + body + END


def if_(body):
    return b"\x04\x40" + body + END


def br(depth):
    return b"\x0c" + uleb(depth)


def br_if(depth):
    return b"\x0d" + uleb(depth)


def call(function):
    return b"\x10" + uleb(function)


def local_get(index):
    return b"\x20" + uleb(index)


def local_set(index):
    return b"\x21" + uleb(index)


def code(body, local_groups=()):
    """A function's body. local_groups: pairs of how many and which type."""
    text = vec([uleb(count) + bytes([kind]) for count, kind in local_groups]) + body + END
    return uleb(len(text)) + text


class Module:
    """A module with one function _start unless told otherwise; each section can be replaced."""

    def __init__(self, start_body=UNREACHABLE, local_groups=()):
        self.types = [func_type()]
        self.imports = []  # (module, field, kind and what belongs to it)
        self.functions = [0]  # Types.
        self.tables = []
        self.memories = []
        self.globals = []
        self.exports = None  # None: _start, the first function that is defined.
        self.start = None
        self.elements = []
        self.codes = [code(start_body, local_groups)]
        self.data = []
        self.extra = {}  # Sections' bodies by their numbers, in place of what is made.
        self.tail = b""

    def wasi(self, field, params, results=(I32,)):
        """Imports a function of WASI and returns its index. Before anything is defined."""
        self.types.append(func_type(params, results))
        self.imports.append(("wasi_snapshot_preview1", field,
                             bytes([FUNC]) + uleb(len(self.types) - 1)))
        return len(self.imports) - 1

    def add(self, body, type_index=0, local_groups=()):
        """Defines a function and returns its index."""
        self.functions.append(type_index)
        self.codes.append(code(body, local_groups))
        return len(self.imports) + len(self.functions) - 1

    def binary(self):
        exports = self.exports
        if exports is None:
            exports = [name("_start") + bytes([FUNC]) + uleb(len(self.imports))]
        bodies = {
            1: vec(self.types),
            2: vec([name(m) + name(f) + what for m, f, what in self.imports]),
            3: vec([uleb(t) for t in self.functions]),
            4: vec(self.tables),
            5: vec(self.memories),
            6: vec(self.globals),
            7: vec(exports),
            8: None if self.start is None else uleb(self.start),
            9: vec(self.elements),
            10: vec(self.codes),
            11: vec(self.data),
            **self.extra,
        }
        sections = [section(number, body) for number, body in sorted(bodies.items())
                    if body is not None and body != b"\0"]
        return HEADER + b"".join(sections) + self.tail
