// SPDX-License-Identifier: Apache-2.0
// The readers of replay files and of recordings, on any bytes: they refuse them, or what was read
// can be written again. The checksum is corrected first, or every input would be refused.
#include <algorithm>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "sim/record/recording.h"
#include "sim/record/replay_file.h"

namespace {

// The bytes are bodies of entries: the first byte of each says how long it is.
void read_entries(std::string_view bytes) {
  weft::sim::RecordingHead head;
  head.guests.resize(2);
  std::string file = weft::sim::encode_head(head);
  while (!bytes.empty()) {
    const std::size_t size =
        std::min<std::size_t>(static_cast<unsigned char>(bytes[0]), bytes.size() - 1);
    const std::string_view body = bytes.substr(1, size);
    weft::sim::ByteWriter entry;
    entry.text(body);
    entry.fixed(weft::sim::entry_check(body), 2);
    file += entry.written();
    bytes.remove_prefix(size + 1);
  }
  auto recording = weft::sim::decode_recording(file);
  WEFT_CHECK(recording.ok(), "the head of a recording could not be read again");
  weft::sim::ClockMemory clocks;
  std::string again;
  for (const auto& entry : recording->entries) weft::sim::encode_entry(entry, clocks, again);
}

}  // namespace

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
  read_entries({reinterpret_cast<const char*>(data), size});
  return 0;
}
