// SPDX-License-Identifier: Apache-2.0
#include "tools/suggest.h"

#include <algorithm>
#include <vector>

namespace weft::tools {
namespace {

// How many letters have to be put in, left out, replaced or swapped with their neighbour.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> least(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        least[i][j] = i + j;
        continue;
      }
      const std::size_t differs = a[i - 1] == b[j - 1] ? 0 : 1;
      least[i][j] =
          std::min({least[i - 1][j] + 1, least[i][j - 1] + 1, least[i - 1][j - 1] + differs});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        least[i][j] = std::min(least[i][j], least[i - 2][j - 2] + 1);
      }
    }
  }
  return least[a.size()][b.size()];
}

// What other runtimes call it, and what weft has.
constexpr struct {
  std::string_view option;
  std::string_view answer;
} kElsewhere[] = {
    {"--mapdir", "weft has --dir HOST::GUEST, the other way round than GUEST::HOST"},
    {"--volume", "weft has --dir HOST::GUEST"},
    {"--argv0", "weft gives the guest the module's path as its first argument"},
    {"--tcplisten", "weft has --listen HOST:PORT"},
    {"--net", "weft gives a guest listening sockets: --listen HOST:PORT"},
    {"-W", "limits of weft are options of their own: --memory, --stack, --fuel, --deadline"},
    {"--wasm", "limits of weft are options of their own: --memory, --stack, --fuel, --deadline"},
    {"--wasm-timeout", "weft has --deadline TIME"},
    {"-S", "WASI preview 1 is always on; sockets: --listen HOST:PORT"},
    {"--wasi", "WASI preview 1 is always on; sockets: --listen HOST:PORT"},
    {"--wasi-modules", "WASI preview 1 is always on"},
    {"-O", "weft has --engine=aot for the speed of compiled code"},
    {"--optimize", "weft has --engine=aot for the speed of compiled code"},
    {"-C", "weft has --engine, --cc and --bounds; compiled code is cached by itself"},
    {"--codegen", "weft has --engine, --cc and --bounds; compiled code is cached by itself"},
    {"--allow-precompiled", "weft compiles ahead with 'weft compile', into a cache"},
    {"--preload", "weft links no modules: a guest imports WASI preview 1 alone"},
    {"--profile", "weft has --trace FILE.json and 'weft report'"},
    {"-D", "weft has --trace-wasi, --trace FILE.json and --stats"},
    {"--debug", "weft has --trace-wasi, --trace FILE.json and --stats"},
};

}  // namespace

std::string closest(std::string_view word, std::span<const std::string> known) {
  const std::size_t letters = word.size() - std::min(word.find_first_not_of('-'), word.size());
  const std::size_t most = letters < 2 ? 0 : letters <= 4 ? 1 : 2;
  std::string best;
  std::size_t least = most + 1;
  for (const std::string& candidate : known) {
    const std::size_t slips = distance(word, candidate);
    if (slips < least && slips < candidate.size()) {
      least = slips;
      best = candidate;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
  const std::string found = closest(word, known);
  return found.empty() ? "" : "; did you mean '" + found + "'?";
}

std::string in_place_of(std::string_view option) {
  const std::string_view name = option.substr(0, option.find('='));
  for (const auto& [elsewhere, answer] : kElsewhere) {
    // wasmtime writes -Wmax-memory-size=... in one word, too.
    const bool is_letter = elsewhere.size() == 2 && !name.starts_with("--");
    if (name == elsewhere || (is_letter && name.starts_with(elsewhere))) {
      return "; " + std::string(answer);
    }
  }
  return "";
}

}  // namespace weft::tools
