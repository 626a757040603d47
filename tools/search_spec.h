// SPDX-License-Identifier: Apache-2.0
// SearchSpec: a search as it travels to workers on other machines: guests, options and files, and
// nothing that would reach into the machine of a worker.
//
//   words of weft test ─▶ pack_search ─▶ SearchSpec ─▶ to_json ─▶ ... ─▶ read_spec ─┐
//                              │                                                    ▼
//                              └─▶ files by their SHA-256 ─▶ ... ─▶ folder ─▶ words_of_part
//                                                                      └─▶ weft test --shard I/N
//
// The one list of what may travel is kOptions: a worker takes no other option from the network. So
// a guest from there has what any guest of weft test has: an empty directory, memory, time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/verdict.h"

namespace weft::tools {

// Grows when a worker must know.
inline constexpr std::uint64_t kSpecVersion = 1;

struct SearchSpec {
  struct File {
    std::string name;    // Without its folder.
    std::string sha256;  // Of its bytes.
  };
  struct Option {
    std::string name;   // "--policy"
    std::string value;  // Of a flag: empty.
  };
  struct GuestWords {
    std::size_t module = 0;  // Of the files.
    std::string argv0;       // The module as the master has named it: the guest sees it.
    std::vector<Option> options;
    std::vector<std::string> args;
  };
  std::string weft;  // The version.
  std::string id;
  SeedRange seeds;
  std::uint64_t parts = 1;
  bool keep_going = false;
  std::vector<File> files;
  std::vector<GuestWords> guests;
};

// What becomes of an option of weft test.
enum class Way : std::uint8_t {
  travels,  // As it is.
  file,     // Its value is a file, which travels.
  stays,    // It is the master's, or a field of the spec.
};

// None: it does not go with --nats, and no worker takes it.
const Way* way_of(std::string_view option);

// Without a folder, and short enough for any file system.
bool is_plain_name(const std::string& name);

std::string to_json(const SearchSpec& spec);
// The error says what is wrong, or that it is of another weft.
Result<SearchSpec> read_spec(std::string_view text);

// Where the file lies below the folder of the search.
std::string stored_path(const SearchSpec& spec, std::size_t file);

// The words behind "weft" that run the part, in the folder of the search.
std::vector<std::string> words_of_part(const SearchSpec& spec, std::uint64_t part,
                                       const std::string& json_file, const std::string& replay_file,
                                       unsigned jobs);

}  // namespace weft::tools
