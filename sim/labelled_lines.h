// SPDX-License-Identifier: Apache-2.0
// LabelledLines: what one guest writes, cut into lines, each behind a label. A line that has no end
// yet is kept, up to kLineMax.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weft::sim {

class LabelledLines {
 public:
  // A guest that never ends its line does not fill the host's memory.
  static constexpr std::size_t kLineMax = 64 * 1024;

  explicit LabelledLines(std::string label) : label_(std::move(label)) {}

  // Takes everything, `n` bytes, and returns the lines that are whole now.
  std::string take(std::span<const iovec> buffers, std::size_t& n) {
    n = 0;
    std::string lines;
    for (const iovec& buffer : buffers) {
      std::string_view bytes(static_cast<const char*>(buffer.iov_base), buffer.iov_len);
      n += bytes.size();
      for (std::size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos;) {
        lines.append(label_).append(line_).append(bytes.substr(0, end + 1));
        line_.clear();
        bytes.remove_prefix(end + 1);
      }
      line_ += bytes;
      if (line_.size() > kLineMax) lines += rest();
    }
    return lines;
  }

  // The line that has no end yet, with one; empty when there is none.
  std::string rest() {
    if (line_.empty()) return {};
    std::string line = label_ + line_ + "\n";
    line_.clear();
    return line;
  }

 private:
  const std::string label_;
  std::string line_;  // Without its end.
};

}  // namespace weft::sim
