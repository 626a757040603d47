// SPDX-License-Identifier: Apache-2.0
#include "tools/replay_command.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "base/printable.h"
#include "signals/fault.h"
#include "sim/record/recording.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/replay_recording.h"
#include "tools/virtual_run.h"
#include "tools/whole_file.h"
#include "tools/world_file.h"

namespace weft::tools {
namespace {

Result<std::uint64_t> hash_of_file(const std::string& path) {
  auto bytes = read_whole_file(path);
  if (!bytes) return bytes.error();
  sim::Hash hash;
  hash.add(*bytes);
  return hash.value();
}

// The module's path of the recording, or the same name in another folder.
std::string find_module(const std::string& recorded, const std::string& folder) {
  if (folder.empty()) return recorded;
  return (std::filesystem::path(folder) / std::filesystem::path(recorded).filename()).string();
}

}  // namespace

Result<std::vector<std::shared_ptr<Module>>> load_recorded(
    Runtime& loader, const std::vector<sim::ReplayGuest>& guests, std::uint32_t quantum,
    const std::string& folder) {
  std::vector<std::shared_ptr<Module>> all;
  std::map<std::pair<std::string, GuestLimits>, std::shared_ptr<Module>> modules;
  for (const sim::ReplayGuest& guest : guests) {
    const std::string path = find_module(guest.module_path, folder);
    GuestLimits limits;
    limits.memory_pages_max = static_cast<std::uint32_t>(guest.memory_pages_max);
    limits.fuel = guest.fuel;
    limits.quantum = quantum;
    auto& module = modules[{path, limits}];
    if (module == nullptr) {
      auto hash = hash_of_file(path);
      if (hash && *hash != guest.module_hash) {
        std::fprintf(stderr,
                     "weft: %s has changed since the recording, which is followed as far as it "
                     "fits\n",
                     printable(path).c_str());
      }
      auto loaded = loader.load(path, limits);
      if (!loaded) return loaded.error();
      module = *loaded;
    }
    all.push_back(module);
  }
  return all;
}

namespace {

std::vector<sim::GuestSetup> setups_of(const sim::ReplayFile& file,
                                       const std::vector<std::shared_ptr<Module>>& modules) {
  std::vector<sim::GuestSetup> setups;
  for (std::size_t i = 0; i < file.guests.size(); ++i) {
    const sim::ReplayGuest& guest = file.guests[i];
    sim::GuestSetup setup;
    setup.module = modules[i];
    setup.args = guest.args;
    setup.env = guest.env;
    for (std::size_t at = 0; at + 1 < guest.folders.size(); at += 2) {
      setup.folders.push_back({guest.folders[at], guest.folders[at + 1]});
    }
    setups.push_back(std::move(setup));
  }
  return setups;
}

// The first line: what follows are the functions that it was in.
std::string_view ending_of(std::string_view message) {
  return message.substr(0, message.find('\n'));
}

std::string describe_ending(sim::Ending ending, std::string_view message) {
  std::string text = name(ending);
  if (!message.empty()) text.append(" (").append(printable(ending_of(message))).append(")");
  return text;
}

void compare(const sim::ReplayFile& file, const sim::RunRecord& record) {
  const bool same_ending =
      record.ending == file.ending && ending_of(record.message) == ending_of(file.message);
  if (record.left_schedule || record.followed < file.schedule.decisions) {
    std::fprintf(stderr,
                 "weft: the run left the recording at decision %llu of %llu, and went on by seed "
                 "%llu\n",
                 static_cast<unsigned long long>(record.followed),
                 static_cast<unsigned long long>(file.schedule.decisions),
                 static_cast<unsigned long long>(file.settings.seed));
  } else if (record.hash == file.hash && same_ending) {
    std::fprintf(stderr, "weft: replayed: the same run, %llu decisions, hash %016llx\n",
                 static_cast<unsigned long long>(record.schedule.decisions),
                 static_cast<unsigned long long>(record.hash));
  } else {
    std::fprintf(stderr, "weft: replayed all %llu decisions, but the run was another one\n",
                 static_cast<unsigned long long>(file.schedule.decisions));
  }
  if (!same_ending) {
    std::fprintf(stderr, "weft: the recorded run ended by %s, this one by %s\n",
                 describe_ending(file.ending, file.message).c_str(),
                 describe_ending(record.ending, record.message).c_str());
  }
}

int complain_of_stdout(const Error& error) {
  std::fprintf(stderr, "weft: %s\n", error.message.c_str());
  return kExitNoOutput;
}

int replay_schedule(const std::string& path, const std::string& bytes,
                    const ReplayOptions& options) {
  auto file = sim::decode(bytes);
  if (!file) {
    std::fprintf(stderr, "weft: %s %s\n", path.c_str(), file.error().message.c_str());
    return kExitNoModule;
  }
  Runtime loader(make_engine(options.engine.empty() ? file->engine : options.engine, {}));
  auto modules = load_recorded(loader, file->guests, file->quantum, options.modules);
  if (!modules) {
    std::fprintf(stderr, "weft: %s\n", printable_lines(modules.error().message).c_str());
    return kExitNoModule;
  }
  auto guests = setups_of(*file, *modules);
  WorldFile world;
  if (!file->world.empty()) {
    auto parsed = parse_world(file->world, path);
    if (!parsed || parsed->guests.size() != guests.size()) {
      const std::string why = parsed ? "it has other guests" : parsed.error().message;
      std::fprintf(stderr, "weft: %s: the world in it can't be used: %s\n", path.c_str(),
                   why.c_str());
      return kExitNoModule;
    }
    world = std::move(*parsed);
    for (std::size_t i = 0; i < guests.size(); ++i) {
      guests[i].name = world.guests[i].options.name;
    }
  }
  sim::GuestRunSettings settings;
  settings.world = &world.world;
  static_cast<sim::RunSettings&>(settings) = file->settings;
  settings.forced = &file->schedule;
  settings.short_transfers = file->quantum != 0;  // Files of version 1 know none.
  settings.input = file->input;
  settings.copy_folders = file->copy_folders;
  if (file->has_expected) settings.expected = &file->expected;
  signals::FaultHandler faults;
  auto record = sim::run_guests(guests, settings);
  if (!record) {
    std::fprintf(stderr, "weft: %s\n", record.error().message.c_str());
    return kExitUsage;
  }
  std::fwrite(record->out.data(), 1, record->out.size(), stdout);
  const Status written = flush_stdout();
  std::fwrite(record->err.data(), 1, record->err.size(), stderr);
  report_end(*record);
  compare(*file, *record);
  return written ? exit_code_of(*record) : complain_of_stdout(written.error());
}

int replay(const std::string& path, const ReplayOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  auto bytes = read_whole_file(path);
  if (!bytes) {
    std::fprintf(stderr, "weft: %s\n", printable_lines(bytes.error().message).c_str());
    return kExitNoModule;
  }
  return sim::is_recording(*bytes) ? replay_recording(path, *bytes, options)
                                   : replay_schedule(path, *bytes, options);
}

}  // namespace

Result<std::vector<sim::ReplayGuest>> describe_guests(const RunOptions& run,
                                                      const std::vector<std::string>& empty_dirs) {
  std::vector<sim::ReplayGuest> guests;
  for (const GuestSpec& spec : run.guests) {
    sim::ReplayGuest guest;
    guest.module_path = std::filesystem::absolute(spec.module_path).string();
    auto hash = hash_of_file(spec.module_path);
    if (!hash) return hash.error();
    guest.module_hash = *hash;
    guest.memory_pages_max = spec.limits.memory_pages_max;
    guest.fuel = spec.limits.fuel;
    guest.args = spec.options.args;
    guest.env = spec.options.env;
    for (const wasip1::Preopen& preopen : spec.options.preopens) {
      guest.folders.push_back(std::filesystem::absolute(preopen.host_path).string());
      guest.folders.push_back(preopen.guest_path);
    }
    for (const std::string& dir : empty_dirs) {
      guest.folders.emplace_back();
      guest.folders.push_back(dir);
    }
    for (int copy = 0; copy < spec.copies; ++copy) guests.push_back(guest);
  }
  return guests;
}

sim::ReplayFile describe_run(const sim::GuestRunSettings& settings, const sim::RunRecord& record) {
  sim::ReplayFile file;
  file.settings = settings;
  file.quantum = sim::kCheckQuantum;
  file.copy_folders = settings.copy_folders;
  file.input = settings.input;
  file.has_expected = settings.expected != nullptr;
  if (file.has_expected) file.expected = *settings.expected;
  file.schedule = record.schedule;
  file.ending = record.ending;
  file.message = record.message;
  file.hash = record.hash;
  return file;
}

int replay_command(const std::vector<std::string>& args) {
  CLI::App app("Runs again what a replay file holds (docs/replay.md)", "weft replay");
  std::string path;
  ReplayOptions options;
  app.add_option("FILE", path, "What weft test or weft run --record has written")->required();
  app.add_option("--modules", options.modules, "Where the modules are now, by their old names")
      ->type_name("DIR");
  app.add_option("--engine", options.engine, "Another engine than that of the recording")
      ->check(CLI::IsMember(fixed_engine_names()));
  try {
    std::vector<std::string> words(args.rbegin(), args.rend());  // As CLI11 wants them.
    app.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    const Status said = flush_stdout();
    return said ? 0 : complain_of_stdout(said.error());
  } catch (const CLI::ParseError& error) {
    std::fprintf(stderr, "weft: replay: %s\nTry 'weft replay --help'.\n", error.what());
    return kExitUsage;
  }
  return replay(path, options);
}

}  // namespace weft::tools
