// SPDX-License-Identifier: Apache-2.0
#include "tools/cache_command.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "base/printable.h"
#include "guest/aot/object_cache.h"
#include "tools/exit_codes.h"

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

}  // namespace

std::optional<ExitNow> cache_command(const std::vector<std::string>& args) {
  CLI::App app("The modules that --engine=aot has compiled.", "weft cache");
  app.require_subcommand(1);
  const CLI::App* ls = app.add_subcommand("ls", "List them: key, size, last use, module");
  app.add_subcommand("clear", "Remove them all");
  try {
    app.parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::CallForHelp&) {
    return ExitNow{0, app.help()};
  } catch (const CLI::ParseError& error) {
    return ExitNow{kExitUsage,
                   std::string("weft: cache: ") + error.what() + "\nTry 'weft cache --help'.\n"};
  }
  auto folder = ObjectCache::default_folder();
  if (!folder) return ExitNow{kExitUsage, "weft: cache: " + folder.error().message + "\n"};
  auto cache = ObjectCache::open(*folder);
  if (!cache) return ExitNow{kExitUsage, "weft: cache: " + cache.error().message + "\n"};
  if (ls->parsed()) return list(*cache);
  return ExitNow{0, fmt::format("{} modules removed\n", cache->clear())};
}

}  // namespace weft::tools
