// SPDX-License-Identifier: Apache-2.0
// See guest/wabt/c_dialect.h. Names are of the module "guest" and its imports "m";
// guest/wabt/wabt_ir.h.
#include "guest/wabt/c_dialect.h"

#include <algorithm>

namespace weft {
namespace {

// --- libwabt 1.0.32 ---
//
// Types are numbers that the host gives when the object is loaded:
//
//   static u32 func_types[5];
//   ... CALL_INDIRECT(instance->w2c_T0, u32 (*)(void*, u32), 1, w2c_i2, ...

constexpr char kHeader32[] = R"(
#define WEFT_GUEST Z_m_instance
#define WEFT_TYPE(type) func_types[type]

typedef uint32_t wasm_rt_func_type_t;

typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  void* module_instance;
} wasm_rt_funcref_t;

static inline void wasm_rt_allocate_memory(wasm_rt_memory_t* memory, uint32_t pages, uint32_t max) {
  weft_host->memory_allocate(memory, pages, max);
}

/* The same number for the same types: params, then results, as wasm_rt_type_t. */
static uint32_t wasm_rt_register_func_type(uint32_t params, uint32_t results, ...) {
  uint8_t letters[2048];
  uint32_t length = 0;
  va_list types;
  va_start(types, results);
  for (uint32_t i = 0; i < params + results; ++i) {
    if (i == params) letters[length++] = 255;
    letters[length++] = (uint8_t)va_arg(types, int);
  }
  va_end(types);
  if (results == 0) letters[length++] = 255;
  return weft_host->type_id(letters, length);
}
)";

SharedLine share_numbers(std::string_view line, TypeNames& /*seen*/) {
  const std::string array(line.substr(std::string_view("static ").size()));
  return {"extern HIDDEN " + array, array};
}

// --- libwabt 1.0.34 to 1.0.36 ---
//
// Types are hashes, which the module has as constants:
//
//   FUNC_TYPE_T(w2c_guest_t0) = "\x07\x80...";
//   ... CALL_INDIRECT(instance->w2c_T0, u32 (*)(void*, u32), w2c_guest_t0, var_i2, ...
//
// No function of another module is ever called through a table: so the address of the hash is the
// type, when types that are the same share one.

constexpr char kHeader34[] = R"(
#define WEFT_GUEST w2c_m_instance
#define WEFT_TYPE(type) type
#define WASM_RT_MEMCHECK_GUARD_PAGES WASM_RT_MEMCHECK_SIGNAL_HANDLER

typedef const char* wasm_rt_func_type_t;

typedef struct wasm_rt_tailcallee_t {
  void (*fn)(void** instance, void* stack, struct wasm_rt_tailcallee_t* next);
} wasm_rt_tailcallee_t;

typedef struct {
  wasm_rt_func_type_t func_type;
  wasm_rt_function_ptr_t func;
  wasm_rt_tailcallee_t func_tailcallee;
  void* module_instance;
} wasm_rt_funcref_t;

static inline void wasm_rt_allocate_memory(wasm_rt_memory_t* memory, uint64_t pages, uint64_t max,
                                           bool is64) {
  weft_host->memory_allocate(memory, (uint32_t)pages, (uint32_t)max);
}
)";

constexpr std::string_view kType34 = "FUNC_TYPE_T(";

SharedLine share_hash(std::string_view line, TypeNames& seen) {
  const std::string name(line.substr(kType34.size(), line.find(')') - kType34.size()));
  const std::string hash(line.substr(std::min(line.find('"'), line.size())));
  const auto [first, added] = seen.try_emplace(hash, name);
  if (!added) return {"#define " + name + " " + first->second, ""};
  return {"extern HIDDEN const char " + name + "[];", "const char " + name + "[] = " + hash};
}

constexpr CDialect kDialects[] = {
    {
        .versions = "1.0.32",
        .mark = "static bool s_module_initialized",
        .function = "w2c_f",
        .import = "Z_mZ_",
        .segment = "data_segment_data_w2c_d",
        .instance = "Z_guest_instance_t",
        .host = "struct Z_m_instance_t",
        .make = "Z_guest_instantiate",
        .set_up = "Z_guest_init_module();",
        .type_line = "static u32 func_types[",
        .share_type = share_numbers,
        .header = kHeader32,
    },
    {
        .versions = "1.0.34 to 1.0.36",
        .mark = "#define FUNC_TYPE_T(x)",
        .function = "w2c_guest_f",
        .import = "w2c_m_",
        .segment = "data_segment_data_w2c_guest_d",
        .instance = "w2c_guest",
        .host = "struct w2c_m",
        .make = "wasm2c_guest_instantiate",
        .set_up = "",
        .type_line = kType34,
        .share_type = share_hash,
        .header = kHeader34,
    },
};

// What accesses to memory are made of, in all dialects: guest/aot/aot_code.inc uses it.
constexpr std::string_view kChecks = "#define MEMCHECK(mem, a, t)";

}  // namespace

const CDialect* dialect_of(std::string_view source) {
  if (source.find(kChecks) == std::string_view::npos) return nullptr;
  for (const CDialect& dialect : kDialects) {
    if (source.find(dialect.mark) != std::string_view::npos) return &dialect;
  }
  return nullptr;
}

std::string known_versions() {
  std::string text;
  for (const CDialect& dialect : kDialects) {
    text += (text.empty() ? "" : ", ") + std::string(dialect.versions);
  }
  return text;
}

}  // namespace weft
