// SPDX-License-Identifier: Apache-2.0
#include "tools/world_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/printable.h"
#include "sim/quantities.h"
#include "tools/whole_file.h"

namespace weft::tools {
namespace {

constexpr std::int64_t kGuestsMax = 10'000;

// Thrown from anywhere below, caught in parse_world: the place and what is wrong there.
struct Wrong {
  toml::source_position at;
  std::string what;
};

[[noreturn]] void wrong(const toml::node& node, std::string what) {
  throw Wrong{node.source().begin, std::move(what)};
}

// One table of the manifest: hands out its values, and knows which keys have not been asked for.
class Section {
 public:
  Section(const toml::node& node, std::string name) : name_(std::move(name)) {
    table_ = node.as_table();
    if (table_ == nullptr) wrong(node, name_ + " is not a table");
  }

  // The node under the key, or nullptr.
  const toml::node* find(std::string_view key) {
    asked_.emplace(key);
    return table_->get(key);
  }
  bool has(std::string_view key) { return find(key) != nullptr; }

  std::string text(std::string_view key, std::string otherwise = {}) {
    const toml::node* node = find(key);
    if (node == nullptr) return otherwise;
    if (!node->is_string()) wrong(*node, std::string(key) + " wants a text");
    return **node->as_string();
  }

  std::int64_t number(std::string_view key, std::int64_t least, std::int64_t most,
                      std::int64_t otherwise) {
    const toml::node* node = find(key);
    if (node == nullptr) return otherwise;
    const auto* value = node->as_integer();
    if (value == nullptr || **value < least || **value > most) {
      wrong(*node, std::string(key) + " wants a number from " + std::to_string(least) + " to " +
                       std::to_string(most));
    }
    return **value;
  }

  Duration duration(std::string_view key) {
    const toml::node* node = find(key);
    if (node == nullptr) return {};
    auto value = read_time(std::string(key), text(key));
    if (!value) wrong(*node, value.error().message);
    return *value;
  }

  // A number in `unit`s, or a text as "64K".
  std::uint64_t size(std::string_view key, std::uint64_t unit, std::uint64_t least,
                     std::uint64_t most, std::uint64_t otherwise) {
    const toml::node* node = find(key);
    if (node == nullptr) return otherwise;
    const auto* number = node->as_integer();
    if (number == nullptr && !node->is_string()) {
      wrong(*node, std::string(key) + " wants a number, or a size as \"64K\"");
    }
    const std::string word = number != nullptr ? std::to_string(**number) : text(key);
    auto value = read_size(std::string(key), word, unit, least, most);
    if (!value) wrong(*node, value.error().message);
    return *value;
  }

  std::vector<std::string> texts(std::string_view key) {
    const toml::node* node = find(key);
    return node == nullptr ? std::vector<std::string>{} : texts_of(*node, key);
  }

  static std::vector<std::string> texts_of(const toml::node& node, std::string_view key) {
    const toml::array* list = node.as_array();
    if (list == nullptr) wrong(node, std::string(key) + " wants a list of texts");
    std::vector<std::string> words;
    for (const toml::node& member : *list) {
      if (!member.is_string()) wrong(member, std::string(key) + " wants a list of texts");
      words.push_back(**member.as_string());
    }
    return words;
  }

  // To be called when everything has been asked for.
  void finish() const {
    for (const auto& [key, node] : *table_) {
      if (asked_.contains(std::string(key.str()))) continue;
      std::string known;
      for (const std::string& word : asked_) known += (known.empty() ? "" : ", ") + word;
      throw Wrong{key.source().begin, "unknown key '" + std::string(key.str()) + "' in " + name_ +
                                          "; known are " + known};
    }
  }
  [[nodiscard]] const toml::table& table() const { return *table_; }

 private:
  const toml::table* table_;
  const std::string name_;
  std::set<std::string> asked_;
};

class Reader {
 public:
  explicit Reader(std::filesystem::path folder) : folder_(std::move(folder)) {}

  WorldFile read(const toml::table& root) {
    Section top(root, "the manifest");
    each(top, "guest", [this](const toml::node& node) { add_guests(node); });
    if (file_.guests.empty()) wrong(root, "no [[guest]] in it: a world needs one");
    each(top, "link", [this](const toml::node& node) { add_links(node); });
    each(top, "event", [this](const toml::node& node) { add_event(node); });
    top.finish();
    tell_names();
    return std::move(file_);
  }

 private:
  template <class F>
  void each(Section& top, const char* key, F&& f) {
    const toml::node* node = top.find(key);
    if (node == nullptr) return;
    if (!node->is_array_of_tables()) {
      wrong(*node, std::string(key) + " is not a list of tables: write [[" + key + "]]");
    }
    for (const toml::node& member : *node->as_array()) f(member);
  }

  // Commas stand between the names in WEFT_LINKS.
  static std::string name_of(Section& section, const std::string& module) {
    const char* key = section.has("name") ? "name" : "module";
    std::string name = section.text("name", std::filesystem::path(module).stem().string());
    const bool has_control = std::any_of(
        name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (name.empty() || name.find(',') != std::string::npos || has_control) {
      wrong(*section.find(key), std::string(key) + " gives the guest the name '" + printable(name) +
                                    "'; a name is not empty and has no comma and no control "
                                    "character");
    }
    return name;
  }

  void add_guests(const toml::node& node) {
    Section section(node, "[[guest]]");
    GuestSpec spec;
    const std::string module = section.text("module");
    if (module.empty()) wrong(node, "a [[guest]] needs a module");
    spec.module_path = (folder_ / module).string();
    const std::string name = name_of(section, module);
    const std::int64_t count = section.number("count", 1, kGuestsMax, 1);
    spec.limits.memory_pages_max = static_cast<std::uint32_t>(
        section.size("memory", kMib, kWasmPageBytes, 4 * kGib, kGib) / kWasmPageBytes);
    spec.limits.fuel = static_cast<std::uint64_t>(section.number("fuel", 1, INT64_MAX, 0));
    spec.invoke = section.text("invoke");
    if (spec.invoke.empty() && section.has("invoke")) {
      wrong(*section.find("invoke"), "invoke wants the name of a function, not ''");
    }
    spec.options.args = section.texts("args");
    spec.options.args.insert(spec.options.args.begin(), spec.module_path);
    for (const std::string& variable : section.texts("env")) {
      if (variable.find('=') == std::string::npos || variable.front() == '=') {
        wrong(*section.find("env"), "env wants NAME=VALUE, not '" + variable + "'");
      }
      spec.options.env.push_back(variable);
    }
    for (const std::string& dir : section.texts("dirs")) {
      const std::size_t colons = dir.find("::");
      if (colons == std::string::npos || colons == 0 || colons + 2 == dir.size()) {
        wrong(*section.find("dirs"), "dirs wants HOST::GUEST, not '" + dir + "'");
      }
      spec.options.preopens.push_back(
          {(folder_ / dir.substr(0, colons)).string(), dir.substr(colons + 2)});
    }
    section.finish();
    for (std::int64_t i = 1; i <= count; ++i) {
      spec.options.name = section.has("count") ? name + std::to_string(i) : name;
      if (!numbers_.emplace(spec.options.name, file_.guests.size()).second) {
        wrong(node, "two guests have the name '" + spec.options.name + "'");
      }
      file_.guests.push_back(spec);
      peers_.emplace_back();
    }
  }

  std::size_t guest(const toml::node& node, const std::string& name) {
    const auto it = numbers_.find(name);
    if (it == numbers_.end()) wrong(node, "no guest has the name '" + name + "'");
    return it->second;
  }

  // A link for each pair of `between`.
  void add_links(const toml::node& node) {
    Section section(node, "[[link]]");
    const std::vector<std::string> names = section.texts("between");
    if (names.size() < 2) wrong(node, "between wants the names of two guests or more");
    sim::LinkSpec link;
    const std::string kind = section.text("kind", "stream");
    if (kind != "stream" && kind != "datagram") {
      wrong(*section.find("kind"), "kind is stream or datagram, not '" + kind + "'");
    }
    link.datagrams = kind == "datagram";
    link.delay = section.duration("delay");
    link.jitter = section.duration("jitter");
    link.bandwidth = section.size("bandwidth", 1, 1, INT64_MAX, 0);
    link.buffer = section.size("buffer", 1, 1, kGib, 64 * kKib);
    link.lose_one_in = static_cast<std::uint32_t>(section.number("lose", 1, UINT32_MAX, 0));
    link.shorten_one_in = static_cast<std::uint32_t>(section.number("shorten", 1, UINT32_MAX, 0));
    if (!link.datagrams && link.lose_one_in > 0) {
      wrong(*section.find("lose"), "a stream loses nothing; kind = \"datagram\" does");
    }
    if (link.datagrams && link.shorten_one_in > 0) {
      wrong(*section.find("shorten"), "a datagram is never shortened; kind = \"stream\" is");
    }
    section.finish();
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (std::size_t j = i + 1; j < names.size(); ++j) {
        link.ends[0] = guest(*section.find("between"), names[i]);
        link.ends[1] = guest(*section.find("between"), names[j]);
        if (link.ends[0] == link.ends[1])
          wrong(node, "a link between '" + names[i] + "' and itself");
        file_.world.links.push_back(link);
        peers_[link.ends[0]].push_back(names[j]);
        peers_[link.ends[1]].push_back(names[i]);
      }
    }
  }

  void add_event(const toml::node& node) {
    Section section(node, "[[event]]");
    sim::WorldEvent event;
    if (!section.has("at")) wrong(node, "an [[event]] needs at = \"TIME\"");
    event.at = section.duration("at");
    using Kind = sim::WorldEvent::Kind;
    int what = 0;
    for (const Kind kind :
         {Kind::partition, Kind::heal, Kind::cut, Kind::mend, Kind::kill, Kind::restart}) {
      const toml::node* value = section.find(name(kind));
      if (value == nullptr) continue;
      ++what;
      event.kind = kind;
      fill(event, *value);
    }
    section.finish();
    if (what != 1) {
      wrong(node, "an [[event]] is one of partition, heal, cut, mend, kill, restart");
    }
    file_.world.events.push_back(event);
  }

  void fill(sim::WorldEvent& event, const toml::node& value) {
    using Kind = sim::WorldEvent::Kind;
    if (event.kind == Kind::heal) {
      if (!value.is_boolean() || !**value.as_boolean()) wrong(value, "write heal = true");
    } else if (event.kind == Kind::partition) {
      event.groups = groups(value);
    } else if (event.kind == Kind::cut || event.kind == Kind::mend) {
      const std::vector<std::string> pair = Section::texts_of(value, name(event.kind));
      if (pair.size() != 2) wrong(value, std::string(name(event.kind)) + " wants two guests");
      event.guest = guest(value, pair[0]);
      event.other = guest(value, pair[1]);
      const bool linked = std::any_of(
          file_.world.links.begin(), file_.world.links.end(), [&](const sim::LinkSpec& link) {
            return (link.ends[0] == event.guest && link.ends[1] == event.other) ||
                   (link.ends[1] == event.guest && link.ends[0] == event.other);
          });
      if (!linked) wrong(value, "there is no link between '" + pair[0] + "' and '" + pair[1] + "'");
    } else {
      if (!value.is_string()) {
        wrong(value, std::string(name(event.kind)) + " wants the name of a guest");
      }
      event.guest = guest(value, **value.as_string());
    }
  }

  // Guests that no group names are one more group, 0.
  std::vector<std::size_t> groups(const toml::node& value) {
    std::vector<std::size_t> group_of(file_.guests.size(), 0);
    const toml::array* lists = value.as_array();
    if (lists == nullptr || lists->empty()) {
      wrong(value, "partition wants a list of groups: [[\"a\", \"b\"], [\"c\"]]");
    }
    std::size_t number = 0;
    for (const toml::node& list : *lists) {
      ++number;
      for (const std::string& name : Section::texts_of(list, "a group of partition")) {
        std::size_t& group = group_of[guest(list, name)];
        if (group != 0) wrong(list, "'" + name + "' is in two groups");
        group = number;
      }
    }
    return group_of;
  }

  // A guest's environment tells its name, and which guests its descriptors from 3 on lead to.
  void tell_names() {
    for (std::size_t i = 0; i < file_.guests.size(); ++i) {
      GuestOptions& options = file_.guests[i].options;
      std::string links;
      for (const std::string& peer : peers_[i]) links += (links.empty() ? "" : ",") + peer;
      options.env.push_back("WEFT_NAME=" + options.name);
      options.env.push_back("WEFT_LINKS=" + links);
    }
  }

  const std::filesystem::path folder_;
  WorldFile file_;
  std::map<std::string, std::size_t> numbers_;
  std::vector<std::vector<std::string>> peers_;  // Of each guest: of its links, in order.
};

Error at(const std::string& path, const toml::source_position& where, const std::string& what) {
  return Error{path + ":" + std::to_string(where.line) + ": " + what};
}

}  // namespace

Result<WorldFile> parse_world(const std::string& text, const std::string& path) {
  try {
    const toml::table root = toml::parse(text, path);
    WorldFile file = Reader(std::filesystem::path(path).parent_path()).read(root);
    file.text = text;
    return file;
  } catch (const toml::parse_error& error) {
    return at(path, error.source().begin, std::string(error.description()));
  } catch (const Wrong& error) {
    return at(path, error.at, error.what);
  }
}

Result<WorldFile> read_world(const std::string& path) {
  auto text = read_whole_file(path);
  if (!text) return text.error();
  return parse_world(*text, path);
}

}  // namespace weft::tools
