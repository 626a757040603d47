// SPDX-License-Identifier: Apache-2.0
// The sections of what fills a module: elements, code, data.
#include "guest/wasm/module_reader.h"

namespace weft::wasm {

// The eight forms of an element segment: flags bit 0 passive or declared, bit 1 explicit table (or
// declared), bit 2 expressions instead of function indices.
void ModuleReader::read_element(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  const std::uint32_t flags = in.u32();
  if (flags > 7) ByteReader::fail_at("an unknown form of element segment", offset);
  const bool active = (flags & 1) == 0;
  const bool expressions = (flags & 4) != 0;
  Element element{};
  element.mode = active             ? Element::Mode::active
                 : (flags & 2) == 0 ? Element::Mode::passive
                                    : Element::Mode::declared;
  if (!active) use(Feature::bulk_memory, offset, "a passive or declared element segment");
  if (active && (flags & 2) != 0) element.table = in.u32();
  if (active) {
    if (element.table >= module_.tables.size()) {
      ByteReader::fail_at("an element segment for table " + std::to_string(element.table) +
                              ", there are only " + std::to_string(module_.tables.size()),
                          offset);
    }
    if (element.table != 0) use(Feature::reference_types, offset, "several tables");
    element.offset = read_constant(in, module_.tables[element.table].limits.address());
  }
  element.type = ValType::funcref;
  if ((flags & 3) != 0) {
    if (expressions) {
      element.type = read_ref_type(in);
      use(feature_of(element.type), offset, wasm::name(element.type));
    } else if (in.u8() != 0) {
      in.fail("an unknown kind of elements");
    }
  }
  if (active && element.type != module_.tables[element.table].element) {
    ByteReader::fail_at("type mismatch, an element segment of " +
                            std::string(wasm::name(element.type)) + " for a table of " +
                            std::string(wasm::name(module_.tables[element.table].element)),
                        offset);
  }
  read_element_items(in, expressions, element);
  module_.elements.push_back(std::move(element));
}

void ModuleReader::read_element_items(ByteReader& in, bool expressions, Element& element) {
  for (std::uint32_t n = in.count("elements", kElementsMax); n > 0; --n) {
    if (expressions) {
      element.expressions.push_back(read_constant(in, element.type));
      continue;
    }
    const std::uint32_t offset = in.offset();
    const std::uint32_t function = in.u32();
    if (function >= module_.functions()) {
      ByteReader::fail_at("an element that is function " + std::to_string(function) +
                              ", there are only " + std::to_string(module_.functions()),
                          offset);
    }
    module_.referenced[function] = true;
    element.functions.push_back(function);
  }
}

void ModuleReader::read_elements(ByteReader& in) {
  module_.referenced.resize(module_.functions());
  for (std::uint32_t n = in.count("element segments", kElementSegmentsMax); n > 0; --n) {
    read_element(in);
  }
}

// The segments come behind the code: their number can only be compared with what is left.
void ModuleReader::read_data_count(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  const std::uint32_t count = in.u32();
  if (count > kDataSegmentsMax) {
    ByteReader::fail_at("more than " + std::to_string(kDataSegmentsMax) + " data segments", offset);
  }
  if (count > module_.bytes.size() - offset) {
    ByteReader::fail_at("more data segments announced than bytes", offset);
  }
  module_.data_count = count;
}

void ModuleReader::read_code(ByteReader& in) {
  module_.code_section = in.offset();
  module_.referenced.resize(module_.functions());
  const std::uint32_t count = in.count("function bodies", kFunctionsMax);
  if (count != functions_declared_) {
    in.fail("the code of " + std::to_string(count) + " functions, where " +
            std::to_string(functions_declared_) + " are declared");
  }
  module_.bodies.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t size = in.u32();
    const std::uint32_t offset = in.offset();
    if (size > kFunctionBytesMax) in.fail("a function of more than 7,654,321 bytes");
    in.sub(size);
    module_.bodies.push_back({offset, size});
  }
}

void ModuleReader::read_segment(ByteReader& in) {
  const std::uint32_t offset = in.offset();
  const std::uint32_t flags = in.u32();
  if (flags > 2) ByteReader::fail_at("an unknown form of data segment", offset);
  Data data{};
  data.active = flags != 1;
  if (!data.active) use(Feature::bulk_memory, offset, "a passive data segment");
  if (flags == 2) data.memory = in.u32();
  if (data.active) {
    if (data.memory >= module_.memories.size()) {
      ByteReader::fail_at("a data segment for memory " + std::to_string(data.memory) +
                              ", there are only " + std::to_string(module_.memories.size()),
                          offset);
    }
    data.offset = read_constant(in, module_.memories[data.memory].limits.address());
  }
  const std::uint32_t length = in.u32();
  if (length > in.left()) in.fail("more bytes of data than bytes");
  const std::uint32_t begin = in.offset();
  in.take(length);
  data.bytes = module_.bytes.subspan(begin, length);
  module_.data.push_back(data);
}

void ModuleReader::read_data(ByteReader& in) {
  for (std::uint32_t n = in.count("data segments", kDataSegmentsMax); n > 0; --n) {
    read_segment(in);
  }
}

}  // namespace weft::wasm
