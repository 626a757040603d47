;; SPDX-License-Identifier: Apache-2.0
;; Divides by zero two calls deep. The report must say what happened and in which function.
(module
  (memory (export "memory") 1)
  (func $divide_by (param $divisor i32) (result i32)
    (i32.div_s (i32.const 1) (local.get $divisor)))
  (func $caller
    (drop (call $divide_by (i32.const 0))))
  (func (export "_start")
    (call $caller)))
