// SPDX-License-Identifier: Apache-2.0
#include "tools/replay_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>

#include "base/printable.h"
#include "signals/fault.h"
#include "sim/record/recording.h"
#include "tools/command_line.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/how_it_ended.h"
#include "tools/messages.h"
#include "tools/recorded_guests.h"
#include "tools/replay_recording.h"
#include "tools/search_folder.h"
#include "tools/virtual_stop.h"
#include "tools/whole_file.h"
#include "tools/world_file.h"

namespace weft::tools {
namespace {

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
    say(fmt::format("the run left the recording at decision {} of {}, and went on by seed {}",
                    record.followed, file.schedule.decisions, file.settings.seed));
  } else if (record.hash == file.hash && same_ending) {
    say(fmt::format("replayed: the same run, {} decisions, hash {:016x}", record.schedule.decisions,
                    record.hash));
  } else {
    say(fmt::format("replayed all {} decisions, but the run was another one",
                    file.schedule.decisions));
  }
  if (!same_ending) {
    say(fmt::format("the recorded run ended by {}, this one by {}",
                    describe_ending(file.ending, file.message),
                    describe_ending(record.ending, record.message)));
  }
}

// The world of a recording in virtual time, which gives its guests their names.
Result<WorldFile> world_of(const sim::ReplayFile& file, const std::string& path,
                           std::vector<sim::GuestSetup>& guests) {
  if (file.world.empty()) return WorldFile{};
  auto world = parse_world(file.world, path);
  if (!world || world->guests.size() != guests.size()) {
    const std::string why = world ? "it has other guests" : world.error().message;
    return Error{path + ": the world in it can't be used: " + why};
  }
  for (std::size_t i = 0; i < guests.size(); ++i) guests[i].name = world->guests[i].options.name;
  return world;
}

bool has_folders(const sim::ReplayFile& file) {
  return std::any_of(file.guests.begin(), file.guests.end(),
                     [](const sim::ReplayGuest& guest) { return !guest.folders.empty(); });
}

// Why the guests can't be made. A folder may be too large for a copy.
int complain_of_guests(const Error& error, bool has_copies) {
  const int code = complain("", error, kExitUsage);
  if (has_copies) {
    say("a replay copies the folders that its file names; --in-place gives its guests the folders "
        "themselves");
  }
  return code;
}

int replay_schedule(const std::string& path, const std::string& bytes,
                    const ReplayOptions& options) {
  auto file = sim::decode(bytes);
  if (!file) return complain("", Error{path + " " + file.error().message}, kExitNoModule);
  Runtime loader(make_engine(options.engine.empty() ? file->engine : options.engine, {}));
  // Up to the end of main a run that looks for leaks is as any other.
  const bool leaks = file->ending == sim::Ending::leak;
  auto modules = load_recorded(loader, file->guests, file->quantum, options.modules, leaks);
  if (!modules) return complain("", modules.error(), kExitNoModule);
  auto guests = setups_of(*file, *modules);
  if (!guests) return complain("", guests.error(), kExitNoModule);
  const auto world = world_of(*file, path, *guests);
  if (!world) return complain("", world.error(), kExitNoModule);
  sim::GuestRunSettings settings;
  settings.world = &world->world;
  static_cast<sim::RunSettings&>(settings) = file->settings;
  settings.forced = &file->schedule;
  settings.short_transfers = file->quantum != 0;  // Files of version 1 know none.
  settings.leaks = leaks;
  settings.input = file->input;
  settings.copy_folders = !options.in_place;
  settings.echo = true;
  settings.hides_echo_errors = true;
  if (file->has_expected) settings.expected = &file->expected;
  std::unique_ptr<SearchFolder> copies;
  if (has_folders(*file) && !options.in_place) {
    auto made = SearchFolder::make();
    if (!made) return complain("", made.error(), kExitNoOutput);
    copies = std::move(*made);
  }
  const StopOnSignal stop;  // So that the copies go.
  settings.stop = stop.noted();
  signals::FaultHandler faults;
  auto record = sim::run_guests(*guests, settings);
  if (!record) return complain_of_guests(record.error(), copies != nullptr);
  if (record->stopped) return kExitSignal + *stop.noted();
  std::fwrite(record->err.data(), 1, record->err.size(),
              stderr);  // Of a leak, when main had ended.
  report_end(*record);
  compare(*file, *record);
  if (record->out_error == 0) return exit_code_of(*record);
  return complain("", errno_error("stdout", record->out_error), kExitNoOutput);
}

int replay(const std::string& path, const ReplayOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  auto bytes = read_whole_file(path);
  if (!bytes) return complain("", bytes.error(), kExitNoModule);
  return sim::is_recording(*bytes) ? replay_recording(path, *bytes, options)
                                   : replay_schedule(path, *bytes, options);
}

struct ReplayApp {
  CLI::App app{"Runs again what a replay file holds (docs/replay.md).", "weft replay"};
  std::string path;
  ReplayOptions options;
  ReplayApp() {
    std::string engines;
    for (const std::string& name : fixed_engine_names()) {
      engines += (engines.empty() ? "" : "|") + name;
    }
    app.add_option("FILE", path, "What weft test or weft run --record has written")->required();
    app.add_option("--modules", options.modules, "Where the modules are now, by their old names")
        ->type_name("DIR");
    app.add_option("--engine", options.engine, "Another engine than that of the recording")
        ->check(one_of(fixed_engine_names()))
        ->type_name(engines);
    app.add_flag("--in-place", options.in_place,
                 "Let the guests write into the folders that FILE names; else they get copies");
  }
};

}  // namespace

CommandHelp replay_help() {
  return describe(ReplayApp().app);
}

int replay_command(const std::vector<std::string>& args) {
  ReplayApp cli;
  if (const auto exit = parse_words(cli.app, args)) return print(*exit);
  return replay(cli.path, cli.options);
}

}  // namespace weft::tools
