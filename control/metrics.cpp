// SPDX-License-Identifier: Apache-2.0
#include "control/metrics.h"

#include <array>
#include <cstdio>
#include <utility>

#include "base/printable.h"

namespace weft::control {

void MetricsText::family(std::string_view name, std::string_view kind, std::string_view unit,
                         std::string_view help) {
  name_ = name;
  text_ += "# TYPE " + name_ + " " + std::string(kind) + "\n";
  if (!unit.empty()) text_ += "# UNIT " + name_ + " " + std::string(unit) + "\n";
  text_ += "# HELP " + name_ + " " + std::string(help) + "\n";
}

void MetricsText::sample(std::string_view suffix, const std::string& labels, double value) {
  std::array<char, 40> digits{};
  std::snprintf(digits.data(), digits.size(), "%.9f", value);
  text_ += name_ + std::string(suffix) + (labels.empty() ? "" : "{" + labels + "}") + " " +
           digits.data() + "\n";
}

void MetricsText::sample(std::string_view suffix, const std::string& labels, std::uint64_t value) {
  text_ += name_ + std::string(suffix) + (labels.empty() ? "" : "{" + labels + "}") + " " +
           std::to_string(value) + "\n";
}

std::string MetricsText::take() {
  return std::exchange(text_, {}) + "# EOF\n";
}

std::string label(std::string_view name, std::string_view value) {
  std::string text = std::string(name) + "=\"";
  for (const char c : as_utf8(value)) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text + '"';
}

}  // namespace weft::control
