// SPDX-License-Identifier: Apache-2.0
#include "guest/runtime.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/unique_fd.h"
#include "guest/engines.h"
#include "guest/go/preemption.h"
#include "os/wasip1/long_call.h"

namespace weft {
namespace {

// A module is read whole; nothing that libwabt reads in reasonable time is larger.
constexpr off_t kFileBytesMax = off_t{256} << 20;
// As sysexits.h has it: an error when something is written.
constexpr std::uint32_t kResultsNotWritten = 74;
constexpr const char* kTooLarge = "larger than 256 MiB, too large for a module";

Result<std::vector<std::byte>> read_file(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Error{std::strerror(errno)};
  struct stat about = {};
  if (::fstat(fd.get(), &about) != 0) return Error{std::strerror(errno)};
  if (S_ISDIR(about.st_mode)) return Error{"is a directory, not a WebAssembly module"};
  if (about.st_size > kFileBytesMax) return Error{kTooLarge};
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(about.st_size) + 1);
  for (;;) {  // Not by the size alone: the file may be a pipe.
    constexpr std::size_t kChunk = 256 * 1024;
    const std::size_t filled = bytes.size();
    if (static_cast<off_t>(filled) > kFileBytesMax) return Error{kTooLarge};
    bytes.resize(filled + kChunk);
    const ssize_t got = ::read(fd.get(), bytes.data() + filled, kChunk);
    if (got < 0 && errno != EINTR) return Error{std::strerror(errno)};
    bytes.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return bytes;
  }
}

std::string base_name(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

// What the guest asked for, within what its module may have.
BudgetSizes budgets_of(const Module& module, BudgetSizes sizes) {
  const GuestLimits& limits = module.limits;
  const std::uint64_t memory_bytes = std::uint64_t{limits.memory_pages_max} * kWasmPageBytes;
  sizes.memory_bytes = std::min(sizes.memory_bytes, memory_bytes);
  sizes.table_elements = std::min<std::uint64_t>(sizes.table_elements, limits.table_elements_max);
  if (limits.fuel != 0) sizes.fuel = std::min(sizes.fuel, limits.fuel);
  return sizes;
}

// The guest has descriptors of its own: the caller keeps those that it gave.
Status give_listeners(const std::vector<int>& listeners, wasip1::ProcessConfig& config) {
  for (const int listener : listeners) {
    config.listeners.emplace_back(::fcntl(listener, F_DUPFD_CLOEXEC, 0));
    if (!config.listeners.back().valid()) {
      return errno_error("listener " + std::to_string(listener), errno);
    }
  }
  return Nothing{};
}

}  // namespace

Guest::Guest(Runtime& runtime, std::size_t number, std::string name, std::shared_ptr<Module> module,
             std::unique_ptr<wasip1::Process> process, const EntryPoint& entry, Invocation&& invoke)
    : runtime_(runtime),
      number_(number),
      name_(std::move(name)),
      module_(std::move(module)),
      engine_(module_->engine()),
      loading_(module_->loading),
      process_(std::move(process)),
      entry_(entry),
      invoke_(std::move(invoke)),
      results_(std::move(invoke_.values)) {}

GuestEnd Guest::run_module(Instance& instance) {
  if (calls_) return serve(instance);
  GuestEnd end = run_entry(instance, entry_, results_);
  if (!end.returned || !invoke_.prints) return end;
  try {
    const std::string text = results_in_words(entry_.type->results, results_);
    if (!print_for_guest(*process_, text)) end.exit_code = kResultsNotWritten;
  } catch (const wasip1::OutputSpent&) {
    end.kind = GuestEnd::Kind::trapped;
    end.trap.kind = TrapKind::out_of_output;
  }
  return end;
}

Guest::~Guest() = default;

// In real time it needs nobody who asks for it.
void Guest::make_steering() {
  if (module_->go == nullptr) return;
  if (steer_) {
    steering_ = steer_(*module_->go);
  } else if (module_->limits.quantum == 0) {
    steering_ = std::make_unique<guest::go::Preemption>(*module_->go);
  }
  if (steering_ == nullptr) return;
  preemption_ = steering_->preemption();
  watch_goroutines();
}

void Guest::watch_goroutines() {
  if (steering_ == nullptr || !runtime_.watch_goroutines_) return;
  steering_ = runtime_.watch_goroutines_(*this, *module_->go, std::move(steering_));
  is_watched_ = true;
  if (instance_ != nullptr) instance_->steer(steering_.get());
}

void Guest::leave_goroutines() {
  if (!std::exchange(is_watched_, false)) return;
  std::unique_ptr<guest::go::Steering> behind = steering_->take_behind();
  if (instance_ != nullptr) instance_->steer(behind.get());
  steering_ = std::move(behind);
}

// Giving back a file that has no name any more takes the host long, and a guest may have thousands:
// after each the others get a turn. In virtual time nobody waits for it.
static void close_all(wasip1::Process& process) {
  wasip1::WorkToFinish turns;
  wasip1::Descriptor* descriptor = nullptr;
  for (wasip1::Fd fd = 0; process.fds().open() > 0; ++fd) {
    if (process.fds().find(fd, 0, descriptor) == wasip1::Errno::badf) continue;
    constexpr wasip1::Fd kFirstOwn = 3;  // Those below are somebody else's, too.
    const bool is_file = fd >= kFirstOwn && descriptor->type == wasip1::FileType::regular_file;
    (void)process.fds().close(fd);
    if (is_file && process.clock().passes_by_itself()) turns.give_way();
  }
}

// The life of the guest, on its G.
void Guest::run() {
  GuestEnd out_of_memory{
      .kind = GuestEnd::Kind::trapped, .exit_code = 0, .returned = false, .trap = {}};
  out_of_memory.trap.kind = TrapKind::out_of_memory;
  struct Unseen {
    Guest& guest;
    ~Unseen() {
      guest.instance_ = nullptr;
      if (guest.steering_ != nullptr) guest.steering_->see(nullptr);
      close_all(*guest.process_);
    }
  };
  std::unique_ptr<Instance> instance;
  const Unseen unseen{*this};
  try {
    instance = module_->instantiate(*process_);
    make_steering();
    instance->steer(steering_.get());
    instance_ = instance.get();
    end_ = run_module(*instance);
  } catch (const std::bad_alloc&) {
    end_ = std::move(out_of_memory);
  } catch (const Killed&) {
    if (instance != nullptr) killed_at_ = instance->killed_at();
    throw;
  }
}

std::optional<TrapReport> Guest::place_of(std::uint32_t function, bool reads_lines) const {
  if (module_ == nullptr) return {};
  const ModuleInfo& info = module_->info;
  TrapReport place;
  place.frames.push_back(info.describe_function(function));
  place.offset = info.code_offset(function);
  if (reads_lines || lines_not_read() == 0) place.source = info.source_line(place.offset);
  return place;
}

std::size_t Guest::lines_not_read() const {
  return module_ != nullptr ? module_->info.source_lines.bytes_not_read() : 0;
}

GuestEnd Guest::wait() {
  if (end_) return *end_;
  WEFT_CHECK(&this_g() != g_, "a guest waited for its own end");
  EndWait wait(this_g());
  waits_.push_back(wait);
  while (!wait.end) park(WaitReason::join);
  return std::move(*wait.end);
}

void Guest::when_ended(std::function<void(const GuestEnd&)> f) {
  if (end_) return f(*end_);
  when_ended_.push_back(std::move(f));
}

void Guest::Deadline::fire(Timer& timer) {
  Guest& guest = static_cast<Deadline&>(timer).guest;
  guest.out_of_time_ = true;
  guest.runtime_.kill(guest);
}

void Runtime::AllDeadline::fire(Timer& timer) {
  Runtime& runtime = static_cast<AllDeadline&>(timer).runtime;
  // A kill may call an end handler, which may spawn and forget guests.
  for (std::size_t number = 0;; ++number) {
    const auto next = runtime.from_number(number);
    if (next == runtime.guests_.end()) return;
    number = (*next)->number();
    (*next)->out_of_time_ = true;
    runtime.kill(**next);
  }
}

// The G is dead, killed or not, before it ran or after: what the guest held is released here.
void Guest::ended() {
  if (!end_) {
    end_ = GuestEnd{.kind = GuestEnd::Kind::killed,
                    .exit_code = 0,
                    .returned = false,
                    .trap = std::move(killed_at_)};
    if (out_of_time_) {
      end_->kind = GuestEnd::Kind::trapped;
      end_->trap.kind = TrapKind::out_of_time;
    }
  }
  runtime_.scheduler_.cancel(deadline_);
  if (--runtime_.live_guests_ == 0) runtime_.scheduler_.cancel(runtime_.all_deadline_);
  g_ = nullptr;
  process_.reset();
  module_.reset();
  ending_ = true;
  finish();
  for (const auto& f : std::exchange(when_ended_, {})) f(*end_);
  while (EndWait* wait = pop_waiting(waits_)) {
    wait->end = *end_;
    runtime_.scheduler_.ready(wait->g());
  }
  if (on_end_) on_end_(*this);
  if (runtime_.on_end_) runtime_.on_end_(*this);
  ending_ = false;
  if (forgotten_) runtime_.forget(*this);
}

Runtime::Runtime(const RuntimeOptions& options, std::unique_ptr<Engine> engine)
    : clock_(options.clock != nullptr ? *options.clock : system_clock_),
      engine_(std::move(engine)),
      scheduler_(clock_, options.poller != nullptr ? *options.poller : reactor_,
                 {.guard = options.guard, .seed = options.seed}) {
  if (engine_ != nullptr) engine_->offer(&host_functions_);
}

Runtime::Runtime(boost::asio::io_context& io, std::unique_ptr<Engine> engine)
    : clock_(system_clock_),
      reactor_(io),
      engine_(std::move(engine)),
      scheduler_(clock_, reactor_) {
  if (engine_ != nullptr) engine_->offer(&host_functions_);
  turns_.emplace(scheduler_, reactor_);
}

Runtime::~Runtime() {
  on_end_ = nullptr;
  for (const auto& guest : guests_) guest->on_end_ = nullptr;
}

void Runtime::limit_all(const UseLimits& limits) {
  WEFT_CHECK(last_number_ == 0, "the limits of all guests were set after the first was spawned");
  all_limits_ = limits;
  all_budgets_.emplace(limits.sizes);
}

void Runtime::watch_calls(wasip1::CallHook* watcher) {
  watcher_ = watcher;
  for (const auto& guest : guests_) {
    if (guest->process_ != nullptr) guest->process_->watch(watcher);
  }
}

void Runtime::watch_goroutines(WatchGoroutines f) {
  for (const auto& guest : guests_) guest->leave_goroutines();
  watch_goroutines_ = std::move(f);
  for (const auto& guest : guests_) {
    if (guest->instance_ != nullptr) guest->watch_goroutines();
  }
}

void Runtime::forget(Guest& guest) {
  WEFT_CHECK(guest.end().has_value(), "a guest was forgotten that has not ended");
  if (guest.ending_) {
    guest.forgotten_ = true;
  } else {
    guests_.erase(from_number(guest.number()));
  }
}

std::vector<std::unique_ptr<Guest>>::iterator Runtime::from_number(std::size_t number) {
  return std::lower_bound(guests_.begin(), guests_.end(), number,
                          [](const auto& kept, std::size_t than) { return kept->number() < than; });
}

Guest& Caller::guest() const {
  return *static_cast<Guest*>(this_g().owner);
}

std::any& Caller::any_data() const {
  return guest().data();
}

void Runtime::kill(Guest& guest) {
  if (guest.g_ != nullptr) scheduler_.kill(*guest.g_);
}

RunResult Runtime::run() {
  return turns_ ? turns_->run() : scheduler_.run();
}

Result<std::shared_ptr<Module>> Runtime::load(const std::string& path, const GuestLimits& limits,
                                              Role role) {
  const Instant begin = system_clock_.now();
  Result<std::vector<std::byte>> bytes = read_file(path);
  if (!bytes) return Error{path + ": " + bytes.error().message};
  Result<std::shared_ptr<Module>> module = load_bytes(base_name(path), *bytes, limits, role);
  if (!module) {  // The name with its folder.
    return Error{path.substr(0, path.size() - base_name(path).size()) + module.error().message};
  }
  (*module)->loading = system_clock_.now() - begin;
  return module;
}

Result<std::shared_ptr<Module>> Runtime::load_bytes(const std::string& name,
                                                    std::span<const std::byte> binary,
                                                    const GuestLimits& limits, Role role) {
  GuestLimits within = limits;
  // A guest counts its fuel when there is a limit of it.
  const std::uint64_t all_fuel = all_limits_.sizes.fuel;
  if (within.fuel == 0 && all_fuel != Budget::kUnlimited) within.fuel = all_fuel;
  if (engine_ == nullptr) {
    engine_ = find_engine(kDefaultEngine)->make({});
    engine_->offer(&host_functions_);
  }
  const Instant begin = system_clock_.now();
  Result<std::shared_ptr<Module>> module = engine_->load(name, binary, within, role);
  if (!module) return Error{name + ": " + module.error().message};
  (*module)->loading = system_clock_.now() - begin;
  return module;
}

Result<Guest*> Runtime::spawn(std::shared_ptr<Module> module, GuestOptions options) {
  const auto entry = options.serves ? find_initialize(module->info)
                                    : find_entry(module->info, options.invoke.function);
  if (!entry) return Error{module->name + ": " + entry.error().message};
  if (!options.serves) {
    if (Status fits = check_values(*entry, options.invoke.values); !fits) {
      return Error{module->name + ": " + fits.error().message};
    }
  }
  wasip1::ProcessConfig config;
  config.args = std::move(options.args);
  if (config.args.empty()) config.args = {module->name};
  config.env = std::move(options.env);
  config.preopens = std::move(options.preopens);
  if (Status given = give_listeners(options.listeners, config); !given) return given.error();
  if (options.use.sizes.fuel != Budget::kUnlimited && module->limits.fuel == 0) {
    return Error{module->name + ": to be limited in fuel it must be loaded with GuestLimits::fuel"};
  }
  config.stdin_fd = options.stdin_from.descriptor();
  config.stdout_fd = options.stdout_to.descriptor();
  config.stderr_fd = options.stderr_to.descriptor();
  config.trace = options.trace;
  config.stdio = std::move(options.stdio);
  const Stdio* given[] = {&options.stdin_from, &options.stdout_to, &options.stderr_to};
  for (std::size_t i = 0; i < config.stdio.size(); ++i) {
    if (given[i]->file().device != nullptr) config.stdio[i] = given[i]->file();
  }
  config.links = std::move(options.links);
  config.hook = options.hook;
  config.stable_files = std::move(options.stable_files);
  config.random = std::move(options.random);
  config.budgets = budgets_of(*module, options.use.sizes);
  config.all_budgets = all_budgets_ ? &*all_budgets_ : nullptr;
  auto process = wasip1::Process::create(reactor_, clock_, std::move(config));
  if (!process) return process.error();
  (*process)->watch(watcher_);
  if (!(*process)->budgets().stack_bytes.take(module->limits.stack_bytes)) {
    return Error{module->name + ": no call stack is left for it (--total-stack)"};
  }
  std::string name = std::move(options.name);
  if (name.empty()) name = module->name;
  auto guest = std::make_unique<Guest>(*this, last_number_ + 1, std::move(name), std::move(module),
                                       std::move(*process), *entry, std::move(options.invoke));
  guest->steer_ = std::move(options.steer);
  const SpawnOptions spawn_options{
      .name = guest->name(),
      .stack_bytes = guest->module_->stack_bytes(),
      .on_exit = [](G&, void* self) { static_cast<Guest*>(self)->ended(); },
      .on_exit_context = guest.get(),
      .owner = guest.get()};
  Result<G*> g = scheduler_.spawn([self = guest.get()] { self->run(); }, spawn_options);
  if (!g) return g.error();
  guest->g_ = *g;
  if (options.serves) guest->calls_.emplace(make_chan<std::shared_ptr<Guest::Call>>());
  guest->data_ = std::move(options.data);
  guest->on_end_ = std::move(options.on_end);
  const Instant now = scheduler_.now();
  if (options.use.time > Duration{}) scheduler_.arm(guest->deadline_, now + options.use.time);
  ++live_guests_;
  if (all_limits_.time > Duration{} && !all_deadline_.armed()) {
    if (!all_end_) all_end_ = now + all_limits_.time;
    scheduler_.arm(all_deadline_, *all_end_);
  }
  ++last_number_;
  guests_.push_back(std::move(guest));
  return guests_.back().get();
}

}  // namespace weft
