// SPDX-License-Identifier: Apache-2.0
#include "tools/search_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <iterator>

#include "base/printable.h"
#include "control/json.h"
#include "tools/guest_options.h"
#include "tools/json_text.h"

namespace weft::tools {
namespace {

namespace json = boost::json;
using control::JsonFields;
using Option = SearchSpec::Option;

// What is not in this list is refused, by the master and by the worker.
constexpr struct {
  std::string_view name;
  Way way;
} kOptions[] = {
    {"-n", Way::travels},
    {"--invoke", Way::travels},
    {"--env", Way::travels},
    {"--memory", Way::travels},
    {"--stack", Way::travels},
    {"--fuel", Way::travels},
    {"--goroutine-preempt", Way::travels},
    {"--engine", Way::travels},
    {"--bounds", Way::travels},
    {"--virtual-time", Way::travels},
    {"--policy", Way::travels},
    {"--cost", Way::travels},
    {"--jitter", Way::travels},
    {"--start", Way::travels},
    {"--max-time", Way::travels},
    {"--max-steps", Way::travels},
    {"--faults", Way::travels},
    {"--schedule-limit", Way::travels},
    {"--leaks", Way::travels},
    {"--no-leaks", Way::travels},
    {"--once", Way::travels},
    {"--empty-dir", Way::travels},
    {"--stdin", Way::file},
    {"--expect", Way::file},
    {"--seed", Way::stays},
    {"--seeds", Way::stays},
    {"--keep-going", Way::stays},
    {"--search-limit", Way::stays},
    {"--nats", Way::stays},
    {"--nats-creds", Way::stays},
    {"--nats-ca", Way::stays},
    {"--nats-cert", Way::stays},
    {"--nats-key", Way::stays},
    {"--parts", Way::stays},
    {"--json", Way::stays},
    {"--junit", Way::stays},
    {"--replay", Way::stays},
};

std::string guest_json(const SearchSpec::GuestWords& guest) {
  std::string options;
  for (const Option& option : guest.options) {
    options += fmt::format("{}[{}, {}]", options.empty() ? "" : ", ", json_text(option.name),
                           json_text(option.value));
  }
  return fmt::format("{{\"module\": {}, \"argv0\": {}, \"options\": [{}], \"args\": [{}]}}",
                     guest.module, json_text(guest.argv0), options, json_list(guest.args));
}

std::string text_of(const json::value& value, std::string& wrong) {
  if (value.is_string() && value.get_string().find('\0') == json::string::npos) {
    return std::string(value.get_string());
  }
  if (wrong.empty()) wrong = "a word must be a text";
  return "";
}

Option read_option(const json::value& value, std::size_t files, std::string& wrong) {
  if (!value.is_array() || value.get_array().size() != 2) {
    if (wrong.empty()) wrong = "an option must have a name and a value";
    return {};
  }
  Option option{text_of(value.get_array()[0], wrong), text_of(value.get_array()[1], wrong)};
  const Way* way = way_of(option.name);
  if ((way == nullptr || *way == Way::stays) && wrong.empty()) {
    wrong = "the option '" + printable(option.name) + "' may not travel";
  }
  // Without a value it would be the worker's own variable.
  if (option.name == "--env" && option.value.find('=') == std::string::npos && wrong.empty()) {
    wrong = "'--env' must have a value";
  }
  if (way != nullptr && *way == Way::file) {
    std::size_t number = 0;
    while (number < files && option.value != std::to_string(number)) ++number;
    if (number == files && wrong.empty()) wrong = "there is no such file";
  }
  return option;
}

SearchSpec::GuestWords read_guest(const json::value& value, std::size_t files, std::string& wrong) {
  static const json::object none;
  const JsonFields fields(value.is_object() ? value.get_object() : none, wrong);
  SearchSpec::GuestWords guest;
  guest.module = fields.number("module");
  if (guest.module >= files) fields.say_wrong("module", "the number of a file");
  guest.argv0 = fields.text("argv0");
  if (guest.argv0.find('\0') != std::string::npos) fields.say_wrong("argv0", "a path");
  for (const json::value& option : fields.array("options")) {
    guest.options.push_back(read_option(option, files, wrong));
  }
  for (const json::value& word : fields.array("args")) {
    guest.args.push_back(text_of(word, wrong));
    if (guest.args.back() == kGuestSeparator && wrong.empty()) wrong = "a word ends the guest";
  }
  return guest;
}

}  // namespace

const Way* way_of(std::string_view option) {
  const auto* row = std::find_if(std::begin(kOptions), std::end(kOptions),
                                 [&](const auto& known) { return known.name == option; });
  return row == std::end(kOptions) ? nullptr : &row->way;
}

bool is_plain_name(const std::string& name) {
  constexpr std::size_t kNameMax = 200;
  return !name.empty() && name.size() <= kNameMax && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

std::string to_json(const SearchSpec& spec) {
  std::string files;
  for (const SearchSpec::File& file : spec.files) {
    files += fmt::format("{}{{\"name\": {}, \"sha256\": \"{}\"}}", files.empty() ? "" : ", ",
                         json_text(file.name), file.sha256);
  }
  std::string guests;
  for (const SearchSpec::GuestWords& guest : spec.guests) {
    guests += (guests.empty() ? "" : ", ") + guest_json(guest);
  }
  return fmt::format(
      "{{\"format\": \"weft-search\", \"format_version\": {}, \"weft\": {}, \"id\": {}, "
      "\"seed\": {}, \"seeds\": {}, \"parts\": {}, \"keep_going\": {}, \"files\": [{}], "
      "\"guests\": [{}]}}\n",
      kSpecVersion, json_text(spec.weft), json_text(spec.id), spec.seeds.first, spec.seeds.count,
      spec.parts, spec.keep_going, files, guests);
}

Result<SearchSpec> read_spec(std::string_view text) {
  auto object = control::read_object(text);
  if (!object) return object.error();
  std::string wrong;
  const JsonFields fields(*object, wrong);
  if (fields.text("format") != "weft-search") return Error{"no search of weft test --nats"};
  const std::uint64_t version = fields.number("format_version");
  if (version != kSpecVersion) {
    return Error{"a search of version " + std::to_string(version) + "; this weft reads version " +
                 std::to_string(kSpecVersion)};
  }
  SearchSpec spec;
  spec.weft = fields.text("weft");
  if (spec.weft != WEFT_VERSION) {
    return Error{"a search of weft " + printable(spec.weft) + "; this is weft " + WEFT_VERSION};
  }
  spec.id = fields.text("id");
  spec.seeds = {fields.number("seed"), fields.number("seeds")};
  spec.parts = fields.number("parts");
  if (spec.parts < 1 || spec.parts > spec.seeds.count) fields.say_wrong("parts", "from 1 to seeds");
  spec.keep_going = fields.flag("keep_going");
  for (const json::value& value : fields.array("files")) {
    static const json::object none;
    const JsonFields file(value.is_object() ? value.get_object() : none, wrong);
    spec.files.push_back({file.text("name"), file.sha256("sha256")});
    if (!is_plain_name(spec.files.back().name)) file.say_wrong("name", "the name of a file");
  }
  for (const json::value& value : fields.array("guests")) {
    spec.guests.push_back(read_guest(value, spec.files.size(), wrong));
  }
  if (spec.guests.empty() && wrong.empty()) wrong = "it has no guests";
  if (!wrong.empty()) return Error{"a damaged search: " + wrong};
  return spec;
}

std::string stored_path(const SearchSpec& spec, std::size_t file) {
  return "files/" + std::to_string(file) + "/" + spec.files[file].name;
}

std::vector<std::string> words_of_part(const SearchSpec& spec, std::uint64_t part,
                                       const std::string& json_file, const std::string& replay_file,
                                       unsigned jobs) {
  std::vector<std::string> words = {"test",
                                    "--seed=" + std::to_string(spec.seeds.first),
                                    "--seeds=" + std::to_string(spec.seeds.count),
                                    fmt::format("--shard={}/{}", part, spec.parts),
                                    "--json=" + json_file,
                                    "--replay=" + replay_file,
                                    "--jobs=" + std::to_string(jobs)};
  if (spec.keep_going) words.emplace_back("--keep-going");
  for (const SearchSpec::GuestWords& guest : spec.guests) {
    if (&guest != &spec.guests.front()) words.emplace_back(kGuestSeparator);
    for (const Option& option : guest.options) {
      const Way* way = way_of(option.name);
      const bool is_file = way != nullptr && *way == Way::file;
      const std::string value =
          is_file ? stored_path(spec, std::stoul(option.value)) : option.value;
      // In one word, so that no value can be taken for an option.
      const bool is_long = option.name.starts_with("--");
      words.push_back(option.name + (is_long && !value.empty() ? "=" : "") + value);
    }
    words.push_back("--argv0=" + guest.argv0);
    words.push_back(stored_path(spec, guest.module));
    words.insert(words.end(), guest.args.begin(), guest.args.end());
  }
  return words;
}

}  // namespace weft::tools
