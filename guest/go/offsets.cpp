// SPDX-License-Identifier: Apache-2.0
#include "guest/go/offsets.h"

#include <algorithm>
#include <utility>

#include "guest/go/code_trace.h"
#include "guest/wasm/byte_reader.h"

namespace weft::guest::go {
namespace {

using Kind = CodeEvent::Kind;

constexpr std::uint32_t kGGlobal = 2;

// Of programs that use iter.Pull.
constexpr std::string_view kCoroswitch = "runtime.coroswitch_m";

// Of the guest's memory and its structs: what lies beyond is no offset.
constexpr std::int64_t kStructBytesMax = 1 << 20;
constexpr std::int64_t kAddressMax = 0xffffffff;

// Thrown within this file only.
struct Mismatch {
  std::string what;
};

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

// A function of the runtime and its trace.
struct Traced {
  std::string name;
  CodeTrace code;
  NodeId g;
};

class Discovery {
 public:
  Discovery(const wasm::ModuleView& module, const DataImage& image, const Names& names,
            std::uint32_t g_stackguard0)
      : module_(module), image_(image), names_(names) {
    o().g_stackguard0 = g_stackguard0;
  }

  Discovered run() {
    morestack();
    mcall();
    systemstack();
    casgstatus();
    newproc1();
    gopark();
    goroutineheader();
    newstack();
    find_runnable();
    runqget();
    gosched();
    allgadd();
    if (names_.function(kCoroswitch)) coroswitch();
    channels();
    return std::move(found_);
  }

 private:
  void morestack();
  void mcall();
  void systemstack();
  void casgstatus();
  void newproc1();
  void gopark();
  void goroutineheader();
  void wait_reasons(const Traced& in);
  std::vector<std::string> strings_at(std::uint64_t table) const;
  void newstack();
  void find_runnable();
  void runqget();
  void gosched();
  void allgadd();
  void coroswitch();
  void channels();
  std::uint32_t queue_of(std::string_view function);

  // --- parts ---

  Traced trace(std::string_view name) const {
    const auto function = names_.function(name);
    if (!function || *function < module_.imported_functions) {
      throw Mismatch{"it has no function " + std::string(name)};
    }
    Traced traced{std::string(name), CodeTrace(module_, *function), 0};
    traced.g = traced.code.global(kGGlobal);
    return traced;
  }

  bool calls(const CodeEvent& event, std::string_view name) const {
    return event.kind == Kind::call && event.function != UINT32_MAX &&
           names_.name(event.function) == name;
  }
  // Of runtime/internal/atomic, which is internal/runtime/atomic since Go 1.23.
  bool calls_atomic(const CodeEvent& event, std::string_view operation) const {
    return calls(event, "internal/runtime/atomic." + std::string(operation)) ||
           calls(event, "runtime/internal/atomic." + std::string(operation));
  }
  static std::optional<NodeId> argument(const CodeEvent& call, std::int64_t offset) {
    const auto at = call.arguments.find(offset);
    if (at == call.arguments.end()) return {};
    return at->second;
  }

  [[noreturn]] static void fail(const Traced& in, const std::string& what) {
    throw Mismatch{in.name + " " + what};
  }
  static std::uint32_t offset_in_struct(const Traced& in, std::int64_t offset) {
    if (offset < 0 || offset > kStructBytesMax) fail(in, "has an offset that can't be one");
    return static_cast<std::uint32_t>(offset);
  }
  static std::uint32_t address(const Traced& in, std::int64_t value) {
    if (value <= 0 || value > kAddressMax) fail(in, "has an address that can't be one");
    return static_cast<std::uint32_t>(value);
  }
  static void check_same(const Traced& in, const char* what, std::uint32_t is, std::int64_t there) {
    if (there != is) {
      fail(in, "has " + std::string(what) + " at " + std::to_string(there) + ", others at " +
                   std::to_string(is));
    }
  }

  // The first event from `from` on that `is` true for; the end when there is none.
  template <class Is>
  static std::size_t find(const Traced& in, std::size_t from, Is is) {
    const auto& events = in.code.events();
    const auto begin = events.begin() + static_cast<std::ptrdiff_t>(from);
    return static_cast<std::size_t>(std::find_if(begin, events.end(), is) - events.begin());
  }
  template <class Is>
  static std::size_t find_or_fail(const Traced& in, std::size_t from, const char* otherwise,
                                  Is is) {
    const std::size_t at = find(in, from, is);
    if (at == in.code.events().size()) fail(in, otherwise);
    return at;
  }
  static bool loads(const CodeEvent& event, NodeId base, unsigned width) {
    return event.kind == Kind::load && event.place.base == base && event.width == width;
  }
  static bool stores(const CodeEvent& event, unsigned width) {
    return event.kind == Kind::store && event.width == width;
  }

  Offsets& o() { return found_.offsets; }
  NodeId m_of(Traced& in) { return in.code.load(in.g, o().g_m); }
  NodeId curg_of(Traced& in) { return in.code.load(m_of(in), o().m_curg); }
  std::int64_t load_before_call(Traced& in, NodeId base, std::string_view callee,
                                std::size_t& from);

  const wasm::ModuleView& module_;
  const DataImage& image_;
  const Names& names_;
  Discovered found_;
};

// The offset of the last load from `base` before the next call of `callee`; `from` goes behind it.
std::int64_t Discovery::load_before_call(Traced& in, NodeId base, std::string_view callee,
                                         std::size_t& from) {
  std::optional<std::int64_t> offset;
  const auto& events = in.code.events();
  for (; from < events.size(); ++from) {
    if (loads(events[from], base, 8)) offset = events[from].place.offset;
    if (!calls(events[from], callee)) continue;
    ++from;
    if (!offset) break;
    return *offset;
  }
  fail(in, "does not compare before it calls " + std::string(callee));
}

void Discovery::morestack() {
  Traced in = trace("runtime.morestack");
  const std::size_t first = find_or_fail(in, 0, "loads nothing from g",
                                         [&](const CodeEvent& e) { return loads(e, in.g, 8); });
  o().g_m = offset_in_struct(in, in.code.events()[first].place.offset);
  std::size_t at = first + 1;
  const NodeId m = m_of(in);
  o().m_g0 = offset_in_struct(in, load_before_call(in, m, "runtime.badmorestackg0", at));
  o().m_gsignal = offset_in_struct(in, load_before_call(in, m, "runtime.badmorestackgsignal", at));
  find_or_fail(in, at, "does not call runtime.newstack",
               [&](const CodeEvent& e) { return calls(e, "runtime.newstack"); });
}

void Discovery::mcall() {
  Traced in = trace("runtime.mcall");
  std::size_t at = 0;
  const std::int64_t g0 = load_before_call(in, m_of(in), "runtime.badmcall", at);
  check_same(in, "m.g0", o().m_g0, g0);
  // It saves where its caller goes on: the return address, and the stack pointer behind it.
  const NodeId pc = in.code.argument(-8);
  const Place sp{in.code.place(pc).base == pc ? in.code.node(pc).left : 0, 8};
  const std::size_t at_pc = find_or_fail(in, 0, "does not save the PC", [&](const CodeEvent& e) {
    return stores(e, 8) && e.place.base == in.g && e.value == pc;
  });
  const std::size_t at_sp = find_or_fail(in, 0, "does not save the SP", [&](const CodeEvent& e) {
    return stores(e, 8) && e.place.base == in.g && in.code.place(e.value) == sp;
  });
  o().g_sched_pc = offset_in_struct(in, in.code.events()[at_pc].place.offset);
  o().g_sched_sp = offset_in_struct(in, in.code.events()[at_sp].place.offset);
}

void Discovery::systemstack() {
  Traced in = trace("runtime.systemstack");
  std::size_t at = 0;
  const std::int64_t curg = load_before_call(in, m_of(in), "runtime.badsystemstack", at);
  o().m_curg = offset_in_struct(in, curg);
  if (o().m_curg == o().m_g0) fail(in, "compares g with m.g0 only");
}

void Discovery::casgstatus() {
  Traced in = trace("runtime.casgstatus");
  const NodeId gp = in.code.argument(0);
  const std::size_t at = find_or_fail(in, 0, "does not compare and swap", [&](const CodeEvent& e) {
    const auto where = argument(e, 0);
    return calls_atomic(e, "Cas") && where && in.code.place(*where).base == gp;
  });
  const NodeId status = *argument(in.code.events()[at], 0);
  o().g_status = offset_in_struct(in, in.code.place(status).offset);
}

void Discovery::newproc1() {
  Traced in = trace("runtime.newproc1");
  const NodeId fn = in.code.argument(0);
  const NodeId caller = in.code.argument(8);
  const NodeId pc = in.code.argument(16);
  const auto& events = in.code.events();
  const std::size_t at_gopc =
      find_or_fail(in, 0, "does not keep the PC of the go statement",
                   [&](const CodeEvent& e) { return stores(e, 8) && e.value == pc; });
  const NodeId newg = events[at_gopc].place.base;
  o().g_gopc = offset_in_struct(in, events[at_gopc].place.offset);
  const NodeId start = in.code.load(fn, 0);
  const std::size_t at_start = find_or_fail(
      in, at_gopc, "does not keep the goroutine's function",
      [&](const CodeEvent& e) { return stores(e, 8) && e.place.base == newg && e.value == start; });
  o().g_startpc = offset_in_struct(in, events[at_start].place.offset);
  const std::size_t at_parent =
      find_or_fail(in, 0, "does not keep the id of the creator", [&](const CodeEvent& e) {
        const Node& value = in.code.node(e.value);
        return stores(e, 8) && e.place.base == newg && value.kind == Node::Kind::load &&
               value.left == caller && value.width == 8;
      });
  if (at_parent > at_gopc) fail(in, "does not keep the id of the creator");
  o().g_parent_goid = offset_in_struct(in, events[at_parent].place.offset);
  o().g_goid = offset_in_struct(in, in.code.node(events[at_parent].value).value);
  find_or_fail(in, at_gopc, "gives the goroutine no id", [&](const CodeEvent& e) {
    return stores(e, 8) && e.place == Place{newg, o().g_goid};
  });
}

void Discovery::gopark() {
  Traced in = trace("runtime.gopark");
  const NodeId gp = curg_of(in);
  const NodeId reason = in.code.argument(16, 1);
  const std::size_t at = find_or_fail(in, 0, "stores no wait reason", [&](const CodeEvent& e) {
    return stores(e, 1) && e.place.base == gp && e.value == reason;
  });
  o().g_waitreason = offset_in_struct(in, in.code.events()[at].place.offset);
}

void Discovery::goroutineheader() {
  Traced in = trace("runtime.goroutineheader");
  const std::size_t at_text =
      find_or_fail(in, 0, "does not print \"goroutine \"", [&](const CodeEvent& e) {
        if (!calls(e, "runtime.printstring")) return false;
        const auto text = argument(e, 0);
        const auto start = text ? in.code.constant(*text) : std::nullopt;
        return start && image_.text(*start, 10) == "goroutine ";
      });
  const std::size_t at_id = find_or_fail(in, at_text, "prints no id", [&](const CodeEvent& e) {
    return calls(e, "runtime.printuint") || calls(e, "runtime.printint") ||
           calls(e, "runtime.printuint64") || calls(e, "runtime.printint64");
  });
  const auto id = argument(in.code.events()[at_id], 0);
  if (id != in.code.load(in.code.argument(0), o().g_goid)) fail(in, "prints another id");
  wait_reasons(in);
}

// Strings, each a pointer and a length: up to the first that is not valid, or that is empty and not
// the first one.
std::vector<std::string> Discovery::strings_at(std::uint64_t table) const {
  constexpr std::uint64_t kStringBytes = 16;
  constexpr std::uint64_t kStringsMax = 256;
  constexpr std::uint64_t kTextBytesMax = 100;
  std::vector<std::string> strings;
  for (std::uint64_t n = 0; n < kStringsMax; ++n) {
    const auto where = image_.u64(table + (kStringBytes * n));
    const auto bytes = image_.u64(table + (kStringBytes * n) + 8);
    if (!where || !bytes || *bytes > kTextBytesMax) break;
    const auto text = image_.text(*bytes == 0 ? image_.base() : *where, *bytes);
    if (!text || !std::all_of(text->begin(), text->end(), is_printable)) break;
    if (n > 0 && text->empty()) break;
    strings.emplace_back(*text);
  }
  return strings;
}

// waitReasonStrings[gp.waitreason]: of the tables of strings, the one that has them.
void Discovery::wait_reasons(const Traced& in) {
  for (const CodeEvent& event : in.code.events()) {
    if (event.kind != Kind::load || event.width != 8) continue;
    const Node& index = in.code.node(event.place.base);
    if (index.kind != Node::Kind::shifted || index.value != 4) continue;
    if (event.place.offset <= 0 || event.place.offset > kAddressMax) continue;
    auto strings = strings_at(static_cast<std::uint64_t>(event.place.offset));
    const bool has_them =
        !strings.empty() && strings.front().empty() &&
        std::find(strings.begin(), strings.end(), "chan receive") != strings.end();
    if (!has_them) continue;
    found_.wait_reasons = std::move(strings);
    return;
  }
  fail(in, "does not look up the wait reason");
}

void Discovery::newstack() {
  Traced in = trace("runtime.newstack");
  const NodeId gp = curg_of(in);
  const std::size_t at = find_or_fail(in, 0, "does not ask g.throwsplit",
                                      [&](const CodeEvent& e) { return loads(e, gp, 1); });
  o().g_throwsplit = offset_in_struct(in, in.code.events()[at].place.offset);
  find_or_fail(in, at, "does not throw", [&](const CodeEvent& e) {
    if (!calls(e, "runtime.throw")) return false;
    const auto text = argument(e, 0);
    const auto start = text ? in.code.constant(*text) : std::nullopt;
    return start && image_.text(*start, 32) == "runtime: stack split at bad time";
  });
  // It takes a poison away: g.stackguard0 = g.stack.lo + stackGuard.
  const NodeId stack_lo = in.code.load(gp, 0);
  find_or_fail(in, 0, "does not restore g.stackguard0", [&](const CodeEvent& e) {
    return stores(e, 8) && e.place == Place{gp, o().g_stackguard0} &&
           in.code.place(e.value).base == stack_lo;
  });
}

void Discovery::find_runnable() {
  Traced in = trace("runtime.findRunnable");
  const NodeId m = m_of(in);
  const std::size_t at =
      find_or_fail(in, 0, "does not call runtime.runqget with m.p", [&](const CodeEvent& e) {
        const auto p = argument(e, 0);
        if (!calls(e, "runtime.runqget") || !p) return false;
        const Node& node = in.code.node(*p);
        return node.kind == Node::Kind::load && node.width == 8 && node.left == m;
      });
  const NodeId p = *argument(in.code.events()[at], 0);
  o().m_p = offset_in_struct(in, in.code.node(p).value);
}

void Discovery::runqget() {
  Traced in = trace("runtime.runqget");
  const NodeId p = in.code.argument(0);
  const auto& events = in.code.events();
  const std::size_t next = find_or_fail(in, 0, "does not load p.runnext",
                                        [&](const CodeEvent& e) { return loads(e, p, 8); });
  o().p_runnext = offset_in_struct(in, events[next].place.offset);
  const std::size_t head =
      find_or_fail(in, next, "does not load p.runqhead", [&](const CodeEvent& e) {
        const auto where = argument(e, 0);
        return calls_atomic(e, "LoadAcq") && where && in.code.place(*where).base == p;
      });
  o().p_runqhead = offset_in_struct(in, in.code.place(*argument(events[head], 0)).offset);
  const std::size_t tail = find_or_fail(in, head, "does not load p.runqtail",
                                        [&](const CodeEvent& e) { return loads(e, p, 4); });
  o().p_runqtail = offset_in_struct(in, events[tail].place.offset);
  const auto index_in_ring = [&](const CodeEvent& e) -> const Node* {
    if (e.kind != Kind::load || e.width != 8) return nullptr;
    const Node& sum = in.code.node(e.place.base);
    if (sum.kind != Node::Kind::sum || sum.left != p) return nullptr;
    const Node& index = in.code.node(sum.right);
    return index.kind == Node::Kind::shifted && index.value == 3 ? &index : nullptr;
  };
  const std::size_t ring =
      find_or_fail(in, tail, "does not load from p.runq",
                   [&](const CodeEvent& e) { return index_in_ring(e) != nullptr; });
  o().p_runq = offset_in_struct(in, events[ring].place.offset);
  const Node& masked = in.code.node(index_in_ring(events[ring])->left);
  if (masked.kind != Node::Kind::bits) fail(in, "does not mask the index of p.runq");
  o().runq_mask = offset_in_struct(in, masked.value);
  if ((o().runq_mask & (o().runq_mask + 1)) != 0 || o().runq_mask == 0) {
    fail(in, "has a mask of p.runq that is not one less than a power of two");
  }
}

// lock(&sched.lock), then globrunqput: into sched.runq, at its tail.
void Discovery::gosched() {
  Traced in = trace("runtime.goschedImpl");
  const NodeId gp = in.code.argument(0);
  const auto& events = in.code.events();
  const std::size_t lock = find_or_fail(in, 0, "does not lock sched.lock", [&](const CodeEvent& e) {
    const auto where = argument(e, 0);
    return (calls(e, "runtime.lock2") || calls(e, "runtime.lock")) && where &&
           in.code.constant(*where);
  });
  o().sched_lock =
      address(in, static_cast<std::int64_t>(*in.code.constant(*argument(events[lock], 0))));
  const std::size_t link =
      find_or_fail(in, lock, "does not end the queue with its goroutine", [&](const CodeEvent& e) {
        return stores(e, 8) && e.place.base == gp && in.code.constant(e.value) == 0U;
      });
  o().g_schedlink = offset_in_struct(in, events[link].place.offset);
  const std::size_t tail =
      find_or_fail(in, link, "does not load sched.runq.tail",
                   [&](const CodeEvent& e) { return loads(e, CodeTrace::kNothing, 8); });
  o().sched_runq_tail = address(in, events[tail].place.offset);
  const auto stores_at = [&](std::int64_t where, unsigned width) {
    return [=](const CodeEvent& e) {
      return stores(e, width) && e.place == Place{CodeTrace::kNothing, where};
    };
  };
  const std::int64_t at = o().sched_runq_tail;
  find_or_fail(in, tail, "does not store sched.runq.head", stores_at(at - 8, 8));
  find_or_fail(in, tail, "does not store sched.runq.tail", stores_at(at, 8));
  find_or_fail(in, tail, "does not count sched.runq", stores_at(at + 8, 4));
  find_or_fail(in, tail, "does not link its goroutine", [&](const CodeEvent& e) {
    return stores(e, 8) && e.value == gp && e.place.offset == o().g_schedlink &&
           e.place.base == in.code.load(CodeTrace::kNothing, at);
  });
  o().sched_runq_head = o().sched_runq_tail - 8;
  o().sched_runq_size = o().sched_runq_tail + 8;
}

void Discovery::allgadd() {
  Traced in = trace("runtime.allgadd");
  // append: pointer, length and capacity are read, and written again.
  const auto touches = [&](std::size_t from, Kind kind, std::int64_t where) {
    return find(in, from, [&](const CodeEvent& e) {
             return e.kind == kind && e.width == 8 && e.place == Place{CodeTrace::kNothing, where};
           }) != in.code.events().size();
  };
  const std::size_t at = find_or_fail(in, 0, "does not append to allgs", [&](const CodeEvent& e) {
    const std::int64_t length = e.place.offset;
    return stores(e, 8) && e.place.base == CodeTrace::kNothing && length > 8 &&
           touches(0, Kind::load, length - 8) && touches(0, Kind::load, length) &&
           touches(0, Kind::load, length + 8);
  });
  o().allgs = address(in, in.code.events()[at].place.offset - 8);
  const NodeId gp = in.code.argument(0);
  find_or_fail(in, 0, "does not ask for the status", [&](const CodeEvent& e) {
    const auto where = argument(e, 0);
    if (!where) return false;
    return (calls_atomic(e, "Load") && in.code.place(*where) == Place{gp, o().g_status}) ||
           (calls(e, "runtime.readgstatus") && *where == gp);
  });
}

// c := gp.coroarg, which is set to nil; and the g in c is swapped with gp, by compare and swap.
void Discovery::coroswitch() {
  Traced in = trace(kCoroswitch);
  const NodeId gp = in.code.argument(0);
  const std::size_t nil =
      find_or_fail(in, 0, "does not take g.coroarg away", [&](const CodeEvent& e) {
        return stores(e, 8) && e.place.base == gp && in.code.constant(e.value) == 0U;
      });
  const std::int64_t coroarg = in.code.events()[nil].place.offset;
  const std::size_t loaded = find(in, 0, [&](const CodeEvent& e) {
    return e.kind == Kind::load && e.width == 8 && e.place == Place{gp, coroarg};
  });
  if (loaded > nil) fail(in, "does not load g.coroarg");
  o().g_coroarg = offset_in_struct(in, coroarg);
  const NodeId coro = in.code.load(gp, coroarg);
  const std::size_t swap = find_or_fail(in, nil, "does not swap coro.gp", [&](const CodeEvent& e) {
    const auto where = argument(e, 0);
    return calls_atomic(e, "Casuintptr") && where && in.code.place(*where).base == coro;
  });
  const Place place = in.code.place(*argument(in.code.events()[swap], 0));
  if (argument(in.code.events()[swap], 8) != in.code.load(coro, place.offset)) {
    fail(in, "does not load coro.gp");
  }
  o().coro_gp = offset_in_struct(in, place.offset);
}

// The queue of those who wait for the other end, of which the function serves one.
std::uint32_t Discovery::queue_of(std::string_view function) {
  Traced in = trace(function);
  const NodeId channel = in.code.argument(0);
  const std::size_t at = find_or_fail(in, 0, "serves nobody who waits", [&](const CodeEvent& e) {
    const auto queue = argument(e, 0);
    return calls(e, "runtime.(*waitq).dequeue") && queue && in.code.place(*queue).base == channel;
  });
  return offset_in_struct(in, in.code.place(*argument(in.code.events()[at], 0)).offset);
}

// Only how few decisions a select is worth depends on it: what is not found is not known.
void Discovery::channels() {
  const Offsets before = o();
  try {
    o().chan_recvq = queue_of("runtime.chansend");
    o().chan_sendq = queue_of("runtime.chanrecv");
    Traced make = trace("runtime.makechan");
    const NodeId size = make.code.argument(8);
    const std::size_t room =
        find_or_fail(make, 0, "does not keep the size",
                     [&](const CodeEvent& e) { return stores(e, 8) && e.value == size; });
    o().chan_dataqsiz = offset_in_struct(make, make.code.events()[room].place.offset);
    Traced send = trace("runtime.chansend");
    const NodeId channel = send.code.argument(0);
    const std::size_t served =
        find(send, 0, [&](const CodeEvent& e) { return calls(e, "runtime.(*waitq).dequeue"); });
    const std::size_t count =
        find_or_fail(send, served, "does not count what it holds", [&](const CodeEvent& e) {
          return loads(e, channel, 8) && e.place.offset != o().chan_dataqsiz;
        });
    o().chan_qcount = offset_in_struct(send, send.code.events()[count].place.offset);
    if (!names_.function("runtime.closechan")) return;
    Traced close = trace("runtime.closechan");
    const NodeId closed = close.code.argument(0);
    const std::size_t mark = find_or_fail(close, 0, "closes nothing", [&](const CodeEvent& e) {
      return stores(e, 4) && e.place.base == closed && close.code.constant(e.value) == 1U;
    });
    o().chan_closed = offset_in_struct(close, close.code.events()[mark].place.offset);
  } catch (const Mismatch&) {
    found_.offsets = before;
  }
}

}  // namespace

Result<Discovered> discover_offsets(const wasm::ModuleView& module, const DataImage& image,
                                    const Names& names, std::uint32_t g_stackguard0) try {
  return Discovery(module, image, names, g_stackguard0).run();
} catch (const Mismatch& mismatch) {
  return Error{mismatch.what};
} catch (const wasm::Refused& refused) {
  return Error{refused.what};
}

}  // namespace weft::guest::go
