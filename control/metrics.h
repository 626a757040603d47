// SPDX-License-Identifier: Apache-2.0
// OpenMetrics text, version 1.0.0: families of samples, as Prometheus reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::control {

class MetricsText {
 public:
  // Begins a family. Kind: "gauge", "counter", "info", "summary". A counter's samples have the
  // suffix "_total".
  void family(std::string_view name, std::string_view kind, std::string_view unit,
              std::string_view help);
  // A sample of the family. `labels`: label() joined with ",", or empty.
  void sample(std::string_view suffix, const std::string& labels, double value);
  void sample(std::string_view suffix, const std::string& labels, std::uint64_t value);
  // The text with its end mark.
  [[nodiscard]] std::string take();

 private:
  std::string text_;
  std::string name_;
};

// name="value", escaped.
std::string label(std::string_view name, std::string_view value);

}  // namespace weft::control
