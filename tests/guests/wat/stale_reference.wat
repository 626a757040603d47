;; SPDX-License-Identifier: Apache-2.0
;; Takes a reference from the stack and puts an integer into its place; then it yields, 1 to 64
;; times, while others like it end.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (elem declare func $f)
  (func $f)
  (func (export "_start") (local $left i32)
    (drop (call $random (i32.const 0) (i32.const 4)))
    (local.set $left (i32.add (i32.const 1) (i32.and (i32.load (i32.const 0)) (i32.const 63))))
    (drop (ref.is_null (ref.func $f)))
    (i64.const 0x0000414141414141)
    (loop $again
      (drop (call $yield))
      (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (drop)))
