// SPDX-License-Identifier: Apache-2.0
// A wasm target has no guard pages and no signals: an overflow is the host's to see.
#include "capi/boundary.h"

using namespace weft::capi;

int weft_handle_faults(weft_scheduler* scheduler) {
  if (const int code = check_thread(scheduler); code != WEFT_OK) return code;
  return fail(WEFT_ELACKS, "a wasm target has no signals");
}
