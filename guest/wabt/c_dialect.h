// SPDX-License-Identifier: Apache-2.0
// The C that libwabt writes differs between versions of its C writer: in its names, and in what it
// expects of wasm-rt.h. All differences are here; guest/aot/c_source.cpp and guest/aot/c_data.cpp
// use the names of a dialect.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace weft {

// A line for the header that all units share, and one for the unit that comes first.
struct SharedLine {
  std::string declaration;
  std::string definition;
};

// The types of a module's functions so far: the name of each, by what identifies it.
using TypeNames = std::map<std::string, std::string, std::less<>>;

struct CDialect {
  std::string_view versions;   // Of libwabt.
  std::string_view mark;       // Stands in this dialect's C only.
  std::string_view function;   // What the name of the guest's function N begins with.
  std::string_view import;     // Of the import that wabt_ir names: of its name.
  std::string_view segment;    // Of the array of data segment N.
  std::string_view instance;   // The type of an instance,
  std::string_view host;       // and of what the imports are given.
  std::string_view make;       // The function that makes an instance.
  std::string_view set_up;     // A statement, once before all else; or "".
  std::string_view type_line;  // What a line begins with that says which types there are.
  SharedLine (*share_type)(std::string_view line, TypeNames& seen);
  std::string_view header;  // Belongs into wasm-rt.h.
};

// The dialect of this C; null when weft does not know it.
const CDialect* dialect_of(std::string_view source);

// The versions of libwabt whose C weft knows, for messages.
std::string known_versions();

}  // namespace weft
