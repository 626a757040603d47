// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/functions.h"

#include <algorithm>
#include <array>
#include <string>
#include <type_traits>
#include <utility>

#include "os/wasip1/calls.h"
#include "scheduler/api.h"

namespace weft::wasip1 {
namespace {

// A string literal as a template argument.
template <std::size_t n>
struct Text {
  char chars[n];
  consteval Text(const char (&literal)[n]) { std::copy_n(literal, n, chars); }  // NOLINT: implicit
  [[nodiscard]] constexpr std::string_view view() const { return {chars, n - 1}; }
};

// "==> fd_write(fd=1, iovs=4096, iovs_len=1, nwritten=4080)". Arguments as they came: unsigned, in
// decimal.
void trace_call(TraceSink& sink, std::string_view name, std::string_view arg_names,
                std::span<const std::uint64_t> args) {
  std::string line("==> ");
  line.append(name).append("(");
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::size_t end = std::min(arg_names.find(' '), arg_names.size());
    if (i > 0) line.append(", ");
    line.append(arg_names.substr(0, end)).append("=").append(std::to_string(args[i]));
    arg_names.remove_prefix(std::min(end + 1, arg_names.size()));
  }
  sink.line(line.append(")"));
}

void trace_return(TraceSink& sink, Errno result) {
  sink.line(std::string("<== ").append(wasip1::name(result)));
}

// A call to WASI is a safe point: a guest that was asked to yield or to end does so here. (A test
// may call without a G.)
void safe_point() {
  if (scheduler_of_thread != nullptr && scheduler_of_thread->current() != nullptr) checkpoint();
}

// The row whose Function::call this is.
const Function& row_of(decltype(Function::call) call);

template <auto typed, Text name, Text arg_names, class Result, class... Args>
struct Adapter {
  static constexpr std::size_t kArgs = sizeof...(Args);
  // One element more, so that it is an array without parameters too.
  static constexpr std::array<char, kArgs + 1> kParams{(sizeof(Args) == 8 ? 'I' : 'i')...};

  static std::uint32_t call(Process& process, Memory memory, const std::uint64_t* args) {
    safe_point();
    TraceSink* const trace = process.trace();
    if (trace != nullptr) [[unlikely]] {
      trace_call(*trace, name.view(), arg_names.view(), as_unsigned(args));
    }
    const auto typed_call = [&] {
      return unpack(args, [&](auto... values) {
        if constexpr (std::is_void_v<Result>) {
          typed(process, memory, values...);
          return Errno::success;
        } else {
          return typed(process, memory, values...);
        }
      });
    };
    Errno result{};
    if (CallHook* const hook = process.hook(); hook != nullptr) [[unlikely]] {
      const std::array<std::uint64_t, kArgs> shown = as_unsigned(args);
      static const Function& function = row_of(&Adapter::call);
      const Call call{function, shown, process, memory};
      const std::optional<Errno> instead = hook->before(call);
      result = instead ? *instead : typed_call();
      hook->after(call, result);
    } else {
      result = typed_call();
    }
    if (trace != nullptr) [[unlikely]]
      trace_return(*trace, result);
    return static_cast<std::uint32_t>(result);
  }

  // An i32's upper half is whatever the engine left there.
  static std::array<std::uint64_t, kArgs> as_unsigned(const std::uint64_t* args) {
    return unpack(args, [](auto... values) {
      return std::array<std::uint64_t, kArgs>{static_cast<std::uint64_t>(
          static_cast<std::make_unsigned_t<decltype(values)>>(values))...};
    });
  }

  template <class F>
  static auto unpack([[maybe_unused]] const std::uint64_t* args, F&& f) {
    const auto call = [&]<std::size_t... i>(std::index_sequence<i...>) {
      return f(static_cast<Args>(args[i])...);
    };
    return call(std::index_sequence_for<Args...>{});
  }
};

template <auto typed, Text name, Text arg_names>
constexpr Function entry(CallFacts facts) {
  return [facts]<class Result, class... Args>(Result (*)(Process&, Memory, Args...)) {
    using A = Adapter<typed, name, arg_names, Result, Args...>;
    return Function{name.view(),
                    std::string_view(A::kParams.data(), A::kArgs),
                    !std::is_void_v<Result>,
                    &A::call,
                    arg_names.view(),
                    facts};
  }(typed);
}

constexpr CallFacts own(std::string_view shape = {}) {
  return {shape, Sight::own, Touch::nothing, Change::no, Failure::never, false};
}
constexpr CallFacts own_on_disk(std::string_view shape) {
  return {shape, Sight::own, Touch::nothing, Change::no, Failure::never, true};
}
constexpr CallFacts on_descriptor(std::string_view shape, Change changes,
                                  Failure failure = Failure::never) {
  return {shape, Sight::shared, Touch::descriptor, changes, failure, true};
}
constexpr CallFacts on_files(std::string_view shape, Change changes, Failure failure) {
  return {shape, Sight::shared, Touch::files, changes, failure, true};
}

constexpr Function kFunctions[] = {
    entry<args_get, "args_get", "argv argv_buf">(own()),
    entry<args_sizes_get, "args_sizes_get", "argc argv_buf_size">(own()),
    entry<clock_res_get, "clock_res_get", "id resolution">(own()),
    entry<clock_time_get, "clock_time_get", "id precision time">(own("vvT")),
    entry<environ_get, "environ_get", "environ environ_buf">(own()),
    entry<environ_sizes_get, "environ_sizes_get", "count buf_size">(own()),
    entry<fd_advise, "fd_advise", "fd offset len advice">(own_on_disk("vvvv")),
    entry<fd_allocate, "fd_allocate", "fd offset len">(
        on_descriptor("vvv", Change::yes, Failure::nospc)),
    entry<fd_close, "fd_close", "fd">(on_descriptor("v", Change::no)),
    entry<fd_datasync, "fd_datasync", "fd">(on_descriptor("v", Change::yes, Failure::io)),
    entry<fd_fdstat_get, "fd_fdstat_get", "fd fdstat">(own("vD")),
    entry<fd_fdstat_set_flags, "fd_fdstat_set_flags", "fd flags">(own("vv")),
    entry<fd_fdstat_set_rights, "fd_fdstat_set_rights", "fd base inheriting">(own("vvv")),
    entry<fd_filestat_get, "fd_filestat_get", "fd filestat">(
        on_descriptor("vS", Change::yes, Failure::io)),
    entry<fd_filestat_set_size, "fd_filestat_set_size", "fd size">(
        on_descriptor("vv", Change::yes, Failure::io)),
    entry<fd_filestat_set_times, "fd_filestat_set_times", "fd atim mtim fst_flags">(
        on_descriptor("vvvv", Change::yes, Failure::io)),
    entry<fd_pread, "fd_pread", "fd iovs iovs_len offset nread">(
        on_descriptor("vrnvc", Change::no, Failure::io)),
    entry<fd_prestat_dir_name, "fd_prestat_dir_name", "fd path path_len">(own("vRn")),
    entry<fd_prestat_get, "fd_prestat_get", "fd prestat">(own("v8")),
    entry<fd_pwrite, "fd_pwrite", "fd iovs iovs_len offset nwritten">(
        on_descriptor("vwnvc", Change::yes, Failure::nospc)),
    entry<fd_read, "fd_read", "fd iovs iovs_len nread">(
        on_descriptor("vrnc", Change::no, Failure::io)),
    entry<fd_readdir, "fd_readdir", "fd buf buf_len cookie bufused">(
        on_descriptor("vbnvc", Change::yes, Failure::io)),
    entry<fd_renumber, "fd_renumber", "fd to">(own_on_disk("vv")),
    entry<fd_seek, "fd_seek", "fd offset whence new_offset">(own("vvv8")),
    entry<fd_sync, "fd_sync", "fd">(on_descriptor("v", Change::yes, Failure::io)),
    entry<fd_tell, "fd_tell", "fd offset">(own("v8")),
    entry<fd_write, "fd_write", "fd iovs iovs_len nwritten">(
        on_descriptor("vwnc", Change::yes, Failure::nospc)),
    entry<path_create_directory, "path_create_directory", "fd path path_len">(
        on_files("vpn", Change::yes, Failure::nospc)),
    entry<path_filestat_get, "path_filestat_get", "fd flags path path_len filestat">(
        on_files("vvpnS", Change::yes, Failure::io)),
    entry<path_filestat_set_times, "path_filestat_set_times",
          "fd flags path path_len atim mtim fst_flags">(
        on_files("vvpnvvv", Change::yes, Failure::io)),
    entry<path_link, "path_link",
          "old_fd old_flags old_path old_path_len new_fd new_path new_path_len">(
        on_files("vvpnvpn", Change::yes, Failure::nospc)),
    entry<path_open, "path_open",
          "fd dirflags path path_len oflags base inheriting fdflags opened_fd">(
        on_files("vvpnvvvv4", Change::if_it_creates, Failure::if_it_creates)),
    entry<path_readlink, "path_readlink", "fd path path_len buf buf_len bufused">(
        on_files("vpnbnc", Change::no, Failure::io)),
    entry<path_remove_directory, "path_remove_directory", "fd path path_len">(
        on_files("vpn", Change::yes, Failure::io)),
    entry<path_rename, "path_rename", "fd old_path old_path_len new_fd new_path new_path_len">(
        on_files("vpnvpn", Change::yes, Failure::nospc)),
    entry<path_symlink, "path_symlink", "old_path old_path_len fd new_path new_path_len">(
        on_files("pnvpn", Change::yes, Failure::nospc)),
    entry<path_unlink_file, "path_unlink_file", "fd path path_len">(
        on_files("vpn", Change::yes, Failure::io)),
    entry<poll_oneoff, "poll_oneoff", "in out nsubscriptions nevents">(
        CallFacts{"senc", Sight::own, Touch::links}),
    entry<proc_exit, "proc_exit", "rval">(own()),
    entry<proc_raise, "proc_raise", "sig">(own()),
    entry<random_get, "random_get", "buf buf_len">(own("Rn")),
    entry<sched_yield, "sched_yield", "">(own()),
    entry<sock_accept, "sock_accept", "fd flags accepted_fd">(on_descriptor("vv4", Change::yes)),
    entry<sock_recv, "sock_recv", "fd ri_data ri_data_len ri_flags ro_datalen ro_flags">(
        on_descriptor("vrnvc2", Change::yes)),
    entry<sock_send, "sock_send", "fd si_data si_data_len si_flags so_datalen">(
        on_descriptor("vwnvc", Change::yes)),
    entry<sock_shutdown, "sock_shutdown", "fd how">(on_descriptor("vv", Change::yes)),
};
static_assert(std::size(kFunctions) == 46);

constexpr const Function* find_in(std::span<const Function> list, std::string_view name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const Function& f) { return f.name == name; });
  return found == list.end() ? nullptr : &*found;
}

// Only layouts differ between the two generations.
constexpr CallFacts facts_of(std::string_view name) {
  return find_in(kFunctions, name)->facts;
}

constexpr Function kUnstable[] = {
    entry<unstable::fd_filestat_get, "fd_filestat_get", "fd filestat">(facts_of("fd_filestat_get")),
    entry<unstable::fd_seek, "fd_seek", "fd offset whence new_offset">(facts_of("fd_seek")),
    entry<unstable::path_filestat_get, "path_filestat_get", "fd flags path path_len filestat">(
        facts_of("path_filestat_get")),
    entry<unstable::poll_oneoff, "poll_oneoff", "in out nsubscriptions nevents">(
        facts_of("poll_oneoff")),
};

const Function& row_of(decltype(Function::call) call) {
  for (const Function& function : kFunctions) {
    if (function.call == call) return function;
  }
  for (const Function& function : kUnstable) {
    if (function.call == call) return function;
  }
  WEFT_CHECK(false, "a WASI function is in no table");
}

}  // namespace

std::span<const Function> functions() {
  return kFunctions;
}

std::size_t number_of(std::string_view name) {
  const Function* function = find_in(kFunctions, name);
  WEFT_CHECK(function != nullptr, "there is no WASI function of this name");
  return static_cast<std::size_t>(function - kFunctions);
}

const Function* find(std::string_view module, std::string_view name) {
  if (module == "wasi_snapshot_preview1") return find_in(kFunctions, name);
  if (module != "wasi_unstable" || name == "sock_accept") return nullptr;
  const Function* own = find_in(kUnstable, name);
  return own != nullptr ? own : find_in(kFunctions, name);
}

bool waited_for_disk(const Function& function, Process& process, const std::uint64_t* args) {
  if (!function.facts.waits_for_disk) return false;
  if (function.facts.touches != Touch::descriptor) return true;
  Descriptor* touched = nullptr;
  if (process.fds().find(static_cast<Fd>(args[0]), 0, touched) != Errno::success) return false;
  return touched->type == FileType::regular_file || touched->type == FileType::directory;
}

}  // namespace weft::wasip1
