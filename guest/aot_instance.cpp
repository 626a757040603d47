// Instances of compiled modules, and what their code calls: the functions of aot::Host.
//
// The compiled code gets an AotInstance's address as its `guest`. Where it gives none (memory,
// traps), the instance is the one that runs on this G.
#include "guest/aot_instance.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <string>

#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft {
namespace {

// How many checks a guest passes before the host is asked: some ten microseconds, so that the
// question costs nothing and a request to yield is soon heard.
constexpr std::uint32_t kQuantum = 16'384;

// The most that a memory may have: its size in bytes is 32 bits wide.
constexpr std::uint32_t kPagesMax = 65'535;

TrapKind kind_of(std::uint32_t trap) {
  switch (static_cast<aot::Trap>(trap)) {
    case aot::Trap::out_of_bounds:
      return TrapKind::memory_out_of_bounds;
    case aot::Trap::integer_overflow:
      return TrapKind::integer_overflow;
    case aot::Trap::divide_by_zero:
      return TrapKind::divide_by_zero;
    case aot::Trap::bad_conversion:
      return TrapKind::bad_conversion;
    case aot::Trap::unreachable:
      return TrapKind::unreachable;
    case aot::Trap::bad_indirect_call:
    case aot::Trap::no_element:
    case aot::Trap::null_element:
      return TrapKind::bad_indirect_call;
    case aot::Trap::exhaustion:
      return TrapKind::stack_overflow;
    case aot::Trap::table:
      return TrapKind::table_out_of_bounds;
    case aot::Trap::none:
    case aot::Trap::uncaught_exception:
      break;
  }
  return TrapKind::other;
}

// In the words of libwabt's interpreter.
const char* detail_of(std::uint32_t trap) {
  switch (static_cast<aot::Trap>(trap)) {
    case aot::Trap::bad_indirect_call:
      return "indirect call signature mismatch";
    case aot::Trap::no_element:
      return "undefined table index";
    case aot::Trap::null_element:
      return "uninitialized table element";
    default:
      return "";
  }
}

class AotInstance final : public Instance {
 public:
  AotInstance(std::shared_ptr<AotModule> module, wasip1::Process& process);
  ~AotInstance() override;
  AotInstance(const AotInstance&) = delete;
  AotInstance& operator=(const AotInstance&) = delete;

  GuestEnd run() override;

  // --- for the compiled code ---
  static AotInstance& current();
  [[noreturn]] void trap(TrapKind kind, std::uint32_t offset);
  std::uint32_t call(std::uint32_t import, const std::uint64_t* args);
  std::uint32_t check();
  void allocate(aot::Memory& memory, std::uint32_t pages, std::uint32_t max);
  std::uint32_t grow(aot::Memory& memory, std::uint32_t pages);
  [[nodiscard]] bool may_have_elements(std::uint32_t more);
  const char* trap_detail = "";

 private:
  enum class Leaving : std::uint8_t { trap, exited, killed, out_of_memory };

  static void run_guest(void* self);
  void place_changed(aot::Memory& memory, std::uint32_t pages);
  GuestEnd end_of_left();

  const std::shared_ptr<AotModule> module_;
  wasip1::Process& process_;
  TrapState state_;
  Turn turn_;
  void* instance_ = nullptr;
  aot::Memory* memory_ = nullptr;
  MemoryPlace place_;
  std::uint32_t elements_ = 0;  // Of all tables.
  Leaving leaving_ = Leaving::trap;
  std::uint32_t exit_code_ = 0;
  std::uint64_t checks_ = 0;   // Passed before the quantum at hand.
  std::uint32_t quantum_ = 1;  // The host is asked at the first check.
};

// --- what the compiled code calls ---

void host_trap(std::uint32_t kind, std::uint32_t offset) {
  AotInstance::current().trap_detail = detail_of(kind);
  AotInstance::current().trap(kind_of(kind), offset);
}

std::uint32_t host_call(void* guest, std::uint32_t import, const std::uint64_t* args) {
  return static_cast<AotInstance*>(guest)->call(import, args);
}

std::uint32_t host_check(void* guest) {
  return static_cast<AotInstance*>(guest)->check();
}

void host_memory_allocate(aot::Memory* memory, std::uint32_t pages, std::uint32_t max) {
  AotInstance::current().allocate(*memory, pages, max);
}

std::uint32_t host_memory_grow(aot::Memory* memory, std::uint32_t pages) {
  return AotInstance::current().grow(*memory, pages);
}

void host_memory_free(aot::Memory*) {}  // The instance gives it back.

void* host_table_resize(void* data, std::uint32_t old_size, std::uint32_t size,
                        std::uint32_t element_bytes) {
  if (size == 0) {
    std::free(data);
    return nullptr;
  }
  if (!AotInstance::current().may_have_elements(size - old_size)) return nullptr;
  void* bigger = std::realloc(data, std::size_t{size} * element_bytes);
  if (bigger == nullptr) return nullptr;
  std::fill_n(static_cast<char*>(bigger) + std::size_t{old_size} * element_bytes,
              std::size_t{size - old_size} * element_bytes, '\0');
  return bigger;
}

std::mutex process_mutex;  // Objects are loaded, and types numbered, on any thread.

// The same number for the same type, in all objects of the process. From 1.
std::uint32_t host_type_id(const std::uint8_t* letters, std::uint32_t length) {
  static std::map<std::string, std::uint32_t> ids;
  const auto next = static_cast<std::uint32_t>(ids.size() + 1);
  return ids.try_emplace({letters, letters + length}, next).first->second;
}

constexpr aot::Host kHost = {
    .trap = host_trap,
    .call = host_call,
    .check = host_check,
    .memory_allocate = host_memory_allocate,
    .memory_grow = host_memory_grow,
    .memory_free = host_memory_free,
    .table_resize = host_table_resize,
    .type_id = host_type_id,
};

// --- the instance ---

AotInstance::AotInstance(std::shared_ptr<AotModule> module, wasip1::Process& process)
    : module_(std::move(module)), process_(process) {
  state_.owner = this;
  instance_ = std::calloc(1, module_->object.entry().instance_bytes);
  if (instance_ == nullptr) throw std::bad_alloc();
}

AotInstance::~AotInstance() {
  // memory_ is a part of the instance.
  const std::size_t bytes = memory_ != nullptr ? memory_->size : place_.usable_bytes;
  if (place_.data != nullptr) module_->memories->give_back(place_, bytes);
  module_->object.entry().free(instance_);
  std::free(instance_);
}

AotInstance& AotInstance::current() {
  return *static_cast<AotInstance*>(TrapState::current()->owner);
}

// Between enter() and the guest's code: nothing here may need to be destroyed.
void AotInstance::run_guest(void* argument) {
  auto& self = *static_cast<AotInstance*>(argument);
  const aot::Object& object = self.module_->object.entry();
  object.instantiate(self.instance_, &self);
  self.memory_ = object.memory(self.instance_);
  if (object.start != nullptr) object.start(self.instance_);
  object.run(self.instance_);
}

GuestEnd AotInstance::run() {
  const G& g = this_g();
  if (!g.pool.stacks().is_guarded(static_cast<const std::byte*>(g.bottom))) {
    GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .trap = {}};
    end.trap.kind = TrapKind::out_of_memory;
    end.trap.detail = "the system has no guard page left for its stack; --engine=interp needs none";
    return end;
  }
  if (state_.enter(&run_guest, this)) return {};
  return end_of_left();
}

GuestEnd AotInstance::end_of_left() {
  switch (leaving_) {
    case Leaving::exited:
      return {.kind = GuestEnd::Kind::exited, .exit_code = exit_code_, .trap = {}};
    case Leaving::killed:
      throw Killed{};
    case Leaving::out_of_memory:
      state_.kind = TrapKind::out_of_memory;
      break;
    case Leaving::trap:
      break;
  }
  GuestEnd end{.kind = GuestEnd::Kind::trapped, .exit_code = 0, .trap = {}};
  end.trap.kind = state_.kind;
  end.trap.detail = trap_detail;
  module_->sites.describe(state_, module_->info, end.trap);
  return end;
}

void AotInstance::trap(TrapKind kind, std::uint32_t offset) {
  state_.note(kind, offset);
  leaving_ = Leaving::trap;
  state_.leave();
}

// Of the functions that a guest may call, one is worth a path of its own: behind a switch of stacks
// each return is one that the processor did not foresee.
std::uint32_t AotInstance::call(std::uint32_t import, const std::uint64_t* args) {
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  state_.in_guest = false;
  try {
    if (import == module_->yield_import && process_.trace() == nullptr) {
      yield();
      state_.in_guest = true;
      return 0;
    }
    std::span<std::byte> bytes;
    if (memory_ != nullptr) bytes = {reinterpret_cast<std::byte*>(memory_->data), memory_->size};
    const std::uint32_t result =
        module_->imports[import]->call(process_, wasip1::Memory(bytes), args);
    state_.in_guest = true;
    return result;
  } catch (const wasip1::Exit& exit) {
    leaving_ = Leaving::exited;
    exit_code_ = exit.code;
  } catch (const Killed&) {
    leaving_ = Leaving::killed;
  } catch (const std::bad_alloc&) {
    leaving_ = Leaving::out_of_memory;
  }
  state_.leave();
}

// The quantum is used up.
std::uint32_t AotInstance::check() {
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  checks_ += quantum_;
  const std::uint64_t fuel = module_->limits.fuel;
  if (fuel != 0 && checks_ >= fuel) trap(TrapKind::out_of_fuel, 0);
  state_.in_guest = false;
  try {
    turn_.safe_point();
    quantum_ = kQuantum;
    if (fuel != 0) {
      quantum_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(kQuantum, fuel - checks_));
    }
    state_.in_guest = true;
    return quantum_;
  } catch (const Killed&) {
    leaving_ = Leaving::killed;
  }
  state_.leave();
}

void AotInstance::place_changed(aot::Memory& memory, std::uint32_t pages) {
  memory.data = place_.data;
  memory.pages = pages;
  memory.size = pages * kWasmPageBytes;
  state_.memory = place_.data;
  state_.reserved_bytes = place_.reserved_bytes;
}

void AotInstance::allocate(aot::Memory& memory, std::uint32_t pages, std::uint32_t max) {
  memory.max_pages = std::min({max, module_->limits.memory_pages_max, kPagesMax});
  if (pages > memory.max_pages ||
      !module_->memories->take(std::size_t{pages} * kWasmPageBytes, module_->guard_pages, place_)) {
    leaving_ = Leaving::out_of_memory;
    state_.leave();
  }
  place_changed(memory, pages);
}

std::uint32_t AotInstance::grow(aot::Memory& memory, std::uint32_t pages) {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  const std::uint32_t old_pages = memory.pages;
  if (pages > memory.max_pages - old_pages) return kNone;
  if (!state_.has_stack()) trap(TrapKind::stack_overflow, 0);
  state_.in_guest = false;
  if (!module_->memories->grow(place_, memory.size,
                               std::size_t{old_pages + pages} * kWasmPageBytes)) {
    state_.in_guest = true;
    return kNone;
  }
  place_changed(memory, old_pages + pages);
  state_.in_guest = true;
  return old_pages;
}

bool AotInstance::may_have_elements(std::uint32_t more) {
  if (more > kTableElementsMax - elements_) return false;
  elements_ += more;
  return true;
}

}  // namespace

// --- loading ---

Result<SharedObject> SharedObject::open(const std::string& path) {
  const std::lock_guard lock(process_mutex);
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return Error{std::string("the compiled module can't be loaded: ") + ::dlerror()};
  const auto* entry = static_cast<const aot::Object*>(::dlsym(handle, aot::kObjectSymbol));
  if (entry == nullptr || entry->abi != aot::kAbi) {
    ::dlclose(handle);
    return Error{path + " is not a module that this weft compiled"};
  }
  entry->bind(&kHost);
  return SharedObject(handle, entry);
}

SharedObject::SharedObject(SharedObject&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), entry_(other.entry_) {}

SharedObject::~SharedObject() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

AotModule::AotModule(std::string file, ModuleInfo about, SharedObject shared,
                     const GuestLimits& guest_limits, bool guard, std::shared_ptr<MemoryPool> pool)
    : Module(std::move(file), std::move(about)),
      limits(guest_limits),
      guard_pages(guard),
      object(std::move(shared)),
      memories(std::move(pool)),
      sites(&object.entry()) {}

std::unique_ptr<Instance> AotModule::instantiate(wasip1::Process& process) {
  return std::make_unique<AotInstance>(shared_from_this(), process);
}

}  // namespace weft
