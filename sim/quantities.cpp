// SPDX-License-Identifier: Apache-2.0
#include "sim/quantities.h"

#include <charconv>
#include <optional>
#include <span>

namespace weft {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kTimeMaxNs = std::uint64_t{100} * 366 * 24 * 3600 * kSecondNs;

struct Unit {
  std::string_view name;
  std::uint64_t worth;
};

constexpr Unit kTimes[] = {{"ns", 1},        {"us", 1'000},         {"ms", 1'000'000},
                           {"s", kSecondNs}, {"m", 60 * kSecondNs}, {"h", 3'600 * kSecondNs}};
constexpr Unit kSizes[] = {{"K", kKib},   {"M", kMib},   {"G", kGib},   {"T", kKib* kGib},
                           {"k", kKib},   {"m", kMib},   {"g", kGib},   {"t", kKib* kGib},
                           {"KiB", kKib}, {"MiB", kMib}, {"GiB", kGib}, {"TiB", kKib* kGib}};
constexpr Unit kCounts[] = {{"K", 1'000}, {"M", 1'000'000}, {"G", 1'000'000'000},
                            {"k", 1'000}, {"m", 1'000'000}, {"g", 1'000'000'000}};

// The number at the front of `word`, cut off there: the whole part and millionths.
struct Number {
  std::uint64_t whole = 0;
  std::uint64_t millionths = 0;
  bool has_point = false;
  bool is_too_large = false;
};

std::optional<Number> cut_number(std::string_view& word) {
  Number number;
  const auto digits = [&](std::uint64_t& to) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), to);
    if (error == std::errc::result_out_of_range) number.is_too_large = true;
    const auto length = static_cast<std::size_t>(end - word.data());
    word.remove_prefix(length);
    return length;
  };
  if (word.empty() || word.front() < '0' || word.front() > '9') return std::nullopt;
  digits(number.whole);
  if (!word.starts_with('.')) return number;
  word.remove_prefix(1);
  constexpr std::size_t kDigitsMax = 6;
  const std::size_t length = digits(number.millionths);
  if (length == 0 || length > kDigitsMax) return std::nullopt;
  for (std::size_t i = length; i < kDigitsMax; ++i) number.millionths *= 10;
  number.has_point = true;
  return number;
}

const Unit* find_unit(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

// Nothing when it is more than 64 bits have room for, or no whole number of the smallest unit.
std::optional<std::uint64_t> times(const Number& number, std::uint64_t worth) {
  constexpr std::uint64_t kMillion = 1'000'000;
  if (number.is_too_large || number.whole > UINT64_MAX / worth) return std::nullopt;
  const std::uint64_t part = number.millionths * worth;  // Below 2^20 * 2^40.
  const std::uint64_t whole = number.whole * worth;
  if (whole > UINT64_MAX - part / kMillion) return std::nullopt;
  return whole + part / kMillion;
}

Error refuse(const std::string& option, const std::string& wants, std::string_view word) {
  return Error{option + " wants " + wants + ", not '" + std::string(word) + "'"};
}

}  // namespace

Result<Duration> read_time(const std::string& option, std::string_view word) {
  const std::string wants = "a time with a unit, as 250us, 100ms, 1.5s, 3m or 2h";
  std::uint64_t sum = 0;
  std::string_view rest = word;
  do {
    const auto number = cut_number(rest);
    if (!number) return refuse(option, wants, word);
    std::size_t letters = 0;
    while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
    const Unit* unit = find_unit(kTimes, rest.substr(0, letters));
    if (letters == 0 && rest.empty() && word == "0") return Duration{};
    if (unit == nullptr) {
      Error error = refuse(option, wants, word);
      if (rest.empty()) error.message += "; for seconds write " + std::string(word) + "s";
      return error;
    }
    rest.remove_prefix(letters);
    const auto part = times(*number, unit->worth);
    if (!part || *part > kTimeMaxNs - sum) {
      return refuse(option, "a time of 100 years at most", word);
    }
    sum += *part;
  } while (!rest.empty());
  return Duration{static_cast<std::int64_t>(sum)};
}

std::string time_in_words(Duration time) {
  for (const Unit unit : {kTimes[2], kTimes[1]}) {
    const auto worth = static_cast<std::int64_t>(unit.worth);
    if (time.ns % worth == 0) return std::to_string(time.ns / worth).append(unit.name);
  }
  return std::to_string(time.ns) + "ns";
}

Result<std::uint64_t> read_size(const std::string& option, std::string_view word,
                                std::uint64_t unit, std::uint64_t least, std::uint64_t most) {
  std::string_view rest = word;
  const auto number = cut_number(rest);
  const Unit* given = find_unit(kSizes, rest);
  if (!number || (given == nullptr && !rest.empty())) {
    return refuse(option, "a size, as 512K, 64M or 1.5G", word);
  }
  const auto bytes = times(*number, given != nullptr ? given->worth : unit);
  if (!bytes || *bytes < least || *bytes > most) {
    return refuse(option, "a size from " + size_in_words(least) + " to " + size_in_words(most),
                  word);
  }
  return *bytes;
}

Result<std::uint64_t> read_count(const std::string& option, std::string_view word,
                                 std::uint64_t least, std::uint64_t most) {
  std::string_view rest = word;
  const auto number = cut_number(rest);
  const Unit* unit = find_unit(kCounts, rest);
  std::optional<std::uint64_t> count;
  if (number && (rest.empty() || unit != nullptr)) {
    const std::uint64_t worth = unit != nullptr ? unit->worth : 1;
    if (!number->has_point || worth > 1) count = times(*number, worth);
  }
  if (!count || *count < least || *count > most) {
    return refuse(option, "a number from " + std::to_string(least) + " to " + std::to_string(most),
                  word);
  }
  return *count;
}

std::string size_in_words(std::uint64_t bytes) {
  for (const auto& [name, worth] : {kSizes[3], kSizes[2], kSizes[1], kSizes[0]}) {
    if (bytes >= worth && bytes % worth == 0)
      return std::to_string(bytes / worth) + std::string(name);
  }
  return std::to_string(bytes);
}

}  // namespace weft
