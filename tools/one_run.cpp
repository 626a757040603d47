// SPDX-License-Identifier: Apache-2.0
#include "tools/one_run.h"

#include <csignal>

#include "tools/exit_codes.h"
#include "tools/messages.h"
#include "tools/output_files.h"
#include "tools/real_run.h"
#include "tools/virtual_run.h"

namespace weft::tools {

int one_run(const RunOptions& options) {
  const std::vector<NamedFile> outputs = {{"--record", options.record_file},
                                          {"--trace", options.trace_file}};
  if (Status distinct = check_distinct(outputs, inputs_of(options)); !distinct) {
    return complain("", distinct.error(), kExitUsage);
  }
  // A reader of our output that goes away is an error of the write (EPIPE), for the guest to see;
  // not our death.
  std::signal(SIGPIPE, SIG_IGN);
  return options.sim.virtual_time ? run_in_virtual_time(options) : run_in_real_time(options);
}

}  // namespace weft::tools
