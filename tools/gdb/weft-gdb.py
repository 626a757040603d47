# SPDX-License-Identifier: Apache-2.0
"""gdb commands that know green threads, in a live process and in a core file:

    info weft-gs     a line for each G: its number, state, wait reason and name; * runs
    weft-bt N        where the G of this number stopped: its backtrace

`source weft-gdb.py`, or let gdb find it: meson installs it for libweft and for the command. It
reads weft's own types, so the program (or libweft) needs debug information: meson's buildtypes
debug and debugoptimized have it. Functions of guests have names where gdb knows the code: that of
the engine jit tells gdb of itself.

A G that is parked left its registers on its own stack (Boost.Context's frame). An unwinder makes
them the caller of the innermost frame for the time of one backtrace, so nothing is written and a
core file will do.
"""

import gdb
from gdb.unwinder import Unwinder

# jump_fcontext's frame on x86-64: what it saved, in this order, from the context on. Before them
# stand the floating point control words, and since Boost 1.80 a word for the stack protector.
SAVED = ["r12", "r13", "r14", "r15", "rbx", "rbp", "rip"]
WORD = 8
GS_PER_SLAB = 8192
FRAMES_MAX = 200


def typed(name):
    try:
        return gdb.lookup_type(name)
    except gdb.error:
        raise gdb.GdbError(f"no debug information of {name}: build weft with it "
                           "(meson's --buildtype=debugoptimized)") from None


def pointers(value, name):
    """The pointer or pointers that a unique_ptr or a vector's first word is."""
    return value.address.cast(typed("void").pointer().pointer()).dereference().cast(
        typed(name).pointer())


def scheduler():
    """That of the selected thread."""
    kind = typed("weft::Scheduler")
    try:
        here = gdb.parse_and_eval("weft::scheduler_of_thread")
        if int(here):
            return here.dereference()
    except gdb.error:
        pass  # A core file, without the thread library's help.
    frame = gdb.newest_frame()
    while frame is not None:
        try:
            this = frame.read_var("this")
            if this.type.strip_typedefs().unqualified().target().unqualified() == kind:
                return this.dereference()
        except (ValueError, RuntimeError, gdb.error):
            pass
        frame = frame.older()
    raise gdb.GdbError("this thread runs no scheduler of weft")


def enum_word(value):
    return str(value).rsplit("::", maxsplit=1)[-1]


class G:
    def __init__(self, value):
        self.value = value
        self.id = int(value["id"])
        self.state = enum_word(value["at_rest_"])
        self.reason = enum_word(value["wait_reason"]) if self.state == "waiting" else ""
        self.name = value["name"].string(errors="replace")
        if self.state == "runnable" and self.runs():
            self.state = "running"

    def runs(self):
        stack = self.value["stack"]
        if not int(stack):
            return False
        if int(stack["m"]):
            return True
        current = stack["current_m"].referenced_value().dereference()["current_g"]
        return int(pointers(current, "weft::G")) == int(self.value.address)

    def context(self, runtime):
        """Where it stopped; 0: it runs, or has not run yet."""
        if self.state == "waiting":
            return int(self.value["context"])
        queue = runtime["run_queue_"]
        ring = pointers(queue["ring_"], "weft::RunQueue::Entry")
        step = typed("weft::RunQueue::Entry").sizeof
        for at in range(int(queue["head_"]), int(queue["tail_"]), step):
            entry = ring[(at & int(queue["mask_"])) // step]
            if int(entry["g"]) == int(self.value.address):
                return int(entry["context"])
        return 0


def all_gs(runtime):
    pools = runtime["pools_"]["_M_impl"]
    first = pools["_M_start"]
    for i in range(int(pools["_M_finish"] - first)):
        pool = pointers(first[i], "weft::GPool").dereference()
        slabs = pool["slabs_"]["_M_impl"]["_M_start"]
        for number in range(int(pool["made_"])):
            g = G(slabs[number // GS_PER_SLAB][number % GS_PER_SLAB])
            if g.state not in ("idle", "dead"):
                yield g


def word_at(address):
    return gdb.Value(address).cast(typed("unsigned long").pointer()).dereference()


def is_code(address):
    return "No symbol matches" not in gdb.execute(f"info symbol {int(address)}", to_string=True)


def saved_at(context):
    """Where the first register of a frame of jump_fcontext lies."""
    for head in (2 * WORD, WORD):
        if is_code(word_at(context + head + WORD * SAVED.index("rip"))):
            return context + head
    raise gdb.GdbError("where this G stopped there is no frame of Boost.Context")


class FrameId:
    """What names a frame to gdb, before it had a class for that."""

    def __init__(self, stack, place):
        self.sp = stack
        self.pc = place


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
        lowest = gdb.Value(WORD).cast(typed("unsigned long"))
        frame = FrameId(lowest, pending.read_register("rip"))
        info = pending.create_unwind_info(frame)
        for i, register in enumerate(SAVED):
            info.add_saved_register(register, word_at(self.saved + WORD * i))
        after = gdb.Value(self.saved + WORD * len(SAVED))
        info.add_saved_register("rsp", after.cast(typed("unsigned long")))
        return info


PARKED = ParkedFrame()
gdb.unwinder.register_unwinder(None, PARKED, replace=True)


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
            yield f"0x{frame.pc():016x} in {frame.name() or '??'} (){where}"
            frame = frame.older()
    finally:
        PARKED.saved = 0
        gdb.invalidate_cached_frames()


class InfoGs(gdb.Command):
    """List the green threads of the selected thread's weft: * is the one that runs."""

    def __init__(self):
        super().__init__("info weft-gs", gdb.COMMAND_STATUS)

    def invoke(self, _arguments, _from_tty):
        for g in sorted(all_gs(scheduler()), key=lambda g: g.id):
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
        runtime = scheduler()
        wanted = [g for g in all_gs(runtime) if g.id == int(argument)]
        if not wanted:
            raise gdb.GdbError(f"there is no G {argument.strip()}")
        if wanted[0].state == "running":
            gdb.execute("backtrace")
            return
        context = wanted[0].context(runtime)
        if not context:
            print(f"G {wanted[0].id} has not run yet")
            return
        for number, text in enumerate(parked_frames(context)):
            print(f"#{number:<3} {text}")


InfoGs()
Backtrace()
