// SPDX-License-Identifier: Apache-2.0
#include "os/wasip1/memory.h"

#include <doctest/doctest.h>

#include <vector>

#include "os/wasip1/iovecs.h"
#include "os/wasip1/resolve.h"
#include "tests/unit/os/wasip1/guest.h"

using namespace weft;
using namespace weft::wasip1;

namespace {

struct SmallMemory {
  std::vector<std::byte> bytes = std::vector<std::byte>(64, std::byte{'?'});
  Memory memory{bytes};
};

}  // namespace

TEST_CASE("a value is little-endian, may lie at any address, and touches nothing beside it") {
  SmallMemory m;
  CHECK(m.memory.store(5, std::uint32_t{0x01020304}) == Errno::success);
  CHECK(m.bytes[4] == std::byte{'?'});
  CHECK(m.bytes[5] == std::byte{4});
  CHECK(m.bytes[8] == std::byte{1});
  CHECK(m.bytes[9] == std::byte{'?'});
  std::uint32_t back = 0;
  CHECK(m.memory.load(5, back) == Errno::success);
  CHECK(back == 0x01020304);
}

TEST_CASE("an access that ends at the last byte is good and one byte further is EFAULT") {
  SmallMemory m;
  std::uint64_t value = 0;
  CHECK(m.memory.load(56, value) == Errno::success);
  CHECK(m.memory.load(57, value) == Errno::fault);
  CHECK(m.memory.store(57, value) == Errno::fault);
  CHECK(m.bytes[63] == std::byte{'?'});
}

TEST_CASE("an address near 4 GiB does not wrap around") {
  SmallMemory m;
  std::uint64_t value = 0;
  std::span<std::byte> bytes;
  CHECK(m.memory.load(0xffff'ffff, value) == Errno::fault);
  CHECK(m.memory.load(0xffff'fff8, value) == Errno::fault);
  CHECK(m.memory.bytes(0xffff'ffff, 0xffff'ffff, bytes) == Errno::fault);
  CHECK(m.memory.bytes(8, 0xffff'fff8, bytes) == Errno::fault);
  CHECK(m.memory.check<Subscription>(0, 0xffff'ffff'ffff'ffffull) == Errno::fault);
}

TEST_CASE("an empty range lies inside up to the very end") {
  SmallMemory m;
  std::span<std::byte> bytes;
  CHECK(m.memory.bytes(64, 0, bytes) == Errno::success);
  CHECK(m.memory.bytes(65, 0, bytes) == Errno::fault);
  CHECK(Memory().bytes(0, 0, bytes) == Errno::success);
}

TEST_CASE("iovecs skip empty buffers and add up the others") {
  SmallMemory m;
  const Iovec list[] = {{32, 0}, {32, 3}, {40, 0}, {48, 5}};
  CHECK(m.memory.store(0, list) == Errno::success);
  Iovecs iovecs;
  CHECK(iovecs.read(m.memory, 0, 4) == Errno::success);
  CHECK(iovecs.total() == 8);
  CHECK(iovecs.size() == 2);
  CHECK(iovecs.piece(100)[1].iov_base == &m.bytes[48]);
}

TEST_CASE("an iovec array outside of memory is EFAULT, and so is a buffer") {
  SmallMemory m;
  Iovecs iovecs;
  CHECK(iovecs.read(m.memory, 57, 1) == Errno::fault);
  CHECK(iovecs.read(m.memory, 0, 9) == Errno::fault);
  const Iovec list[] = {{0, 8}, {60, 5}};
  CHECK(m.memory.store(0, list) == Errno::success);
  CHECK(Iovecs().read(m.memory, 0, 2) == Errno::fault);
  CHECK(Iovecs().read(m.memory, 0xffff'fff8, 0x2000'0001) == Errno::inval);
}

TEST_CASE("more iovecs than the host takes come in pieces, and far more are EINVAL") {
  std::vector<std::byte> bytes(2048 * sizeof(Iovec) + 1);
  const Memory memory(bytes);
  for (Size i = 0; i < 2048; ++i) {
    CHECK(memory.store(i * Size{sizeof(Iovec)}, Iovec{2048 * sizeof(Iovec), 1}) == Errno::success);
  }
  Iovecs iovecs;
  CHECK(iovecs.read(memory, 0, 2048) == Errno::success);
  CHECK(iovecs.total() == 2048);
  CHECK(iovecs.piece(4096).size() == kIovecsPerCall);
  iovecs.consume(kIovecsPerCall);
  CHECK(iovecs.piece(4096).size() == kIovecsPerCall);
  CHECK(Iovecs().read(memory, 0, kIovecsMax + 1) == Errno::inval);
}

TEST_CASE("buffers may overlap and what they hold in all is cut at 2 GiB") {
  std::vector<std::byte> bytes(1 << 20);
  const Memory memory(bytes);
  for (Size i = 0; i < 1024; ++i) {
    CHECK(memory.store(i * Size{sizeof(Iovec)}, Iovec{0, 1 << 20}) == Errno::success);
    CHECK(memory.store((1024 + i) * Size{sizeof(Iovec)}, Iovec{0, 1 << 20}) == Errno::success);
  }
  Iovecs iovecs;
  CHECK(iovecs.read(memory, 0, 2048) == Errno::success);
  CHECK(iovecs.total() == kBytesPerCall);
}

TEST_CASE("consume drops bytes from the front across buffers, few or many") {
  for (const Size count : {3u, 40u}) {
    std::vector<std::byte> bytes(1024);
    const Memory memory(bytes);
    for (Size i = 0; i < count; ++i) {
      CHECK(memory.store(i * Size{sizeof(Iovec)}, Iovec{512 + i * 4, 4}) == Errno::success);
    }
    Iovecs iovecs;
    CHECK(iovecs.read(memory, 0, count) == Errno::success);
    iovecs.consume(5);
    CHECK(iovecs.total() == count * 4 - 5);
    CHECK(iovecs.piece(100).front().iov_base == &bytes[512 + 5]);
    CHECK(iovecs.piece(100).front().iov_len == 3);
    iovecs.consume(3);
    CHECK(iovecs.piece(100).front().iov_base == &bytes[512 + 8]);
    iovecs.consume(iovecs.total());
    CHECK(iovecs.piece(100).empty());
  }
}

TEST_CASE("a piece has so many bytes and no more, and the next one begins where it was consumed") {
  for (const Size count : {3u, 40u}) {
    std::vector<std::byte> bytes(1024);
    const Memory memory(bytes);
    for (Size i = 0; i < count; ++i) {
      CHECK(memory.store(i * Size{sizeof(Iovec)}, Iovec{512 + i * 4, 4}) == Errno::success);
    }
    Iovecs iovecs;
    CHECK(iovecs.read(memory, 0, count) == Errno::success);
    CHECK(iovecs.piece(0).empty());
    CHECK(iovecs.piece(4).size() == 1);
    CHECK(iovecs.piece(6).size() == 2);
    CHECK(iovecs.piece(6)[1].iov_len == 2);
    CHECK(bytes_of(iovecs.piece(6)) == 6);
    iovecs.consume(5);  // Less than the piece: the cut is taken back.
    CHECK(iovecs.total() == count * 4 - 5);
    CHECK(iovecs.piece(6)[0].iov_base == &bytes[512 + 5]);
    CHECK(bytes_of(iovecs.piece(6)) == 6);
    CHECK(bytes_of(iovecs.piece(1 << 20)) == iovecs.total());
  }
}

TEST_CASE("every errno has its name, and the host's become WASI's") {
  CHECK(name(Errno::success) == "ESUCCESS");
  CHECK(name(Errno::badf) == "EBADF");
  CHECK(name(Errno::notcapable) == "ENOTCAPABLE");
  CHECK(name(static_cast<Errno>(77)) == "E?");
  CHECK(from_host(0) == Errno::success);
  CHECK(from_host(ENOENT) == Errno::noent);
  CHECK(from_host(EOPNOTSUPP) == Errno::notsup);
  CHECK(from_host(EWOULDBLOCK) == Errno::again);
  CHECK(from_host(ETXTBSY) == Errno::txtbsy);
  CHECK(from_host(EUCLEAN) == Errno::io);
  CHECK(from_host(-1) == Errno::io);
}

TEST_CASE("utf-8 is told from what is not") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain"));
  CHECK(is_utf8("\xf0\x9f\x99\x82"));
  CHECK(is_utf8("\xf4\x8f\xbf\xbf"));
  CHECK_FALSE(is_utf8("\xf4\x90\x80\x80"));
  CHECK_FALSE(is_utf8("\xe2\x82"));
  CHECK_FALSE(is_utf8("\x80"));
  CHECK_FALSE(is_utf8("\xf0\x80\x80\x80"));
  CHECK_FALSE(is_utf8("\xf8\x88\x80\x80\x80"));
}
