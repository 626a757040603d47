;; SPDX-License-Identifier: Apache-2.0
;; Reads the clock 1,000 times, which a recording writes down, then gives way; for ever.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $time (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (local $left i32)
    (loop $again
      (local.set $left (i32.const 1000))
      (loop $call
        (drop (call $time (i32.const 1) (i64.const 0) (i32.const 16)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $call (local.get $left)))
      (drop (call $yield))
      (br $again))))
