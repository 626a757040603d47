# SPDX-License-Identifier: Apache-2.0
"""Families of hostile files that are not valid modules: broken, lying or invalid binaries."""

from wasm import (DROP, ELSE, HEADER, I32, I32_ADD, I32_LOAD8, Module, NOP, RETURN, UNREACHABLE,
                  block, br, call, const, func_type, if_, local_get, name, section, uleb, vec)


def truncated(random):
    module = Module(UNREACHABLE)
    for _ in range(1_000):
        module.add(NOP)
    whole = module.binary()
    return whole[:random.randrange(4, len(whole) - 1)]


def lying_lengths(random):
    module = Module(UNREACHABLE)
    number = random.choice([1, 3, 7, 10])
    huge = uleb(random.choice([2**31, 2**32 - 1, 1_000_000]))
    return module.binary() + bytes([number]) + huge + b"\0" * random.randrange(20)


def lying_counts(random):
    """A count of things that are not there: 40 bytes that ask for gigabytes."""
    module = Module(UNREACHABLE)
    number = random.choice([1, 2, 3, 4, 6, 7, 9, 10, 11, 12])
    module.extra[number] = uleb(random.choice([2**32 - 1, 2**28, 100_000])) + b"\0" * 8
    return module.binary()


def section_order(random):
    good = Module(UNREACHABLE).binary()[len(HEADER):]
    kind = random.randrange(3)
    if kind == 0:
        return HEADER + good + section(1, vec([func_type()]))
    if kind == 1:
        return HEADER + section(10, b"\0") + good
    return HEADER + good + good


def leb_tricks(random):
    """Numbers in more bytes than they need or may have."""
    long = random.choice([b"\x80" * 6 + b"\0", b"\xff" * 5 + b"\x7f", b"\x80" * 20 + b"\0",
                          b"\xff\xff\xff\xff\x7f"])
    return HEADER + random.choice([b"\1", b"\3", b"\x0a"]) + long + b"\1\x60\0\0"


def headers(random):
    return random.choice([
        b"", b"\0", b"\0asm", b"\0asm\2\0\0\0", b"\0asm\x0d\0\1\0", b"\x7fELF" + b"\0" * 100,
        b"(module)", b"#!/bin/sh\nexit 0\n", b"\0asm\1\0\0\0" * 4, b"\xff" * 1_000])


def evil_names(random):
    """A name section with names that no terminal should see; then a trap shows them."""
    text = random.choice([b"\x1b[2J\x1b[31m", b"\n\r\nweft: all is well\n", b"\xff\xfe\x80",
                          b"x" * 60_000, "\u202eevil".encode(), b"%s%n%d"])
    names = vec([uleb(0) + name(text)])
    custom = section(0, name("name") + section(1, names))
    return Module(UNREACHABLE).binary() + custom * random.choice([1, 3])


def invalid_code(random):
    """Bytes that are not code, or code with wrong types."""
    body = random.choice([
        b"\xfe\xff", b"\xfc\xff\x7f", b"\x06\x40", I32_ADD, const(1), RETURN + I32_ADD + b"\xff",
        block(b"", I32), if_(NOP), ELSE, br(99), call(99), local_get(9), b"\x41", b"\x11\0\0",
        I32_LOAD8 + DROP, b"\xd2\x63", bytes(random.randrange(256) for _ in range(64))])
    return Module(body + UNREACHABLE).binary()
