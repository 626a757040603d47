// SPDX-License-Identifier: Apache-2.0
// The two ends of what carries the parts of a search to workers and their verdicts back, as the
// master and the workers see it. tools/nats_queue.h is the real one; tests have one of their own.
//
//   master ── put ───────▶ part ──▶ take ── worker: runs it, says in turns that it still does
//          ◀─ next_report ──── PartReport ◀── send
//          ── tell ──▶ SearchNews: from time to time, to whom it concerns
//
// A part that a worker has taken and of which nothing is heard for a while is given to another one:
// so a part can be run twice, and its report may come twice.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "tools/search_spec.h"

namespace weft::tools {

// What a worker has found out about one part.
struct PartReport {
  std::uint64_t part = 0;
  std::string worker;
  std::string verdict;  // As --json writes it; empty: it could not run the part.
  std::string error;    // Why.
  bool begun = true;    // false: the worker could not even begin it, for a reason of its own.
};

// What the master tells everybody about once a second.
struct SearchNews {
  std::uint64_t last_needed = 0;  // No part behind this one is needed any more.
  bool over = false;
};

class MasterQueue {
 public:
  MasterQueue() = default;
  virtual ~MasterQueue() = default;
  MasterQueue(const MasterQueue&) = delete;
  MasterQueue& operator=(const MasterQueue&) = delete;

  // Gives it to some worker; `attempt` from 0: each is given once. Is kept when this returns.
  virtual Status put(std::uint64_t part, std::uint64_t attempt) = 0;
  // The next report, or nothing after a moment. Error: there will be none.
  virtual Result<std::optional<PartReport>> next_report() = 0;
  // The last report is in the books: it need not be kept.
  virtual void done_with_report() = 0;
  // Is nothing on its way, neither a part nor a report? Then those that are missing are lost. May
  // say no when it does not know. Error: the queue itself is lost.
  virtual Result<bool> is_empty() = 0;
  // Call it often: it says so once a second.
  virtual void tell(const SearchNews& news) = 0;
  // How many were heard of in the last half minute.
  virtual std::uint64_t workers() = 0;
};

// A part that a worker has taken, of one of the searches that are going on.
struct TakenPart {
  std::string search;
  std::uint64_t part = 0;
};

class WorkerQueue {
 public:
  WorkerQueue() = default;
  virtual ~WorkerQueue() = default;
  WorkerQueue(const WorkerQueue&) = delete;
  WorkerQueue& operator=(const WorkerQueue&) = delete;

  // The next part of some search that this weft can run, or nothing after a moment. One at a time.
  // Error: there will be none.
  virtual Result<std::optional<TakenPart>> take() = 0;
  // Of the search of the part.
  virtual Result<SearchSpec> spec() = 0;
  // Writes a file of that search.
  virtual Status fetch(const SearchSpec::File& file, const std::string& path) = 0;
  // Call it often: it says in turns that the part is being run. False: nobody needs it any
  // more, or nothing was heard of its search for long.
  virtual bool goes_on() = 0;
  // One of these ends what take() has begun.
  virtual Status send(const PartReport& report) = 0;
  virtual void give_back() = 0;  // To another worker, at once.
  // After goes_on() was false: the part is taken out of the queue only when it was heard that
  // nobody needs it; otherwise it is given back.
  virtual void leave() = 0;

  // Is the search over, or has nothing been heard of its master for long? Its files may go.
  virtual bool is_over(const std::string& search) = 0;
};

}  // namespace weft::tools
