#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A guest of a Python program, by ctypes: embed.py GUEST.wasm [LIBRARY]

The guest (guest/guest.c) reads lines from stdin, asks lookup() for each, and prints the
answer. lookup() is the Python function below. It must not wait (weft_caller_sleep): the interpreter
knows nothing of green threads, and another guest may call Python meanwhile.
"""

import ctypes
import sys
from ctypes import (CFUNCTYPE, POINTER, Structure, Union, byref, c_char, c_char_p, c_double,
                    c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p)


class Value(Union):
    _fields_ = [("i32", c_int32), ("i64", c_int64), ("f32", c_float), ("f64", c_double)]


HostFunction = CFUNCTYPE(c_int, c_void_p, c_void_p, POINTER(Value), POINTER(Value))
Output = CFUNCTYPE(None, c_void_p, c_void_p, POINTER(c_char), c_size_t)
EndHandler = CFUNCTYPE(None, c_void_p, c_void_p)


class GuestOptions(Structure):
    _fields_ = [
        ("name", c_char_p), ("args", c_void_p), ("env", c_void_p), ("dirs", c_void_p),
        ("files", c_void_p), ("files_at", c_char_p), ("input", c_char_p), ("stdin_fd", c_int32),
        ("stdout_fd", c_int32), ("stderr_fd", c_int32), ("output", Output),
        ("error_output", Output), ("on_end", EndHandler), ("context", c_void_p),
        ("memory_bytes", c_uint64), ("output_bytes", c_uint64), ("descriptors", c_uint64),
        ("time", c_int64), ("serves", c_int32), ("stdin_pipe", c_void_p),
        ("stdout_pipe", c_void_p), ("stderr_pipe", c_void_p)]


def load(path):
    weft = ctypes.CDLL(path)
    weft.weft_last_error.restype = c_char_p
    for name in ["runtime_create", "runtime_run", "runtime_destroy", "define", "load", "spawn",
                 "caller_memory", "caller_fail", "guest_state"]:
        getattr(weft, f"weft_{name}").restype = c_int
    return weft


def main():
    weft = load(sys.argv[2] if len(sys.argv) > 2 else "libweft.so.0")
    printed = bytearray()

    def must(code):
        if code != 0:
            sys.exit(weft.weft_last_error().decode())

    def memory(caller, at, count):
        place = c_void_p()
        if weft.weft_caller_memory(c_void_p(caller), c_uint32(at), c_uint32(count), byref(place)):
            raise IndexError("outside of the guest's memory")
        return (c_char * count).from_address(place.value) if count > 0 else b""

    @HostFunction
    def lookup(_context, caller, given, result):
        try:
            key = bytes(memory(caller, given[0].i32, given[1].i32))
            value = b"the value of " + key
            to = memory(caller, given[2].i32, given[3].i32)
            size = min(len(value), len(to))
            to[:size] = value[:size]
            result[0].i32 = size
            return 0
        except IndexError as error:
            return weft.weft_caller_fail(c_void_p(caller), str(error).encode())

    @Output
    def output(_context, _guest, text, count):
        printed.extend(text[:count])

    runtime, module, guest = c_void_p(), c_void_p(), c_void_p()
    must(weft.weft_runtime_create(None, byref(runtime)))
    must(weft.weft_define(runtime, b"app", b"lookup", b"iiii", b"i", lookup, None))
    must(weft.weft_load(runtime, sys.argv[1].encode(), byref(module)))
    options = GuestOptions(name=b"of Python", input=b"one\ntwo\n", output=output,
                           memory_bytes=16 << 20, time=10 * 10**9)
    must(weft.weft_spawn(runtime, module, byref(options), byref(guest)))
    must(weft.weft_runtime_run(runtime))
    code = c_uint32()
    state = ["lives", "exited", "trapped", "killed"][weft.weft_guest_state(guest, byref(code))]
    print(printed.decode(), end="")
    print(f"{state} with {code.value}")
    must(weft.weft_runtime_destroy(runtime))


if __name__ == "__main__":
    main()
