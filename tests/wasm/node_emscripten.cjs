// SPDX-License-Identifier: Apache-2.0
// Runs a program of Emscripten in node: node tests/wasm/node_emscripten.cjs PROGRAM.js ARGUMENT...
// Emscripten 3.1.6 knows no node that has fetch(): without it the module is read as a file.
delete globalThis.fetch;
process.argv.splice(1, 1);
process.argv[1] = require("path").resolve(process.argv[1]);
require(process.argv[1]);
