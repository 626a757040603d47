// SPDX-License-Identifier: Apache-2.0
// Runs a WASI program in node: node tests/wasm/node_wasi.mjs PROGRAM.wasm ARGUMENT...
import fs from "node:fs";
import { WASI } from "node:wasi";

const [, , path, ...args] = process.argv;
const wasi = new WASI({ version: "preview1", args: [path, ...args], env: {} });
const module = await WebAssembly.compile(fs.readFileSync(path));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
