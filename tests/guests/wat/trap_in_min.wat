;; SPDX-License-Identifier: Apache-2.0
;; Takes the lesser of two numbers, of which the second lies beyond the memory: that load traps, and
;; neither the first one nor the comparison.
(module
  (memory (export "memory") 1)
  (global $far (mut i32) (i32.const 1))
  (func $lesser (result f64)
    (f64.min
      (f64.load offset=4096 (i32.const 5953))
      (f64.load offset=100
        (if (result i32) (global.get $far)
          (then (i32.const 746558730))
          (else (global.get $far))))))
  (func (export "_start") (f64.store (i32.const 0) (call $lesser))))
