// SPDX-License-Identifier: Apache-2.0
// Times, sizes and counts as people write them: on the command line and in manifests, everywhere
// the same.
//
//   TIME   250us  100ms  1.5s  3m  2h  1h30m   a unit is required; 0 needs none
//   SIZE   512K  64M  1.5G                     K, M, G, T are 2^10, 2^20, ... bytes; "64MiB" too.
//                                              Without one it has the unit that its option states
//   COUNT  20000  10K  2M                      K, M, G are thousands, millions, ...
//
// Each error names the option and says what it wants.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/instant.h"
#include "base/result.h"

namespace weft {

inline constexpr std::uint64_t kKib = std::uint64_t{1} << 10;
inline constexpr std::uint64_t kMib = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kGib = std::uint64_t{1} << 30;

// At most 100 years.
Result<Duration> read_time(const std::string& option, std::string_view word);
// As read_time reads it: in the largest of ms, us and ns that says it exactly.
std::string time_in_words(Duration time);

// In bytes. `unit`: of a number without one, in bytes. From least to most, both included.
Result<std::uint64_t> read_size(const std::string& option, std::string_view word,
                                std::uint64_t unit = 1, std::uint64_t least = 1,
                                std::uint64_t most = INT64_MAX);

Result<std::uint64_t> read_count(const std::string& option, std::string_view word,
                                 std::uint64_t least = 0, std::uint64_t most = UINT64_MAX);

// "64M", "1G", "1000": a size as read_size takes it.
std::string size_in_words(std::uint64_t bytes);

}  // namespace weft
