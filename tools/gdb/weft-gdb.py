# SPDX-License-Identifier: Apache-2.0
"""gdb commands that know green threads, in a live process and in a core file:

    info weft-gs     a line for each G: its number, state, wait reason and name; * runs
    weft-bt N        where the G of this number stopped: its backtrace

and a frame filter, by which also gdb's own backtrace has the names of guests' functions, on the
engines jit and aot. `source weft-gdb.py`, or let gdb find it: meson installs it for libweft and for
the command. x86-64.

No debug information is needed. weft tells where its fields are (weft_debug_gs in
scheduler/debugger_view.cpp), and which modules' code is in the process (weft_debug_code in
guest/code_view.h). A function's name is read from the section "name" of its module.

A G that is parked left its registers on its own stack (Boost.Context's frame). An unwinder makes
them the caller of the innermost frame for the time of one backtrace, so nothing is written and a
core file will do. Frames of machine code that jit made are found by rbp, and gdb reads the frames
of aot from the shared object's file.
"""

import bisect
import collections
import contextlib
import functools
import os
import re
import struct

import gdb
from gdb.FrameDecorator import FrameDecorator
from gdb.unwinder import Unwinder

VERSION = 1
WORD = 8
FRAMES_MAX = 200
NAME_MAX = 200
# jump_fcontext's frame on x86-64: what it saved, in this order, from the context on. Before them
# stand the floating point control words, and since Boost 1.80 a word for the stack protector.
SAVED = ["r12", "r13", "r14", "r15", "rbx", "rbp", "rip"]
KEPT = ["rbx", "r12", "r13", "r14", "r15"]
JIT, AOT = 1, 2
# push rbp; mov rbp, rsp
PROLOGUE = b"\x55\x48\x89\xe5"


# --- memory ---

def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def word(address):
    return struct.unpack("<Q", read(address, WORD))[0]


def words(address, count):
    return struct.unpack(f"<{count}Q", read(address, WORD * count))


def text_at(address, size=4096):
    """Up to the zero at its end. In pieces: what is behind it may not be readable."""
    text = b""
    while b"\0" not in text and len(text) < size:
        text += read(address + len(text), 1)
    return text.split(b"\0")[0].decode(errors="replace")


def printable(text):
    """A guest chose it: on a terminal it must not be a command."""
    return "".join(c if c.isprintable() else "?" for c in text[:NAME_MAX])


def in_c(ask):
    """What gdb reads as C or not at all, also where another language is set. Frames are unwound by
    this, so commands are given only where they are needed."""
    try:
        return ask()
    except gdb.error:
        before = gdb.parameter("language")
        gdb.execute("set language c", to_string=True)
        try:
            return ask()
        finally:
            gdb.execute(f"set language {before}", to_string=True)


def address_of(symbol):
    """Of one of weft's variables; 0: there is none."""
    try:
        return int(in_c(lambda: gdb.parse_and_eval(f"(unsigned long)&{symbol}")))
    except gdb.error:
        return 0


@functools.cache
def unsigned_long():
    return in_c(lambda: gdb.lookup_type("unsigned long"))


def header(symbol, magic):
    address = address_of(symbol)
    if not address:
        return 0
    if read(address, WORD) != magic:
        raise gdb.GdbError(f"{symbol} is not filled yet: the program has not begun")
    version = word(address + WORD)
    if version != VERSION:
        raise gdb.GdbError(f"this script reads version {VERSION} of {symbol}, and the program has "
                           f"version {version}: take the script of that weft")
    return address


# --- Gs ---

GS_FIELDS = """states state_count wait_reasons wait_reason_count schedulers_max pools ring head tail
    mask entry_bytes entry_g entry_context slabs made gs_per_slab g_bytes g_context g_stack
    g_at_rest g_wait_reason g_id g_name g_name_bytes stack_m stack_current_m m_current_g""".split()


class Layout:
    """Where weft's fields are."""

    def __init__(self):
        address = header("weft_debug_gs", b"weft-gs\0")
        if not address:
            raise gdb.GdbError("no weft is in this program, or one that is too old: it lacks the "
                               "symbol weft_debug_gs")
        if word(address + 2 * WORD) < 3 + len(GS_FIELDS):
            raise gdb.GdbError("weft_debug_gs lacks fields that this script reads: take the script "
                               "of the program's weft, which is older")
        for name, value in zip(GS_FIELDS, words(address + 3 * WORD, len(GS_FIELDS))):
            setattr(self, name, value)
        self.state_names = [text_at(at) for at in words(self.states, self.state_count)]
        self.reason_names = [text_at(at) for at in words(self.wait_reasons, self.wait_reason_count)]

    def schedulers(self):
        """(its address, the thread that made it) of each."""
        seats = address_of("weft_debug_schedulers")
        for at in range(seats, seats + 2 * WORD * self.schedulers_max, 2 * WORD):
            scheduler, thread = words(at, 2)
            if scheduler:
                yield scheduler, thread

    def scheduler(self):
        """That of the selected thread."""
        there = list(self.schedulers())
        if len(there) > 1:
            here = int(gdb.selected_frame().read_register("fs_base"))
            there = [item for item in there if item[1] == here] or there
        if len(there) != 1:
            raise gdb.GdbError(f"{len(there) or 'no'} schedulers of weft run"
                               + (", none or several of them made by the selected thread: "
                                  "select another by `thread N`" if there else ""))
        return there[0][0]


class G:
    def __init__(self, layout, address, record):
        def field(offset):
            return struct.unpack_from("<Q", record, offset)[0]

        self.layout = layout
        self.address = address
        self.id = field(layout.g_id)
        self.stopped_at = field(layout.g_context)
        self.stack = field(layout.g_stack)
        name = record[layout.g_name:layout.g_name + layout.g_name_bytes]
        self.name = printable(name.split(b"\0")[0].decode(errors="replace"))
        self.state = layout.state_names[record[layout.g_at_rest]]
        self.reason = ""
        if self.state == "waiting":
            self.reason = layout.reason_names[record[layout.g_wait_reason]]
        elif self.state == "runnable" and self.runs():
            self.state = "running"

    def runs(self):
        if not self.stack:
            return False
        if word(self.stack + self.layout.stack_m):
            return True
        current_m = word(word(self.stack + self.layout.stack_current_m))
        return word(current_m + self.layout.m_current_g) == self.address

    def context(self, scheduler):
        """Where it stopped; 0: it has not run yet."""
        if self.state == "waiting":
            return self.stopped_at
        layout = self.layout
        ring, head = word(scheduler + layout.ring), word(scheduler + layout.head)
        tail, mask = word(scheduler + layout.tail), word(scheduler + layout.mask)
        for at in range(head, tail, layout.entry_bytes):
            entry = ring + (at & mask)
            if word(entry + layout.entry_g) == self.address:
                return word(entry + layout.entry_context)
        return 0


def all_gs(layout, scheduler):
    begin, end = words(scheduler + layout.pools, 2)
    for pool in words(begin, (end - begin) // WORD):
        made = word(pool + layout.made)
        slabs = word(pool + layout.slabs)
        for first in range(0, made, layout.gs_per_slab):
            count = min(layout.gs_per_slab, made - first)
            slab = word(slabs + first // layout.gs_per_slab * WORD)
            memory = read(slab, count * layout.g_bytes)
            for at in range(0, len(memory), layout.g_bytes):
                g = G(layout, slab + at, memory[at:at + layout.g_bytes])
                if g.state not in ("idle", "dead"):
                    yield g


# --- guests' code ---

class Wasm:
    """What a module calls its functions."""

    def __init__(self, binary):
        self.binary = binary
        self.names = {}
        self.exports = {}
        with contextlib.suppress(IndexError):  # What was read until there.
            self.read_sections()

    def number(self, at):
        value = 0
        for shift in range(0, 64, 7):
            byte = self.binary[at]
            at += 1
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                return value, at
        raise IndexError

    def string(self, at):
        size, at = self.number(at)
        return self.binary[at:at + size].decode(errors="replace"), at + size

    def read_sections(self):
        at = 8
        while at < len(self.binary):
            kind = self.binary[at]
            size, at = self.number(at + 1)
            if kind == 0:
                name, inside = self.string(at)
                if name == "name":
                    self.read_names(inside, at + size)
            elif kind == 7:
                self.read_exports(at)
            at += size

    def read_names(self, at, end):
        while at < min(end, len(self.binary)):
            kind = self.binary[at]
            size, at = self.number(at + 1)
            if kind == 1:
                count, inside = self.number(at)
                for _ in range(count):
                    index, inside = self.number(inside)
                    self.names[index], inside = self.string(inside)
            at += size

    def read_exports(self, at):
        count, at = self.number(at)
        for _ in range(count):
            name, at = self.string(at)
            kind = self.binary[at]
            index, at = self.number(at + 1)
            if kind == 0:
                self.exports.setdefault(index, name)

    def name(self, index):
        name = self.names.get(index) or self.exports.get(index)
        return printable(name) if name else f"function {index}"


class Code:
    """The code of one module: guest/code_view.h."""

    def __init__(self, address):
        (self.next, _, self.engine, self.module, self.module_bytes, file, self.base, self.begin,
         code_bytes, self.functions, self.count, self.enter, self.enter_bytes, self.stubs,
         self.stubs_bytes, self.exit_address) = words(address, 16)
        self.end = self.begin + code_bytes
        self.file = text_at(file) if file else ""
        self.wasm = None

    @functools.cached_property
    def by_address(self):
        """(where its code begins, which function) of each. Many modules are never asked."""
        entries = words(self.functions, 2 * self.count) if self.engine == JIT and self.count else ()
        return sorted(zip(entries[::2], range(self.count)))

    def name_of(self, index):
        if self.wasm is None:
            self.wasm = Wasm(read(self.module, self.module_bytes))
        return self.wasm.name(index)

    def last_before(self, place):
        """(where its code begins, which function) of the function that begins last before this."""
        at = bisect.bisect_right(self.by_address, (place, self.count))
        return self.by_address[at - 1] if at else (0, 0)


def quoted(file):
    """As one word of a command."""
    return re.sub(r"[\s\\'\"]", r"\\\g<0>", file)


class Guests:
    """All guests' code, read when the program has stopped."""

    def __init__(self):
        self.modules = None
        self.added = {}  # Objects by where they are loaded: what gdb has of them, a file or "".

    def forget(self, *_):
        self.modules = None

    def end(self, *_):
        self.forget()
        for file in filter(None, self.added.values()):
            with contextlib.suppress(gdb.error):  # gdb did so itself.
                gdb.execute(f"remove-symbol-file {quoted(file)}", to_string=True)
        self.added.clear()

    def all(self):
        if self.modules is None:
            self.modules = []
            address = header("weft_debug_code", b"weft-co\0")
            at = word(address + 2 * WORD) if address else 0
            seen = set()  # Memory that is broken may lead in a circle.
            while at and at not in seen:
                seen.add(at)
                self.modules.append(Code(at))
                at = self.modules[-1].next
        return self.modules

    def made_by_jit(self, place):
        """The modules whose engine made the code there: one of them has it."""
        return [code for code in self.all()
                if code.engine == JIT and code.begin <= place < code.end]

    def of_jit(self, place):
        return next(iter(self.made_by_jit(place)), None)

    def tell_gdb_of_objects(self):
        """Those of aot are loaded as /proc/PID/fd/N, which in a core file is no file any more."""
        known = {os.path.realpath(file) for _, _, file in code_sections()}
        for code in self.all():
            if (code.engine != AOT or code.base in self.added or not code.base
                    or os.path.realpath(code.file) in known):
                continue
            self.added[code.base] = ""
            if not os.path.exists(code.file) or "\n" in code.file:
                print(f"weft: {printable(code.file)} is gone: its functions have no names here")
                continue
            try:
                gdb.execute(f"add-symbol-file {quoted(code.file)} -o {code.base}", to_string=True)
                self.added[code.base] = code.file
            except gdb.error as error:
                print(f"weft: functions of a module have no names here: {error}")

    def function_of(self, place, symbol):
        """What the guest calls the function of a frame; None: it is not a guest's."""
        made = self.made_by_jit(place)
        if made:
            begin, index, code = max(((*code.last_before(place), code) for code in made),
                                     key=lambda found: found[0])
            return code.name_of(index) if begin else None
        compiled = re.fullmatch(r"w2c_(?:guest_)?f(\d+)", symbol or "")
        if compiled:
            loaded = [code for code in self.all() if code.engine == AOT and code.base <= place]
            if loaded:
                return max(loaded, key=lambda code: code.base).name_of(int(compiled[1]))
        return None


GUESTS = Guests()
for event in (gdb.events.stop, gdb.events.cont, gdb.events.new_objfile):
    event.connect(GUESTS.forget)
gdb.events.exited.connect(GUESTS.end)


def guests_stub(place):
    """The engine's stub there: "enter", "leave", or None."""
    code = GUESTS.of_jit(place)
    if code is None:
        return None
    if code.enter <= place < code.enter + code.enter_bytes:
        return "enter"
    return "leave" if code.stubs <= place < code.stubs + code.stubs_bytes else None


def name_of(frame):
    symbol = frame.name()
    try:
        stub = guests_stub(frame.pc())
        if stub:
            return f"weft_{stub}_guest"
        # A return address may be that of the next function.
        inside = frame.pc() - (1 if frame.level() > 0 else 0)
        return GUESTS.function_of(inside, symbol) or symbol
    except (gdb.error, gdb.GdbError):
        return symbol


class GuestsFrame(FrameDecorator):
    def __init__(self, base):
        super().__init__(base)
        self.base = base

    def function(self):
        frame = self.inferior_frame()
        name = name_of(frame)
        return self.base.function() if name is None or name == frame.name() else name


class GuestsFilter:
    """Names guests' functions in gdb's backtraces, and ends those of Gs at their bottom."""

    def __init__(self):
        self.name = "weft guests"
        self.priority = 100
        self.enabled = True
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        for frame in frames:
            if frame.inferior_frame().name() == "make_fcontext":
                return  # The bottom of a G's stack.
            yield GuestsFrame(frame)


# --- unwinding ---

# What names a frame to gdb, before it had a class for that.
FrameId = collections.namedtuple("FrameId", "sp pc")


def long(value):
    return gdb.Value(value & 0xffff_ffff_ffff_ffff).cast(unsigned_long())


class JitFrame(Unwinder):
    """Code that jit made has no tables: rbp leads from frame to frame."""

    def __init__(self):
        super().__init__("weft jit")
        self.busy = False

    def __call__(self, pending):
        if self.busy:
            return None
        self.busy = True  # To read a symbol may ask for frames.
        try:
            return self.unwound(pending)
        except (gdb.error, gdb.GdbError):
            return None
        finally:
            self.busy = False

    def unwound(self, pending):
        place = int(pending.read_register("rip"))
        code = GUESTS.of_jit(place)
        if code is None:
            return None
        stack, frame = int(pending.read_register("rsp")), int(pending.read_register("rbp"))
        stub = guests_stub(place)
        if stub == "leave":
            unwind = pending.create_unwind_info(FrameId(long(stack), long(place)))
            context = int(pending.read_register("r15"))
            caller = {"rip": word(context + code.exit_address), "rbp": frame, "rsp": stack + WORD}
        else:
            begin = max(module.last_before(place)[0] for module in GUESTS.made_by_jit(place))
            done = PROLOGUE.find(read(place, 1)) if place - begin < len(PROLOGUE) else -1
            if stub is None and done >= 0 and read(begin, len(PROLOGUE)) == PROLOGUE:
                # Its frame is not made yet.
                at = stack if place == begin else stack + WORD
                caller = {"rip": word(at), "rsp": at + WORD,
                          "rbp": frame if place == begin else word(stack)}
            else:
                at = frame + WORD
                caller = {"rip": word(at), "rbp": word(frame), "rsp": at + WORD}
            unwind = pending.create_unwind_info(FrameId(long(at + WORD), long(begin or place)))
        for i, name in enumerate(KEPT):
            kept = word(frame - WORD * (i + 1)) if stub == "enter" else pending.read_register(name)
            unwind.add_saved_register(name, long(int(kept)))
        for register, value in caller.items():
            unwind.add_saved_register(register, long(value))
        return unwind


class ParkedFrame(Unwinder):
    """Makes a parked G the caller of the innermost frame, while `saved` says where it is."""

    def __init__(self):
        super().__init__("weft parked G")
        self.saved = 0
        self.innermost = 0

    def __call__(self, pending):
        stack = int(pending.read_register("rsp"))
        if not self.saved or stack != self.innermost:
            return None
        # gdb ends a backtrace at a caller whose stack is below that of the frame it called. The
        # stack of a G may lie anywhere: so this frame is said to be below all.
        frame = FrameId(long(WORD), pending.read_register("rip"))
        info = pending.create_unwind_info(frame)
        for i, register in enumerate(SAVED):
            info.add_saved_register(register, long(word(self.saved + WORD * i)))
        info.add_saved_register("rsp", long(self.saved + WORD * len(SAVED)))
        return info


PARKED = ParkedFrame()
gdb.unwinder.register_unwinder(None, JitFrame(), replace=True)
gdb.unwinder.register_unwinder(None, PARKED, replace=True)


def code_sections():
    """(begin, end, file) where the program and its libraries have code."""
    listed = gdb.execute("info files", to_string=True)
    return [(int(begin, 16), int(end, 16), file) for begin, end, file in
            re.findall(r"(0x[0-9a-f]+) - (0x[0-9a-f]+) is \.text(?: in (.*))?", listed)]


def saved_at(context):
    """Where the first register of a frame of jump_fcontext lies."""
    sections = code_sections()
    for head in (2 * WORD, WORD):
        place = word(context + head + WORD * SAVED.index("rip"))
        if any(begin <= place < end for begin, end, _ in sections):
            return context + head
    raise gdb.GdbError("where this G stopped there is no frame of Boost.Context")


def parked_frames(context):
    """The frames of a G that stopped there, innermost first, as words."""
    gdb.newest_frame().select()
    PARKED.innermost = int(gdb.newest_frame().read_register("rsp"))
    PARKED.saved = saved_at(context)
    gdb.invalidate_cached_frames()
    try:
        frame = gdb.newest_frame().older()
        while frame is not None and frame.level() <= FRAMES_MAX and frame.name() != "make_fcontext":
            place = frame.find_sal()
            where = f" at {place.symtab.filename}:{place.line}" if place.symtab else ""
            yield f"0x{frame.pc():016x} in {name_of(frame) or '??'} (){where}"
            frame = frame.older()
    finally:
        PARKED.saved = 0
        gdb.invalidate_cached_frames()


# --- commands ---

class InfoGs(gdb.Command):
    """List the green threads of the selected thread's weft: * is the one that runs."""

    def __init__(self):
        super().__init__("info weft-gs", gdb.COMMAND_STATUS)

    def invoke(self, _arguments, _from_tty):
        layout = Layout()
        for g in sorted(all_gs(layout, layout.scheduler()), key=lambda g: g.id):
            mark = "*" if g.state == "running" else " "
            what = f"{g.state} ({g.reason})" if g.reason else g.state
            print(f"{mark} {g.id:>6}  {what:<32}  {g.name}")


class Backtrace(gdb.Command):
    """Print the backtrace of a green thread: weft-bt N, a number of `info weft-gs`."""

    def __init__(self):
        super().__init__("weft-bt", gdb.COMMAND_STACK)

    def invoke(self, argument, _from_tty):
        if not argument.strip().isdigit():
            raise gdb.GdbError("weft-bt wants the number of a G, as info weft-gs shows it")
        layout = Layout()
        scheduler = layout.scheduler()
        wanted = [g for g in all_gs(layout, scheduler) if g.id == int(argument)]
        if not wanted:
            raise gdb.GdbError(f"there is no G {argument.strip()}")
        GUESTS.tell_gdb_of_objects()
        if wanted[0].state == "running":
            # As a string: gdb 16 crashes otherwise when a command within a command asks the filter.
            print(gdb.execute("backtrace", to_string=True), end="")
            return
        context = wanted[0].context(scheduler)
        if not context:
            raise gdb.GdbError(f"G {wanted[0].id} has not run yet")
        for number, text in enumerate(parked_frames(context)):
            print(f"#{number:<3} {text}")


GuestsFilter()
InfoGs()
Backtrace()
