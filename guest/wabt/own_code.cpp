// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/own_code.h"

#include <algorithm>
#include <cstring>

namespace weft::interp_core {
namespace {

// What is moved between two turns of others.
constexpr std::uint64_t kStepBytes = std::uint64_t{256} * 1024;

wabt::Result grow(wi::Thread& thread, const wi::Values& params, wi::Values& results,
                  wi::Trap::Ptr* trap) {
  std::uint32_t result = 0;
  auto& guest = static_cast<GuestThread&>(thread);
  if (!guest.host.grow(params[0].Get<wi::u32>(), &result)) return leave(thread, trap);
  results[0].Set<wi::u32>(result);
  return wabt::Result::Ok;
}

bool is_within(const GuestThread& guest, std::uint64_t at, std::uint64_t bytes) {
  return at + bytes <= guest.memory->ByteSize();
}

wabt::Result out_of_bounds(wi::Thread& thread, wi::Trap::Ptr* trap) {
  *trap = wi::Trap::New(thread.store(), "out of bounds memory access");
  return wabt::Result::Error;
}

wabt::Result fill(wi::Thread& thread, const wi::Values& params, wi::Values&, wi::Trap::Ptr* trap) {
  auto& guest = static_cast<GuestThread&>(thread);
  std::uint64_t to = params[0].Get<wi::u32>();
  const auto value = static_cast<std::uint8_t>(params[1].Get<wi::u32>());
  std::uint64_t left = params[2].Get<wi::u32>();
  if (!is_within(guest, to, left)) return out_of_bounds(thread, trap);
  for (; left > kStepBytes; to += kStepBytes, left -= kStepBytes) {
    std::memset(guest.memory->UnsafeData() + to, value, kStepBytes);
    if (!guest.host.turn()) return leave(thread, trap);
  }
  if (left != 0) std::memset(guest.memory->UnsafeData() + to, value, left);
  return wabt::Result::Ok;
}

// Behind the call in the code, of the function that called weft's own: see call_own().
void skip_filler(wi::Thread& thread) {
  auto& frames = wabt_access::frames(thread);
  frames[frames.size() - 2].offset += sizeof(wi::u32);
}

wabt::Result copy(wi::Thread& thread, const wi::Values& params, wi::Values&, wi::Trap::Ptr* trap) {
  auto& guest = static_cast<GuestThread&>(thread);
  const std::uint64_t to = params[0].Get<wi::u32>();
  const std::uint64_t from = params[1].Get<wi::u32>();
  const std::uint64_t bytes = params[2].Get<wi::u32>();
  if (!is_within(guest, to, bytes) || !is_within(guest, from, bytes)) {
    return out_of_bounds(thread, trap);
  }
  for (std::uint64_t done = 0; done < bytes;) {
    const std::uint64_t step = std::min(bytes - done, kStepBytes);
    const std::uint64_t at = to <= from ? done : bytes - done - step;  // What overlaps comes first.
    std::uint8_t* const data = guest.memory->UnsafeData();
    std::memmove(data + to + at, data + from + at, step);
    done += step;
    if (done < bytes && !guest.host.turn()) return leave(thread, trap);
  }
  skip_filler(thread);
  return wabt::Result::Ok;
}

wabt::Result grow_table(std::uint32_t index, wi::Thread& thread, const wi::Values& params,
                        wi::Values& results) {
  wabt_access::drop_stale_refs(thread);  // That of the first parameter.
  auto& guest = static_cast<GuestThread&>(thread);
  wi::Table& table = *guest.tables[index];
  const wi::u32 size = table.size();
  const wi::u32 more = params[1].Get<wi::u32>();
  const bool grows = more <= table.type().limits.max - size && guest.host.take_elements(more) &&
                     wabt::Succeeded(table.Grow(thread.store(), more, params[0].Get<wi::Ref>()));
  results[0].Set<wi::u32>(grows ? size : UINT32_MAX);
  return wabt::Result::Ok;
}

wabt::Result entered(wi::Thread& thread, const wi::Values& params, wi::Values&, wi::Trap::Ptr*) {
  auto& guest = static_cast<GuestThread&>(thread);
  guest.host.entered(params[0].Get<wi::u32>(), params[1].Get<wi::u32>(),
                     static_cast<std::uint32_t>(params[2].Get<wi::u64>()));
  return wabt::Result::Ok;
}

void put(wi::Buffer& code, wi::Istream::Offset at, wi::u32 word) {
  std::memcpy(code.data() + at, &word, sizeof word);
}

}  // namespace

wabt::Result leave(wi::Thread& thread, wi::Trap::Ptr* trap) {
  *trap = wi::Trap::New(thread.store(), "left by a host function");
  return wabt::Result::Error;
}

std::vector<wi::HostFunc::Ptr> make_own(wi::Store& store, const wi::ValueTypes& tables) {
  using wi::FuncType;
  std::vector<wi::HostFunc::Ptr> own;
  const wi::ValueTypes three = {wi::ValueType::I32, wi::ValueType::I32, wi::ValueType::I32};
  own.push_back(
      wi::HostFunc::New(store, FuncType({wi::ValueType::I32}, {wi::ValueType::I32}), &grow));
  own.push_back(wi::HostFunc::New(store, FuncType(three, {}), &fill));
  own.push_back(wi::HostFunc::New(store, FuncType(three, {}), &copy));
  const wi::ValueTypes entry = {wi::ValueType::I32, wi::ValueType::I32, wi::ValueType::I64};
  own.push_back(wi::HostFunc::New(store, FuncType(entry, {}), &entered));
  for (std::uint32_t table = 0; table < tables.size(); ++table) {
    const FuncType of({tables[table], wi::ValueType::I32}, {wi::ValueType::I32});
    auto callback = [table](wi::Thread& thread, const wi::Values& params, wi::Values& results,
                            wi::Trap::Ptr*) { return grow_table(table, thread, params, results); };
    own.push_back(wi::HostFunc::New(store, of, callback));
  }
  return own;
}

// An instruction's code and each of its operands is a word.
void call_own(wi::Istream& code, std::uint32_t functions) {
  wi::Buffer& bytes = wabt_access::data(code);
  for (wi::Istream::Offset at = 0; at < code.end();) {
    const wi::Istream::Offset here = at;
    const wi::Instr instr = code.Read(&at);
    std::uint32_t own = 0;
    switch (instr.op) {
      case wabt::Opcode::MemoryGrow:
        own = kGrow;
        break;
      case wabt::Opcode::MemoryFill:
        own = kFill;
        break;
      case wabt::Opcode::MemoryCopy:
        own = kCopy;
        put(bytes, here + 8, wabt::Opcode::Nop);  // In the place of a second operand.
        break;
      case wabt::Opcode::TableGrow:
        own = kGrowTable + instr.imm_u32;
        break;
      default:
        continue;
    }
    put(bytes, here, wabt::Opcode::InterpCallImport);
    put(bytes, here + 4, functions + own);
  }
}

wi::Istream::Offset tell(wi::Istream& code, std::uint32_t functions, const Told& told,
                         const TellEntries& globals, wi::Istream::Offset body) {
  const wi::Istream::Offset begin = code.end();
  code.Emit(wabt::Opcode::LocalGet, wi::u32{1});
  code.Emit(wabt::Opcode::InterpBrUnless);
  const wi::Istream::Offset is_zero = code.EmitFixupU32();
  code.Emit(wabt::Opcode::Br, body);
  code.ResolveFixupU32(is_zero);
  code.Emit(wabt::Opcode::I32Const, told.entry);
  code.Emit(wabt::Opcode::GlobalGet, globals.sp_global);
  code.Emit(wabt::Opcode::GlobalGet, globals.g_global);
  code.Emit(wabt::Opcode::InterpCallImport, functions + kEntered);
  code.Emit(wabt::Opcode::Br, body);
  return begin;
}

}  // namespace weft::interp_core
