// SPDX-License-Identifier: Apache-2.0
// The queue of a search on NATS JetStream. The client library has threads of its own, so it is only
// in the processes of `weft test --nats` and `weft worker`, and no guest runs there.
//
//   stream WEFT_<id>, a work queue     weft.<id>.part.<I>     what is to be run: empty
//                                      weft.<id>.result.<I>   worker, and its verdict's object
//   object store weft-<id>             search                 the SearchSpec
//                                      <sha256>               modules and other files
//                                      verdict-...            until it is in the books
//   without a stream                   weft.searches          each second: id, version, SearchNews
//                                      weft.<id>.worker       each second: who runs a part
//
// Parts are acked when their result is stored; while one is run, its worker says so each second,
// and after kAckWait without a word the server gives it to another one. A worker that hears nothing
// of its search gives the part back. The master removes both
// streams when it ends; one that was killed leaves them, and after a week they are empty.
#pragma once

#include <memory>
#include <string>

#include "base/instant.h"
#include "base/result.h"
#include "tools/nats_options.h"
#include "tools/pack_search.h"
#include "tools/part_queue.h"

namespace weft::tools {

// Makes the streams and stores the files. The error names the server, and says what it lacks.
Result<std::unique_ptr<MasterQueue>> nats_master(const NatsOptions& options,
                                                 const PackedSearch& search);

// For how long a worker keeps to a search of which it hears nothing, if it is not told otherwise.
inline constexpr Duration kMasterTimeout = seconds(30);

// `name`: of the worker, for messages.
Result<std::unique_ptr<WorkerQueue>> nats_worker(const NatsOptions& options,
                                                 const std::string& name, Duration master_timeout);

}  // namespace weft::tools
