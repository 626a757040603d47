// SPDX-License-Identifier: Apache-2.0
// The inputs and outputs of a WASI call, for every function that has to do with the outside: the
// numbers, paths and bytes that the guest hands over, and what the host writes into its memory. The
// recorder writes both down; the replay compares the inputs and hands out the outputs.
//
//   fd_read(fd=3, iovs, n, nread)   in: 3        out: how many bytes, the bytes
//   path_open(3, 1, "a.txt", ...)   in: numbers, the path      out: the new descriptor
//
// Addresses are not part of it: a program that was built again has other addresses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/wasip1/call_hook.h"
#include "sim/record/bytes.h"

namespace weft::sim {

// One call. Which members a function uses: CallFacts::shape.
struct CallRecord {
  std::uint32_t function = 0;  // Its place in wasip1::functions().
  wasip1::Errno result = wasip1::Errno::success;
  // In.
  std::vector<std::uint64_t> values;
  std::vector<std::string> paths;
  std::uint64_t written_bytes = 0;  // What the guest wants written, and a hash of it.
  std::uint32_t written_hash = 0;
  // Out, when it succeeded.
  std::uint64_t count = 0;  // Of bytes or events.
  std::string filled;       // A buffer of the guest's: as many bytes as were written into it.
  std::string fixed;        // Structures and numbers, one behind the other.

  bool operator==(const CallRecord&) const = default;
};

// The inputs: before the call or after it.
CallRecord read_inputs(const wasip1::Call& call);

// The same with the outputs, after the call.
CallRecord read_call(const wasip1::Call& call, wasip1::Errno result);

// Why the recorded call is not this one, or "": another function, other numbers or paths, other
// bytes written, no room for what was read then.
std::string misfit(const CallRecord& recorded, const wasip1::Call& now);

// Writes the recorded outputs into the guest's memory. Only if misfit() says nothing.
void write_outputs(const CallRecord& recorded, const wasip1::Call& now);

// "fd_write(fd=1, 12 bytes)", "path_open(fd=3, dirflags=1, 'a.txt', ...)".
std::string describe(const CallRecord& call);

// The bytes that the guest wants written, for a call that writes.
std::string bytes_to_write(const wasip1::Call& call);

// Times of clocks are written down as differences: what came before, for writer and reader.
struct ClockMemory {
  std::uint64_t last[2] = {0, 0};
};
void write_call(ByteWriter& to, const CallRecord& call, ClockMemory& clocks);
// False: no such call, or what it can't have.
bool read_call(ByteReader& from, CallRecord& call, ClockMemory& clocks);

}  // namespace weft::sim
