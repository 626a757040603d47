// SPDX-License-Identifier: Apache-2.0
// Assembler: xbyak's encoder over a buffer that grows. It adds what a one-pass compiler needs and
// xbyak does too slowly: labels, jumps, constants and references to what lies outside.
//
// Code is position independent until it is placed (guest/jit/code_space.h): jumps inside it are
// relative, and a Reference records each 32-bit displacement to an address outside.
//
// A label that is not bound yet costs no memory: the jumps to it form a chain, and each link stands
// in the place of a displacement that is not known yet.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#define XBYAK_NO_OP_NAMES
#include <xbyak/xbyak.h>
#pragma GCC diagnostic pop

#include "base/check.h"

namespace weft::jit {

// The condition codes of x86, and two that take a pair of jumps: for floats "equal" is false and
// "not equal" is true when one operand is a NaN.
enum class Cond : std::uint8_t {
  overflow = 0x0,
  below = 0x2,
  above_equal = 0x3,
  equal = 0x4,
  not_equal = 0x5,
  below_equal = 0x6,
  above = 0x7,
  sign = 0x8,
  parity = 0xa,
  no_parity = 0xb,
  less = 0xc,
  greater_equal = 0xd,
  less_equal = 0xe,
  greater = 0xf,
  float_equal = 0x10,
  float_not_equal = 0x11,
};

constexpr Cond negate(Cond cond) {
  return static_cast<Cond>(static_cast<std::uint8_t>(cond) ^ 1U);
}

class Label {
 public:
  [[nodiscard]] bool is_bound() const { return at_ != kNone; }
  [[nodiscard]] bool is_used() const { return used_; }
  [[nodiscard]] std::uint32_t position() const { return at_; }

 private:
  friend class Assembler;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  std::uint32_t at_ = kNone;
  std::uint32_t chain_ = kNone;  // The last displacement that waits for it.
  bool used_ = false;
};

// The code is larger than what a function may have.
struct CodeTooLarge {};

struct Reference {
  std::uint32_t at;  // Where the displacement is. It counts from its own end.
  const void* target;
};

// The buffer. It is made before xbyak's part, which uses it.
class CodeBuffer {
 protected:
  static constexpr std::size_t kFirstBytes = std::size_t{64} * 1024;
  CodeBuffer() : bytes_(new std::uint8_t[kFirstBytes]) {}
  std::unique_ptr<std::uint8_t[]> bytes_;
};

class Assembler : private CodeBuffer, public Xbyak::CodeGenerator {
 public:
  static constexpr std::size_t kCodeBytesMax = std::size_t{64} << 20;
  // More than any instruction of WebAssembly becomes without a loop over what it lists.
  static constexpr std::size_t kRoomBytes = 1024;

  Assembler() : CodeGenerator(kFirstBytes, bytes_.get()) {}

  void clear() {
    size_ = 0;
    references_.clear();
  }
  // Before each instruction, and in loops that emit.
  void make_room() {
    if (maxSize_ - size_ < kRoomBytes) grow();
  }
  [[nodiscard]] std::uint32_t position() const { return static_cast<std::uint32_t>(size_); }
  [[nodiscard]] const std::uint8_t* code() const { return top_; }
  [[nodiscard]] const std::vector<Reference>& references() const { return references_; }

  // --- labels ---

  void bind(Label& label) {
    WEFT_CHECK(!label.is_bound(), "a label is bound once");
    label.at_ = position();
    for (std::uint32_t at = label.chain_; at != Label::kNone;) {
      const std::uint32_t next = read_32(at);
      write_32(at, label.at_ - (at + 4));
      at = next;
    }
  }
  void jump(Label& to) {
    if (jumps_short(to, 0xeb)) return;
    db(0xe9);
    displacement(to);
  }
  void jump_if(Cond cond, Label& to) {
    if (cond == Cond::float_equal) {
      Label unordered;
      jump_if(Cond::parity, unordered);
      jump_if(Cond::equal, to);
      return bind(unordered);
    }
    if (cond == Cond::float_not_equal) {
      jump_if(Cond::parity, to);
      return jump_if(Cond::not_equal, to);
    }
    if (jumps_short(to, 0x70 | static_cast<std::uint8_t>(cond))) return;
    db(0x0f);
    db(0x80 | static_cast<std::uint8_t>(cond));
    displacement(to);
  }
  // Emits a displacement of 32 bits from its own end to the label.
  void displacement(Label& to) {
    to.used_ = true;
    if (to.is_bound()) return dd(to.at_ - (position() + 4));
    dd(to.chain_);
    to.chain_ = position() - 4;
  }
  // lea reg, [rip + label]
  void address_of(const Xbyak::Reg64& reg, Label& label) {
    db(reg.getIdx() >= 8 ? 0x4c : 0x48);
    db(0x8d);
    db(0x05 | (reg.getIdx() & 7) << 3);
    displacement(label);
  }

  // --- what lies outside ---

  void call_outside(const void* target) {
    db(0xe8);
    refer_to(target);
  }
  void jump_outside(const void* target) {
    db(0xe9);
    refer_to(target);
  }
  // call [rip + cell]
  void call_through(const void* cell) {
    db(0xff);
    db(0x15);
    refer_to(cell);
  }
  void jump_through(const void* cell) {
    db(0xff);
    db(0x25);
    refer_to(cell);
  }
  void address_outside(const Xbyak::Reg64& reg, const void* target) {
    db(reg.getIdx() >= 8 ? 0x4c : 0x48);
    db(0x8d);
    db(0x05 | (reg.getIdx() & 7) << 3);
    refer_to(target);
  }

  // --- bytes that were emitted ---

  void write_32(std::uint32_t at, std::uint32_t value) { std::memcpy(top_ + at, &value, 4); }

 private:
  void refer_to(const void* target) {
    references_.push_back({position(), target});
    dd(0);
  }
  [[nodiscard]] std::uint32_t read_32(std::uint32_t at) const {
    std::uint32_t value = 0;
    std::memcpy(&value, top_ + at, 4);
    return value;
  }
  // Back to a label that is near.
  bool jumps_short(Label& to, int opcode) {
    if (!to.is_bound()) return false;
    const std::int64_t distance = std::int64_t{to.at_} - (std::int64_t{position()} + 2);
    if (distance < -128) return false;
    to.used_ = true;
    db(opcode);
    db(static_cast<int>(distance) & 0xff);
    return true;
  }
  void grow() {
    const std::size_t bytes = maxSize_ * 2;
    if (bytes > kCodeBytesMax) throw CodeTooLarge{};
    std::unique_ptr<std::uint8_t[]> larger(new std::uint8_t[bytes]);
    std::memcpy(larger.get(), top_, size_);
    bytes_ = std::move(larger);
    top_ = bytes_.get();
    maxSize_ = bytes;
  }

  std::vector<Reference> references_;
};

}  // namespace weft::jit
