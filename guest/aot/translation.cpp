// SPDX-License-Identifier: Apache-2.0
// See guest/aot/translation.h. The child's result is the number of bytes and then the units' names,
// a line each.
#include "guest/aot/translation.h"

#include <sstream>

#include "guest/child_work.h"
#include "guest/wabt/big_stack.h"

namespace weft {
namespace {

// Tells of what passes through.
class Reporting final : public wabt_ir::CSink {
 public:
  Reporting(wabt_ir::CSink& to, ChildSide& side) : to_(to), side_(side) {}
  std::string take(wabt_ir::CBase base) override { return to_.take(std::move(base)); }
  std::string take(wabt_ir::CPart part) override {
    const std::size_t end = part.end;
    const std::size_t of = part.of;
    std::string error = to_.take(std::move(part));
    side_.report(end, of);
    return error;
  }

 private:
  wabt_ir::CSink& to_;
  ChildSide& side_;
};

Result<std::string> write(std::span<const std::byte> module, CFiles& files,
                          const TranslationOptions& options, ChildSide& side) {
  Reporting sink(files, side);
  std::string error =
      wabt_ir::write_c({module.data(), module.size()},
                       {.fuel_points = options.fuel_points, .one_nan = options.one_nan}, sink);
  if (!error.empty()) return Error{std::move(error)};
  const Result<CUnits> units = files.finish();
  if (!units) return units.error();
  std::string result = std::to_string(units->bytes);
  for (const std::string& file : units->files) result += "\n" + file;
  return result;
}

}  // namespace

Result<CUnits> translate(std::span<const std::byte> module, const ModuleInfo& info,
                         const std::string& folder, const TranslationOptions& options) {
  const ChildOptions child{.what = "its translation to C",
                           .bytes_max = translation_bytes_max(module.size()),
                           .wait = options.wait,
                           .progress = options.progress};
  auto result = in_child(child, [&](ChildSide& side) {
    Result<std::string> written = std::string();
    on_big_stack(kTranslatorStackBytes, [&] {
      CFiles files(folder, info, options.fuel_points, options.told);
      written = write(module, files, options, side);
    });
    return written;
  });
  if (!result) return result.error();
  CUnits units;
  std::istringstream in(*result);
  in >> units.bytes;
  for (std::string file; in >> file;) units.files.push_back(file);
  return units;
}

}  // namespace weft
