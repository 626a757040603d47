// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "guest/go/each_prologue.h"
#include "guest/go/steering.h"

namespace weft::guest::go {
namespace {

struct Told {
  std::string_view function;
  Entry entry;
};

// Every program has these.
constexpr Told kTold[] = {
    {"runtime.execute", Entry::execute},
    {"runtime.morestack", Entry::morestack},
    {"runtime.goschedImpl", Entry::gosched},
};
// Programs that use iter.Pull, or a select of several cases, have it.
constexpr Told kToldOfCoroutines = {"runtime.coroswitch_m", Entry::coroswitch};
constexpr Told kToldOfSelects = {"runtime.sellock", Entry::sellock};
constexpr Told kToldInVirtualTime[] = {
    {"runtime.findRunnable", Entry::find_runnable},
    {"runtime.runqget", Entry::runqget},
    {"main.main", Entry::main},
};

// What goroutines do to each other, by name; a program has those that it uses. A lock that is free
// is taken by an atomic operation in its caller, and given back likewise.
struct Visible {
  std::string_view function;
  std::string_view operation;  // In the words of Go's dumps, or by the name that a program calls.
};
constexpr Visible kVisible[] = {
    {"runtime.chanrecv", "chan receive"},
    {"runtime.chansend", "chan send"},
    {"runtime.closechan", "close"},
    {"runtime.newproc", "go"},
    {"runtime.selectgo", "select"},
    {"sync.(*Cond).Broadcast", "sync.(*Cond).Broadcast"},
    {"sync.(*Cond).Signal", "sync.(*Cond).Signal"},
    {"sync.(*Cond).Wait", "sync.(*Cond).Wait"},
    {"sync.(*Mutex).Lock", "sync.(*Mutex).Lock"},
    {"sync.(*Mutex).TryLock", "sync.(*Mutex).TryLock"},
    {"sync.(*Mutex).Unlock", "sync.(*Mutex).Unlock"},
    {"sync.(*Once).Do", "sync.(*Once).Do"},
    {"sync.(*RWMutex).Lock", "sync.(*RWMutex).Lock"},
    {"sync.(*RWMutex).RLock", "sync.(*RWMutex).RLock"},
    {"sync.(*RWMutex).RUnlock", "sync.(*RWMutex).RUnlock"},
    {"sync.(*RWMutex).Unlock", "sync.(*RWMutex).Unlock"},
    {"sync.(*WaitGroup).Add", "sync.(*WaitGroup).Add"},
    {"sync.(*WaitGroup).Wait", "sync.(*WaitGroup).Wait"},
    {"time.Sleep", "time.Sleep"},
};
constexpr std::string_view kAtomic = "sync/atomic.";

// The number of kVisible behind the last is that of all functions of sync/atomic.
constexpr Entry visible(std::size_t number) {
  return static_cast<Entry>(static_cast<std::size_t>(Entry::visible) + number);
}

std::optional<Entry> visible_of(std::string_view name) {
  if (name.starts_with(kAtomic)) return visible(std::size(kVisible));
  const auto* const at = std::lower_bound(
      std::begin(kVisible), std::end(kVisible), name,
      [](const Visible& one, std::string_view than) { return one.function < than; });
  if (at == std::end(kVisible) || at->function != name) return {};
  return visible(static_cast<std::size_t>(at - std::begin(kVisible)));
}

// The globals that an entry tells: SP and g.
bool has_globals(const wasm::ModuleView& module) {
  return module.imported_globals == 0 && module.globals.size() > kGlobalG &&
         module.globals[kGlobalSp].type.type == wasm::ValType::i32 &&
         module.globals[kGlobalG].type.type == wasm::ValType::i64;
}

// As all functions that Go's compiler makes: PC_B in, and whether to unwind out.
bool is_go_function(const wasm::ModuleView& module, std::uint32_t function) {
  const wasm::FuncType& type = module.type_of_function(function);
  return function >= module.imported_functions && type.params.size() == 1 &&
         type.params[0] == wasm::ValType::i32;
}

void add_visible(const wasm::ModuleView& module, GoModule& made) {
  for (std::uint32_t i = module.imported_functions; i < module.functions(); ++i) {
    if (!is_go_function(module, i)) continue;
    if (const auto entry = visible_of(made.runtime.name(i))) made.entries.push_back({i, *entry});
  }
}

// Those of the runtime's functions that tell for another reason are left out.
void add_prologues(GoModule& made, std::span<const Told> told) {
  const GoRuntime& runtime = made.runtime;
  for (std::uint32_t defined = 0; defined < runtime.preemptible.size(); ++defined) {
    const std::uint32_t function = runtime.imports + defined;
    const auto is_it = [&](const Told& one) { return one.function == runtime.name(function); };
    if (!runtime.preemptible[defined] || std::any_of(told.begin(), told.end(), is_it)) continue;
    made.entries.push_back({function, kPrologue});
  }
}

}  // namespace

std::uint32_t gets_thread(Entry entry, std::uint32_t sp, wasip1::Memory memory, const Offsets& at) {
  if (entry != Entry::execute && entry != Entry::coroswitch) return 0;
  // Pointers of the guest's are 64 bits wide, of which the upper half is zero.
  const auto pointer = [&memory](std::uint32_t where) {
    std::uint64_t value = 0;
    (void)memory.load(where, value);
    return static_cast<std::uint32_t>(value);
  };
  const std::uint32_t gp = pointer(sp + kArguments);
  return entry == Entry::execute ? gp : pointer(pointer(gp + at.g_coroarg) + at.coro_gp);
}

bool is_select(Entry entry) {
  return visible_of("runtime.selectgo") == entry;
}

std::string_view operation_of(Entry entry) {
  const std::size_t number =
      static_cast<std::size_t>(entry) - static_cast<std::size_t>(Entry::visible);
  return number < std::size(kVisible) ? kVisible[number].operation : "sync/atomic";
}

Result<std::shared_ptr<const GoModule>> GoModule::of(const wasm::ModuleView& module, Time time) {
  auto runtime = recognise(module);
  if (!runtime) return runtime.error();
  if (!*runtime) return std::shared_ptr<const GoModule>();
  auto made = std::make_shared<GoModule>();
  made->runtime = std::move(**runtime);
  if (!has_globals(module)) return Error{"its globals are not those of Go's runtime"};
  std::vector<Told> told(std::begin(kTold), std::end(kTold));
  if (made->runtime.function(kToldOfCoroutines.function)) told.push_back(kToldOfCoroutines);
  if (time == Time::virtual_time) {
    told.insert(told.end(), std::begin(kToldInVirtualTime), std::end(kToldInVirtualTime));
    if (made->runtime.function(kToldOfSelects.function)) told.push_back(kToldOfSelects);
    add_visible(module, *made);
  } else if (prologues_to_give_way() != 0) {
    add_prologues(*made, told);
  }
  for (const Told& one : told) {
    const auto function = made->runtime.function(one.function);
    if (!function || !is_go_function(module, *function)) {
      return Error{"it has no function " + std::string(one.function)};
    }
    made->entries.push_back({*function, one.entry});
  }
  std::sort(made->entries.begin(), made->entries.end(),
            [](const EntryPoint& a, const EntryPoint& b) { return a.function < b.function; });
  return std::shared_ptr<const GoModule>(std::move(made));
}

}  // namespace weft::guest::go
