// SPDX-License-Identifier: Apache-2.0
// Requests to a running weft, of any bytes: each line gets one line of JSON as its answer, and
// nothing is hurt. Beside that the reader of a socket's lines, with the same bytes.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "control/json.h"
#include "control/requests.h"

namespace {

// This one would write files wherever the fuzzer says.
bool writes_files(std::string_view line) {
  return line.find("trace") != std::string_view::npos || line.find("\\u") != std::string_view::npos;
}

void check_answer(weft::control::Requests& requests, std::string_view line) {
  const std::string answer = requests.answer(line);
  WEFT_CHECK(!answer.empty() && answer.find('\n') == answer.size() - 1, "an answer is one line");
  const auto read = weft::control::read_object(answer);
  WEFT_CHECK(read.ok(), "an answer is a JSON object");
  std::string wrong;
  const weft::control::JsonFields fields(*read, wrong);
  if (!fields.flag("ok")) WEFT_CHECK(!fields.text("error").empty(), "an error says what is wrong");
  WEFT_CHECK(wrong.empty(), "an answer says whether it went well");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static weft::Runtime runtime;
  static weft::control::Requests requests(runtime, {"fuzz", "0"});
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  while (!bytes.empty()) {
    const std::string_view line = bytes.substr(0, bytes.find('\n'));
    if (!writes_files(line)) check_answer(requests, line);
    bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
  }
  requests.look_at_the_time();
  return 0;
}
