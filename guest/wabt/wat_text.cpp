// SPDX-License-Identifier: Apache-2.0
#include "guest/wabt/wat_text.h"

#include <memory>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <wabt/binary-writer.h>
#include <wabt/error.h>
#include <wabt/ir.h>
#include <wabt/stream.h>
#include <wabt/validator.h>
#include <wabt/wast-lexer.h>
#include <wabt/wast-parser.h>
#pragma GCC diagnostic pop

namespace weft {
namespace {

std::string first_of(const wabt::Errors& errors) {
  if (errors.empty()) return "it is not WebAssembly text";
  const wabt::Error& error = errors.front();
  return std::to_string(error.loc.line) + ":" + std::to_string(error.loc.first_column) + ": " +
         error.message;
}

}  // namespace

std::string wat_to_binary(const std::string& text, std::vector<std::uint8_t>& out) {
  wabt::Errors errors;
  const wabt::Features features;
  auto lexer = wabt::WastLexer::CreateBufferLexer("", text.data(), text.size(), &errors);
  std::unique_ptr<wabt::Module> module;
  wabt::WastParseOptions options(features);
  if (wabt::Failed(wabt::ParseWatModule(lexer.get(), &module, &errors, &options)) ||
      wabt::Failed(wabt::ValidateModule(module.get(), &errors, wabt::ValidateOptions(features)))) {
    return first_of(errors);
  }
  wabt::MemoryStream stream;
  wabt::WriteBinaryOptions writing;
  writing.features = features;
  writing.write_debug_names = true;
  if (wabt::Failed(wabt::WriteBinaryModule(&stream, module.get(), writing))) {
    return "it can't be written as a binary";
  }
  out = stream.output_buffer().data;
  return {};
}

}  // namespace weft
