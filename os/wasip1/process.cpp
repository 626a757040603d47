// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/process.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "os/wasip1/device.h"
#include "os/wasip1/long_call.h"
#include "os/wasip1/memory_files.h"
#include "os/wasip1/stable_files.h"
#include "scheduler/api.h"

namespace weft::wasip1 {

Process::Process(Reactor& reactor, GuestClock& clock, ProcessConfig config)
    : reactor_(reactor),
      clock_(clock),
      config_(std::move(config)),
      resolver_(config_.resolver),
      budgets_(config_.budgets, config_.all_budgets),
      host_memory_(budgets_.memory_bytes),
      fds_(budgets_.descriptors) {}

Process::~Process() {
  stop_cpu_time();
}

// In place of a process's hook. Which ones there are is looked up at each step, since a watcher may
// come and go while a call is under way. It belongs to nobody, so such a call can end with it.
class Process::Watched final : public CallHook {
 public:
  std::optional<Errno> before(const Call& call) override {
    if (call.process.watcher_ != nullptr) (void)call.process.watcher_->before(call);
    CallHook* const own = call.process.config_.hook;
    return own != nullptr ? own->before(call) : std::nullopt;
  }
  void after(const Call& call, Errno result) override {
    CallHook* const own = call.process.config_.hook;
    if (own != nullptr) own->after(call, result);
    if (call.process.watcher_ != nullptr) call.process.watcher_->after(call, result);
  }
};

void Process::watch(CallHook* watcher) {
  static constinit Watched watched;
  watcher_ = watcher;
  hook_ = watcher != nullptr ? &watched : config_.hook;
}

void Process::stop_cpu_time() {
  if (cpu_meter_ == nullptr) return;
  cpu_meter_->forget(*g_);
  cpu_meter_.reset();
}

Result<std::unique_ptr<Process>> Process::create(Reactor& reactor, GuestClock& clock,
                                                 ProcessConfig config) {
  std::unique_ptr<Process> process(new Process(reactor, clock, std::move(config)));
  ProcessConfig& given = process->config_;
  const struct {
    int fd;
    Rights direction;
  } stdio[] = {{given.stdin_fd, rights::fd_read},
               {given.stdout_fd, rights::fd_write},
               {given.stderr_fd, rights::fd_write}};
  for (std::size_t i = 0; i < std::size(stdio); ++i) {
    const auto& [fd, direction] = stdio[i];
    Status added = given.stdio[i].device != nullptr
                       ? process->add_device(given.stdio[i], direction, 0)
                       : process->add_stdio(fd, direction);
    if (!added) return added.error();
  }
  for (UniqueFd& listener : given.listeners) {
    if (Status added = process->add_listener(std::move(listener)); !added) return added.error();
  }
  given.listeners.clear();
  for (const DeviceFile& link : given.links) {
    Status added = process->add_device(link, rights::fd_read | rights::fd_write, fdflags::nonblock);
    if (!added) return added.error();
  }
  for (const Preopen& preopen : given.preopens) {
    if (Status added = process->add_preopen(preopen); !added) return added.error();
  }
  return process;
}

Status Process::add_stdio(int host_fd, Rights direction) {
  auto file = host_fd < 0 ? HostFile::null(reactor_) : HostFile::borrow(reactor_, host_fd);
  if (!file) return file.error();
  // Only the stream's own direction: a terminal is open for reading and writing on all three.
  Rights base = rights::of_stream;
  switch ((*file)->type()) {
    case FileType::regular_file:
    case FileType::block_device:
      base = rights::of_file;
      break;
    case FileType::character_device:
      if (!(*file)->is_tty()) base = rights::of_stream | rights::fd_seek | rights::fd_tell;
      break;
    case FileType::socket_stream:
    case FileType::socket_dgram:
      base = rights::of_socket;
      break;
    default:
      break;
  }
  base &= ~(rights::fd_read | rights::fd_write);
  if (direction == rights::fd_read) {
    base &= ~(rights::fd_allocate | rights::fd_filestat_set_size);
  }
  const int flags = ::fcntl((*file)->fd(), F_GETFL);
  const bool append = (flags & O_APPEND) != 0;
  Fd fd = 0;
  const Errno added =
      fds_.add(std::make_unique<Descriptor>(*file, base | direction, Rights{0},
                                            append ? fdflags::append : std::uint16_t{0}),
               fd);
  if (added != Errno::success)
    return Error{"no descriptor is left for stdin, stdout and stderr (--fds, --total-fds)"};
  return Nothing{};
}

Status Process::add_device(const DeviceFile& file, Rights direction, std::uint16_t flags) {
  auto simulated = HostFile::simulate(reactor_, file.device, file.type);
  if (!simulated) return simulated.error();
  const bool socket = file.type == FileType::socket_stream || file.type == FileType::socket_dgram;
  const Rights all = socket ? rights::of_socket : rights::of_stream;
  const Rights base = (all & ~(rights::fd_read | rights::fd_write)) | direction;
  auto descriptor = std::make_unique<Descriptor>(std::move(*simulated), base, Rights{0}, flags);
  descriptor->preopened_socket = socket;
  Fd number = 0;
  if (fds_.add(std::move(descriptor), number) != Errno::success) {
    return Error{"no descriptor is left for the streams of the simulation"};
  }
  return Nothing{};
}

Status Process::add_listener(UniqueFd fd) {
  int listening = 0;
  socklen_t length = sizeof listening;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 ||
      listening == 0) {
    return Error{"descriptor " + std::to_string(fd.get()) + " is not a listening socket"};
  }
  (void)::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  (void)::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  auto descriptor =
      std::make_unique<Descriptor>(HostFile::own(reactor_, std::move(fd)), rights::of_listener,
                                   rights::of_socket, fdflags::nonblock);
  descriptor->preopened_socket = true;
  Fd number = 0;
  if (fds_.add(std::move(descriptor), number) != Errno::success) {
    return Error{"no descriptor is left for a listener (--fds, --total-fds)"};
  }
  return Nothing{};
}

Status Process::add_preopen(const Preopen& preopen) {
  if (preopen.files == nullptr) return add_host_directory(preopen);
  auto device = std::make_shared<MemoryDirectory>(preopen.files, preopen.files->root());
  auto file = HostFile::simulate(reactor_, std::move(device), FileType::directory);
  if (!file) return file.error();
  return add_directory(std::move(*file), rights::of_directory & ~rights::fd_filestat_set_times,
                       preopen);
}

Status Process::add_host_directory(const Preopen& preopen) {
  UniqueFd fd(::open(preopen.host_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    return errno_error(preopen.host_path + ": can't be opened as a directory", errno);
  }
  if (check_file_system(fd.get()) != Errno::success) {
    return Error{
        preopen.host_path +
        ": shows or steers the processes of the host, weft's own too; no guest can have it"};
  }
  return add_directory(HostFile::own(reactor_, std::move(fd)), rights::of_directory, preopen);
}

Status Process::add_directory(std::shared_ptr<HostFile> file, Rights base, const Preopen& preopen) {
  auto descriptor = std::make_unique<Descriptor>(std::move(file), base, rights::all);
  descriptor->preopen_path = preopen.guest_path;
  Fd number = 0;
  if (fds_.add(std::move(descriptor), number) != Errno::success) {
    return Error{preopen.host_path + ": no descriptor is left for it (--fds, --total-fds)"};
  }
  return Nothing{};
}

Duration Process::cpu_time() {
  if (!clock_.passes_by_itself()) {
    constexpr std::uint64_t kMost = INT64_MAX / kCpuTimePerFuel.ns;
    const std::uint64_t fuel = std::min<std::uint64_t>(budgets_.fuel.used(), kMost);
    return {static_cast<std::int64_t>(fuel) * kCpuTimePerFuel.ns};
  }
  if (cpu_meter_ == nullptr) {
    cpu_meter_ = CpuMeter::of_thread();
    g_ = &this_g();
    cpu_meter_->watch(*g_, cpu_begin_);
  }
  return cpu_meter_->used_by(*g_);
}

Errno Process::stable_inode(std::uint64_t device, std::uint64_t& inode) {
  constexpr std::uint64_t kBytesPerInode = 96;  // A node of the map.
  StableFiles* const stable = stable_files();
  if (stable == nullptr) return Errno::success;
  if (!stable->knows(device, inode) && !host_memory_.take(kBytesPerInode)) return Errno::nomem;
  inode = stable->inode(device, inode);
  return Errno::success;
}

Errno Process::stabilise(struct stat& status) {
  StableFiles* const stable = stable_files();
  if (stable == nullptr) return Errno::success;
  std::uint64_t inode = status.st_ino;
  WEFT_WASI_TRY(stable_inode(status.st_dev, inode));
  stable->stabilise(status);
  return Errno::success;
}

Errno Process::random(std::span<std::byte> buffer) {
  LongCall turns;
  while (!buffer.empty()) {
    std::size_t n = std::min(buffer.size(), kBytesPerTurn);
    if (config_.random) {
      config_.random(buffer.first(n));
    } else {
      const ssize_t got = ::getrandom(buffer.data(), n, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return from_host(errno);
      n = static_cast<std::size_t>(got);
    }
    buffer = buffer.subspan(n);
    turns.moved(n);
  }
  return Errno::success;
}

}  // namespace weft::wasip1
