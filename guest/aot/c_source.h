// SPDX-License-Identifier: Apache-2.0
// The C of one module, made ready for the compiler: what libwabt wrote, cut into units that can be
// compiled side by side, with the markers of traps turned into line numbers, and the functions
// added that bind it to weft. A unit is written to its file as soon as it is full.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "guest/engine.h"
#include "guest/go/entries.h"
#include "guest/wabt/wabt_ir.h"
#include "guest/wasm/module_scan.h"

namespace weft {

// The name that line numbers of the guest's own code belong to; a line is an offset in the module.
inline constexpr const char* kGuestFile = "guest.wasm";

struct CUnits {
  std::vector<std::string>
      files;              // Their names in the folder; they include headers that are there.
  std::size_t bytes = 0;  // Of all.
};

class CFiles final : public wabt_ir::CSink {
 public:
  // `folder` exists and is empty. `info` is of the module that comes, must outlive this, and all
  // its imports are of WASI. Of the entries that `told` names the code tells the host.
  CFiles(std::string folder, const ModuleInfo& info, bool fuel_points,
         std::span<const guest::go::EntryPoint> told = {});
  ~CFiles() override;
  CFiles(const CFiles&) = delete;
  CFiles& operator=(const CFiles&) = delete;

  std::string take(wabt_ir::CBase base) override;
  std::string take(wabt_ir::CPart part) override;

  // When all has been taken: writes what is not written yet.
  Result<CUnits> finish();

 private:
  class Cutter;

  Status write(const std::string& name, const std::string& text) const;
  Status end_unit();

  const std::string folder_;
  const ModuleInfo& info_;
  const bool fuel_points_;
  const std::span<const guest::go::EntryPoint> told_;
  std::unique_ptr<Cutter> cutter_;
  std::string unit_;        // The one that grows.
  std::string begin_;       // What each but the first begins with.
  std::string common_end_;  // What the shared header ends with.
  CUnits units_;
};

}  // namespace weft
