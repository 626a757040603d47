// SPDX-License-Identifier: Apache-2.0
#include "guest/code_view.h"

#include <mutex>

namespace weft {
namespace {

struct DebugCode {
  char magic[8];
  std::uint64_t version;
  CodeView* first;
};

std::mutex& of_list() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

extern "C" {
[[gnu::visibility("default"), gnu::used]] DebugCode weft_debug_code = {
    .magic = {'w', 'e', 'f', 't', '-', 'c', 'o', '\0'},
    .version = kDebugCodeVersion,
    .first = nullptr,
};
}

CodeShown::CodeShown(CodeView::Engine engine, std::span<const std::byte> module,
                     const CodeView& view)
    : view_(view) {
  view_.engine = engine;
  view_.module = module.data();
  view_.module_bytes = module.size();
  const std::scoped_lock lock(of_list());
  view_.previous = nullptr;
  view_.next = weft_debug_code.first;
  if (view_.next != nullptr) view_.next->previous = &view_;
  weft_debug_code.first = &view_;
}

CodeShown::~CodeShown() {
  const std::scoped_lock lock(of_list());
  (view_.previous != nullptr ? view_.previous->next : weft_debug_code.first) = view_.next;
  if (view_.next != nullptr) view_.next->previous = view_.previous;
}

}  // namespace weft
