// SPDX-License-Identifier: Apache-2.0
#include "sim/record/call_io.h"

#include <algorithm>
#include <cstring>

#include "base/printable.h"
#include "os/wasip1/functions.h"
#include "os/wasip1/iovecs.h"
#include "os/wasip1/process.h"
#include "sim/trace/event_log.h"

namespace weft::sim {
namespace {

using wasip1::Call;
using wasip1::Errno;
using wasip1::Memory;
using wasip1::Size;

// Letters of buffers that a call fills: at most one in a function.
constexpr std::string_view kFilled = "rbeR";

bool has(std::string_view letters, std::string_view any) {
  return letters.find_first_of(any) != std::string_view::npos;
}

// Of a function by its number, which may come from a file. Empty: nothing of it is recorded.
std::string_view letters_of(std::uint32_t function) {
  const auto all = wasip1::functions();
  return function < all.size() ? all[function].facts.shape : std::string_view{};
}

// How many bytes a letter's structure has; 0: it has none.
std::size_t bytes_of(char letter) {
  switch (letter) {
    case '2':
      return 2;
    case '4':
      return 4;
    case '8':
    case 'T':
      return 8;
    case 'D':
      return 24;
    case 'S':
      return 64;
    default:
      return 0;
  }
}

// What lies there, as far as it lies in memory.
std::string bytes_at(const Memory& memory, std::uint64_t at, std::uint64_t length) {
  if (at >= memory.size()) return {};
  length = std::min(length, memory.size() - at);
  std::string_view text;
  (void)memory.text(static_cast<Size>(at), static_cast<Size>(length), text);
  return std::string(text);
}

// The pieces of iovecs, in order, up to `length` bytes altogether.
template <class F>
void for_each_piece(const Memory& memory, std::uint64_t at, std::uint64_t count,
                    std::uint64_t length, F&& f) {
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(count, wasip1::kIovecsMax); ++i) {
    Size from = 0;
    Size size = 0;
    if (memory.load(static_cast<Size>(at + 8 * i), from) != Errno::success ||
        memory.load(static_cast<Size>(at + 8 * i + 4), size) != Errno::success) {
      return;
    }
    const auto n = static_cast<Size>(std::min<std::uint64_t>(size, length));
    std::span<std::byte> piece;
    if (memory.bytes(from, n, piece) != Errno::success) return;
    f(piece);
    length -= n;
    if (length == 0) return;
  }
}

std::string gather(const Memory& memory, std::uint64_t at, std::uint64_t count,
                   std::uint64_t length) {
  std::string out;
  for_each_piece(memory, at, count, length, [&](std::span<std::byte> piece) {
    out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  });
  return out;
}

std::uint32_t hash_of(std::string_view bytes) {
  Hash hash;
  hash.add(bytes);
  return static_cast<std::uint32_t>(hash.value() ^ hash.value() >> 32);
}

constexpr std::size_t kEventBytes = sizeof(wasip1::Event);

// How many bytes the parameter with a letter of kFilled has room for. i: its place.
std::uint64_t room(const Call& call, char letter, std::size_t i) {
  if (letter == 'e') return call.args[i + 1] * kEventBytes;
  if (letter != 'r') return call.args[i + 1];
  std::uint64_t total = 0;
  for_each_piece(call.memory, call.args[i], call.args[i + 1], UINT64_MAX,
                 [&](std::span<std::byte> piece) { total += piece.size(); });
  return total;
}

void read_filled(const Call& call, char letter, std::size_t i, CallRecord& record) {
  switch (letter) {
    case 'r':
      record.filled = gather(call.memory, call.args[i], call.args[i + 1], record.count);
      break;
    case 'e':
      record.filled = bytes_at(call.memory, call.args[i], record.count * kEventBytes);
      break;
    case 'b':
      record.filled = bytes_at(call.memory, call.args[i], std::min(record.count, call.args[i + 1]));
      break;
    default:
      record.filled = bytes_at(call.memory, call.args[i], call.args[i + 1]);
      break;
  }
}

// The subscription of the event must still be there: subscriptions are 48 bytes, wasi_unstable's
// 56, and begin with the userdata.
bool has_userdata(const Call& call, std::uint64_t userdata) {
  for (const std::uint64_t stride : {48, 56}) {
    for (std::uint64_t i = 0; i < std::min<std::uint64_t>(call.args[2], 65'536); ++i) {
      std::uint64_t there = 0;
      if (call.memory.load(static_cast<Size>(call.args[0] + i * stride), there) != Errno::success)
        break;
      if (there == userdata) return true;
    }
  }
  return false;
}

std::string misfit_of_filled(const CallRecord& recorded, std::string_view letters,
                             const Call& now) {
  const std::size_t i = letters.find_first_of(kFilled);
  if (i == std::string_view::npos || recorded.result != Errno::success) return {};
  const std::uint64_t space = room(now, letters[i], i);
  if (letters[i] == 'R' ? space != recorded.filled.size() : space < recorded.filled.size()) {
    return "it has room for " + std::to_string(space) + " bytes, and got " +
           std::to_string(recorded.filled.size());
  }
  for (std::size_t at = 0; letters[i] == 'e' && at + 8 <= recorded.filled.size();
       at += kEventBytes) {
    std::uint64_t userdata = 0;
    std::memcpy(&userdata, recorded.filled.data() + at, sizeof userdata);
    if (!has_userdata(now, userdata)) return "it does not ask for what happened";
  }
  return {};
}

}  // namespace

CallRecord read_inputs(const Call& call) {
  CallRecord record;
  record.function = static_cast<std::uint32_t>(wasip1::number_of(call.function.name));
  const std::string_view letters = letters_of(record.function);
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (letters[i] == 'v') record.values.push_back(call.args[i]);
    if (letters[i] == 'p') {
      record.paths.push_back(bytes_at(call.memory, call.args[i], call.args[i + 1]));
    }
    if (letters[i] == 'w') {
      const std::string bytes = bytes_to_write(call);
      record.written_bytes = bytes.size();
      record.written_hash = hash_of(bytes);
    }
  }
  return record;
}

CallRecord read_call(const Call& call, Errno result) {
  CallRecord record = read_inputs(call);
  record.result = result;
  if (result != Errno::success) return record;
  const std::string_view letters = letters_of(record.function);
  if (const std::size_t i = letters.find('c'); i != std::string_view::npos) {
    Size count = 0;
    (void)call.memory.load(static_cast<Size>(call.args[i]), count);
    record.count = count;
  }
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (kFilled.find(letters[i]) != std::string_view::npos) {
      read_filled(call, letters[i], i, record);
    }
    if (const std::size_t n = bytes_of(letters[i]); n > 0) {
      std::string bytes = bytes_at(call.memory, call.args[i], n);
      bytes.resize(n);  // wasi_unstable's file status is shorter, and may be the memory's end.
      record.fixed += bytes;
    }
  }
  return record;
}

std::string bytes_to_write(const Call& call) {
  const std::size_t i = call.function.facts.shape.find('w');
  if (i == std::string_view::npos) return {};
  return gather(call.memory, call.args[i], call.args[i + 1], UINT64_MAX);
}

std::string misfit(const CallRecord& recorded, const Call& now) {
  const CallRecord given = read_inputs(now);
  if (given.function != recorded.function) return "another function";
  if (given.values != recorded.values) return "other numbers";
  if (given.paths != recorded.paths) return "another path";
  if (given.written_bytes != recorded.written_bytes ||
      given.written_hash != recorded.written_hash) {
    return "other bytes to write";
  }
  return misfit_of_filled(recorded, letters_of(recorded.function), now);
}

void write_outputs(const CallRecord& recorded, const Call& now) {
  if (recorded.result != Errno::success) return;
  const std::string_view letters = letters_of(recorded.function);
  std::string_view fixed = recorded.fixed;
  const auto put = [&](std::uint64_t at, std::string_view bytes) {
    if (at >= now.memory.size()) return;
    const auto n = std::min<std::uint64_t>(bytes.size(), now.memory.size() - at);
    std::span<std::byte> to;
    if (now.memory.bytes(static_cast<Size>(at), static_cast<Size>(n), to) == Errno::success &&
        n > 0) {
      std::memcpy(to.data(), bytes.data(), n);
    }
  };
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (letters[i] == 'c') {
      (void)now.memory.store(static_cast<Size>(now.args[i]), static_cast<Size>(recorded.count));
    } else if (letters[i] == 'r') {
      std::string_view rest = recorded.filled;
      for_each_piece(now.memory, now.args[i], now.args[i + 1], rest.size(),
                     [&](std::span<std::byte> piece) {
                       if (piece.empty()) return;
                       std::memcpy(piece.data(), rest.data(), piece.size());
                       rest.remove_prefix(piece.size());
                     });
    } else if (kFilled.find(letters[i]) != std::string_view::npos) {
      put(now.args[i], recorded.filled);
    } else if (const std::size_t n = bytes_of(letters[i]); n > 0 && fixed.size() >= n) {
      put(now.args[i], fixed.substr(0, n));
      fixed.remove_prefix(n);
    }
  }
}

std::string describe(const CallRecord& call) {
  const wasip1::Function& function = wasip1::functions()[call.function];
  const std::string_view letters = letters_of(call.function);
  std::string_view names = function.arg_names;
  std::string text(function.name);
  text += "(";
  std::size_t value = 0;
  std::size_t path = 0;
  const char* comma = "";
  for (const char letter : letters) {
    const std::string_view name = names.substr(0, names.find(' '));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    std::string shown;
    if (letter == 'v' && value < call.values.size()) {
      shown = std::string(name) + "=" + std::to_string(call.values[value++]);
    } else if (letter == 'p' && path < call.paths.size()) {
      shown = "'" + printable(call.paths[path++]) + "'";
    } else if (letter == 'w') {
      shown = std::to_string(call.written_bytes) + " bytes";
    } else {
      continue;
    }
    text += comma + shown;
    comma = ", ";
  }
  return text + ")";
}

void write_call(ByteWriter& to, const CallRecord& call, ClockMemory& clocks) {
  const std::string_view letters = letters_of(call.function);
  to.number(call.function);
  to.number(static_cast<std::uint64_t>(call.result));
  for (const std::uint64_t value : call.values) to.number(value);
  for (const std::string& path : call.paths) to.text(path);
  if (has(letters, "w")) {
    to.number(call.written_bytes);
    to.fixed(call.written_hash, 4);
  }
  if (call.result != Errno::success) return;
  if (has(letters, "c")) to.number(call.count);
  if (has(letters, kFilled)) to.text(call.filled);
  if (has(letters, "T")) {
    std::uint64_t time = 0;
    std::memcpy(&time, call.fixed.data(), sizeof time);
    std::uint64_t& last = clocks.last[call.values[0] & 1];
    to.signed_number(static_cast<std::int64_t>(time - last));
    last = time;
  } else {
    to.bytes(call.fixed);
  }
}

bool read_call(ByteReader& from, CallRecord& call, ClockMemory& clocks) {
  call.function = static_cast<std::uint32_t>(std::min<std::uint64_t>(from.number(), UINT32_MAX));
  const std::string_view letters = letters_of(call.function);
  if (letters.empty()) return false;
  const std::uint64_t result = from.number();
  if (result > static_cast<std::uint64_t>(Errno::notcapable)) return false;
  call.result = static_cast<Errno>(result);
  for (const char letter : letters) {
    if (letter == 'v') call.values.push_back(from.number());
  }
  for (const char letter : letters) {
    if (letter == 'p') call.paths.push_back(from.text());
  }
  if (has(letters, "w")) {
    call.written_bytes = from.number();
    call.written_hash = static_cast<std::uint32_t>(from.fixed(4));
  }
  if (call.result != Errno::success) return from.ok();
  if (has(letters, "c")) call.count = from.number();
  if (has(letters, kFilled)) call.filled = from.text();
  if (has(letters, "T")) {
    std::uint64_t& last = clocks.last[call.values[0] & 1];
    last += static_cast<std::uint64_t>(from.signed_number());
    call.fixed.resize(sizeof last);
    std::memcpy(call.fixed.data(), &last, sizeof last);
    return from.ok();
  }
  std::size_t bytes = 0;
  for (const char letter : letters) bytes += bytes_of(letter);
  call.fixed = from.raw(bytes);
  return from.ok();
}

}  // namespace weft::sim
