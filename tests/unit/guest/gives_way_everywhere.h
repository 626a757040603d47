// SPDX-License-Identifier: Apache-2.0
// A policy that has the running G give way at each safe point.
#pragma once

#include "scheduler/chooser.h"

namespace weft::test {

class GivesWayEverywhere final : public Chooser {
 public:
  std::size_t next_g(const RunQueue& /*queue*/) noexcept override { return 0; }
  bool at_safe_point(G& /*running*/, const RunQueue& /*queue*/) noexcept override { return true; }
};

}  // namespace weft::test
