// SPDX-License-Identifier: Apache-2.0
#include "guest/aot/aot.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "guest/aot/object_cache.h"
#include "guest/wabt/interp.h"
#include "tests/unit/guest/guests.h"

using namespace weft;
using weft::test::aot_cache_folder;
using weft::test::guest_path;
using weft::test::Output;

namespace {

struct Said {
  std::vector<std::string> lines;
  AotOptions options() {
    return {.cache_folder = aot_cache_folder(),
            .say = [this](std::string_view line) { lines.emplace_back(line); }};
  }
};

struct CompiledGuests {
  Output output;
  Runtime runtime;

  explicit CompiledGuests(std::unique_ptr<Engine> engine) : runtime(std::move(engine)) {}

  Guest& spawn(const std::string& name, const GuestLimits& limits = {}) {
    auto module = runtime.load(guest_path(name), limits);
    REQUIRE(module.ok());
    auto guest =
        runtime.spawn(*module, {.stdin_from = -1, .stdout_to = output.fd(), .stderr_to = -1});
    REQUIRE(guest.ok());
    return **guest;
  }
};

GuestEnd end_of(std::unique_ptr<Engine> engine, const std::string& name,
                const GuestLimits& limits = {}) {
  CompiledGuests guests(std::move(engine));
  const Guest& guest = guests.spawn(name, limits);
  CHECK(guests.runtime.run().end == RunEnd::finished);
  REQUIRE(guest.end().has_value());
  return *guest.end();
}

void check_same(const GuestEnd& a, const GuestEnd& b) {
  CHECK(a.kind == b.kind);
  CHECK(a.exit_code == b.exit_code);
  CHECK(std::string(name(a.trap.kind)) == name(b.trap.kind));
  CHECK(a.trap.detail == b.trap.detail);
  CHECK(a.trap.offset == b.trap.offset);
  CHECK(a.trap.frames == b.trap.frames);
}

AotOptions with(Said& said, Bounds bounds) {
  AotOptions options = said.options();
  options.bounds = bounds;
  return options;
}

// An empty folder, removed at the end.
struct Folder {
  std::string path = "/tmp/weft-aot-XXXXXX";
  Folder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
};

std::size_t count_of(const char* directory) {
  const auto begin = std::filesystem::directory_iterator(directory);
  return static_cast<std::size_t>(std::distance(begin, std::filesystem::directory_iterator()));
}

}  // namespace

TEST_CASE("a compiled guest prints and exits as an interpreted one does") {
  Said said;
  CompiledGuests g(make_aot(said.options()));
  const Guest& hello = g.spawn("c_hello");
  const Guest& seven = g.spawn("c_exit7");
  CHECK(g.runtime.run().end == RunEnd::finished);
  CHECK(hello.end()->exit_code == 0);
  CHECK(seven.end()->exit_code == 7);
  CHECK(g.output.text().find("hello from c") != std::string::npos);
  CHECK(said.lines.empty());
}

TEST_CASE("a function of more than eight parameters did not compile") {
  Said said;
  CHECK(end_of(make_aot(said.options()), "wat_many_params").exit_code == 190);
  CHECK(said.lines.empty());
}

TEST_CASE("a module with sched_yield in a table did not compile") {
  Said said;
  CHECK(end_of(make_aot(said.options()), "wat_yield_in_table").kind == GuestEnd::Kind::exited);
  CHECK(said.lines.empty());
}

TEST_CASE("a module of 10,000 nested blocks took the C writer's memory; it runs on interp") {
  constexpr int kDepth = 10'000;
  std::string body("\0", 1);                            // No locals.
  for (int i = 0; i < kDepth; ++i) body += "\x02\x40";  // block
  body.append(kDepth + 1, '\x0b');                      // end
  const auto number = [](std::size_t n) {
    std::string text;
    for (; n > 127; n >>= 7) text += static_cast<char>((n & 127) | 128);
    return text + static_cast<char>(n);
  };
  const auto section = [&](char id, const std::string& content) {
    return id + number(content.size()) + content;
  };
  std::string module("\0asm\1\0\0\0", 8);
  module += section(1, std::string("\1\x60\0\0", 4));
  module += section(3, std::string("\1\0", 2));
  module += section(7, std::string("\1\x06_start\0\0", 10));
  module += section(10, "\1" + number(body.size()) + body);
  Said said;
  Runtime runtime(make_aot(said.options()));
  auto loaded = runtime.load_bytes("deep.wasm", std::as_bytes(std::span(module)));
  REQUIRE(loaded.ok());
  REQUIRE(said.lines.size() == 1);
  CHECK(said.lines[0].find("nested too deep") != std::string::npos);
  auto guest = runtime.spawn(*loaded, {.stdin_from = -1, .stdout_to = -1, .stderr_to = -1});
  REQUIRE(guest.ok());
  CHECK(runtime.run().end == RunEnd::finished);
  CHECK((*guest)->end()->kind == GuestEnd::Kind::exited);
}

TEST_CASE("each trap has the same kind, words, offset and functions on every engine") {
  Said said;
  for (const char* guest :
       {"c_trap_div", "c_trap_oob", "c_trap_unreachable", "c_stack_overflow", "wat_trap_indirect",
        "wat_trap_table", "wat_recursion", "wat_recursion_indirect", "wat_segment_traps",
        "wat_start_traps", "wat_trap"}) {
    CAPTURE(guest);
    const GuestEnd interp = end_of(make_interp(), guest);
    CHECK(interp.kind == GuestEnd::Kind::trapped);
    check_same(interp, end_of(make_aot(with(said, Bounds::guard)), guest));
    check_same(interp, end_of(make_aot(with(said, Bounds::check)), guest));
  }
  CHECK(said.lines.empty());
}

TEST_CASE("fuel ends a guest at the same fuel point on every engine, every time") {
  Said said;
  for (const std::uint64_t fuel : {1, 2, 77, 16'385, 100'000}) {
    CAPTURE(fuel);
    const GuestLimits limits{.fuel = fuel};
    const GuestEnd interp = end_of(make_interp(), "c_compute", limits);
    CHECK(interp.trap.kind == TrapKind::out_of_fuel);
    check_same(interp, end_of(make_aot(said.options()), "c_compute", limits));
    check_same(interp, end_of(make_aot(said.options()), "c_compute", limits));
  }
}

TEST_CASE("fuel ends a guest exactly where the other engine does: with one more it exits") {
  Said said;
  // How much fuel the guest needs, by bisection on the interpreter; then the compiled one.
  const auto ends = [](std::unique_ptr<Engine> engine, std::uint64_t fuel) {
    return end_of(std::move(engine), "c_exit7", {.fuel = fuel}).kind == GuestEnd::Kind::trapped;
  };
  std::uint64_t low = 1;
  std::uint64_t high = 1'000'000;
  REQUIRE(ends(make_interp(), low));
  REQUIRE_FALSE(ends(make_interp(), high));
  while (high - low > 1) {
    const std::uint64_t middle = (low + high) / 2;
    (ends(make_interp(), middle) ? low : high) = middle;
  }
  CHECK(ends(make_aot(said.options()), low));
  CHECK_FALSE(ends(make_aot(said.options()), high));
}

TEST_CASE("a compiled guest that spins lets others run, and can be killed") {
  Said said;
  CompiledGuests g(make_aot(said.options()));
  Guest& spinner = g.spawn("c_busy");
  const Guest& asleep = g.spawn("c_sleep2s");
  const Guest& never_ran = g.spawn("c_hello");
  REQUIRE(g.runtime.scheduler()
              .spawn([&] {
                sleep_for(milliseconds(30));  // The spinner was preempted, else we were not here.
                g.runtime.scheduler().kill(*spinner.g());
                g.runtime.scheduler().kill(*asleep.g());
              })
              .ok());
  g.runtime.scheduler().kill(*never_ran.g());
  CHECK(g.runtime.run().end == RunEnd::finished);
  CHECK(spinner.end()->kind == GuestEnd::Kind::killed);
  CHECK(asleep.end()->kind == GuestEnd::Kind::killed);
  CHECK(never_ran.end()->kind == GuestEnd::Kind::killed);
}

TEST_CASE("guests leave no descriptor and no mapping behind, however they end") {
  Said said;
  for (const Bounds bounds : {Bounds::guard, Bounds::check}) {
    CompiledGuests g(make_aot(with(said, bounds)));
    const auto round = [&] {
      for (const char* guest : {"c_hello", "c_trap_oob", "wat_recursion", "c_trap_div"}) {
        for (int i = 0; i < 20; ++i) g.spawn(guest);
      }
      CHECK(g.runtime.run().end == RunEnd::finished);
    };
    round();
    const std::size_t fds = count_of("/proc/self/fd");
    const std::size_t maps = count_of("/proc/self/map_files");
    round();
    round();
    CHECK(count_of("/proc/self/fd") == fds);
    // The heap's own may come and go.
    CHECK(count_of("/proc/self/map_files") <= maps + 8);
  }
}

TEST_CASE("a compiled guest does not run on a stack without a guard page") {
  Said said;
  Output output;
  Runtime runtime({.guard = GuardKind::none}, make_aot(said.options()));
  auto module = runtime.load(guest_path("wat_tiny"));
  REQUIRE(module.ok());
  Guest& guest = **runtime.spawn(*module, {.stdin_from = -1, .stdout_to = output.fd()});
  CHECK(runtime.run().end == RunEnd::finished);
  REQUIRE(guest.end().has_value());
  CHECK(guest.end()->trap.kind == TrapKind::out_of_memory);
  CHECK(guest.end()->trap.detail.find("guard page") != std::string::npos);
}

TEST_CASE("many instances share one object, and their memories are theirs") {
  Said said;
  CompiledGuests g(make_aot(with(said, Bounds::check)));
  auto module = g.runtime.load(guest_path("c_hello"));
  REQUIRE(module.ok());
  for (int i = 0; i < 500; ++i) {
    REQUIRE(g.runtime.spawn(*module, {.stdin_from = -1, .stdout_to = g.output.fd()}).ok());
  }
  CHECK(g.runtime.run().end == RunEnd::finished);
  const std::string text = g.output.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 500);
}

namespace {

// A compiler that never ends. It leaves its process id in a file.
struct EndlessCompiler {
  Folder folder;
  std::string command = folder.path + "/cc";
  std::string pid_file = folder.path + "/pid";

  EndlessCompiler() {
    std::ofstream(command) << "#!/bin/sh\necho $$ > " << pid_file << ".new\nmv " << pid_file
                           << ".new " << pid_file << "\nexec sleep 1000\n";
    REQUIRE(::chmod(command.c_str(), 0700) == 0);
  }

  [[nodiscard]] AotOptions options() const {
    return {.cc = command, .cache_folder = folder.path + "/cache"};
  }
  // 0 before it has begun.
  [[nodiscard]] pid_t pid() const {
    pid_t pid = 0;
    std::ifstream(pid_file) >> pid;
    return pid;
  }
};

}  // namespace

TEST_CASE("a G that compiles lets others run; killed, it leaves no process, file, lock or fd") {
  const EndlessCompiler endless;
  const std::size_t fds = count_of("/proc/self/fd");
  {
    Runtime runtime(make_aot(endless.options()));
    // The second one waits for the first.
    std::vector<G*> loaders;
    for (int i = 0; i < 2; ++i) {
      auto g = runtime.scheduler().spawn([&] { (void)runtime.load(guest_path("wat_tiny")); },
                                         {.stack_bytes = 256 * 1024});
      REQUIRE(g.ok());
      loaders.push_back(*g);
    }
    REQUIRE(runtime.scheduler()
                .spawn([&] {
                  while (endless.pid() == 0) sleep_for(milliseconds(1));
                  runtime.scheduler().kill(*loaders[0]);
                  runtime.scheduler().kill(*loaders[1]);
                })
                .ok());
    CHECK(runtime.run().end == RunEnd::finished);
  }
  CHECK(::kill(endless.pid(), 0) == -1);
  CHECK(count_of("/proc/self/fd") == fds);
  const std::string cache = endless.folder.path + "/cache";
  CHECK(count_of(cache.c_str()) == 1);  // The file of the locks.
  Runtime again(make_aot({.cache_folder = cache}));
  CHECK(again.load(guest_path("wat_tiny")).ok());
  CHECK(count_of(cache.c_str()) == 2);
}

TEST_CASE("without a compiler a module runs on interp, and it is said why") {
  Said said;
  AotOptions options = said.options();
  options.cc = "no-such-compiler";
  const GuestEnd end = end_of(make_aot(options), "c_exit7");
  CHECK(end.exit_code == 7);
  REQUIRE(said.lines.size() == 1);
  CHECK(said.lines.front() ==
        "c_exit7.wasm: the C compiler 'no-such-compiler' is not here; it runs on the engine "
        "interp");
}

TEST_CASE("a compiler that fails is quoted, and the module runs on interp") {
  Said said;
  const Folder folder;
  AotOptions options = said.options();
  options.cache_folder = folder.path + "/cache";
  options.cc = "cc -include /no/such/header.h";
  CHECK(end_of(make_aot(options), "c_exit7").exit_code == 7);
  REQUIRE(said.lines.size() == 1);
  CHECK(said.lines.front().find("/no/such/header.h") != std::string::npos);
  // Neither an entry nor its work is left.
  CHECK(count_of(options.cache_folder.c_str()) == 1);
}

TEST_CASE("a module that libwabt can't write as C runs on interp; an invalid one is refused") {
  Said said;
  CHECK(end_of(make_aot(said.options()), "wat_simd").kind == GuestEnd::Kind::exited);
  REQUIRE(said.lines.size() == 1);
  CHECK(said.lines.front().find("SIMD") != std::string::npos);
  Runtime compiled(make_aot(said.options()));
  Runtime interpreted;
  for (const char* guest : {"wat_bad_import", "wat_wrong_sig", "wat_nostart"}) {
    const auto a = compiled.load(guest_path(guest));
    const auto b = interpreted.load(guest_path(guest));
    REQUIRE_FALSE(a.ok());
    REQUIRE_FALSE(b.ok());
    CHECK(a.error().message == b.error().message);
  }
  CHECK(said.lines.size() == 1);
}

TEST_CASE("functions of the host are called through a table") {
  Said said;
  CHECK(end_of(make_aot(said.options()), "wat_import_table").exit_code == 7);
  CHECK(said.lines.empty());
}

TEST_CASE("auto runs on interp until the object is there, and says nothing") {
  Said said;
  const Folder folder;
  AotOptions options = said.options();
  options.cache_folder = folder.path + "/cache";
  AotOptions automatic = options;
  automatic.compile = false;
  CHECK(end_of(make_aot(automatic), "c_exit7").exit_code == 7);
  auto cache = ObjectCache::open(options.cache_folder);
  REQUIRE(cache.ok());
  CHECK(cache->entries().empty());
  CHECK(end_of(make_aot(options), "c_exit7").exit_code == 7);
  CHECK(cache->entries().size() == 1);
  CHECK(end_of(make_aot(automatic), "c_exit7").exit_code == 7);
  CHECK(said.lines.empty());
}
