// SPDX-License-Identifier: Apache-2.0
// What weft knows of the Go runtime inside a module: found in real ones, refused in others.
#include "guest/go/go_runtime.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "guest/go/data_image.h"
#include "guest/go/go_pc.h"
#include "guest/go/goroutine_list.h"
#include "guest/go/outlive_main.h"
#include "guest/goroutine_dump.h"
#include "guest/runtime.h"
#include "tests/unit/guest/go_mutants.h"
#include "tests/unit/guest/guests.h"
#include "tests/unit/guest/wasm/binary.h"

using namespace weft;
using guest::go::GoRuntime;
using guest::go::GStatus;
using guest::go::recognise;
using test::has;

namespace {

using Bytes = std::vector<std::byte>;

Result<std::optional<GoRuntime>> recognise_bytes(const Bytes& bytes) {
  const auto module = wasm::read_module(bytes, {.bodies = wasm::Bodies::skip});
  REQUIRE(module.ok());
  return recognise(*module);
}

GoRuntime runtime_of(const Bytes& bytes) {
  auto runtime = recognise_bytes(bytes);
  REQUIRE_MESSAGE(runtime.ok(), (runtime ? "" : runtime.error().message));
  REQUIRE(runtime->has_value());
  return std::move(**runtime);
}

std::string refusal_of(const Bytes& bytes) {
  const auto runtime = recognise_bytes(bytes);
  return runtime ? "" : runtime.error().message;
}

// The module without one of its custom sections.
Bytes without_section(const Bytes& bytes, std::string_view name) {
  const auto module = wasm::read_module(bytes, {.bodies = wasm::Bodies::skip});
  REQUIRE(module.ok());
  const wasm::CustomSection* section = module->find_custom(name);
  REQUIRE(section != nullptr);
  // Its name and lengths stand before its bytes: it becomes one that nobody knows.
  Bytes other = bytes;
  other[section->offset - 1] = std::byte{'_'};
  return other;
}

// Replaces the first of these bytes.
Bytes replaced(Bytes bytes, std::string_view what, std::string_view by) {
  const auto equal = [](std::byte byte, char c) { return static_cast<char>(byte) == c; };
  const auto at = std::search(bytes.begin(), bytes.end(), what.begin(), what.end(), equal);
  REQUIRE(at != bytes.end());
  std::transform(by.begin(), by.end(), at, [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

test::Code text(std::string_view chars) {
  test::Code code = test::leb(static_cast<std::uint32_t>(chars.size()));
  code.insert(code.end(), chars.begin(), chars.end());
  return code;
}

// A section that says what Go's linker says.
test::Code producers() {
  test::Code body = text("producers");
  test::append(body, {1});
  test::append(body, text("language"));
  test::append(body, {1});
  test::append(body, text("Go"));
  test::append(body, text("go1.26.8"));
  return body;
}

}  // namespace

TEST_CASE("a Go module's runtime is recognised: version, functions, offsets, wait reasons") {
  const GoRuntime runtime = runtime_of(test::guest_bytes("go_goroutines"));
  CHECK(runtime.version.starts_with("go1."));
  for (const char* name :
       {"runtime.newstack", "runtime.gopark", "runtime.newproc1", "runtime.runqget", "main.main"}) {
    const auto function = runtime.function(name);
    REQUIRE_MESSAGE(function.has_value(), name);
    CHECK(runtime.name(*function) == name);
    const auto pc = guest::go::pc_of(*function - runtime.imports);
    CHECK(runtime.name_at(pc + 3) == name);
  }
  CHECK_FALSE(runtime.function("runtime.noSuchFunction").has_value());
  CHECK(runtime.name(0).empty());
  CHECK(runtime.name_at(7).empty());
  // The linker knows these three: g.stack, then the guards; m.g0 is what m begins with.
  CHECK(runtime.offsets.g_stackguard0 == 16);
  CHECK(runtime.offsets.g_m == 48);
  CHECK(runtime.offsets.m_g0 == 0);
  CHECK(runtime.offsets.runq_mask == 255);
  CHECK(runtime.offsets.p_runqtail == runtime.offsets.p_runqhead + 4);
  const auto& reasons = runtime.wait_reasons;
  CHECK(std::find(reasons.begin(), reasons.end(), "select (no cases)") != reasons.end());
  CHECK(reasons.size() < 100);
}

TEST_CASE("functions that ask whether to give way are told from those that don't") {
  const GoRuntime runtime = runtime_of(test::guest_bytes("go_goroutines"));
  const auto is_preemptible = [&](const char* name) {
    return runtime.preemptible.at(*runtime.function(name) - runtime.imports);
  };
  const auto wraps = [&](const char* name) {
    return runtime.wraps.at(*runtime.function(name) - runtime.imports);
  };
  CHECK(is_preemptible("runtime.gopark"));
  CHECK_FALSE(is_preemptible("runtime.morestack"));  // nosplit
  CHECK_FALSE(is_preemptible("runtime.newstack"));   // A large frame.
  CHECK(wraps("runtime.newstack"));
  const auto count = std::count(runtime.preemptible.begin(), runtime.preemptible.end(), true);
  CHECK(static_cast<std::size_t>(count) > runtime.preemptible.size() / 2);
}

TEST_CASE("a stripped Go module is recognised by its pclntab") {
  const Bytes bytes = test::guest_bytes("go_goroutines");
  const GoRuntime named = runtime_of(bytes);
  const GoRuntime stripped = runtime_of(without_section(bytes, "name"));
  CHECK(named.function("runtime.newstack") == stripped.function("runtime.newstack"));
  CHECK(named.offsets.g_waitreason == stripped.offsets.g_waitreason);
  CHECK(named.preemptible == stripped.preemptible);
  CHECK_FALSE(recognise_bytes(without_section(bytes, "producers"))->has_value());
}

TEST_CASE("either of two sections says that a module is Go's") {
  test::Code build_id = text("go:buildid");
  test::append(build_id, text("ff"));
  const std::string claim = refusal_of(test::Binary().function({}).section(0, build_id).bytes());
  CHECK(claim == "it says that Go made it, but it lacks the globals SP, CTXT and g");
}

TEST_CASE("a module that is not Go's is none, and no error") {
  for (const char* name : {"c_hello", "wat_tiny"}) {
    const auto runtime = recognise_bytes(test::guest_bytes(name));
    REQUIRE(runtime.ok());
    CHECK_FALSE(runtime->has_value());
  }
}

TEST_CASE("a module that claims to be Go and is not is refused with one line") {
  const std::string claim = refusal_of(test::Binary().function({}).section(0, producers()).bytes());
  CHECK(claim == "it says that go1.26.8 made it, but it lacks the globals SP, CTXT and g");
  const Bytes go = test::guest_bytes("go_goroutines");
  const std::string version = runtime_of(go).version;
  const std::string_view in_pclntab("\0runtime.gopark\0", 16);
  CHECK(refusal_of(replaced(go, in_pclntab, std::string_view("\0runtime.gofork\0", 16))) ==
        "it says that " + version + " made it, but it has no function runtime.gopark");
  // Names that contradict each other; here a name's length stands before it.
  CHECK(refusal_of(replaced(go, "\x0eruntime.gopark", "\x0eruntime.gofork")) ==
        "it says that " + version +
            " made it, but its tables call one function runtime.gopark and runtime.gofork");
}

TEST_CASE("an offset that two functions of Go's runtime tell differently is refused") {
  Bytes bytes = test::guest_bytes("go_goroutines");
  const GoRuntime runtime = runtime_of(bytes);
  // g.m in mcall: "global.get 2, i32.wrap_i64, i64.load 48".
  const auto module = wasm::read_module(bytes, {.bodies = wasm::Bodies::skip});
  const wasm::Body body = module->body(*runtime.function("runtime.mcall"));
  const std::vector<std::byte> load = {std::byte{0x23}, std::byte{2}, std::byte{0xa7},
                                       std::byte{0x29}, std::byte{3}, std::byte{48}};
  const auto begin = bytes.begin() + body.offset;
  const auto at = std::search(begin, begin + body.bytes, load.begin(), load.end());
  REQUIRE(at != begin + body.bytes);
  at[5] = std::byte{40};
  CHECK(has(refusal_of(bytes), "runtime.mcall"));
}

TEST_CASE("damaged Go modules are recognised or refused with one line, and crash nobody") {
  constexpr int kMutants = 300;
  const test::GoMutants mutants;
  std::mt19937 random(1);
  int refused = 0;
  int accepted = 0;
  for (int n = 0; n < kMutants; ++n) {
    std::vector<std::uint32_t> numbers((1 + random() % 8) * 3);
    for (std::uint32_t& number : numbers) number = random();
    const Bytes bytes = mutants.make(numbers);
    const auto module = wasm::read_module(bytes, {.bodies = wasm::Bodies::skip});
    if (!module) continue;
    const auto runtime = recognise(*module);
    if (!runtime) {
      ++refused;
      CHECK(runtime.error().message.find('\n') == std::string::npos);
    } else {
      ++accepted;
    }
  }
  CHECK(refused > 0);
  CHECK(accepted > 0);
}

TEST_CASE("the source of a call in Go is found in pclntab") {
  const GoRuntime runtime = runtime_of(test::guest_bytes("go_goroutines"));
  const auto main = *runtime.function("main.main") - runtime.imports;
  const guest::go::SourcePlace place = runtime.place_before(guest::go::pc_of(main) + 2);
  CHECK(place.file.ends_with("goroutines.go"));
  CHECK(place.line > 1);
  CHECK(runtime.place_before(0).file.empty());
  CHECK(runtime.place_before(UINT64_MAX).file.empty());
  CHECK(runtime.place_before(guest::go::pc_of(main) + 0xffff).file.empty());
}

TEST_CASE("runtime.exit is changed in its last bytes, and only where it is as weft knows it") {
  const Bytes before = test::guest_bytes("go_goroutines");
  Bytes bytes = before;
  const auto module = wasm::read_module(bytes, {.bodies = wasm::Bodies::skip});
  auto runtime = recognise(*module);
  REQUIRE((runtime.ok() && runtime->has_value()));
  REQUIRE(guest::go::let_outlive_main(*module, **runtime, bytes));
  CHECK(wasm::read_module(bytes).ok());
  const wasm::Body& body = module->body(*(*runtime)->function("runtime.exit"));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    const bool is_in_exit = at >= body.offset && at < std::size_t{body.offset} + body.bytes;
    if (!is_in_exit && bytes[at] != before[at]) FAIL_CHECK("a byte of something else");
  }
  CHECK(bytes != before);
  CHECK_FALSE(guest::go::let_outlive_main(*module, **runtime, bytes));  // No longer as known.
}

TEST_CASE("goroutines are listed from a memory of any contents, and crash nobody") {
  const GoRuntime runtime = runtime_of(test::guest_bytes("go_goroutines"));
  CHECK(guest::go::list_goroutines(runtime, {}).empty());
  std::mt19937 random(1);
  std::vector<std::byte> memory(std::size_t{4} << 20);
  const auto put = [&](std::size_t at, std::uint64_t value) {
    std::memcpy(memory.data() + at, &value, sizeof value);
  };
  for (int n = 0; n < 20; ++n) {
    for (std::size_t at = 0; at < memory.size(); at += 8) put(at, random() % memory.size());
    put(runtime.offsets.allgs, random() % memory.size());
    put(runtime.offsets.allgs + 8, n % 2 == 0 ? 100 : UINT64_MAX);
    for (const auto& goroutine : guest::go::list_goroutines(runtime, memory)) {
      CHECK_FALSE(describe(goroutine).empty());
    }
  }
}

// Goroutines whose functions have names of 64 KiB, in files with such names.
struct ManyWithLongNames {
  static constexpr std::uint64_t kGs = 1'024;
  static constexpr std::uint64_t kGBytes = 96;

  explicit ManyWithLongNames(std::uint64_t count) : memory(kGs + (8 + kGBytes) * count) {
    guest::go::Offsets& at = runtime.offsets;
    at.allgs = 64;
    at.g_goid = 24;
    at.g_status = 32;
    at.g_waitreason = 36;
    at.g_startpc = 40;
    at.g_gopc = 48;
    at.g_parent_goid = 56;
    at.g_sched_sp = 64;
    runtime.set_names({name, name});
    runtime.wait_reasons = {std::string(std::size_t{1} << 16, 'w')};
    put(64, kGs);
    put(72, count);
    for (std::uint64_t n = 0; n < count; ++n) {
      const std::uint64_t g = kGs + 8 * count + kGBytes * n;
      put(kGs + 8 * n, g);
      put(g + 24, n + 1);
      put(g + 32, static_cast<std::uint64_t>(GStatus::waiting));
      put(g + 40, guest::go::pc_of(0));
      put(g + 48, guest::go::pc_of(1));
      put(g + 64, 0);
    }
    const std::uint64_t last = kGs + 8 * count + kGBytes * (count - 1);
    put(last + 32, static_cast<std::uint64_t>(GStatus::running));
    put(0, guest::go::pc_of(1));  // On the stack of all.
  }
  void put(std::uint64_t at, std::uint64_t value) {
    std::memcpy(memory.data() + at, &value, sizeof value);
  }

  const std::string name = "main." + std::string((std::size_t{1} << 16) - 6, '\x1b');
  GoRuntime runtime;
  std::vector<std::byte> memory;
};

TEST_CASE("10,000 goroutines with names of 64 KiB are counted, and 1,000 listed with short names") {
  const ManyWithLongNames guest(10'000);
  const auto counts = guest::go::count_goroutines(guest.runtime, guest.memory);
  CHECK(counts.waiting == 9'999);
  CHECK(counts.running == 1);
  const auto listed = guest::go::list_goroutines(guest.runtime, guest.memory);
  REQUIRE(listed.size() == guest::go::kGoroutinesListed + 1);
  CHECK(listed.back().id == 10'000);  // The one that runs.
  std::size_t bytes_max = 0;
  for (const auto& goroutine : listed) {
    bytes_max = std::max({bytes_max, goroutine.function.capacity(), goroutine.creator.capacity(),
                          goroutine.in.capacity(), goroutine.wait_reason.capacity()});
  }
  CHECK(bytes_max < 2'000);  // 200, each up to four characters.
  CHECK(describe(listed.front()).find('\x1b') == std::string::npos);
  CHECK(listed.front().in == listed.front().creator);
}

TEST_CASE("a dump of many Go guests is bounded, and says how many guests it leaves out") {
  Runtime runtime;
  const auto bytes = test::Binary()
                         .with(5, {1, 0, 1})
                         .with(7, {2, 6, 'm', 'e', 'm', 'o', 'r', 'y', 2, 0,  //
                                   6, '_', 's', 't', 'a', 'r', 't', 0, 0})
                         .function({})
                         .bytes();
  auto module = runtime.load_bytes("empty.wasm", bytes);
  REQUIRE_MESSAGE(module.ok(), (module ? "" : module.error().message));
  const ManyWithLongNames go(100);
  const auto of = [&](const Guest&) { return GoMemory{&go.runtime, go.memory}; };
  for (int i = 0; i < 5; ++i) REQUIRE(runtime.spawn(*module).ok());

  const auto all = dump_goroutines(runtime, of);
  CHECK(std::ranges::count(all, '\n') == 5 * 101);
  CHECK_FALSE(has(all, " more"));
  // A line for the guest and one for each goroutine; the one that runs is listed all the same.
  const auto few_lines = dump_goroutines(runtime, of, {.lines = 150});
  CHECK(has(few_lines, "  and 51 more\nand 3 more guests\n"));
  CHECK(std::ranges::count(few_lines, '\n') == 150 + 3);
  const auto few_counted = dump_goroutines(runtime, of, {.counted = 130});
  CHECK(has(few_counted, "guest 2 (empty.wasm): 30 waiting, and more\n"));
  CHECK(has(few_counted, "and 3 more guests\n"));
  const auto in_short = goroutines_in_short(runtime, of, {.counted = 130});
  CHECK(in_short ==
        "guest 1: 1 running, 99 waiting goroutines; "
        "guest 2: 30 waiting, and more goroutines; and 3 more guests");
}

TEST_CASE("of the name of a source file that is long the end is shown") {
  CHECK(guest::go::shown_file("/src/pool.go") == "/src/pool.go");
  const std::string shown =
      guest::go::shown_file(std::string(std::size_t{1} << 16, 'd') + "/pool.go");
  CHECK(shown.size() == 203);
  CHECK(shown.starts_with("...d"));
  CHECK(shown.ends_with("/pool.go"));
}

TEST_CASE("data that is spread over much more memory than the module has bytes is refused") {
  // Memory of 65,535 pages; one byte at 0, one near the end.
  const auto bytes = test::Binary()
                         .section(5, {1, 0, 0xff, 0xff, 3})
                         .section(11, {2, 0, 0x41, 0, 0x0b, 1, 7,  //
                                       0, 0x41, 0x80, 0x80, 0x80, 0x80, 0x7f, 0x0b, 1, 7})
                         .bytes();
  const auto module = wasm::read_module(bytes);
  REQUIRE_MESSAGE(module.ok(), (module ? "" : module.error().message));
  const auto image = guest::go::DataImage::of(*module);
  REQUIRE_FALSE(image.ok());
  CHECK(has(image.error().message, "spread over 4026531841 bytes"));
}
