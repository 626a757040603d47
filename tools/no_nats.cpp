// SPDX-License-Identifier: Apache-2.0
// tools/nats_queue.h in a weft that was built without NATS.
#include "tools/nats_queue.h"
#include "tools/nats_version.h"

namespace weft::tools {
namespace {

Error not_built() {
  return Error{
      "this weft was built without NATS: install libnats-dev, and build it with "
      "-Dnats=enabled"};
}

}  // namespace

std::string nats_in_words() {
  return "without NATS";
}

Result<std::unique_ptr<MasterQueue>> nats_master(const NatsOptions& /*options*/,
                                                 const PackedSearch& /*search*/) {
  return not_built();
}

Result<std::unique_ptr<WorkerQueue>> nats_worker(const NatsOptions& /*options*/,
                                                 const std::string& /*name*/,
                                                 Duration /*master_timeout*/) {
  return not_built();
}

}  // namespace weft::tools
