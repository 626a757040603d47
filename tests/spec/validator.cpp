// SPDX-License-Identifier: Apache-2.0
// Reads paths of modules from standard input, a line each, and answers each with a line: "valid" or
// "refused: " and why. For tests/spec/validation.py.
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>

#include "guest/wasm/module_view.h"

int main() {
  std::string path;
  while (std::getline(std::cin, path)) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    const auto module =
        weft::wasm::read_module(std::as_bytes(std::span(bytes)), {.allow_shared_memory = true});
    std::cout << (module ? "valid" : "refused: " + module.error().message) << '\n' << std::flush;
  }
}
