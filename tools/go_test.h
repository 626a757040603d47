// SPDX-License-Identifier: Apache-2.0
// weft test --go: from a Go package to a test binary that weft can explore.
//
//   weft test --go ./pkg -run TestX --seeds 1000
//     ─▶ GOOS=wasip1 GOARCH=wasm go test -c -o pkg.test.wasm ./pkg
//     ─▶ weft test --leaks ... --seeds 1000 pkg.test.wasm -test.timeout=10m -test.parallel=8
//        -test.run=TestX
//
// The binary stays in the working directory, as that of "go test -c" does: a replay needs it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace weft::tools {

// The words behind "test", with --go and what is Go's replaced as above; unchanged without --go.
// Builds the test binary. The error says what the go command could not do.
Result<std::vector<std::string>> expand_go_test(const std::vector<std::string>& args);

}  // namespace weft::tools
