;; SPDX-License-Identifier: Apache-2.0
;; Calls through a table index that does not exist.
(module
  (memory (export "memory") 1)
  (type $none (func))
  (table 1 1 funcref)
  (func $call_beyond
    (call_indirect (type $none) (i32.const 7)))
  (func (export "_start")
    (call $call_beyond)))
