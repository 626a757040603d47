// SPDX-License-Identifier: Apache-2.0
#include "tools/recorded_guests.h"

#include <filesystem>
#include <set>

#include "tools/messages.h"
#include "tools/modules.h"
#include "tools/whole_file.h"

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
    guest.goroutines = spec.limits.goroutines;
    guest.invoke = spec.invoke;
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
  file.quantum = sim::kQuantum;
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

Result<std::vector<RecordedModule>> load_recorded(Runtime& loader,
                                                  const std::vector<sim::ReplayGuest>& guests,
                                                  std::uint32_t quantum, const std::string& folder,
                                                  bool leaks) {
  std::vector<RecordedModule> all;
  std::set<std::string> looked_at;
  Modules modules(loader);
  for (const sim::ReplayGuest& guest : guests) {
    const std::string path = find_module(guest.module_path, folder);
    GuestLimits limits;
    limits.memory_pages_max = static_cast<std::uint32_t>(guest.memory_pages_max);
    limits.fuel = guest.fuel;
    limits.quantum = quantum;
    limits.goroutines = guest.goroutines;
    if (looked_at.insert(path).second) {
      auto hash = hash_of_file(path);
      if (hash && *hash != guest.module_hash) {
        say(path + " has changed since the recording, which is followed as far as it fits");
      }
    }
    const Role role = guest.invoke.empty() ? Role::command : Role::library;
    auto module =
        leaks ? modules.load_for_leaks(path, limits, role) : modules.load(path, limits, role);
    if (!module) return module.error();
    all.push_back({*module, modules.go_of(**module)});
  }
  return all;
}

Result<Invocation> recorded_call(const Module& module, const sim::ReplayGuest& guest) {
  const auto words = std::span(guest.args).subspan(guest.args.empty() ? 0 : 1);
  auto call = read_invocation(module.info, guest.invoke, words);
  if (!call) return Error{module.name + ": " + call.error().message};
  return call;
}

Result<std::vector<sim::GuestSetup>> setups_of(const sim::ReplayFile& file,
                                               const std::vector<RecordedModule>& modules) {
  std::vector<sim::GuestSetup> setups;
  for (std::size_t i = 0; i < file.guests.size(); ++i) {
    const sim::ReplayGuest& guest = file.guests[i];
    sim::GuestSetup setup;
    setup.module = modules[i].module;
    setup.go = modules[i].go;
    setup.args = guest.args;
    setup.env = guest.env;
    auto call = recorded_call(*modules[i].module, guest);
    if (!call) return call.error();
    setup.invoke = std::move(*call);
    for (std::size_t at = 0; at + 1 < guest.folders.size(); at += 2) {
      setup.folders.push_back({guest.folders[at], guest.folders[at + 1]});
    }
    setups.push_back(std::move(setup));
  }
  return setups;
}

}  // namespace weft::tools
