// SPDX-License-Identifier: Apache-2.0
#include "tools/cache_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/printable.h"
#include "guest/aot/object_cache.h"
#include "tools/command_line.h"
#include "tools/exit_codes.h"
#include "tools/messages.h"

namespace weft::tools {
namespace {

ExitNow list(const ObjectCache& cache) {
  std::string text;
  std::uint64_t bytes = 0;
  const std::vector<ObjectCache::Entry> entries = cache.entries();
  for (const ObjectCache::Entry& entry : entries) {
    text += fmt::format("{}  {:>9} KiB  {:%Y-%m-%d %H:%M}  {}\n", entry.key.substr(0, 12),
                        (entry.bytes + 1023) / 1024, fmt::localtime(std::time_t{entry.used_s}),
                        entry.good ? printable(entry.module) : "damaged; it will be made again");
    bytes += entry.bytes;
  }
  text += fmt::format("{} modules, {} KiB, in {}\n", entries.size(), (bytes + 1023) / 1024,
                      cache.folder());
  return {0, text};
}

struct CacheApp {
  CLI::App app{"The modules that --engine=aot has compiled.", "weft cache"};
  const CLI::App* ls = app.add_subcommand("ls", "List them: key, size, last use, module");
  const CLI::App* clear = app.add_subcommand("clear", "Remove them all");
};

}  // namespace

CommandHelp cache_help() {
  return describe(CacheApp().app);
}

int cache_command(const std::vector<std::string>& args) {
  CacheApp cli;
  cli.app.require_subcommand(1);
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  auto folder = ObjectCache::default_folder();
  if (!folder) return complain("cache", folder.error(), kExitUsage);
  auto cache = ObjectCache::open(*folder);
  if (!cache) return complain("cache", cache.error(), kExitUsage);
  if (cli.ls->parsed()) return print(list(*cache));
  return print({0, fmt::format("{} modules removed\n", cache->clear())});
}

}  // namespace weft::tools
