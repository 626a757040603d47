// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/stubs.h"

#include <cstring>
#include <functional>
#include <new>

#include "guest/jit/assembler.h"

namespace weft::jit {
namespace {

constexpr int kArguments = Layout::kArguments;

class Maker {
 public:
  Maker(Assembler& a, bool guard_pages) : a_(a), guard_pages_(guard_pages) {}

  template <class F>
  void call(F* function) {
    a_.mov(a_.rax, reinterpret_cast<std::uint64_t>(function));
    a_.call(a_.rax);
  }

  // Where the guest's code goes on is on top of the stack. Changes only the given register.
  void note_exit(const Xbyak::Reg64& scratch) {
    a_.mov(scratch, a_.qword[a_.rsp]);
    a_.mov(a_.qword[a_.r15 + field(offsetof(Context, exit_address))], scratch);
    a_.mov(a_.qword[a_.r15 + field(offsetof(Context, exit_frame))], a_.rbp);
  }

  // Calls C++ by f(), with the homes kept that C++ may lose.
  void keeping_homes(const std::function<void()>& f) {
    constexpr int kFrame = 40;  // Four registers, and the stack aligned again.
    Label floats;
    Label done;
    a_.sub(a_.rsp, kFrame);
    for (int i = 0; i < 4; ++i) a_.mov(a_.qword[a_.rsp + 8 * i], Xbyak::Reg64(8 + i));
    a_.mov(a_.r11, a_.qword[a_.r15 + field(offsetof(Context, saves_floats))]);
    a_.cmp(a_.dword[a_.r11], 0);
    a_.jump_if(Cond::not_equal, floats);
    f();
    a_.jump(done);
    a_.bind(floats);
    a_.sub(a_.rsp, 128);
    for (int i = 0; i < 8; ++i) a_.movups(a_.ptr[a_.rsp + 16 * i], Xbyak::Xmm(8 + i));
    f();
    for (int i = 0; i < 8; ++i) a_.movups(Xbyak::Xmm(8 + i), a_.ptr[a_.rsp + 16 * i]);
    a_.add(a_.rsp, 128);
    a_.bind(done);
    for (int i = 0; i < 4; ++i) a_.mov(Xbyak::Reg64(8 + i), a_.qword[a_.rsp + 8 * i]);
    a_.add(a_.rsp, kFrame);
  }

  void load_memory() {
    a_.mov(a_.r14, a_.qword[a_.r15 + field(offsetof(Context, memory))]);
    if (!guard_pages_) {
      a_.mov(a_.r12, a_.qword[a_.r15 + field(offsetof(Context, memory_bytes))]);
    }
  }

  static int field(std::size_t offset) { return static_cast<int>(offset); }

  void enter();
  void trap(const Host& host, std::size_t code);
  void helper(HelperFunction function);
  void throwing(HelperFunction function);
  void host_call(const Host& host);
  void embedder_call(const Host& host);
  void yield(const Host& host);
  void refill(const Host& host);
  void ask_host(const Host& host);
  void lazy(const Host& host);
  void entered(const Host& host);

 private:
  void owner_first() { a_.mov(a_.rdi, a_.qword[a_.r15 + field(offsetof(Context, owner))]); }

  Assembler& a_;
  const bool guard_pages_;
};

constexpr int kIntRegisters[] = {7, 6, 2, 1};  // rdi rsi rdx rcx

void Maker::enter() {
  a_.push(a_.rbp);
  a_.mov(a_.rbp, a_.rsp);
  for (const int reg : {3, 12, 13, 14, 15}) a_.push(Xbyak::Reg64(reg));
  a_.sub(a_.rsp, 8);
  a_.mov(a_.r15, a_.rdi);
  a_.mov(a_.rax, a_.rsi);
  load_memory();
  a_.mov(a_.r13d, a_.dword[a_.r15 + field(offsetof(Context, fuel_left))]);
  for (int i = 0; i < 4; ++i) {
    a_.mov(Xbyak::Reg64(kIntRegisters[i]), a_.qword[a_.r15 + kArguments + 8 * i]);
  }
  const int floats = field(offsetof(Context, float_arguments));
  for (int i = 0; i < 6; ++i) a_.movups(Xbyak::Xmm(i), a_.ptr[a_.r15 + floats + 16 * i]);
  a_.call(a_.rax);
  a_.mov(a_.dword[a_.r15 + field(offsetof(Context, fuel_left))], a_.r13d);
  a_.mov(a_.qword[a_.r15 + field(offsetof(Context, result))], a_.rax);
  a_.movups(a_.ptr[a_.r15 + field(offsetof(Context, float_result))], a_.xmm0);
  a_.add(a_.rsp, 8);
  for (const int reg : {15, 14, 13, 12, 3}) a_.pop(Xbyak::Reg64(reg));
  a_.pop(a_.rbp);
  a_.ret();
}

void Maker::trap(const Host& host, std::size_t code) {
  note_exit(a_.rax);
  owner_first();
  a_.mov(a_.esi, static_cast<std::uint32_t>(code));
  a_.and_(a_.rsp, -16);
  call(host.trap);
  a_.int3();
}

void Maker::helper(HelperFunction function) {
  note_exit(a_.rax);
  keeping_homes([&] {
    a_.mov(a_.rdi, a_.r15);
    a_.lea(a_.rsi, a_.ptr[a_.r15 + kArguments]);
    call(function);
  });
  load_memory();
  a_.ret();
}

// Goes on where the exception is caught, with the homes that are there. What was looked at on the
// way costs fuel.
void Maker::throwing(HelperFunction function) {
  constexpr int kHomes[] = {3, 12, 8, 9, 10, 11};
  const int ints = field(offsetof(Context, int_homes));
  const int floats = field(offsetof(Context, float_homes));
  note_exit(a_.rax);
  for (const int reg : kHomes) a_.mov(a_.qword[a_.r15 + ints + 8 * reg], Xbyak::Reg64(reg));
  for (int i = 8; i < 16; ++i) a_.movups(a_.ptr[a_.r15 + floats + 16 * i], Xbyak::Xmm(i));
  const auto fuel_left = a_.dword[a_.r15 + field(offsetof(Context, fuel_left))];
  a_.mov(fuel_left, a_.r13d);
  a_.mov(a_.rdi, a_.r15);
  a_.lea(a_.rsi, a_.ptr[a_.r15 + kArguments]);
  a_.sub(a_.rsp, 8);
  call(function);
  a_.mov(a_.r13d, fuel_left);
  for (const int reg : kHomes) a_.mov(Xbyak::Reg64(reg), a_.qword[a_.r15 + ints + 8 * reg]);
  for (int i = 8; i < 16; ++i) a_.movups(Xbyak::Xmm(i), a_.ptr[a_.r15 + floats + 16 * i]);
  a_.mov(a_.rbp, a_.qword[a_.r15 + field(offsetof(Context, handler_frame))]);
  a_.mov(a_.rsp, a_.qword[a_.r15 + field(offsetof(Context, handler_stack))]);
  a_.jmp(a_.qword[a_.r15 + field(offsetof(Context, handler_code))]);
}

void Maker::host_call(const Host& host) {
  for (int i = 0; i < 4; ++i) {
    a_.mov(a_.qword[a_.r15 + kArguments + 8 * i], Xbyak::Reg64(kIntRegisters[i]));
  }
  a_.mov(a_.esi, a_.eax);
  note_exit(a_.rax);
  keeping_homes([&] {
    owner_first();
    a_.lea(a_.rdx, a_.ptr[a_.r15 + kArguments]);
    call(host.call);
  });
  a_.mov(a_.eax, a_.eax);
  a_.ret();
}

// Any types: floats too, and a result in rax or xmm0.
void Maker::embedder_call(const Host& host) {
  for (int i = 0; i < 4; ++i) {
    a_.mov(a_.qword[a_.r15 + kArguments + 8 * i], Xbyak::Reg64(kIntRegisters[i]));
  }
  const int floats = field(offsetof(Context, float_arguments));
  for (int i = 0; i < 6; ++i) a_.movups(a_.ptr[a_.r15 + floats + 16 * i], Xbyak::Xmm(i));
  a_.mov(a_.esi, a_.eax);
  note_exit(a_.rax);
  keeping_homes([&] {
    owner_first();
    a_.lea(a_.rdx, a_.ptr[a_.r15 + kArguments]);
    call(host.call_embedder);
  });
  a_.movq(a_.xmm0, a_.rax);
  a_.ret();
}

// Another G has run meanwhile, so that the processor predicts a return to its code, wrongly; a jump
// it predicts by where this one went before.
void Maker::yield(const Host& host) {
  note_exit(a_.rax);
  keeping_homes([&] {
    owner_first();
    call(host.yield);
  });
  a_.mov(a_.eax, a_.eax);
  a_.pop(a_.rcx);
  a_.jmp(a_.rcx);
}

// Called anywhere in a function, so it keeps all registers. Takes the next portion of fuel, or
// asks.
void Maker::refill(const Host& host) {
  constexpr auto kPortion = static_cast<int>(Portions::kPortion);
  Label ask;
  a_.push(a_.rax);
  a_.push(a_.rcx);
  a_.mov(a_.rax, a_.qword[a_.r15 + field(offsetof(Context, portions))]);
  a_.cmp(a_.dword[a_.rax + field(offsetof(Portions, rest))], kPortion);
  a_.jump_if(Cond::below, ask);
  a_.cmp(a_.r13d, -kPortion);
  a_.jump_if(Cond::less_equal, ask);
  a_.mov(a_.rcx, a_.qword[a_.rax + field(offsetof(Portions, wanted))]);
  a_.cmp(a_.byte[a_.rcx], 0);
  a_.jump_if(Cond::not_equal, ask);
  a_.sub(a_.dword[a_.rax + field(offsetof(Portions, rest))], kPortion);
  a_.add(a_.r13d, kPortion);
  a_.pop(a_.rcx);
  a_.pop(a_.rax);
  a_.ret();
  a_.bind(ask);
  a_.pop(a_.rcx);
  a_.pop(a_.rax);
  ask_host(host);
}

void Maker::ask_host(const Host& host) {
  constexpr int kSaved[] = {0, 1, 2, 6, 7, 8, 9, 10, 11};
  constexpr int kFrame = 8 * 9 + 16 * 16;  // With the return address a multiple of 16.
  a_.sub(a_.rsp, kFrame);
  int at = 16 * 16;
  for (const int reg : kSaved) {
    a_.mov(a_.qword[a_.rsp + at], Xbyak::Reg64(reg));
    at += 8;
  }
  for (int i = 0; i < 16; ++i) a_.movups(a_.ptr[a_.rsp + 16 * i], Xbyak::Xmm(i));
  a_.mov(a_.rax, a_.qword[a_.rsp + kFrame]);
  a_.mov(a_.qword[a_.r15 + field(offsetof(Context, exit_address))], a_.rax);
  a_.mov(a_.qword[a_.r15 + field(offsetof(Context, exit_frame))], a_.rbp);
  owner_first();
  a_.mov(a_.esi, a_.r13d);
  call(host.refill);
  a_.mov(a_.r13d, a_.eax);
  at = 16 * 16;
  for (const int reg : kSaved) {
    a_.mov(Xbyak::Reg64(reg), a_.qword[a_.rsp + at]);
    at += 8;
  }
  for (int i = 0; i < 16; ++i) a_.movups(Xbyak::Xmm(i), a_.ptr[a_.rsp + 16 * i]);
  a_.add(a_.rsp, kFrame);
  a_.ret();
}

// Compiles the function, and goes on in it as if it had been called.
void Maker::lazy(const Host& host) {
  constexpr int kSaved[] = {7, 6, 2, 1};
  constexpr int kFrame = 8 * 4 + 16 * 6 + 8;
  a_.sub(a_.rsp, kFrame);
  for (int i = 0; i < 4; ++i) {
    a_.mov(a_.qword[a_.rsp + 16 * 6 + 8 * i], Xbyak::Reg64(kSaved[i]));
  }
  for (int i = 0; i < 6; ++i) a_.movups(a_.ptr[a_.rsp + 16 * i], Xbyak::Xmm(i));
  a_.mov(a_.esi, a_.eax);
  a_.mov(a_.rax, a_.qword[a_.rsp + kFrame]);
  a_.mov(a_.qword[a_.r15 + field(offsetof(Context, exit_address))], a_.rax);
  a_.mov(a_.qword[a_.r15 + field(offsetof(Context, exit_frame))], a_.rbp);
  a_.sub(a_.rsp, 8);  // As after a call.
  keeping_homes([&] {
    owner_first();
    call(host.compile);
  });
  a_.add(a_.rsp, 8);
  for (int i = 0; i < 4; ++i) {
    a_.mov(Xbyak::Reg64(kSaved[i]), a_.qword[a_.rsp + 16 * 6 + 8 * i]);
  }
  for (int i = 0; i < 6; ++i) a_.movups(Xbyak::Xmm(i), a_.ptr[a_.rsp + 16 * i]);
  a_.add(a_.rsp, kFrame);
  a_.jmp(a_.rax);
}

// A function's prologue, where no operand is in a register yet.
void Maker::entered(const Host& host) {
  a_.mov(a_.esi, a_.eax);
  note_exit(a_.rax);
  keeping_homes([&] {
    owner_first();
    call(host.entered);
  });
  a_.ret();
}

}  // namespace

Stubs::Stubs(ModuleCode& code, const Host& host, bool guard_pages) {
  Assembler a;
  Maker make(a, guard_pages);
  std::vector<std::pair<const void**, std::uint32_t>> starts;
  const auto starts_here = [&](const void*& stub) {
    a.make_room();
    while (a.position() % 16 != 0) a.int3();
    starts.emplace_back(&stub, a.position());
  };
  starts_here(enter_);
  make.enter();
  enter_bytes_ = a.position();
  for (std::size_t i = 0; i < kTrapCodes; ++i) {
    starts_here(traps_[i]);
    make.trap(host, i);
  }
  for (std::size_t i = 0; i < kHelpers; ++i) {
    starts_here(helpers_[i]);
    const auto which = static_cast<Helper>(i);
    const bool throws = which == Helper::throw_tag || which == Helper::throw_reference;
    throws ? make.throwing(host.helpers[i]) : make.helper(host.helpers[i]);
  }
  starts_here(host_call_);
  make.host_call(host);
  starts_here(embedder_call_);
  make.embedder_call(host);
  starts_here(yield_);
  make.yield(host);
  starts_here(refill_);
  make.refill(host);
  starts_here(lazy_);
  make.lazy(host);
  starts_here(entered_);
  make.entered(host);
  const CodePlace place = code.place(a.position());
  if (place.writable == nullptr) throw std::bad_alloc();
  std::memcpy(place.writable, a.code(), a.position());
  for (const auto& [stub, at] : starts) *stub = place.runs + at;
  bytes_ = a.position() - starts[1].second;
}

}  // namespace weft::jit
