// SPDX-License-Identifier: Apache-2.0
// See guest/wabt/interp_core.h. A Store of libwabt holds one module and all its instances, which
// share the decoded code. Each instance's memory is weft's.
//
// libwabt is built without exceptions: none may pass its frames, except std::bad_alloc from its own
// allocations, after which the instance is not used again.
#include "guest/wabt/interp_core.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "guest/wabt/own_code.h"
#include "guest/wabt/wabt_access.h"
#include "guest/wabt/without_customs.h"
#include "guest/wasm/instructions.h"

namespace weft::interp_core {
namespace {

// --- values as 64-bit words: Instance::call in guest/engine.h ---

std::size_t words_of(wi::ValueType type) {
  return type == wi::ValueType::V128 ? 2 : 1;
}

wi::Value value_from(GuestThread& thread, wi::ValueType type, const std::uint64_t* words) {
  const auto as = [words](auto value) {
    std::memcpy(&value, words, sizeof value);
    return wi::Value::Make(value);
  };
  switch (type) {
    case wi::ValueType::I32:
      return as(wi::u32{});
    case wi::ValueType::I64:
      return as(wi::u64{});
    case wi::ValueType::F32:
      return as(wi::f32{});
    case wi::ValueType::F64:
      return as(wi::f64{});
    case wi::ValueType::V128:
      return as(v128{});
    default:
      break;
  }
  if (*words == 0) return wi::Value::Make(wi::Ref::Null);
  const auto number = reinterpret_cast<void*>(static_cast<std::uintptr_t>(*words));
  thread.given.push_back(wi::Foreign::New(thread.store(), number));
  return wi::Value::Make(thread.given.back().ref());
}

void value_into(wi::Store& store, wi::ValueType type, const wi::Value& value,
                std::uint64_t* words) {
  *words = 0;
  const auto put = [words](auto bits) { std::memcpy(words, &bits, sizeof bits); };
  switch (type) {
    case wi::ValueType::I32:
      return put(value.Get<wi::u32>());
    case wi::ValueType::I64:
      return put(value.Get<wi::u64>());
    case wi::ValueType::F32:
      return put(value.Get<wi::f32>());
    case wi::ValueType::F64:
      return put(value.Get<wi::f64>());
    case wi::ValueType::V128:
      return put(value.Get<v128>());
    default:
      break;
  }
  const auto ref = value.Get<wi::Ref>();
  if (ref == wi::Ref::Null) return;
  *words = 1;
  if (type != wi::ValueType::ExternRef) return;
  const auto foreign = store.UnsafeGet<wi::Foreign>(ref);
  *words = reinterpret_cast<std::uintptr_t>(foreign->ptr());
}

// As many values as there are types. A reference that is not null becomes an object of the store.
wi::Values values_from(GuestThread& thread, const wi::ValueTypes& types,
                       const std::uint64_t* words) {
  wi::Values values;
  for (const wi::ValueType type : types) {
    values.push_back(value_from(thread, type, words));
    words += words_of(type);
  }
  return values;
}

void values_into(wi::Store& store, const wi::ValueTypes& types, const wi::Values& values,
                 std::uint64_t* words) {
  for (std::size_t i = 0; i < types.size(); ++i) {
    value_into(store, types[i], values[i], words);
    words += words_of(types[i]);
  }
}

// --- modules ---

wi::ValueTypes value_types(const std::string& letters) {
  wi::ValueTypes types;
  for (const char letter : letters) {
    types.push_back(letter == 'i'   ? wi::ValueType::I32
                    : letter == 'I' ? wi::ValueType::I64
                    : letter == 'f' ? wi::ValueType::F32
                                    : wi::ValueType::F64);
  }
  return types;
}

wabt::Result call_host(std::uint32_t import, const wi::FuncType& type, wi::Thread& thread,
                       const wi::Values& params, wi::Values& results, wi::Trap::Ptr* trap) {
  constexpr std::size_t kParamsMax = 16;
  auto& guest = static_cast<GuestThread&>(thread);
  std::uint64_t args[kParamsMax] = {};
  for (std::size_t i = 0; i < params.size() && i < kParamsMax; ++i) {
    value_into(thread.store(), type.params[i], params[i], args + i);
  }
  std::uint8_t* memory = guest.memory ? guest.memory->UnsafeData() : nullptr;
  const std::uint64_t bytes = guest.memory ? guest.memory->ByteSize() : 0;
  std::uint64_t result[2] = {};  // As large as any value.
  if (!guest.host.call(import, args, memory, bytes, result)) return leave(thread, trap);
  if (!results.empty()) results[0] = value_from(guest, type.results[0], result);
  return wabt::Result::Ok;
}

// --- modules ---

class WabtCode final : public Code {
 public:
  std::string decode(const std::string& name, const void* data, std::size_t bytes,
                     const Limits& limits, const TellEntries& told);
  void import_memory(wi::ModuleDesc& desc, const Limits& limits);
  void bind(const std::vector<ImportType>& types);

  [[nodiscard]] std::int64_t start_function() const override { return start_function_; }

  void instance_made() { ++live_; }

  // libwabt frees by mark and sweep over the whole store. So collect once there are as many dead
  // instances as live ones: the cost an instance stays constant.
  //
  // It would also mark what it takes for references on the stacks, and there it is wrong: a slot
  // stays on the list one pop too long, when it holds a value that the guest chose. The stacks
  // need no marking: an instance itself holds everything that can lie there: its functions, those
  // of the host, and what it was given (GuestThread).
  void instance_gone() {
    --live_;
    if (++dead_ < live_) return;
    for (wi::Thread* thread : store.threads()) wabt_access::clear_refs(*thread);
    store.Collect();
    dead_ = 0;
  }

  [[nodiscard]] std::uint32_t memory_pages_max() const override {
    return memory_ ? static_cast<std::uint32_t>(memory_->limits.max) : 0;
  }
  [[nodiscard]] const wi::MemoryType* memory() const { return memory_ ? &*memory_ : nullptr; }
  // Where a function's own code begins.
  [[nodiscard]] wi::Istream::Offset body_of(const wi::DefinedFunc& func) const {
    const wi::Istream::Offset begin = func.desc().code_offset;
    const auto moved = bodies_.find(begin);
    return moved != bodies_.end() ? moved->second : begin;
  }
  // The index of one of weft's own functions.
  [[nodiscard]] std::uint32_t index_of(Own own) const { return functions_ + own; }
  [[nodiscard]] const std::vector<wi::HostFunc::Ptr>& own() const { return own_; }

  wi::Store store;
  wi::Module::Ptr module;
  wi::RefVec imports;

 private:
  std::vector<wi::HostFunc::Ptr> host_functions_;  // Keep what `imports` refers to.
  std::vector<wi::HostFunc::Ptr> own_;             // By Own; of kGrowTable one a table.
  std::optional<wi::MemoryType> memory_;
  wi::ValueTypes table_types_;
  std::unordered_map<wi::Istream::Offset, wi::Istream::Offset> bodies_;  // Of those that tell.
  std::uint32_t functions_ = 0;                                          // Of the module.
  std::int64_t start_function_ = -1;
  std::size_t live_ = 0;
  std::size_t dead_ = 0;
};

// Gives a memory or a table at most `most` of its units.
void cap(wabt::Limits& size, std::uint64_t most) {
  size.max = size.has_max ? std::min<std::uint64_t>(size.max, most) : most;
  size.has_max = true;
}

std::string WabtCode::decode(const std::string& name, const void* data, std::size_t bytes,
                             const Limits& limits, const TellEntries& told) {
  wabt::Errors errors;
  wi::ModuleDesc desc;
  const wabt::ReadBinaryOptions options(store.features(), nullptr, false, true, false);
  const WithoutCustoms plain(data, bytes);
  if (wabt::Failed(
          wi::ReadBinaryInterp(name, plain.data(), plain.bytes(), options, &errors, &desc))) {
    // The front has proved it valid.
    if (errors.empty()) return "the engine interp can't read the module";
    return "the engine interp can't read the module: " + errors.front().message + " at byte " +
           std::to_string(errors.front().loc.offset);
  }
  functions_ = static_cast<std::uint32_t>(desc.imports.size() + desc.funcs.size());
  call_own(desc.istream, functions_);
  for (const Told& function : told.functions) {
    wi::FuncDesc& func = desc.funcs[function.function - desc.imports.size()];
    const wi::Istream::Offset begin =
        tell(desc.istream, functions_, function, told, func.code_offset);
    bodies_.emplace(begin, std::exchange(func.code_offset, begin));
  }
  import_memory(desc, limits);
  for (wi::TableDesc& table : desc.tables) {
    cap(table.type.limits, limits.table_elements_max);
    table_types_.push_back(table.type.element);
  }
  // The start function is to run in slices like all else, so libwabt must not run it when it
  // instantiates.
  if (!desc.starts.empty()) start_function_ = desc.starts.front().func_index;
  desc.starts.clear();
  module = wi::Module::New(store, std::move(desc));
  return {};
}

// Its memory becomes an import, the last one: so weft decides where it lies.
void WabtCode::import_memory(wi::ModuleDesc& desc, const Limits& limits) {
  if (desc.memories.empty()) return;
  memory_ = desc.memories.front().type;
  cap(memory_->limits, limits.memory_pages_max);
  desc.memories.clear();
  desc.imports.push_back({wi::ImportType("weft", "memory", memory_->Clone())});
}

void WabtCode::bind(const std::vector<ImportType>& types) {
  own_ = make_own(store, table_types_);
  for (const ImportType& type : types) {
    const auto index = static_cast<std::uint32_t>(imports.size());
    const wi::FuncType of(value_types(type.params), value_types(type.results));
    auto callback = [index, of](wi::Thread& thread, const wi::Values& params, wi::Values& results,
                                wi::Trap::Ptr* trap) {
      return call_host(index, of, thread, params, results, trap);
    };
    host_functions_.push_back(wi::HostFunc::New(store, of, callback));
    imports.push_back(host_functions_.back().ref());
  }
}

// As in the module's binary, of which the interpreter keeps one instruction for each of these.
bool may_trap(wabt::Opcode op) {
  const wasm::Op known = op.HasPrefix()       ? wasm::op_of(op.GetPrefix(), op.GetCode())
                         : op.GetCode() < 256 ? wasm::op_of(static_cast<std::uint8_t>(op.GetCode()))
                                              : wasm::kNoOp;
  return known != wasm::kNoOp && wasm::info(known).trap == wasm::Trap::may;
}

class WabtRun final : public Run {
 public:
  WabtRun(std::shared_ptr<WabtCode> code, Host& host)
      : code_(std::move(code)), thread_(std::make_unique<GuestThread>(code_->store, host)) {
    code_->instance_made();
  }
  ~WabtRun() override {
    if (thread_->memory) wabt_access::set_bytes(*thread_->memory, nullptr, 0);
    instance_.reset();
    thread_.reset();
    code_->instance_gone();
  }
  WabtRun(const WabtRun&) = delete;
  WabtRun& operator=(const WabtRun&) = delete;

  void set_memory(std::uint8_t* bytes, std::uint32_t pages) override {
    if (!thread_->memory) {
      wi::MemoryType type = *code_->memory();
      type.limits.initial = 0;
      thread_->memory = wi::Memory::New(code_->store, type);
    }
    wabt_access::type(*thread_->memory).limits.initial = pages;
    wabt_access::set_bytes(*thread_->memory, bytes, pages);
  }

  Step instantiate() override {
    return guarded([this] {
      wi::Trap::Ptr trap;
      wi::RefVec imports = code_->imports;
      if (thread_->memory) imports.push_back(thread_->memory.ref());
      instance_ = wi::Instance::Instantiate(code_->store, code_->module.ref(), imports, &trap);
      if (!instance_) return trapped(trap);
      auto& functions = const_cast<wi::RefVec&>(instance_->funcs());
      for (const auto& own : code_->own()) functions.push_back(own.ref());
      for (const wi::Ref table : instance_->tables()) {
        thread_->tables.push_back(code_->store.UnsafeGet<wi::Table>(table).get());
      }
      return Step::ran;
    });
  }

  Step begin(std::uint32_t function, const std::uint64_t* values) override {
    return guarded([this, function, values] {
      const auto func = code_->store.UnsafeGet<wi::Func>(instance_->funcs()[function]);
      wi::Trap::Ptr trap;
      wabt_access::clear(*thread_);
      if (auto* defined = wabt::dyn_cast<wi::DefinedFunc>(func.get())) {
        results_ = defined->type().results;
        const wi::ValueTypes& params = defined->type().params;
        wabt_access::push_values(*thread_, params, values_from(*thread_, params, values));
        const auto pushed = wabt_access::push_call(*thread_, *defined, &trap);
        return pushed == wi::RunResult::Trap ? trapped(trap) : Step::ran;
      }
      wi::Values none;
      return wabt::Succeeded(func->Call(*thread_, {}, none, &trap)) ? Step::returned
                                                                    : trapped(trap);
    });
  }

  void take_results(std::uint64_t* values) override {
    wi::Values results;
    wabt_access::pop_values(*thread_, results_, &results);
    values_into(code_->store, results_, results, values);
  }

  Step run(int instructions) override {
    return guarded([this, instructions] {
      wi::Trap::Ptr trap;
      wabt_access::clear_refs(*thread_);  // It only grows: see instance_gone().
      switch (thread_->Run(instructions, &trap)) {
        case wi::RunResult::Ok:
          return Step::ran;
        case wi::RunResult::Return:
          return Step::returned;
        case wi::RunResult::Trap:
          return trapped(trap);
        case wi::RunResult::Exception:
          break;
      }
      trap_message_ = "uncaught exception";
      return Step::trapped;
    });
  }

  void make_room(std::size_t calls) override {
    auto& frames = wabt_access::frames(*thread_);
    if (frames.capacity() - frames.size() > calls) return;
    frames.reserve(std::max(frames.capacity() * 2, frames.size() + calls + 1));
  }

  [[nodiscard]] std::size_t call_depth() const override {
    return wabt_access::frames(*thread_).size();
  }
  [[nodiscard]] std::size_t values() const override { return wabt_access::values(*thread_).size(); }
  [[nodiscard]] const std::string& trap_message() const override { return trap_message_; }

  [[nodiscard]] std::size_t trapped_at() const override {
    const auto& frames = wabt_access::frames(*thread_);
    if (!instance_) return 0;
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      const auto func = code_->store.UnsafeGet<wi::Func>(frame->func);
      const auto* defined = wabt::dyn_cast<wi::DefinedFunc>(func.get());
      if (defined != nullptr) return traps_up_to(*defined, frame->offset);
    }
    return 0;
  }

  [[nodiscard]] std::vector<std::uint32_t> call_stack(std::size_t max) const override {
    std::vector<std::uint32_t> stack;
    if (!instance_) return stack;
    const auto& functions = instance_->funcs();
    const auto& frames = wabt_access::frames(*thread_);
    for (auto frame = frames.rbegin(); frame != frames.rend() && stack.size() < max; ++frame) {
      const auto func = code_->store.UnsafeGet<wi::Func>(frame->func);
      if (!wabt::isa<wi::DefinedFunc>(func.get())) continue;
      const auto at = std::find(functions.begin(), functions.end(), frame->func);
      if (at != functions.end())
        stack.push_back(static_cast<std::uint32_t>(at - functions.begin()));
    }
    return stack;
  }

  [[nodiscard]] std::uint32_t global32(std::uint32_t index) const override {
    if (!instance_ || index >= instance_->globals().size()) return 0;
    const auto global = code_->store.UnsafeGet<wi::Global>(instance_->globals()[index]);
    return global->type().type == wi::ValueType::I32 ? global->UnsafeGet<std::uint32_t>() : 0;
  }

 private:
  // How many instructions that may trap there are in the function, up to and with the one that ends
  // here; 0 when that one can't trap.
  [[nodiscard]] std::size_t traps_up_to(const wi::DefinedFunc& func,
                                        wi::Istream::Offset end) const {
    const wi::Istream& code = code_->module->desc().istream;
    std::size_t passed = 0;
    for (wi::Istream::Offset at = code_->body_of(func); at < end;) {
      const wi::Instr instr = code.Read(&at);
      const bool is_own =
          instr.op == wabt::Opcode::InterpCallImport &&
          (instr.imm_u32 == code_->index_of(kFill) || instr.imm_u32 == code_->index_of(kCopy));
      const bool counts = is_own || may_trap(instr.op);
      if (counts) ++passed;
      if (at >= end) return counts ? passed : 0;
    }
    return 0;
  }

  Step trapped(const wi::Trap::Ptr& trap) {
    trap_message_ = trap->message();
    return Step::trapped;
  }

  // A vector of libwabt's that can't grow is the guest's memory that ran out.
  template <class F>
  static Step guarded(F&& f) try {
    return f();
  } catch (const std::bad_alloc&) {
    return Step::out_of_memory;
  } catch (const std::length_error&) {
    return Step::out_of_memory;
  }

  std::shared_ptr<WabtCode> code_;
  std::unique_ptr<GuestThread> thread_;
  wi::Instance::Ptr instance_;
  wi::ValueTypes results_;  // Of the function that begin() named.
  std::string trap_message_;
};

}  // namespace

std::shared_ptr<Code> Code::load(const std::string& name, const void* data, std::size_t bytes,
                                 const Limits& limits, const std::vector<ImportType>& imports,
                                 const TellEntries& told, std::string* error) try {
  auto code = std::make_shared<WabtCode>();
  *error = code->decode(name, data, bytes, limits, told);
  if (!error->empty()) return nullptr;
  code->bind(imports);
  return code;
} catch (const std::bad_alloc&) {
  *error = "there is not enough memory to load the module";
  return nullptr;
} catch (const std::length_error&) {
  *error = "there is not enough memory to load the module";
  return nullptr;
}

std::unique_ptr<Run> Run::make(const std::shared_ptr<Code>& code, Host& host) {
  return std::make_unique<WabtRun>(std::static_pointer_cast<WabtCode>(code), host);
}

}  // namespace weft::interp_core
