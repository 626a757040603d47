// SPDX-License-Identifier: Apache-2.0
// Calls from outside into a guest's exports.
//
//   a native G: Guest::call ─ Call ─▶ calls_, a channel ─▶ the guest's G: serve() ─▶ Instance::call
//                   parked on Call::done ◀── values or an error ───────────┘
//
// The guest's own G makes all calls: so each has the stack that the engine wants, an owner whose
// budgets it uses, and a kill ends it. An end of the guest closes the channel; who waits gets it as
// an error.
#include <utility>

#include "guest/runtime.h"
#include "scheduler/sync/panic.h"

namespace weft {
namespace {

std::string how_it_ended(const GuestEnd& end) {
  switch (end.kind) {
    case GuestEnd::Kind::exited:
      return "it exited with " + std::to_string(end.exit_code);
    case GuestEnd::Kind::killed:
      return "it was killed";
    case GuestEnd::Kind::trapped:
      break;
  }
  return std::string("it trapped: ") + name(end.trap.kind) +
         (end.trap.detail.empty() ? "" : ": " + end.trap.detail);
}

// Who waits for it goes on, however the call ends.
struct Answer {
  chan<Nothing> done;
  ~Answer() { done.close(); }
};

}  // namespace

GuestEnd Guest::serve(Instance& instance) {
  GuestEnd end = instance.start();
  if (end.returned && entry_.initialize != nullptr) end = instance.call(*entry_.initialize, {});
  while (end.returned) {
    const std::optional<std::shared_ptr<Call>> call = calls_->recv();
    if (!call) return end;  // finish() was called.
    const Answer answer{(*call)->done};
    (*call)->error = "it was killed";  // By now, unless something else is said.
    end = instance.call(*(*call)->function, (*call)->values);
    (*call)->error = end.returned ? "" : how_it_ended(end);
  }
  return end;
}

Status Guest::call_values(std::string_view function, const FuncTypeInfo& type,
                          std::vector<std::uint64_t>& values) {
  const std::string called = name_;  // The guest may be gone when it goes on.
  const auto failed = [&](const std::string& why) {
    return Error{called + ": can't call " + std::string(function) + ": " + why};
  };
  if (end_) return failed(how_it_ended(*end_));
  if (!calls_) return failed("it was not spawned with GuestOptions::serves");
  if (&this_g() == g_) return failed("it is itself that calls");
  const ModuleInfo& info = module_->info;
  const ExportInfo* found = info.find_export(function);
  if (found == nullptr || found->kind != ExternalKind::func ||
      found->index < info.imported_functions) {
    return failed("it exports no such function of its own");
  }
  const FuncTypeInfo& has = *info.type_of_function(found->index);
  if (has.params != type.params || has.results != type.results) {
    return failed("it has the type (" + has.params + ") -> (" + has.results + "), not (" +
                  type.params + ") -> (" + type.results + "); i I f F are i32 i64 f32 f64");
  }
  const auto call = std::make_shared<Call>(
      Call{.function = found, .values = std::move(values), .error = "it has ended"});
  Calls calls = *calls_;
  try {
    calls.send(call);
  } catch (const Panic&) {  // It was closed: finish(), or the end.
    return failed("it has ended");
  }
  (void)call->done.recv();
  if (!call->error.empty()) return failed(call->error);
  values = std::move(call->values);
  return Nothing{};
}

void Guest::finish() {
  if (calls_ && !std::exchange(finished_, true)) calls_->close();
}

}  // namespace weft
