// SPDX-License-Identifier: Apache-2.0
// CompiledInstance: what every instance that runs as machine code needs, of both engines: how it is
// entered and left, what its code asks of the host, and how its fuel is counted.
//
//   enter() ─▶ the guest's code ─┬─ call()    an import
//      ▲                         ├─ yield_of() sched_yield, on a path of its own
//      │                         ├─ refill()  its portion of fuel is used up: a safe point
//      │                         ├─ turn()    a safe point within an instruction that moves much
//      │                         └─ entered() Go's runtime does what guest/go/ wants to know
//      └── returned, or left: by a trap, proc_exit, a kill, a budget that is spent
//
// C++ exceptions (proc_exit, kills) never pass the guest's frames: the host functions catch them
// here, in one place, and leave by TrapState.
//
// guest/aot/aot_instance.h and guest/jit/jit_instance.h add what their code is made of.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "guest/aot/linear_memory.h"
#include "guest/aot/trap_state.h"
#include "guest/engine.h"
#include "guest/host_function.h"
#include "guest/leaving.h"
#include "guest/turn.h"

namespace weft {

// What code reads and writes of its instance. A guest gets its fuel in portions: its code counts
// one down, and takes the next one here without asking, unless somebody wants it to yield.
struct Portions {
  // The fuel in one portion. A guest hears after at most so much that somebody wants it to yield.
  static constexpr std::uint32_t kPortion = 512;

  std::uint32_t rest = 0;                         // Fuel, beside the portion that the code counts.
  const volatile std::uint8_t* wanted = nullptr;  // Not 0: the guest has to pass a safe point.
};

// What instances of one module share.
class CompiledModule : public Module {
 public:
  using Module::Module;
  [[nodiscard]] std::size_t stack_bytes() const override { return limits.stack_bytes; }

  // Puts the functions and the offset of a guest that was left into its report. On bad_alloc the
  // report keeps what it has so far.
  virtual void describe(const TrapState& state, TrapReport& report) = 0;

  // The guest's function that an address of its code lies in; UINT32_MAX: it is not known.
  virtual std::uint32_t function_at(const void* code) = 0;

  void bind(std::vector<Import> functions);

  std::vector<Import> imports;
  std::size_t yield_import = SIZE_MAX;  // Which of them is sched_yield.
};

// Not polymorphic: compiled code uses its address as that of its Portions.
class CompiledInstance : public Portions {
 public:
  explicit CompiledInstance(CompiledModule& module) : shared_(module) { state_.owner = this; }
  CompiledInstance(const CompiledInstance&) = delete;
  CompiledInstance& operator=(const CompiledInstance&) = delete;

  [[nodiscard]] const TrapReport& killed_at() const { return killed_at_; }

  // As Instance::steer.
  void steer(guest::go::Steering* steering);

  // --- for the compiled code ---
  // The one that runs on this G.
  static CompiledInstance& current();
  // Ends enter() by a jump. No frame in between may hold an object with a destructor.
  [[noreturn]] void trap(TrapKind kind, std::uint32_t offset = 0, const char* detail = "");
  // `from`: where the guest's function goes on; nullptr: it is not known.
  std::uint64_t call(std::uint32_t import, const std::uint64_t* args, const void* from);
  static std::uint32_t yield_of(void* instance);
  // The portion is used up: `left` <= 0 is left of it. Returns the next portion, > 0.
  std::uint32_t refill(std::uint32_t left, const void* from);
  void turn(const void* from);
  void entered(std::uint32_t entry, std::uint32_t sp, std::uint32_t g);

 protected:
  ~CompiledInstance() = default;

  // Before the first enter() of a guest.
  void begin(wasip1::Process& process);
  // Calls f(argument), which runs the guest's code, on a G. Throws Killed.
  GuestEnd enter(void (*f)(void* argument), void* argument);
  // Leaves the guest's code for the reason that is noted in leaving_.
  [[noreturn]] void leave_noted();
  void safe_point(const void* from);
  void pass_safe_point(const void* from);
  // As Instance::computing(), with the stack pointer given.
  [[nodiscard]] std::optional<Computing> computing_with(std::uint32_t sp) const;
  // MemoryPool::grow, from the guest's code: one that moves lets others run meanwhile.
  bool grow_place(MemoryPool& pool, MemoryPlace& place, std::size_t old_bytes, std::size_t bytes,
                  const void* from);

  wasip1::Process* process_ = nullptr;
  TrapState state_;
  Leaving leaving_;  // no: a trap.
  // Of the memory that WASI functions see.
  std::span<std::byte> memory_bytes_;
  bool making_ = false;  // Still so after the run: it could not be made.

 private:
  std::uint32_t yield_guest();
  GuestEnd end_of_left();
  bool may_go_on(const void* from) noexcept;

  CompiledModule& shared_;
  guest::go::Steering* steering_ = nullptr;
  Turn turn_;
  std::uint32_t held_back_ = 0;    // Fuel; see refill().
  std::uint32_t fuel_unseen_ = 0;  // The fuel it uses between two looks at the clock.
  const char* trap_detail_ = "";
  std::string host_said_;  // What a host function ended it with.
  TrapReport killed_at_;
  const void* passed_from_ = nullptr;  // At a safe point: where it goes on behind it.
};

// An instance of type Made for as long as one guest runs in it; then one that waits for the next,
// when it can be used again.
template <class Made>
class Idle {
 public:
  template <class Make>
  std::unique_ptr<Made> take(Make&& make) {
    if (idle_.empty()) {
      idle_.reserve(kMax);
      return make();
    }
    std::unique_ptr<Made> taken = std::move(idle_.back());
    idle_.pop_back();
    return taken;
  }
  // On the G of the guest that ran in it, if on any.
  void give_back(std::unique_ptr<Made> made) {
    made->release();
    if (idle_.size() < kMax && made->clear()) idle_.push_back(std::move(made));
  }

 private:
  static constexpr std::size_t kMax = 64;
  std::vector<std::unique_ptr<Made>> idle_;
};

// `Owner` keeps an Idle<Made> named `idle`, which outlives what was taken from it.
template <class Owner, class Made>
class Lease final : public Instance {
 public:
  Lease(std::shared_ptr<Owner> owner, std::unique_ptr<Made> made, wasip1::Process& process)
      : owner_(std::move(owner)), process_(process), made_(std::move(made)) {}
  ~Lease() override {
    made_->steer(nullptr);
    owner_->idle.give_back(std::move(made_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  GuestEnd start() override { return made_->start(process_); }
  GuestEnd call(const ExportInfo& function, std::span<std::uint64_t> values) override {
    return made_->call(function, values);
  }
  void steer(guest::go::Steering* steering) override { made_->steer(steering); }
  [[nodiscard]] const TrapReport& killed_at() const override { return made_->killed_at(); }
  [[nodiscard]] std::optional<Computing> computing() const override { return made_->computing(); }

 private:
  const std::shared_ptr<Owner> owner_;
  wasip1::Process& process_;
  std::unique_ptr<Made> made_;
};

}  // namespace weft
