// SPDX-License-Identifier: Apache-2.0
// The list of policies, and how a name with parameters becomes one.
#include "sim/policy.h"

#include <algorithm>
#include <charconv>

#include "scheduler/g.h"
#include "sim/policies/all.h"
#include "sim/quantities.h"

namespace weft::sim {
namespace {

constexpr PolicyInfo kPolicies[] = {
    {"fifo", "first in, first out; the default", "", "", &make_fifo},
    {"go", "as Go on ordinary systems: runnext, ring of 256, global queue", "quantum", "",
     &make_go},
    {"lifo", "what became runnable last runs next", "", "", &make_lifo},
    {"random", "a random walk", "preempt", "preempt=0", &make_random},
    {"pct", "random priorities with depth-1 changes", "depth steps patience", "depth=1,patience=0",
     &make_pct},
    {"bounded", "random, with at most `bound` preemptions", "bound steps", "bound=0",
     &make_bounded},
    {"rr", "round robin with a quantum of safe points", "quantum", "", &make_round_robin},
    {"stride", "fair shares by tickets: stride:NAME=TICKETS", "*", "", &make_stride},
    {"edf", "earliest deadline first: edf:NAME=TIME", "*", "", &make_edf, true},
};

const PolicyInfo* find(std::string_view name) {
  const auto* it = std::find_if(std::begin(kPolicies), std::end(kPolicies),
                                [&](const PolicyInfo& info) { return info.name == name; });
  return it == std::end(kPolicies) ? nullptr : it;
}

std::uint64_t parameter_max(std::string_view parameter) {
  const bool makes_as_many = parameter == "depth" || parameter == "bound";
  return makes_as_many ? 100'000 : 1'000'000'000;
}

// Of PARAMETER=VALUE.
Result<std::uint64_t> value_of(const PolicyInfo& info, std::string_view parameter,
                               std::string_view word) {
  const std::string policy = "policy " + std::string(info.name) + ": ";
  const std::string_view text = word.substr(std::min(parameter.size() + 1, word.size()));
  if (info.takes_times) {
    const auto time = read_time(policy + std::string(parameter), text);
    if (!time) return time.error();
    return static_cast<std::uint64_t>(time->ns);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::uint64_t most = parameter_max(parameter);
  if (error != std::errc() || end != text.data() + text.size() || value > most) {
    return Error{policy + "'" + std::string(word) + "' is not NAME=NUMBER with a number up to " +
                 std::to_string(most)};
  }
  return value;
}

std::string known_names() {
  std::string names;
  for (const PolicyInfo& info : kPolicies)
    names += (names.empty() ? "" : ", ") + std::string(info.name);
  return names;
}

bool takes(const PolicyInfo& info, std::string_view parameter) {
  if (info.parameters == "*") return true;
  for (std::string_view rest = info.parameters; !rest.empty();) {
    const std::size_t blank = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, blank) == parameter) return true;
    rest.remove_prefix(std::min(blank + 1, rest.size()));
  }
  return false;
}

// As much of a name as a G keeps.
std::string_view as_g_name(std::string_view name) {
  return name.substr(0, kGNameMax - 1);
}

}  // namespace

std::span<const PolicyInfo> policies() {
  return kPolicies;
}

Result<PolicySpec> parse_policy(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  PolicySpec spec;
  spec.name = text.substr(0, colon);
  const PolicyInfo* info = find(spec.name);
  if (info == nullptr) {
    return Error{"unknown policy '" + spec.name + "'; known are " + known_names()};
  }
  for (std::string_view rest = text.substr(std::min(colon + 1, text.size())); !rest.empty();) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view word = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string_view parameter = word.substr(0, equals);
    const auto value = value_of(*info, parameter, word);
    if (!value) return value.error();
    if (!takes(*info, parameter)) {
      const std::string known = info->parameters.empty() ? "none" : std::string(info->parameters);
      return Error{"policy " + spec.name + " has no parameter '" + std::string(parameter) +
                   "'; it has: " + known};
    }
    spec.parameters[std::string(parameter)] = *value;
  }
  return spec;
}

Status check_names(const PolicySpec& spec, std::span<const std::string> names) {
  const PolicyInfo* info = find(spec.name);
  if (info == nullptr || info->parameters != "*") return Nothing{};
  const std::string policy = "policy " + spec.name + ": ";
  for (const auto& [parameter, value] : spec.parameters) {
    if (std::find(names.begin(), names.end(), parameter) == names.end()) {
      std::string wrong = policy;
      wrong.append("no guest is called '").append(parameter).append("'; there are:");
      for (const std::string& name : names) wrong.append(" ").append(name);
      return Error{std::move(wrong)};
    }
    for (const std::string& name : names) {
      if (name == parameter || as_g_name(name) != as_g_name(parameter)) continue;
      std::string wrong = policy;
      wrong.append("'").append(parameter).append("' and '").append(name);
      wrong.append("' begin with the same ").append(std::to_string(kGNameMax - 1));
      return Error{wrong.append(" bytes, and a G's name has no more; call one differently")};
    }
  }
  return Nothing{};
}

PolicySpec undisturbed(PolicySpec spec) {
  const PolicyInfo* info = find(spec.name);
  if (info == nullptr) return spec;
  auto own = parse_policy(std::string(info->name) + ":" + std::string(info->undisturbed));
  WEFT_CHECK(own, "a policy does not take its own parameters");
  spec.parameters.merge(own->parameters);
  return spec;
}

PolicySpec with_g_names(PolicySpec spec) {
  std::map<std::string, std::uint64_t, std::less<>> cut;
  for (const auto& [parameter, value] : spec.parameters) {
    cut.insert_or_assign(std::string(as_g_name(parameter)), value);
  }
  spec.parameters = std::move(cut);
  return spec;
}

std::string to_string(const PolicySpec& spec) {
  const PolicyInfo* info = find(spec.name);
  const bool times = info != nullptr && info->takes_times;
  std::string text = spec.name;
  for (const auto& [parameter, value] : spec.parameters) {
    text += (text.size() == spec.name.size() ? ":" : ",") + parameter + "=";
    text +=
        times ? time_in_words(Duration{static_cast<std::int64_t>(value)}) : std::to_string(value);
  }
  return text;
}

std::unique_ptr<Policy> make_policy(const PolicySpec& spec, std::uint64_t seed) {
  const PolicyInfo* info = find(spec.name);
  WEFT_CHECK(info != nullptr, "a policy was made that parse_policy does not know");
  return info->make(spec, seed);
}

}  // namespace weft::sim
