;; SPDX-License-Identifier: Apache-2.0
;; Calls sched_yield 100,000 times, for the price of a yield.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $left i32)
    (local.set $left (i32.const 100000))
    (loop $again
      (if (call $sched_yield) (then unreachable))
      (br_if $again
        (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))
