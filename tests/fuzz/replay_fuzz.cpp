// The reader of replay files, on any bytes: it refuses them or what it read is written as the same
// bytes. The check sum is put right first, or nothing would get past it.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "sim/replay_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes("WEFTREPLAY\x01");
  bytes.append(reinterpret_cast<const char*>(data), size);
  weft::sim::Hash hash;
  hash.add(bytes);
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(hash.value() >> (8 * i));
  auto file = weft::sim::decode(bytes);
  if (file) {
    auto again = weft::sim::decode(weft::sim::encode(*file));
    WEFT_CHECK(again.ok(), "what a replay file held could not be written down again");
  }
  (void)weft::sim::decode(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
