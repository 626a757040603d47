// SPDX-License-Identifier: Apache-2.0
// The shape of each WASI call that has to do with the outside: which parameter is what.
//
// One letter for each parameter:
//   v  a number                           p  the address of a path, whose length is next
//   w  iovecs with what is to be written  r  iovecs to be filled
//   b  a buffer to be filled              e  a list of events to be filled
//   R  a buffer to be filled to its end   s  subscriptions: compared through the events' userdata
//   n  the length or number of what the letter before tells
//   c  where the number of bytes or events goes
//   2 4 8 D S  where 2, 4, 8, 24, 64 bytes go; T: the 8 bytes of a time
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::sim {

// The letters of a function, by its place in wasip1::functions(). Empty: not of the outside.
std::string_view letters_of(std::uint32_t function);

// How many bytes a letter's structure has; 0: it has none.
std::size_t bytes_of(char letter);

inline bool has(std::string_view letters, std::string_view any) {
  return letters.find_first_of(any) != std::string_view::npos;
}

// Buffers that a call fills: at most one in a function.
inline constexpr std::string_view kFilled = "rbeR";

// Is the function one whose results come from outside? The others (arguments, sched_yield, ...)
// need no record.
bool is_of_outside(std::uint32_t function);

// The place of a function in wasip1::functions(). The name must be one of them.
std::uint32_t number_of_function(std::string_view name);

}  // namespace weft::sim
