// SPDX-License-Identifier: Apache-2.0
// The engine `aot`: a module is translated to C, and the system's C compiler makes a shared object
// of it. The object is kept in a cache (guest/aot/object_cache.h) and loaded.
//
//   bytes ────▶ admit ────▶ key ─▶ in the cache? ─ yes ──────────────────────────▶ dlopen
//                                       │ no                                          ▲
//                                       ▼                                             │
//                translate (a child: fuel points, C) ─▶ compile (children) ─▶ cache ──┘
//
// A module that can't be compiled (no compiler, an instruction that libwabt can't write as C) runs
// on the engine `interp`, and `say` is told why.
//
// From: any thread; the engine itself belongs to one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "guest/engine.h"

namespace weft {

// How accesses outside of a guest's memory are found.
enum class Bounds : std::uint8_t {
  automatic,  // guard where the process has the address space for it.
  guard,      // Guard pages: fast; 8 GiB of address space for each guest.
  check,      // A comparison at each access: many guests.
};

// How far a compilation is.
struct CompileStage {
  // Which step it is at.
  enum class Kind : std::uint8_t {
    validating,   // `done` of `of` functions are validated.
    waiting,      // Another process compiles this module.
    translating,  // `done` of `of` functions are written as C.
    compiling,    // `done` of `of` units are compiled.
  };
  Kind kind;             // The step.
  std::size_t done = 0;  // How far that is ...
  std::size_t of = 0;    // ... of how much. 0: not known.
};

// How and with what is compiled. All of it may be left out.
struct AotOptions {
  std::string cc = {};                // The C compiler, with options; empty: $CC, cc, gcc or clang.
  Bounds bounds = Bounds::automatic;  // How accesses outside are found.
  bool fuel_points = true;  // false: neither preemption nor fuel. For measuring what they cost.
  bool compile = true;      // false: what is not in the cache runs on `otherwise`, and silently.
  // Runs modules that can't be compiled; null: the engine interp.
  std::shared_ptr<Engine> otherwise = {};
  std::string cache_folder = {};  // Empty: ObjectCache::default_folder().
  // One line, without its end: why a module runs on interp.
  std::function<void(std::string_view line)> say = {};
  // While a module is compiled, again and again.
  std::function<void(const std::string& module, const CompileStage& stage)> progress = {};
  // Called every few milliseconds while a module is compiled, here or by another process. It may
  // throw, which ends the compilers, removes their files, and leaves load() as that exception.
  // Empty: on a G it sleeps, so that others run and the G can be killed (Killed leaves load());
  // elsewhere the thread sleeps.
  std::function<void()> wait = {};
};

// The engine: for a Runtime.
std::unique_ptr<Engine> make_aot(AotOptions options = {});

}  // namespace weft
