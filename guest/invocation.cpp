// SPDX-License-Identifier: Apache-2.0
#include "guest/invocation.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <iterator>
#include <optional>

#include "base/printable.h"
#include "os/wasip1/functions.h"
#include "os/wasip1/memory.h"
#include "os/wasip1/process.h"

namespace weft {
namespace {

constexpr std::string_view kStart = "_start";
constexpr std::string_view kInitialize = "_initialize";
constexpr std::size_t kListedMax = 20;

std::string_view type_name(char letter) {
  switch (letter) {
    case 'i':
      return "i32";
    case 'I':
      return "i64";
    case 'f':
      return "f32";
    case 'F':
      return "f64";
    case 'v':
      return "v128";
    case 'r':
      return "funcref";
    case 'x':
      return "exnref";
    default:
      return "externref";
  }
}

std::string type_names(std::string_view letters) {
  std::string text;
  for (const char letter : letters) text.append(text.empty() ? "" : ", ").append(type_name(letter));
  return text;
}

std::string signature(const FuncTypeInfo& type) {
  std::string text = "(" + type_names(type.params) + ")";
  if (!type.results.empty()) text += " -> " + type_names(type.results);
  return text;
}

bool are_numbers(std::string_view params) {
  return params.find_first_not_of("iIfF") == std::string_view::npos;
}

// An export that is a function of the module's own; nullptr: there is none.
const ExportInfo* own_function(const ModuleInfo& info, std::string_view name) {
  const ExportInfo* found = info.find_export(name);
  const bool own = found != nullptr && found->kind == ExternalKind::func &&
                   found->index >= info.imported_functions;
  return own ? found : nullptr;
}

constexpr const char* kKinds[] = {"function", "table", "memory", "global", "tag"};

// Why own_function() finds none of this name.
std::string not_callable(const ModuleInfo& info, std::string_view name) {
  const std::string quoted = "\"" + printable(name) + "\"";
  const ExportInfo* found = info.find_export(name);
  if (found == nullptr) return "the module exports no function " + quoted;
  if (found->kind != ExternalKind::func) {
    return "the export " + quoted + " is a " + kKinds[static_cast<std::size_t>(found->kind)] +
           ", not a function";
  }
  std::uint32_t index = found->index;
  const auto import = std::find_if(
      info.imports.begin(), info.imports.end(),
      [&](const ImportInfo& one) { return one.kind == ExternalKind::func && index-- == 0; });
  return "the export " + quoted + " is a function of the host (\"" + printable(import->module) +
         "\" \"" + printable(import->name) +
         "\") that the module exports again; export a function of the module's own that calls it";
}

// Does the module export a function of the host's under this name?
bool exports_host(const ModuleInfo& info, std::string_view name) {
  const ExportInfo* found = info.find_export(name);
  return found != nullptr && found->kind == ExternalKind::func &&
         found->index < info.imported_functions;
}

// "; --invoke NAME can call add(i32, i32) -> i32, ...", or that there is none. The empty name is
// no name for --invoke.
std::string what_can_be_invoked(const ModuleInfo& info) {
  std::string text;
  std::size_t count = 0;
  for (const ExportInfo& item : info.exports) {
    if (own_function(info, item.name) != &item) continue;
    if (item.name == kInitialize || item.name.empty()) continue;
    const FuncTypeInfo& type = *info.type_of_function(item.index);
    if (!are_numbers(type.params)) continue;
    if (++count > kListedMax) continue;
    text += (count == 1 ? "" : ", ") + printable(item.name) + signature(type);
  }
  if (count == 0) return "; it exports no function that --invoke could call";
  if (count > kListedMax) text += " and " + std::to_string(count - kListedMax) + " more";
  return "; --invoke NAME can call " + text;
}

Error nothing_to_run(const ModuleInfo& info) {
  if (exports_host(info, kStart))
    return Error{not_callable(info, kStart) + what_can_be_invoked(info)};
  const bool reactor = own_function(info, kInitialize) != nullptr;
  return Error{(reactor ? "the module is a WASI reactor (it exports _initialize, not _start) and "
                          "exports no function with the empty name"
                        : "the module exports no function _start (is it a WASI command?)") +
               what_can_be_invoked(info)};
}

// A function that weft calls by itself takes nothing and returns nothing.
Status check_bare(const ModuleInfo& info, const ExportInfo& function) {
  const FuncTypeInfo& type = *info.type_of_function(function.index);
  if (type.params.empty() && type.results.empty()) return Nothing{};
  return Error{function.name + " must take no parameters and return nothing"};
}

// Reads the whole word, of the type's size; nothing when it is not a number of that type.
template <class T>
std::optional<T> read_whole(std::string_view word, int base) {
  T value = 0;
  const char* const end = word.data() + word.size();
  const auto [last, error] = std::from_chars(word.data(), end, value, base);
  return error == std::errc{} && last == end && !word.empty() ? std::optional(value) : std::nullopt;
}

// Of 32 or 64 bits: all that fit, signed or not.
template <class Unsigned>
std::optional<std::uint64_t> read_integer(std::string_view word) {
  const bool minus = word.starts_with('-');
  std::string_view digits = word.substr(minus ? 1 : 0);
  const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (hex) digits.remove_prefix(2);
  const auto value = read_whole<Unsigned>(digits, hex ? 16 : 10);
  if (!value) return std::nullopt;
  constexpr Unsigned kLowest = Unsigned{1} << (8 * sizeof(Unsigned) - 1);
  if (minus && *value > kLowest) return std::nullopt;
  return minus ? static_cast<Unsigned>(0 - *value) : *value;
}

template <class Float>
std::optional<Float> read_float(std::string_view word) {
  Float value = 0;
  const char* const end = word.data() + word.size();
  const auto [last, error] = std::from_chars(word.data(), end, value);
  return error == std::errc{} && last == end && !word.empty() ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> read_value(char type, std::string_view word) {
  switch (type) {
    case 'i':
      return read_integer<std::uint32_t>(word);
    case 'I':
      return read_integer<std::uint64_t>(word);
    case 'f': {
      const auto value = read_float<float>(word);
      if (!value) return std::nullopt;
      return std::bit_cast<std::uint32_t>(*value);
    }
    case 'F': {
      const auto value = read_float<double>(word);
      if (!value) return std::nullopt;
      return std::bit_cast<std::uint64_t>(*value);
    }
    default:
      return std::nullopt;
  }
}

// Sixteen digits.
std::string hex(std::uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, std::end(digits), value, 16).ptr;
  return std::string(static_cast<std::size_t>(std::end(digits) - end), '0').append(digits, end);
}

// How many words of 64 bits values of these types take.
std::size_t words_of(std::string_view types) {
  return types.size() + static_cast<std::size_t>(std::count(types.begin(), types.end(), 'v'));
}

std::string called(const EntryPoint& entry) {
  return "\"" + printable(entry.main->name) + "\"";
}

Error wrong_count(const EntryPoint& entry, std::size_t given) {
  const std::string_view params = entry.type->params;
  std::string wanted = "takes no arguments";
  if (!params.empty()) {
    wanted = "takes " + std::to_string(params.size()) +
             (params.size() == 1 ? " argument (" : " arguments (") + type_names(params) + ")";
  }
  return Error{"the function " + called(entry) + " " + wanted + ", not " + std::to_string(given)};
}

}  // namespace

Result<EntryPoint> find_initialize(const ModuleInfo& info) {
  EntryPoint entry;
  entry.initialize = own_function(info, kInitialize);
  if (entry.initialize == nullptr) {
    if (exports_host(info, kInitialize)) return Error{not_callable(info, kInitialize)};
    return entry;
  }
  if (Status bare = check_bare(info, *entry.initialize); !bare) return bare.error();
  return entry;
}

Result<EntryPoint> find_entry(const ModuleInfo& info, std::string_view function) {
  EntryPoint entry;
  const ExportInfo* start = own_function(info, kStart);
  entry.main = function.empty() ? start : own_function(info, function);
  if (function.empty() && start == nullptr) entry.main = own_function(info, "");
  if (entry.main == nullptr && function.empty()) return nothing_to_run(info);
  if (entry.main == nullptr) {
    return Error{not_callable(info, function) + what_can_be_invoked(info)};
  }
  entry.type = info.type_of_function(entry.main->index);
  if (start == nullptr) {
    const auto reactor = find_initialize(info);
    if (!reactor) return reactor.error();
    entry.initialize = reactor->initialize;
  }
  if (entry.main == start) {
    if (Status bare = check_bare(info, *start); !bare) return bare.error();
  }
  if (entry.main == entry.initialize) entry.initialize = nullptr;
  if (!are_numbers(entry.type->params)) {
    return Error{"the function " + called(entry) + signature(*entry.type) +
                 " takes what is no number"};
  }
  return entry;
}

Result<Invocation> read_invocation(const ModuleInfo& info, const std::string& function,
                                   std::span<const std::string> words) {
  const auto entry = find_entry(info, function);
  if (!entry) return entry.error();
  Invocation call;
  call.function = function;
  call.prints = !entry->type->results.empty();
  const std::string_view params = entry->type->params;
  if (params.empty() && function.empty()) return call;
  if (words.size() != params.size()) return wrong_count(*entry, words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto value = read_value(params[i], words[i]);
    if (!value) {
      return Error{"argument " + std::to_string(i + 1) + " of the function " + called(*entry) +
                   " is an " + std::string(type_name(params[i])) + ", not '" + printable(words[i]) +
                   "'"};
    }
    call.values.push_back(*value);
  }
  return call;
}

Status check_values(const EntryPoint& entry, std::span<const std::uint64_t> values) {
  if (values.size() == entry.type->params.size()) return Nothing{};
  return wrong_count(entry, values.size());
}

std::string results_in_words(std::string_view types, std::span<const std::uint64_t> values) {
  std::string text;
  const auto put = [&text](auto value, auto... base) {
    char digits[32];
    text.append(digits, std::to_chars(digits, std::end(digits), value, base...).ptr);
  };
  std::size_t at = 0;
  for (const char type : types) {
    const std::uint64_t value = values[at++];
    switch (type) {
      case 'i':
        put(static_cast<std::int32_t>(value));
        break;
      case 'I':
        put(static_cast<std::int64_t>(value));
        break;
      case 'f':
        put(std::bit_cast<float>(static_cast<std::uint32_t>(value)));
        break;
      case 'F':
        put(std::bit_cast<double>(value));
        break;
      case 'v':
        text += "0x" + hex(values[at++]) + hex(value);
        break;
      default:
        text += value == 0 ? "null" : "ref";
        break;
    }
    text += '\n';
  }
  return text;
}

GuestEnd run_entry(Instance& instance, const EntryPoint& entry,
                   std::vector<std::uint64_t>& values) {
  values.resize(std::max(values.size(), words_of(entry.type->results)));
  GuestEnd end = instance.start();
  if (!end.returned) return end;
  if (entry.initialize != nullptr) {
    end = instance.call(*entry.initialize, {});
    if (!end.returned) return end;
  }
  end = instance.call(*entry.main, values);
  values.resize(end.returned ? words_of(entry.type->results) : 0);
  return end;
}

bool print_for_guest(wasip1::Process& process, std::string_view text) {
  // What the call takes for the guest's memory: where the bytes are, where their count goes, they.
  constexpr std::uint32_t kVector = 0;
  constexpr std::uint32_t kCount = 8;
  constexpr std::uint32_t kText = 16;
  const wasip1::Function* fd_write = wasip1::find("wasi_snapshot_preview1", "fd_write");
  std::vector<std::byte> bytes(kText);
  const auto of_text = std::as_bytes(std::span(text));
  bytes.insert(bytes.end(), of_text.begin(), of_text.end());
  for (std::uint32_t done = 0; done < text.size();) {
    const std::uint32_t rest[] = {kText + done, static_cast<std::uint32_t>(text.size()) - done};
    std::memcpy(bytes.data() + kVector, rest, sizeof rest);
    const std::uint64_t args[] = {1, kVector, 1, kCount};
    if (fd_write->call(process, wasip1::Memory(bytes), args) != 0) return false;
    std::uint32_t written = 0;
    std::memcpy(&written, bytes.data() + kCount, sizeof written);
    if (written == 0) return false;
    done += written;
  }
  return true;
}

}  // namespace weft
