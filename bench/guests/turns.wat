;; SPDX-License-Identifier: Apache-2.0
;; Computes for as many microseconds as its first argument says, then gives way; for ever.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; The first argument, in ns.
  (func $turn (result i64)
    (local $at i32)
    (local $turn i64)
    (drop (call $args (i32.const 96) (i32.const 1024)))
    (local.set $at (i32.load (i32.const 100)))
    (loop $digit
      (local.set $turn
        (i64.add (i64.mul (local.get $turn) (i64.const 10))
                 (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $digit (i32.load8_u (local.get $at))))
    (i64.mul (local.get $turn) (i64.const 1000)))
  (func $now (result i64)
    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 16)))
    (i64.load (i32.const 16)))
  (func $compute
    (local $left i32)
    (local.set $left (i32.const 50))
    (loop $on
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $on (local.get $left))))
  (func (export "_start")
    (local $turn i64)
    (local $end i64)
    (local.set $turn (call $turn))
    (loop $again
      (local.set $end (i64.add (call $now) (local.get $turn)))
      (loop $on
        (call $compute)
        (br_if $on (i64.lt_u (call $now) (local.get $end))))
      (drop (call $yield))
      (br $again))))
