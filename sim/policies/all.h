// SPDX-License-Identifier: Apache-2.0
// The makers of all policies, one a file of this folder.
#pragma once

#include <cstdint>
#include <memory>

namespace weft::sim {

class Policy;
struct PolicySpec;

std::unique_ptr<Policy> make_fifo(const PolicySpec& spec, std::uint64_t seed);
std::unique_ptr<Policy> make_go(const PolicySpec& spec, std::uint64_t seed);
std::unique_ptr<Policy> make_lifo(const PolicySpec& spec, std::uint64_t seed);
std::unique_ptr<Policy> make_random(const PolicySpec& spec, std::uint64_t seed);
std::unique_ptr<Policy> make_pct(const PolicySpec& spec, std::uint64_t seed);
std::unique_ptr<Policy> make_bounded(const PolicySpec& spec, std::uint64_t seed);
std::unique_ptr<Policy> make_round_robin(const PolicySpec& spec, std::uint64_t seed);
std::unique_ptr<Policy> make_stride(const PolicySpec& spec, std::uint64_t seed);
std::unique_ptr<Policy> make_edf(const PolicySpec& spec, std::uint64_t seed);

}  // namespace weft::sim
