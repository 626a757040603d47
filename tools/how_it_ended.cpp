// SPDX-License-Identifier: Apache-2.0
#include "tools/how_it_ended.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/printable.h"
#include "tools/exit_codes.h"
#include "tools/hints.h"
#include "tools/messages.h"

namespace weft::tools {
namespace {

// An exit code has eight bits: a code that does not fit must not look like success.
int process_code(std::uint32_t code) {
  return code != 0 && (code & 0xff) == 0 ? 0xff : static_cast<int>(code & 0xff);
}

int exit_code_of(const Guest& guest) {
  if (!guest.end()) return kExitFatal;
  switch (guest.end()->kind) {
    case GuestEnd::Kind::exited:
      return process_code(guest.end()->exit_code);
    case GuestEnd::Kind::trapped:
      return kExitTrap;
    case GuestEnd::Kind::killed:
      return kExitKilled;
  }
  return kExitFatal;
}

bool has_lost_code = false;

}  // namespace

void leave_without_lost_code(int code) {
  if (!has_lost_code) return;
  std::fflush(nullptr);
  ::_exit(code);
}

void report_trap(const Guest& guest) {
  const TrapReport& trap = guest.end()->trap;
  if (trap.kind == TrapKind::lost_code) has_lost_code = true;
  std::string text = fmt::format("guest {} ({}): trap: {}", guest.number(), printable(guest.name()),
                                 name(trap.kind));
  if (!trap.detail.empty() && trap.detail != name(trap.kind)) text += " (" + trap.detail + ")";
  if (const std::string place = describe_place(trap); !place.empty()) text += " " + place;
  // A recursion shows as one line.
  for (auto frame = trap.frames.begin(); frame != trap.frames.end();) {
    const auto next = std::find_if(frame, trap.frames.end(), [&](auto& f) { return f != *frame; });
    const auto times = next - frame;
    text += "\n    in " + printable(*frame);
    if (times > 1) text += fmt::format(" ({} times)", times);
    frame = next;
  }
  say(text);
}

bool has_failed(const Guest& guest) {
  return guest.end() && guest.end()->kind != GuestEnd::Kind::killed && exit_code_of(guest) != 0;
}

std::string end_in_words(const Guest& guest) {
  if (!guest.end()) return "-";
  if (guest.end()->kind == GuestEnd::Kind::trapped) return "trap";
  if (guest.end()->kind == GuestEnd::Kind::killed) return "killed";
  return std::to_string(guest.end()->exit_code);
}

int exit_code_of(const Runtime& runtime, const RunResult& result, int signal) {
  if (!result.report.empty()) return kExitFatal;
  if (signal != 0) return kExitSignal + signal;
  for (const auto& guest : runtime.guests()) {
    if (const int code = exit_code_of(*guest); code != 0) return code;
  }
  return 0;
}

void report_end(const sim::RunRecord& record) {
  switch (record.ending) {
    case sim::Ending::passed:
    case sim::Ending::exit_code:
      break;
    case sim::Ending::deadlock:
      print_report(record.message);
      break;
    default:
      say(fmt::format("{}: {}", sim::name(record.ending), record.message));
      break;
  }
  if (record.waited_outside) {
    say("a guest waited for a descriptor of the host: this run need not repeat");
  }
}

void hint_at_failure(const RunOptions& options, sim::Ending ending) {
  if (ending != sim::Ending::exit_code && ending != sim::Ending::trapped) return;
  for (const GuestSpec& spec : options.guests) {
    const std::string hint = hint_for(spec, options.known_options);
    if (!hint.empty()) return say("hint: " + hint);
  }
}

int exit_code_of(const sim::RunRecord& record) {
  switch (record.ending) {
    case sim::Ending::passed:
      return 0;
    case sim::Ending::exit_code:
      return record.exit_code == 0 ? 0xff
                                   : process_code(static_cast<std::uint32_t>(record.exit_code));
    case sim::Ending::trapped:
      return kExitTrap;
    default:
      return kExitFatal;
  }
}

}  // namespace weft::tools
