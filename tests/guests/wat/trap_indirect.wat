;; SPDX-License-Identifier: Apache-2.0
;; Calls a table entry whose type is not the expected one.
(module
  (memory (export "memory") 1)
  (type $takes_i64 (func (param i64)))
  (table funcref (elem $nothing))
  (func $nothing)
  (func $call_mismatch
    (call_indirect (type $takes_i64) (i64.const 1) (i32.const 0)))
  (func (export "_start")
    (call $call_mismatch)))
