;; SPDX-License-Identifier: Apache-2.0
;; Calls the host 1,000 times, each a small answer written to memory, then gives way; for ever.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (local $left i32)
    (loop $again
      (local.set $left (i32.const 1000))
      (loop $call
        (drop (call $sizes (i32.const 16) (i32.const 20)))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $call (local.get $left)))
      (drop (call $yield))
      (br $again))))
