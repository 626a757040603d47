// SPDX-License-Identifier: Apache-2.0
// Verdict: what a search, or one part of it, has found. It is what `weft test` says, what --json
// writes (docs/verdict.schema.json), and what the parts of a search are put together from.
//
//   weft test ─▶ Verdict ─▶ text()                 for people
//                        ─▶ to_json ─▶ FILE ─┐
//   weft test --shard 2/8 ─▶ ... ─▶ FILE ────┼─▶ read_verdict ─▶ merge ─▶ Verdict of the whole
//                                            ┘
//
// A part is a range of the seeds; all have as many, or one more in the first ones.
// Its file has a row for each seed (`runs`), so that the whole can count only the seeds up to the
// first failure, as one process that stops there does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sim/explore/explore.h"
#include "tools/seed_run.h"

namespace weft::tools {

inline constexpr std::uint64_t kVerdictVersion = 1;

struct Part {
  std::uint64_t index = 1;  // From 1.
  std::uint64_t of = 1;
};

struct SeedRange {
  std::uint64_t first = 1;
  std::uint64_t count = 0;
};

// The seeds of a part.
SeedRange range_of(const Part& part, const SeedRange& whole);

// What must be equal for parts to be parts of one search.
struct SearchIdentity {
  struct Module {
    std::string name;    // Of the file, without its folder.
    std::string sha256;  // Of its bytes.
    bool operator==(const Module&) const = default;
  };
  std::string weft;  // The version.
  std::vector<Module> modules;
  std::string policy;   // With its parameters; "dfs:bound=2".
  SeedRange seeds;      // Of the whole search.
  std::string options;  // A hash of all other options that change what is run.
  bool keep_going = false;
};

struct FailedSeed {
  std::uint64_t seed = 0;
  sim::Ending ending = sim::Ending::failed;
};

// The first failure, minimised.
struct VerdictFailure {
  FailedSeed what;
  std::string message;
  std::uint64_t hash = 0;
  std::uint64_t found_with = 0;
  sim::Schedule schedule;
  std::string text;         // The lines below the verdict.
  std::string replay_path;  // Where the replay file was written; empty: it could not be.
  std::string replay;       // Its bytes.
};

struct Verdict {
  std::string program;
  SearchIdentity search;
  std::optional<Part> part;
  std::uint64_t bound = 0;  // DFS.
  std::uint64_t schedules = 0;
  std::uint64_t steps = 0;
  std::uint64_t pruned = 0;
  std::uint64_t cut_short = 0;
  bool exhausted = false;
  bool ended_early = false;
  std::vector<std::string> unexplored;
  double seconds = 0;  // Real time.
  // A row for each seed that was run, ascending; empty: nobody kept them.
  std::vector<SeedRun> runs;
  std::optional<VerdictFailure> failure;

  // The same lines as sim::ExploreReport::text; with keep_going one more, of all failing seeds.
  [[nodiscard]] std::string text() const;
};

// Leaves out the rows behind the first failure, and counts what is left. Not with keep_going.
void count_runs(Verdict& verdict);

std::string to_json(const Verdict& verdict);

// The error says what is wrong with the text.
Result<Verdict> read_verdict(std::string_view text);

struct NamedVerdict {
  std::string name;  // For messages: the file.
  Verdict verdict;
};

// In which way they are two searches; empty: they are one.
std::string difference(const SearchIdentity& a, const SearchIdentity& b);

// What is wrong with the verdict of a part by itself: its rows are not those of the part. Empty:
// nothing.
std::string wrong_with_part(const Verdict& verdict);

// Which parts may be missing.
enum class Missing : std::uint8_t {
  none,
  behind_failure,  // Those that one process would not have come to.
  any,             // The search was ended early: the verdict says so.
};

// One verdict of all parts. The error names the parts that do not fit: of another search, missing,
// there twice.
Result<Verdict> merge(std::vector<NamedVerdict> parts, Missing may_be_missing = Missing::none);

}  // namespace weft::tools
