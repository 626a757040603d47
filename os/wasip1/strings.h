// SPDX-License-Identifier: Apache-2.0
// Lists of strings as args_get and environ_get return them: an array of addresses, and a buffer
// with the strings one after the other, each with a terminating zero.
#pragma once

#include <string>
#include <vector>

#include "os/wasip1/memory.h"

namespace weft::wasip1 {

// The bytes that the strings need, terminators included. EOVERFLOW: more than a guest can count.
Errno strings_size(const std::vector<std::string>& strings, Size& bytes);

// Writes the addresses at `pointers` and the strings at `buffer`. EFAULT: either does not fit;
// nothing is written then.
Errno store_strings(Memory memory, const std::vector<std::string>& strings, Size pointers,
                    Size buffer);

// Writes the count and the size of the strings.
Errno store_strings_sizes(Memory memory, const std::vector<std::string>& strings, Size count,
                          Size size);

}  // namespace weft::wasip1
