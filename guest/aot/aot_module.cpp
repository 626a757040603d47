// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/aot_module.h"

#include <dlfcn.h>

#include <mutex>
#include <new>
#include <string>

namespace weft {
namespace {

std::mutex loading;  // dlopen() and dlerror() belong together, and objects number their types.

}  // namespace

Result<SharedObject> SharedObject::open(const std::string& path) {
  const std::lock_guard lock(loading);
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return Error{std::string("the compiled module can't be loaded: ") + ::dlerror()};
  const auto* entry = static_cast<const aot::Object*>(::dlsym(handle, aot::kObjectSymbol));
  if (entry == nullptr || entry->abi != aot::kAbi) {
    ::dlclose(handle);
    return Error{path + " is not a module that this weft compiled"};
  }
  entry->bind(&kAotHost);
  return SharedObject(handle, entry);
}

SharedObject::SharedObject(SharedObject&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)), entry_(other.entry_) {}

SharedObject::~SharedObject() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

AotModule::AotModule(std::string file, ModuleInfo about, std::span<const std::byte> bytes,
                     SharedObject shared, const GuestLimits& guest_limits, bool guard,
                     std::shared_ptr<MemoryPool> pool)
    : Module(std::move(file), std::move(about), guest_limits),
      guard_pages(guard),
      object(std::move(shared)),
      memories(std::move(pool)),
      binary_(bytes.begin(), bytes.end()),
      sites_(&object.entry()) {}

void AotModule::describe(const TrapState& state, TrapReport& report) try {
  if (!whole_info_) {
    Result<ModuleInfo> whole = scan_module(binary_);
    if (whole) {
      whole_info_ = std::move(*whole);
    } else {
      whole_info_ = info;
    }
  }
  sites_.describe(state, *whole_info_, report);
} catch (const std::bad_alloc&) {
  return;  // The kind is in the report; there is no memory for the rest.
}

// An instance for as long as one guest runs in it.
class AotModule::Lease final : public Instance {
 public:
  Lease(std::shared_ptr<AotModule> module, wasip1::Process& process)
      : module_(std::move(module)), process_(process) {
    auto& idle = module_->idle_;
    if (idle.empty()) {
      instance_ = std::make_unique<AotInstance>(*module_);
      idle.reserve(kIdleMax);
    } else {
      instance_ = std::move(idle.back());
      idle.pop_back();
    }
  }
  ~Lease() override {
    auto& idle = module_->idle_;
    if (idle.size() < kIdleMax && instance_->clear()) idle.push_back(std::move(instance_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  GuestEnd run() override { return instance_->run(process_); }
  GuestEnd start() override { return instance_->start(process_); }
  GuestEnd call(const ExportInfo& function, std::span<std::uint64_t> values) override {
    return instance_->call(function, values);
  }
  [[nodiscard]] const TrapReport& killed_at() const override { return instance_->killed_at(); }

 private:
  const std::shared_ptr<AotModule> module_;
  wasip1::Process& process_;
  std::unique_ptr<AotInstance> instance_;
};

std::unique_ptr<Instance> AotModule::instantiate(wasip1::Process& process) {
  return std::make_unique<Lease>(shared_from_this(), process);
}

}  // namespace weft
