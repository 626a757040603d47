// The engine `interp`: what guest/interp_core.h executes, bound to WASI and to the scheduler.
//
// An instance runs on its G in slices of kInstructionsPerSlice. Between two slices its stacks are
// measured and given room, and the G passes a safe point: there it may be preempted or killed. A
// WASI call runs on the G's own stack inside the interpreter's call of a host function; when it
// parks, the interpreter is suspended with the rest of that stack.
//
// Leaving a guest early (proc_exit, kill) starts as a C++ exception in the WASI function. It must
// not pass the interpreter's frames, so call() remembers it and lets the interpreter trap;
// end_by_trap() turns that back.
#include "guest/interp.h"

#include <algorithm>
#include <new>
#include <optional>

#include "base/printable.h"
#include "guest/interp_core.h"
#include "os/wasip1/functions.h"
#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"
#include "scheduler/api.h"

namespace weft {
namespace {

using interp_core::Step;

constexpr int kInstructionsPerSlice = 1'000;
constexpr std::size_t kTrapFramesMax = 32;

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
};

TrapKind kind_of(std::string_view message) {
  for (const TrapText& text : kTrapTexts) {
    if (message.starts_with(text.prefix)) return text.kind;
  }
  return TrapKind::other;
}

class InterpModule final : public Module, public std::enable_shared_from_this<InterpModule> {
 public:
  InterpModule(std::string file, ModuleInfo about, const GuestLimits& guest_limits)
      : Module(std::move(file), std::move(about)), limits(guest_limits) {}

  Status bind_imports();
  Status decode(std::span<const std::byte> binary);
  std::unique_ptr<Instance> instantiate(wasip1::Process& process) override;

  const GuestLimits limits;
  std::vector<const wasip1::Function*> imports;
  std::shared_ptr<interp_core::Code> code;
};

class InterpInstance final : public Instance, private interp_core::Host {
 public:
  InterpInstance(std::shared_ptr<const InterpModule> module, wasip1::Process& process)
      : module_(std::move(module)),
        process_(process),
        run_(interp_core::Run::make(module_->code, *this)) {}

  GuestEnd run() override;

 private:
  // Why a WASI function wants to leave the guest, while the interpreter believes in a trap.
  enum class Leaving : std::uint8_t { no, exited, killed, out_of_memory };

  bool call(std::uint32_t import, const std::uint64_t* args, std::uint8_t* memory,
            std::uint64_t memory_bytes, std::uint32_t* result) noexcept override;
  std::optional<GuestEnd> call_guest(std::uint32_t function);
  bool within_limits();
  GuestEnd end_by_trap();
  GuestEnd end_by(TrapKind kind, std::string detail = {});

  std::shared_ptr<const InterpModule> module_;
  wasip1::Process& process_;
  std::unique_ptr<interp_core::Run> run_;
  Leaving leaving_ = Leaving::no;
  std::uint32_t exit_code_ = 0;
};

// --- running ---

GuestEnd InterpInstance::run() {
  switch (run_->instantiate()) {
    case Step::trapped:
      return end_by_trap();
    case Step::out_of_memory:
      return end_by(TrapKind::out_of_memory);
    case Step::ran:
    case Step::returned:
      break;
  }
  if (const std::int64_t start = module_->code->start_function(); start >= 0) {
    if (auto end = call_guest(static_cast<std::uint32_t>(start))) return *end;
  }
  if (auto end = call_guest(module_->info.find_export("_start")->index)) return *end;
  return {};
}

// Returns how the guest ended, or nothing when the function just returned.
std::optional<GuestEnd> InterpInstance::call_guest(std::uint32_t function) {
  // One instruction may push all locals of a function: where there are many, the slices are short.
  const auto locals = static_cast<int>(module_->info.locals_of_one_function_max);
  const int slice = std::clamp(262'144 / (locals + 1), 16, kInstructionsPerSlice);
  for (Step step = run_->begin(function);; step = run_->run(slice)) {
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
    checkpoint();
  }
}

bool InterpInstance::within_limits() {
  return run_->call_depth() <= module_->limits.call_depth_max &&
         run_->values() <= module_->limits.values_max;
}

bool InterpInstance::call(std::uint32_t import, const std::uint64_t* args, std::uint8_t* memory,
                          std::uint64_t memory_bytes, std::uint32_t* result) noexcept {
  try {
    const std::span<std::byte> bytes(reinterpret_cast<std::byte*>(memory), memory_bytes);
    *result = module_->imports[import]->call(process_, wasip1::Memory(bytes), args);
    return true;
  } catch (const wasip1::Exit& exit) {
    leaving_ = Leaving::exited;
    exit_code_ = exit.code;
  } catch (const Killed&) {
    leaving_ = Leaving::killed;
  } catch (const std::bad_alloc&) {
    leaving_ = Leaving::out_of_memory;
  }
  return false;
}

GuestEnd InterpInstance::end_by_trap() {
  switch (leaving_) {
    case Leaving::exited:
      return {.kind = GuestEnd::Kind::exited, .exit_code = exit_code_, .trap = {}};
    case Leaving::killed:
      throw Killed{};
    case Leaving::out_of_memory:
      return end_by(TrapKind::out_of_memory);
    case Leaving::no:
      break;
  }
  const std::string& message = run_->trap_message();
  return end_by(kind_of(message), message);
}

GuestEnd InterpInstance::end_by(TrapKind kind, std::string detail) {
  GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .trap = {}};
  end.trap.kind = kind;
  end.trap.detail = std::move(detail);
  for (const std::uint32_t function : run_->call_stack(kTrapFramesMax)) {
    end.trap.frames.push_back(module_->info.describe_function(function));
  }
  return end;
}

// --- loading ---

Status InterpModule::bind_imports() {
  for (const ImportInfo& import : info.imports) {
    const std::string full_name =
        "\"" + printable(import.module) + "\" \"" + printable(import.name) + "\"";
    const wasip1::Function* function =
        import.kind == ExternalKind::func ? wasip1::find(import.module, import.name) : nullptr;
    if (function == nullptr) {
      return Error{"unknown import " + full_name +
                   "; weft offers the functions of wasi_snapshot_preview1 and wasi_unstable"};
    }
    const std::string_view results = function->returns_errno ? "i" : "";
    const FuncTypeInfo* type = import.type < info.types.size() ? &info.types[import.type] : nullptr;
    if (type == nullptr || type->params != function->params || type->results != results) {
      return Error{"the import " + full_name + " has another type than WASI preview 1 gives it"};
    }
    imports.push_back(function);
  }
  return Nothing{};
}

Status InterpModule::decode(std::span<const std::byte> binary) {
  std::vector<interp_core::ImportType> types;
  for (const wasip1::Function* function : imports) {
    types.push_back({std::string(function->params), function->returns_errno ? "i" : ""});
  }
  std::string error;
  code = interp_core::Code::load(name, binary.data(), binary.size(),
                                 {limits.memory_pages_max, kTableElementsMax}, types, &error);
  if (code == nullptr) return Error{error};
  return Nothing{};
}

std::unique_ptr<Instance> InterpModule::instantiate(wasip1::Process& process) {
  return std::make_unique<InterpInstance>(shared_from_this(), process);
}

// Can this be run as a WASI command, within the limits?
Status check_command(const ModuleInfo& info, const GuestLimits& limits) {
  const ExportInfo* start = info.find_export("_start");
  if (start == nullptr || start->kind != ExternalKind::func) {
    return Error{info.find_export("_initialize") != nullptr
                     ? "the module is a WASI reactor (it exports _initialize, not _start); weft "
                       "runs commands"
                     : "the module exports no function _start; is it a WASI command?"};
  }
  const FuncTypeInfo* type = info.type_of_function(start->index);
  if (type == nullptr || !type->params.empty() || !type->results.empty()) {
    return Error{"_start must take no parameters and return nothing"};
  }
  if (info.memory_pages_initial > limits.memory_pages_max) {
    return Error{"the module asks for " + std::to_string((info.memory_pages_initial + 15) / 16) +
                 " MiB of memory at start; the limit is " +
                 std::to_string(limits.memory_pages_max / 16) + " MiB (--memory)"};
  }
  return Nothing{};
}

class Interp final : public Engine {
 public:
  Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                       const GuestLimits& limits) override {
    Result<ModuleInfo> info = scan_module(binary);
    if (!info) return info.error();
    auto module = std::make_shared<InterpModule>(std::move(name), std::move(*info), limits);
    if (Status status = module->bind_imports(); !status) return status.error();
    if (Status status = module->decode(binary); !status) return status.error();
    if (Status status = check_command(module->info, limits); !status) return status.error();
    return std::shared_ptr<Module>(std::move(module));
  }
};

}  // namespace

std::unique_ptr<Engine> make_interp() {
  return std::make_unique<Interp>();
}

}  // namespace weft
