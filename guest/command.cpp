// SPDX-License-Identifier: Apache-2.0
#include "guest/command.h"

#include "base/printable.h"

namespace weft {

Result<std::vector<const wasip1::Function*>> bind_imports(const ModuleInfo& info) {
  std::vector<const wasip1::Function*> imports;
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
  return imports;
}

Status check_role(const ModuleInfo& info, Role role) {
  if (role == Role::library) return Nothing{};
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
  return Nothing{};
}

Status check_sizes(const ModuleInfo& info, const GuestLimits& limits) {
  if (info.memory_pages_initial > limits.memory_pages_max) {
    return Error{"the module asks for " + std::to_string((info.memory_pages_initial + 15) / 16) +
                 " MiB of memory at start; the limit is " +
                 std::to_string(limits.memory_pages_max / 16) + " MiB (--memory)"};
  }
  if (info.table_elements_initial > limits.table_elements_max) {
    return Error{"the module asks for tables of " + std::to_string(info.table_elements_initial) +
                 " elements at start; the limit is " + std::to_string(limits.table_elements_max) +
                 " (--tables)"};
  }
  return Nothing{};
}

}  // namespace weft
