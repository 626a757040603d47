// SPDX-License-Identifier: Apache-2.0
// What to say about an unknown word: the known word that looks like it, or, for an option of
// another runtime, what weft has in its place.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weft::tools {

// The known word that is one or two slips away from this one; empty: none is.
std::string closest(std::string_view word, std::span<const std::string> known);

// "; did you mean '--deadline'?", or empty.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

// For an option of wasmtime or wasmer ("--mapdir=a", "-W"): "; weft has --dir HOST::GUEST". Empty
// for every other word.
std::string in_place_of(std::string_view option);

}  // namespace weft::tools
