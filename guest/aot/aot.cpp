// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/aot.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/sha256.h"
#include "guest/aot/aot_module.h"
#include "guest/aot/compiler.h"
#include "guest/aot/object_cache.h"
#include "guest/aot/translation.h"
#include "guest/command.h"
#include "guest/go/steering.h"
#include "guest/wabt/interp.h"
#include "guest/wabt/wabt_ir.h"
#include "scheduler/api.h"
#include "signals/fault.h"

namespace weft {
namespace {

#if defined(__x86_64__)
constexpr const char* kMachine = "x86_64";
#else
constexpr const char* kMachine = "aarch64";
#endif

// The thread is the scheduler's: on a G others have it meanwhile.
void wait_here() {
  constexpr int kLookMs = 5;
  if (scheduler_of_thread != nullptr && scheduler_of_thread->current() != nullptr) {
    sleep_for(milliseconds(kLookMs));
  } else {
    ::poll(nullptr, 0, kLookMs);
  }
}

class Aot final : public Engine {
 public:
  explicit Aot(AotOptions options) : options_(std::move(options)) {
    if (!options_.wait) options_.wait = &wait_here;
    if (options_.otherwise == nullptr) options_.otherwise = make_interp();
    guard_pages_ = options_.bounds == Bounds::guard ||
                   (options_.bounds == Bounds::automatic && MemoryPool::can_guard());
  }

  Result<std::shared_ptr<Module>> load(std::string name, std::span<const std::byte> binary,
                                       const GuestLimits& limits, Role role) override;
  void offer(const HostFunctions* functions) override {
    Engine::offer(functions);
    options_.otherwise->offer(functions);
  }

 private:
  // A module on its way.
  struct Source {
    const std::string& name;
    const ModuleInfo& info;
    std::span<const std::byte> binary;
    bool one_nan;  // Simulations: see GuestLimits::quantum.
    std::span<const guest::go::EntryPoint> told;
  };

  [[nodiscard]] std::string key_of(const Source& source) const;
  [[nodiscard]] Result<ObjectCache> open_cache() const;
  [[nodiscard]] std::optional<CacheEntry> cached_object(const Source& source) const;
  Result<CacheEntry> object_of(const Source& source);
  Status make_object(const Source& source, const std::string& work, const std::string& to) const;
  Result<SharedObject> open(const Source& source);
  void say(const std::string& line) const {
    if (options_.say) options_.say(line);
  }

  AotOptions options_;
  bool guard_pages_;
  const std::shared_ptr<MemoryPool> memories_ = std::make_shared<MemoryPool>();
  const signals::FaultHandler faults_;
  const TrapState::FaultClaims claims_;
};

// All that the object depends on.
std::string Aot::key_of(const Source& source) const {
  const char* const cc = std::getenv("CC");
  Sha256 hash;
  hash.add("weft aot " + std::to_string(aot::kAbi) + " " + kMachine + " libwabt " +
           wabt_ir::version() + " cc=" +
           (!options_.cc.empty() ? options_.cc
            : cc != nullptr      ? cc
                                 : "") +
           (options_.fuel_points ? " checks" : " no checks") + (source.one_nan ? " one NaN" : ""));
  for (const guest::go::EntryPoint& point : source.told) {
    hash.add(" " + std::to_string(static_cast<int>(point.entry)) + ":" +
             std::to_string(point.function));
  }
  for (const std::string& flag : compile_flags(guard_pages_, false)) hash.add(" " + flag);
  hash.add(source.binary);
  return hash.hex();
}

Status Aot::make_object(const Source& source, const std::string& work,
                        const std::string& to) const {
  if (find_compiler(options_.cc).empty()) {
    return Error{options_.cc.empty()
                     ? "there is no C compiler here (looked for $CC, cc, gcc and clang)"
                     : "the C compiler '" + options_.cc + "' is not here"};
  }
  const auto stage = [&](CompileStage::Kind kind) -> std::function<void(std::size_t, std::size_t)> {
    if (!options_.progress) return {};
    return [this, kind, &source](std::size_t done, std::size_t of) {
      options_.progress(source.name, {kind, done, of});
    };
  };
  const auto units = translate(source.binary, source.info, work,
                               {.fuel_points = options_.fuel_points,
                                .one_nan = source.one_nan,
                                .told = source.told,
                                .wait = options_.wait,
                                .progress = stage(CompileStage::Kind::translating)});
  if (!units) return units.error();
  return compile(*units, work, to,
                 {.cc = options_.cc,
                  .guard_pages = guard_pages_,
                  .wait = options_.wait,
                  .progress = stage(CompileStage::Kind::compiling)});
}

Result<ObjectCache> Aot::open_cache() const {
  auto folder = options_.cache_folder.empty() ? ObjectCache::default_folder()
                                              : Result<std::string>(options_.cache_folder);
  if (!folder) return folder.error();
  return ObjectCache::open(*folder);
}

// The shared object, made when it is not in the cache. The error says why there is none.
Result<CacheEntry> Aot::object_of(const Source& source) {
  auto cache = open_cache();
  if (!cache) return cache.error();
  const std::string key = key_of(source);
  if (!options_.compile) {
    if (auto found = cache->find(key)) return std::move(*found);
    return Error{""};
  }
  const auto make = [&](const std::string& work, const std::string& to) {
    return make_object(source, work, to);
  };
  const auto wait = [&] {
    if (options_.progress) options_.progress(source.name, {CompileStage::Kind::waiting});
    options_.wait();
  };
  return cache->fill(key, source.name, make, wait);
}

std::optional<CacheEntry> Aot::cached_object(const Source& source) const {
  auto cache = open_cache();
  if (!cache) return std::nullopt;
  return cache->find(key_of(source));
}

Result<SharedObject> Aot::open(const Source& source) {
  auto entry = object_of(source);
  if (!entry) return entry.error();
  return SharedObject::open(std::move(*entry));
}

// Of which of its functions a module's code tells. In real time that does not depend on what the
// guest is asked for (GuestLimits::goroutines, Role): one object in the cache is for every guest.
std::vector<guest::go::EntryPoint> told_of(const Admitted& admitted, const GuestLimits& limits) {
  if (admitted.go != nullptr) return admitted.go->entries;
  if (!admitted.go_refused.empty() || limits.quantum != 0) return {};
  auto go = guest::go::GoModule::of(admitted.view, guest::go::Time::real);
  if (!go || *go == nullptr) return {};
  return (*go)->entries;
}

Result<std::shared_ptr<Module>> Aot::load(std::string name, std::span<const std::byte> binary,
                                          const GuestLimits& limits, Role role) {
  const bool one_nan = limits.quantum != 0;
  // What is in the cache was looked through whole when it was compiled.
  auto admitted = admit(binary, limits, role, CodeScan::later, offered());
  if (!admitted) return admitted.error();
  const std::vector<guest::go::EntryPoint> told = told_of(*admitted, limits);
  std::optional<CacheEntry> cached = cached_object({name, admitted->info, binary, one_nan, told});
  if (!cached && !options_.compile) return options_.otherwise->load(name, binary, limits, role);
  if (!cached) {
    const auto validated = [&](std::size_t done, std::size_t of) {
      if (options_.progress) {
        options_.progress(name, {CompileStage::Kind::validating, done, of});
      }
    };
    admitted = admit(binary, limits, role, CodeScan::now, offered(), validated);
    if (!admitted) return admitted.error();
    if (Status known = check_libwabt_knows(admitted->info, "aot"); !known) return known.error();
  }
  auto object = cached ? SharedObject::open(std::move(*cached))
                       : open({name, admitted->info, binary, one_nan, told});
  if (!object) {
    auto module = options_.otherwise->load(name, binary, limits, role);
    if (module && !object.error().message.empty()) {
      say(name + ": " + object.error().message + "; it runs on the engine interp");
    }
    return module;
  }
  auto module = std::make_shared<AotModule>(std::move(name), std::move(admitted->info), binary,
                                            std::move(*object), limits, guard_pages_, memories_);
  module->go = std::move(admitted->go);
  module->go_refused = std::move(admitted->go_refused);
  module->bind(std::move(admitted->imports));
  return std::shared_ptr<Module>(std::move(module));
}

}  // namespace

std::unique_ptr<Engine> make_aot(AotOptions options) {
  return std::make_unique<Aot>(std::move(options));
}

}  // namespace weft
