// SPDX-License-Identifier: Apache-2.0
#include "control/json.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>

namespace weft::control {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 32;
constexpr std::size_t kHexDigits = 16;
constexpr std::size_t kSha256Digits = 64;

}  // namespace

Result<json::object> read_object(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDepthMax;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return Error{"no valid JSON: " + error.message()};
  if (!value.is_object()) return Error{"no JSON object"};
  return std::move(value.as_object());
}

void JsonFields::say_wrong(std::string_view name, std::string_view what) const {
  if (wrong_.empty()) wrong_ = "'" + std::string(name) + "' must be " + std::string(what);
}

bool JsonFields::has(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value != nullptr && !value->is_null();
}

std::string JsonFields::text(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  if (value != nullptr && value->is_string()) return std::string(value->get_string());
  say_wrong(name, "a text");
  return {};
}

std::uint64_t JsonFields::number(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  if (value != nullptr && value->is_number()) {
    boost::system::error_code error;
    const auto number = value->to_number<std::uint64_t>(error);
    if (!error) return number;
  }
  say_wrong(name, "a whole number from 0");
  return 0;
}

// 1e400 is read as infinity.
double JsonFields::real(std::string_view name, double most) const {
  const json::value* value = object_.if_contains(name);
  if (value != nullptr && value->is_number()) {
    boost::system::error_code error;
    const auto number = value->to_number<double>(error);
    if (!error && number >= 0 && number <= most) return number;
  }
  say_wrong(name, "a number from 0 to " + std::to_string(static_cast<std::uint64_t>(most)));
  return 0;
}

bool JsonFields::flag(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  if (value != nullptr && value->is_bool()) return value->get_bool();
  say_wrong(name, "true or false");
  return false;
}

std::uint64_t JsonFields::hex(std::string_view name) const {
  const std::string digits = text(name);
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  if (error == std::errc() && end == digits.data() + digits.size() && digits.size() == kHexDigits) {
    return number;
  }
  say_wrong(name, "16 hexadecimal digits");
  return 0;
}

std::string JsonFields::sha256(std::string_view name) const {
  std::string digits = text(name);
  if (digits.size() == kSha256Digits &&
      digits.find_first_not_of("0123456789abcdef") == std::string::npos) {
    return digits;
  }
  say_wrong(name, "64 hexadecimal digits");
  return {};
}

const json::object& JsonFields::object(std::string_view name) const {
  static const json::object none;
  const json::value* value = object_.if_contains(name);
  if (value != nullptr && value->is_object()) return value->get_object();
  say_wrong(name, "an object");
  return none;
}

const json::array& JsonFields::array(std::string_view name) const {
  static const json::array none;
  const json::value* value = object_.if_contains(name);
  if (value != nullptr && value->is_array()) return value->get_array();
  say_wrong(name, "a list");
  return none;
}

}  // namespace weft::control
