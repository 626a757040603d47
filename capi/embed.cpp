// SPDX-License-Identifier: Apache-2.0
// The embedder's half of weft.h: runtimes, modules, guests and host functions. Calls into guests,
// files in memory and the loop: embed_more.cpp; pipes: pipes.cpp.
//
// A host function is C code on a guest's G. A guest that is killed while that waits can't be
// unwound through C: so Killed ends in the function of weft that waits, a longjmp leads back to
// call_c(), over C frames only, and there it is thrown again.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>

#include "capi/embed.h"
#include "guest/engines.h"

using namespace weft;
using namespace weft::capi;

namespace {

static_assert(sizeof(weft_value) == sizeof(std::uint64_t));

std::uint64_t call_c(weft_host_function function, void* context, Caller& called,
                     std::span<const weft_value> arguments) {
  weft_caller caller{called};
  if (setjmp(caller.back) == 0) {
    caller.code = function(context, &caller, arguments.data(), &caller.result);
  }
  if (caller.killed) throw Killed{};
  if (caller.code != WEFT_OK) throw HostTrap{std::move(caller.why)};
  std::uint64_t bits = 0;
  std::memcpy(&bits, &caller.result, sizeof bits);
  return bits;
}

std::vector<std::string> strings(const char* const* list) {
  std::vector<std::string> made;
  for (; list != nullptr && *list != nullptr; ++list) made.emplace_back(*list);
  return made;
}

// The guest that writes is the one that runs.
Stdio to_output(weft_output output, void* context, int descriptor) {
  if (output == nullptr) return descriptor;
  return to_callback([=](std::string_view bytes) {
    output(context, handle(*static_cast<Guest*>(this_g().owner)), bytes.data(), bytes.size());
  });
}

GuestOptions options_of(const std::shared_ptr<OfC>& of) {
  const weft_guest_options& given = of->options;
  GuestOptions options;
  if (given.name != nullptr) options.name = given.name;
  options.args = strings(given.args);
  options.env = strings(given.env);
  const std::vector<std::string> dirs = strings(given.dirs);
  for (std::size_t i = 0; i + 1 < dirs.size(); i += 2) {
    options.preopens.push_back({dirs[i], dirs[i + 1]});
  }
  if (given.files != nullptr) {
    options.preopens.push_back({.guest_path = given.files_at != nullptr ? given.files_at : "/",
                                .files = given.files->files});
  }
  options.serves = given.serves != 0;
  options.stdin_from = given.input != nullptr ? Stdio(from_text(given.input)) : given.stdin_fd;
  if (given.stdin_pipe != nullptr) options.stdin_from = given.stdin_pipe->ends.from;
  options.stdout_to =
      to_output(given.output, given.context, given.stdout_fd != 0 ? given.stdout_fd : 1);
  options.stderr_to =
      to_output(given.error_output, given.context, given.stderr_fd != 0 ? given.stderr_fd : 2);
  if (given.stdout_pipe != nullptr) options.stdout_to = given.stdout_pipe->ends.to;
  if (given.stderr_pipe != nullptr) options.stderr_to = given.stderr_pipe->ends.to;
  BudgetSizes& sizes = options.use.sizes;
  if (given.memory_bytes != 0) sizes.memory_bytes = given.memory_bytes;
  if (given.output_bytes != 0) sizes.output_bytes = given.output_bytes;
  if (given.descriptors != 0) sizes.descriptors = given.descriptors;
  options.use.time = nanoseconds(given.time);
  if (given.on_end != nullptr) {
    options.on_end = [handler = given.on_end, context = given.context](Guest& guest) {
      handler(context, handle(guest));
    };
  }
  options.data = of;
  return options;
}

bool pipes_are_open(const weft_guest_options& given) {
  return (given.stdin_pipe == nullptr || given.stdin_pipe->ends.from.device != nullptr) &&
         (given.stdout_pipe == nullptr || given.stdout_pipe->ends.to.device != nullptr) &&
         (given.stderr_pipe == nullptr || given.stderr_pipe->ends.to.device != nullptr);
}

// load: of what is to run by itself, if the module can; else of what is only called.
template <class Load>
int keep(weft_runtime* runtime, Load&& load, weft_module** module) {
  Result<std::shared_ptr<Module>> loaded = load(Role::command);
  if (!loaded) {
    if (auto library = load(Role::library); library) {
      loaded = std::move(library);
    } else {
      return fail(WEFT_EHOST, loaded.error().message.c_str());
    }
  }
  *module = new weft_module{*runtime, std::move(*loaded)};
  return WEFT_OK;
}

// As much as fits, and a terminator.
std::size_t give(const std::string& text, char* to, std::size_t bytes) {
  if (bytes > 0) {
    const std::size_t n = std::min(bytes - 1, text.size());
    std::memcpy(to, text.data(), n);
    to[n] = '\0';
  }
  return text.size();
}

std::string report_of(const GuestEnd& end) {
  if (end.kind != GuestEnd::Kind::trapped) return {};
  std::string text = name(end.trap.kind);
  if (!end.trap.detail.empty()) text += ": " + end.trap.detail;
  if (const std::string place = describe_place(end.trap); !place.empty()) text += ", " + place;
  const char* before = ": ";
  for (const std::string& frame : end.trap.frames) text += std::exchange(before, ", ") + frame;
  return text;
}

}  // namespace

// A letter for each, i I f F.
bool weft::capi::are_types(const char* letters, std::size_t max) {
  return letters != nullptr && std::strlen(letters) <= max &&
         std::strspn(letters, "iIfF") == std::strlen(letters);
}

int weft_runtime_create(const char* engine, weft_runtime** runtime) {
  if (runtime == nullptr) return fail(WEFT_EINVAL, "there is nowhere to put the runtime");
  const EngineRow* row = find_engine(engine != nullptr ? engine : kDefaultEngine);
  if (row == nullptr) return fail(WEFT_EINVAL, "there is no such engine");
  return coded([&] {
    *runtime = new weft_runtime(row->make({}));
    return WEFT_OK;
  });
}

int weft_runtime_destroy(weft_runtime* runtime) {
  if (const int code = check(runtime); code != WEFT_OK) return code;
  if (runtime->runtime.scheduler().running()) {
    return fail(WEFT_ERUNNING, "weft_runtime_destroy while the runtime runs");
  }
  delete runtime;
  return WEFT_OK;
}

int weft_define(weft_runtime* runtime, const char* module, const char* name, const char* params,
                const char* result, weft_host_function function, void* context) {
  if (const int code = check(runtime); code != WEFT_OK) return code;
  if (module == nullptr || name == nullptr || function == nullptr ||
      !are_types(params, HostFunction::kParamsMax) || !are_types(result, 1)) {
    return fail(WEFT_EINVAL,
                "a host function needs names, up to 16 parameters and one result of i, I, f, F");
  }
  return coded([&] {
    const std::size_t count = std::strlen(params);
    HostFunction made{module, name, params, result, {}};
    made.call = [=](Caller& caller, const std::uint64_t* args) {
      weft_value values[HostFunction::kParamsMax + 1] = {};
      std::memcpy(values, args, count * sizeof *args);
      return call_c(function, context, caller, {values, count});
    };
    runtime->runtime.define(std::move(made));
    return WEFT_OK;
  });
}

int weft_load(weft_runtime* runtime, const char* path, weft_module** module) {
  if (const int code = check(runtime); code != WEFT_OK) return code;
  if (path == nullptr || module == nullptr) return fail(WEFT_EINVAL, "no path, or no place");
  return coded([&] {
    const auto load = [&](Role role) { return runtime->runtime.load(path, {}, role); };
    return keep(runtime, load, module);
  });
}

int weft_load_bytes(weft_runtime* runtime, const char* name, const void* bytes, size_t count,
                    weft_module** module) {
  if (const int code = check(runtime); code != WEFT_OK) return code;
  if (name == nullptr || (bytes == nullptr && count > 0) || module == nullptr) {
    return fail(WEFT_EINVAL, "no name, no bytes, or no place");
  }
  const std::span binary(static_cast<const std::byte*>(bytes), count);
  return coded([&] {
    const auto load = [&](Role role) {
      return runtime->runtime.load_bytes(name, binary, {}, role);
    };
    return keep(runtime, load, module);
  });
}

int weft_module_free(weft_module* module) {
  if (module == nullptr) return fail(WEFT_EINVAL, "the module is NULL");
  if (const int code = check(&module->owner); code != WEFT_OK) return code;
  delete module;
  return WEFT_OK;
}

int weft_spawn(weft_runtime* runtime, weft_module* module, const weft_guest_options* options,
               weft_guest** guest) {
  if (const int code = check(runtime); code != WEFT_OK) return code;
  if (module == nullptr || &module->owner != runtime) {
    return fail(WEFT_EINVAL, "the module is NULL or another runtime's");
  }
  if (options != nullptr && !pipes_are_open(*options)) {
    return fail(WEFT_ECLOSED, "that end of a pipe for the guest was closed");
  }
  return coded([&] {
    runtime->idle = false;
    auto of = std::make_shared<OfC>();
    of->owner = runtime;
    if (options != nullptr) of->options = *options;
    auto made = runtime->runtime.spawn(module->module, options_of(of));
    if (!made) return fail(WEFT_EHOST, made.error().message.c_str());
    if (guest != nullptr) *guest = handle(**made);
    return static_cast<int>(WEFT_OK);
  });
}

int weft_runtime_run(weft_runtime* runtime) {
  if (const int code = check(runtime); code != WEFT_OK) return code;
  if (runtime->runtime.scheduler().running()) {
    return fail(WEFT_ERUNNING, "weft_runtime_run while the runtime runs");
  }
  return coded([&] {
    const RunResult result = runtime->runtime.run();
    if (result.end == RunEnd::finished) return static_cast<int>(WEFT_OK);
    if (result.end == RunEnd::deadlock) return fail(WEFT_EDEADLOCK, result.report.c_str());
    return fail(WEFT_ESTOPPED, result.report.c_str());
  });
}

int weft_kill(weft_guest* guest) {
  if (const int code = check(guest); code != WEFT_OK) return code;
  return coded([&] {
    of_c(from_handle(guest)).owner->idle = false;
    from_handle(guest).runtime().kill(from_handle(guest));
    return WEFT_OK;
  });
}

int weft_forget(weft_guest* guest) {
  if (const int code = check(guest); code != WEFT_OK) return code;
  if (!from_handle(guest).end()) return fail(WEFT_EINVAL, "the guest has not ended");
  from_handle(guest).runtime().forget(from_handle(guest));
  return WEFT_OK;
}

void* weft_guest_context(const weft_guest* guest) {
  return guest != nullptr ? of_c(from_handle(guest)).options.context : nullptr;
}

enum weft_guest_state weft_guest_state(const weft_guest* guest, uint32_t* code) {
  const std::optional<GuestEnd>& end = from_handle(guest).end();
  if (code != nullptr) *code = end ? end->exit_code : 0;
  if (!end) return WEFT_LIVES;
  if (end->kind == GuestEnd::Kind::exited) return WEFT_EXITED;
  return end->kind == GuestEnd::Kind::trapped ? WEFT_TRAPPED : WEFT_KILLED;
}

size_t weft_guest_report(const weft_guest* guest, char* text, size_t bytes) {
  std::size_t size = 0;
  (void)coded([&] {
    const std::optional<GuestEnd>& end = from_handle(guest).end();
    size = give(end ? report_of(*end) : std::string(), text, bytes);
    return WEFT_OK;
  });
  return size;
}

weft_guest* weft_caller_guest(weft_caller* caller) {
  return caller != nullptr ? handle(caller->caller.guest()) : nullptr;
}

int weft_caller_memory(weft_caller* caller, uint32_t at, uint32_t count, void** bytes) {
  if (caller == nullptr || bytes == nullptr) return fail(WEFT_EINVAL, "no caller, or no place");
  std::span<std::byte> found;
  if (caller->caller.memory().bytes(at, count, found) != wasip1::Errno::success) {
    return fail(WEFT_EINVAL, "the address lies outside of the guest's memory");
  }
  *bytes = found.data();
  return WEFT_OK;
}

int weft_caller_fail(weft_caller* caller, const char* text) {
  if (caller == nullptr || text == nullptr) return fail(WEFT_EINVAL, "no caller, or no text");
  return coded([&] {
    caller->why = text;
    return fail(WEFT_EHOST, text);
  });
}

int weft_caller_sleep(weft_caller* caller, int64_t nanoseconds) {
  return waiting(caller, [&] { sleep_for(weft::nanoseconds(nanoseconds)); });
}

int weft_caller_park(weft_caller* caller) {
  return waiting(caller, [&] {
    const std::any kept = caller->caller.guest().data();  // Whatever becomes of the guest.
    OfC& of = *std::any_cast<const std::shared_ptr<OfC>&>(kept);
    struct Parked {
      OfC& of;
      explicit Parked(OfC& o) : of(o) { of.parked = &this_g(); }
      ~Parked() { of.parked = nullptr; }
    } parked{of};
    while (!of.woken) park(WaitReason::join);
    of.woken = false;
  });
}

int weft_wake(weft_guest* guest) {
  if (const int code = check(guest); code != WEFT_OK) return code;
  OfC& of = of_c(from_handle(guest));
  of.woken = true;
  of.owner->idle = false;
  if (of.parked != nullptr && of.parked->is_waiting())
    of.owner->runtime.scheduler().ready(*of.parked);
  return WEFT_OK;
}
