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

// A call to WASI is a safe point: whoever was asked to yield or to end does so here. (A test may
// call without a G.)
void safe_point() {
  if (scheduler_of_thread != nullptr && scheduler_of_thread->current() != nullptr) checkpoint();
}

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
      const Call call{name.view(), shown, process, memory};
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
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return f(static_cast<Args>(args[i])...);
    }
    (std::index_sequence_for<Args...>{});
  }
};

template <auto typed, Text name, Text arg_names>
constexpr Function entry() {
  return []<class Result, class... Args>(Result (*)(Process&, Memory, Args...)) {
    using A = Adapter<typed, name, arg_names, Result, Args...>;
    return Function{name.view(), std::string_view(A::kParams.data(), A::kArgs),
                    !std::is_void_v<Result>, &A::call, arg_names.view()};
  }(typed);
}

constexpr Function kFunctions[] = {
    entry<args_get, "args_get", "argv argv_buf">(),
    entry<args_sizes_get, "args_sizes_get", "argc argv_buf_size">(),
    entry<clock_res_get, "clock_res_get", "id resolution">(),
    entry<clock_time_get, "clock_time_get", "id precision time">(),
    entry<environ_get, "environ_get", "environ environ_buf">(),
    entry<environ_sizes_get, "environ_sizes_get", "count buf_size">(),
    entry<fd_advise, "fd_advise", "fd offset len advice">(),
    entry<fd_allocate, "fd_allocate", "fd offset len">(),
    entry<fd_close, "fd_close", "fd">(),
    entry<fd_datasync, "fd_datasync", "fd">(),
    entry<fd_fdstat_get, "fd_fdstat_get", "fd fdstat">(),
    entry<fd_fdstat_set_flags, "fd_fdstat_set_flags", "fd flags">(),
    entry<fd_fdstat_set_rights, "fd_fdstat_set_rights", "fd base inheriting">(),
    entry<fd_filestat_get, "fd_filestat_get", "fd filestat">(),
    entry<fd_filestat_set_size, "fd_filestat_set_size", "fd size">(),
    entry<fd_filestat_set_times, "fd_filestat_set_times", "fd atim mtim fst_flags">(),
    entry<fd_pread, "fd_pread", "fd iovs iovs_len offset nread">(),
    entry<fd_prestat_dir_name, "fd_prestat_dir_name", "fd path path_len">(),
    entry<fd_prestat_get, "fd_prestat_get", "fd prestat">(),
    entry<fd_pwrite, "fd_pwrite", "fd iovs iovs_len offset nwritten">(),
    entry<fd_read, "fd_read", "fd iovs iovs_len nread">(),
    entry<fd_readdir, "fd_readdir", "fd buf buf_len cookie bufused">(),
    entry<fd_renumber, "fd_renumber", "fd to">(),
    entry<fd_seek, "fd_seek", "fd offset whence new_offset">(),
    entry<fd_sync, "fd_sync", "fd">(),
    entry<fd_tell, "fd_tell", "fd offset">(),
    entry<fd_write, "fd_write", "fd iovs iovs_len nwritten">(),
    entry<path_create_directory, "path_create_directory", "fd path path_len">(),
    entry<path_filestat_get, "path_filestat_get", "fd flags path path_len filestat">(),
    entry<path_filestat_set_times, "path_filestat_set_times",
          "fd flags path path_len atim mtim fst_flags">(),
    entry<path_link, "path_link",
          "old_fd old_flags old_path old_path_len new_fd new_path new_path_len">(),
    entry<path_open, "path_open",
          "fd dirflags path path_len oflags base inheriting fdflags opened_fd">(),
    entry<path_readlink, "path_readlink", "fd path path_len buf buf_len bufused">(),
    entry<path_remove_directory, "path_remove_directory", "fd path path_len">(),
    entry<path_rename, "path_rename", "fd old_path old_path_len new_fd new_path new_path_len">(),
    entry<path_symlink, "path_symlink", "old_path old_path_len fd new_path new_path_len">(),
    entry<path_unlink_file, "path_unlink_file", "fd path path_len">(),
    entry<poll_oneoff, "poll_oneoff", "in out nsubscriptions nevents">(),
    entry<proc_exit, "proc_exit", "rval">(),
    entry<proc_raise, "proc_raise", "sig">(),
    entry<random_get, "random_get", "buf buf_len">(),
    entry<sched_yield, "sched_yield", "">(),
    entry<sock_accept, "sock_accept", "fd flags accepted_fd">(),
    entry<sock_recv, "sock_recv", "fd ri_data ri_data_len ri_flags ro_datalen ro_flags">(),
    entry<sock_send, "sock_send", "fd si_data si_data_len si_flags so_datalen">(),
    entry<sock_shutdown, "sock_shutdown", "fd how">(),
};
static_assert(std::size(kFunctions) == 46);

constexpr Function kUnstable[] = {
    entry<unstable::fd_filestat_get, "fd_filestat_get", "fd filestat">(),
    entry<unstable::fd_seek, "fd_seek", "fd offset whence new_offset">(),
    entry<unstable::path_filestat_get, "path_filestat_get", "fd flags path path_len filestat">(),
    entry<unstable::poll_oneoff, "poll_oneoff", "in out nsubscriptions nevents">(),
};

const Function* find_in(std::span<const Function> list, std::string_view name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const Function& f) { return f.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

std::span<const Function> functions() {
  return kFunctions;
}

const Function* find(std::string_view module, std::string_view name) {
  if (module == "wasi_snapshot_preview1") return find_in(kFunctions, name);
  if (module != "wasi_unstable" || name == "sock_accept") return nullptr;
  const Function* own = find_in(kUnstable, name);
  return own != nullptr ? own : find_in(kFunctions, name);
}

}  // namespace weft::wasip1
