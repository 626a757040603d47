// SPDX-License-Identifier: Apache-2.0
// What weft does in the place of instructions of libwabt's interpreter.
//
// libwabt's memory.grow, memory.fill, memory.copy and table.grow write zeroes to a memory that
// grows, do everything at once, and know no budget. So the decoded code calls functions of weft
// instead, which stand behind the module's own in each instance. One more tells the host that a
// function begins.
//
// C++17, as guest/wabt/interp_core.h; for interp_core.cpp alone.
#pragma once

#include <cstdint>
#include <vector>

#include "guest/wabt/interp_host.h"
#include "guest/wabt/wabt_access.h"

namespace weft::interp_core {

namespace wi = wabt::interp;

// libwabt's Thread, with the way from a host function back to who executes it.
struct GuestThread : wi::Thread {
  GuestThread(wi::Store& store, Host& guest_host) : wi::Thread(store), host(guest_host) {}
  Host& host;
  wi::Memory::Ptr memory;
  std::vector<wi::Table*> tables;  // Of the instance.
  // Values that a caller gave it (Instance::call), which nothing else keeps.
  std::vector<wi::Foreign::Ptr> given;
};

// The functions of weft, in this order; of the last one there is one for each table.
enum Own : std::uint32_t { kGrow, kFill, kCopy, kEntered, kGrowTable };

// For a module whose tables hold these types.
std::vector<wi::HostFunc::Ptr> make_own(wi::Store& store, const wi::ValueTypes& tables);

// Has the code call them. `functions`: how many the module has.
void call_own(wi::Istream& code, std::uint32_t functions);

// Adds code behind all other, which tells the host and goes on in the function, whose parameter is
// on top, at `body`. Returns where it begins.
wi::Istream::Offset tell(wi::Istream& code, std::uint32_t functions, const Told& told,
                         const TellEntries& globals, wi::Istream::Offset body);

// The host wants the guest to end.
wabt::Result leave(wi::Thread& thread, wi::Trap::Ptr* trap);

}  // namespace weft::interp_core
