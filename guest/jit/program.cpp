// SPDX-License-Identifier: Apache-2.0
#include "guest/jit/program.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <new>

#include "os/wasip1/long_call.h"

namespace weft::jit {
namespace {

constexpr std::size_t kFramesMax = 32;  // As many as interp tells.

// A body of so many bytes takes milliseconds to compile: that is done in steps.
constexpr std::size_t kLargeBody = std::size_t{64} * 1024;

// mov eax, index; jmp to
constexpr std::size_t kStubBytes = 10;

void write_stub(std::uint8_t* at, const std::uint8_t* runs, std::uint32_t index, const void* to) {
  const auto distance =
      static_cast<std::int32_t>(static_cast<const std::uint8_t*>(to) - (runs + kStubBytes));
  at[0] = 0xb8;
  std::memcpy(at + 1, &index, 4);
  at[5] = 0xe9;
  std::memcpy(at + 6, &distance, 4);
}

std::uint32_t words_of(std::span<const wasm::ValType> types) {
  std::uint32_t words = 0;
  for (const wasm::ValType type : types) words += type == wasm::ValType::v128 ? 2 : 1;
  return words;
}

Layout layout_of(const wasm::ModuleView& view) {
  constexpr std::uint32_t kHelperWords = 8;
  std::uint32_t words = kHelperWords;
  for (const wasm::FuncType& type : view.types) {
    words = std::max({words, words_of(type.params) + static_cast<std::uint32_t>(kIntArguments),
                      words_of(type.results)});
  }
  Layout layout;
  layout.tables = Layout::kArguments + (words + 1) / 2 * 16;
  layout.memories = layout.table(static_cast<std::uint32_t>(view.tables.size()));
  layout.globals = layout.memory(static_cast<std::uint32_t>(view.memories.size()));
  layout.bytes = layout.global(static_cast<std::uint32_t>(view.globals.size()));
  return layout;
}

}  // namespace

Program::Program(std::vector<std::byte> binary, wasm::ModuleView parsed, const ModuleInfo& about,
                 const GuestLimits& of_guests, std::shared_ptr<Shared> of_engine)
    : view(std::move(parsed)),
      layout(layout_of(view)),
      limits(of_guests),
      shared(std::move(of_engine)),
      binary_(std::move(binary)),
      info_(about),
      code_(shared->space) {}

Status Program::prepare(std::span<const Import> of_module, std::size_t yield_import,
                        std::span<const guest::go::EntryPoint> told) {
  imports = of_module;
  const std::uint32_t functions = view.functions();
  const CodePlace table = code_.place(functions * sizeof(FunctionEntry));
  const CodePlace stubs = code_.place(functions * kStubBytes);
  if (table.writable == nullptr || stubs.writable == nullptr) {
    return Error{"no room is left for the code of its functions"};
  }
  writable_entries_ = reinterpret_cast<FunctionEntry*>(table.writable);
  entries_ = reinterpret_cast<const FunctionEntry*>(table.runs);
  for (std::uint32_t i = 0; i < functions; ++i) {
    const std::size_t at = i * kStubBytes;
    const void* to = shared->stubs->lazy();
    if (i < view.imported_functions) {
      to = imports[i].wasi() == nullptr ? shared->stubs->embedder_call()
           : i == yield_import          ? shared->stubs->yield()
                                        : shared->stubs->host_call();
    }
    write_stub(stubs.writable + at, stubs.runs + at, i, to);
    const std::uint32_t type = view.types[view.function_types[i]].canonical;
    writable_entries_[i] = {stubs.runs + at, type, i};
  }
  options_.emplace(CompileOptions{
      .module = view,
      .layout = layout,
      .stubs = *shared->stubs,
      .entries = entries_,
      .lazy_begin = stubs.runs + view.imported_functions * kStubBytes,
      .lazy_end = stubs.runs + functions * kStubBytes,
      .told = told,
      .guard_pages = shared->guard_pages,
      .one_nan = limits.quantum != 0,
      .has_bmi = shared->has_bmi,
  });
  show_code();
  return Nothing{};
}

// --- code ---

const void* Program::compile(std::uint32_t function, const CompileStep& step) try {
  const bool in_steps = step && view.body(function).bytes > kLargeBody;
  while (in_steps && in_work_.contains(function)) wasip1::give_way();  // To who compiles it.
  if (is_compiled(function)) return entries_[function].code;
  if (in_steps) return compile_in_steps(function, step);
  shared->assembler.clear();
  CodeFacts facts = Compiler(*options_, shared->assembler).compile(function);
  return place_code(function, shared->assembler, std::move(facts)) ? entries_[function].code
                                                                   : nullptr;
} catch (const std::bad_alloc&) {
  return nullptr;
} catch (const CodeTooLarge&) {
  return nullptr;
} catch (const NotCompiled& what) {
  std::fprintf(stderr, "weft: no code for %s\n", std::string(wasm::info(what.op).name).c_str());
  WEFT_CHECK(false, "instructions that are not compiled are refused when a module is loaded");
  return nullptr;
} catch (const Xbyak::Error& error) {
  std::fprintf(stderr, "weft: xbyak: %s\n", error.what());
  WEFT_CHECK(false, "the encoder takes what the compiler gives it");
  return nullptr;
}

// Others compile meanwhile: so not in the shared assembler.
const void* Program::compile_in_steps(std::uint32_t function, const CompileStep& step) {
  struct Work {
    std::set<std::uint32_t>& all;
    const std::set<std::uint32_t>::iterator at;
    ~Work() { all.erase(at); }
  };
  const Work work{in_work_, in_work_.insert(function).first};
  const auto own = std::make_unique<Assembler>();
  CodeFacts facts = Compiler(*options_, *own).compile(function, step);
  return place_code(function, *own, std::move(facts)) ? entries_[function].code : nullptr;
}

bool Program::is_compiled(std::uint32_t function) const {
  const void* code = entries_[function].code;
  return code < options_->lazy_begin || code >= options_->lazy_end;
}

bool Program::place_code(std::uint32_t function, const Assembler& made, CodeFacts facts) {
  const CodePlace place = code_.place(made.position());
  if (place.writable == nullptr) return false;
  std::memcpy(place.writable, made.code(), made.position());
  for (const Reference& reference : made.references()) {
    const std::int64_t distance =
        static_cast<const std::uint8_t*>(reference.target) - (place.runs + reference.at + 4);
    WEFT_CHECK(distance == static_cast<std::int32_t>(distance), "all code is within 2 GiB");
    const auto displacement = static_cast<std::int32_t>(distance);
    std::memcpy(place.writable + reference.at, &displacement, 4);
  }
  if (facts.float_homes != 0) saves_floats = 1;
  facts.sites.shrink_to_fit();
  const auto placed =
      codes_.emplace(place.runs, Code{place.runs, made.position(), function, std::move(facts)});
  writable_entries_[function].code = place.runs;
  if (shared->perf_map != nullptr || shared->tells_gdb) name_code(placed.first->second);
  return true;
}

void Shared::name_stubs() {
  constexpr const char* kEnter = "weft_enter_guest";
  constexpr const char* kStubs = "weft_leave_guest";
  const auto* enter = reinterpret_cast<const void*>(stubs->enter());
  if (perf_map != nullptr) {
    perf_map->add(kEnter, enter, stubs->enter_bytes());
    perf_map->add(kStubs, stubs->begin(), stubs->bytes());
  }
  if (!tells_gdb) return;
  gdb_symbols.push_back(
      std::make_unique<GdbSymbol>(kEnter, enter, stubs->enter_bytes(), GdbSymbol::Code::enter));
  gdb_symbols.push_back(
      std::make_unique<GdbSymbol>(kStubs, stubs->begin(), stubs->bytes(), GdbSymbol::Code::stubs));
}

// For tools outside. What a module has for a name may hold any byte.
void Program::name_code(const Code& code) {
  std::string name = info_.describe_function(code.function);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (shared->perf_map != nullptr) shared->perf_map->add(name, code.begin, code.bytes);
  if (!shared->tells_gdb) return;
  gdb_symbols_.push_back(std::make_unique<GdbSymbol>(name, code.begin, code.bytes));
}

void Program::show_code() {
  const Stubs& stubs = *shared->stubs;
  shown_.emplace(CodeView::jit, binary_,
                 CodeView{.code = shared->space->runs(0),
                          .code_bytes = shared->space->bytes(),
                          .functions = entries_,
                          .function_count = view.functions(),
                          .enter = reinterpret_cast<const void*>(stubs.enter()),
                          .enter_bytes = stubs.enter_bytes(),
                          .stubs = stubs.begin(),
                          .stubs_bytes = stubs.bytes(),
                          .exit_address = offsetof(Context, exit_address)});
}

const Program::Code* Program::code_at(const void* address) const {
  const auto* at = static_cast<const std::uint8_t*>(address);
  const auto behind = codes_.upper_bound(at);
  if (behind == codes_.begin()) return nullptr;
  const Code& code = std::prev(behind)->second;
  return at < code.begin + code.bytes ? &code : nullptr;
}

std::size_t Program::exception_words(std::uint32_t tag) const {
  return words_of(view.type_of_tag(tag).params);
}

// --- traps ---

// In a fault's handler too: allocates nothing.
[[gnu::no_sanitize_address]] void Program::walk(TrapState& state, const void* address,
                                                const void* frame) const {
  state.frame_count = 0;
  while (code_at(address) != nullptr && state.frame_count < TrapState::kFramesMax) {
    state.frames[state.frame_count++] = address;
    const auto* words = static_cast<const std::uintptr_t*>(frame);
    address = reinterpret_cast<const void*>(words[1] - 1);
    frame = reinterpret_cast<const void*>(words[0]);
  }
}

void Program::describe(const TrapState& state, TrapReport& report) try {
  for (std::size_t i = 0; i < state.frame_count && report.frames.size() < kFramesMax; ++i) {
    const Code* code = code_at(state.frames[i]);
    if (code == nullptr) continue;
    if (i == 0) {
      const auto at = static_cast<std::uint32_t>(static_cast<const std::uint8_t*>(state.frames[i]) -
                                                 code->begin);
      const std::vector<Site>& sites = code->facts.sites;
      const auto behind =
          std::upper_bound(sites.begin(), sites.end(), at,
                           [](std::uint32_t value, const Site& site) { return value < site.code; });
      const std::uint32_t offset = behind == sites.begin() ? 0 : std::prev(behind)->offset;
      report.offset = is_of_function(report.kind) ? info_.code_offset(code->function) : offset;
    }
    report.frames.push_back(info_.describe_function(code->function));
  }
  wasip1::WorkToFinish turns;
  LinesStep step;  // Where safe points are counted nobody may run meanwhile.
  if (limits.quantum == 0) step = [&turns] { turns.give_way(); };
  report.source = info_.source_line(report.offset, step);
} catch (const std::bad_alloc&) {
  return;  // The kind is in the report; there is no memory for the rest.
}

}  // namespace weft::jit
