;; SPDX-License-Identifier: Apache-2.0
;; A legal recursion, 1,000 calls deep with a few locals each, then an end without a word.
(module
  (memory (export "memory") 1)
  (func $sum_to (param $n i32) (result i32)
    (local $a i64) (local $b i64)
    (if (result i32) (i32.eqz (local.get $n))
      (then (i32.const 0))
      (else (i32.add (local.get $n)
                     (call $sum_to (i32.sub (local.get $n) (i32.const 1)))))))
  (func (export "_start")
    (if (i32.ne (call $sum_to (i32.const 1000)) (i32.const 500500)) (then unreachable))))
