// SPDX-License-Identifier: Apache-2.0
// The overflow of a stack, in words. Apart: the only part of the porter's half that needs signals.
#include "capi/boundary.h"
#include "signals/fault.h"

using namespace weft::capi;

int weft_handle_faults(weft_scheduler* scheduler) {
  if (const int code = check_thread(scheduler); code != WEFT_OK) return code;
  return guarded([&] {
    if (scheduler->faults == nullptr)
      scheduler->faults = std::make_shared<weft::signals::FaultHandler>();
    return WEFT_OK;
  });
}
