// SPDX-License-Identifier: Apache-2.0
// Has libwabt's C writer write a module in parts.
//
// The writer of libwabt 1.0.32 copies the names of everything in a module once for each function.
// So while the writer works on one part, the module is reduced to the part's functions and what
// those name: functions of other parts as stubs without a body, globals and segments without their
// values. A copy is then small, and the whole takes linear time. What has been written is freed at
// once.
//
// C++17 like guest/wabt/meter.h; included by guest/wabt/wabt_ir.cpp only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <wabt/cast.h>
#include <wabt/ir.h>
#pragma GCC diagnostic pop

namespace weft::wabt_ir {

// What some functions name, by index.
struct Named {
  std::set<wabt::Index> functions;
  std::set<wabt::Index> globals;
  std::set<wabt::Index> data;
  std::set<wabt::Index> elements;
};

class CParts {
 public:
  // `module` is valid, its variables are names (as ApplyNames leaves them), and its functions are
  // called as guest/wabt/wabt_ir.h says. What is made an import is one of `import_module`.
  CParts(wabt::Module& module, std::string import_module)
      : module_(module), import_module_(std::move(import_module)) {}

  // Calls write() while the module has no function of its own: those that its tables and globals
  // start with are imports, which are named as wabt_ir.h says, and stubs. Data segments of any
  // length have one byte; what they had is moved to `segments`. Returns whether it has imports.
  bool with_base(std::vector<std::vector<std::uint8_t>>* segments,
                 const std::function<void()>& write);

  // Calls write() while the module has a part of its functions: from the one with index `first` on
  // as many as make a part. Then frees their code. Returns the index of the function behind.
  wabt::Index with_part(wabt::Index first, const std::function<void()>& write);

 private:
  // What the writer sees of a module.
  struct View {
    std::vector<wabt::Func*> functions;
    std::vector<wabt::Import*> imports;
    std::vector<wabt::Global*> globals;
    std::vector<wabt::DataSegment*> data;
    std::vector<wabt::ElemSegment*> elements;
    wabt::Index function_imports = 0;
    wabt::BindingHash function_names, global_names, data_names, element_names;
  };

  void exchange(View& view);
  void write_as(View& view, const std::function<void()>& write);
  wabt::Func* add_stub(const wabt::Func& of);
  View imports_only() const;
  void show_named(const Named& named, View& view);

  wabt::Module& module_;
  const std::string import_module_;
  // What was made for the view of the moment.
  std::vector<std::unique_ptr<wabt::Func>> stubs_;
  std::vector<std::unique_ptr<wabt::FuncImport>> imports_;
  std::vector<std::unique_ptr<wabt::Global>> globals_;
  std::vector<std::unique_ptr<wabt::DataSegment>> data_;
  std::vector<std::unique_ptr<wabt::ElemSegment>> elements_;
};

}  // namespace weft::wabt_ir
