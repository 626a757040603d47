# SPDX-License-Identifier: Apache-2.0
"""The families of hostile modules. Each is a function that takes a random.Random and returns the
bytes of one module; every module must end with an error: refused, or a trap."""

from broken import (evil_names, headers, invalid_code, leb_tricks, lying_counts, lying_lengths,
                    section_order, truncated)
from wasm import (DROP, END, EXTERNREF, F64, FUNC, FUNCREF, GLOBAL, I32, I32_ADD, I32_STORE, I64,
                  MEMORY, Module, NOP, TABLE, UNREACHABLE, block, br, br_if, call, const, func_type,
                  limits, local_get, local_set, loop, name, sleb, uleb, vec)

MEMORY_FILL = b"\xfc\x0b\0"
MEMORY_COPY = b"\xfc\x0a\0\0"
MEMORY_GROW = b"\x40\0"
REF_NULL = b"\xd0\x70"


def table_grow(index):
    return b"\xfc\x0f" + uleb(index)


def call_indirect(type_index, table=0):
    return b"\x11" + uleb(type_index) + uleb(table)


# --- nesting and size ---

def deep_blocks(random):
    """Blocks in blocks in blocks: what walks them by recursion needs as much stack."""
    depth = random.choice([1_000, 20_000, 100_000, 300_000])
    return Module(b"\x02\x40" * depth + UNREACHABLE + END * depth).binary()


def deep_mixed(random):
    depth = random.choice([500, 5_000, 30_000])
    opens, body = random.choice([(b"\x03\x40", UNREACHABLE), (b"\x41\1\x04\x40", UNREACHABLE),
                                 (b"\x02\x40\x03\x40", UNREACHABLE)])
    ends = 2 if len(opens) == 4 and opens[0] == 2 else 1
    return Module(opens * depth + body + END * depth * ends).binary()


def deep_unclosed(random):
    """More ends than blocks, or fewer."""
    depth = random.randrange(1, 50_000)
    ends = depth + random.choice([-1, 1]) * random.randrange(1, depth + 1)
    return Module(b"\x02\x40" * depth + END * ends).binary()


def deep_operands(random):
    """A function that has a hundred thousand operands at once."""
    count = random.choice([1_000, 20_000, 60_000])
    return Module(const(1) * count + I32_ADD * (count - 1) + DROP + UNREACHABLE).binary()


def wide_branches(random):
    """A table of branches with very many targets."""
    count = random.choice([1_000, 50_000])
    body = block(const(count) + b"\x0e" + uleb(count) + b"\0" * (count + 1))
    return Module(body + UNREACHABLE).binary()


def many_functions(random):
    module = Module(UNREACHABLE)
    for _ in range(random.choice([1_000, 5_000])):
        module.add(NOP)
    return module.binary()


def many_locals(random):
    count = random.choice([49_000, 50_001, 2**31, 2**32 - 1])
    module = Module(call(0), [(count, random.choice([I32, I64, F64]))])
    return module.binary()


def many_parameters(random):
    count = random.choice([900, 1_000, 1_001, 100_000])
    module = Module(UNREACHABLE)
    module.types.append(func_type([I32] * count))
    module.add(b"".join(local_get(i) for i in range(count)) + call(1), 1)
    module.codes[0] = Module(const(7) * count + call(1)).codes[0]
    return module.binary()


def exponential_calls(random):
    """A tree of calls: short to write, longer to run than anyone waits."""
    module = Module(call(1))
    depth = random.randrange(30, 60)
    for i in range(1, depth):
        module.add(call(i + 1) * 3)
    module.add(UNREACHABLE if random.random() < 0.5 else NOP)
    module.codes[0] = Module(call(1) + UNREACHABLE).codes[0]
    return module.binary()


# --- memory and tables ---

def memory_at_start(random):
    module = Module(UNREACHABLE)
    module.memories = [limits(random.choice([1_025, 32_768, 65_535, 65_536, 65_537, 2**32 - 1]))]
    return module.binary()


def memory_bomb(random):
    """Grows until it gets no more, writes to every page that it got, and then beyond."""
    step = random.choice([1, 16, 256, 65_535])
    grow = loop(const(step) + MEMORY_GROW + const(-1) + b"\x47" + br_if(0))  # i32.ne
    touch = loop(local_get(0) + const(1) + I32_STORE + local_get(0) + const(4_096) + I32_ADD +
                 local_set(0) + br(0))
    module = Module(grow + touch, [(1, I32)])
    module.memories = [limits(1)]
    return module.binary()


def memory_fill_bomb(random):
    """Fills all the memory that it can get, again and again."""
    pages = random.choice([16, 256, 1_024])
    fill = random.choice([
        const(0) + const(random.randrange(256)) + const(pages * 65_536) + MEMORY_FILL,
        const(0) + const(8) + const(pages * 65_536 - 8) + MEMORY_COPY])
    module = Module(loop(fill + br(0)))
    module.memories = [limits(pages)]
    return module.binary()


def huge_tables(random):
    module = Module(UNREACHABLE)
    kind = random.choice([FUNCREF, EXTERNREF])
    count, size = random.choice([(1, 2**32 - 1), (1, 1_000_001), (101, 1), (100, 10_001),
                                 (10_000, 0), (1, 1_000_000)])
    module.tables = [bytes([kind]) + limits(size) for _ in range(count)]
    return module.binary()


def table_bomb(random):
    """Tables that grow until they get no more, side by side, and then a trap."""
    tables = random.randrange(1, 8)
    step = random.choice([1_000, 99_999, 1_000_000])
    grow = b"".join(REF_NULL + const(step) + table_grow(i) + DROP for i in range(tables))
    again = loop(grow + REF_NULL + const(1) + table_grow(0) + const(-1) + b"\x47" + br_if(0))
    module = Module(again + const(-1) + call_indirect(0))
    module.tables = [bytes([FUNCREF]) + limits(0) for _ in range(tables)]
    return module.binary()


def out_of_bounds(random):
    """Accesses and segments that end beyond what there is."""
    at = random.choice([65_536, 65_533, 2**31, 2**32 - 1, 2**32 - 4])
    signed = at - 2**32 if at >= 2**31 else at
    offset = random.choice([0, 1, 65_536, 2**32 - 1])
    module = Module(const(signed) + b"\x28\0" + uleb(offset) + DROP)
    module.memories = [limits(1)]
    if random.random() < 0.4:
        module.data = [b"\0" + const(signed) + END + name(b"12345678")]
    return module.binary()


def element_tricks(random):
    module = Module(UNREACHABLE)
    module.tables = [bytes([FUNCREF]) + limits(4)]
    offset = random.choice([3, 5, -1, 2**31 - 1])
    index = random.choice([0, 0, 1, 4_000_000_000])
    module.elements = [b"\0" + const(offset) + END + vec([uleb(index), uleb(0)])]
    return module.binary()


# --- time ---

def endless_loop(random):
    body = random.choice([b"", NOP * 50, const(1) + DROP, block(br(0)), loop(const(0) + br_if(0))])
    return Module(loop(body + br(0))).binary()


def start_loops(random):
    """The start function never returns."""
    module = Module(UNREACHABLE)
    module.start = module.add(loop(random.choice([NOP, const(3) + DROP, block(NOP)]) + br(0)))
    return module.binary()


def start_tricks(random):
    module = Module(UNREACHABLE)
    module.types.append(func_type([I32]))
    module.start = random.choice([0, 1, 77, 2**32 - 1])
    if module.start == 1:
        module.add(NOP, 1)  # A start function with a parameter.
    if module.start == 0 and random.random() < 0.5:
        module.codes[0] = Module(call(0)).codes[0]  # _start too: it recurses.
    return module.binary()


def sleeps(random):
    """Waits in poll_oneoff for a time that never comes."""
    module = Module()
    poll = module.wasi("poll_oneoff", [I32] * 4)
    module.memories = [limits(1)]
    # A subscription: clock, monotonic, relative, 2^62 ns.
    subscription = bytes(16) + bytes(8) + (2**62).to_bytes(8, "little") + bytes(16)
    module.data = [b"\0" + const(1_024) + END + name(subscription)]
    wait = const(1_024) + const(2_048) + const(1) + const(4_096) + call(poll) + DROP
    module.codes = [Module(loop(wait + br(0))).codes[0]]
    return module.binary()


# --- stack ---

def recursion(random):
    module = Module(UNREACHABLE)
    kind = random.randrange(4)
    locals_ = [(random.choice([1, 100, 5_000]), I64)]
    if kind == 0:
        module = Module(call(0), locals_)
    elif kind == 1:
        module = Module(call(1), locals_)
        module.add(call(0), 0, locals_)
    elif kind == 2:
        module = Module(const(0) + call_indirect(0), locals_)
        module.tables = [bytes([FUNCREF]) + limits(1)]
        module.elements = [b"\0" + const(0) + END + vec([uleb(0)])]
    else:  # Under operands that have to be kept.
        module = Module(const(1) * 200 + call(0) + DROP * 200)
    return module.binary()


def recursion_into_host(random):
    """Recurses through a call of WASI: the host's own frames are at the end of the stack."""
    module = Module()
    clock = module.wasi("clock_time_get", [I32, I64, I32])
    module.memories = [limits(1)]
    me = 1
    body = const(1) + b"\x42\0" + const(8) + call(clock) + DROP + call(me)
    module.codes = [Module(body, [(random.choice([1, 64, 700]), I64)]).codes[0]]
    return module.binary()


# --- imports and exports ---

def import_tricks(random):
    module = Module(UNREACHABLE)
    field = random.choice(["fd_wrote", "check", "", "a" * 5_000, b"fd_\xff\xfe", "\x1b[31mred\n",
                           "f\0d", "weft_host", "proc_exit\0"])
    space = random.choice(["wasi_snapshot_preview1", "env", "m", "weft", "",
                           "wasi_snapshot_preview2", "\x1b]0;title\x07"])
    what = random.choice([
        bytes([FUNC]) + uleb(0), bytes([FUNC]) + uleb(5), bytes([MEMORY]) + limits(1),
        bytes([TABLE, FUNCREF]) + limits(1), bytes([GLOBAL, I32, 1]), b"\x09\0"])
    module.imports = [(space, field, what)] * random.choice([1, 1, 500])
    return module.binary()


def import_types(random):
    """Functions of WASI under another type than theirs."""
    module = Module(UNREACHABLE)
    field = random.choice(["fd_write", "proc_exit", "sched_yield", "path_open", "random_get"])
    params, results = random.choice([
        ([], []), ([I64] * 4, [I32]), ([I32] * 4, [I64]), ([I32], [I32, I32]), ([F64] * 9, [F64]),
        ([I32] * 50, []), ([EXTERNREF], [I32])])
    module.wasi(field, params, results)
    return module.binary()


def export_tricks(random):
    module = Module(UNREACHABLE)
    module.memories = [limits(1)]
    start = name("_start")
    module.exports = random.choice([
        [], [start + bytes([MEMORY, 0])], [start + bytes([FUNC]) + uleb(9)],
        [start + bytes([FUNC, 0])] * 2, [start + bytes([FUNC]) + uleb(2**32 - 1)],
        [name(f"e{i}") + bytes([FUNC, 0]) for i in range(3_000)], [start + b"\x07\0"],
        [name("_initialize") + bytes([FUNC, 0])], [name(b"\xff_start") + bytes([FUNC, 0])],
        [start + bytes([GLOBAL, 0])]])
    return module.binary()


def export_type(random):
    module = Module(UNREACHABLE)
    module.types.append(func_type(*random.choice([([I32], []), ([], [I32]), ([I64] * 20, [F64])])))
    module.functions = [1]
    return module.binary()


# --- calls of WASI that are made to hurt ---

def wasi_pointers(random):
    """Pointers and counts that reach far outside of the memory; a trap in the end."""
    module = Module()
    field, params = random.choice([
        ("fd_write", [I32] * 4), ("fd_read", [I32] * 4), ("random_get", [I32] * 2),
        ("poll_oneoff", [I32] * 4), ("args_get", [I32] * 2), ("environ_get", [I32] * 2),
        ("fd_prestat_dir_name", [I32] * 3), ("path_unlink_file", [I32] * 3),
        ("fd_readdir", [I32, I32, I32, I64, I32])])
    function = module.wasi(field, params)
    module.memories = [limits(1)]
    calls = b""
    for _ in range(200):
        for kind in params:
            value = random.choice([0, 1, 3, 65_535, 65_536, -1, -4, 2**31 - 1, -2**31])
            calls += const(value) if kind == I32 else b"\x42" + sleb(value)
        calls += call(function) + DROP
    module.codes = [Module(calls + UNREACHABLE).codes[0]]
    return module.binary()


def output_flood(random):
    """Prints for ever."""
    module = Module()
    write = module.wasi("fd_write", [I32] * 4)
    module.memories = [limits(1)]
    size = random.choice([1, 100, 60_000])
    iovec = (1_024).to_bytes(4, "little") + size.to_bytes(4, "little")
    module.data = [b"\0" + const(0) + END + name(iovec * 8)]
    flood = const(1) + const(0) + const(random.choice([1, 8])) + const(512) + call(write) + DROP
    module.codes = [Module(loop(flood + br(0))).codes[0]]
    return module.binary()


def closes_everything(random):
    """Closes and renumbers descriptors at random, its standard ones included, and goes on."""
    module = Module()
    close = module.wasi("fd_close", [I32])
    renumber = module.wasi("fd_renumber", [I32, I32])
    calls = b""
    for _ in range(300):
        a, b = random.randrange(-1, 12), random.randrange(-1, 12)
        calls += random.choice([const(a) + call(close),
                                const(a) + const(b) + call(renumber)]) + DROP
    module.codes = [Module(calls + UNREACHABLE).codes[0]]
    return module.binary()


# --- calls through tables ---

def bad_indirect(random):
    module = Module(const(random.choice([0, 1, 2, 3, 9, -1])) + call_indirect(1))
    module.types += [func_type([], []), func_type([I32], [I32])]
    module.tables = [bytes([FUNCREF]) + limits(3)]
    other = module.add(local_get(0), 2)
    module.elements = [b"\0" + const(1) + END + vec([uleb(other)])]
    module.codes[0] = Module(const(random.choice([0, 1, 2, 3, 9, -1])) + call_indirect(1)).codes[0]
    return module.binary()


FAMILIES = [
    deep_blocks, deep_mixed, deep_unclosed, deep_operands, wide_branches, many_functions,
    many_locals, many_parameters, exponential_calls, memory_at_start, memory_bomb,
    memory_fill_bomb, huge_tables, table_bomb, out_of_bounds, element_tricks, endless_loop,
    start_loops, start_tricks, sleeps, recursion, recursion_into_host, import_tricks,
    import_types, export_tricks, export_type, wasi_pointers, output_flood, closes_everything,
    bad_indirect, truncated, lying_lengths, lying_counts, section_order, leb_tricks, headers,
    evil_names, invalid_code,
]
