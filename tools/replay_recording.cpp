// SPDX-License-Identifier: Apache-2.0
#include "tools/replay_recording.h"

#include "os/clocks.h"
#include "signals/fault.h"
#include "signals/shutdown.h"
#include "signals/tick.h"
#include "sim/record/playback.h"
#include "sim/virtual_time.h"
#include "tools/engines.h"
#include "tools/exit_codes.h"
#include "tools/how_it_ended.h"
#include "tools/messages.h"
#include "tools/spawner.h"

namespace weft::tools {
namespace {

Status spawn_all(Runtime& runtime, Spawner& spawner, const sim::Recording& recording,
                 sim::Playback& playback, const std::vector<RecordedModule>& modules) {
  for (std::size_t i = 0; i < modules.size(); ++i) {
    GuestOptions options;
    options.args = recording.head.guests[i].args;
    options.env = recording.head.guests[i].env;
    auto call = recorded_call(*modules[i].module, recording.head.guests[i]);
    if (!call) return call.error();
    options.invoke = std::move(*call);
    playback.furnish(i, options);
    auto guest = spawner.spawn(modules[i].module, std::move(options));
    if (!guest) return guest.error();
    if (playback.dies_at_once(i)) runtime.kill(**guest);
  }
  return Nothing{};
}

}  // namespace

int replay_recording(const std::string& path, const std::string& bytes,
                     const ReplayOptions& options) {
  auto recording = sim::decode_recording(bytes);
  if (!recording) {
    say(path + " " + recording.error().message);
    return kExitNoModule;
  }
  const sim::RecordingHead& head = recording->head;
  ManualClock clock({head.monotonic_ns}, head.realtime_ns);
  sim::VirtualPoller poller(clock);
  sim::Playback playback(*recording, clock);
  Runtime runtime({.clock = &clock, .poller = &poller, .seed = head.seed},
                  make_engine(options.engine.empty() ? head.engine : options.engine, {}));
  poller.attach(&runtime.reactor());
  runtime.on_guest_end([&playback](const Guest& guest) {
    if (guest.end()->kind == GuestEnd::Kind::trapped) report_trap(guest);
    playback.guest_ended(guest);
  });
  auto modules = load_recorded(runtime, head.guests, 0, options.modules);
  if (!modules) return complain("", modules.error(), kExitNoModule);
  Spawner spawner(runtime, {});
  if (Status spawned = spawn_all(runtime, spawner, *recording, playback, *modules); !spawned) {
    return complain("", spawned.error(), kExitUsage);
  }
  signals::Tick tick(runtime.scheduler());  // So that Ctrl-C is heard by a guest that computes.
  if (Status started = tick.start(); !started) return complain("", started.error(), kExitFatal);
  signals::FaultHandler faults;
  signals::Shutdown shutdown(runtime.scheduler(),
                             {.grace = Duration{}, .on_request = {}, .on_kill = {}});
  const RunResult result = runtime.run();
  tick.stop();
  print_report(result.report);
  std::vector<std::string> names;
  for (const RecordedModule& recorded : *modules) names.push_back(recorded.module->name);
  if (shutdown.signal() != 0) return kExitSignal + shutdown.signal();
  const sim::PlaybackEnd end = playback.finish(names);
  for (const std::string& line : end.lines) say(line);
  if (!end.unsaid.empty()) {
    say(end.unsaid);
    return kExitNoOutput;
  }
  return end.exit_code >= 0 ? end.exit_code : exit_code_of(runtime, result, 0);
}

}  // namespace weft::tools
