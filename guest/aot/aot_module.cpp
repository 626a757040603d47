// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/aot_module.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unwind.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <system_error>

#include "os/wasip1/long_call.h"

namespace weft {
namespace {

using FileId = std::pair<dev_t, ino_t>;

std::mutex loading;  // dlopen() and dlerror() belong together, and objects number their types.

// Where the object is loaded that this is in; nullptr: it is not known.
const void* base_of(const void* in_object) {
  Dl_info object{};
  return ::dladdr(in_object, &object) != 0 ? object.dli_fbase : nullptr;
}

// By which this process and others, as a debugger, find a descriptor of this one. Not /proc/self:
// a debugger would open what it has by that number itself.
std::string name_of(int fd) {
  std::error_code error;
  const std::string self = std::filesystem::read_symlink("/proc/self", error).string();
  return "/proc/" + (error ? "self" : self) + "/fd/" + std::to_string(fd);
}

}  // namespace

// An object is loaded by the name of its descriptor, and dlopen() knows by name what it has loaded:
// so a file is loaded once, and its descriptor stays open as long as the object is loaded.
class SharedObject::Loaded {
 public:
  static Result<std::shared_ptr<const Loaded>> open(CacheEntry file) {
    static std::map<FileId, std::weak_ptr<const Loaded>> all;
    struct stat status = {};
    if (::fstat(file.fd(), &status) != 0) return Error{"the compiled module can't be looked at"};
    std::weak_ptr<const Loaded>& known = all[{status.st_dev, status.st_ino}];
    if (auto loaded = known.lock()) return loaded;
    const std::string name = name_of(file.fd());
    if (void* other = ::dlopen(name.c_str(), RTLD_LAZY | RTLD_NOLOAD)) {
      ::dlclose(other);
      return Error{"another object is still loaded as " + name};
    }
    void* handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      return Error{std::string("the compiled module can't be loaded: ") + ::dlerror()};
    }
    const auto* object = static_cast<const aot::Object*>(::dlsym(handle, aot::kObjectSymbol));
    if (object == nullptr || object->abi != aot::kAbi) {
      ::dlclose(handle);
      return Error{file.path() + " is not a module that this weft compiled"};
    }
    object->bind(&kAotHost);
    auto loaded = std::make_shared<const Loaded>(std::move(file), handle, object);
    known = loaded;
    std::erase_if(all, [](const auto& item) { return item.second.expired(); });
    return loaded;
  }

  Loaded(CacheEntry file, void* handle, const aot::Object* object)
      : file_(std::move(file)), handle_(handle), object_(*object) {}
  ~Loaded() {
    const std::lock_guard lock(loading);
    if (!file_.is_cut_off()) ::dlclose(handle_);  // It would run code that is gone.
  }
  Loaded(const Loaded&) = delete;
  Loaded& operator=(const Loaded&) = delete;

  [[nodiscard]] const CacheEntry& file() const { return file_; }
  [[nodiscard]] const aot::Object& object() const { return object_; }

 private:
  const CacheEntry file_;
  void* const handle_;
  const aot::Object object_;  // A copy, which is there when the file is not.
};

Result<SharedObject> SharedObject::open(CacheEntry entry) {
  const std::lock_guard lock(loading);
  auto loaded = Loaded::open(std::move(entry));
  if (!loaded) return loaded.error();
  return SharedObject(std::move(*loaded));
}

const aot::Object& SharedObject::entry() const {
  return loaded_->object();
}

const CacheEntry& SharedObject::file() const {
  return loaded_->file();
}

AotModule::AotModule(std::string file, ModuleInfo about, std::span<const std::byte> bytes,
                     SharedObject shared, const GuestLimits& guest_limits, bool guard,
                     std::shared_ptr<MemoryPool> pool)
    : CompiledModule(std::move(file), std::move(about), guest_limits),
      object_(std::move(shared)),
      parts_{.object = object_.entry(), .guard_pages = guard, .memories = std::move(pool)},
      binary_(bytes.begin(), bytes.end()),
      sites_(reinterpret_cast<const void*>(object_.entry().bind), object_.file()),
      shown_(CodeView::aot, binary_,
             {.file = object_.file().path().c_str(),
              .base = base_of(reinterpret_cast<const void*>(object_.entry().bind))}) {}

// Where safe points are counted nobody may run meanwhile: a trap is none on other engines.
void AotModule::describe(const TrapState& state, TrapReport& report) try {
  // It can't be looked at any more, also where a kill or a budget ended the guest.
  if (state.kind == TrapKind::lost_code || object_.file().is_cut_off()) return;
  wasip1::WorkToFinish turns;
  LinesStep step;
  if (limits.quantum == 0) step = [&turns] { turns.give_way(); };
  sites_.describe(state, info, binary_, step, report);
} catch (const std::bad_alloc&) {
  return;  // The kind is in the report; there is no memory for the rest.
}

// By the object's own tables, which are loaded: no file is read. They are in the file that may have
// been cut off.
std::uint32_t AotModule::function_at(const void* code) {
  if (object_.file().is_cut_off()) return UINT32_MAX;
  // The unwinder expects an address to return to, and looks at the byte before it.
  auto* const behind = const_cast<char*>(static_cast<const char*>(code)) + 1;
  const auto* const begin = static_cast<const std::byte*>(::_Unwind_FindEnclosingFunction(behind));
  const aot::Object& object = parts_.object;
  for (std::uint32_t i = 0; begin != nullptr && i < object.function_count; ++i) {
    const auto* const from = reinterpret_cast<const std::byte*>(&object.functions[i]);
    if (from + object.functions[i] == begin) return info.imported_functions + i;
  }
  return UINT32_MAX;
}

std::unique_ptr<Instance> AotModule::instantiate(wasip1::Process& process) {
  auto made = idle.take([&] { return std::make_unique<AotInstance>(parts_, *this); });
  return std::make_unique<Lease<AotModule, AotInstance>>(shared_from_this(), std::move(made),
                                                         process);
}

}  // namespace weft
