// SPDX-License-Identifier: Apache-2.0
// The manifest of a simulated world, a TOML file: guests, the links between them, and what happens
// when (docs/simulation.md, "Links").
//
//   --world FILE ─▶ read_world ─▶ GuestSpecs + sim::WorldSpec
//                                     ▲
//   a replay file holds its text ─▶ parse_world
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/world_spec.h"
#include "tools/guest_spec.h"

namespace weft::tools {

struct WorldFile {
  std::string text;               // As it was read.
  std::vector<GuestSpec> guests;  // In the order of the manifest; a `count` makes several.
  sim::WorldSpec world;
};

// The error names the file, the line, and what is wrong there. Paths in it are relative to it.
Result<WorldFile> read_world(const std::string& path);

// `path` is for messages and for what the text's paths are relative to.
Result<WorldFile> parse_world(const std::string& text, const std::string& path);

}  // namespace weft::tools
