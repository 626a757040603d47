// SPDX-License-Identifier: Apache-2.0
#include "tools/pack_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "base/sha256.h"
#include "tools/guest_options.h"
#include "tools/help.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

using Option = SearchSpec::Option;

// Why an option does not go with --nats.
std::string_view why_not(std::string_view name) {
  if (name == "--dir") return "directories do not travel; --empty-dir does";
  if (name == "--jobs") return "the workers have it: weft worker --jobs";
  if (name == "--shard") return "the queue has parts of its own";
  if (name == "--dfs") return "one process does it";
  if (name == "--world") return "manifests do not travel";
  return "it has no meaning on another machine";
}

bool takes_value(const CommandHelp& help, const std::string& name) {
  for (const OptionGroup& group : help.groups) {
    for (const OptionHelp& option : group.options) {
      const auto& names = option.names;
      if (std::find(names.begin(), names.end(), name) != names.end()) return !option.type.empty();
    }
  }
  return false;
}

// The words of one guest, taken apart. They have been read before, so they are valid.
struct Segment {
  std::vector<Option> options;
  std::string module;
  std::vector<std::string> args;
};

Segment take_apart(const CommandHelp& help, const std::vector<std::string>& words) {
  Segment segment;
  std::size_t n = 0;
  for (; n < words.size() && words[n].starts_with("-") && words[n] != "-"; ++n) {
    if (words[n] == "--") {
      ++n;
      break;
    }
    Option option{words[n], ""};
    const std::size_t equals = words[n].find('=');
    if (words[n].starts_with("--") && equals != std::string::npos) {
      option = {words[n].substr(0, equals), words[n].substr(equals + 1)};
    } else if (!words[n].starts_with("--") && words[n].size() > 2) {
      option = {words[n].substr(0, 2), words[n].substr(2)};
    } else if (takes_value(help, words[n]) && n + 1 < words.size()) {
      option.value = words[++n];
    }
    segment.options.push_back(std::move(option));
  }
  if (n < words.size()) segment.module = words[n++];
  segment.args.assign(words.begin() + static_cast<std::ptrdiff_t>(n), words.end());
  return segment;
}

class Packer {
 public:
  // The file's number among those that travel.
  Result<std::size_t> add(const std::string& path) {
    const auto known = std::find(packed.paths.begin(), packed.paths.end(), path);
    if (known != packed.paths.end()) {
      return static_cast<std::size_t>(known - packed.paths.begin());
    }
    auto bytes = read_whole_file(path);
    if (!bytes) return bytes.error();
    Sha256 hash;
    hash.add(*bytes);
    SearchSpec::File file{path.substr(path.find_last_of('/') + 1), hash.hex()};
    if (!is_plain_name(file.name)) return Error{path + ": a file with such a name can't travel"};
    packed.spec.files.push_back(std::move(file));
    packed.paths.push_back(path);
    return packed.spec.files.size() - 1;
  }

  Status add_guest(Segment segment) {
    SearchSpec::GuestWords guest;
    for (Option& option : segment.options) {
      const Way* way = way_of(option.name);
      if (way == nullptr) {
        return Error{
            fmt::format("{} does not go with --nats: {}", option.name, why_not(option.name))};
      }
      if (*way == Way::stays) continue;
      if (*way == Way::file) {
        auto file = add(option.value);
        if (!file) return Error{fmt::format("{}: {}", option.name, file.error().message)};
        option.value = std::to_string(*file);
      }
      if (option.name == "--env" && option.value.find('=') == std::string::npos) {
        const char* value = std::getenv(option.value.c_str());
        option.value += std::string("=") + (value == nullptr ? "" : value);
      }
      guest.options.push_back(std::move(option));
    }
    if (segment.module == "-") return Error{"--nats wants modules in files, not '-'"};
    auto module = add(segment.module);
    if (!module) return module.error();
    guest.module = *module;
    guest.argv0 = segment.module;
    guest.args = std::move(segment.args);
    packed.spec.guests.push_back(std::move(guest));
    return Nothing{};
  }

  PackedSearch packed;
};

}  // namespace

Result<PackedSearch> pack_search(const std::vector<std::string>& words,
                                 const TestOptions& options) {
  for (const std::string& word : words) {
    if (as_utf8(word) != word) return Error{"--nats wants words in UTF-8: " + printable(word)};
  }
  const CommandHelp help = test_help();
  Packer packer;
  for (auto from = words.begin();;) {
    const auto to = std::find(from, words.end(), kGuestSeparator);
    if (Status added = packer.add_guest(take_apart(help, {from, to})); !added) {
      return added.error();
    }
    if (to == words.end()) break;
    from = to + 1;
  }
  SearchSpec& spec = packer.packed.spec;
  spec.weft = WEFT_VERSION;
  spec.seeds = options.whole;
  spec.keep_going = options.keep_going;
  return std::move(packer.packed);
}

}  // namespace weft::tools
