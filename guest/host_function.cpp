// SPDX-License-Identifier: Apache-2.0
#include "guest/host_function.h"

#include <exception>
#include <new>

#include "os/wasip1/process.h"
#include "scheduler/api.h"

namespace weft {

void HostFunctions::define(HostFunction function) {
  std::pair key(function.module, function.name);
  functions_.insert_or_assign(std::move(key),
                              std::make_shared<const HostFunction>(std::move(function)));
}

std::shared_ptr<const HostFunction> HostFunctions::find(std::string_view module,
                                                        std::string_view name) const {
  const auto found = functions_.find(std::pair(std::string(module), std::string(name)));
  return found != functions_.end() ? found->second : nullptr;
}

// No exception but those that engines know may leave: what is below are the guest's frames.
std::uint64_t Import::call_host(wasip1::Memory memory, const std::uint64_t* args) const {
  checkpoint();
  Caller caller(memory);
  std::string text;
  try {
    return host_->call(caller, args);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& exception) {
    text = exception.what();
  }
  throw HostTrap{std::move(text)};
}

}  // namespace weft
