// SPDX-License-Identifier: Apache-2.0
// JSON that others wrote, read with care: Boost.JSON's door.
//
//   text ─▶ read_object ─▶ boost::json::object ─▶ JsonFields: each field with its type, or an error
//                                                 that names it
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace weft::control {

// One JSON object and nothing behind it but white space, at most 32 levels deep.
Result<boost::json::object> read_object(std::string_view text);

// The fields of one object. A field that is missing or of another type gives an empty value, and
// the first such is kept in `wrong`, which several of these may share: "'seed' must be a number".
class JsonFields {
 public:
  // Both must outlive this.
  JsonFields(const boost::json::object& object, std::string& wrong)
      : object_(object), wrong_(wrong) {}

  [[nodiscard]] bool has(std::string_view name) const;  // And it is not null.
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] std::uint64_t number(std::string_view name) const;      // Whole, from 0.
  [[nodiscard]] double real(std::string_view name, double most) const;  // From 0 to `most`.
  [[nodiscard]] bool flag(std::string_view name) const;
  [[nodiscard]] std::uint64_t hex(std::string_view name) const;   // 16 digits in a text.
  [[nodiscard]] std::string sha256(std::string_view name) const;  // 64 digits, a to f small.
  [[nodiscard]] const boost::json::object& object(std::string_view name) const;
  [[nodiscard]] const boost::json::array& array(std::string_view name) const;

  void say_wrong(std::string_view name, std::string_view what) const;

 private:
  const boost::json::object& object_;
  std::string& wrong_;
};

}  // namespace weft::control
