;; SPDX-License-Identifier: Apache-2.0
;; A data segment that does not fit into the memory: making the instance traps.
(module
  (memory (export "memory") 1)
  (data (i32.const 65535) "too long")
  (func (export "_start")))
