// SPDX-License-Identifier: Apache-2.0
// weft-compile-speed ROUNDS MODULE...: how fast a module is validated, and compiled by jit, whole.
//
// A line of JSON for each module: its bytes, those of its functions' code, how many functions there
// are, and the fastest round's processor time in ns: of reading and validating the module, and of
// making the machine code of every function that it defines. jit itself compiles a function when it
// is first called. bench/compile_speed.py makes a table of it.
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "guest/jit/jit.h"
#include "guest/jit/jit_module.h"
#include "guest/wasm/module_view.h"

namespace weft::bench {
namespace {

constexpr int kWrongUse = 64;

std::int64_t cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

struct Speed {
  std::size_t code_bytes = 0;
  std::size_t functions = 0;
  std::int64_t validated_ns = INT64_MAX;
  std::int64_t compiled_ns = INT64_MAX;
};

Status validate(std::span<const std::byte> binary, Speed& speed) {
  const std::int64_t before = cpu_ns();
  const auto module = wasm::read_module(binary);
  speed.validated_ns = std::min(speed.validated_ns, cpu_ns() - before);
  if (!module) return module.error();
  speed.code_bytes = 0;
  for (const wasm::Body& body : module->bodies) speed.code_bytes += body.bytes;
  speed.functions = module->bodies.size();
  return Nothing{};
}

// By an engine that has compiled nothing before.
Status compile(std::span<const std::byte> binary, Speed& speed) {
  auto engine = make_jit();
  if (!engine) return engine.error();
  auto loaded = (*engine)->load("", binary, {}, Role::library);
  if (!loaded) return loaded.error();
  jit::Program& program = static_cast<jit::JitModule&>(**loaded).program;
  const std::int64_t before = cpu_ns();
  for (std::uint32_t f = program.view.imported_functions; f < program.view.functions(); ++f) {
    if (program.compile(f) == nullptr) return Error{"no room for the code of all functions"};
  }
  speed.compiled_ns = std::min(speed.compiled_ns, cpu_ns() - before);
  return Nothing{};
}

Status measure(const std::string& path, long rounds) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{"can't be read"};
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto binary = std::as_bytes(std::span(text));
  Speed speed;
  for (long i = 0; i < rounds; ++i) {
    if (Status done = validate(binary, speed); !done) return done;
    if (Status done = compile(binary, speed); !done) return done;
  }
  std::printf(
      "{\"module\": \"%s\", \"bytes\": %zu, \"code_bytes\": %zu, \"functions\": %zu, "
      "\"validated_ns\": %lld, \"compiled_ns\": %lld}\n",
      std::filesystem::path(path).filename().c_str(), binary.size(), speed.code_bytes,
      speed.functions, static_cast<long long>(speed.validated_ns),
      static_cast<long long>(speed.compiled_ns));
  return Nothing{};
}

}  // namespace
}  // namespace weft::bench

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const long rounds = words.empty() ? 0 : std::atol(words[0].c_str());
  if (rounds < 1 || words.size() < 2) {
    std::fprintf(stderr, "usage: weft-compile-speed ROUNDS MODULE...\n");
    return weft::bench::kWrongUse;
  }
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (weft::Status done = weft::bench::measure(words[i], rounds); !done) {
      std::fprintf(stderr, "%s: %s\n", words[i].c_str(), done.error().message.c_str());
      return 1;
    }
  }
}
