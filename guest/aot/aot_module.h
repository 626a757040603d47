// SPDX-License-Identifier: Apache-2.0
// AotModule: a loaded shared object, and its instances, of which some wait to be used again.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "guest/aot/aot_instance.h"
#include "guest/aot/cache_entry.h"
#include "guest/aot/trap_site.h"
#include "guest/code_view.h"
#include "os/wasip1/functions.h"

namespace weft {

// A dlopen()ed object of the cache, closed when the last that share it go.
class SharedObject {
 public:
  // Loads the very file that the entry has open, and binds it to the host. The error completes
  // "<name>: ".
  static Result<SharedObject> open(CacheEntry entry);

  [[nodiscard]] const aot::Object& entry() const;
  [[nodiscard]] const CacheEntry& file() const;

 private:
  class Loaded;
  explicit SharedObject(std::shared_ptr<const Loaded> loaded) : loaded_(std::move(loaded)) {}
  std::shared_ptr<const Loaded> loaded_;
};

class AotModule final : public CompiledModule, public std::enable_shared_from_this<AotModule> {
 public:
  // `bytes` are the module's own, of which `about` may lack what CodeScan::later leaves out.
  AotModule(std::string file, ModuleInfo about, std::span<const std::byte> bytes,
            SharedObject shared, const GuestLimits& limits, bool guard,
            std::shared_ptr<MemoryPool> pool);

  [[nodiscard]] const char* engine() const override { return "aot"; }
  std::unique_ptr<Instance> instantiate(wasip1::Process& process) override;

  void describe(const TrapState& state, TrapReport& report) override;
  std::uint32_t function_at(const void* code) override;

 private:
  const SharedObject object_;
  AotParts parts_;
  const std::vector<std::byte> binary_;
  TrapSites sites_;
  const CodeShown shown_;

 public:
  Idle<AotInstance> idle;  // Goes first: its instances use the parts.
};

}  // namespace weft
