// SPDX-License-Identifier: Apache-2.0
// The C face from C++ on libc++, in which weft's own libstdc++ is the library's business.
#include <weft.h>

#include <cstdio>
#include <string>
#include <vector>

#if !defined(_LIBCPP_VERSION)
#error "this is for libc++"
#endif

namespace {

void first(void* argument) {
  auto& words = *static_cast<std::vector<std::string>*>(argument);
  weft_osyield();
  words.emplace_back("a thread of weft");
}

}  // namespace

int main() {
  std::vector<std::string> words;
  weft_scheduler* scheduler = nullptr;
  if (weft_create(nullptr, &scheduler) != WEFT_OK) return 1;
  if (weft_newosproc(scheduler, first, &words, nullptr) != WEFT_OK) return 1;
  if (weft_run(scheduler) != WEFT_OK) return 1;
  try {  // Exceptions of one library and of the other are told apart.
    (void)words.at(1);
  } catch (const std::exception&) {
    std::printf("%s, and libc++\n", words.at(0).c_str());
  }
  return weft_destroy(scheduler);
}
