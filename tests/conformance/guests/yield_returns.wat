;; SPDX-License-Identifier: Apache-2.0
;; sched_yield returns 0, and proc_exit ends the guest at once: with 7, or with 8 if it did not.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (if (call $sched_yield) (then (call $proc_exit (i32.const 9))))
    (call $proc_exit (i32.const 7))
    (call $proc_exit (i32.const 8))))
