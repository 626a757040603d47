# SPDX-License-Identifier: Apache-2.0
"""Every failure has a clear message: what, which file, which function, and the right exit code."""

import random
import signal
import time

from harness import HOST_REFUSES, LOAD_ERROR, TRAP, claim

GIB = 1 << 30

HEADER = b"\0asm\x01\0\0\0"
COMPONENT = b"\0asm\x0d\0\x01\0"


def section(number, payload):
    assert len(payload) < 128
    return bytes([number, len(payload)]) + payload


TYPE_NONE = section(1, b"\x01\x60\0\0")  # type 0: () -> ()
ONE_FUNCTION = section(3, b"\x01\0")
MEMORY = section(5, b"\x01\0\x01")
START = section(7, b"\x01\x06_start\0\0")


def code(body=b""):
    return section(10, bytes([1, len(body) + 2, 0]) + body + b"\x0b")


def write(weft, name, data):
    path = weft.scratch / name
    path.write_bytes(data)
    return path


@claim("a missing file is named")
def _(weft):
    weft.raw("run", "no_such_file.wasm").expect_error(
        LOAD_ERROR, r"no_such_file\.wasm", "no such file")


@claim("a directory is refused as a module")
def _(weft):
    weft.raw("run", "/tmp").expect_error(LOAD_ERROR, "/tmp", "directory")


@claim("a file without permission to read is named; one without an end is refused")
def _(weft):
    weft.raw("run", "/dev/zero").expect_error(LOAD_ERROR, "/dev/zero")


@claim("an empty file is refused as a module")
def _(weft):
    weft.raw("run", write(weft, "empty.wasm", b"")).expect_error(
        LOAD_ERROR, r"empty\.wasm", "empty|not a (wasm|webassembly)")


@claim("a file that is not WebAssembly is refused as a module")
def _(weft):
    weft.raw("run", write(weft, "text.wasm", b"#!/bin/sh\necho hello\n")).expect_error(
        LOAD_ERROR, r"text\.wasm", "not (a )?(wasm|webassembly)")
    weft.raw("run", "/bin/sh").expect_error(LOAD_ERROR, "/bin/sh", "not (a )?(wasm|webassembly)")


@claim("a truncated module is refused, at every place of the cut")
def _(weft):
    whole = weft.guest("wat_hello").read_bytes()
    code_begins = whole.index(b"_start")
    for length in [4, 7, 9, 20, code_begins, code_begins + 12]:
        weft.raw("run", write(weft, "cut.wasm", whole[:length])).expect_error(
            LOAD_ERROR, r"cut\.wasm")


@claim("a component is refused as such, and so is a version from the future")
def _(weft):
    weft.raw("run", write(weft, "newer.wasm", COMPONENT)).expect_error(
        LOAD_ERROR, r"newer\.wasm", r"\bcomponent\b")
    weft.raw("run", write(weft, "future.wasm", b"\0asm\x02\0\0\0")).expect_error(
        LOAD_ERROR, r"future\.wasm", "version")


@claim("a module that does not validate is refused with the reason and the place")
def _(weft):
    drop_of_nothing = HEADER + TYPE_NONE + ONE_FUNCTION + MEMORY + START + code(b"\x1a")
    weft.raw("run", write(weft, "invalid.wasm", drop_of_nothing)).expect_error(
        LOAD_ERROR, r"invalid\.wasm", "type mismatch|drop")


# Each: the proposal, what the message may call it, a module that needs it. An engine that has
# learnt one of them runs the module instead.
PROPOSALS = [
    ("threads", "thread|shared|atomic",
     HEADER + TYPE_NONE + ONE_FUNCTION + section(5, b"\x01\x03\x01\x01") + START + code()),
    ("memory64", "memory64|64-bit",
     HEADER + TYPE_NONE + ONE_FUNCTION + section(5, b"\x01\x04\x01") + START + code()),
    ("multi-memory", "multi-memory|multiple memories|memory",
     HEADER + TYPE_NONE + ONE_FUNCTION + section(5, b"\x02\0\x01\0\x01") + START + code()),
    ("exceptions", "exception|tag",
     HEADER + TYPE_NONE + ONE_FUNCTION + MEMORY + section(13, b"\x01\0\0") + START + code()),
    ("tail calls", "tail",
     HEADER + TYPE_NONE + section(3, b"\x02\0\0") + MEMORY + START +
     section(10, b"\x02\x04\0\x12\x01\x0b\x02\0\x0b")),
    ("garbage collection", "gc|garbage|struct",
     HEADER + section(1, b"\x02\x60\0\0\x5f\x01\x7f\0") + ONE_FUNCTION + MEMORY + START + code()),
]


@claim("a module that needs a proposal which is not supported is refused, and the proposal named")
def _(weft):
    for name, words, module in PROPOSALS:
        path = write(weft, f"needs_{name.replace(' ', '_')}.wasm", module)
        result = weft.raw("run", path)
        if result.code != 0:
            shown = result.err.replace(str(path), "")
            result.expect_error(LOAD_ERROR, "needs_")
            if not any(word in shown.lower() for word in words.split("|")):
                result.fail(f"expected the message to name the proposal: {words}")


# Imports from elsewhere than WASI preview 1, and what the message says of them.
ELSEWHERE = [
    ("env", "__syscall_openat", "STANDALONE_WASM"),
    ("a", "b", "Emscripten.*wasm32-wasip1"),
    ("GOT.mem", "__heap_base", "dynamic linking; link it as a command"),
    ("wasi:cli/environment@0.2.0", "get-environment", "preview 2.*wasm32-wasip1"),
    ("wasi", "thread-spawn", "wasi-threads.*wasm32-wasip1"),
    ("wasix_32v1", "proc_fork", "WASIX.*wasm32-wasip1"),
    ("wasi_snapshot_preview1", "sock_open", "functions of wasi_snapshot_preview1"),
    ("wasi_ephemeral_nn", "load", "wasi-nn is a proposal"),
    ("gojs", "runtime.wasmExit", "GOOS=wasip1"),
    ("wbg", "__wbg_log", "wasm-bindgen.*wasm32-wasip1"),
    ("./web_bg.js", "__wbg_log", "wasm-bindgen.*wasm32-wasip1"),
    ("emnapi", "napi_create_object", "Node.js"),
    ("rb-js-abi-host", "rb_wasm_throw", "without the gem js"),
    ("extism:host/env", "alloc", "Extism"),
    ("acme:tools/math", "add", "component model.*wasm32-wasip1"),
    ("nobody", "knows", "weft offers the functions of wasi_snapshot_preview1"),
]


def module_importing(module, name):
    names = b"".join(bytes([len(text)]) + text for text in (module.encode(), name.encode()))
    return HEADER + TYPE_NONE + section(2, b"\x01" + names + b"\0\0") + ONE_FUNCTION + MEMORY + \
        section(7, b"\x01\x06_start\0\x01") + code()


@claim("a module that imports from elsewhere is refused in one line that says what to do instead")
def _(weft):
    for module, name, says in ELSEWHERE:
        result = weft.raw("run", write(weft, "elsewhere.wasm", module_importing(module, name)))
        result.expect_error(LOAD_ERROR, r'elsewhere\.wasm: unknown import "', says)
        assert result.err.count("\n") == 1, result.err


@claim("what can't be run is refused at once, however large it is", "speed")
def _(weft):
    size = 60_000_000
    leb = bytes([size >> shift & 127 | (128 if shift < 21 else 0) for shift in (0, 7, 14, 21)])
    rest = b"\0" + leb + b"\x01x" + bytes(size - 2)
    for start in [module_importing("env", "f"), COMPONENT, PROPOSALS[-1][2]]:
        module = write(weft, "large.wasm", start + rest)
        before = time.process_time()
        module.read_bytes()
        reading = time.process_time() - before
        result = weft.raw("run", module)
        result.expect_error(LOAD_ERROR, r"large\.wasm")
        # It takes two or three times what mere reading does.
        assert result.cpu_seconds < max(0.3, 10 * reading), (result.cpu_seconds, reading)


@claim("a module of 60 MB loads in seconds, on jit and auto, and hears SIGINT meanwhile", "speed")
def _(weft):
    body = b"\x41\x01\x1a" * 200
    each = bytes([(len(body) + 2) & 127 | 128, (len(body) + 2) >> 7]) + b"\0" + body + b"\x0b"
    first = b"\x07\0\x03\x40\x0c\0\x0b\x0b"  # It loops.
    count = 100_000
    number = bytes([count & 127 | 128, count >> 7 & 127 | 128, count >> 14])
    types = number + bytes(count)
    codes = number + first + each * (count - 1)

    def large(kind, payload):
        length = len(payload)
        return bytes([kind] + [length >> shift & 127 | (128 if shift < 28 else 0)
                               for shift in (0, 7, 14, 21, 28)]) + payload
    path = write(weft, "endless.wasm",
                 HEADER + TYPE_NONE + large(3, types) + MEMORY + START + large(10, codes))
    for engine in ["jit", "auto"]:
        weft.run(f"--engine={engine}", "--stats", "--deadline", "10ms", path).expect(
            code=TRAP, err_has="deadline exceeded").expect_seconds(below=20)
        for wait in [0.02, 0.1, 0.3]:
            with weft.start(f"--engine={engine}", path) as run:
                time.sleep(wait)
                run.process.send_signal(signal.SIGINT)
                run.finish().expect(code=130, out="").expect_seconds(below=20)


@claim("an unknown import is named with its module")
def _(weft):
    weft.run("wat_bad_import").expect_error(
        LOAD_ERROR, r"wat_bad_import\.wasm", r"\benv\b", r"\bnope\b")
    weft.run("wat_bad_wasi_name").expect_error(
        LOAD_ERROR, "wasi_snapshot_preview1", r"\bfd_levitate\b")
    weft.run("wat_bad_import_memory").expect_error(LOAD_ERROR, r"\benv\b", r"\bmemory\b")


@claim("an import of a WASI function with another type is named")
def _(weft):
    weft.run("wat_wrong_sig").expect_error(LOAD_ERROR, r"\bfd_write\b", "type|signature")


@claim("a module without _start is refused")
def _(weft):
    weft.run("wat_nostart").expect_error(LOAD_ERROR, r"wat_nostart\.wasm", "_start")
    weft.run("wat_start_params").expect_error(LOAD_ERROR, "_start")


@claim("one module that cannot be loaded among several: none of them runs")
def _(weft):
    weft.run("c_hello", ":::", "wat_bad_import").expect_error(LOAD_ERROR, "nope")


# Each: the guest, the kind of its trap, the function it happens in.
TRAPS = [
    ("wat_trap", "divide by zero", "divide_by"),
    ("wat_trap_indirect", "indirect call", "call_mismatch"),
    ("wat_trap_table", "undefined|out of bounds", "call_beyond"),
    ("c_trap_div", "divide by zero", "divide"),
    ("c_trap_oob", "out of bounds", "read_at"),
    ("c_trap_unreachable", "unreachable", "give_up"),
    ("wat_recursion", "stack (overflow|exhausted)", "forever"),
    ("wat_recursion_indirect", "stack (overflow|exhausted)", "forever"),
]


@claim("a trap is reported with its kind, its guest and the function's name, and ends with 134")
def _(weft):
    for guest, kind, function in TRAPS:
        weft.run(guest).expect(
            code=TRAP, err_has=[rf"^weft: .*{guest}\.wasm.*trap", kind, rf"\b{function}\b"])


@claim("output before a trap is not lost")
def _(weft):
    weft.run("c_trap_div").expect(code=TRAP, out="before the trap\n")


@claim("a C guest whose stack overflows traps; weft goes on")
def _(weft):
    weft.run("c_stack_overflow").expect(
        code=TRAP, err_has=[r"^weft: .*trap", "out of bounds|stack"])


@claim("a trap in the start function or in a data segment is reported as such")
def _(weft):
    weft.run("wat_start_traps").expect(
        code=(LOAD_ERROR, TRAP), out="",
        err_has=[r"^weft: .*wat_start_traps", "unreachable", "at_start"])
    weft.run("wat_segment_traps").expect(
        code=(LOAD_ERROR, TRAP), out="",
        err_has=[r"^weft: .*wat_segment_traps", "out of bounds|segment"])


@claim("a guest that grows beyond its --memory is refused by memory.grow and goes on")
def _(weft):
    weft.run("--memory", "128", "c_oom").expect(
        code=0, out="memory refused after at most 65536 pages\n", err="")


@claim("a module that declares more memory than it may have: an error that says so")
def _(weft):
    weft.run("wat_big_memory").expect_error((LOAD_ERROR, TRAP), r"wat_big_memory\.wasm", "memory")


@claim("more memory allowed than the machine has: refused, or a clear end of that guest", "malloc")
def _(weft):
    result = weft.run("--memory", "4096", "c_oom", address_space=2 * GIB)
    if result.code == 0:
        result.expect(out="memory refused after at most 65536 pages\n")
    else:
        result.expect(code=(LOAD_ERROR, TRAP), err_has=["^weft: ", "memory"])
    weft.run("--memory", "4096", "wat_big_memory", address_space=2 * GIB).expect_error(
        (LOAD_ERROR, TRAP), r"wat_big_memory\.wasm", "memory")


@claim("a host that refuses descriptors or processes is exit code 71, not wrong use", "descriptors")
def _(weft):
    hello = weft.guest("c_hello")
    weft.raw("test", "--jobs", 64, hello, descriptors=40).expect(
        code=HOST_REFUSES, err_has="^weft: test: no pipe: Too many open files")
    weft.run("-n", 100, "--dir", "/tmp", "c_hello", descriptors=40).expect(
        code=HOST_REFUSES, err_has="^weft: .*Too many open files")


@claim("a host that refuses address space for the guests' stacks is exit code 71", "malloc")
def _(weft):
    weft.run("--engine=aot", "--stack", 1 << 20, "-n", 4, "c_hello", address_space=2 * GIB).expect(
        code=HOST_REFUSES, out="", err_has="^weft: .*no address space for another .* of stacks")


@claim("a hundred damaged modules end with a message or as guests do, never in a crash")
def _(weft):
    generator = random.Random(20260101)
    whole = weft.guest("wat_bad_pointer").read_bytes()
    for _ in range(100):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 4)):
            damaged[generator.randrange(8, len(damaged))] = generator.randrange(256)
        weft.raw("run", write(weft, "damaged.wasm", bytes(damaged)))
