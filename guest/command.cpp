// SPDX-License-Identifier: Apache-2.0
#include "guest/command.h"

#include <algorithm>

#include "base/printable.h"
#include "guest/go/steering.h"
#include "guest/invocation.h"

namespace weft {
namespace {

// Where a module comes from that imports what weft does not offer, by the import's module, and what
// its producer can do instead. A prefix, where it ends in a sign.
struct Elsewhere {
  std::string_view module;
  std::string_view advice;
};

constexpr std::string_view kOfEmscripten =
    "a function of Emscripten's JavaScript; build it for WASI preview 1 "
    "(wasi-sdk, --target wasm32-wasip1; emcc -sSTANDALONE_WASM)";
constexpr std::string_view kOfWasix =
    "it is made for WASIX; build it for WASI preview 1 (--target wasm32-wasip1)";
constexpr std::string_view kOfWasmBindgen =
    "it is made for JavaScript by wasm-bindgen; build it with --target wasm32-wasip1";
constexpr std::string_view kOfGo = "it is made by Go for JavaScript; build it with GOOS=wasip1";
constexpr std::string_view kOfNode =
    "it is an addon for Node.js (Node-API), which its npm package loads; build it as a command "
    "(--target wasm32-wasip1)";
constexpr std::string_view kOfLinking =
    "it is a shared library for dynamic linking; link it as a command, statically";
constexpr std::string_view kOfComponents =
    "it imports from the component model; build it for WASI preview 1 (--target wasm32-wasip1)";

constexpr Elsewhere kElsewhere[] = {
    {"wasi:", "it is made for WASI preview 2; build it for preview 1 (--target wasm32-wasip1)"},
    {"wasi",
     "it is made for threads (wasi-threads), which weft does not have; build it without "
     "(--target wasm32-wasip1)"},
    {"wasix_32v1", kOfWasix},
    {"wasix_64v1", kOfWasix},
    {"env",
     "the host's functions of a JavaScript toolchain; build it for WASI preview 1 "
     "(wasi-sdk, --target wasm32-wasip1; emcc -sSTANDALONE_WASM)"},
    {"a", kOfEmscripten},  // Its names are shortened in optimised builds.
    {"GOT.mem", kOfLinking},
    {"GOT.func", kOfLinking},
    {"gojs", kOfGo},
    {"go", kOfGo},
    {"wbg", kOfWasmBindgen},
    {"__wbindgen_placeholder__", kOfWasmBindgen},
    {"__wbindgen_externref_xform__", kOfWasmBindgen},
    {"napi", kOfNode},
    {"emnapi", kOfNode},
    {"rb-js-abi-host",
     "it is ruby.wasm for JavaScript; build it without js (rbwasm build --target "
     "wasm32-unknown-wasip1, without the gem js)"},
    {"wasi_nn", "wasi-nn is a proposal beyond WASI preview 1; build it without"},
    {"wasi_ephemeral_nn", "wasi-nn is a proposal beyond WASI preview 1; build it without"},
    {"wasi_experimental_http", "it wants HTTP of its host; weft gives a guest sockets: --listen"},
    {"extism:", "it is a plug-in of Extism, which its host's SDK calls; build it as a command"},
    {"spectest", "it is a test of the WebAssembly specification (tests/spec/run.py)"},
    {"cm32p2:", kOfComponents},
    {"cm32p2|", kOfComponents},
    {"[export]", kOfComponents},
};

// "(i32, f64) -> i64", from letters.
std::string type_in_words(const FuncTypeInfo& type) {
  const auto words = [](const std::string& letters) {
    std::string text;
    for (const char letter : letters) {
      if (!text.empty()) text += ", ";
      text += letter == 'i'   ? "i32"
              : letter == 'I' ? "i64"
              : letter == 'f' ? "f32"
              : letter == 'F' ? "f64"
              : letter == 'v' ? "v128"
                              : "a reference";
    }
    return text;
  };
  return "(" + words(type.params) + ")" +
         (type.results.empty() ? "" : " -> " + words(type.results));
}

std::string advice_for(const ImportInfo& import) {
  if (import.kind == ExternalKind::memory) {
    return "a memory of its own is what a command needs (link it without --import-memory)";
  }
  for (const Elsewhere& from : kElsewhere) {
    const bool is_prefix = std::string_view(":|]").find(from.module.back()) != std::string::npos;
    const bool fits =
        is_prefix ? import.module.starts_with(from.module) : import.module == from.module;
    if (fits) return std::string(from.advice);
  }
  if (import.module.starts_with("./")) return std::string(kOfWasmBindgen);
  if (import.module.find(':') != std::string::npos &&
      import.module.find('/') != std::string::npos) {
    return std::string(kOfComponents);
  }
  return "weft offers the functions of wasi_snapshot_preview1 and wasi_unstable";
}

std::string full_name_of(const ImportInfo& import) {
  return "\"" + printable(import.module) + "\" \"" + printable(import.name) + "\"";
}

// The error says that it has another type, and which.
Status check_type(const ImportInfo& info, const FuncTypeInfo& type, const Import& import) {
  if (type.params == import.params() && type.results == import.results()) return Nothing{};
  if (import.wasi() != nullptr) {
    return Error{"the import " + full_name_of(info) +
                 " has another type than WASI preview 1 gives it"};
  }
  return Error{"the import " + full_name_of(info) + " has the type " + type_in_words(type) +
               ", the host's function " +
               type_in_words({std::string(import.params()), std::string(import.results())})};
}

// What is behind each of the module's imports, in order. The error names the first import that has
// nothing, or another type. What is WASI's stays WASI's.
Result<std::vector<Import>> bind_imports(const ModuleInfo& info, const HostFunctions* offered) {
  std::vector<Import> imports;
  for (const ImportInfo& import : info.imports) {
    const bool is_function = import.kind == ExternalKind::func;
    const wasip1::Function* wasi = is_function ? wasip1::find(import.module, import.name) : nullptr;
    auto host = is_function && wasi == nullptr && offered != nullptr
                    ? offered->find(import.module, import.name)
                    : nullptr;
    if (wasi == nullptr && host == nullptr) {
      return Error{"unknown import " + full_name_of(import) + "; " + advice_for(import)};
    }
    imports.push_back(wasi != nullptr ? Import(*wasi) : Import(std::move(host)));
    if (Status fits = check_type(import, info.types[import.type], imports.back()); !fits) {
      return fits.error();
    }
  }
  return imports;
}

Status check_sizes(const ModuleInfo& info, const GuestLimits& limits) {
  if (info.memory_pages_initial > limits.memory_pages_max) {
    const std::uint64_t pages = info.memory_pages_initial;
    return Error{"the module asks for " + std::to_string((pages + 15) / 16) +
                 " MiB of memory at start; the limit is " +
                 std::to_string(limits.memory_pages_max / 16) + " MiB (--memory)"};
  }
  if (info.table_elements_initial > limits.table_elements_max) {
    return Error{"the module asks for tables of " + std::to_string(info.table_elements_initial) +
                 " elements at start; the limit is " + std::to_string(limits.table_elements_max) +
                 " (--tables)"};
  }
  return Nothing{};
}

// A runtime that is not as weft knows it is no error: the guest runs as any other.
void look_for_go(Admitted& admitted, const GuestLimits& limits) {
  using guest::go::Time;
  const Time time = limits.quantum != 0 ? Time::virtual_time : Time::real;
  auto go = guest::go::GoModule::of(admitted.view, time);
  if (go) {
    admitted.go = std::move(*go);
  } else {
    admitted.go_refused = go.error().message;
  }
}

}  // namespace

Result<Admitted> admit(std::span<const std::byte> binary, const GuestLimits& limits, Role role,
                       CodeScan code, const HostFunctions* offered,
                       const wasm::ValidationStep& step) {
  auto module = wasm::read_module(binary, {.bodies = wasm::Bodies::skip});
  if (!module) return module.error();
  Admitted admitted;
  admitted.view = std::move(*module);
  admitted.info = keep_info(admitted.view);
  auto imports = bind_imports(admitted.info, offered);
  if (!imports) return imports.error();
  admitted.imports = std::move(*imports);
  if (role == Role::command) {
    if (auto entry = find_entry(admitted.info); !entry) return entry.error();
  }
  if (Status status = check_sizes(admitted.info, limits); !status) return status.error();
  if (code == CodeScan::now) {
    if (Status status = scan_code(admitted.view, admitted.info, step); !status)
      return status.error();
  }
  if (limits.goroutines && role == Role::command) look_for_go(admitted, limits);
  return admitted;
}

Status check_features(const ModuleInfo& info, std::span<const wasm::Feature> lacking,
                      std::string_view engine) {
  for (const wasm::Feature feature : lacking) {
    if (!info.features.has(feature)) continue;
    return Error{"the module uses the WebAssembly proposal \"" + std::string(name(feature)) +
                 "\" (" + std::string(info.features.what(feature)) + " at byte " +
                 std::to_string(info.features.offset(feature)) + "), which the engine " +
                 std::string(engine) + " does not know"};
  }
  return Nothing{};
}

Status check_libwabt_knows(const ModuleInfo& info, std::string_view engine) {
  using wasm::Feature;
  constexpr Feature kLacking[] = {
      Feature::relaxed_simd,        Feature::tail_calls, Feature::extended_const,
      Feature::multi_memory,        Feature::memory64,   Feature::exceptions,
      Feature::legacy_exceptions,   Feature::atomics,    Feature::shared_memories,
      Feature::function_references,
  };
  constexpr std::uint32_t kTablesMax = 100;
  if (Status known = check_features(info, kLacking, engine); !known) return known;
  if (info.tables > kTablesMax) {
    return Error{"the module has " + std::to_string(info.tables) + " tables; the engine " +
                 std::string(engine) + " takes " + std::to_string(kTablesMax)};
  }
  return Nothing{};
}

}  // namespace weft
