// SPDX-License-Identifier: Apache-2.0
// What a simulated world is made of besides its guests: the links between them, and what happens to
// links and guests at which time. docs/simulation.md, "Links", tells what each value means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/instant.h"

namespace weft::sim {

// A link has two ends, each a socket of one guest; guests are numbered from 0.
struct LinkSpec {
  std::size_t ends[2] = {0, 0};
  bool datagrams = false;          // Else a stream of bytes, in order and without loss.
  Duration delay;                  // From one end to the other.
  Duration jitter;                 // At most so much more, by the seed, for each piece.
  std::uint64_t bandwidth = 0;     // Bytes a second in each direction; 0: no limit.
  std::size_t buffer = 64 * 1024;  // Bytes underway or not read yet, in each direction.
  std::uint32_t lose_one_in = 0;   // Datagrams: one in so many is lost; 0: none.
  std::uint32_t shorten_one_in =
      0;  // Streams: one in so many reads and writes takes half; 0: none.
};

struct WorldEvent {
  enum class Kind : std::uint8_t {
    partition,  // The guests of different groups can't reach each other.
    heal,       // All of them can; links that were cut stay so.
    cut,        // These two can't.
    mend,       // They can again.
    kill,       // The guest ends here and now.
    restart,    // It starts again, from its module; one that runs is killed first.
  };
  Duration at;  // Since the start of the run.
  Kind kind = Kind::heal;
  // partition: for each guest the number of its group.
  std::vector<std::size_t> groups = {};
  std::size_t guest = 0;  // cut, mend: one of the two. kill, restart: the one.
  std::size_t other = 0;  // cut, mend.
};

constexpr const char* name(WorldEvent::Kind kind) {
  constexpr const char* names[] = {"partition", "heal", "cut", "mend", "kill", "restart"};
  return names[static_cast<std::size_t>(kind)];
}

struct WorldSpec {
  std::vector<LinkSpec> links;
  std::vector<WorldEvent> events;  // In any order; those at one time happen as they stand here.
};

}  // namespace weft::sim
