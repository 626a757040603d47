// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/interp_values.h"

#include <cstring>

namespace weft::interp_core {

namespace wi = wabt::interp;

namespace {

std::size_t words_of(wi::ValueType type) {
  return type == wi::ValueType::V128 ? 2 : 1;
}

wi::Value value_from(wi::Store& store, wi::ValueType type, const std::uint64_t* words) {
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
  return wi::Value::Make(wi::Foreign::New(store, number).ref());
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

}  // namespace

wi::Values values_from(wi::Store& store, const wi::ValueTypes& types, const std::uint64_t* words) {
  wi::Values values;
  for (const wi::ValueType type : types) {
    values.push_back(value_from(store, type, words));
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

}  // namespace weft::interp_core
