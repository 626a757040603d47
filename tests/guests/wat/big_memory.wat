;; SPDX-License-Identifier: Apache-2.0
;; Declares 65,536 pages, all of the 4 GiB that wasm32 can name, and touches only the first.
(module
  (memory (export "memory") 65536)
  (func (export "_start") (i32.store (i32.const 0) (i32.const 1))))
