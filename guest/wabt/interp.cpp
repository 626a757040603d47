// SPDX-License-Identifier: Apache-2.0
// The engine `interp`: what guest/wabt/interp_core.h executes, bound to WASI and to the scheduler.
//
// An instance runs on its G in slices of kInstructionsPerSlice. Between two slices its stacks are
// measured and given room, and the G passes a safe point: there it may be preempted or killed. A
// WASI call runs on the G's own stack inside the interpreter's call of a host function; when it
// parks, the interpreter is suspended with the rest of that stack.
//
// Leaving a guest early (proc_exit, kill) starts as a C++ exception in the WASI function. It must
// not pass the interpreter's frames, so call() remembers it and lets the interpreter trap;
// end_by_trap() turns that back.
#include "guest/wabt/interp.h"

#include <poll.h>

#include <algorithm>
#include <new>
#include <optional>

#include "guest/aot/linear_memory.h"
#include "guest/child_work.h"
#include "guest/command.h"
#include "guest/fuel.h"
#include "guest/go/steering.h"
#include "guest/leaving.h"
#include "guest/turn.h"
#include "guest/wabt/big_stack.h"
#include "guest/wabt/interp_core.h"
#include "guest/wabt/wabt_ir.h"
#include "os/wasip1/functions.h"
#include "os/wasip1/long_call.h"
#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"
#include "scheduler/api.h"

namespace weft {
namespace {

using interp_core::Step;

constexpr int kInstructionsPerSlice = 1'000;
constexpr Duration kSliceTimeMax = milliseconds(1);
constexpr std::size_t kTrapFramesMax = 32;

const GuestEnd kReturned{
    .kind = GuestEnd::Kind::exited, .exit_code = 0, .returned = true, .trap = {}};

struct TrapText {
  std::string_view prefix;
  TrapKind kind;
};

// How libwabt's messages begin.
constexpr TrapText kTrapTexts[] = {
    {"unreachable", TrapKind::unreachable},
    {"out of bounds memory", TrapKind::memory_out_of_bounds},
    {"out of bounds table", TrapKind::table_out_of_bounds},
    {"integer divide by zero", TrapKind::divide_by_zero},
    {"integer overflow", TrapKind::integer_overflow},
    {"invalid conversion", TrapKind::bad_conversion},
    {"undefined table index", TrapKind::bad_indirect_call},
    {"uninitialized table element", TrapKind::bad_indirect_call},
    {"indirect call signature mismatch", TrapKind::bad_indirect_call},
    {"call stack exhausted", TrapKind::stack_overflow},
    {"uncaught exception", TrapKind::uncaught_exception},
};

TrapKind kind_of(std::string_view message) {
  for (const TrapText& text : kTrapTexts) {
    if (message.starts_with(text.prefix)) return text.kind;
  }
  return TrapKind::other;
}

class InterpModule final : public Module, public std::enable_shared_from_this<InterpModule> {
 public:
  using Module::Module;

  Status decode(std::span<const std::byte> binary);
  [[nodiscard]] const char* engine() const override { return "interp"; }
  [[nodiscard]] interp_core::TellEntries told() const;
  std::unique_ptr<Instance> instantiate(wasip1::Process& process) override;

  // Of a function's index in the code, which the import of the fuel points may have moved.
  [[nodiscard]] std::uint32_t original(std::uint32_t function) const {
    return counts() && function > imports.size() ? function - 1 : function;
  }
  [[nodiscard]] std::uint32_t in_code(std::uint32_t function) const {
    return counts() && function >= imports.size() ? function + 1 : function;
  }
  // Does the code have fuel points? Only where there is a limit of fuel, or where its safe points
  // must be those of the other engines; slices preempt it.
  [[nodiscard]] bool counts() const { return limits.fuel != 0 || limits.quantum != 0; }

  std::vector<Import> imports;
  std::shared_ptr<interp_core::Code> code;
  std::shared_ptr<MemoryPool> memories;
};

class InterpInstance final : public Instance, private interp_core::Host {
 public:
  InterpInstance(std::shared_ptr<const InterpModule> module, wasip1::Process& process)
      : module_(std::move(module)),
        process_(process),
        run_(interp_core::Run::make(module_->code, *this)) {}
  ~InterpInstance() override {
    run_.reset();
    if (place_.data == nullptr) return;
    if (made_) MemoryPool::release(place_, memory_bytes());
    module_->memories->give_back(place_, memory_bytes());
  }

  GuestEnd start() override;
  GuestEnd call(const ExportInfo& function, std::span<std::uint64_t> values) override;
  void steer(guest::go::Steering* steering) override {
    steering_ = steering;
    if (steering_ != nullptr) steering_->see(&memory_bytes_seen_);
  }
  [[nodiscard]] const TrapReport& killed_at() const override { return killed_at_; }
  [[nodiscard]] std::optional<Computing> computing() const override;

 private:
  bool call(std::uint32_t import, const std::uint64_t* args, std::uint8_t* memory,
            std::uint64_t memory_bytes, std::uint64_t* result) noexcept override;
  bool grow(std::uint32_t pages, std::uint32_t* result) noexcept override;
  bool take_elements(std::uint32_t elements) noexcept override;
  bool turn() noexcept override;
  bool refill(std::uint32_t left, std::uint64_t* next);
  void entered(std::uint32_t entry, std::uint32_t sp, std::uint32_t g) noexcept override;
  bool take_memory();
  void show_memory();
  [[nodiscard]] wasip1::Memory memory() const {
    return wasip1::Memory({reinterpret_cast<std::byte*>(place_.data), memory_bytes()});
  }
  [[nodiscard]] std::size_t memory_bytes() const {
    return std::size_t{memory_pages_} * kWasmPageBytes;
  }
  std::optional<GuestEnd> make();
  std::optional<GuestEnd> call_guest(std::uint32_t function, const std::uint64_t* values = nullptr);
  bool within_limits();
  void safe_point();
  GuestEnd end_by_trap();
  GuestEnd end_by(TrapKind kind, std::string detail = {});

  std::shared_ptr<const InterpModule> module_;
  wasip1::Process& process_;
  std::unique_ptr<interp_core::Run> run_;
  bool made_ = false;  // Before its start function.
  Leaving leaving_;    // Noted while the interpreter believes in a trap.
  TrapReport killed_at_;
  Turn turn_;
  bool at_safe_point_ = false;
  guest::go::Steering* steering_ = nullptr;
  MemoryPlace place_;
  std::uint32_t memory_pages_ = 0;
  std::span<std::byte> memory_bytes_seen_;
};

// --- running ---

GuestEnd InterpInstance::start() {
  return make().value_or(kReturned);
}

GuestEnd InterpInstance::call(const ExportInfo& function, std::span<std::uint64_t> values) {
  leaving_ = {};
  if (auto end = call_guest(module_->in_code(function.index), values.data())) return *end;
  run_->take_results(values.data());
  return kReturned;
}

// Makes the instance and runs its start function. Returns how the guest ended, if it did.
std::optional<GuestEnd> InterpInstance::make() {
  const ModuleInfo& info = module_->info;
  Budgets& budgets = process_.budgets();
  if (!budgets.table_elements.take(info.table_elements_initial) || !take_memory()) {
    return end_by(TrapKind::out_of_memory);
  }
  begin_fuel(budgets.fuel);
  switch (run_->instantiate()) {
    case Step::trapped:
      return end_by_trap();
    case Step::out_of_memory:
      return end_by(TrapKind::out_of_memory);
    case Step::ran:
    case Step::returned:
      break;
  }
  made_ = true;
  if (const std::int64_t start = module_->code->start_function(); start >= 0) {
    return call_guest(static_cast<std::uint32_t>(start));
  }
  return std::nullopt;
}

// The memory that the module begins with.
bool InterpInstance::take_memory() {
  const ModuleInfo& info = module_->info;
  if (!info.has_memory) return true;
  const std::size_t bytes = std::size_t{info.memory_pages_initial} * kWasmPageBytes;
  if (!process_.budgets().memory_bytes.take(bytes)) return false;
  if (!module_->memories->take(bytes, false, place_)) return false;
  memory_pages_ = info.memory_pages_initial;
  show_memory();
  return true;
}

// Where it is now, to those who read it.
void InterpInstance::show_memory() {
  run_->set_memory(place_.data, memory_pages_);
  memory_bytes_seen_ = {reinterpret_cast<std::byte*>(place_.data), memory_bytes()};
}

bool InterpInstance::grow(std::uint32_t pages, std::uint32_t* result) noexcept {
  *result = UINT32_MAX;
  if (pages > module_->code->memory_pages_max() - memory_pages_) return true;
  Budget& budget = process_.budgets().memory_bytes;
  const std::size_t old_bytes = memory_bytes();
  const std::size_t more = std::size_t{pages} * kWasmPageBytes;
  if (!budget.take(more)) return true;
  const auto step = [this] { return turn(); };
  if (!module_->memories->grow(place_, old_bytes, old_bytes + more, step)) {
    budget.give_back(more);
    return leaving_.why == Leaving::Why::no;
  }
  *result = memory_pages_;
  memory_pages_ += pages;
  show_memory();
  return true;
}

// Where safe points are counted there is none here.
bool InterpInstance::turn() noexcept {
  if (module_->limits.quantum != 0) return true;
  return runs_through(leaving_, [this] { safe_point(); });
}

void InterpInstance::entered(std::uint32_t entry, std::uint32_t sp, std::uint32_t g) noexcept {
  if (steering_ == nullptr) return;
  steering_->entered(static_cast<guest::go::Entry>(entry), sp, g, memory());
}

bool InterpInstance::take_elements(std::uint32_t elements) noexcept {
  return process_.budgets().table_elements.take(elements);
}

void InterpInstance::safe_point() {
  try {
    at_safe_point_ = true;
    const Duration ran = turn_.safe_point();
    at_safe_point_ = false;
    if (steering_ != nullptr) steering_->ran(ran, memory());
  } catch (const Killed&) {
    at_safe_point_ = false;
    killed_at_ = end_by(TrapKind::out_of_time).trap;  // Of the function, not of an instruction.
    killed_at_.kind = TrapKind::other;
    throw;
  }
}

std::optional<Computing> InterpInstance::computing() const {
  if (!at_safe_point_) return {};
  const std::vector<std::uint32_t> innermost = run_->call_stack(1);
  if (innermost.empty()) return {};
  return Computing{module_->original(innermost.front()), run_->global32(guest::go::kGlobalSp)};
}

// Returns how the guest ended, or nothing when the function just returned.
std::optional<GuestEnd> InterpInstance::call_guest(std::uint32_t function,
                                                   const std::uint64_t* values) {
  // One instruction may push all locals of a function: where there are many, the slices are short.
  const auto locals = static_cast<int>(module_->info.locals_of_one_function_max);
  const int slice = std::clamp(262'144 / (locals + 1), 16, kInstructionsPerSlice);
  int instructions = slice;
  for (Step step = run_->begin(function, values);; step = run_->run(instructions)) {
    switch (step) {
      case Step::ran:
        break;
      case Step::returned:
        return std::nullopt;
      case Step::trapped:
        return end_by_trap();
      case Step::out_of_memory:
        return end_by(TrapKind::out_of_memory);
    }
    if (!within_limits()) return end_by(TrapKind::stack_overflow);
    run_->make_room(kInstructionsPerSlice);
    // One that fills memory takes as long as thousands of others: then the slices get shorter.
    bool late = false;
    if (module_->limits.quantum == 0) {
      safe_point();
      late = turn_.longest() > kSliceTimeMax;
    }
    instructions = late ? std::max(instructions / 8, 1) : std::min(instructions * 2, slice);
  }
}

// Throws like a WASI function.
bool InterpInstance::refill(std::uint32_t left, std::uint64_t* next) {
  *next = next_quantum(process_.budgets().fuel, left, module_->limits);
  if (*next == 0) {
    leaving_ = {.why = Leaving::Why::out_of_fuel};
    return false;
  }
  safe_point();
  return true;
}

bool InterpInstance::within_limits() {
  return run_->call_depth() <= module_->limits.calls_max() &&
         run_->values() <= module_->limits.values_max();
}

bool InterpInstance::call(std::uint32_t import, const std::uint64_t* args, std::uint8_t* memory,
                          std::uint64_t memory_bytes, std::uint64_t* result) noexcept {
  bool goes_on = true;
  const bool ran = runs_through(leaving_, [&] {
    if (import == module_->imports.size()) {
      goes_on = refill(static_cast<std::uint32_t>(args[0]), result);
      return;
    }
    const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(memory), memory_bytes);
    const Import& called = module_->imports[import];
    *result = called.call(process_, wasip1::Memory(bytes), args);
    // There may be many calls in a slice, and a disk's time is no CPU time: no tick comes.
    if (module_->limits.quantum != 0) return;
    if (this_g().requests.load() != 0 || called.waited_for_disk(process_, args)) safe_point();
  });
  return ran && goes_on;
}

GuestEnd InterpInstance::end_by_trap() {
  switch (leaving_.why) {
    case Leaving::Why::exited:
      return leaving_.exit();
    case Leaving::Why::killed:
      killed_at_ = end_by(TrapKind::out_of_time).trap;
      killed_at_.kind = TrapKind::other;
      throw Killed{};
    case Leaving::Why::out_of_output:
    case Leaving::Why::out_of_fuel:
    case Leaving::Why::out_of_memory:
      return end_by(leaving_.trap());
    case Leaving::Why::host_function:
      return end_by(leaving_.trap(), leaving_.host_said);
    case Leaving::Why::no:
      break;
  }
  const std::string& message = run_->trap_message();
  return end_by(kind_of(message), message);
}

GuestEnd InterpInstance::end_by(TrapKind kind, std::string detail) {
  GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .returned = false, .trap = {}};
  end.trap.kind = kind;
  if (kind == TrapKind::bad_indirect_call || kind == TrapKind::host_function) {
    end.trap.detail = std::move(detail);
  }
  const std::vector<std::uint32_t> functions = run_->call_stack(kTrapFramesMax);
  for (const std::uint32_t function : functions) {
    end.trap.frames.push_back(module_->info.describe_function(module_->original(function)));
  }
  if (functions.empty()) return end;
  const std::uint32_t innermost = module_->original(functions.front());
  end.trap.offset = is_of_function(kind)
                        ? module_->info.code_offset(innermost)
                        : module_->info.trap_in_function(innermost, run_->trapped_at());
  wasip1::WorkToFinish turns;
  LinesStep step;  // Where safe points are counted nobody may run meanwhile.
  if (module_->limits.quantum == 0) step = [&turns] { turns.give_way(); };
  end.trap.source = module_->info.source_line(end.trap.offset, step);
  return end;
}

// --- loading ---

// libwabt is recursive in the nesting of blocks, each of which has three bytes at least. So much
// stack is enough for each byte of a module.
constexpr std::size_t kStackPerByte = 1'024;
constexpr std::size_t kStackHere = std::size_t{64} << 20;

Result<std::string> add_fuel_points_here(std::span<const std::byte> binary,
                                         std::size_t stack_bytes) {
  std::string error;
  std::vector<std::uint8_t> out;
  on_big_stack(stack_bytes,
               [&] { error = wabt_ir::add_fuel_points({binary.data(), binary.size()}, &out); });
  if (!error.empty()) return Error{std::move(error)};
  return std::string(out.begin(), out.end());
}

// In a child, when the stack that is certainly there might be too small.
Result<std::string> add_fuel_points(std::span<const std::byte> binary) {
  if (binary.size() * kStackPerByte <= kStackHere) return add_fuel_points_here(binary, kStackHere);
  constexpr std::size_t kMemoryPerByte = 512;
  constexpr int kLookMs = 1;
  return in_child({.what = "putting fuel points into it",
                   .bytes_max = (std::size_t{512} << 20) + binary.size() * kMemoryPerByte,
                   .wait = [] { ::poll(nullptr, 0, kLookMs); }},
                  [&](ChildSide&) { return add_fuel_points_here(binary, kTranslatorStackBytes); });
}

Status InterpModule::decode(std::span<const std::byte> binary) {
  std::vector<interp_core::ImportType> types;
  types.reserve(imports.size());
  for (const Import& import : imports) {
    types.push_back({std::string(import.params()), std::string(import.results())});
  }
  std::string error;
  std::string with_fuel_points;
  if (counts()) {
    Result<std::string> made = add_fuel_points(binary);
    if (!made) return made.error();
    with_fuel_points = std::move(*made);
    binary = std::as_bytes(std::span(with_fuel_points));
    types.push_back({"i", "i"});
  }
  code = interp_core::Code::load(name, binary.data(), binary.size(),
                                 {limits.memory_pages_max, limits.table_elements_max}, types,
                                 told(), &error);
  if (code == nullptr) return Error{error};
  return Nothing{};
}

interp_core::TellEntries InterpModule::told() const {
  interp_core::TellEntries told;
  if (go == nullptr) return told;
  told.sp_global = guest::go::kGlobalSp;
  told.g_global = guest::go::kGlobalG;
  for (const guest::go::EntryPoint& point : go->entries) {
    told.functions.push_back({in_code(point.function), static_cast<std::uint32_t>(point.entry)});
  }
  return told;
}

std::unique_ptr<Instance> InterpModule::instantiate(wasip1::Process& process) {
  return std::make_unique<InterpInstance>(shared_from_this(), process);
}

class Interp final : public Engine {
 public:
  Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                       const GuestLimits& limits, Role role) override {
    auto admitted = admit(binary, limits, role, CodeScan::now, offered());
    if (!admitted) return admitted.error();
    if (Status known = check_libwabt_knows(admitted->info, "interp"); !known) return known.error();
    auto module =
        std::make_shared<InterpModule>(std::move(name), std::move(admitted->info), limits);
    module->imports = std::move(admitted->imports);
    module->go = std::move(admitted->go);
    module->go_refused = std::move(admitted->go_refused);
    module->memories = memories_;
    if (Status status = module->decode(binary); !status) return status.error();
    return std::shared_ptr<Module>(std::move(module));
  }

 private:
  const std::shared_ptr<MemoryPool> memories_ = std::make_shared<MemoryPool>();
};

}  // namespace

std::unique_ptr<Engine> make_interp() {
  return std::make_unique<Interp>();
}

}  // namespace weft
