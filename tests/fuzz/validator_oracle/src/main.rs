// SPDX-License-Identifier: Apache-2.0
// Reads modules from standard input, each behind its length (four bytes, the lowest first), and
// answers each with a length and a text: empty when the module is valid by WebAssembly 3.0 with
// threads and the older form of exceptions, else why it is not. Ends with its input.
use std::io::{Read, Write};

use wasmparser::{Validator, WasmFeatures};

fn main() -> std::io::Result<()> {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let features = WasmFeatures::WASM3 | WasmFeatures::THREADS | WasmFeatures::LEGACY_EXCEPTIONS;
    let mut length = [0u8; 4];
    while input.read_exact(&mut length).is_ok() {
        let mut module = vec![0u8; u32::from_le_bytes(length) as usize];
        input.read_exact(&mut module)?;
        let verdict = match Validator::new_with_features(features).validate_all(&module) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        output.write_all(&(verdict.len() as u32).to_le_bytes())?;
        output.write_all(verdict.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}
